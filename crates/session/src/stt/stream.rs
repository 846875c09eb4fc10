//! A recogniser that is sent the whole of the caller's audio: the call's side of it.
//!
//! The adapter runs in a task of its own. Audio goes there by a channel that holds some seconds; while it is full nothing is
//! taken from the ear, and what the ear forgets meanwhile is a gap. Commands have a channel of their own and are never
//! dropped.

use ringback_audio::ring::EarRing;
use ringback_call::{Firmness, Scope, TurnHint, Words};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Audio is sent in blocks of 80 ms, in samples.
const BLOCK: u64 = 640;
/// Blocks that may wait: 6 s.
const WAITING: usize = 75;

/// A block of the caller's audio.
#[derive(Debug)]
pub(crate) struct Block {
    /// Its first sample's position in the ear.
    pub(crate) start: u64,
    /// Mu-law, 8000 Hz.
    pub(crate) mulaw: Vec<u8>,
}

/// What the adapter is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Say what was said before this position, and answer with the number.
    Finalize { number: u32, upto: u64 },
    /// What comes next is another turn.
    NewTurn,
    /// Another recogniser stands by, to take the place of this one.
    Relieved,
}

/// What an adapter heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) confidence_pm: u16,
    /// Its words, each with its place in the ear in samples, where the provider says where they are.
    pub(crate) words: Vec<(String, u64)>,
    /// Whether it may change.
    pub(crate) settled: bool,
    /// The end of the stretch in the ear, in samples.
    pub(crate) until: u64,
    /// It is all there is: the answer to this [`Command::Finalize`].
    pub(crate) answers: Option<u32>,
    /// What it means for the turn, from an adapter that finds the ends of turns.
    pub(crate) hint: Option<TurnHint>,
}

impl Heard {
    /// Without the words up to this position, where it is known which these are.
    pub(crate) fn after(self, position: u64) -> Self {
        self.within(|place| place > position)
    }

    /// Without those after it.
    fn upto(self, position: u64) -> Self {
        self.within(|place| place <= position)
    }

    fn within(mut self, is_in: impl Fn(u64) -> bool) -> Self {
        let whole = self.words.len();
        self.words.retain(|(_, place)| is_in(*place));
        if self.words.len() < whole {
            let words = self.words.iter().map(|(word, _)| word.as_str());
            self.text = words.collect::<Vec<_>>().join(" ");
        }
        self
    }
}

/// The adapter's ends of the channels.
pub(crate) struct Inlet {
    pub(crate) audio: mpsc::Receiver<Block>,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
}

/// The turn before: the last in which something was asked.
#[derive(Default)]
struct TurnBefore {
    from: u64,
    /// The number of its last question.
    asked: u32,
}

/// The call's side. When it is dropped the adapter closes its socket.
pub(crate) struct Stream {
    audio: mpsc::Sender<Block>,
    commands: mpsc::UnboundedSender<Command>,
    fed: u64,
    /// Words before this position belong to an earlier turn.
    turn_from: u64,
    finalize: u32,
    /// The number with which the turn began, before any question in it.
    begun: u32,
    before: TurnBefore,
    /// The adapter finds the ends of turns.
    leads: bool,
    /// Samples that were sent and are not told yet.
    sent: u64,
}

impl Stream {
    /// Both sides. `leads`: the adapter finds the ends of turns.
    pub(crate) fn new(leads: bool) -> (Self, Inlet) {
        let (audio, audio_inlet) = mpsc::channel(WAITING);
        let (commands, commands_inlet) = mpsc::unbounded_channel();
        let stream = Self {
            audio,
            commands,
            fed: 0,
            turn_from: 0,
            finalize: 0,
            begun: 0,
            before: TurnBefore::default(),
            leads,
            sent: 0,
        };
        let inlet = Inlet {
            audio: audio_inlet,
            commands: commands_inlet,
        };
        (stream, inlet)
    }

    /// Whether the adapter finds the ends of turns.
    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    /// How many samples were sent since this was asked last.
    pub(crate) fn take_sent(&mut self) -> u64 {
        std::mem::take(&mut self.sent)
    }

    /// Takes over in the middle of a call: the audio from this position on is sent.
    pub(crate) fn take_over(&mut self, from: u64) {
        self.fed = from;
        self.turn_from = from;
        self.before.from = from;
    }

    /// Sends the whole blocks that have come together.
    pub(crate) fn feed(&mut self, ring: &EarRing) {
        while ring.end() >= self.fed + BLOCK && self.send(ring, self.fed + BLOCK) {}
    }

    /// Sends up to a position. False if it could not be sent now.
    fn send(&mut self, ring: &EarRing, upto: u64) -> bool {
        let permit = match self.audio.try_reserve() {
            Ok(permit) => permit,
            Err(TrySendError::Full(()) | TrySendError::Closed(())) => return false,
        };
        let mut mulaw = Vec::with_capacity(BLOCK as usize);
        let start = ring.read(self.fed, upto, &mut mulaw);
        self.fed = upto;
        if !mulaw.is_empty() {
            self.sent += mulaw.len() as u64;
            permit.send(Block { start, mulaw });
        }
        true
    }

    /// Asks for the words so far.
    pub(crate) fn finalize(&mut self, ring: &EarRing) -> bool {
        self.feed(ring);
        if ring.end() > self.fed {
            self.send(ring, ring.end());
        }
        self.finalize = self.finalize.wrapping_add(1);
        let finalize = Command::Finalize {
            number: self.finalize,
            upto: self.fed,
        };
        // An adapter that is gone has said why.
        self.commands.send(finalize).is_ok()
    }

    /// What comes next is another turn.
    pub(crate) fn new_turn(&mut self, ring: &EarRing) {
        if self.finalize != self.begun {
            self.before = TurnBefore {
                from: self.turn_from,
                asked: self.finalize,
            };
            self.finalize = self.finalize.wrapping_add(1);
            self.begun = self.finalize;
        }
        self.turn_from = ring.end();
        let _ = self.commands.send(Command::NewTurn);
    }

    /// Another recogniser stands by: the adapter may give up sooner.
    pub(crate) fn relieve(&self) {
        let _ = self.commands.send(Command::Relieved);
    }

    /// The final words of the turn before in what was heard.
    pub(crate) fn late(&self, heard: &Heard) -> Option<Words> {
        if !heard.settled || heard.until <= self.before.from {
            return None;
        }
        let goes_on = heard.until > self.turn_from;
        if goes_on && heard.words.is_empty() {
            return None;
        }
        let answers = heard.answers == Some(self.before.asked);
        let ended = heard.hint == Some(TurnHint::Ended);
        let all = goes_on || answers || ended;
        let heard = heard.clone().after(self.before.from).upto(self.turn_from);
        let news = !heard.text.is_empty() || (all && !goes_on);
        news.then_some(Words {
            text: heard.text,
            confidence: heard.confidence_pm,
            firmness: if all {
                Firmness::Flushed
            } else {
                Firmness::Final
            },
            scope: Scope::Before,
            complete: false,
        })
    }

    /// The words as the call takes them, if they are of its turn; and what they mean for it.
    pub(crate) fn words(&self, heard: Heard) -> Option<(Words, Option<TurnHint>)> {
        if heard.until <= self.turn_from {
            return None;
        }
        let firmness = match heard.answers {
            Some(number) if number == self.finalize => Firmness::Flushed,
            Some(_) | None if heard.hint == Some(TurnHint::Ended) => Firmness::Flushed,
            // Speech went on since it was asked: these words are a part of it.
            Some(_) => Firmness::Final,
            None if heard.settled => Firmness::Final,
            None => Firmness::Interim,
        };
        // What a recogniser hears as one may go over the end of a turn.
        let heard = heard.after(self.turn_from);
        let words = Words {
            text: heard.text,
            confidence: heard.confidence_pm,
            firmness,
            scope: Scope::Segment,
            complete: false,
        };
        Some((words, heard.hint))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn heard(until: u64, settled: bool, answers: Option<u32>) -> Heard {
        Heard {
            text: "words".into(),
            confidence_pm: 900,
            words: Vec::new(),
            settled,
            until,
            answers,
            hint: None,
        }
    }

    fn ring(samples: usize) -> EarRing {
        let mut ring = EarRing::holding(1 << 14);
        ring.push(&vec![0x55; samples]);
        ring
    }

    #[test]
    fn audio_leaves_in_blocks_of_80_ms_and_the_rest_before_a_question() {
        let (mut stream, mut inlet) = Stream::new(false);
        let ring = ring(1500);
        stream.feed(&ring);
        assert!(stream.finalize(&ring));
        let blocks: Vec<_> = std::iter::from_fn(|| inlet.audio.try_recv().ok())
            .map(|block| (block.start, block.mulaw.len()))
            .collect();
        assert_eq!(blocks, [(0, 640), (640, 640), (1280, 220)]);
        let asked = inlet.commands.try_recv().unwrap();
        assert_eq!(
            asked,
            Command::Finalize {
                number: 1,
                upto: 1500
            }
        );
    }

    #[test]
    fn what_an_adapter_does_not_take_is_kept_as_long_as_the_ear_remembers() {
        let (mut stream, mut inlet) = Stream::new(false);
        let mut ring = ring(0);
        for _ in 0..WAITING + 60 {
            ring.push(&[0x55; 640]);
            stream.feed(&ring);
        }
        let taken: Vec<_> = std::iter::from_fn(|| inlet.audio.try_recv().ok()).collect();
        assert_eq!(taken.len(), WAITING);
        stream.feed(&ring);
        let next = inlet.audio.try_recv().unwrap();
        assert!(next.start >= ring.start() && next.start > WAITING as u64 * BLOCK);
    }

    #[test]
    fn words_count_for_the_turn_in_which_they_were_said() {
        let (mut stream, _inlet) = Stream::new(false);
        let ring = ring(8000);
        stream.finalize(&ring);
        let firmness =
            |stream: &Stream, heard| stream.words(heard).map(|(words, _)| words.firmness);
        assert_eq!(
            firmness(&stream, heard(4000, false, None)),
            Some(Firmness::Interim)
        );
        assert_eq!(
            firmness(&stream, heard(4000, true, None)),
            Some(Firmness::Final)
        );
        assert_eq!(
            firmness(&stream, heard(4000, true, Some(1))),
            Some(Firmness::Flushed)
        );
        stream.finalize(&ring);
        assert_eq!(
            firmness(&stream, heard(4000, true, Some(1))),
            Some(Firmness::Final),
            "speech went on since"
        );
        stream.new_turn(&ring);
        assert_eq!(firmness(&stream, heard(8000, true, Some(2))), None);
        assert_eq!(
            firmness(&stream, heard(8640, false, None)),
            Some(Firmness::Interim)
        );
    }

    #[test]
    fn final_words_of_the_turn_before_are_owed_to_it_and_those_of_older_ones_are_gone() {
        let (mut stream, _inlet) = Stream::new(false);
        let mut ring = ring(8000);
        stream.finalize(&ring);
        stream.finalize(&ring);
        stream.new_turn(&ring);
        let late = |stream: &Stream, heard| {
            let words = stream.late(&heard)?;
            assert_eq!(words.scope, Scope::Before);
            Some(words.firmness)
        };
        for then in ["at once", "after a burst that nobody asked about"] {
            let told = |heard| late(&stream, heard);
            assert_eq!(told(heard(8000, false, None)), None, "{then}");
            assert_eq!(
                told(heard(4000, true, None)),
                Some(Firmness::Final),
                "{then}"
            );
            assert_eq!(
                told(heard(4000, true, Some(1))),
                Some(Firmness::Final),
                "{then}"
            );
            assert_eq!(
                told(heard(8000, true, Some(2))),
                Some(Firmness::Flushed),
                "{then}"
            );
            ring.push(&[0x55; 800]);
            stream.new_turn(&ring);
        }
        stream.finalize(&ring);
        stream.new_turn(&ring);
        assert_eq!(late(&stream, heard(8000, true, Some(2))), None);
    }

    #[test]
    fn of_words_that_go_over_the_end_of_a_turn_those_after_it_count() {
        let (mut stream, _inlet) = Stream::new(true);
        let ring = ring(8000);
        stream.new_turn(&ring);
        let placed = |words: &[(&str, u64)]| {
            let words = words.iter().map(|(word, place)| ((*word).into(), *place));
            Heard {
                text: "Two eggs. And some tea.".into(),
                words: words.collect(),
                ..heard(9900, true, None)
            }
        };
        let text = |heard| stream.words(heard).unwrap().0.text;
        let words = [
            ("Two", 6000),
            ("eggs.", 7900),
            ("And", 8300),
            ("some", 9000),
            ("tea.", 9800),
        ];
        assert_eq!(text(placed(&words)), "And some tea.");
        assert_eq!(text(placed(&words[..2])), "", "all was answered");
        assert_eq!(text(placed(&words[2..])), "Two eggs. And some tea.");
        assert_eq!(text(placed(&[])), "Two eggs. And some tea.", "not known");

        let late = |heard| stream.late(&heard).map(|words| words.text);
        assert_eq!(late(placed(&words)).as_deref(), Some("Two eggs."));
        assert_eq!(late(placed(&words[2..])), None);
        assert_eq!(late(placed(&[])), None);
    }

    #[test]
    fn what_a_provider_knows_of_a_turn_counts_for_that_turn_alone() {
        let (mut stream, _inlet) = Stream::new(true);
        let ring = ring(8000);
        let ended = |until, answers| Heard {
            hint: Some(TurnHint::Ended),
            ..heard(until, true, answers)
        };
        let told = |stream: &Stream, heard| {
            stream
                .words(heard)
                .map(|(words, hint)| (words.firmness, hint))
        };
        assert_eq!(
            told(&stream, ended(4000, None)),
            Some((Firmness::Flushed, Some(TurnHint::Ended)))
        );
        stream.finalize(&ring);
        stream.new_turn(&ring);
        assert_eq!(told(&stream, ended(8000, Some(1))), None);
        for answers in [None, Some(1)] {
            let late = stream.late(&ended(8000, answers));
            assert_eq!(late.map(|words| words.firmness), Some(Firmness::Flushed));
        }
    }
}
