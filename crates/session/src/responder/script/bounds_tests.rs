//! Scripts that no person writes: how large they may be, and that the largest are checked as small ones are.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use serde_json::{Value, json};

use crate::scenario::{Origin, Problem, parse, parse_json};

/// A script of these states and one that ends it, with more beside them.
fn problems(mut states: Vec<Value>, more: Value) -> Vec<String> {
    states.push(json!({"name": "bye", "say": "Goodbye.", "hang_up": true}));
    let mut scenario = json!({"script": {"state": states}});
    let (own, script): (Vec<_>, Vec<_>) = more
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .partition(|(name, _)| ["variables", "destinations"].contains(&name.as_str()));
    scenario.as_object_mut().unwrap().extend(own);
    let fields = scenario["script"].as_object_mut().unwrap();
    fields.extend(script);
    match parse_json(&scenario, &Origin::text("t")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }
}

fn check(states: Vec<Value>, more: Value, wanted: &[&str]) {
    assert_eq!(problems(states, more), wanted);
}

/// States that lead from one to the next and set a variable each, of which the last speaks that of the state in the middle.
fn chain(count: usize) -> Vec<Value> {
    let next = |number: usize| match number < count {
        true => format!("s{number}"),
        false => "bye".to_owned(),
    };
    let state = |number: usize| {
        let mut state = json!({
            "name": format!("s{number}"), "set": {format!("z{number}"): "{first}"}, "goto": next(number + 1),
            "when": [{"variable": "first", "is": "yes", "goto": next(number + 1)}, {"variable": "first", "is": "no", "goto": next(number + 2)}],
        });
        if number == 0 {
            state["set"] = json!({"first": "yes"});
        }
        if number + 1 == count {
            state["say"] = json!(format!("{{z{}}} and {{first}}", count / 2));
        }
        state
    };
    (0..count).map(state).collect()
}

#[test]
fn a_script_has_so_many_states_and_no_more() {
    // The one in the middle is passed over where the first variable is "no".
    let middle = "t:1:1: script.state[498].say: {z249} may have no value here; say what stands in for it, as {z249|...}, or ask for it on every way";
    check(chain(499), json!({}), &[middle]);
    let many =
        "t:1:1: script.state: there are 501 states, more than 500; make it several scenarios";
    check(chain(500), json!({}), &[many]);
}

#[test]
fn a_large_script_that_leads_round_is_told_its_way() {
    let mut states = chain(499);
    states[498]["goto"] = json!("s490");
    states[498]["say"] = json!("Hello.");
    states[498]["when"] = json!([{"direction": "inbound", "goto": "bye"}]);
    states[200]["when"][0]["goto"] = json!("s198");
    check(
        states,
        json!({}),
        &[
            "t:1:1: script.state[198]: these states lead round without a question: s198 -> s200 -> s198; put a question between them",
            "t:1:1: script.state[490]: these states lead round without a question: s490 -> s492 -> s494 -> s496 -> s498 -> s490; put a question between them",
        ],
    );
}

#[test]
fn what_nobody_writes_is_refused_where_it_stands() {
    let way =
        |number: usize| json!({"variable": "company", "is": number.to_string(), "goto": "bye"});
    let ways = |count| json!({"name": "q", "when": (0..count).map(way).collect::<Vec<_>>(), "goto": "bye"});
    check(vec![ways(100)], json!({}), &[]);
    let refused =
        "t:1:1: script.state[0].when: there are more than 100 ways; put a state between them";
    check(vec![ways(101)], json!({}), &[refused]);

    let anytime =
        |count: usize| json!({"anytime": vec![json!({"phrases": ["stop"], "goto": "bye"}); count]});
    check(Vec::new(), anytime(50), &[]);
    let refused =
        "t:1:1: script.anytime: there are more than 50 things to say at any time; keep fewer";
    check(Vec::new(), anytime(51), &[refused]);

    let table = |begin: &str, count: usize| -> Value {
        (0..count)
            .map(|number| (format!("{begin}{number}"), json!("+15005550006")))
            .collect()
    };
    let setting = |count| vec![json!({"name": "q", "set": table("v", count), "goto": "bye"})];
    check(setting(500), json!({}), &[]);
    let refused = "t:1:1: script.state[0]: the script has more than 500 variables from here on; keep fewer: take one again where it is no longer needed";
    check(setting(501), json!({}), &[refused]);
    check(Vec::new(), json!({"variables": table("v", 500)}), &[]);
    let refused = "t:1:1: variables: there are 501 variables, more than 500; keep fewer";
    check(
        Vec::new(),
        json!({"variables": table("v", 501)}),
        &[refused],
    );
    check(Vec::new(), json!({"destinations": table("v", 100)}), &[]);
    let refused = "t:1:1: destinations: there are more than 100 destinations; keep fewer";
    check(
        Vec::new(),
        json!({"destinations": table("v", 101)}),
        &[refused],
    );

    let form = json!({"digits": {"count": 4}});
    let question = |count: usize| {
        vec![
            json!({"name": "q", "ask": "Well?", "expect": {"any": vec![&form; count]}, "goto": "bye"}),
        ]
    };
    check(question(20), json!({}), &[]);
    let refused = "t:1:1: script.state[0].expect.any: there are more than 20 forms of an answer; ask in two questions";
    check(question(21), json!({}), &[refused]);
}

#[test]
fn of_very_many_problems_the_first_are_told_and_how_many_there_are() {
    let lines: String = (0..1000)
        .map(|number| format!("wrong_{number} = 1\n"))
        .collect();
    let problems = parse(&lines, &Origin::text("t")).unwrap_err();
    assert_eq!(problems.len(), 201);
    assert_eq!(problems[199].path, "wrong_198");
    assert!(
        problems[200]
            .to_string()
            .ends_with("there are 801 more problems; correct these first"),
        "{}",
        problems[200]
    );
    let problems = parse(&"=\n".repeat(1000), &Origin::text("t")).unwrap_err();
    assert_eq!(problems.len(), 201);
}
