//! The catalogue and the built-in scenarios.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::sync::Arc;

use ringback_call::Direction;
use ringback_speech::grammar::Dictionary;

use super::builtin::BUILT_IN;
use super::template::Template;
use super::{Catalog, Origin, Responder, check_file, parse};

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const PARROT: &str = "responder = [{ provider = \"parrot\" }]\n";

#[test]
fn what_is_no_file_or_too_large_is_refused_with_what_to_do() {
    let large = "#".repeat(300 * 1024);
    let folder = folder(&[("large.toml", &large)]);
    let endless = std::path::Path::new("/dev/zero");
    for (path, wanted) in [
        (
            endless,
            "zero:1:1: the file cannot be read: it is no regular file; name a file",
        ),
        (folder.path(), "it is no regular file; name a file"),
        (
            &folder.path().join("large.toml"),
            "large.toml:1:1: the file cannot be read: it has more than 256 KB; keep what is no scenario out of it",
        ),
    ] {
        let problems = check_file(path).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().ends_with(wanted), "{}", problems[0]);
    }
}

#[test]
fn a_destination_that_is_no_scenario_of_the_catalog_is_warned_of() {
    let script = "[[script.state]]\nname = \"a\"\nask = \"Sales?\"\nexpect = \"yes_no\"\n\
         when = [{ answer = \"yes\", goto = \"b\" }, { answer = \"no\", goto = \"c\" }]\n\
         [[script.state]]\nname = \"b\"\nsay = \"One moment.\"\ntransfer = \"scenario:gone\"\n\
         [[script.state]]\nname = \"c\"\nsay = \"Hold.\"\ntransfer = \"scenario:one\"\n";
    let one = format!(
        "[fallback]\nto = \"scenario:nope\"\n[destinations]\nsales = \"scenario:two\"\nhelp = \"scenario:it-support\"\ndesk = \"scenario:absent\"\n{script}"
    );
    let folder = folder(&[("one.toml", &one), ("two.toml", PARROT)]);
    let catalog = Catalog::load(folder.path());
    assert_eq!(catalog.refused(), []);
    let warnings = catalog.warnings().iter().map(ToString::to_string);
    let told: Vec<_> = warnings.filter(|w| w.contains("put through")).collect();
    assert_eq!(
        told,
        [
            "one.toml:1:1: fallback.to: there is no scenario \"nope\": no caller can be put through to it",
            "one.toml:1:1: destinations.desk: there is no scenario \"absent\": no caller can be put through to it",
            "one.toml:1:1: script.state[1].transfer: there is no scenario \"gone\": no caller can be put through to it",
        ]
    );
}

#[test]
fn all_built_in_scenarios_are_sound_and_take_both_directions() {
    let catalog = Catalog::built_in();
    assert_eq!(catalog.refused(), []);
    assert_eq!(catalog.warnings(), []);
    for (slug, _) in BUILT_IN {
        let scenario = catalog.scenario(slug).unwrap();
        assert_eq!(scenario.slug, slug);
        for direction in [Direction::Inbound, Direction::Outbound] {
            assert!(scenario.direction.takes(direction));
            assert!(scenario.vars(direction, "Compass Group").greeting.is_some());
        }
    }
}

#[test]
fn instructions_of_built_in_scenarios_are_filled_in_for_both_directions() {
    let catalog = Catalog::built_in();
    let mut instructed = Vec::new();
    for (slug, _) in BUILT_IN {
        let scenario = catalog.scenario(slug).unwrap();
        let Some(persona) = &scenario.persona.persona else {
            continue;
        };
        instructed.push(slug);
        assert!(matches!(
            scenario.engines.responders.as_slice(),
            [Responder::Model(_), Responder::Script { .. }]
        ));
        let mut told = Vec::new();
        for direction in [Direction::Inbound, Direction::Outbound] {
            let vars = scenario.vars(direction, "Compass Group");
            let filled = [persona, scenario.prompt(direction).unwrap()]
                .map(|text| Template::of_prompt(text).fill(|name| vars.value(name)));
            assert!(filled[0].contains("Compass Group"), "{slug}");
            assert!(filled[1].contains("end the call"), "{slug}");
            told.push(filled.concat());
            let names = [persona.as_str(), scenario.prompt(direction).unwrap()];
            for template in names.map(|text| Template::parse(text).unwrap()) {
                let unknown = template
                    .variables()
                    .find(|(name, _)| vars.value(name).is_none());
                assert_eq!(unknown, None, "{slug}");
            }
        }
        assert_ne!(told[0], told[1], "{slug}");
    }
    assert_eq!(
        instructed,
        [
            "guest-relations",
            "front-desk",
            "lead-qualification",
            "check-in",
            "it-support"
        ]
    );
}

#[test]
fn the_guest_line_begins_with_the_words_that_were_agreed() {
    let catalog = Catalog::built_in();
    let scenario = catalog.scenario("guest-relations").unwrap();
    for (direction, greeting) in [
        (
            Direction::Inbound,
            "Hello! Thank you for calling Compass Group.",
        ),
        (
            Direction::Outbound,
            "Hello! This is calling from Compass Group's Guest Relations team.",
        ),
    ] {
        let vars = scenario.vars(direction, "Compass Group");
        assert_eq!(vars.greeting.as_deref(), Some(greeting));
    }
}

#[test]
fn built_in_scenarios_are_written_in_characters_that_can_be_spoken() {
    for (slug, text) in BUILT_IN {
        for (n, line) in text.lines().enumerate() {
            let spoken = [
                "say", "ask", "hint", "reprompt", "silence", "inbound", "outbound",
            ];
            let (name, value) = line.split_once(" = \"").unwrap_or_default();
            let bad = |c: char| !(c.is_ascii_alphabetic() || " .,?!'{}_|".contains(c));
            if spoken.contains(&name)
                && let Some(at) = value.trim_end_matches('"').find(bad)
            {
                panic!("{slug}:{}: {:?} in {line}", n + 1, &value[at..=at]);
            }
        }
    }
}

#[test]
fn every_word_that_built_in_scenarios_expect_is_in_the_dictionary() {
    let dictionary = Arc::new(Dictionary::load_default().unwrap());
    for (slug, text) in BUILT_IN {
        let origin = Origin::text(slug).heard_with(Some(Arc::clone(&dictionary)));
        let (_, warnings) = parse(text, &origin).unwrap();
        assert_eq!(warnings, []);
    }
}

#[test]
fn a_word_that_the_recogniser_does_not_know_is_warned_of_with_its_place() {
    let flow = "[[state]]\nname = \"a\"\nask = \"What would you like?\"\ngoto = \"b\"\n\
        expect = { phrases = [\"soup\", [\"salad\", \"a zzyzx salad\"]] }\n\
        [[state]]\nname = \"b\"\nsay = \"Goodbye.\"\nhang_up = true\n";
    let scenario = "responder = [{ provider = \"script\", script = \"flow.txt\" }]\n";
    let folder = folder(&[("s.toml", scenario), ("flow.txt", flow)]);
    let warnings: Vec<String> = Catalog::load(folder.path())
        .warnings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        warnings,
        [
            "flow.txt:5:41: state[0].expect.phrases[1][1]: the local recogniser cannot hear the answers to this: \
            no pronunciation is known for \"zzyzx\": spell them as common English words that sound like them, or use other words"
        ]
    );
}

#[test]
fn a_file_with_problems_is_left_out_and_named_and_the_others_are_not_affected() {
    let folder = folder(&[
        ("a.toml", PARROT),
        ("b.toml", "responder = [{ provider = \"parrott\" }]\n"),
        (
            "c.toml",
            "slug = \"a\"\nresponder = [{ provider = \"parrot\" }]\n",
        ),
        ("d.toml", PARROT),
        ("not-a-scenario.txt", "hello"),
    ]);
    fs::write(folder.path().join("e.toml"), [0xff, 0xfe]).unwrap();
    fs::write(folder.path().join("f.toml"), "#".repeat(300_000)).unwrap();
    let catalog = Catalog::load(folder.path());
    assert!(catalog.scenario("a").is_some() && catalog.scenario("d").is_some());
    let refused: Vec<String> = catalog
        .refused()
        .iter()
        .flat_map(|refused| refused.problems.iter().map(ToString::to_string))
        .collect();
    assert_eq!(
        refused,
        [
            "b.toml:1:27: responder[0].provider: \"parrott\" is not known here; did you mean \"parrot\"?",
            "c.toml:1:1: the slug \"a\" is taken by a.toml; correct or remove it",
            "e.toml:1:1: the file cannot be read: stream did not contain valid UTF-8; see that it exists, is readable and is text in UTF-8",
            "f.toml:1:1: the file cannot be read: it has more than 256 KB; keep what is no scenario out of it",
        ]
    );
}

#[test]
fn a_file_takes_the_place_of_a_built_in_scenario_and_a_missing_folder_is_empty() {
    let folder = folder(&[(
        "parrot.toml",
        "name = \"Mine\"\nresponder = [{ provider = \"parrot\" }]\n",
    )]);
    let catalog = Catalog::load(folder.path());
    assert_eq!(catalog.scenario("parrot").unwrap().name, "Mine");
    assert_eq!(
        catalog.warnings()[0].to_string(),
        "parrot.toml:1:1: slug: it takes the place of the built-in scenario \"parrot\""
    );
    let none = Catalog::load(&folder.path().join("nowhere"));
    assert_eq!(none.scenarios().count(), BUILT_IN.len());
    assert_eq!(none.refused(), []);
}

#[test]
fn a_file_with_a_problem_keeps_its_line_from_the_built_in_scenario() {
    let folder = folder(&[
        (
            "a.toml",
            "slug = \"parrot\"\nlanguage = \"de-AT\"\nnaem = \"Mine\"\n",
        ),
        ("b.toml", "name = "),
        ("c.toml", "slug = \"d\"\nnaem = \"Mine\"\n"),
        ("d.toml", PARROT),
    ]);
    let catalog = Catalog::load(folder.path());
    assert!(catalog.scenario("parrot").is_none() && catalog.has("parrot"));
    let language = |slug: &str| Some(catalog.refused_line(slug)?.1.language.as_str());
    assert_eq!(language("parrot"), Some("de-AT"));
    assert_eq!(language("b"), Some("en-US"));
    assert!(catalog.scenario("d").is_some() && language("d").is_none());
    assert!(!catalog.has("nobody"));
}

#[test]
fn a_script_in_a_file_of_its_own_is_read_and_its_problems_name_that_file() {
    let scenario = "responder = [{ provider = \"script\", script = \"flow.txt\" }]\n";
    let sound = "[[state]]\nname = \"a\"\nsay = \"Goodbye.\"\nhang_up = true\n";
    let good = folder(&[("s.toml", scenario), ("flow.txt", sound)]);
    assert!(Catalog::load(good.path()).scenario("s").is_some());
    for (text, line) in [
        (
            Some("[[state]]\nname = \"a\"\ngoto = \"b\"\n"),
            "flow.txt:3:8: state[0].goto: there is no state \"b\"; only \"a\" is known",
        ),
        (
            None,
            "s.toml:1:46: responder[0].script: \"flow.txt\": No such file or directory (os error 2); name a file beside the scenario",
        ),
    ] {
        let mut files = vec![("s.toml", scenario)];
        files.extend(text.map(|text| ("flow.txt", text)));
        let folder = folder(&files);
        let catalog = Catalog::load(folder.path());
        assert_eq!(catalog.refused()[0].problems[0].to_string(), line);
    }
    let outside = folder(&[(
        "s.toml",
        "responder = [{ provider = \"script\", script = \"../flow.txt\" }]\n",
    )]);
    let problem = Catalog::load(outside.path()).refused()[0].problems[0].to_string();
    assert!(
        problem.contains("leads out of the scenario's folder"),
        "{problem}"
    );
}

#[test]
fn the_examples_of_the_manual_are_sound() {
    let manual = include_str!("../../../../docs/scenarios.md");
    let whole = manual
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|example| example.contains("hang_up = true"));
    let mut read = 0;
    for example in whole {
        let checked = super::parse(example, &super::Origin::text("example"));
        assert_eq!(checked.err(), None, "{example}");
        read += 1;
    }
    assert_eq!(read, 2);
}
