//! What is understood from text, and what the recogniser is given to listen for.

use proptest::prelude::*;
use ringback_speech::grammar::{
    Day, Dictionary, Expect, Grammar, GrammarError, Meaning, interpret,
};

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(ToString::to_string).collect()
}

fn dictionary() -> Dictionary {
    Dictionary::load_default().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check(expect: &Expect, text: &str, meaning: &Meaning) {
    assert_eq!(interpret(expect, text), *meaning, "{text}");
}

#[test]
fn yes_and_no_are_understood_with_what_surrounds_them() {
    for text in [
        "yes",
        "Yes, please.",
        "um yeah",
        "that's right",
        "sure, thank you",
        "Yes yes",
        "yes that sounds like a plan",
    ] {
        check(&Expect::YesNo, text, &Meaning::YesNo(true));
    }
    for text in [
        "no",
        "No, thanks!",
        "uh nope",
        "I don't think so",
        "no I really cannot",
        "not really",
    ] {
        check(&Expect::YesNo, text, &Meaning::YesNo(false));
    }
    for text in [
        "",
        "maybe",
        "the yes and the no",
        "definitely not today",
        "seven",
    ] {
        check(&Expect::YesNo, text, &Meaning::Nothing);
    }
}

#[test]
fn numbers_are_understood_within_their_range() {
    let rating = Expect::Number { min: 1, max: 10 };
    for text in [
        "seven",
        "7",
        "um I would say seven",
        "it's a seven",
        "seven out of ten",
        "we had seven people",
    ] {
        check(&rating, text, &Meaning::Number(7));
    }
    for text in [
        "eleven",
        "0",
        "zero",
        "one more thing",
        "none",
        "a hundred and seven",
        "twenty seven of us",
    ] {
        check(&rating, text, &Meaning::Nothing);
    }
    check(
        &Expect::Number {
            min: -10,
            max: 999_999,
        },
        "minus five",
        &Meaning::Number(-5),
    );
    check(
        &Expect::Number {
            min: 0,
            max: 999_999,
        },
        "three hundred thousand and two",
        &Meaning::Number(300_002),
    );
}

#[test]
fn digits_are_understood_when_there_are_enough() {
    let code = Expect::Digits { min: 4, max: 4 };
    for text in [
        "four two seven one",
        "my number is 4 2 7 1",
        "4271",
        "42 71",
        "forty two seventy one",
        "um four two, seven one please",
    ] {
        check(&code, text, &Meaning::Digits("4271".into()));
    }
    for text in ["four two seven", "42710", "", "four two seven one eight"] {
        check(&code, text, &Meaning::Nothing);
    }
}

#[test]
fn days_are_understood_in_a_sentence() {
    check(
        &Expect::Date,
        "how about next monday",
        &Meaning::Date(Day::Weekday {
            weekday: 1,
            next: true,
        }),
    );
    check(
        &Expect::Date,
        "tomorrow works",
        &Meaning::Date(Day::Tomorrow),
    );
    check(
        &Expect::Date,
        "i could come on march third if it rains",
        &Meaning::Date(Day::MonthDay { month: 3, day: 3 }),
    );
}

#[test]
fn phrases_names_and_keywords_are_told_by_their_place_in_the_list() {
    let phrases = Expect::Phrases(list(&["[the] front desk", "(leave | give) feedback"]));
    let of = |index, text: &str| Meaning::Phrase {
        index,
        text: text.into(),
    };
    check(&phrases, "Front desk, please", &of(0, "[the] front desk"));
    check(
        &phrases,
        "I'd like to give feedback about lunch",
        &of(1, "(leave | give) feedback"),
    );
    check(&phrases, "front of the desk", &Meaning::Nothing);
    let names = Expect::Name(list(&["Anna Smith", "Anna Jones", "Bob"]));
    let of = |index, text: &str| Meaning::Name {
        index,
        text: text.into(),
    };
    check(&names, "this is Anna Jones", &of(1, "Anna Jones"));
    check(&names, "my name is jones", &of(1, "Anna Jones"));
    check(&names, "anna", &Meaning::Nothing);
    let keywords = Expect::Keywords(list(&["billing", "opening hours"]));
    let expected = Meaning::Keyword {
        index: 1,
        text: "opening hours".into(),
    };
    check(
        &keywords,
        "can you tell me your opening hours on sunday",
        &expected,
    );
}

#[test]
fn the_first_form_that_fits_the_whole_answer_wins() {
    let expect = Expect::Any(vec![
        Expect::YesNo,
        Expect::Number { min: 0, max: 99 },
        Expect::Phrases(list(&["one moment"])),
    ]);
    check(
        &expect,
        "one moment",
        &Meaning::Phrase {
            index: 0,
            text: "one moment".into(),
        },
    );
    check(&expect, "one", &Meaning::Number(1));
    check(&expect, "yes", &Meaning::YesNo(true));
}

#[test]
fn only_a_whole_answer_is_complete() {
    let dictionary = dictionary();
    let complete = |expect: &Expect, text: &str| {
        Grammar::compile(expect, &dictionary)
            .unwrap()
            .interpret(text)
            .complete
    };
    assert!(complete(&Expect::YesNo, "yes please"));
    assert!(!complete(&Expect::YesNo, "yes and another thing"));
    assert!(!complete(&Expect::Digits { min: 4, max: 4 }, "four two"));
    assert!(!complete(
        &Expect::Any(vec![Expect::YesNo, Expect::Open]),
        "yes"
    ));
}

#[test]
fn unknown_words_are_all_named() {
    let expect = Expect::Any(vec![
        Expect::Phrases(list(&[
            "blorptastic lunch",
            "a zzyzxqq and a blorptastic day",
        ])),
        Expect::YesNo,
    ]);
    let error = Grammar::compile(&expect, &dictionary()).unwrap_err();
    assert_eq!(
        error,
        GrammarError::UnknownWords {
            words: list(&["blorptastic", "zzyzxqq"])
        }
    );
}

#[test]
fn what_nobody_can_say_is_an_error() {
    let dictionary = dictionary();
    for expect in [
        Expect::Phrases(vec![]),
        Expect::Any(vec![]),
        Expect::Number { min: 3, max: 2 },
        Expect::Digits { min: 0, max: 0 },
        Expect::Phrases(list(&["[please]"])),
    ] {
        assert!(
            Grammar::compile(&expect, &dictionary).is_err(),
            "{expect:?}"
        );
        assert_eq!(interpret(&expect, "please"), Meaning::Nothing);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_breaks_the_parser(text in ".{0,80}", words in "([a-z]{1,8}|[0-9]{1,12}|double|hundred|the|of|march|yes|-|,| ){0,30}") {
        let everything = Expect::Any(vec![
            Expect::YesNo,
            Expect::Number { min: i64::MIN, max: i64::MAX },
            Expect::Digits { min: 1, max: 32 },
            Expect::Date,
            Expect::Name(list(&["Anna Smith"])),
            Expect::Phrases(vec![text.clone()]),
            Expect::Open,
        ]);
        interpret(&everything, &text);
        interpret(&everything, &words);
        interpret(&Expect::Keywords(vec![words]), &text);
    }

    #[test]
    fn a_number_in_the_range_is_understood_and_one_outside_is_not(value in 0i64..1_000_000, min in 0i64..1_000_000, span in 0i64..1000) {
        let expect = Expect::Number { min, max: min + span };
        let meaning = interpret(&expect, &format!("um {value} please"));
        let within = (min..=min + span).contains(&value);
        prop_assert_eq!(meaning, if within { Meaning::Number(value) } else { Meaning::Nothing });
    }
}
