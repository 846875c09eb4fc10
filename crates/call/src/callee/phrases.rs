//! What machines say, in English, German and Spanish.

use super::Callee;

/// By precedence: where a text holds phrases of several kinds, the first kind counts. Lower case, without punctuation, short forms
/// written out. A phrase must not be one that a person would say who takes a call, or who offers to take a message.
const PHRASES: [(Callee, &[&str]); 5] = [
    (
        Callee::MailboxFull,
        &[
            "mailbox is full",
            "mail box is full",
            "voicemail is full",
            "cannot accept any messages",
            "cannot accept messages",
            "cannot accept any more messages",
            "not accepting messages",
            "has not been set up",
            "has not set up",
            "mailbox ist voll",
            "anrufbeantworter ist voll",
            "keine weiteren nachrichten",
            "buzón está lleno",
            "buzón de voz está lleno",
            "buzón lleno",
        ],
    ),
    (
        Callee::Unreachable,
        &[
            "number you have dialed is not in service",
            "number you dialed is not in service",
            "number you have reached is not in service",
            "number you have called is not in service",
            "is not in service",
            "has been disconnected",
            "is no longer in service",
            "call cannot be completed as dialed",
            "call could not be completed",
            "not a working number",
            "kein anschluss unter dieser nummer",
            "rufnummer ist nicht vergeben",
            "nummer ist uns nicht bekannt",
            "número que usted marcó no existe",
            "número marcado no existe",
            "no corresponde a ningún cliente",
        ],
    ),
    (
        Callee::Screening,
        &[
            "record your name",
            "name and reason for calling",
            "name and the reason for your call",
            "see if this person is available",
            "state your name",
            "say your name and why",
            "tell me your name and why",
            "who you are and why",
            "why you are calling",
            "what your call is about",
            "what you are calling about",
            "using a screening service",
            "call screening",
            "screening service from google",
            "screens their calls",
            "try to connect you",
            "nennen sie ihren namen und den grund",
            "namen und den grund ihres anrufs",
            "grund für ihren anruf",
            "grund ihres anrufs",
            "diga su nombre y el motivo",
            "su nombre y el motivo",
            "motivo de su llamada",
            "motivo de tu llamada",
        ],
    ),
    (
        Callee::Voicemail,
        &[
            "voicemail",
            "voice mail",
            "voice mailbox",
            "voice messaging system",
            "answering machine",
            "please leave a message",
            "leave a message after",
            "leave a message at",
            "leave a message and",
            "leave a brief message",
            "leave a short message",
            "leave a detailed message",
            "leave me a message",
            "leave us a message",
            "leave your message",
            "leave your name",
            "record your message",
            "after the tone",
            "at the tone",
            "after the beep",
            "at the beep",
            "after the signal",
            "wait for the tone",
            "cannot take your call",
            "cannot come to the phone",
            "cannot get to the phone",
            "cannot answer the phone",
            "unable to take your call",
            "unable to answer your call",
            "unable to come to the phone",
            "not available to take your call",
            "missed your call",
            "person you are calling is not available",
            "person you are trying to reach is not available",
            "person you have called is not available",
            "party you are calling is not available",
            "subscriber you have dialed is not available",
            "customer you are calling is not available",
            "call has been forwarded to",
            "call is being forwarded to",
            "anrufbeantworter",
            "nach dem signalton",
            "nach dem ton",
            "nach dem piepton",
            "nach dem signal",
            "hinterlassen sie eine nachricht",
            "hinterlassen sie bitte eine nachricht",
            "hinterlassen sie uns eine nachricht",
            "hinterlass mir eine nachricht",
            "eine nachricht hinterlassen",
            "sprachbox",
            "mailbox von",
            "teilnehmer ist zurzeit nicht erreichbar",
            "teilnehmer ist momentan nicht erreichbar",
            "persönlich nicht erreichbar",
            "buzón de voz",
            "contestador",
            "después de la señal",
            "después del tono",
            "tras la señal",
            "deje su mensaje",
            "deje un mensaje",
            "deja tu mensaje",
            "deja un mensaje",
            "deje su nombre",
            "no puedo atender",
            "no podemos atender",
        ],
    ),
    (
        Callee::Menu,
        &[
            "press one",
            "press 1",
            "press two",
            "press 2",
            "press zero",
            "press 0",
            "press any key",
            "press pound",
            "press star",
            "dial one",
            "dial 1",
            "menu options have changed",
            "following options",
            "drücken sie die",
            "drücken sie eins",
            "drücken sie 1",
            "wählen sie die 1",
            "wählen sie die eins",
            "pulse uno",
            "pulse 1",
            "presione uno",
            "presione 1",
            "oprima uno",
            "oprima 1",
            "marque uno",
            "marque 1",
        ],
    ),
];

/// What a machine says that puts us through: it is not answered.
const HOLDS: [&str; 15] = [
    "stay on the line",
    "please hold",
    "hold the line",
    "hold on",
    "one moment",
    "just a moment",
    "please wait",
    "thank you for waiting",
    "trying to connect",
    "bleiben sie in der leitung",
    "einen moment",
    "bitte warten",
    "un momento",
    "no cuelgue",
    "espere por favor",
];

/// How a person begins who picks up while a machine takes the message.
const PICKS_UP: [&str; 14] = [
    "hello",
    "hi",
    "hey",
    "yes hello",
    "i am here",
    "wait i am here",
    "who is this",
    "who is calling",
    "hallo",
    "ja hallo",
    "ich bin da",
    "hola",
    "diga",
    "bueno",
];
/// They say no more words than these before they wait for an answer.
const MOST_WORDS: usize = 7;

const SHORT_FORMS: [(&str, &str); 12] = [
    ("can't", "cannot"),
    ("won't", "will not"),
    ("isn't", "is not"),
    ("hasn't", "has not"),
    ("aren't", "are not"),
    ("i'm", "i am"),
    ("i'll", "i will"),
    ("you're", "you are"),
    ("you've", "you have"),
    ("we're", "we are"),
    ("who's", "who is"),
    ("dialled", "dialed"),
];

/// The words in the form of the table, with a space around each.
fn plain(text: &str) -> String {
    let mut plain = String::from(" ");
    for word in crate::caller::plain_words(&text.replace('\u{2019}', "'")) {
        let long = SHORT_FORMS.iter().find(|(short, _)| *short == word);
        plain.push_str(long.map_or(word.as_str(), |(_, long)| long));
        plain.push(' ');
    }
    plain
}

fn holds(plain: &str, phrase: &str) -> bool {
    plain
        .match_indices(phrase)
        .any(|(at, _)| plain[..at].ends_with(' ') && plain[at + phrase.len()..].starts_with(' '))
}

/// The machine that says this, and by which phrase it is known.
pub(super) fn machine(text: &str) -> Option<(Callee, &'static str)> {
    let plain = plain(text);
    PHRASES.iter().find_map(|(callee, phrases)| {
        let phrase = phrases.iter().find(|phrase| holds(&plain, phrase))?;
        Some((*callee, *phrase))
    })
}

/// Whether a machine puts us through with this.
pub(super) fn is_hold(text: &str) -> bool {
    let plain = plain(text);
    HOLDS.iter().any(|phrase| holds(&plain, phrase))
}

/// Whether somebody picks up with this.
pub(super) fn picks_up(text: &str) -> bool {
    let plain = plain(text);
    let words = plain.split_whitespace().count();
    words <= MOST_WORDS
        && machine(text).is_none()
        && PICKS_UP
            .iter()
            .any(|phrase| plain[1..].starts_with(&format!("{phrase} ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_found_in_its_own_form() {
        for (callee, phrases) in PHRASES {
            for phrase in phrases {
                assert_eq!(plain(phrase), format!(" {phrase} "), "not in plain form");
                let found = machine(&format!("So, {}!", phrase.to_uppercase()));
                let found = found.map(|(callee, _)| callee);
                // A phrase may hold one of an earlier kind.
                assert_eq!(found, Some(callee), "{phrase}");
            }
        }
        for phrase in HOLDS.into_iter().chain(PICKS_UP) {
            assert_eq!(plain(phrase), format!(" {phrase} "), "not in plain form");
        }
    }

    #[test]
    fn machines_are_known_by_what_they_say() {
        let known = [
            (
                "Hi, you've reached Anna. I can\u{2019}t come to the phone right now.",
                Callee::Voicemail,
            ),
            (
                "The person you're trying to reach is not available. Please record your message",
                Callee::Voicemail,
            ),
            (
                "Your call has been forwarded to an automatic voice messaging system.",
                Callee::Voicemail,
            ),
            (
                "Hi. If you record your name and reason for calling, I'll see if this person is available.",
                Callee::Screening,
            ),
            (
                "Hi, the person you're calling is using a screening service from Google and will get a copy of this conversation.",
                Callee::Screening,
            ),
            (
                "Please state your name after the tone, and we will try to connect you.",
                Callee::Screening,
            ),
            (
                "Thank you for calling. For sales, press 1. For service, press 2.",
                Callee::Menu,
            ),
            (
                "I am sorry, the mailbox is full. Please leave a message later.",
                Callee::MailboxFull,
            ),
            (
                "The number you have dialed is not in service.",
                Callee::Unreachable,
            ),
            (
                "Guten Tag, bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
                Callee::Voicemail,
            ),
            ("Für Deutsch drücken Sie die Eins.", Callee::Menu),
            (
                "En este momento no puedo atender su llamada. Deje un mensaje después de la señal.",
                Callee::Voicemail,
            ),
        ];
        for (text, callee) in known {
            let found = machine(text).map(|(callee, _)| callee);
            assert_eq!(found, Some(callee), "{text}");
        }
    }

    #[test]
    fn what_people_say_who_take_a_call_is_no_machine() {
        for text in [
            "Hello?",
            "Anna speaking, who is this?",
            "You've reached the front desk, how may I help you?",
            "She is not available at the moment, do you want to leave a message?",
            "Can I take a message?",
            "Could you tell me what this is about?",
            "I will leave now.",
            "Yes, I pressed the button",
            "Hallo, wer ist da?",
            "Er ist gerade nicht da, kann ich etwas ausrichten?",
            "¿Bueno? ¿Quién habla?",
            "",
        ] {
            assert_eq!(machine(text), None, "{text}");
        }
    }

    #[test]
    fn a_person_picks_up_with_a_few_words_that_greet() {
        for text in ["Hello?", "Hi, hi, I'm here", "Who's this?", "Hallo, Moon"] {
            assert!(picks_up(text), "{text}");
        }
        for text in [
            "",
            "Thank you",
            "Hello, please leave a message after the tone",
            "Hi this is a very long sentence of somebody else",
            "hiking",
        ] {
            assert!(!picks_up(text), "{text}");
        }
    }
}
