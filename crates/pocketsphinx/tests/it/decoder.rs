use std::path::Path;
use std::sync::Arc;

use ringback_pocketsphinx::{Decoder, DecoderError, Library, Model, Tuning};

const ANSWERS: &str = "#JSGF V1.0; grammar answer;
    public <answer> = yes [please] | no [thank you] | <digit>+;
    <digit> = one | two | three | four | five | six | seven | eight | nine;";
const YES_PLEASE: &[u8] = include_bytes!("../fixtures/yes-please.ul16");
const DIGITS: &[u8] = include_bytes!("../fixtures/four-two-seven-one.ul16");

fn library() -> Arc<Library> {
    Arc::new(Library::load().unwrap_or_else(|error| panic!("{error}")))
}

fn decoder() -> Decoder {
    Decoder::new(&library(), &Model::debian(), &Tuning::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A decoder that knows the channel from one utterance: its first is the least sure.
fn primed() -> Decoder {
    let mut decoder = decoder();
    decoder.set_grammar("answer", ANSWERS).unwrap();
    heard(&mut decoder, YES_PLEASE);
    decoder
}

/// The G.711 expansion of mu-law.
fn samples(mulaw: &[u8]) -> Vec<i16> {
    mulaw
        .iter()
        .map(|byte| {
            let code = !byte;
            let magnitude = ((i32::from(code & 15) << 3) + 132) << ((code >> 4) & 7);
            let value = if code & 128 == 0 {
                magnitude - 132
            } else {
                132 - magnitude
            };
            i16::try_from(value).unwrap()
        })
        .collect()
}

/// Decodes in pieces of 20 ms, as a call does.
fn heard(decoder: &mut Decoder, mulaw: &[u8]) -> Option<String> {
    decoder.begin().unwrap();
    for piece in samples(mulaw).chunks(320) {
        decoder.process(piece).unwrap();
    }
    decoder.end().unwrap().map(|hypothesis| hypothesis.text)
}

#[test]
fn a_grammar_hears_its_sentences_from_the_first_utterance_on() {
    let mut decoder = decoder();
    decoder.set_grammar("answer", ANSWERS).unwrap();
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
    assert_eq!(
        heard(&mut decoder, DIGITS).as_deref(),
        Some("four two seven one")
    );
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
}

#[test]
fn words_come_while_the_caller_speaks() {
    let mut decoder = primed();
    decoder.begin().unwrap();
    let mut seen = Vec::new();
    for piece in samples(DIGITS).chunks(320) {
        decoder.process(piece).unwrap();
        seen.extend(decoder.partial().map(|hypothesis| hypothesis.text));
    }
    seen.dedup();
    assert!(
        seen.iter()
            .any(|text| text.starts_with("four two") && !text.ends_with("one")),
        "{seen:?}"
    );
    decoder.end().unwrap();
}

#[test]
fn segments_are_in_order_and_spell_the_text() {
    let mut decoder = primed();
    let text = heard(&mut decoder, DIGITS).unwrap();
    let segments = decoder.segments();
    assert!(
        segments.windows(2).all(|pair| pair[0].last < pair[1].first),
        "{segments:?}"
    );
    let words: Vec<_> = segments
        .iter()
        .map(|segment| segment.word.split('(').next().unwrap())
        .filter(|word| word.chars().all(char::is_alphabetic) && !word.is_empty())
        .collect();
    assert_eq!(words.join(" "), text);
}

#[test]
fn another_line_can_follow_between_utterances_alone() {
    let mut decoder = primed();
    decoder.another_line().unwrap();
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
    decoder.begin().unwrap();
    assert!(matches!(
        decoder.another_line(),
        Err(DecoderError::State(_))
    ));
}

#[test]
fn silence_is_no_sentence() {
    let mut decoder = decoder();
    decoder.set_grammar("answer", ANSWERS).unwrap();
    assert_eq!(heard(&mut decoder, &[0xff; 16_000]), None);
}

#[test]
fn a_grammar_can_be_replaced_and_switched() {
    let mut decoder = decoder();
    decoder.set_grammar("answer", ANSWERS).unwrap();
    decoder
        .set_grammar(
            "greeting",
            "#JSGF V1.0; grammar greeting; public <greeting> = hello | goodbye;",
        )
        .unwrap();
    assert_ne!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
    decoder.select("answer").unwrap();
    assert_eq!(decoder.current(), Some("answer"));
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
    for _ in 0..50 {
        decoder.set_grammar("answer", ANSWERS).unwrap();
    }
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
}

#[test]
fn a_bad_grammar_is_an_error_and_the_one_before_stays() {
    let mut decoder = decoder();
    decoder.set_grammar("answer", ANSWERS).unwrap();
    let malformed = "#JSGF V1.0; grammar x; public <x> = (yes";
    let unknown = "#JSGF V1.0; grammar x; public <x> = qwertzuiop;";
    for bad in [malformed, unknown] {
        assert!(matches!(
            decoder.set_grammar("answer", bad),
            Err(DecoderError::Grammar(_))
        ));
    }
    assert!(matches!(
        decoder.set_grammar("answer", "a\0b"),
        Err(DecoderError::Nul(_))
    ));
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
}

#[test]
fn a_word_can_be_given_a_pronunciation() {
    let mut decoder = decoder();
    let grammar = "#JSGF V1.0; grammar x; public <x> = yezz please | no;";
    assert!(decoder.set_grammar("x", grammar).is_err());
    decoder.add_word("yezz", "Y EH S").unwrap();
    decoder.set_grammar("x", grammar).unwrap();
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yezz please")
    );
    assert!(matches!(
        decoder.add_word("yezzz", "QQ EH"),
        Err(DecoderError::Word { .. })
    ));
}

#[test]
fn calls_in_the_wrong_order_are_errors_and_do_no_harm() {
    let mut decoder = decoder();
    assert!(matches!(decoder.begin(), Err(DecoderError::State(_))));
    assert!(matches!(
        decoder.process(&[0; 320]),
        Err(DecoderError::State(_))
    ));
    assert!(matches!(decoder.end(), Err(DecoderError::State(_))));
    assert_eq!(decoder.partial(), None);
    assert!(decoder.segments().is_empty());
    assert!(matches!(
        decoder.select("answer"),
        Err(DecoderError::Search(_))
    ));
    decoder.set_grammar("answer", ANSWERS).unwrap();
    decoder.begin().unwrap();
    assert!(matches!(decoder.begin(), Err(DecoderError::State(_))));
    assert!(matches!(
        decoder.set_grammar("answer", ANSWERS),
        Err(DecoderError::State(_))
    ));
    decoder.process(&[]).unwrap();
    assert_eq!(decoder.end().unwrap(), None);
    assert!(decoder.segments().is_empty());
    assert_eq!(
        heard(&mut decoder, YES_PLEASE).as_deref(),
        Some("yes please")
    );
}

#[test]
fn decoders_work_side_by_side_on_threads() {
    let library = library();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let library = Arc::clone(&library);
            std::thread::spawn(move || {
                let mut decoder =
                    Decoder::new(&library, &Model::debian(), &Tuning::default()).unwrap();
                drop(library);
                decoder.set_grammar("answer", ANSWERS).unwrap();
                heard(&mut decoder, YES_PLEASE);
                let mulaw = if number % 2 == 0 { YES_PLEASE } else { DIGITS };
                std::thread::spawn(move || heard(&mut decoder, mulaw))
                    .join()
                    .unwrap()
            })
        })
        .collect();
    let texts: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "yes please",
            "four two seven one",
            "yes please",
            "four two seven one"
        ]
    );
}

#[test]
fn a_missing_model_is_named_with_the_remedy() {
    let model = Model::in_directory(Path::new("no/such/place"));
    let error = Decoder::new(&library(), &model, &Tuning::default()).unwrap_err();
    assert!(matches!(&error, DecoderError::MissingFile(path) if path.ends_with("mdef")));
    assert!(
        error.to_string().contains("apt install libpocketsphinx3"),
        "{error}"
    );
    let mut decoder = decoder();
    assert!(matches!(
        decoder.set_language("open", &model.language),
        Err(DecoderError::MissingFile(_))
    ));
}
