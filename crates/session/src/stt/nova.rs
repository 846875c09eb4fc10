//! Deepgram's first generation, by its present model Nova: the local detector says when to finalize.

use std::time::Duration;

use ringback_wire::deepgram::listen::{
    self, Command as Control, Endpointing, Event, Query, Results, Word,
};
use tokio::time::Instant;
use url::Url;

use super::deepgram::{Deepgram, samples};
use super::languages::nova_code;
use super::listening::{Generation, Keep, Talk};
use super::sent::SentAudio;
use super::stream::Heard;
use super::unanswered::{Unanswered, UnansweredSpeech};
use crate::provider::{Failure, Provider};

/// So long the answer to a `Finalize` is waited for. Then what there is counts: Deepgram need not answer.
const FLUSH: Duration = Duration::from_millis(400);
/// The end of a stretch is told in hundredths of a second: so many samples it may be off.
const ROUNDED: u64 = 80;
/// A socket that has said nothing to so much audio, in samples (3 s), when it is asked and has had the time to hear it, hears
/// nothing.
const DEAF_SAMPLES: u64 = 24_000;
/// Interim words come once a second: where no socket of the call ever said anything, and nothing to so much speech, nobody hears.
const MUTE: Duration = Duration::from_secs(2);
/// One that said nothing to so much audio for so long, when it is asked, is opened again.
const DEAF: Duration = Duration::from_secs(7);

/// Where it is asked for a call.
pub(super) fn url(deepgram: &Deepgram) -> Result<Url, Failure> {
    let mut query = Query::telephone(&deepgram.model);
    query.language = Some(nova_code(&deepgram.language));
    query.interim_results = true;
    query.endpointing = Some(Endpointing::After(300));
    query.utterance_end_ms = Some(1000);
    query.formatting.punctuate = true;
    query.keyterms.clone_from(&deepgram.keyterms);
    let mut url = deepgram
        .access
        .socket_url(Provider::Deepgram, listen::PATH)?;
    url.set_query(Some(&query.to_query()));
    Ok(url)
}

/// What it said, over all sockets. Kept is the audio of which no final words have come.
#[derive(Default)]
pub(super) struct Nova {
    interim: Option<Heard>,
    /// What the last question was about that counted as answered without its answer.
    missed: Option<u64>,
    /// Words before this position were taken already.
    taken: u64,
    /// This socket has said something.
    answered: bool,
    /// Any of them has.
    ever: bool,
    /// It had final words that were news.
    helped: bool,
    unanswered: Unanswered,
    speech: UnansweredSpeech,
    /// When the question counts as answered.
    flush_at: Option<Instant>,
}

impl Generation for Nova {
    fn begin(&mut self, _talk: &mut Talk<'_>) {
        self.answered = false;
        self.helped = false;
        self.unanswered.begin();
        self.speech = UnansweredSpeech::default();
        self.interim = None;
    }

    fn question(&mut self) -> Option<String> {
        let now = Instant::now();
        let heard_by = self.unanswered.heard_by().unwrap_or(now);
        self.flush_at = Some(now.max(heard_by) + FLUSH);
        Some(Control::Finalize { channel: None }.to_text())
    }

    /// A socket that never had any audio is closed whatever is said, so it gets silence.
    fn keep_alive(&self, sent: &mut SentAudio) -> Keep {
        if sent.is_empty() {
            return Keep::Audio(sent.silence());
        }
        Keep::Message(Control::KeepAlive.to_text())
    }

    fn sent(&mut self, mulaw: &[u8]) -> Result<(), Failure> {
        let now = Instant::now();
        self.unanswered.sent(mulaw.len(), now);
        self.speech.sent(mulaw, now);
        if !self.ever && self.speech.lasts(MUTE, now) {
            return Err(deaf());
        }
        Ok(())
    }

    fn take(&mut self, text: &str, talk: &mut Talk<'_>) -> Result<(), Failure> {
        let event = listen::parse(text)
            .map_err(|garbled| Failure::misbehaved(Provider::Deepgram, garbled))?;
        self.answered = true;
        self.ever = true;
        self.unanswered.answered();
        self.speech.answered();
        match event {
            Event::Results(results) => self.results(&results, talk),
            Event::Error { description, .. } => {
                tracing::warn!(description, "Error of deepgram, which goes on");
            }
            Event::ConfigureFailure { description, .. } => {
                tracing::warn!(description, "Error: deepgram keeps its settings");
            }
            Event::UtteranceEnd { .. }
            | Event::SpeechStarted { .. }
            | Event::Metadata(_)
            | Event::ConfigureSuccess { .. }
            | Event::Other(_) => {}
        }
        Ok(())
    }

    fn due(&self, talk: &Talk<'_>) -> Option<Instant> {
        talk.asked.as_ref()?.at?;
        self.flush_at
    }

    /// The question was not answered in time: what there is counts, unless the socket seems to be deaf.
    fn overdue(&mut self, talk: &mut Talk<'_>) -> Result<(), Failure> {
        if !self.answered && self.unanswered.samples() >= DEAF_SAMPLES {
            return Err(deaf());
        }
        if self.unanswered.lasts(DEAF, Instant::now()) {
            // The question is asked again on the next socket.
            return Err(Failure::unreachable(
                Provider::Deepgram,
                format!("has said nothing for {} s", DEAF.as_secs()),
            ));
        }
        let Some(asked) = talk.asked.take() else {
            return Ok(());
        };
        self.missed = Some(asked.upto);
        let heard = match self.interim.take() {
            Some(interim) => {
                self.taken = interim.until;
                interim
            }
            None => Heard {
                text: String::new(),
                confidence_pm: 0,
                words: Vec::new(),
                settled: true,
                until: asked.upto,
                answers: None,
                hint: None,
            },
        };
        talk.hear(Heard {
            settled: true,
            answers: Some(asked.number),
            ..heard
        });
        Ok(())
    }

    /// It says nothing before it has audio.
    fn has_begun(&self) -> bool {
        self.answered || self.unanswered.is_empty()
    }

    fn has_helped(&self) -> bool {
        self.helped
    }
}

impl Nova {
    fn results(&mut self, results: &Results, talk: &mut Talk<'_>) {
        let until = talk.sent.place(samples(results.start + results.duration));
        let best = results.alternatives.first();
        let confidence = best.map_or(0.0, |best| best.confidence);
        let words = best.map_or(&[][..], |best| &best.words).iter();
        let words = words.map(|word| (written(word), talk.sent.place(middle(word))));
        let words: Vec<_> = words.collect();
        let flushed = results.from_finalize;
        // It answers in turn.
        let is_missed = self.missed.is_some_and(|upto| until <= upto + ROUNDED);
        let answers = if flushed && !is_missed {
            talk.answered()
        } else {
            None
        };
        let taken = until <= self.taken;
        let heard = Heard {
            text: if taken {
                String::new()
            } else {
                results.transcript().trim().to_owned()
            },
            confidence_pm: (confidence * 1000.0).round().clamp(0.0, 1000.0) as u16,
            words,
            settled: results.is_final || flushed,
            until,
            answers,
            hint: None,
        }
        .after(self.taken);
        if heard.settled {
            self.helped |= !heard.text.is_empty();
            // Some finals come twice.
            self.taken = self.taken.max(until);
            // A final that is late leaves what was said since.
            let beyond = |interim: &Heard| interim.until > until && !interim.words.is_empty();
            let interim = self.interim.take().filter(beyond);
            self.interim = interim
                .map(|interim| interim.after(until))
                .filter(|interim| !interim.text.is_empty());
            talk.sent.forget(until);
        } else if !heard.text.is_empty() {
            self.interim = Some(heard.clone());
        }
        if !heard.text.is_empty() || heard.answers.is_some() {
            talk.hear(heard);
        }
    }
}

fn deaf() -> Failure {
    let name = Provider::Deepgram.name();
    Failure::gone(format!("{name} takes audio and answers nothing"))
}

fn written(word: &Word) -> String {
    word.punctuated_word.as_ref().unwrap_or(&word.word).clone()
}

/// The ends of a word shift a little as it is heard again; its middle stays on one side of a boundary.
fn middle(word: &Word) -> u64 {
    samples((word.start + word.end) / 2)
}
