//! Deepgram's first generation, by its present model Nova: the local detector says when to finalize.

use std::time::Duration;

use ringback_wire::deepgram::listen::{
    self, Command as Control, Endpointing, Event, Query, Results, Word,
};
use tokio::time::Instant;
use url::Url;

use super::deepgram::{Deepgram, samples};
use super::languages::nova_code;
use super::listening::{Generation, Keep, ROUNDED, Talk};
use super::sent::SentAudio;
use super::stream::Heard;
use super::unanswered::{Unanswered, UnansweredSpeech};
use crate::provider::{Failure, Provider};

/// So long the answer to a `Finalize` is waited for where no words are owed: Deepgram need not answer then.
const FLUSH: Duration = Duration::from_millis(400);
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
    /// Words that may change, by stretch, in order.
    interim: Vec<Stretch>,
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

/// A stretch of audio whose final words have not come.
struct Stretch {
    from: u64,
    heard: Heard,
}

impl Generation for Nova {
    fn begin(&mut self, _talk: &mut Talk<'_>) {
        self.answered = false;
        self.helped = false;
        self.unanswered.begin();
        self.speech = UnansweredSpeech::default();
        self.interim.clear();
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

    /// The question was not answered in time: unless the socket seems to be deaf, either words are owed, or there are none.
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
        self.flush_at = None;
        let owed = |upto| !self.interim.is_empty() || talk.sent.has_speech_upto(upto);
        let Some(asked) = talk.asked.take_if(|asked| !owed(asked.upto)) else {
            return Ok(());
        };
        talk.hear(Heard {
            text: String::new(),
            confidence_pm: 0,
            words: Vec::new(),
            settled: true,
            until: asked.upto,
            answers: Some(asked.number),
            hint: None,
        });
        talk.no_longer(Some(asked));
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
        let from = talk.sent.place(samples(results.start));
        let until = talk.sent.place(samples(results.start + results.duration));
        let best = results.alternatives.first();
        let confidence = best.map_or(0.0, |best| best.confidence);
        let words = best.map_or(&[][..], |best| &best.words).iter();
        let words = words.map(|word| (written(word), talk.sent.place(middle(word))));
        let words: Vec<_> = words.collect();
        let flushed = results.from_finalize;
        let answers = flushed.then(|| talk.answered_upto(until)).flatten();
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
            self.settle(heard, talk);
        } else if !heard.text.is_empty() {
            let kept_from = talk.sent.kept_from();
            self.interim.retain(|stretch| {
                let before = stretch.heard.until <= from + ROUNDED;
                before && stretch.heard.until > kept_from
            });
            self.interim.push(Stretch { from, heard });
            self.tell_interim(talk);
        }
    }

    fn settle(&mut self, heard: Heard, talk: &mut Talk<'_>) {
        let until = heard.until;
        self.helped |= !heard.text.is_empty();
        // Some finals come twice.
        self.taken = self.taken.max(until);
        // A final that is late leaves what was said since.
        let interim = std::mem::take(&mut self.interim).into_iter();
        let later = interim.filter_map(|stretch| {
            let apart = stretch.from + ROUNDED >= until;
            let overlaps = stretch.heard.until > until && !stretch.heard.words.is_empty();
            let heard = match (apart, overlaps) {
                (true, _) => stretch.heard,
                (false, true) => stretch.heard.after(until),
                (false, false) => return None,
            };
            let from = stretch.from.max(until);
            (!heard.text.is_empty()).then_some(Stretch { from, heard })
        });
        self.interim = later.collect();
        talk.sent.forget(until);
        if !heard.text.is_empty() || heard.answers.is_some() {
            talk.hear(heard);
            self.tell_interim(talk);
        }
    }

    /// Tells the words that may change, of all stretches.
    fn tell_interim(&self, talk: &mut Talk<'_>) {
        let told = match self.interim.as_slice() {
            [] => return,
            [one] => one.heard.clone(),
            [.., last] => Heard {
                text: self.texts().join(" "),
                words: self.interim.iter().flat_map(Stretch::placed).collect(),
                ..last.heard.clone()
            },
        };
        talk.hear(told);
    }

    fn texts(&self) -> Vec<&str> {
        let heard = self.interim.iter().map(|stretch| &stretch.heard);
        heard.map(|heard| heard.text.as_str()).collect()
    }
}

impl Stretch {
    /// Its words, where they are not known all at its end.
    fn placed(&self) -> Vec<(String, u64)> {
        if !self.heard.words.is_empty() {
            return self.heard.words.clone();
        }
        let words = self.heard.text.split_whitespace();
        words
            .map(|word| (word.to_owned(), self.heard.until))
            .collect()
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
