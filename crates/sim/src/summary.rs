//! What the server itself says of a call when it is over: the stages of each turn, what was used, what it cost.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use url::Url;

/// The server writes its files before it tells.
const TRIES: u32 = 15;
const BETWEEN: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_secs(2);

/// What the server says of a call. What it does not say is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The server's own id of it: a caller who is put through to another scenario has a call with each.
    pub call_id: String,
    /// The scenario's name in addresses.
    pub scenario: String,
    /// The turns.
    pub turns: Vec<Stages>,
    /// Everything that was used, by turn; 0 is the greeting.
    pub usage: Vec<Used>,
    /// What it cost, where the server knows prices.
    pub cost: Option<Cost>,
}

/// The stages of a turn: ms since the caller's last sound.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stages {
    /// The turn, counted from 1.
    pub turn: u32,
    /// The turn was taken to be over.
    pub turn_end_ms: Option<u64>,
    /// The recogniser's final words.
    pub words_ms: Option<u64>,
    /// The first text of the reply.
    pub text_ms: Option<u64>,
    /// The first clause went to the voice.
    pub clause_ms: Option<u64>,
    /// The first speech came.
    pub speech_ms: Option<u64>,
    /// The first audible sample after the turn was played, by the server's model.
    pub audible_ms: Option<u64>,
    /// What that was of: a reply, a filler, an apology or another line.
    pub answered_by: Option<String>,
    /// The same, by the telephone's marks.
    pub acknowledged_ms: Option<u64>,
    /// What the turn cost.
    pub cost: Option<f64>,
}

/// What one engine did for one turn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Used {
    /// The turn.
    pub turn: u32,
    /// Who.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// Characters spoken.
    pub characters: u64,
    /// Audio heard, ms.
    pub audio_ms: u64,
    /// Tokens were not counted by the model's server.
    pub estimated: bool,
    /// What it cost, where it has a price.
    pub cost: Option<f64>,
}

/// What a call cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// ISO 4217.
    pub currency: String,
    /// All together.
    pub total: f64,
    /// The carrier's leg.
    pub carrier: f64,
    /// What was used and has no price.
    pub unpriced: Vec<String>,
}

/// Asks the server for each of a caller's calls when it is over, while the next goes on.
#[derive(Debug)]
pub struct Enquiry {
    url: Url,
    call_sid: String,
    asked: Option<JoinHandle<Vec<Summary>>>,
}

impl Enquiry {
    /// At the server that is called at `url`.
    #[must_use]
    pub fn new(url: Url, call_sid: String) -> Self {
        Self {
            url,
            call_sid,
            asked: None,
        }
    }

    /// A media stream is over, and so is a call: asks for it, within a runtime.
    pub fn stream_ended(&mut self) {
        let (url, call_sid) = (self.url.clone(), self.call_sid.clone());
        let before = self.asked.take();
        self.asked = Some(tokio::spawn(async move {
            let mut told = answers(before).await;
            let summary = fetch(&url, &call_sid, &told).await;
            told.extend(summary);
            told
        }));
    }

    /// What the server said, in the order of the calls. A server that does not tell is another machine's, or none of ours.
    pub async fn told(self) -> Vec<Summary> {
        answers(self.asked).await
    }
}

async fn answers(asked: Option<JoinHandle<Vec<Summary>>>) -> Vec<Summary> {
    match asked {
        Some(asked) => asked.await.unwrap_or_default(),
        None => Vec::new(),
    }
}

/// What the server says of the call that is none of those known. `None` when it does not tell.
async fn fetch(url: &Url, call_sid: &str, known: &[Summary]) -> Option<Summary> {
    let url = url.join(&format!("/local/calls/{call_sid}")).ok()?;
    let client = Client::builder().timeout(TIMEOUT).no_proxy().build().ok()?;
    for _ in 0..TRIES {
        let answer = client.get(url.clone()).send().await.ok()?;
        let status = answer.status();
        let body = answer.bytes().await.ok()?;
        match status {
            StatusCode::OK => {
                let summary: Summary = serde_json::from_slice(&body).ok()?;
                if known.iter().all(|one| one.call_id != summary.call_id) {
                    return Some(summary);
                }
                sleep(BETWEEN).await;
            }
            // A server that knows calls says so, another one has no such path.
            StatusCode::NOT_FOUND if String::from_utf8_lossy(&body).contains("call") => {
                sleep(BETWEEN).await;
            }
            _ => return None,
        }
    }
    None
}

impl Summary {
    /// Writes the stages as a table, one line a turn.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let carrier = self.cost.as_ref().map_or(0.0, |cost| cost.carrier);
        if self.turns.is_empty() && self.usage.is_empty() && carrier <= 0.0 {
            return Ok(());
        }
        writeln!(
            out,
            "turn  the server's stages, ms since the last sound: words  turn end  text  clause  speech  audible (heard)       by  used"
        )?;
        self.write_beside(out, "greeting", |turn| turn == 0)?;
        for stages in &self.turns {
            let ms = |at: Option<u64>| at.map_or("-".to_owned(), |at| at.to_string());
            writeln!(
                out,
                "{:>4}  {:>52} {:>9} {:>5} {:>7} {:>7}  {:>7} {:>7} {:>8}  {}",
                stages.turn,
                ms(stages.words_ms),
                ms(stages.turn_end_ms),
                ms(stages.text_ms),
                ms(stages.clause_ms),
                ms(stages.speech_ms),
                ms(stages.audible_ms),
                format!("({})", ms(stages.acknowledged_ms)),
                stages.answered_by.as_deref().unwrap_or("-"),
                self.used(|turn| turn == stages.turn, stages.cost),
            )?;
        }
        let in_vain = |turn| turn != 0 && self.turns.iter().all(|stages| stages.turn != turn);
        self.write_beside(out, "asked in vain", in_vain)?;
        if carrier > 0.0 {
            write_row(out, "carrier", &format!("= {carrier:.6}"))?;
        }
        if let Some(cost) = &self.cost {
            let unpriced = match cost.unpriced.as_slice() {
                [] => String::new(),
                names => format!(", without {}, which has no price", names.join(", ")),
            };
            writeln!(out, "cost {:.6} {}{unpriced}", cost.total, cost.currency)?;
        }
        Ok(())
    }

    /// What was used for none of the turns of the table.
    fn write_beside(
        &self,
        out: &mut impl Write,
        what: &str,
        of: impl Fn(u32) -> bool,
    ) -> io::Result<()> {
        match self.used(of, None).trim() {
            "" => Ok(()),
            used => write_row(out, what, used),
        }
    }

    /// What was used for some turns. Without their cost as a whole, that of what has a price.
    fn used(&self, of: impl Fn(u32) -> bool, cost: Option<f64>) -> String {
        let own: Vec<&Used> = self.usage.iter().filter(|used| of(used.turn)).collect();
        let mut text = String::new();
        let mut item = |count: u64, what: &str| {
            if count > 0 {
                let comma = if text.is_empty() { "" } else { ", " };
                let _ = write!(text, "{comma}{count} {what}");
            }
        };
        let sum = |of: fn(&Used) -> u64| own.iter().map(|used| of(used)).sum();
        let estimated = own.iter().any(|used| used.estimated);
        item(sum(|used| used.audio_ms) / 1000, "s heard");
        let tokens = ["tokens in", "tokens in (estimated)"];
        item(
            sum(|used| used.input_tokens),
            tokens[usize::from(estimated)],
        );
        item(sum(|used| used.output_tokens), "out");
        item(sum(|used| used.characters), "characters");
        let priced: Vec<f64> = own.iter().filter_map(|used| used.cost).collect();
        let priced = (!priced.is_empty()).then(|| priced.iter().sum());
        if let Some(cost) = cost.or(priced) {
            let _ = write!(text, " = {cost:.6}");
        }
        text
    }
}

/// A row that is no turn's.
fn write_row(out: &mut impl Write, what: &str, used: &str) -> io::Result<()> {
    // As wide as the stages of a turn.
    writeln!(out, "{:>4}  {what:<112}{used}", "-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_stages_what_was_used_and_what_it_cost() {
        let told = serde_json::json!({
            "call_sid": "CA1",
            "turns": [{"turn": 1, "cause": "wait", "turn_end_ms": 700, "words_ms": 310, "text_ms": 900, "clause_ms": 905,
                "speech_ms": 990, "audible_ms": 1001, "answered_by": "apology", "acknowledged_ms": 1090, "cost": 0.0021}],
            "usage": [
                {"turn": 0, "provider": "cartesia", "model": "s", "characters": 30},
                {"turn": 1, "provider": "deepgram", "model": "n", "audio_ms": 5100},
                {"turn": 1, "provider": "openai", "model": "g", "input_tokens": 200, "output_tokens": 12},
                {"turn": 1, "provider": "cartesia", "model": "s", "characters": 41},
            ],
            "cost": {"currency": "USD", "total": 0.0034, "unpriced": ["openai/g"]},
        });
        let summary: Summary = serde_json::from_value(told).unwrap();
        let mut table = Vec::new();
        summary.write_table(&mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        assert!(
            table.lines().nth(1).unwrap().contains("greeting"),
            "{table}"
        );
        let line: Vec<_> = table.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(
            line.join(" "),
            "1 310 700 900 905 990 1001 (1090) apology 5 s heard, 200 tokens in, 12 out, 41 characters = 0.002100"
        );
        assert!(table.ends_with("cost 0.003400 USD, without openai/g, which has no price\n"));
    }

    #[test]
    fn the_rows_add_up_to_the_cost() {
        let used = |turn: u32, tokens: u64, cost: Option<f64>| {
            serde_json::json!({"turn": turn, "provider": "openai", "model": "g", "input_tokens": tokens,
                "estimated": turn == 2, "cost": cost})
        };
        let told = serde_json::json!({
            "turns": [{"turn": 1, "cost": 0.002}, {"turn": 3}],
            "usage": [used(0, 30, Some(0.001)), used(1, 40, Some(0.002)), used(2, 50, Some(0.004)),
                used(3, 60, Some(0.008)), used(3, 70, None)],
            "cost": {"currency": "USD", "total": 0.025, "carrier": 0.01, "unpriced": ["openai/g"]},
        });
        let summary: Summary = serde_json::from_value(told).unwrap();
        let mut table = Vec::new();
        summary.write_table(&mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        let rows: Vec<&str> = table.lines().collect();
        let begins = [
            "-  greeting ",
            "1 ",
            "3 ",
            "-  asked in vain ",
            "-  carrier ",
        ];
        for (row, begin) in rows[1..].iter().zip(begins) {
            assert!(row.trim_start().starts_with(begin), "{table}");
        }
        let place = |row: &str| row.find("30 tokens").or(row.find("40 tokens"));
        assert_eq!(place(rows[1]), place(rows[2]), "{table}");
        assert!(rows[4].contains("50 tokens in (estimated)"), "{table}");
        let costs = rows[1..6].iter().filter_map(|row| row.rsplit_once("= "));
        let sum: f64 = costs.map(|(_, cost)| cost.parse::<f64>().unwrap()).sum();
        assert!((sum - 0.025).abs() < 1e-9, "{table}");
    }

    #[test]
    fn a_call_without_turns_has_no_table() {
        let mut table = Vec::new();
        Summary::default().write_table(&mut table).unwrap();
        assert!(table.is_empty());
    }
}
