//! The binary with the providers' twins, and calls to it over real sockets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use ringback_sim::providers::{Hearing, Options, Provider, Reply, Running, Twins};
use ringback_sim::{CallArgs, CallDirection, CallerArgs, Outcome, OutputArgs, ServerArgs, Token};
use ringback_wire::twilio::signature::AuthToken;
use serde_json::Value;

pub const FROM: &str = "+15005550001";
pub const TO: &str = "+15005550006";
pub const TOKEN: &str = "fedcba9876543210fedcba9876543210";
pub const GREETING: &str = "Hello, this is the harbour office.";
pub const QUESTION: &str = "When does the little ferry leave?";
pub const ANSWER: &str = "It leaves at noon, from the northern quay.";

/// `ringback serve` as a process, whose recogniser, model and voice are twins.
pub struct Simulated {
    process: Child,
    address: String,
    folder: tempfile::TempDir,
    terminal: Arc<Mutex<String>>,
    twins: Option<Running>,
}

/// The key of a provider.
pub fn key(provider: &str) -> String {
    format!("secret-key-of-{provider}")
}

/// What a model replies that always says the same.
pub fn usual_reply() -> Vec<Reply> {
    vec![Reply {
        text: ANSWER.to_owned(),
        ..Reply::default()
    }]
}

impl Simulated {
    /// With settings and arguments of the test's own.
    pub async fn start(settings: &[(&str, &str)], args: &[&str]) -> Self {
        Self::replying(usual_reply(), settings, args).await
    }

    /// The same with other replies of the model.
    pub async fn replying(replies: Vec<Reply>, settings: &[(&str, &str)], args: &[&str]) -> Self {
        let twins = Twins::start(Options {
            hearing: Hearing::Script(vec![QUESTION.to_owned()]),
            replies,
            cache: env!("CARGO_TARGET_TMPDIR").into(),
            ..Options::default()
        });
        let twins = twins.await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let scenarios = folder.path().join("data/scenarios");
        std::fs::create_dir_all(&scenarios).unwrap();
        let desk = format!(
            "persona = \"You work for the harbour.\"\nprompt = \"Help callers.\"\n\
             [greeting]\ninbound = \"{GREETING}\"\n[[responder]]\nprovider = \"openai\"\n"
        );
        let counter = format!(
            "{desk}[[tools]]\nname = \"look\"\ndescription = \"Looks the next ferry up.\"\n\
             http = {{ url = \"http://127.0.0.1:9/look\", allow_private = true }}\n"
        );
        std::fs::write(scenarios.join("desk.toml"), desk).unwrap();
        std::fs::write(scenarios.join("counter.toml"), counter).unwrap();
        Self::launch(folder, twins, settings, args)
    }

    /// With whom tests are that ask from this machine without a token: the first user, who is an admin.
    pub async fn with_a_user(replies: Vec<Reply>, settings: &[(&str, &str)]) -> Self {
        let off = [&[("API_AUTH", "off")], settings].concat();
        let server = Self::replying(replies, &off, &[]).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let register = client.post(format!("{}/auth/register", server.url()));
        let register = register.header("content-type", "application/json");
        let who = r#"{"email":"ada@example.org","password":"a pass phrase of her own"}"#;
        let answer = register.body(who).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        server
    }

    /// Kills it as nothing can be caught, and starts it again in its folder.
    pub fn killed_and_started(self) -> Self {
        self.killed_and_started_with(&[])
    }

    /// The same with these settings.
    pub fn killed_and_started_with(mut self, settings: &[(&str, &str)]) -> Self {
        self.kill();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let twins = self.twins.take().unwrap();
        Self::launch(folder, twins, settings, &[])
    }

    fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn launch(
        folder: tempfile::TempDir,
        twins: Running,
        settings: &[(&str, &str)],
        args: &[&str],
    ) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
        command
            .arg("serve")
            .args(args)
            .env_clear()
            .envs([
                ("PORT", "0"),
                ("DEFAULT_SCENARIO", "desk"),
                ("API_AUTH", "off"),
            ])
            .env("TWILIO_AUTH_TOKEN", TOKEN)
            .env("DATA_DIR", folder.path().join("data"));
        for provider in [Provider::Deepgram, Provider::OpenAi, Provider::Cartesia] {
            let name = provider.name().to_uppercase();
            let (variable, path) = if provider == Provider::OpenAi {
                ("OPENAI_BASE_URL".to_owned(), "/v1")
            } else {
                (format!("{name}_URL"), "")
            };
            command.env(variable, format!("{}{path}", twins.url()));
            command.env(format!("{name}_API_KEY"), key(provider.name()));
        }
        command
            .envs(settings.iter().copied())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let terminal = Arc::<Mutex<String>>::default();
        drain(process.stderr.take().unwrap(), Arc::clone(&terminal));
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        drain(stdout, Arc::default());
        let address = first.trim().rsplit("://").next().unwrap().to_owned();
        let server = Self {
            process,
            address,
            folder,
            terminal,
            twins: Some(twins),
        };
        assert!(
            first.contains("is listening"),
            "{first}{}",
            server.terminal()
        );
        server
    }

    /// What plays the providers.
    pub fn twins(&self) -> &Running {
        self.twins.as_ref().unwrap()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Its `DATA_DIR`.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A call that hears the greeting, says something, hears the answer and hangs up.
    pub async fn call(&self) -> Outcome {
        self.call_to_the_end("hang_up = true").await
    }

    /// The same with another last step.
    pub async fn call_to_the_end(&self, last: &str) -> Outcome {
        self.call_of(None, last).await
    }

    /// The same to a scenario of this name.
    pub async fn call_of(&self, scenario: Option<&str>, last: &str) -> Outcome {
        let steps = self.folder.path().join("steps.toml");
        let script = [
            "wait_reply = 15000",
            "say = \"hello\"",
            "wait_reply = 15000",
            last,
        ];
        let script: String = script.map(|step| format!("[[step]]\n{step}\n")).concat();
        std::fs::write(&steps, script).unwrap();
        let args = CallArgs {
            server: ServerArgs {
                url: self.url(),
                scenario: scenario.map(str::to_owned),
                auth_token: Some(Token(Some(AuthToken::new(TOKEN).unwrap()))),
                from: FROM.to_owned(),
                to: TO.to_owned(),
                direction: CallDirection::Inbound,
            },
            caller: CallerArgs {
                wav: Vec::new(),
                say: Vec::new(),
                voice: Some("pico".to_owned()),
                callee: None,
                script: Some(steps),
                noise: None,
            },
            output: OutputArgs {
                out: None,
                speaker: false,
                json: true,
                quiet: true,
                show_numbers: false,
            },
            max_seconds: 60,
        };
        ringback_sim::call(args).await.unwrap()
    }

    /// The body that a path answers with 200.
    pub async fn get(&self, path: &str) -> String {
        let answer = self.answer(path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Makes the first user, who every caller on this machine is then.
    pub async fn register(&self) {
        let body = r#"{"email":"ada@example.org","password":"a good long sentence"}"#;
        let length = body.len();
        let head = format!("content-type: application/json\r\ncontent-length: {length}");
        let request = format!("POST /auth/register HTTP/1.1\r\n{head}");
        let answer = self.send(&request, body).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// All that a path answers.
    pub async fn answer(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1"), "").await
    }

    pub async fn send(&self, head: &str, body: &str) -> String {
        let address = self.address.clone();
        let request = format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n{body}");
        let asked = tokio::task::spawn_blocking(move || {
            let mut http = TcpStream::connect(address).unwrap();
            http.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            http.read_to_string(&mut answer).unwrap();
            answer
        });
        asked.await.unwrap()
    }

    /// What it wrote to its terminal so far.
    pub fn terminal(&self) -> String {
        self.terminal.lock().unwrap().clone()
    }

    /// Its log files, put together.
    pub fn log_files(&self) -> String {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        let logs = std::fs::read_dir(self.folder.path().join("logs")).unwrap();
        logs.map(|entry| read(entry.unwrap().path())).collect()
    }

    /// The transcript of its only call, as soon as it is there.
    pub async fn transcript(&self) -> Value {
        let recordings = self.folder.path().join("data/recordings");
        until("the transcript", async || {
            let entries = std::fs::read_dir(&recordings).ok()?;
            let mut paths = entries.flatten().map(|entry| entry.path());
            let path = paths.find(|path| path.to_string_lossy().ends_with(".transcript.json"))?;
            serde_json::from_slice(&std::fs::read(path).ok()?).ok()
        })
        .await
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Looks until there is something, for 20 s at most.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed().as_secs() < 20, "{what} did not come");
        // Another process is looked at: there is nothing to wait for but time.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn drain(source: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            into.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}
