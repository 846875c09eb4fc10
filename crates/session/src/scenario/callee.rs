//! `[callee]`: what is done where a machine answers a call that we place.

use super::field::{Field, Section};
use super::model::{Answer, CalleePolicy};
use super::names::Names;
use super::problem::Findings;
use super::template::Template;
use crate::tools::dtmf;

pub(super) fn read(root: &mut Section<'_>, names: &Names, findings: &mut Findings) -> CalleePolicy {
    let mut policy = CalleePolicy::default();
    let Some(mut section) = root.take("callee").and_then(|f| f.section(findings)) else {
        return policy;
    };
    if let Some(seconds) = section
        .take("listen_s")
        .and_then(|f| f.whole::<u32>(findings, 0..=120, "seconds"))
    {
        policy.listen_ms = seconds * 1000;
    }
    policy.voicemail = voicemail(&mut section, names, findings);
    policy.screening = screening(&mut section, names, findings);
    if let Some(menu) = section.take("menu") {
        policy.menu = menu_of(&menu, findings).unwrap_or(Answer::Ignore);
    }
    for (name, answer) in [
        ("mailbox_full", &mut policy.mailbox_full),
        ("fax", &mut policy.fax),
        ("unreachable", &mut policy.unreachable),
    ] {
        let words = [("hangup", Answers::HangUp), ("ignore", Answers::Ignore)];
        if let Some(word) = section.take(name).and_then(|f| f.word(findings, &words)) {
            *answer = word.plain();
        }
    }
    section.finish(findings);
    policy
}

/// The words for what is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    HangUp,
    Ignore,
    Text,
}

impl Answers {
    fn plain(self) -> Answer {
        match self {
            Answers::HangUp => Answer::HangUp,
            Answers::Ignore | Answers::Text => Answer::Ignore,
        }
    }
}

/// `word` says what is done, and `text` what is said where it says so, or where it is not given.
fn spoken(
    (word, text): (Option<Field<'_>>, Option<Field<'_>>),
    (name, needs): (&'static str, &'static str),
    names: &Names,
    findings: &mut Findings,
) -> Option<(Answers, Option<Template>)> {
    let words = [
        (name, Answers::Text),
        ("hangup", Answers::HangUp),
        ("ignore", Answers::Ignore),
    ];
    let line = text.as_ref().and_then(|field| names.text(field, findings));
    let Some(field) = word else {
        return text.map(|_| (Answers::Text, line));
    };
    let answers = field.word(findings, &words)?;
    if answers == Answers::Text && text.is_none() {
        field.problem(findings, "there is nothing to say", needs);
    }
    if let (Answers::HangUp | Answers::Ignore, Some(text)) = (answers, &text) {
        text.warning(findings, "nothing says this text");
    }
    Some((answers, line))
}

fn voicemail(section: &mut Section<'_>, names: &Names, findings: &mut Findings) -> Answer {
    let fields = (section.take("voicemail"), section.take("message"));
    let needs = "give callee.message, the text that is left after the beep";
    match spoken(fields, ("message", needs), names, findings) {
        Some((Answers::Text, Some(text))) => Answer::Message(text),
        Some((Answers::Text, None)) | None => Answer::HangUp,
        Some((answers, _)) => answers.plain(),
    }
}

fn screening(section: &mut Section<'_>, names: &Names, findings: &mut Findings) -> Option<Answer> {
    let fields = (section.take("screening"), section.take("introduction"));
    let needs = "give callee.introduction, which says who calls and why";
    match spoken(fields, ("introduce", needs), names, findings)? {
        (Answers::Text, text) => text.map(Answer::Say),
        (answers, _) => Some(answers.plain()),
    }
}

/// `"ignore"`, `"hangup"` or `{ press = "1" }`.
fn menu_of(menu: &Field<'_>, findings: &mut Findings) -> Option<Answer> {
    if menu.is_text() {
        let words = [("hangup", Answers::HangUp), ("ignore", Answers::Ignore)];
        return menu.word(findings, &words).map(Answers::plain);
    }
    let mut section = menu.section(findings)?;
    let press = section.take("press");
    section.finish(findings);
    let Some(press) = press else {
        menu.problem(
            findings,
            "it names no keys",
            "write menu = { press = \"1\" }",
        );
        return None;
    };
    let keys = press.text(findings)?;
    let text = dtmf::line(&keys);
    let line = text.and_then(|text| Template::parse(text.trim()).ok());
    if line.is_none() {
        press.problem(
            findings,
            format!("\"{keys}\" are no keys of a telephone"),
            "use 0 to 9, *, #, A to D, and w for a pause; 32 at most",
        );
    }
    line.map(Answer::Say)
}
