//! One caller of many, and what their telephone saw.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, sleep_until};
use url::Url;
use uuid::Uuid;

use super::plan::Lines;
use crate::ACCOUNT_SID;
use crate::caller::conductor::Conductor;
use crate::caller::mouth::Mouth;
use crate::clock::monotonic_us_of;
use crate::conversation::{Conversation, Record};
use crate::report::{Ended, Lateness};
use crate::screen::Screen;
use crate::telephone::Telephone;
use crate::turns::turns;
use crate::twilio::webhook::{CallFacts, Webhook};
use ringback_wire::twilio::signature::AuthToken;
use ringback_wire::twilio::webhook::Direction;

/// What a telephone saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// What went wrong, if anything did.
    pub failure: Option<String>,
    /// When the server's media messages came, on the shared clock.
    pub arrivals_us: Vec<u64>,
    /// From the caller's last sound to the first sound of the reply, ms; of replies that did not overlap the caller.
    pub replies_ms: Vec<f64>,
    /// From the first sound of an interruption to `clear`, ms; `None` where no clear came.
    pub clears_ms: Vec<Option<f64>>,
    /// Slots of 20 ms in which nothing was left to play though the reply went on, and all slots that were played.
    pub late_frames: (u64, u64),
    /// How punctual the caller was.
    pub lateness: Lateness,
    /// The caller's sound, ms.
    pub spoken_ms: u64,
    /// The length of the call, ms.
    pub ms: u64,
}

/// A caller who waits for their time.
pub struct Caller {
    telephone: Telephone,
    interruption: String,
}

impl Caller {
    /// The caller of this number, whose speech fills at most the share `speech` of `seconds`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(
        number: u32,
        lines: &Lines,
        (seconds, speech): (u64, f64),
        token: Option<AuthToken>,
    ) -> anyhow::Result<Self> {
        let facts = CallFacts {
            call_sid: format!("CA{}", Uuid::now_v7().simple()),
            account_sid: ACCOUNT_SID.to_owned(),
            from: format!("+1500555{:04}", number % 10_000),
            to: "+15005550006".to_owned(),
            direction: Direction::Inbound,
        };
        let conductor = Conductor::new(lines.steps(number, seconds, speech));
        Ok(Self {
            interruption: lines.interruption.said.clone(),
            telephone: Telephone {
                enquiry: None,
                conversation: Conversation::new(conductor, Mouth::new(None)),
                webhook: Webhook::new(facts, token)?,
                screen: Screen::new(None),
                speaker: None,
                keyboard: None,
                max: Duration::from_secs(seconds),
                show_numbers: false,
                lateness: Lateness::default(),
                origin: None,
                placed: Instant::now(),
            },
        })
    }

    /// `CallSid` of the call.
    #[must_use]
    pub fn call_sid(&self) -> &str {
        &self.telephone.webhook.call().call_sid
    }

    /// Calls at its time, and stays until the length of the call is over.
    pub async fn call(mut self, url: Url, at: Instant) -> Seen {
        sleep_until(at).await;
        self.telephone.placed = Instant::now();
        let ended = self.telephone.call(url).await.context("not placed");
        let failure = match ended {
            Ok(Ended::TimeUp { .. }) => None,
            Ok(other) => Some(other.to_string()),
            Err(error) => Some(format!("{error:#}")),
        };
        let origin_us = self.telephone.origin.map(monotonic_us_of);
        let lateness = self.telephone.lateness;
        let (record, _, _) = self.telephone.conversation.finish();
        seen(&record, failure, origin_us, (lateness, &self.interruption))
    }
}

fn seen(
    record: &Record,
    failure: Option<String>,
    origin_us: Option<u64>,
    (lateness, interruption): (Lateness, &str),
) -> Seen {
    let turns = turns(record);
    let replies = turns.iter().skip(1).filter(|turn| !turn.overlapped);
    let interruptions = turns.iter().filter(|turn| turn.said == interruption);
    // An interruption at the very end of the call has no time to be heard.
    let end_ms = record.caller.len() as f64 / 8.0;
    let heard =
        interruptions.filter(|turn| turn.clear_ms.is_some() || turn.sent_ms + 500.0 < end_ms);
    let at_us = |sample: u64| origin_us.unwrap_or(0) + sample * 125;
    let sounds = record.utterances.iter().map(|utterance| {
        let end = utterance.last_sound().min(record.caller.len() as u64);
        end.saturating_sub(utterance.first_sound())
    });
    Seen {
        failure,
        arrivals_us: record
            .arrivals
            .iter()
            .map(|arrival| at_us(arrival.at))
            .collect(),
        replies_ms: replies.filter_map(|turn| turn.latency_ms).collect(),
        clears_ms: heard.map(|turn| turn.clear_ms).collect(),
        late_frames: (record.late_frames, record.media.1.div_ceil(160)),
        lateness,
        spoken_ms: sounds.sum::<u64>() / 8,
        ms: record.caller.len() as u64 / 8,
    }
}
