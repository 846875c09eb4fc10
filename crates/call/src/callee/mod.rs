//! Who answered a call that we placed: a person, or a machine that takes a message, asks who calls, offers a menu or is a fax.
//!
//! Nothing waits for this: the opening is said as in any call, and evidence is weighed as it comes, for the first
//! [`CalleeSpec::listen_ms`] or until a person has answered twice. Words prove a machine by its phrases, a beep and a fax by their
//! tones; the carrier's verdict counts where nothing else is known. How long somebody spoke at once proves nothing by itself: it
//! decides whether a beep or a verdict is believed after somebody seemed to answer.
//!
//! While a message waits for its beep, or is said, the machine *leads*: what it says is no turn, and nothing interrupts us.

mod lead;
mod phrases;
mod weigh;

use serde::{Deserialize, Serialize};

use crate::at::{At, Ear};
use crate::event::ReplyId;

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callee {
    /// A person.
    Human,
    /// A machine that takes messages.
    Voicemail,
    /// A machine that takes none any more.
    MailboxFull,
    /// A machine that wants a key.
    Menu,
    /// A machine that asks who calls and why, before a person does.
    Screening,
    /// A fax.
    Fax,
    /// Nobody: the number is not in service, or the network says so.
    Unreachable,
}

impl Callee {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::Human,
        Self::Voicemail,
        Self::MailboxFull,
        Self::Menu,
        Self::Screening,
        Self::Fax,
        Self::Unreachable,
    ];
}

/// From what it is known who answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// This phrase, of our own list.
    Phrase(String),
    /// A beep, by its frequency in Hz.
    Beep(u16),
    /// The tones of a fax, or of a network.
    Tones,
    /// The carrier's verdict.
    Verdict,
    /// Somebody answered in a turn that was short.
    Answer,
}

/// The carrier's verdict on who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// A person.
    Human,
    /// A machine that has begun to speak.
    MachineStart,
    /// A machine that has ended its greeting: it listens now.
    MachineEnd,
    /// A fax.
    Fax,
    /// It cannot say.
    Unknown,
}

/// Evidence of who answered, beside words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// One tone, and then silence.
    Beep {
        /// Its frequency in Hz.
        hz: u16,
        /// Where it ended.
        until: Ear,
    },
    /// The tones of a fax.
    Fax,
    /// The tones of a network that did not reach anybody.
    Special,
    /// The carrier's verdict. It may come before the call is answered.
    Verdict(Verdict),
}

/// What is done when a machine answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// It is noted, and the conversation goes on.
    #[default]
    Ignore,
    /// The call ends.
    HangUp,
    /// This is said when the machine listens, and then the call ends.
    Message(String),
    /// This is said when the machine has spoken, and the conversation goes on.
    Say(String),
}

/// What is done by who answered, in a call that we placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalleeSpec {
    /// Evidence counts for this long from the answer, in ms; 0: never.
    pub listen_ms: u32,
    /// For a machine that takes messages.
    pub voicemail: Policy,
    /// For one that takes none any more.
    pub mailbox_full: Policy,
    /// For a machine that wants a key.
    pub menu: Policy,
    /// For a machine that asks who calls.
    pub screening: Policy,
    /// For a fax.
    pub fax: Policy,
    /// For a number that is not in service.
    pub unreachable: Policy,
}

impl CalleeSpec {
    /// What holds where nothing is said: machines that nobody listens behind end the call, others are talked to.
    pub fn usual() -> Self {
        Self {
            listen_ms: 45_000,
            voicemail: Policy::HangUp,
            mailbox_full: Policy::HangUp,
            menu: Policy::Ignore,
            screening: Policy::Ignore,
            fax: Policy::HangUp,
            unreachable: Policy::HangUp,
        }
    }

    fn policy(&self, callee: Callee) -> &Policy {
        match callee {
            Callee::Human => &Policy::Ignore,
            Callee::Voicemail => &self.voicemail,
            Callee::MailboxFull => &self.mailbox_full,
            Callee::Menu => &self.menu,
            Callee::Screening => &self.screening,
            Callee::Fax => &self.fax,
            Callee::Unreachable => &self.unreachable,
        }
    }
}

/// How far the handling of a machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Turns are taken as ever.
    #[default]
    Talking,
    /// A message waits until the machine listens, since then.
    Waiting(At),
    /// The message is said, since then.
    Leaving(At),
}

/// Whether words of a turn proved a machine, though they may change by its end.
#[derive(Clone, Copy, Debug, Default)]
struct Proved {
    /// Of this turn.
    now: bool,
    /// Of the one before.
    before: bool,
}

/// What is known of who answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) callee: Option<Callee>,
    stage: Stage,
    /// Short turns that were answered.
    answers: u8,
    /// Somebody spoke so long at once that it may have been a machine.
    long: bool,
    /// The last words, for phrases that come in pieces.
    tail: String,
    proved: Proved,
    /// A line that a machine is to hear when it has spoken.
    owed: Option<String>,
    /// The reply that says it, and how often it was said.
    told: Option<(ReplyId, u8)>,
    /// The person has not heard our opening: a machine has.
    unopened: bool,
    /// How often the message was begun.
    begun: u8,
    /// The carrier's verdict from before the answer.
    foretold: Option<Verdict>,
}

impl Known {
    /// In a call that goes on from elsewhere.
    pub(crate) fn restored(callee: Option<Callee>) -> Self {
        Self {
            callee,
            answers: u8::from(callee == Some(Callee::Human)),
            ..Self::default()
        }
    }

    /// Whether a machine leads: a message waits for it to listen, or is said.
    pub(crate) fn leads(&self) -> bool {
        self.stage != Stage::Talking
    }

    /// Whether the next turn is not the responder's to answer.
    pub(crate) fn answers_itself(&self) -> bool {
        self.owed.is_some() || self.unopened
    }

    /// A new turn begins: phrases do not reach across.
    pub(crate) fn new_turn(&mut self) {
        self.tail.clear();
        self.proved = Proved {
            now: false,
            before: self.proved.now,
        };
    }

    /// The turn before goes on.
    pub(crate) fn reopened(&mut self) {
        self.proved.now |= self.proved.before;
    }

    /// A reply was heard to its end.
    pub(crate) fn heard(&mut self, reply: ReplyId) {
        if self.told.is_some_and(|(told, _)| told == reply) {
            self.owed = None;
        }
    }
}
