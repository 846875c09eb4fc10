//! `ringback bench`: many calls at once against a server, and what they cost it.
//!
//! The server and the providers are processes of their own, started from this same program, so that each one's processor
//! time and memory can be read. The callers are played here: their speech is made once and shared. What the server adds
//! is taken from outside: the providers stamp marked utterances by the machine's monotonic clock, and so do the telephones.

mod args;
mod callers;
pub mod machine;
pub mod plan;
mod processes;
mod progress;
mod record;
pub mod report;
mod run;
pub mod spread;
pub mod stages;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ringback_audio::RATE_HZ;
use tempfile::TempDir;

pub use args::BenchArgs;
pub use processes::end_with_stdin;

use crate::caller::clip::Clip;
use crate::caller::render::Voice;
use crate::providers::Stamped;
use plan::{Lines, Schedule};
use processes::Process;
use progress::Progress;
use report::{Report, Run};
use run::Target;

/// Without a pause within, so that each is one utterance.
const QUESTIONS: [&str; 2] = [
    "I would like to ask about your opening hours this evening",
    "please tell me what it costs these days with delivery",
];
const INTERRUPTION: &str = "I have got another question about that";

/// Makes all the runs, and prints their figures.
///
/// # Errors
/// One line, when they cannot be made.
pub fn bench(args: &BenchArgs) -> anyhow::Result<Report> {
    if let Some(core) = args.core {
        machine::keep_off(core)?;
    }
    machine::allow_files();
    if let Some(path) = args.json.as_deref().filter(|path| !is_stdout(path)) {
        std::fs::write(path, "")
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    let length = Duration::from_secs(args.seconds);
    let stagger = args.stagger.map(Duration::from_millis);
    let schedule = |&calls: &u32| Schedule::new(calls, length, stagger);
    let schedules: Vec<_> = args.calls.iter().map(schedule).collect::<Result<_, _>>()?;
    let lines = lines(args.server.is_none())?;
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        cores: machine::cores() + usize::from(args.core.is_some()),
        server_core: args.core,
        server: args.server.clone(),
        seconds: args.seconds,
        providers_ms: args
            .server
            .is_none()
            .then_some((args.model_ms, args.voice_ms)),
        runs: Vec::new(),
    };
    for (&calls, schedule) in args.calls.iter().zip(schedules) {
        let progress = Progress::of(calls);
        progress.say("starting");
        let house = House::open(args, calls)?;
        let run = one(args, &house, (calls, schedule), (&lines, &progress))?;
        report.runs.push(run);
    }
    print(&report, args.json.as_deref())?;
    Ok(report)
}

/// A run: its callers have threads of their own, which end with it.
fn one(
    args: &BenchArgs,
    house: &House,
    (calls, schedule): (u32, Schedule),
    (lines, progress): (&Lines, &Progress),
) -> anyhow::Result<Run> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime")?;
    let target = Target {
        url: house.url(args)?,
        server: house.own.as_ref().map(|own| own.server.pid()),
        providers: house.own.as_ref().map(|own| own.providers.pid()),
        token: args
            .auth_token
            .as_ref()
            .and_then(|token| token.0.clone())
            .filter(|_| args.server.is_some()),
    };
    let callers = target.callers(calls, lines, (args.seconds, args.speech))?;
    let made = runtime.block_on(async {
        // The processes that were started must not outlive this one.
        tokio::select! {
            made = target.run(callers, schedule, progress) => made,
            told = terminated() => Err(told.err().unwrap_or_else(|| anyhow::anyhow!("ended by SIGTERM"))),
        }
    });
    progress.say("reading what the server and the providers wrote");
    let made = made?;
    let stamped = runtime.block_on(house.stamped())?;
    let files = house.own.as_ref().map(|own| own.recordings());
    runtime.shutdown_background();
    made.figures(calls, schedule, stamped, files)
}

async fn terminated() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate()).context("waiting for signals")?;
    terminated.recv().await;
    Ok(())
}

/// The server that is called, and all that was started for it.
struct House {
    own: Option<Own>,
}

struct Own {
    server: Process,
    providers: Process,
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl House {
    fn open(args: &BenchArgs, calls: u32) -> anyhow::Result<Self> {
        if args.server.is_some() {
            return Ok(Self { own: None });
        }
        let (folder, temporary) = match &args.keep {
            Some(keep) => (
                std::path::absolute(keep)?.join(format!("{calls}-calls")),
                None,
            ),
            None => {
                let folder = tempfile::tempdir().context("a temporary folder")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let providers = processes::providers(&folder, args.model_ms, args.voice_ms)?;
        let server = processes::server(&folder, &providers, (calls, args.core))?;
        Ok(Self {
            own: Some(Own {
                server,
                providers,
                folder,
                _temporary: temporary,
            }),
        })
    }

    /// The voice webhook.
    fn url(&self, args: &BenchArgs) -> anyhow::Result<url::Url> {
        let (base, usual) = match (&self.own, &args.server) {
            (Some(own), _) => (own.server.url.as_str(), Some(processes::SCENARIO)),
            (None, Some(server)) => (server.as_str(), None),
            (None, None) => anyhow::bail!("there is no server to call"),
        };
        crate::twilio::webhook::voice_url(base, args.scenario.as_deref().or(usual))
    }

    async fn stamped(&self) -> anyhow::Result<Option<Stamped>> {
        let Some(own) = &self.own else {
            return Ok(None);
        };
        let client = reqwest::Client::builder().no_proxy().build();
        let url = format!("{}/sim/stamps", own.providers.url);
        let answer = client.context("the HTTP client")?.get(url).send();
        let text = answer.await?.error_for_status()?.text().await;
        let stamped = serde_json::from_str(&text.context("the providers' stamps")?);
        Ok(Some(stamped.context("the providers' stamps")?))
    }
}

impl Own {
    fn recordings(&self) -> PathBuf {
        self.folder.join("data/recordings")
    }
}

/// Makes what the callers say. `knows_replies` says that the length of the replies is known too.
fn lines(knows_replies: bool) -> anyhow::Result<Lines> {
    let voice = Voice::named("pico")?;
    let say = |text: &str| -> anyhow::Result<Arc<Clip>> { Ok(Arc::new(trimmed(voice.say(text)?))) };
    let reply_ms = match knows_replies {
        true => voice.say(&processes::shortest_reply())?.ms(),
        false => 0,
    };
    Ok(Lines {
        questions: QUESTIONS.into_iter().map(say).collect::<Result<_, _>>()?,
        interruption: say(INTERRUPTION)?,
        reply_ms,
    })
}

/// Without the silence around its sound.
fn trimmed(clip: Clip) -> Clip {
    let sound = clip.sound.clone();
    // The end of a word fades for longer than it is audible.
    let end = (sound.end + RATE_HZ as usize / 20).min(clip.samples.len());
    Clip {
        samples: clip.samples[sound.start..end].to_vec(),
        sound: 0..sound.len(),
        ..clip
    }
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

fn print(report: &Report, json: Option<&Path>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let text = || serde_json::to_string_pretty(report);
    match json {
        Some(path) if is_stdout(path) => {
            writeln!(out, "{}", text()?).context("writing the figures")
        }
        other => {
            if let Some(path) = other {
                let written = std::fs::write(path, text()? + "\n");
                written.with_context(|| format!("{} cannot be written", path.display()))?;
            }
            report.write_tables(&mut out).context("writing the figures")
        }
    }
}
