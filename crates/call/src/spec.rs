//! What a call is made from: everything it needs of a scenario, resolved.

use serde::{Deserialize, Deserializer, Serialize};

use crate::callee::CalleeSpec;
use crate::event::{Expect, Intent};

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// They called us.
    Inbound,
    /// We called them.
    Outbound,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];
}

/// How much of the greeting cannot be interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// As any reply: `protect_ms`.
    None,
    /// Its first second.
    #[default]
    FirstSecond,
    /// All of it.
    Whole,
}

/// The settings of turn-taking, with the defaults of the design. All in milliseconds but where the name says else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TurnSettings {
    /// Speech this long is an onset.
    pub onset_ms: u32,
    /// Energetic speech this long clears the carrier's buffer.
    pub sustain_ms: u32,
    /// Speech this long takes the floor.
    pub yield_ms: u32,
    /// This long without an energetic frame, the recogniser is asked for its words.
    pub finalize_ms: u32,
    /// Wait after open speech.
    pub end_wait_ms: u32,
    /// Wait after a whole expected sentence.
    pub end_wait_complete_ms: u32,
    /// Wait after a filler, or digits.
    pub end_wait_filler_ms: u32,
    /// The longest wait.
    pub end_cap_ms: u32,
    /// A reply must be audible this long after the turn's end.
    pub reply_bound_ms: u32,
    /// Silence after a reply was heard, before the caller is asked again.
    pub idle_ms: u32,
    /// How many times the caller is asked again (a count).
    pub idle_prompts: u8,
    /// Longest call, in seconds.
    pub max_call_s: u32,
    /// How far ahead of the caller's ear audio is sent.
    pub ahead_ms: u32,
    /// The first stretch heard of a reply that cannot be interrupted.
    pub protect_ms: u32,
    /// The responder may be asked before a turn is over, in vain if it goes on (yes or no).
    pub speculate: bool,
}

impl Default for TurnSettings {
    fn default() -> Self {
        Self {
            onset_ms: 64,
            sustain_ms: 200,
            yield_ms: 700,
            finalize_ms: 200,
            end_wait_ms: 700,
            end_wait_complete_ms: 250,
            end_wait_filler_ms: 1200,
            end_cap_ms: 1500,
            reply_bound_ms: 4000,
            idle_ms: 10_000,
            idle_prompts: 2,
            max_call_s: 600,
            ahead_ms: 240,
            protect_ms: 250,
            speculate: false,
        }
    }
}

/// Lines that are always the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// The greeting; without one the responder opens.
    pub greeting: Option<String>,
    /// Said when a reply fails.
    pub apology: String,
    /// Said before the call ends for silence, duration or a stop of the server.
    pub goodbye: String,
    /// Said to a silent caller, in turn; without any the responder is asked.
    pub idle: Vec<String>,
    /// Said in turn while a tool takes long and nothing else is to be heard. Older traces have one or none.
    #[serde(default, deserialize_with = "one_or_more")]
    pub tool_wait: Vec<String>,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            greeting: None,
            apology: "I am sorry, something went wrong on our side.".into(),
            goodbye: "Thank you for calling. Goodbye.".into(),
            idle: Vec::new(),
            tool_wait: Vec::new(),
        }
    }
}

impl Lines {
    /// What asks for patience for the `nth` time, from 0; `None` where nothing does.
    pub(crate) fn patience(&self, nth: usize) -> Option<&str> {
        let place = nth.checked_rem(self.tool_wait.len())?;
        self.tool_wait.get(place).map(String::as_str)
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lines {
        One(Option<String>),
        More(Vec<String>),
    }
    Ok(match Lines::deserialize(from)? {
        Lines::One(line) => line.into_iter().collect(),
        Lines::More(lines) => lines,
    })
}

/// What is to be known of a tool before it is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// After this many milliseconds a call of it counts as not answered.
    pub timeout_ms: u32,
    /// Whether it changes something, so that it must not be done twice.
    pub side_effect: bool,
}

/// All that a call needs to know. It holds no secret: it is the first record of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSpec {
    /// Who called whom.
    pub direction: Direction,
    /// Turn-taking.
    pub turn: TurnSettings,
    /// How much of the greeting cannot be interrupted.
    pub protect_greeting: Protection,
    /// Fixed lines.
    pub lines: Lines,
    /// What is expected after the greeting.
    pub expect: Expect,
    /// What follows when replies keep failing.
    pub fallback: Intent,
    /// The call ends when the caller was silent this long, in seconds; 0 means never.
    pub max_silence_s: u32,
    /// Words that do not take the floor, lower case.
    pub backchannels: Vec<String>,
    /// Words after which the caller is likely to go on, lower case.
    pub fillers: Vec<String>,
    /// The tools that replies may call. One that is not here has 5 s and changes nothing.
    #[serde(default)]
    pub tools: Vec<ToolSpec>,
    /// What is done by who answers a call that we place.
    #[serde(default)]
    pub callee: CalleeSpec,
}

impl CallSpec {
    /// A call in this direction, with the defaults of the design.
    pub fn new(direction: Direction) -> Self {
        let words = |list: &str| list.split(',').map(str::to_owned).collect();
        Self {
            direction,
            turn: TurnSettings::default(),
            protect_greeting: match direction {
                Direction::Inbound => Protection::FirstSecond,
                Direction::Outbound => Protection::None,
            },
            lines: Lines::default(),
            expect: Expect::OPEN,
            fallback: Intent::HangUp,
            max_silence_s: 0,
            backchannels: words(
                "uh huh,uh-huh,mm hmm,mm-hmm,mhm,hmm,mm,mmm,uh,um,ah,oh,yeah,yep,ok,okay,right,i see,sure,got it,go on",
            ),
            fillers: words("um,uh,er,erm,hmm,and,but,so,because,or,well,the,a,my,is,to,i,with"),
            tools: Vec::new(),
            callee: match direction {
                Direction::Inbound => CalleeSpec::default(),
                Direction::Outbound => CalleeSpec::usual(),
            },
        }
    }
}
