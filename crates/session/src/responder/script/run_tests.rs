//! How a script runs: keys, snapshots, silence, and what holds for any caller.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use ringback_call::Direction;

use super::{Answer, End, Expect, Hearing, Said, Script, ScriptRun};
use crate::scenario::{Catalog, Origin, Responder, Scenario, built_in_slugs, parse};

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

fn scenario(text: &str) -> Scenario {
    parse(text, &Origin::text("t")).unwrap().0
}

fn script(scenario: &Scenario) -> Arc<Script> {
    match scenario.engines.responders.last() {
        Some(Responder::Script { script }) => Arc::clone(script),
        other => panic!("no script: {other:?}"),
    }
}

fn run(text: &str, hearing: Hearing) -> ScriptRun {
    let scenario = scenario(text);
    let vars = scenario.vars(Direction::Inbound, "Compass Group");
    ScriptRun::new(script(&scenario), vars, hearing)
}

fn keyed(run: &mut ScriptRun, digits: &str) -> Answer {
    run.answer(&Said {
        digits: Some(digits),
        ..Said::default()
    })
}

fn spoken(run: &mut ScriptRun, text: &str) -> Answer {
    run.answer(&Said {
        text,
        ..Said::default()
    })
}

/// A question, then an end that says `Got {x}.`
fn asking(fields: &str) -> String {
    format!(
        "[[script.state]]\nname = \"q\"\nask = \"Well?\"\n{fields}\nstore = \"x\"\ngoto = \"end\"\n\
         [[script.state]]\nname = \"end\"\nsay = \"Got {{x|nothing}}.\"\nhang_up = true\n"
    )
}

#[test]
fn keys_answer_wherever_speech_does_and_callers_are_told_how() {
    for (expect, prompt, length, answers) in [
        (
            "expect = \"yes_no\"",
            "Press 1 for yes, or 2 for no.",
            1,
            vec![("1", "yes"), ("2", "no"), ("1#", "yes")],
        ),
        (
            "expect = \"yes_no\"\nkeys = { 5 = \"yes\", 6 = \"no\" }",
            "Press 5 for yes, or 6 for no.",
            1,
            vec![("5", "yes"), ("6#", "no")],
        ),
        (
            "expect = { phrases = [\"soup\", [\"salad\", \"greens\"], \"bread\"] }",
            "Press 1 for soup, 2 for salad, or 3 for bread.",
            1,
            vec![("1", "soup"), ("2", "salad"), ("3", "bread")],
        ),
        (
            "expect = { name = [\"anna\"] }",
            "Press 1 for anna.",
            1,
            vec![("1", "anna")],
        ),
        (
            "expect = { keywords = [\"menu\", \"hours\"] }",
            "Press 1 for menu, or 2 for hours.",
            1,
            vec![("2", "hours")],
        ),
        (
            "expect = { number = { min = 1, max = 5 } }",
            "Press a number from 1 to 5.",
            1,
            vec![("4", "4")],
        ),
        (
            "expect = { number = { min = 1, max = 40 } }",
            "Enter a number from 1 to 40, then press pound.",
            0,
            vec![("4#", "4"), ("40", "40"), ("007", "7")],
        ),
        (
            "expect = { digits = { count = 4 } }",
            "Enter 4 digits on your keypad.",
            4,
            vec![("0042", "0 0 4 2")],
        ),
        (
            "expect = { digits = { min = 2, max = 4 } }",
            "Enter the digits on your keypad, then press pound.",
            0,
            vec![("42#", "4 2"), ("042", "0 4 2")],
        ),
        (
            "expect = \"date\"",
            "Enter the month and the day as 4 digits.",
            4,
            vec![("0303", "March 3"), ("0229", "February 29")],
        ),
        (
            "expect = \"open\"",
            "Press pound to go on.",
            0,
            vec![("#", "nothing")],
        ),
        (
            "expect = { any = [{ digits = { min = 7, max = 15 } }, { phrases = [\"this number\"] }] }",
            "Enter the digits on your keypad, then press pound. Press 1 for this number.",
            0,
            vec![("5550006#", "5 5 5 0 0 0 6"), ("1", "this number")],
        ),
    ] {
        let text = asking(expect);
        let open = run(&text, Hearing::DtmfOnly).open();
        assert_eq!(open.text, format!("Well? {prompt}"), "{expect}");
        assert_eq!(open.keys, length, "{expect}");
        assert_eq!(run(&text, Hearing::Speech).open().text, "Well?");
        for (keys, said) in answers {
            let mut run = run(&text, Hearing::DtmfOnly);
            run.open();
            let answer = keyed(&mut run, keys);
            assert_eq!(answer.text, format!("Got {said}."), "{expect} {keys}");
            assert_eq!(answer.end, Some(End::HangUp));
        }
    }
}

#[test]
fn keys_that_answer_nothing_are_asked_for_again() {
    for (expect, keys) in [
        ("expect = \"yes_no\"", "3"),
        (
            "expect = \"yes_no\"\nkeys = { 5 = \"yes\", 6 = \"no\" }",
            "1",
        ),
        ("expect = { phrases = [\"soup\"] }", "0"),
        ("expect = { number = { min = 1, max = 5 } }", "6"),
        (
            "expect = { number = { min = 1, max = 5 } }",
            "99999999999999999999999",
        ),
        ("expect = { digits = { count = 4 } }", "123#"),
        ("expect = \"date\"", "0230"),
        ("expect = \"date\"", "1301"),
        ("expect = \"open\"", "7"),
        ("expect = \"yes_no\"", "#"),
        ("expect = \"yes_no\"", "*"),
    ] {
        let mut run = run(&asking(expect), Hearing::Speech);
        run.open();
        let answer = keyed(&mut run, keys);
        assert_eq!(
            answer.text, "Sorry, I did not catch that. Well?",
            "{expect} {keys}"
        );
    }
}

#[test]
fn a_question_is_asked_again_as_often_as_the_script_says_and_then_given_up() {
    let mut run = run(&asking("expect = \"yes_no\""), Hearing::Speech);
    run.open();
    let said: Vec<_> = ["banana", "", "banana"]
        .iter()
        .map(|text| {
            let answer = run.answer(&Said {
                text,
                silence: text.is_empty(),
                digits: None,
            });
            (answer.text, answer.end)
        })
        .collect();
    assert_eq!(
        said,
        [
            ("Sorry, I did not catch that. Well?".into(), None),
            (
                "Are you still there? Well? Press 1 for yes, or 2 for no.".into(),
                None
            ),
            (
                "I am sorry, I could not understand you. Goodbye.".into(),
                Some(End::HangUp)
            ),
        ]
    );
    assert_eq!(spoken(&mut run, "wait").text, "Goodbye.");
}

#[test]
fn a_conversation_goes_on_from_its_snapshot() {
    let scenario = CATALOG.scenario("guest-relations").unwrap();
    let vars = scenario.vars(Direction::Inbound, "Compass Group");
    let mut first = ScriptRun::new(script(scenario), vars.clone(), Hearing::Speech);
    first.open();
    keyed(&mut first, "1");
    keyed(&mut first, "2");
    let stored = serde_json::to_string(&first.snapshot()).unwrap();
    let snapshot = serde_json::from_str(&stored).unwrap();
    let mut second =
        ScriptRun::restore(script(scenario), vars.clone(), Hearing::Speech, snapshot).unwrap();
    assert_eq!(
        second.again().text,
        "How would you rate the service, from one to five? Five is the best."
    );
    assert_eq!(keyed(&mut first, "5"), keyed(&mut second, "5"));
    assert_eq!(first.snapshot(), second.snapshot());
    let mut gone = first.snapshot();
    gone.state = Some("elsewhere".into());
    let error = ScriptRun::restore(script(scenario), vars, Hearing::Speech, gone).unwrap_err();
    assert_eq!(error.state, "elsewhere");
}

#[test]
fn asides_are_expected_at_every_question_and_a_question_with_own_keys_keeps_them() {
    let text = format!(
        "[[script.anytime]]\nphrases = [\"operator\"]\ndigits = \"0\"\ngoto = \"end\"\n{}",
        asking("expect = { number = { min = 0, max = 9 } }")
    );
    let mut first = run(&text, Hearing::Speech);
    let number = Expect::Number { min: 0, max: 9 };
    let asides = Expect::Phrases(vec!["operator".into()]);
    assert_eq!(first.open().expect, Expect::Any(vec![number, asides]));
    assert_eq!(keyed(&mut first, "0").text, "Got 0.");
    let mut second = run(&text, Hearing::Speech);
    second.open();
    assert_eq!(spoken(&mut second, "operator").text, "Got nothing.");
}

#[test]
fn a_way_may_ask_for_keys_for_the_direction_and_for_variables() {
    let text = "[[script.state]]\nname = \"q\"\nask = \"Well?\"\nexpect = \"yes_no\"\nstore = \"x\"\n\
        when = [{ digits = \"9\", goto = \"nine\" }, { answer = \"yes\", direction = \"outbound\", goto = \"nine\" }]\ngoto = \"b\"\n\
        [[script.state]]\nname = \"b\"\nwhen = [{ variable = \"x\", is = [\"no\"], goto = \"no\" }]\ngoto = \"yes\"\n\
        [[script.state]]\nname = \"nine\"\nsay = \"Nine.\"\nhang_up = true\n\
        [[script.state]]\nname = \"no\"\nsay = \"No.\"\nhang_up = true\n\
        [[script.state]]\nname = \"yes\"\nsay = \"Yes.\"\ntransfer = \"+15005550006\"\n";
    for (keys, said) in [("9", "Nine."), ("1", "Yes."), ("2", "No.")] {
        let mut run = run(text, Hearing::Speech);
        run.open();
        assert_eq!(keyed(&mut run, keys).text, said);
    }
    let mut run = run(text, Hearing::Speech);
    run.open();
    let end = keyed(&mut run, "1").end;
    assert_eq!(end, Some(End::Transfer("+15005550006".into())));
}

#[test]
fn a_caller_is_put_through_to_the_destination_that_the_scenario_names() {
    let text = "[[script.state]]\nname = \"q\"\nwhen = [{ variable = \"transfer_to_night_desk\", known = true, goto = \"a\" }]\ngoto = \"b\"\n\
        [[script.state]]\nname = \"a\"\nsay = \"One moment.\"\ntransfer = \"{transfer_to_night_desk}\"\n\
        [[script.state]]\nname = \"b\"\nsay = \"Nobody is there.\"\nhang_up = true\n";
    let open = |settings: &str| {
        let answer = run(&format!("{text}{settings}"), Hearing::Speech).open();
        (answer.text, answer.end.unwrap())
    };
    assert_eq!(open(""), ("Nobody is there.".into(), End::HangUp));
    let desk = "[destinations]\nnight-desk = \"sip:night@example.com\"\n";
    let to = End::Transfer("sip:night@example.com".into());
    assert_eq!(open(desk), ("One moment.".into(), to));
}

#[test]
fn values_that_are_made_of_values_do_not_grow_without_end() {
    let tenfold = "{x}".repeat(10);
    let grow = |number: usize| {
        let next = number + 1;
        format!(
            "[[script.state]]\nname = \"a{number}\"\nset = {{ x = \"{tenfold}\" }}\nsay = \"So {tenfold}\"\ngoto = \"a{next}\"\n"
        )
    };
    let grown: String = (1..40).map(grow).collect();
    let text = format!(
        "[[script.state]]\nname = \"a0\"\nset = {{ x = \"aaaaaaaaaa\" }}\ngoto = \"a1\"\n{grown}\
         [[script.state]]\nname = \"a40\"\nask = \"Well?\"\nexpect = \"open\"\nstore = \"y\"\ngoto = \"end\"\n\
         [[script.state]]\nname = \"end\"\nsay = \"Got {{x}} {{y|}}.\"\nhang_up = true\n"
    );
    let mut run = run(&text, Hearing::Speech);
    let said = run.open().text;
    assert!((10_000..40_000).contains(&said.len()), "{}", said.len());
    let said = spoken(&mut run, &"word ".repeat(100_000)).text;
    assert!((1000..3000).contains(&said.len()), "{}", said.len());
}

/// The built-in scenarios that have a script.
fn scripted() -> impl Strategy<Value = &'static str> {
    let slugs = built_in_slugs().filter(|slug| *slug != "parrot");
    prop::sample::select(slugs.collect::<Vec<_>>())
}

fn any_said() -> impl Strategy<Value = (String, Option<String>, bool)> {
    let words = prop::sample::select(vec![
        "",
        "yes",
        "no",
        "feedback",
        "a call back",
        "food quality",
        "service",
        "three",
        "five",
        "one",
        "operator",
        "repeat that",
        "goodbye",
        "this number",
        "another time",
        "cancel",
        "tomorrow",
        "the morning",
        "the prices",
        "five five five one two three four",
        "sales",
        "something new",
        "right away",
        "my medication",
        "a visit",
        "my shift",
        "a device",
        "an outage",
        "speak to a person",
    ]);
    let digits = prop::option::of("[0-9*#]{0,10}");
    (
        prop_oneof![words.prop_map(str::to_owned), ".{0,30}"],
        digits,
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn whatever_callers_do_every_answer_says_something_and_either_asks_or_ends(
        slug in scripted(),
        outbound in any::<bool>(),
        dtmf_only in any::<bool>(),
        said in prop::collection::vec(any_said(), 0..30),
    ) {
        let scenario = CATALOG.scenario(slug).unwrap();
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        let hearing = if dtmf_only { Hearing::DtmfOnly } else { Hearing::Speech };
        let vars = scenario.vars(direction, "Compass Group");
        let mut run = ScriptRun::new(script(scenario), vars.clone(), hearing);
        let mut last = run.open();
        let mut ended = false;
        for (text, digits, silence) in &said {
            prop_assert!(!last.text.trim().is_empty(), "no words");
            prop_assert!(!ended || last.end.is_some(), "an end does not hold");
            ended = last.end.is_some();
            prop_assert_eq!(ended, last.expect == Expect::Open);
            let mut twin = ScriptRun::restore(script(scenario), vars.clone(), hearing, run.snapshot()).unwrap();
            let said = Said { text, digits: digits.as_deref(), silence: *silence };
            last = run.answer(&said);
            prop_assert_eq!(&last, &twin.answer(&said));
        }
    }

    #[test]
    fn a_caller_who_says_nothing_is_let_go(
        slug in scripted(),
        keys in prop::collection::vec("[1-3]", 0..4),
    ) {
        let scenario = CATALOG.scenario(slug).unwrap();
        let vars = scenario.vars(Direction::Inbound, "Compass Group");
        let mut run = ScriptRun::new(script(scenario), vars, Hearing::Speech);
        run.open();
        for keys in &keys {
            keyed(&mut run, keys);
        }
        let silent = Said { silence: true, ..Said::default() };
        // Three times at a question, and twice at one whose silence leads to such a question.
        prop_assert!((0..5).any(|_| run.answer(&silent).end.is_some()));
    }
}
