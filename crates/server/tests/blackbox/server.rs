//! `ringback serve` as a process, with folders of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::outcome::Outcome;
use crate::telephone::Call;
use crate::{http, until};

/// One server at a time, where a test runner starts several tests in one process.
static ALONE: Mutex<()> = Mutex::new(());

/// The binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("RINGBACK_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_ringback").into(), PathBuf::from)
}

/// A running server. Dropped, it is killed.
pub struct Server {
    process: Child,
    address: String,
    folder: tempfile::TempDir,
    said: String,
    log: Arc<Mutex<String>>,
    _alone: MutexGuard<'static, ()>,
}

/// A server that is to be started.
pub struct Settings {
    command: Command,
    folder: tempfile::TempDir,
    ready: bool,
    status: &'static str,
}

/// The files of one call.
pub struct Files {
    stem: PathBuf,
    /// `<stem>.json`.
    pub meta: Value,
    /// The lines of `<stem>.transcript.json`.
    pub lines: Vec<Value>,
}

impl Server {
    /// The settings of a server with nothing set but its folders.
    pub fn with(settings: &[(&str, &str)]) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(binary());
        command
            .arg("serve")
            .env_clear()
            .envs([("HOST", "127.0.0.1"), ("PORT", "0")])
            .env("DATA_DIR", folder.path().join("data"))
            .env("LOG_DIR", folder.path().join("logs"))
            .envs(settings.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        std::fs::create_dir_all(folder.path().join("data/scenarios")).unwrap();
        Settings {
            command,
            folder,
            ready: true,
            status: "healthy",
        }
    }

    /// A server without settings.
    pub fn start() -> Self {
        Self::with(&[]).start()
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A call to a scenario of it.
    pub fn call(&self, scenario: &str) -> Call {
        Call::to(&format!("http://{}", self.address)).with(&["--scenario", scenario])
    }

    /// The lines that greet its operator.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// What it wrote to its terminal so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Its log files, put together.
    pub fn log_files(&self) -> String {
        let logs = std::fs::read_dir(self.folder.path().join("logs")).unwrap();
        let paths = logs.map(|entry| entry.unwrap().path());
        paths
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// No file may grow beyond so many bytes, or beyond none, from now on: see [`Settings::outliving_full_files`].
    pub fn limit_files(&self, bytes: Option<u64>) {
        let soft = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let id = self.process.id().to_string();
        let status = Command::new("prlimit")
            .args(["--pid", &id, &format!("--fsize={soft}:unlimited")])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits until the process is gone; its exit status, if it was not killed.
    pub fn gone(&mut self, patience: Duration) -> Option<i32> {
        let process = &mut self.process;
        let look = || process.try_wait().unwrap();
        until("the end of the server", patience, look).code()
    }

    /// Memory in use, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Open file descriptors.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    fn proc(&self, what: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.process.id().to_string())
            .join(what)
    }

    /// The files in its folder of recordings with this ending.
    pub fn recordings(&self, ending: &str) -> Vec<PathBuf> {
        let Ok(folder) = std::fs::read_dir(self.folder.path().join("data/recordings")) else {
            return Vec::new();
        };
        let paths = folder.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.to_str().unwrap().ends_with(ending))
            .collect()
    }

    /// The files of a call that is over.
    pub fn files(&self, outcome: &Outcome) -> Files {
        let look = || {
            self.recordings(".transcript.json")
                .into_iter()
                .find_map(|path| Files::read(&path, outcome))
        };
        until("the files of a call", Duration::from_secs(5), look)
    }

    /// Replays every trace: the number of those that show no difference, or what one of them shows.
    pub fn replayed(&self) -> anyhow::Result<usize> {
        let traces = self.recordings(".trace.jsonl");
        for trace in &traces {
            let replay = Command::new(binary()).arg("replay").arg(trace).output()?;
            let said = String::from_utf8_lossy(&replay.stdout).into_owned();
            let complained = String::from_utf8_lossy(&replay.stderr);
            anyhow::ensure!(
                replay.status.success() && said.contains("no difference"),
                "{}: {said}{complained}",
                trace.display()
            );
        }
        Ok(traces.len())
    }
}

impl Settings {
    /// With a scenario of its own.
    pub fn scenario(self, slug: &str, text: &str) -> Self {
        let path = self
            .folder
            .path()
            .join(format!("data/scenarios/{slug}.toml"));
        std::fs::write(path, text).unwrap();
        self
    }

    /// A write beyond [`Server::limit_files`] fails, where it would else end the process with SIGXFSZ.
    pub fn outliving_full_files(mut self) -> Self {
        let bare = self.command;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(bare.get_program())
            .args(bare.get_args())
            .env_clear()
            .envs(
                bare.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = command;
        self
    }

    /// A part of it is missing.
    pub fn degraded(mut self) -> Self {
        self.status = "degraded";
        self
    }

    /// Without waiting for its fixed lines to be spoken in advance.
    pub fn at_once(mut self) -> Self {
        self.ready = false;
        self
    }

    /// Starts it and waits until it is well.
    pub fn start(mut self) -> Server {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process = self.command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        drain(process.stderr.take().unwrap(), Arc::clone(&log));
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let address = first
            .trim()
            .strip_prefix("Ringback is listening: http://")
            .map(str::to_owned);
        let mut said = first.clone();
        while address.is_some() && !said.contains("ringback call --url") {
            assert!(stdout.read_line(&mut said).unwrap() > 0, "{said}");
        }
        drain(stdout, Arc::default());
        let server = Server {
            address: address.clone().unwrap_or_default(),
            process,
            folder: self.folder,
            said,
            log,
            _alone: alone,
        };
        assert!(
            address.is_some(),
            "the server does not start: {first}{}",
            server.log()
        );
        let health = || {
            let answer = http::ask(&server.address, "GET", "/health", &[], "").ok()?;
            (answer.status == 200).then_some(answer)
        };
        let health = until("GET /health", Duration::from_secs(10), health);
        assert!(
            health
                .body
                .contains(&format!(r#""status":"{}""#, self.status)),
            "{health:?}\n{}",
            server.log()
        );
        if self.ready {
            let spoken = || server.log().contains("spoken in advance").then_some(());
            until("the fixed lines", Duration::from_secs(60), spoken);
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Files {
    fn read(transcript: &Path, outcome: &Outcome) -> Option<Self> {
        let stem = PathBuf::from(transcript.to_str()?.strip_suffix(".transcript.json")?);
        let json = |ending: &str| -> Option<Value> {
            serde_json::from_slice(&std::fs::read(file(&stem, ending)).ok()?).ok()
        };
        let meta = json(".json")?;
        let lines = json(".transcript.json")?["lines"].as_array()?.clone();
        (meta["call_sid"] == outcome.call_sid.as_str()).then_some(Self { stem, meta, lines })
    }

    /// The recording.
    pub fn recording(&self) -> PathBuf {
        file(&self.stem, ".wav")
    }

    /// The events and actions of the trace.
    pub fn trace(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(file(&self.stem, ".trace.jsonl")).unwrap();
        let lines = text.lines().skip(1);
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the core heard and decided, for messages.
    pub fn decisions(&self) -> String {
        let mut text = String::new();
        for record in self.trace() {
            let event = &record["e"];
            let actions = record["a"].as_array().cloned().unwrap_or_default();
            let told = |action: &&Value| !action["Note"].is_null() || !action["Clear"].is_null();
            let told: Vec<_> = actions.iter().filter(told).collect();
            if !event["Ear"].is_null() || !event["Heard"].is_null() || !told.is_empty() {
                let ms = record["t"].as_u64().unwrap_or_default() / 1000;
                text.push_str(&format!("\n  {ms} ms: {event} {told:?}"));
            }
        }
        text
    }

    /// What the script collected under this name.
    pub fn collected(&self, name: &str) -> &str {
        self.meta["collected"][name].as_str().unwrap_or("(nothing)")
    }

    /// What one side said or keyed, line by line.
    pub fn said(&self, speaker: &str) -> Vec<String> {
        let lines = self.lines.iter().filter(|line| line["speaker"] == speaker);
        let text = |line: &Value| {
            let (said, digits) = (line["said"].as_str(), line["digits"].as_str());
            format!("{}{}", said.unwrap_or_default(), digits.unwrap_or_default())
        };
        lines.map(text).collect()
    }

    /// The whole conversation, for messages.
    pub fn conversation(&self) -> String {
        let line = |line: &Value| {
            format!(
                "\n  {} {} ms: said {} {}, heard {}",
                line["speaker"], line["from_ms"], line["said"], line["digits"], line["heard"]
            )
        };
        self.lines.iter().map(line).collect()
    }
}

fn file(stem: &Path, ending: &str) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn drain(source: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(source);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
}
