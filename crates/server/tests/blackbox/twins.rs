//! `ringback sim` as a process: every provider, on this machine.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::http::ask;
use crate::server::binary;

/// A running simulator of the providers. Dropped, it is killed.
pub struct Twins {
    process: Child,
    address: String,
}

impl Twins {
    /// A simulator whose recognisers hear these lines, one an utterance, and whose model says these.
    pub fn start(heard: &[&str], replies: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command
            .args(["sim", "--port", "0"])
            .env_clear()
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for line in heard {
            command.args(["--say-heard", line]);
        }
        for line in replies {
            command.args(["--reply", line]);
        }
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines
                .next()
                .expect("the simulator says its address")
                .unwrap();
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
        };
        // It is never held up by a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }

    /// What a server is told to use them: with keys for these providers.
    pub fn settings(&self, providers: &[&str]) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        let mut settings = vec![
            ("DEEPGRAM_URL".to_owned(), url.clone()),
            ("CARTESIA_URL".to_owned(), url.clone()),
            ("ELEVENLABS_URL".to_owned(), url.clone()),
            ("OPENAI_BASE_URL".to_owned(), format!("{url}/v1")),
        ];
        let keys = providers.iter().map(|name| {
            let key = format!("{}_API_KEY", name.to_uppercase());
            (key, format!("secret-{name}"))
        });
        settings.extend(keys);
        settings
    }

    /// Has a provider fail from now on, as the knobs say.
    pub fn knob(&self, json: &str) {
        let answer = ask(&self.address, "POST", "/sim/knobs", &[], json).unwrap();
        assert_eq!(answer.status, 204, "{json}: {}", answer.body);
    }

    /// All providers are well again, and what they were asked is forgotten.
    pub fn reset(&self) {
        let answer = ask(&self.address, "POST", "/sim/reset", &[], "").unwrap();
        assert_eq!(answer.status, 204, "{}", answer.body);
    }

    /// What one endpoint was asked so far.
    pub fn asked(&self, endpoint: &str) -> Vec<Value> {
        self.all_asked("endpoint", endpoint)
    }

    /// What one provider was asked so far.
    pub fn asked_of(&self, provider: &str) -> Vec<Value> {
        self.all_asked("provider", provider)
    }

    fn all_asked(&self, field: &str, wanted: &str) -> Vec<Value> {
        let answer = ask(&self.address, "GET", "/sim/requests", &[], "").unwrap();
        let all: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
        all.into_iter()
            .filter(|request| request[field] == wanted)
            .collect()
    }
}

impl Drop for Twins {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
