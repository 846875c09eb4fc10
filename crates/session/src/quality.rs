//! How well a call went, in one figure, from what the call says of itself. docs/metrics.md explains it to operators.

use ringback_call::{At, Line, Report, Speaker};
use serde::Serialize;

/// Silence of both sides is dead air when it lasts longer, in ms.
pub const DEAD_AIR_MS: u64 = 2_000;
/// A reply is slow when the caller hears it later after their own last sound, in ms.
pub const SLOW_REPLY_MS: u64 = 1_500;

/// The points that each fault costs where it is as bad as can be. Together 100.
const INTERRUPTIONS: f64 = 15.0;
const UNHEARD: f64 = 15.0;
const REPROMPTS: f64 = 25.0;
const DEAD_AIR: f64 = 20.0;
const SLOW: f64 = 25.0;

/// What went well and what did not. Shares are of what the call had of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quality {
    /// 0 to 100: 100 without any of the faults below.
    pub score: u8,
    /// Lines of the agent.
    pub replies: u32,
    /// Of these, lines at which the caller took the floor.
    pub interruptions: u32,
    /// Characters that the agent wanted to say.
    pub said_characters: u64,
    /// Of these, those that the caller did not hear.
    pub unheard_characters: u64,
    /// Lines in which the agent asked the same again, or asked whether anybody is there.
    pub reprompts: u32,
    /// How long nobody was heard, be it a machine, in pauses of more than [`DEAD_AIR_MS`], in ms.
    pub dead_air_ms: u64,
    /// Turns of the caller after which something was heard.
    pub answered_turns: u32,
    /// Of these, those after which it was heard later than [`SLOW_REPLY_MS`].
    pub slow_replies: u32,
}

impl Quality {
    /// That of a call that is over; `None` where nobody said anything.
    pub fn of(report: &Report) -> Option<Self> {
        let agent = report.lines.iter().filter(|line| is_agent(line));
        let (mut replies, mut said, mut heard) = (0, 0, 0);
        for line in agent {
            replies += 1;
            said += line.said.chars().count() as u64;
            heard += line.heard.chars().count() as u64;
        }
        let waits = report.turns.iter().filter_map(|turn| {
            let audible = turn.acknowledged.or(turn.audible)?;
            Some(audible.ms_since(turn.last_sound))
        });
        let waits: Vec<u64> = waits.collect();
        let slow = waits.iter().filter(|ms| **ms > SLOW_REPLY_MS).count();
        let mut quality = Self {
            score: 0,
            replies,
            interruptions: report.yields,
            said_characters: said,
            unheard_characters: said.saturating_sub(heard),
            reprompts: reprompts(&report.lines),
            dead_air_ms: dead_air_ms(report),
            answered_turns: count(waits.len()),
            slow_replies: count(slow),
        };
        quality.score = quality.rated(report.ended.ms());
        (!report.lines.is_empty()).then_some(quality)
    }

    fn rated(&self, lasted_ms: u64) -> u8 {
        let replies = f64::from(self.replies);
        let lost = INTERRUPTIONS * share(f64::from(self.interruptions), replies)
            + UNHEARD * share(self.unheard_characters as f64, self.said_characters as f64)
            + REPROMPTS * share(f64::from(self.reprompts), replies)
            + DEAD_AIR * share(self.dead_air_ms as f64, lasted_ms as f64)
            + SLOW * share(f64::from(self.slow_replies), f64::from(self.answered_turns));
        // Shares are at most 1 and the points are 100 together.
        (100.0 - lost).round() as u8
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn is_agent(line: &Line) -> bool {
    line.speaker == Speaker::Agent
}

/// Lines of the agent that end with the sentence with which the one before ended, or that follow upon the agent's own line after
/// a pause.
fn reprompts(lines: &[Line]) -> u32 {
    let (mut found, mut asked) = (0, "");
    let mut before: Option<&Line> = None;
    for line in lines.iter().filter(|line| line.speaker != Speaker::Whisper) {
        if is_agent(line) {
            let ending = last_sentence(&line.said);
            let again = !ending.is_empty() && ending == asked;
            asked = ending;
            let alone = before.is_some_and(|before| {
                is_agent(before)
                    && before.reply != line.reply
                    && line.from.ms_since(before.until) > DEAD_AIR_MS
            });
            found += u32::from(again || alone);
        }
        before = Some(line);
    }
    found
}

fn last_sentence(text: &str) -> &str {
    let text = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let begins = text.rfind(['.', '!', '?']).map_or(0, |end| end + 1);
    text[begins..].trim()
}

fn dead_air_ms(report: &Report) -> u64 {
    let heard = |line: &&Line| !line.heard.is_empty() || !line.digits.is_empty();
    let lines = report.lines.iter().filter(heard);
    let lines = lines.map(|line| (line.from, line.until));
    let unclear = report.unclear.iter().map(|one| (one.from, one.until));
    let caller = report.sounds.iter();
    let caller = caller.map(|one| (one.from, one.until.unwrap_or(report.ended)));
    let mut sounds: Vec<(At, At)> = lines.chain(unclear).chain(caller).collect();
    sounds.push((report.ended, report.ended));
    sounds.sort_unstable();
    let (mut quiet_since, mut dead) = (At::default(), 0);
    for (from, until) in sounds {
        let pause = from.ms_since(quiet_since);
        if pause > DEAD_AIR_MS {
            dead += pause;
        }
        quiet_since = quiet_since.max(until);
    }
    dead
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ringback_call::{AnsweredBy, ReplyId, Sounds, TurnEnd, TurnId, TurnReport, Unclear};

    use super::*;

    fn line(speaker: Speaker, (from, until): (u64, u64), said: &str, heard: &str) -> Line {
        Line {
            speaker,
            turn: TurnId(1),
            reply: (speaker == Speaker::Agent).then_some(ReplyId(u32::try_from(from).unwrap_or(0))),
            said: said.to_owned(),
            heard: heard.to_owned(),
            digits: String::new(),
            from: At::from_ms(from),
            until: At::from_ms(until),
            cut: said != heard,
        }
    }

    fn agent(span: (u64, u64), said: &str) -> Line {
        line(Speaker::Agent, span, said, said)
    }

    fn caller(span: (u64, u64), said: &str) -> Line {
        line(Speaker::Caller, span, said, said)
    }

    fn turn(last_sound: u64, audible: u64) -> TurnReport {
        TurnReport {
            turn: TurnId(1),
            cause: TurnEnd::Wait,
            last_sound: At::from_ms(last_sound),
            finalized: None,
            words: None,
            speculated: None,
            ended: At::from_ms(last_sound),
            text: None,
            clause: None,
            speech: None,
            audible: Some(At::from_ms(audible)),
            answered_by: Some(AnsweredBy::Reply),
            acknowledged: None,
        }
    }

    fn report(lines: Vec<Line>, turns: Vec<TurnReport>, ended: u64) -> Report {
        Report {
            lines,
            turns,
            ended: At::from_ms(ended),
            ..Report::default()
        }
    }

    #[test]
    fn a_call_without_a_fault_has_100_and_one_without_a_line_has_none() {
        let lines = vec![
            agent((300, 2000), "Hello. How can I help?"),
            caller((2500, 4000), "the price"),
            agent((4700, 6000), "Ninety dollars."),
        ];
        let quality = Quality::of(&report(lines, vec![turn(4000, 4700)], 7000));
        let expected = Quality {
            score: 100,
            replies: 2,
            said_characters: 37,
            answered_turns: 1,
            ..Quality::default()
        };
        assert_eq!(quality, Some(expected));
        assert_eq!(Quality::of(&Report::default()), None);
    }

    #[test]
    fn each_fault_costs_its_share() {
        let lines = vec![
            agent((0, 2000), "Which day?"),
            // Nobody says anything for 4 s, and is asked; then nobody understands them.
            agent((6000, 7000), "Are you there?"),
            caller((7500, 8000), "hum"),
            line(
                Speaker::Agent,
                (10_000, 12_000),
                "Sorry? Are you there?",
                "Sorry? A",
            ),
            caller((12_000, 14_000), "Monday"),
        ];
        let mut report = report(lines, vec![turn(8000, 10_000)], 20_000);
        report.yields = 1;
        let quality = Quality::of(&report).unwrap_or_default();
        let expected = Quality {
            score: 39,
            replies: 3,
            interruptions: 1,
            said_characters: 45,
            unheard_characters: 13,
            reprompts: 2,
            dead_air_ms: 10_000,
            answered_turns: 1,
            slow_replies: 1,
        };
        // 5 + 4.3 + 16.7 + 10 + 25 points are lost.
        assert_eq!(quality, expected);
    }

    #[test]
    fn speech_that_was_not_understood_is_no_dead_air() {
        let mut report = report(vec![agent((0, 1000), "Hello.")], Vec::new(), 6000);
        assert_eq!(dead_air_ms(&report), 5000);
        report.unclear.push(Unclear {
            from: At::from_ms(2500),
            until: At::from_ms(4500),
        });
        assert_eq!(dead_air_ms(&report), 0);
    }

    #[test]
    fn a_machine_that_speaks_is_no_dead_air_though_it_has_no_line() {
        let sounds = |from, until: Option<u64>| Sounds {
            from: At::from_ms(from),
            until: until.map(At::from_ms),
        };
        let mut report = report(vec![agent((9000, 12_000), "Hello.")], Vec::new(), 15_000);
        assert_eq!(dead_air_ms(&report), 12_000);
        report.sounds = vec![sounds(1360, Some(8660)), sounds(13_900, None)];
        assert_eq!(dead_air_ms(&report), 0);
    }

    proptest! {
        #[test]
        fn the_score_is_a_percentage_whatever_happened(
            lines in proptest::collection::vec((any::<bool>(), 0..100_000_u64, 0..9000_u64, "[a-c?. ]{0,12}", 0..13_usize), 0..12),
            waits in proptest::collection::vec((0..90_000_u64, 0..90_000_u64), 0..6),
            yields in 0..40_u32,
            ended in 0..100_000_u64,
        ) {
            let lines = lines.into_iter().map(|(ours, from, length, said, heard)| {
                let speaker = if ours { Speaker::Agent } else { Speaker::Caller };
                line(speaker, (from, from + length), &said, &said[..heard.min(said.len())])
            });
            let turns = waits.into_iter().map(|(from, until)| turn(from, until));
            let mut report = report(lines.collect(), turns.collect(), ended);
            report.yields = yields;
            if let Some(quality) = Quality::of(&report) {
                prop_assert!(quality.score <= 100);
                prop_assert!(quality.unheard_characters <= quality.said_characters);
                prop_assert!(quality.slow_replies <= quality.answered_turns);
                prop_assert!(quality.reprompts <= quality.replies);
            }
        }
    }
}
