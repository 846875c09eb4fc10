//! `ringback call` as a process.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::outcome::{Lateness, Outcome};
use crate::server::{Server, binary};
use crate::sound::{self, Stereo};

/// Twilio's magic number that every call of these tests comes from.
pub const FROM: &str = "+15005550001";
/// The number they go to.
pub const TO: &str = "+15005550006";

/// A call that is to be made.
pub struct Call {
    command: Command,
    folder: tempfile::TempDir,
    heard: Option<PathBuf>,
}

/// A call that is being made.
pub struct Placed {
    child: Option<Child>,
    _folder: tempfile::TempDir,
    heard: Option<PathBuf>,
}

/// A call that is over, or was never placed.
pub struct Made {
    /// The exit status of the telephone.
    pub status: i32,
    /// What it said, where it could place the call.
    pub outcome: Option<Outcome>,
    /// What it complained of.
    pub complaint: String,
    /// Both sides as the caller heard them, where they were asked for.
    pub heard: Option<Stereo>,
}

impl Call {
    /// A call to the server at this address.
    pub fn to(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(binary());
        command
            .args(["call", "--json", "--quiet", "--url", url])
            .args(["--from", FROM, "--to", TO])
            .env_clear()
            // flite is looked for there; the voice's data are unpacked once for all calls.
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            command,
            folder,
            heard: None,
        }
    }

    /// With more arguments.
    pub fn with(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// The caller does this.
    pub fn script(self, steps: &[&str]) -> Self {
        let text: String = steps
            .iter()
            .map(|step| format!("[[step]]\n{step}\n"))
            .collect();
        let path = self.folder.path().join("script.toml");
        std::fs::write(&path, text).unwrap();
        self.with(&["--script", path.to_str().unwrap()])
    }

    /// Keeps what was heard.
    pub fn kept(mut self) -> Self {
        let path = self.folder.path().join("heard.wav");
        self.command.arg("--out").arg(&path);
        self.heard = Some(path);
        self
    }

    /// Dials.
    pub fn place(mut self) -> Placed {
        Placed {
            child: Some(self.command.spawn().unwrap()),
            _folder: self.folder,
            heard: self.heard,
        }
    }

    /// Dials and waits for the end of the call.
    pub fn made(self) -> Made {
        self.place().over()
    }
}

impl Placed {
    /// Waits for the end of the call.
    pub fn over(mut self) -> Made {
        let Output {
            status,
            stdout,
            stderr,
        } = self.child.take().unwrap().wait_with_output().unwrap();
        let heard = self.heard.as_ref().filter(|path| path.exists());
        let made = Made {
            status: status.code().unwrap_or(-1),
            outcome: serde_json::from_slice(&stdout).ok(),
            complaint: String::from_utf8_lossy(&stderr).into_owned(),
            heard: heard.map(|path| sound::read(path).unwrap()),
        };
        assert!(
            made.outcome.is_some() || stdout.is_empty(),
            "the result cannot be read: {}",
            String::from_utf8_lossy(&stdout)
        );
        made
    }

    /// Whether the telephone has hung up or failed.
    pub fn is_over(&mut self) -> bool {
        self.child.as_mut().unwrap().try_wait().unwrap().is_some()
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Made {
    /// The outcome of a call that could be placed; its lateness is added to `late`.
    pub fn outcome(&self, late: &mut Lateness) -> anyhow::Result<&Outcome> {
        let Some(outcome) = &self.outcome else {
            anyhow::bail!(
                "the call was not placed ({}): {}",
                self.status,
                self.complaint
            );
        };
        late.max_ms = late.max_ms.max(outcome.lateness.max_ms);
        late.over_10_ms += outcome.lateness.over_10_ms;
        anyhow::ensure!(
            outcome.media.refusals == 0,
            "Twilio would have refused messages: {}",
            outcome.summary()
        );
        Ok(outcome)
    }

    /// What was heard.
    pub fn heard(&self) -> &Stereo {
        self.heard.as_ref().expect("the call was not kept")
    }
}

/// A test in real time. It is repeated, at most twice, where it failed and the telephone itself was late.
pub fn in_real_time(
    server: &Server,
    mut attempt: impl FnMut(&Server, &mut Lateness) -> anyhow::Result<()>,
) {
    for round in 1.. {
        let mut late = Lateness::default();
        let Err(failure) = attempt(server, &mut late) else {
            return;
        };
        let doubtful = late.over_10_ms > 0;
        assert!(
            doubtful && round < 3,
            "{failure:#}\n(round {round}; the telephone's own {late:?})\nthe server's log:\n{}",
            server.log()
        );
        eprintln!("repeated, because the telephone itself was late ({late:?}): {failure:#}");
        std::thread::sleep(Duration::from_secs(1));
    }
}
