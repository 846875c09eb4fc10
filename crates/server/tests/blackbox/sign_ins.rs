//! A flood of sign-ins is not heard on the line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::http;
use crate::outcome::Lateness;
use crate::server::Server;
use crate::telephone::in_real_time;

/// Who signs in at once; each does so ten times a second, 200 together.
const ASKERS: u32 = 20;
const EVERY: Duration = Duration::from_millis(100);
/// The flood is one from this rate on: the machine has other work.
const AT_LEAST: f64 = 100.0;
/// A reply of a server that nobody disturbs comes after half of this.
const NORMAL_MS: f64 = 1000.0;

const WHO: &str = r#"{"email":"ada@example.org","password":"a good long sentence"}"#;
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// Sign-ins with the right password, until it is stopped.
struct Flood {
    over: Arc<AtomicBool>,
    begun: Instant,
    askers: Vec<JoinHandle<BTreeMap<u16, u32>>>,
}

impl Flood {
    fn begin(address: &str) -> Self {
        let over = Arc::<AtomicBool>::default();
        let begun = Instant::now();
        let ask = |number: u32| {
            let (over, address) = (Arc::clone(&over), address.to_owned());
            let mut next = begun + EVERY * number / ASKERS;
            std::thread::spawn(move || {
                let mut answers = BTreeMap::new();
                while !over.load(Ordering::Relaxed) {
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                    next += EVERY;
                    let answer = http::ask(&address, "POST", "/auth/login", &JSON, WHO).unwrap();
                    *answers.entry(answer.status).or_default() += 1;
                }
                answers
            })
        };
        Self {
            askers: (0..ASKERS).map(ask).collect(),
            over,
            begun,
        }
    }

    /// How many got which answer, and how many there were a second.
    fn end(self) -> (BTreeMap<u16, u32>, f64) {
        self.over.store(true, Ordering::Relaxed);
        let mut all = BTreeMap::new();
        for asker in self.askers {
            for (status, count) in asker.join().unwrap() {
                *all.entry(status).or_default() += count;
            }
        }
        let rate = f64::from(all.values().sum::<u32>()) / self.begun.elapsed().as_secs_f64();
        (all, rate)
    }
}

#[test]
fn two_hundred_sign_ins_a_second_delay_no_frame_of_a_call() {
    let limit = ("RATE_LIMITS", "auth.login=1000/s");
    let server = Server::with(&[limit]).start();
    let made = http::ask(server.address(), "POST", "/auth/register", &JSON, WHO).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    in_real_time(&server, beside_a_call);
}

fn beside_a_call(server: &Server, late: &mut Lateness) -> anyhow::Result<()> {
    let flood = Flood::begin(server.address());
    let steps = [
        "wait_reply = 20000",
        "say = \"yes\"",
        "wait_reply = 20000",
        "say = \"four\"",
        "wait_reply = 20000",
        "hang_up = true",
    ];
    let made = server.call("survey").script(&steps).made();
    let (answers, rate) = flood.end();
    let outcome = made.outcome(late)?;
    let seen = format!(
        "{rate:.0} sign-ins a second: {answers:?}; {}",
        outcome.summary()
    );
    eprintln!("{seen}");
    anyhow::ensure!(rate >= AT_LEAST, "that is no flood: {seen}");
    let count = |status| answers.get(&status).copied().unwrap_or(0);
    anyhow::ensure!(
        count(200) > 0 && count(200) + count(503) == answers.values().sum::<u32>(),
        "sign-ins are answered, or told to come again: {seen}"
    );
    anyhow::ensure!(made.status == 0, "the call failed: {seen}");
    anyhow::ensure!(outcome.media.late_frames == 0, "speech came late: {seen}");
    // The first is the greeting.
    let replies = outcome.turns.iter().skip(1);
    let latencies: Vec<f64> = replies.filter_map(|turn| turn.latency_ms).collect();
    anyhow::ensure!(
        latencies.len() == 2 && latencies.iter().all(|ms| *ms < NORMAL_MS),
        "replies after {latencies:?} ms: {seen}"
    );
    Ok(())
}
