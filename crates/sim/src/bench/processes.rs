//! The processes that a bench starts: the providers and the server, both by this same program.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::machine;
use crate::providers::{Options, env};

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// The last lines of a process that are shown when it fails.
const SHOWN: usize = 5;
/// The bench's own scenario.
pub const SCENARIO: &str = "bench";

const GREETING: &str = "Hello, this is the bench.";
/// What the model says: in the first sentence it names the mark, so that the voice's request can be told.
const REPLIES: [&str; 2] = [
    "For {mark} we are open until nine tonight. Would that suit you?",
    "The price of {mark} is ninety dollars. Shall I put it aside?",
];
const HEARD: [&str; 2] = [
    "I would like to ask about {mark} this evening.",
    "Please tell me what {mark} costs these days.",
];

/// The flag of this program by which it [ends with its standard input](end_with_stdin).
const WITH_STDIN: &str = "--end-with-stdin";

/// Ends this process when its standard input does. What a bench starts has a pipe there, of which the bench holds the other end: if
/// it is killed, the system closes that, and nothing is left behind.
pub fn end_with_stdin() {
    std::thread::spawn(|| {
        // A standard input that cannot be read is at its end too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(1);
    });
}

/// A process that is ended with this, or when this process is.
pub struct Process {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Process {
    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The providers' twins: they do not recognise what is said but mark it, and answer after these times. Blocking.
///
/// # Errors
/// When they do not start.
pub fn providers(folder: &Path, model_ms: u64, voice_ms: u64) -> anyhow::Result<Process> {
    let script = folder.join("providers.toml");
    std::fs::write(&script, script_text()).context("the script of the providers")?;
    let mut command = own("sim")?;
    command
        .args(["--port", "0", "--script"])
        .arg(script)
        .args(["--knob", &format!("openai.chat:delay_ms={model_ms}")])
        .args(["--knob", &format!("cartesia.context:delay_ms={voice_ms}")]);
    start(command, None, "the providers", &["are played on http://"])
}

/// A server with its files in `folder` that uses these providers. Blocking.
///
/// # Errors
/// When it does not start.
pub fn server(
    folder: &Path,
    providers: &Process,
    (calls, core): (u32, Option<usize>),
) -> anyhow::Result<Process> {
    let scenarios = folder.join("data/scenarios");
    std::fs::create_dir_all(&scenarios).context("the folder of the server")?;
    std::fs::write(scenarios.join(format!("{SCENARIO}.toml")), scenario_text())
        .context("the scenario of the bench")?;
    let mut command = own("serve")?;
    let settings = env(&providers.url, &Options::default());
    command
        .current_dir(folder)
        .envs(settings.lines().filter_map(|line| line.split_once('=')))
        .envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("RECORDING", "true")])
        .envs([("STT", "deepgram"), ("TTS", "cartesia")])
        .env("DEFAULT_SCENARIO", SCENARIO)
        .env("MAX_CALLS", (calls + 10).to_string())
        .env("MAX_CONNECTIONS", (4 * calls + 100).to_string())
        .env("DATA_DIR", folder.join("data"))
        .env("LOG_DIR", folder.join("logs"));
    let ready = ["Ringback is listening: http://", "spoken in advance"];
    start(command, core, "the server", &ready)
}

/// This program with a command, and nothing of its environment but where caches and programs are.
fn own(word: &str) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("the file of this program")?;
    let mut command = Command::new(program);
    let kept = ["HOME", "XDG_CACHE_HOME", "PATH", "POCKETSPHINX_DIR"];
    command
        .args([WITH_STDIN, word])
        .env_clear()
        .envs(
            kept.into_iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// Starts it and waits until it has said all of `ready`, of which the first ends with the beginning of its address.
fn start(
    mut command: Command,
    core: Option<usize>,
    name: &str,
    ready: &[&str],
) -> anyhow::Result<Process> {
    let mut child =
        machine::spawn_on(core, &mut command).with_context(|| format!("starting {name}"))?;
    let lines = lines(&mut child);
    let mut process = Process {
        child,
        url: String::new(),
    };
    let mut missing: Vec<&str> = ready.to_vec();
    let mut said: Vec<String> = Vec::new();
    let begun = Instant::now();
    while !missing.is_empty() {
        match lines.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            Ok(line) => {
                if let Some((_, rest)) = line.split_once(ready[0]) {
                    let address = rest.split_whitespace().next().unwrap_or_default();
                    process.url = format!("http://{}", address.trim_end_matches('/'));
                }
                missing.retain(|wanted| !line.contains(wanted));
                said.push(line);
            }
            Err(why) => {
                let last = said.len().saturating_sub(SHOWN);
                let last = said[last..].join("\n  ");
                match why {
                    RecvTimeoutError::Timeout => bail!(
                        "{name} is not ready after {} s; it said last:\n  {last}",
                        PATIENCE.as_secs()
                    ),
                    RecvTimeoutError::Disconnected => bail!("{name} ended:\n  {last}"),
                }
            }
        }
    }
    // What it says later is read too, by the threads, so that no full pipe holds it up.
    Ok(process)
}

fn lines(child: &mut Child) -> Receiver<String> {
    let (told, lines) = channel();
    let outputs: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|pipe| Box::new(pipe) as _),
        child.stderr.take().map(|pipe| Box::new(pipe) as _),
    ];
    for output in outputs.into_iter().flatten() {
        let told = told.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody listens any more once it is ready.
                let _ = told.send(line);
            }
        });
    }
    lines
}

fn script_text() -> String {
    let heard: Vec<String> = HEARD.iter().map(|line| format!("{line:?}")).collect();
    let replies = REPLIES.map(|text| format!("[[reply]]\ntext = {text:?}\n"));
    format!("heard = [{}]\n{}", heard.join(", "), replies.concat())
}

fn scenario_text() -> String {
    format!(
        "persona = \"You answer the telephone of a shop.\"\nprompt = \"Answer briefly.\"\n\
         [greeting]\ninbound = \"{GREETING}\"\n[[responder]]\nprovider = \"openai\"\n"
    )
}

/// The shortest reply of the model, for the length of its speech.
#[must_use]
pub fn shortest_reply() -> String {
    let plain = REPLIES.map(|text| text.replace("{mark} ", ""));
    plain
        .into_iter()
        .min_by_key(String::len)
        .unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::providers::Script;

    #[test]
    fn the_script_marks_what_is_heard_and_said_first() {
        let script = Script::parse(&script_text()).unwrap();
        assert!(script.heard.iter().all(|line| line.contains("{mark}")));
        for reply in &script.replies {
            let first = reply.text.split(['.', '?']).next().unwrap();
            assert!(first.contains("{mark}"), "{first}");
        }
        assert!(!shortest_reply().contains('{'));
    }
}
