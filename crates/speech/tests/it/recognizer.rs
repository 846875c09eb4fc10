//! The recogniser on recorded answers. Without the library these tests fail and name the remedy.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ringback_speech::grammar::{Day, Dictionary, Expect, Grammar, Meaning};
use ringback_speech::recognizer::{Recognized, Recognizer, RecognizerPool};

/// As `rms` and `slt` say it.
macro_rules! answers {
    ($($constant:ident $name:literal)*) => { $(
        const $constant: [&[u8]; 2] = [
            include_bytes!(concat!("../fixtures/answers/rms-", $name, ".ulaw")),
            include_bytes!(concat!("../fixtures/answers/slt-", $name, ".ulaw")),
        ];
    )* };
}

answers! {
    YES_PLEASE "yes-please"
    NO_THANK_YOU "no-thank-you"
    DIGITS "digits"
    SEVEN "seven"
    MONDAY "monday"
    FEEDBACK "feedback"
    MANAGER "manager"
    ELEPHANTS "elephants"
    BICYCLE "bicycle"
}

/// Silence of mu-law.
const SILENCE: u8 = 0xff;
/// Longer than any answer takes on a busy machine; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

fn dictionary() -> &'static Dictionary {
    static LOADED: OnceLock<Dictionary> = OnceLock::new();
    LOADED.get_or_init(|| Dictionary::load_default().unwrap_or_else(|error| panic!("{error}")))
}

fn pool(count: usize) -> RecognizerPool {
    RecognizerPool::start(count).unwrap_or_else(|error| panic!("{error}"))
}

fn grammar(expect: &Expect) -> Arc<Grammar> {
    Arc::new(Grammar::compile(expect, dictionary()).unwrap_or_else(|error| panic!("{error}")))
}

fn phrases(list: &[&str]) -> Expect {
    Expect::Phrases(list.iter().map(ToString::to_string).collect())
}

fn lease(pool: &RecognizerPool) -> (Recognizer, Receiver<Recognized>) {
    let (sender, receiver) = channel();
    let recognizer = pool
        .lease(Box::new(move |heard| drop(sender.send(heard))))
        .unwrap();
    (recognizer, receiver)
}

fn feed(recognizer: &Recognizer, mulaw: &[u8]) {
    mulaw.chunks(640).for_each(|block| recognizer.audio(block));
}

/// The next `Final`; partial texts before it are passed over.
fn settled(receiver: &Receiver<Recognized>) -> Recognized {
    loop {
        match receiver.recv_timeout(PATIENCE).unwrap() {
            Recognized::Partial { .. } => {}
            other @ (Recognized::Final { .. } | Recognized::Failed { .. }) => return other,
        }
    }
}

struct Answer {
    text: String,
    confidence_pm: u16,
    complete: bool,
    meaning: Meaning,
}

fn answer(recognized: Recognized) -> Answer {
    match recognized {
        Recognized::Final {
            text,
            confidence_pm,
            complete,
            meaning,
            ..
        } => Answer {
            text,
            confidence_pm,
            complete,
            meaning,
        },
        other @ (Recognized::Partial { .. } | Recognized::Failed { .. }) => panic!("{other:?}"),
    }
}

fn hear(expect: &Expect, mulaw: &[u8]) -> Answer {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.expect(grammar(expect));
    recognizer.begin(0);
    feed(&recognizer, mulaw);
    recognizer.finalize(1);
    answer(settled(&receiver))
}

#[track_caller]
fn check(expect: &Expect, spoken: [&[u8]; 2], meaning: &Meaning) {
    check_with(expect, spoken, meaning, true);
}

#[track_caller]
fn check_with(expect: &Expect, spoken: [&[u8]; 2], meaning: &Meaning, complete: bool) {
    for mulaw in spoken {
        let heard = hear(expect, mulaw);
        assert_eq!(heard.meaning, *meaning, "{}", heard.text);
        assert!(
            heard.complete == complete && heard.confidence_pm >= 500,
            "{} {}",
            heard.text,
            heard.confidence_pm
        );
    }
}

fn menu() -> Expect {
    phrases(&[
        "[i would like to] leave feedback",
        "order lunch",
        "[talk to] a manager",
    ])
}

#[test]
fn words_have_their_places_in_the_ear() {
    const BEGUN: u64 = 40_000;
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.expect(grammar(&Expect::Open));
    recognizer.begin(BEGUN);
    let said = YES_PLEASE[0];
    let quiet = vec![0xff; 8000];
    feed(&recognizer, &quiet);
    feed(&recognizer, said);
    recognizer.finalize(1);
    let once = settled(&receiver);
    feed(&recognizer, &quiet);
    feed(&recognizer, said);
    recognizer.finalize(2);
    let twice = settled(&receiver);
    let mut from = BEGUN + 8000;
    for (recognized, until) in [(once, said.len()), (twice, 2 * said.len() + 8000)] {
        let Recognized::Final { text, words, .. } = recognized else {
            panic!("{recognized:?}");
        };
        let spelled: Vec<_> = words.iter().map(|word| word.word.as_str()).collect();
        assert!(
            !words.is_empty() && spelled.join(" ") == text,
            "{words:?} {text}"
        );
        assert!(words.is_sorted_by(|one, next| one.until <= next.from));
        let last = words.last().unwrap();
        assert!(last.from >= from, "{words:?}");
        assert!(last.until <= BEGUN + 8000 + until as u64 + 800, "{words:?}");
        assert!(words.iter().all(|word| word.confidence_pm > 0));
        from = last.until;
    }
}

#[test]
fn yes_and_no_are_heard() {
    check(&Expect::YesNo, YES_PLEASE, &Meaning::YesNo(true));
    check(&Expect::YesNo, NO_THANK_YOU, &Meaning::YesNo(false));
}

#[test]
fn a_number_is_heard_in_a_sentence_which_may_go_on() {
    check_with(
        &Expect::Number { min: 1, max: 10 },
        SEVEN,
        &Meaning::Number(7),
        false,
    );
}

#[test]
fn digits_are_heard_as_many_as_expected() {
    check(
        &Expect::Digits { min: 4, max: 4 },
        DIGITS,
        &Meaning::Digits("4271".into()),
    );
}

#[test]
fn a_day_is_heard() {
    check(
        &Expect::Date,
        MONDAY,
        &Meaning::Date(Day::Weekday {
            weekday: 1,
            next: true,
        }),
    );
}

#[test]
fn a_phrase_is_heard_among_others() {
    let text = "[i would like to] leave feedback".to_string();
    check(&menu(), FEEDBACK, &Meaning::Phrase { index: 0, text });
}

#[test]
fn a_keyword_is_heard_within_a_sentence() {
    let keywords = Expect::Keywords(["lunch", "manager", "feedback"].map(String::from).into());
    let expect = Expect::Any(vec![keywords]);
    check(
        &expect,
        MANAGER,
        &Meaning::Keyword {
            index: 1,
            text: "manager".into(),
        },
    );
}

#[test]
fn forms_side_by_side_are_told_apart() {
    let expect = Expect::Any(vec![
        Expect::YesNo,
        Expect::Number { min: 0, max: 10 },
        menu(),
    ]);
    check(&expect, NO_THANK_YOU, &Meaning::YesNo(false));
    check(
        &expect,
        FEEDBACK,
        &Meaning::Phrase {
            index: 0,
            text: "[i would like to] leave feedback".into(),
        },
    );
}

#[test]
fn what_is_not_expected_is_not_bent_to_a_phrase() {
    for expect in [Expect::YesNo, menu()] {
        for mulaw in ELEPHANTS.iter().chain(&BICYCLE) {
            let heard = hear(&expect, mulaw);
            assert_eq!(
                (heard.text.as_str(), &heard.meaning),
                ("", &Meaning::Nothing),
                "{}",
                heard.confidence_pm
            );
            assert!(!heard.complete && heard.confidence_pm < 500);
        }
    }
}

#[test]
fn a_free_vocabulary_hears_what_no_grammar_foresaw() {
    let heard = hear(&Expect::Open, BICYCLE[0]);
    assert_eq!(heard.text, "i bought a green bicycle");
    assert!(
        !heard.complete,
        "an open answer is never known to be complete"
    );
}

#[test]
fn the_answer_after_a_pause_is_that_of_the_whole_turn() {
    for (expect, together) in [
        (Expect::Digits { min: 8, max: 8 }, "42714271"),
        (Expect::Open, ""),
    ] {
        let pool = pool(1);
        let (recognizer, receiver) = lease(&pool);
        recognizer.expect(grammar(&expect));
        recognizer.begin(16_000);
        feed(&recognizer, DIGITS[0]);
        recognizer.finalize(1);
        let first = settled(&receiver);
        assert!(
            matches!(
                &first,
                Recognized::Final {
                    finalize: 1,
                    from: 16_000,
                    complete: false,
                    ..
                }
            ),
            "{first:?}"
        );
        feed(&recognizer, DIGITS[0]);
        recognizer.finalize(2);
        let second = settled(&receiver);
        assert!(
            matches!(
                &second,
                Recognized::Final {
                    finalize: 2,
                    from: 16_000,
                    ..
                }
            ),
            "{second:?}"
        );
        let (first, second) = (answer(first), answer(second));
        if let Expect::Digits { .. } = expect {
            assert_eq!(first.text, "four two seven one");
            assert_eq!(
                (second.meaning, second.complete),
                (Meaning::Digits(together.into()), true)
            );
        } else {
            assert!(
                second.text.starts_with(&first.text) && second.text.len() > first.text.len(),
                "{}",
                second.text
            );
        }
    }
}

#[test]
fn silence_after_the_answer_changes_nothing() {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.expect(grammar(&Expect::YesNo));
    recognizer.begin(0);
    feed(&recognizer, YES_PLEASE[0]);
    recognizer.finalize(1);
    let first = answer(settled(&receiver));
    feed(&recognizer, &[SILENCE; 4000]);
    recognizer.finalize(2);
    let again = settled(&receiver);
    assert!(
        matches!(&again, Recognized::Final { finalize: 2, text, .. } if *text == first.text),
        "{again:?}"
    );
}

#[test]
fn the_library_takes_the_grammar_of_every_form() {
    let names = Expect::Name(vec!["Anna Smith".into(), "Bob".into()]);
    let keywords = Expect::Keywords(vec!["lunch".into()]);
    let numbers = [
        (-20, 5),
        (0, 0),
        (0, 119),
        (95, 105),
        (0, 500),
        (-5, 999_999),
    ];
    let digits = [(1, 1), (0, 32), (3, 5), (10, 10)];
    let mut forms = vec![Expect::YesNo, Expect::Date, names, keywords, menu()];
    forms.extend(numbers.map(|(min, max)| Expect::Number { min, max }));
    forms.extend(digits.map(|(min, max)| Expect::Digits { min, max }));
    forms.push(Expect::Any(forms.clone()));
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    for (number, form) in (0..).zip(&forms) {
        recognizer.expect(grammar(form));
        recognizer.finalize(number);
        let taken = settled(&receiver);
        assert!(
            matches!(taken, Recognized::Final { finalize, .. } if finalize == number),
            "{form:?} {taken:?}"
        );
    }
}

#[test]
fn more_grammars_than_a_decoder_holds_can_be_used_in_turn() {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    let yes_no = grammar(&Expect::YesNo);
    for number in 0..70 {
        recognizer.expect(Arc::clone(&yes_no));
        recognizer.expect(grammar(&Expect::Number {
            min: number,
            max: number + 1,
        }));
    }
    for (number, expect, mulaw, meaning) in [
        (1, &yes_no, YES_PLEASE[0], Meaning::YesNo(true)),
        (
            2,
            &grammar(&Expect::Number { min: 7, max: 8 }),
            SEVEN[0],
            Meaning::Number(7),
        ),
        (3, &yes_no, NO_THANK_YOU[0], Meaning::YesNo(false)),
    ] {
        recognizer.expect(Arc::clone(expect));
        recognizer.begin(0);
        feed(&recognizer, mulaw);
        recognizer.finalize(number);
        assert_eq!(answer(settled(&receiver)).meaning, meaning);
    }
}

#[test]
fn a_turn_longer_than_what_is_kept_is_heard_on() {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.expect(grammar(&Expect::Date));
    recognizer.begin(0);
    // 24 s: over the 12 s that could be decoded again.
    let long = MONDAY[0].repeat(192_000 / MONDAY[0].len() + 1);
    // In two parts, as more than 12 s that wait would be dropped.
    let (first, second) = long.split_at(95_000);
    feed(&recognizer, first);
    recognizer.finalize(1);
    assert!(matches!(
        settled(&receiver),
        Recognized::Final { finalize: 1, .. }
    ));
    feed(&recognizer, &second[..95_000]);
    recognizer.finalize(2);
    assert!(matches!(
        settled(&receiver),
        Recognized::Final { finalize: 2, .. }
    ));
    feed(&recognizer, &second[95_000..]);
    recognizer.finalize(3);
    assert!(matches!(
        settled(&receiver),
        Recognized::Final {
            finalize: 3,
            complete: false,
            ..
        }
    ));
    recognizer.begin(200_000);
    feed(&recognizer, MONDAY[0]);
    recognizer.finalize(4);
    let meaning = answer(settled(&receiver)).meaning;
    assert_eq!(
        meaning,
        Meaning::Date(Day::Weekday {
            weekday: 1,
            next: true
        })
    );
    assert_eq!(recognizer.dropped(), 0);
}

#[test]
fn turns_do_not_run_into_each_other() {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.expect(grammar(&Expect::YesNo));
    for (number, mulaw, yes) in [
        (1, YES_PLEASE[0], true),
        (2, NO_THANK_YOU[0], false),
        (3, YES_PLEASE[1], true),
    ] {
        recognizer.begin(u64::from(number) * 8000);
        feed(&recognizer, mulaw);
        recognizer.finalize(number);
        assert_eq!(answer(settled(&receiver)).meaning, Meaning::YesNo(yes));
        recognizer.end_turn();
        feed(&recognizer, ELEPHANTS[0]);
    }
}

#[test]
fn an_expectation_that_comes_late_is_used_for_the_whole_turn() {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.begin(0);
    let (early, late) = MONDAY[0].split_at(6400);
    feed(&recognizer, early);
    recognizer.expect(grammar(&Expect::YesNo));
    feed(&recognizer, late);
    recognizer.expect(grammar(&Expect::Date));
    recognizer.finalize(1);
    let meaning = answer(settled(&receiver)).meaning;
    assert_eq!(
        meaning,
        Meaning::Date(Day::Weekday {
            weekday: 1,
            next: true
        })
    );
}

#[test]
fn without_a_turn_or_an_expectation_the_answer_is_empty() {
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.finalize(7);
    let nothing = settled(&receiver);
    assert!(
        matches!(&nothing, Recognized::Final { finalize: 7, text, .. } if text.is_empty()),
        "{nothing:?}"
    );
    recognizer.begin(0);
    feed(&recognizer, YES_PLEASE[0]);
    recognizer.finalize(8);
    assert_eq!(answer(settled(&receiver)).text, "");
}

#[test]
fn a_dropped_lease_is_free_again_and_clean() {
    let pool = pool(1);
    assert_eq!((pool.count(), pool.free()), (1, 1));
    let (first, heard_first) = lease(&pool);
    assert!(pool.lease(Box::new(drop)).is_none());
    first.expect(grammar(&Expect::YesNo));
    first.begin(0);
    feed(&first, NO_THANK_YOU[0]);
    drop(first);
    // The decoder is there for the next call at once, though it has yet to forget the last.
    let (second, heard) = lease(&pool);
    // The sink is dropped once the lease is over.
    while heard_first.recv_timeout(PATIENCE).is_ok() {}
    second.finalize(1);
    assert_eq!(answer(settled(&heard)).text, "");
    second.expect(grammar(&Expect::YesNo));
    second.begin(0);
    feed(&second, YES_PLEASE[0]);
    second.finalize(2);
    assert_eq!(answer(settled(&heard)).meaning, Meaning::YesNo(true));
}

#[test]
fn a_panic_on_the_thread_is_reported_and_the_decoder_goes_on() {
    let pool = pool(1);
    let (sender, receiver) = channel();
    let mut first = true;
    let recognizer = pool
        .lease(Box::new(move |heard| {
            let panics = std::mem::take(&mut first);
            assert!(!panics, "the sink breaks once");
            drop(sender.send(heard));
        }))
        .unwrap();
    recognizer.expect(grammar(&Expect::YesNo));
    recognizer.finalize(1);
    assert!(matches!(settled(&receiver), Recognized::Failed { .. }));
    recognizer.begin(0);
    feed(&recognizer, YES_PLEASE[0]);
    recognizer.finalize(2);
    assert_eq!(answer(settled(&receiver)).meaning, Meaning::YesNo(true));
}

#[test]
fn decoders_of_a_pool_work_side_by_side() {
    let pool = pool(2);
    let leases: Vec<_> = (0..2).map(|_| lease(&pool)).collect();
    for ((recognizer, _), mulaw) in leases.iter().zip([YES_PLEASE[0], NO_THANK_YOU[1]]) {
        recognizer.expect(grammar(&Expect::YesNo));
        recognizer.begin(0);
        feed(recognizer, mulaw);
        recognizer.finalize(1);
    }
    let meanings: Vec<_> = leases
        .iter()
        .map(|(_, receiver)| answer(settled(receiver)).meaning)
        .collect();
    assert_eq!(meanings, [Meaning::YesNo(true), Meaning::YesNo(false)]);
}

#[test]
fn a_pronunciation_can_be_added_for_a_name() {
    let mut dictionary = Dictionary::load_default().unwrap();
    let names = Expect::Name(vec!["Next Mundai".into(), "Smith".into()]);
    let unknown = Grammar::compile(&names, &dictionary).unwrap_err();
    assert!(unknown.to_string().contains("\"mundai\""), "{unknown}");
    dictionary.add("Mundai", "M AH N D EY").unwrap();
    let grammar = Arc::new(Grammar::compile(&names, &dictionary).unwrap());
    let pool = pool(1);
    let (recognizer, receiver) = lease(&pool);
    recognizer.expect(grammar);
    recognizer.begin(0);
    feed(&recognizer, MONDAY[0]);
    recognizer.finalize(1);
    let heard = answer(settled(&receiver));
    assert_eq!(
        heard.meaning,
        Meaning::Name {
            index: 0,
            text: "Next Mundai".into()
        },
        "{}",
        heard.text
    );
}

#[test]
fn a_missing_model_is_named_with_the_remedy() {
    let model = ringback_pocketsphinx::Model::in_directory(std::path::Path::new("no/such/place"));
    let error = RecognizerPool::start_with(1, &model, None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("mdef") && error.contains("apt install libpocketsphinx3"),
        "{error}"
    );
}
