//! The two spellings of a scenario, TOML and JSON, and places in them.

use serde_json::Value;

use super::document;
use super::problem::{Findings, Position, Problem};

/// The JSON of a TOML text; whether it is a scenario is another question.
///
/// # Errors
/// What is no TOML, or cannot be said in JSON.
pub fn from_toml(text: &str, name: &str) -> Result<Value, Vec<Problem>> {
    let mut findings = Findings::of(name);
    let json = document::from_toml(text, &mut findings).and_then(|node| {
        let json = node.value.to_json();
        if json.is_none() {
            let what = "it holds a date or a number that is too large";
            findings.problem(Position::START, "", what, "write it as a text");
        }
        json
    });
    json.ok_or_else(|| findings.told().0)
}

/// The TOML of a JSON object. Fields that are null are left out.
///
/// # Errors
/// What TOML cannot say: null in a list, a number out of its range.
pub fn to_toml(json: &Value) -> Result<String, String> {
    toml::to_string_pretty(&without_null(json)).map_err(|error| error.to_string())
}

fn without_null(json: &Value) -> Value {
    match json {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_null(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_null).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => json.clone(),
    }
}

/// One step of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the field of this name.
    Field(String),
    /// To the item of this number, from 0.
    Item(usize),
}

/// The steps of a problem's path, as `tools[0].http.url`. Names of fields may have dots and brackets themselves: what stands in
/// the document decides.
pub fn steps(path: &str, document: &Value) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    let mut here = Some(document);
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let item = rest
            .strip_prefix('[')
            .and_then(|inside| inside.split_once(']'))
            .and_then(|(number, after)| Some((number.parse::<usize>().ok()?, after)));
        if let Some((number, after)) = item.filter(|_| !here.is_some_and(Value::is_object)) {
            here = here.and_then(|value| value.get(number));
            steps.push(Step::Item(number));
            rest = after;
            continue;
        }
        let name = known_name(rest, here).unwrap_or_else(|| {
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| ['.', '['].contains(c));
            rest.split_at(end.map_or(rest.len(), |(at, _)| at)).0
        });
        here = here.and_then(|value| value.get(name));
        steps.push(Step::Field(name.to_owned()));
        rest = &rest[name.len()..];
    }
    steps
}

/// The longest name of a field here that the rest of a path can begin with.
fn known_name<'a>(rest: &'a str, here: Option<&Value>) -> Option<&'a str> {
    let fields = here?.as_object()?;
    let fits = |name: &&String| {
        let after = rest.strip_prefix(name.as_str());
        after.is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
    };
    let longest = fields
        .keys()
        .filter(|name| !name.is_empty())
        .filter(fits)
        .max_by_key(|name| name.len())?;
    rest.get(..longest.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scenario::{Kind, Origin, built_in, built_in_slugs, parse, parse_json};

    fn check(path: &str, document: Value, expected: &[&str]) {
        let steps = steps(path, &document).into_iter();
        let shown: Vec<String> = steps
            .map(|step| match step {
                Step::Field(name) => name,
                Step::Item(number) => format!("#{number}"),
            })
            .collect();
        assert_eq!(shown, expected, "{path}");
    }

    #[test]
    fn a_path_is_a_way_through_the_document_whatever_its_names_are() {
        check("", json!({}), &[]);
        check("slug", json!({}), &["slug"]);
        check(
            "tools[0].http.url",
            json!({}),
            &["tools", "#0", "http", "url"],
        );
        check("a[1][2].b", json!({}), &["a", "#1", "#2", "b"]);
        let headers = json!({"headers": {"x.y": {"z": 1}, "x": 2, "a[0]": 3}});
        check("headers.x.y.z", headers.clone(), &["headers", "x.y", "z"]);
        check("headers.x", headers.clone(), &["headers", "x"]);
        check("headers.a[0]", headers, &["headers", "a[0]"]);
        check("[b].c", json!({}), &["[b]", "c"]);
        check("é.ü", json!({}), &["é", "ü"]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = proptest::collection::vec(any::<char>(), 0..12);
        let text = text.prop_map(|chars| chars.into_iter().collect::<String>());
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no other", |number| number.is_finite())
                .prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let fields = proptest::collection::btree_map(text.clone(), inner.clone(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(Value::from),
                fields.prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_as_toml_is_read_as_it_was(values in proptest::collection::btree_map("[a-z.\\[ ]{0,6}", any_value(), 0..6)) {
            let json: Value = values.into_iter().collect();
            let text = to_toml(&json).unwrap();
            prop_assert_eq!(from_toml(&text, "t").unwrap(), json, "{}", text);
        }

        #[test]
        fn every_path_has_its_steps(path in "[a-z.\\[\\]0-9é]{0,20}", document in any_value()) {
            let steps = steps(&path, &document);
            prop_assert!(steps.len() <= path.len());
        }
    }

    #[test]
    fn both_spellings_say_the_same_of_every_built_in_scenario() {
        for slug in built_in_slugs() {
            let text = built_in(slug).unwrap();
            let json = from_toml(text, slug).unwrap();
            let by_toml = parse(text, &Origin::text(slug)).unwrap();
            let by_json = parse_json(&json, &Origin::text(slug)).unwrap();
            let again = to_toml(&json).unwrap();
            assert_eq!(from_toml(&again, slug).unwrap(), json, "{slug}");
            assert_eq!(
                format!("{:?}", by_toml.0.turn),
                format!("{:?}", by_json.0.turn)
            );
            assert_eq!(by_toml.0.persona, by_json.0.persona);
            assert_eq!(by_toml.0.greeting, by_json.0.greeting);
            assert_eq!(by_toml.1.len(), by_json.1.len());
        }
    }

    #[test]
    fn json_has_the_same_problems_as_toml() {
        for (text, kinds) in [
            (
                "nam = \"x\"\nresponder = [{ provider = \"parrot\" }]",
                &[Kind::Unknown][..],
            ),
            ("name = 5", &[Kind::Missing, Kind::Value]),
            (
                "prompt = \"{nobody}\"\n[turn]\nyield_ms = 1",
                &[Kind::Value, Kind::Value],
            ),
            ("name = \"a\\nb\"\nprompt = \"p\"", &[Kind::Value]),
            (
                "prompt = \"p\"\n[[tools]]\nname = \"x\"\ndescription = \"y\"\n[tools.http]\nmethod = \"GET\"",
                &[Kind::Missing],
            ),
        ] {
            let by_toml = parse(text, &Origin::text("t")).unwrap_err();
            let json = from_toml(text, "t").unwrap();
            let by_json = parse_json(&json, &Origin::text("t")).unwrap_err();
            let told = |problems: &[Problem]| {
                let mut told: Vec<_> = problems
                    .iter()
                    .map(|p| (p.path.clone(), p.what.clone(), p.remedy.clone()))
                    .collect();
                told.sort();
                told
            };
            assert_eq!(told(&by_toml), told(&by_json), "{text}");
            let mut found: Vec<_> = by_json.iter().map(Problem::kind).collect();
            found.sort_by_key(|kind| format!("{kind:?}"));
            assert_eq!(found, kinds, "{text}");
        }
    }

    #[test]
    fn null_is_as_if_a_field_were_not_there_and_no_item_of_a_list() {
        let with = |extra: Value| {
            let mut json =
                json!({"prompt": "p", "language": null, "voice_config": {"voice": null}});
            json.as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            parse_json(&json, &Origin::text("t"))
        };
        assert!(with(json!({})).is_ok());
        let problems = with(json!({"idle": {"prompts": [null]}})).unwrap_err();
        assert_eq!(problems[0].path, "idle.prompts[0]");
        let problems = with(json!({"turn": {"idle_ms": u64::MAX}})).unwrap_err();
        assert_eq!(problems[0].path, "turn.idle_ms");
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        let problems = with(json!({"tools": deep})).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].what.contains("within one another"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_secret_that_is_kept_is_found_by_its_name_and_never_printed() {
        let json = json!({"prompt": "p", "responder": [{"provider": "openai", "key": "secret:one"}], "tools": [{
            "name": "look", "description": "Looks.",
            "http": {"url": "https://example.com", "headers": {"authorization": "secret:two", "x": "secret:three"}}}]});
        let kept = |texts: &[(&str, &str)]| {
            let texts = texts.iter();
            texts
                .map(|(name, text)| ((*name).to_owned(), crate::Secret::new(*text)))
                .collect()
        };
        let all = [
            ("one", "sk-hidden"),
            ("two", "Bearer hidden"),
            ("three", "x"),
        ];
        let origin = Origin::text("t").with_secrets(kept(&all));
        let (scenario, _) = parse_json(&json, &origin).unwrap();
        assert!(!format!("{scenario:?}").contains("hidden"));
        assert_eq!(
            crate::Secrets::default().missing(&scenario),
            [] as [String; 0]
        );
        let origin = Origin::text("t").with_secrets(kept(&[("one", "x"), ("two", "line\nbreak")]));
        let problems = parse_json(&json, &origin).unwrap_err();
        let told: Vec<_> = problems
            .iter()
            .map(|p| (p.path.as_str(), p.what.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "tools[0].http.headers.authorization",
                    "this cannot stand in a header"
                ),
                (
                    "tools[0].http.headers.x",
                    "no secret of this name is kept for this scenario"
                ),
            ]
        );
    }
}
