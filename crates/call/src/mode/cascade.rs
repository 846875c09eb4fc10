//! The cascade: a responder writes text, sentence by sentence a voice speaks it.

use std::collections::VecDeque;

use crate::action::{Action, Cause};
use crate::at::At;
use crate::call::Call;
use crate::dialog::{Line, Speaker};
use crate::event::{Expect, Intent, PartId, Piece, ReplyId, TurnId};
use crate::ledger::Ledger;
use crate::timers::Reason;

/// Text goes to the voice while less speech than this is queued, in ms.
const RELEASE_BELOW_MS: u64 = 8000;
/// Sentences that the voice works on at once.
const MOST_UNSPOKEN: usize = 2;
/// A sentence longer than this is cut at a space, in characters.
const LONGEST_PART: usize = 400;
/// A reply longer than this is cut, in characters.
const LONGEST_REPLY: usize = 20_000;

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) id: ReplyId,
    pub(crate) turn: TurnId,
    cause: Option<Cause>,
    asked: (String, String),
    pending: String,
    waiting: VecDeque<String>,
    unspoken: usize,
    length: usize,
    end: Option<(Intent, Expect)>,
    greeting: bool,
}

impl Reply {
    /// All its text: what the voice has, and what it has not yet.
    pub(crate) fn text(&self, ledger: &Ledger) -> String {
        let mut text = ledger.text();
        for more in self.waiting.iter().chain([&self.pending]) {
            let more = more.trim();
            if !more.is_empty() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(more);
            }
        }
        text
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Cascade {
    reply: Option<Reply>,
    replies: u32,
}

impl Cascade {
    pub(crate) fn after(replies: u32) -> Self {
        Self {
            reply: None,
            replies,
        }
    }

    pub(crate) fn replies(&self) -> u32 {
        self.replies
    }

    pub(crate) fn live(&self) -> Option<&Reply> {
        self.reply.as_ref()
    }

    pub(crate) fn drop_reply(&mut self) -> Option<Reply> {
        self.reply.take()
    }

    /// The turn that the live reply answers, with its text and keys, while nothing of the reply was sent.
    pub(crate) fn answering(&self, ledger: &Ledger) -> Option<(TurnId, String, String)> {
        let reply = self.reply.as_ref()?;
        (reply.cause == Some(Cause::Answer) && !ledger.anything_sent())
            .then(|| (reply.turn, reply.asked.0.clone(), reply.asked.1.clone()))
    }

    fn of(&mut self, id: ReplyId) -> Option<&mut Reply> {
        self.reply
            .as_mut()
            .filter(|reply| reply.id == id && reply.end.is_none())
    }
}

impl Call {
    /// Asks the responder for a reply.
    pub(crate) fn ask(&mut self, cause: Cause, text: String, digits: String) {
        let reply = self.open_reply(Some(cause), (text.clone(), digits.clone()));
        self.act(Action::Respond {
            turn: TurnId(self.turns),
            reply,
            cause,
            text,
            digits,
        });
    }

    /// Says a fixed line.
    pub(crate) fn say(&mut self, line: &str, intent: Intent, greeting: bool) {
        let id = self.open_reply(None, (String::new(), String::new()));
        if let Some(reply) = self.mode.of(id) {
            line.clone_into(&mut reply.pending);
            reply.greeting = greeting;
        }
        self.end_text(id, intent, self.expect);
    }

    fn open_reply(&mut self, cause: Option<Cause>, asked: (String, String)) -> ReplyId {
        if self.mode.reply.is_some() {
            self.cut_reply();
        }
        self.mode.replies += 1;
        let id = ReplyId(self.mode.replies);
        self.mode.reply = Some(Reply {
            id,
            turn: TurnId(self.turns),
            greeting: cause == Some(Cause::Opening),
            cause,
            asked,
            pending: String::new(),
            waiting: VecDeque::new(),
            unspoken: 0,
            length: 0,
            end: None,
        });
        self.ledger.open(id);
        self.timers.clear(Reason::Idle);
        let bound = u64::from(self.spec.turn.reply_bound_ms);
        self.timers.set(Reason::Overdue, self.now.plus_ms(bound));
        id
    }

    pub(crate) fn on_text(&mut self, id: ReplyId, text: &str) {
        let now = self.now;
        let Some(reply) = self.mode.of(id) else {
            return;
        };
        let room = LONGEST_REPLY.saturating_sub(reply.length);
        reply.length += text.chars().count().min(room);
        reply.pending.extend(text.chars().take(room));
        while let Some(part) = split_part(&mut reply.pending) {
            reply.waiting.push_back(part);
        }
        self.stamp(|report| report.text.get_or_insert(now));
    }

    pub(crate) fn on_text_end(&mut self, id: ReplyId, intent: &Intent, expect: Expect) {
        if self.mode.of(id).is_some() {
            self.expect = expect;
            self.end_text(id, intent.clone(), expect);
        }
    }

    fn end_text(&mut self, id: ReplyId, intent: Intent, expect: Expect) {
        let Some(reply) = self.mode.of(id) else {
            return;
        };
        while let Some(part) = split_part(&mut reply.pending) {
            reply.waiting.push_back(part);
        }
        let rest = std::mem::take(&mut reply.pending);
        if has_words(&rest) {
            reply.waiting.push_back(rest.trim().to_owned());
        }
        reply.end = Some((intent, expect));
    }

    /// Gives the voice what it may have now.
    pub(crate) fn release_parts(&mut self) {
        let Some(reply) = self.mode.reply.as_mut() else {
            return;
        };
        while reply.unspoken < MOST_UNSPOKEN && self.ledger.queued_ms() < RELEASE_BELOW_MS {
            let Some(text) = reply.waiting.pop_front() else {
                break;
            };
            let part = self.ledger.add_part(&text);
            reply.unspoken += 1;
            self.actions.push_back(Action::Speak {
                reply: reply.id,
                part,
                text,
            });
        }
        if reply.end.is_some() && reply.waiting.is_empty() {
            self.ledger.close();
        }
    }

    pub(crate) fn on_spoken(&mut self, piece: &Piece) {
        let now = self.now;
        if self.mode.live().is_some() && self.ledger.queue(piece) {
            self.stamp(|report| report.speech.get_or_insert(now));
        }
    }

    pub(crate) fn on_spoken_end(&mut self, id: ReplyId, part: PartId) {
        if let Some(reply) = self.mode.reply.as_mut().filter(|reply| reply.id == id) {
            reply.unspoken = reply.unspoken.saturating_sub(1);
            self.ledger.finish_part(id, part);
        }
    }

    /// The reply ends after the sentence that is being heard, and then the call.
    pub(crate) fn shorten_reply(&mut self) {
        self.ledger.drop_unsent_parts();
        if let Some(reply) = self.mode.reply.as_mut() {
            reply.waiting.clear();
            reply.pending.clear();
            reply.end = Some((Intent::HangUp, self.expect));
        }
    }

    /// The reply was heard to its end, or had nothing to say.
    pub(crate) fn finish_reply(&mut self) {
        let Some(reply) = self.mode.drop_reply() else {
            return;
        };
        for reason in [Reason::Overdue, Reason::Heard, Reason::Protect] {
            self.timers.clear(reason);
        }
        let said = self.ledger.text();
        if !said.is_empty() {
            self.dialog.push(Line {
                speaker: Speaker::Agent,
                turn: reply.turn,
                reply: Some(reply.id),
                heard: said.clone(),
                said,
                digits: String::new(),
                from: self.ledger.audible_at().unwrap_or(self.now),
                until: self.now,
                cut: false,
            });
        }
        if reply.cause.is_some() {
            self.failures = 0;
        }
        self.resumes = 0;
        self.checkpoint();
        match reply.end {
            Some((Intent::Continue, _)) | None => {
                self.arm_idle();
                self.judge_turn();
            }
            Some((intent, _)) => self.end(intent),
        }
    }

    /// Whether the live reply is the greeting.
    pub(crate) fn greeting(&self) -> bool {
        self.mode.live().is_some_and(|reply| reply.greeting)
    }

    /// Notes a time in the report of the turn that the live reply answers.
    pub(crate) fn stamp(&mut self, set: impl FnOnce(&mut crate::TurnReport) -> &mut At) {
        let Some(reply) = self.mode.live() else {
            return;
        };
        if reply.cause != Some(Cause::Answer) {
            return;
        }
        let turn = reply.turn;
        if let Some(report) = self
            .report
            .turns
            .last_mut()
            .filter(|last| last.turn == turn)
        {
            set(report);
        }
    }
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Takes the first whole sentence out of a text that may still grow.
fn split_part(text: &mut String) -> Option<String> {
    let end = sentence_end(text).or_else(|| long_part(text))?;
    let rest = text.split_off(end);
    let part = std::mem::replace(text, rest.trim_start().to_owned());
    let part = part.trim().to_owned();
    if has_words(&part) {
        Some(part)
    } else {
        split_part(text)
    }
}

/// Where the first sentence ends: behind `.`, `!`, `?` or a line break, if white space follows and it is no abbreviation.
fn sentence_end(text: &str) -> Option<usize> {
    let mut before = None;
    for (index, character) in text.char_indices() {
        if let Some((mark, end)) = before
            && (character.is_whitespace() || mark == '\n')
            && !(mark == '.' && is_abbreviation(&text[..end]))
        {
            return Some(index);
        }
        before = match character {
            '.' | '!' | '?' | '\n' | '。' | '！' | '？' => {
                Some((character, index + character.len_utf8()))
            }
            '"' | '\'' | ')' | '”' => before,
            _ => None,
        };
    }
    None
}

fn is_abbreviation(text: &str) -> bool {
    let word = text
        .trim_end_matches('.')
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or("");
    let letters = word.chars().count();
    let initial = letters == 1 && word.chars().all(char::is_uppercase) && word != "I";
    initial
        || [
            "Mr", "Mrs", "Ms", "Dr", "St", "No", "vs", "etc", "e.g", "i.e", "a.m", "p.m",
        ]
        .contains(&word)
}

fn long_part(text: &str) -> Option<usize> {
    let (limit, _) = text.char_indices().nth(LONGEST_PART)?;
    Some(text[..limit].rfind(char::is_whitespace).unwrap_or(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, parts: &[&str], rest: &str) {
        let mut text = text.to_owned();
        let found: Vec<_> = std::iter::from_fn(|| split_part(&mut text)).collect();
        assert_eq!(found, parts);
        assert_eq!(text, rest);
    }

    #[test]
    fn a_sentence_is_whole_when_white_space_follows_its_mark() {
        check("Hello. How are", &["Hello."], "How are");
        check("Hello.", &[], "Hello.");
        check("Is it? Yes! ", &["Is it?", "Yes!"], "");
        check("He said \"no.\" Then", &["He said \"no.\""], "Then");
    }

    #[test]
    fn abbreviations_numbers_and_initials_end_no_sentence() {
        check(
            "Dr. J. Smith costs 3.50 today. Ok",
            &["Dr. J. Smith costs 3.50 today."],
            "Ok",
        );
    }

    #[test]
    fn a_text_without_marks_is_cut_at_a_space() {
        let mut text = "word ".repeat(100);
        let part = split_part(&mut text).expect("a part");
        assert!(part.chars().count() <= LONGEST_PART);
        assert!(part.ends_with("word"));
    }

    #[test]
    fn marks_without_words_are_no_part() {
        check("... !? Hello. x", &["Hello."], "x");
    }
}
