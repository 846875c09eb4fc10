//! A user's own web service answers the calls.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::server::Server;
use crate::telephone::{FROM, TO, in_real_time};
use crate::until;

const SECRET: &str = "a secret between the two of us";
const FALLBACK: &str = "The answering service is asleep. Please say it again.";

/// What the service was asked.
struct Question {
    headers: HashMap<String, String>,
    body: String,
}

/// A web service of a few lines.
struct Service {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Question>>>,
    open: Arc<AtomicBool>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            open: Arc::new(AtomicBool::new(true)),
        };
        let (asked, open) = (Arc::clone(&service.asked), Arc::clone(&service.open));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if !open.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let question = Question::read(&mut BufReader::new(&stream));
                let answer = answer(&serde_json::from_str(&question.body).unwrap());
                asked.lock().unwrap().push(question);
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
                write!(
                    stream,
                    "{head}\r\ncontent-length: {}\r\n\r\n{answer}",
                    answer.len()
                )
                .unwrap();
            }
        });
        service
    }

    /// From now on nobody listens.
    fn stop(&self) {
        self.open.store(false, Ordering::SeqCst);
        let _ = std::net::TcpStream::connect(self.address);
        until("the end of the service", Duration::from_secs(2), || {
            std::net::TcpStream::connect(self.address).err()
        });
    }

    fn scenario(&self) -> String {
        format!(
            "[greeting]\ninbound = \"Hello! How can I help you?\"\n[[stt]]\nprovider = \"pocketsphinx\"\n\
             keyterms = [\"sunday\", \"open\"]\n[[responder]]\nprovider = \"webhook\"\nurl = \"http://{}/answer\"\n\
             secret = \"env:WEBHOOK_SECRET\"\nallow_private = true\nfallback = \"{FALLBACK}\"\n",
            self.address
        )
    }
}

impl Question {
    fn read(source: &mut impl BufRead) -> Self {
        let mut headers = HashMap::new();
        let mut line = String::new();
        while source.read_line(&mut line).unwrap() > 2 {
            if let Some((name, value)) = line.trim().split_once(": ") {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            line.clear();
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        source.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        Self { headers, body }
    }

    /// As docs/webhook-responder.md tells a service to check it.
    fn is_genuine(&self) -> bool {
        let stamp = &self.headers["x-ringback-timestamp"];
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let tag = hmac::sign(&key, format!("{stamp}.{}", self.body).as_bytes());
        let digest = tag
            .as_ref()
            .iter()
            .fold(String::from("v1="), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        self.headers["x-ringback-signature"] == digest
            && stamp.parse::<u64>().unwrap().abs_diff(now) < 60
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn answer(question: &Value) -> String {
    match question["digits"].as_str() {
        Some(_) => json!({ "text": "Thank you. Goodbye.", "end": true }),
        None => json!({ "text": "We are open from ten to four." }),
    }
    .to_string()
}

#[test]
fn a_web_service_answers_by_voice_and_its_fallback_is_spoken_when_it_is_down() {
    let service = Service::start();
    let server = Server::with(&[("WEBHOOK_SECRET", SECRET)])
        .scenario("front-desk", &service.scenario())
        .start();
    in_real_time(&server, |server, late| {
        service.asked.lock().unwrap().clear();
        let steps = [
            "wait_reply = 15000",
            "say = \"Are you open on Sunday?\"",
            "wait_reply = 15000",
            "digits = \"7#\"",
            "expect_end = 15000",
        ];
        let made = server
            .call("front-desk")
            .with(&["--voice", "flite:rms"])
            .script(&steps)
            .made();
        let outcome = made.outcome(late)?;
        let files = server.files(outcome);
        let talk = files.conversation();
        anyhow::ensure!(
            made.status == 0 && outcome.ended.by == "server",
            "{}{talk}",
            outcome.summary()
        );
        let spoken = [
            "Hello! How can I help you?",
            "We are open from ten to four.",
            "Thank you. Goodbye.",
        ];
        anyhow::ensure!(files.said("agent") == spoken, "the agent said: {talk}");
        let asked = service.asked.lock().unwrap();
        let [first, second] = &asked[..] else {
            anyhow::bail!("asked {} times: {talk}", asked.len());
        };
        anyhow::ensure!(
            first.is_genuine() && second.is_genuine(),
            "{:?}",
            first.headers
        );
        let (one, two) = (first.value(), second.value());
        let known = [
            ("call_sid", outcome.call_sid.as_str()),
            ("from", FROM),
            ("to", TO),
            ("scenario", "front-desk"),
        ];
        for (name, value) in known {
            anyhow::ensure!(
                one[name] == value && two[name] == value,
                "{name} is not {value}: {one} {two}"
            );
        }
        anyhow::ensure!(
            !one["text"].as_str().unwrap_or("").is_empty() && one["digits"].is_null(),
            "{one}"
        );
        anyhow::ensure!(
            two["digits"]
                .as_str()
                .is_some_and(|keys| keys.starts_with('7')),
            "{two}"
        );
        let heard = two["heard"].as_array().map_or(0, Vec::len);
        anyhow::ensure!(
            heard == 3,
            "greeting, question and answer went before: {two}"
        );
        eprintln!("the service was told: {}", one["text"]);
        Ok(())
    });
    service.stop();
    in_real_time(&server, |server, late| {
        let steps = [
            "wait_reply = 15000",
            "digits = \"7#\"",
            "expect_audio = 10000",
            "wait_reply = 15000",
            "hang_up = true",
        ];
        let made = server.call("front-desk").script(&steps).made();
        let outcome = made.outcome(late)?;
        let files = server.files(outcome);
        let said = files.said("agent");
        anyhow::ensure!(
            said.last().is_some_and(|line| line == FALLBACK) && outcome.ended.by == "caller",
            "the agent said: {}",
            files.conversation()
        );
        let told =
            |line: &&str| line.contains("Error of the webhook") && line.contains("127.0.0.1");
        let log = server.log();
        anyhow::ensure!(
            log.lines().filter(told).count() == 1,
            "the log names the service once:\n{log}"
        );
        server.replayed()?;
        Ok(())
    });
}
