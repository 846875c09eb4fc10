//! What is wrong with scripts, by line and column.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use crate::scenario::{Origin, parse};

fn problems(script: &str) -> Vec<String> {
    match parse(script, &Origin::text("t")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .map(|p| {
                p.to_string()
                    .trim_start_matches("t:")
                    .replace("script.state", "state")
            })
            .collect(),
    }
}

const BYE: &str = "[[script.state]]\nname = \"bye\"\nsay = \"Goodbye.\"\nhang_up = true\n";

/// A question in lines 1 to 3, then these lines, then the state `bye`.
fn question(lines: &str) -> String {
    format!("[[script.state]]\nname = \"q\"\nask = \"Well?\"\n{lines}\n{BYE}")
}

/// A state in lines 1 and 2, then these lines, then the state `bye`.
fn state(lines: &str) -> String {
    format!("[[script.state]]\nname = \"a\"\n{lines}\n{BYE}")
}

fn check(text: &str, wanted: &[&str]) {
    assert_eq!(problems(text), wanted, "{text}");
}

#[test]
fn a_sound_script_has_no_problems() {
    check(&question("expect = \"yes_no\"\ngoto = \"bye\""), &[]);
    check(&state("say = \"Hello.\"\ngoto = \"bye\""), &[]);
}

#[test]
fn questions_are_checked() {
    for (lines, wanted) in [
        (
            "goto = \"bye\"",
            "1:1: state[0].expect: this is missing; say what may be answered: \"yes_no\", { phrases = [...] }, { number = { min, max } }, \"open\" ...",
        ),
        (
            "expect = \"yesno\"\ngoto = \"bye\"",
            "4:10: state[0].expect: \"yesno\" is not known here; did you mean \"yes_no\"?",
        ),
        (
            "expect = { phrases = [] }\ngoto = \"bye\"",
            "4:22: state[0].expect.phrases: there is nothing to choose; list the phrases",
        ),
        (
            "expect = { phrases = [\"room 5\"] }\ngoto = \"bye\"",
            "4:23: state[0].expect.phrases[0]: \"room 5\" is no phrase; write at most 12 words as they are spoken, without digits and signs",
        ),
        (
            "expect = { phrases = [\"soup\", [\"Soup\"]] }\ngoto = \"bye\"",
            "4:32: state[0].expect.phrases[1][0]: \"soup\" stands here twice; keep one of them",
        ),
        (
            "expect = { number = { min = 5, max = 1 } }\ngoto = \"bye\"",
            "4:12: state[0].expect.number: min is more than max; swap them",
        ),
        (
            "expect = { number = { min = 1 } }\ngoto = \"bye\"",
            "4:12: state[0].expect.number.max: this is missing; give the least and the greatest number",
        ),
        (
            "expect = { digits = { min = 4 } }\ngoto = \"bye\"",
            "4:12: state[0].expect.digits: the number of digits is not clear; give count, or min and max with min the smaller",
        ),
        (
            "expect = { digits = { count = 4 }, number = { min = 1, max = 2 } }\ngoto = \"bye\"",
            "4:1: state[0].expect: 2 forms of an answer are given; give one of phrases, name, keywords, number, digits; or any = [...] for several",
        ),
        (
            "expect = { any = [\"yes_no\"] }\ngoto = \"bye\"",
            "4:18: state[0].expect.any: any needs two forms of an answer at least; add one, or leave any out",
        ),
        (
            "expect = \"yes_no\"\nwhen = [{ answer = \"yes\", goto = \"bye\" }]",
            "1:1: state[0]: the answer \"no\" leads nowhere; give goto, or add it to when",
        ),
        (
            "expect = { phrases = [\"soup\", \"salad\"] }\nwhen = [{ answer = \"soup\", goto = \"bye\" }]",
            "1:1: state[0]: the answer \"salad\" leads nowhere; give goto, or add it to when",
        ),
        (
            "expect = { number = { min = 1, max = 5 } }\nwhen = [{ max = 2, goto = \"bye\" }, { min = 4, goto = \"bye\" }]",
            "1:1: state[0]: the answer 3 leads nowhere; give goto, or add it to when",
        ),
        (
            "expect = \"open\"",
            "1:1: state[0]: some answers lead nowhere; give goto, or add it to when",
        ),
        (
            "expect = { phrases = [\"soup\"] }\nwhen = [{ answer = \"soap\", goto = \"bye\" }]\ngoto = \"bye\"",
            "5:20: state[0].when[0].answer: \"soap\" is no answer to this question; did you mean \"soup\"?",
        ),
        (
            "expect = \"date\"\nwhen = [{ answer = \"monday\", goto = \"bye\" }]\ngoto = \"bye\"",
            "5:20: state[0].when[0].answer: the answers to this question have no fixed words; use min and max for numbers, or goto for any answer",
        ),
        (
            "expect = \"yes_no\"\nwhen = [{ goto = \"bye\" }]\ngoto = \"bye\"",
            "5:9: state[0].when[0]: this way has no condition; give one, or use the state's goto",
        ),
        (
            "expect = \"yes_no\"\nwhen = [{ is = \"x\", goto = \"bye\" }]\ngoto = \"bye\"",
            "5:16: state[0].when[0].is: this looks at no variable; name one: variable = \"...\"",
        ),
        (
            "expect = \"yes_no\"\nkeys = { a = \"yes\" }\ngoto = \"bye\"",
            "5:14: state[0].keys.a: \"a\" is no key; use one or two of 0 to 9 and *",
        ),
        (
            "expect = \"yes_no\"\nkeys = { 1 = \"yess\" }\ngoto = \"bye\"",
            "5:14: state[0].keys.1: \"yess\" is no answer to this question; did you mean \"yes\"?",
        ),
        (
            "expect = \"yes_no\"\nstore = \"company\"\ngoto = \"bye\"",
            "5:9: state[0].store: {company} is given by the call; choose another name",
        ),
        (
            "expect = \"yes_no\"\nretry = { max = 9 }\ngoto = \"bye\"",
            "5:17: state[0].retry.max: 9 is out of range; give 0 to 5 times",
        ),
        (
            "expect = \"yes_no\"\nexpekt = 1\ngoto = \"bye\"",
            "5:1: state[0].expekt: there is no such field; did you mean \"expect\"?",
        ),
    ] {
        check(&question(lines), &[wanted]);
    }
}

#[test]
fn states_and_ways_are_checked() {
    for (lines, wanted) in [
        (
            "say = \"Hello.\"\ngoto = \"by\"",
            vec!["4:8: state[0].goto: there is no state \"by\"; known are a, bye"],
        ),
        (
            "say = \"Hello.\"",
            vec![
                "1:1: state[0]: the conversation stops here; give ask, goto, when, transfer or hang_up = true",
            ],
        ),
        (
            "say = \"\"\ngoto = \"bye\"",
            vec!["3:7: state[0].say: this text is empty; write it, or leave it out"],
        ),
        (
            "say = \"{caller_name|}\"\ngoto = \"bye\"",
            vec![
                "3:7: state[0].say: without its variables there is nothing to say; add words, or say what stands in for the variable",
            ],
        ),
        (
            "hang_up = true",
            vec!["1:1: state[0]: the call ends without a word; give say"],
        ),
        (
            "say = \"Hello.\"\nhang_up = true",
            vec![
                "5:1: state[1]: no way leads to the state \"bye\"; lead to it with goto, or remove it",
            ],
        ),
        (
            "say = \"Hello.\"\ngoto = \"a\"",
            vec![
                "1:1: state[0]: these states lead round without a question: a -> a; put a question between them",
                "5:1: state[1]: no way leads to the state \"bye\"; lead to it with goto, or remove it",
            ],
        ),
        (
            "when = [{ direction = \"inbound\", goto = \"bye\" }]",
            vec!["1:1: state[0]: no way on is left when no condition holds; give goto"],
        ),
        (
            "when = [{ direction = \"inbound\", goto = \"bye\" }, { direction = \"outbound\", goto = \"bye\" }]",
            vec![],
        ),
        (
            "when = [{ min = 1, goto = \"bye\" }]\ngoto = \"bye\"",
            vec!["3:9: state[0].when[0]: min and max have nothing to look at; name a variable"],
        ),
        (
            "when = [{ variable = \"mood\", is = \"bad\", goto = \"bye\" }]\ngoto = \"bye\"",
            vec![
                "3:22: state[0].when[0].variable: there is no variable {mood}; known are caller_name, company, direction, transfer_to",
            ],
        ),
        (
            "say = \"One moment.\"\ntransfer = \"+1500555\"",
            vec![
                "4:12: state[0].transfer: a call cannot be put through to this; give a number as \"+15005550006\", an address as \"sip:desk@example.com\", or another scenario as \"scenario:it-support\"",
            ],
        ),
        (
            "say = \"One moment.\"\ntransfer = \"{number}\"",
            vec![
                "4:12: state[0].transfer: a caller could choose the number; write it out, or take {transfer_to} or {transfer_to_NAME} for one of [destinations]",
            ],
        ),
        (
            "say = \"One moment.\"\nask = \"Well?\"\nhang_up = true",
            vec!["1:1: state[0]: a state does one thing; keep one of ask, transfer and hang_up"],
        ),
    ] {
        check(&state(lines), &wanted);
    }
    check(
        &format!("{BYE}{BYE}"),
        &["6:8: state[1].name: there is a state \"bye\" in line 1 already; choose another name"],
    );
    check(
        "[script]\nstart = \"x\"\n",
        &["1:2: state: this is missing; add a [[state]] with name, say or ask"],
    );
    check(
        &format!("[script]\nstart = \"ber\"\n{BYE}"),
        &["2:9: script.start: there is no state \"ber\"; only \"bye\" is known"],
    );
    check(
        &format!(
            "[[script.anytime]]\nphrases = [\"operator\"]\n[[script.anytime]]\nrepeat = true\n{BYE}"
        ),
        &[
            "1:1: script.anytime[0]: what happens then is not clear; give goto, or repeat = true",
            "3:1: script.anytime[1]: nobody can ask for this; give phrases, digits, or both",
        ],
    );
    check(
        &format!("[script.retry]\ngive_up = \"Bye.\"\nthen = \"bye\"\n{BYE}"),
        &[
            "2:11: script.retry.give_up: give_up is never said: then leads elsewhere; keep one of them",
        ],
    );
}

#[test]
fn a_circle_is_named_once_with_its_way() {
    check(
        "[[script.state]]\nname = \"a\"\ngoto = \"b\"\n[[script.state]]\nname = \"b\"\nwhen = [{ variable = \"caller_name\", known = true, goto = \"c\" }]\ngoto = \"d\"\n\
         [[script.state]]\nname = \"c\"\ngoto = \"a\"\n[[script.state]]\nname = \"d\"\nsay = \"Bye.\"\nhang_up = true\n",
        &[
            "1:1: state[0]: these states lead round without a question: a -> b -> c -> a; put a question between them",
        ],
    );
}

#[test]
fn a_text_uses_only_variables_that_have_a_value_on_every_way_to_it() {
    let rating = "[[script.state]]\nname = \"q\"\nask = \"Well?\"\nexpect = { number = { min = 1, max = 5 } }\nstore = \"rating\"\n";
    let end = "[[script.state]]\nname = \"end\"\nsay = \"You said {rating}.\"\nhang_up = true\n";
    check(&format!("{rating}goto = \"end\"\n{end}"), &[]);
    let may_lack = |line: u32, state: u32| {
        format!(
            "{line}:7: state[{state}].say: {{rating}} may have no value here; say what stands in for it, as {{rating|...}}, or ask for it on every way"
        )
    };
    check(
        &format!("{rating}goto = \"end\"\nretry = {{ then = \"end\" }}\n{end}"),
        &[&may_lack(10, 1)],
    );
    let open = rating.replace("{ number = { min = 1, max = 5 } }", "\"open\"");
    check(&format!("{open}goto = \"end\"\n{end}"), &[&may_lack(9, 1)]);
    let first = "[script.variables]\nrating = \"3\"\n";
    check(
        &format!("{first}{rating}goto = \"end\"\nretry = {{ then = \"end\" }}\n{end}"),
        &[],
    );
    check(
        &format!(
            "{rating}goto = \"end\"\n{}",
            end.replace("{rating}", "{ratings}")
        ),
        &["9:7: state[1].say: there is no variable {ratings}; did you mean \"rating\"?"],
    );
    let transfer =
        "[[script.state]]\nname = \"a\"\nsay = \"One moment.\"\ntransfer = \"{transfer_to}\"\n";
    check(
        transfer,
        &[
            "4:12: state[0].transfer: {transfer_to} may have no value here; say what stands in for it, as {transfer_to|...}, or ask for it on every way",
        ],
    );
    check(
        &format!("[fallback]\nto = \"+15005550006\"\n{transfer}"),
        &[],
    );
}

#[test]
fn a_script_may_put_callers_through_to_named_destinations_where_it_knows_that_there_are_any() {
    let transfer = "[[script.state]]\nname = \"a\"\nsay = \"One moment.\"\ntransfer = \"{transfer_to_front_desk}\"\n";
    check(
        transfer,
        &[
            "4:12: state[0].transfer: {transfer_to_front_desk} may have no value here; say what stands in for it, as {transfer_to_front_desk|...}, or ask for it on every way",
        ],
    );
    check(
        &format!("[destinations]\nfront-desk = \"+15005550006\"\n{transfer}"),
        &[],
    );
    let asked = "[[script.state]]\nname = \"q\"\nwhen = [{ variable = \"transfer_to_front_desk\", known = true, goto = \"a\" }]\ngoto = \"end\"\n\
        [[script.state]]\nname = \"end\"\nsay = \"Goodbye.\"\nhang_up = true\n";
    check(&format!("{asked}{transfer}"), &[]);
    let other = format!("{asked}{transfer}[destinations]\nfront_dask = \"+15005550006\"\n");
    let (_, warnings) = parse(&other, &Origin::text("t")).unwrap();
    assert_eq!(
        warnings[0].to_string(),
        "t:12:12: script.state[2].transfer: {transfer_to_front_desk} is none of [destinations]: it never has a value"
    );
    for theft in [
        "set = { transfer_to_front_desk = \"+15005550009\" }\ngoto = \"a\"",
        "ask = \"Where?\"\nexpect = \"open\"\nstore = \"transfer_to_front_desk\"\ngoto = \"a\"",
    ] {
        let text = format!("[[script.state]]\nname = \"q\"\n{theft}\n{transfer}");
        let problems = parse(&text, &Origin::text("t")).unwrap_err();
        let told = problems[0].to_string();
        assert!(told.contains("is given by the call"), "{told}");
    }
}
