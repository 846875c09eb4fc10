//! What is said of a scenario's language when it is checked.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use ringback_call::Direction;

use super::{Origin, Responder, SttEngine, parse};
use crate::responder::script::{Hearing, Said, ScriptRun};
use crate::setup::call_spec;

const PARROT: &str = "responder = [{ provider = \"parrot\" }]\n";

fn warnings(text: &str) -> Vec<String> {
    let text = format!("{PARROT}{text}");
    let (_, warnings) = parse(&text, &Origin::text("t")).unwrap();
    warnings
        .iter()
        .map(|warning| warning.what.clone())
        .collect()
}

fn problems(text: &str) -> Vec<String> {
    let text = format!("{PARROT}{text}");
    let problems = parse(&text, &Origin::text("t")).unwrap_err();
    let told = |problem: &super::Problem| {
        format!("{}: {}; {}", problem.path, problem.what, problem.remedy)
    };
    problems.iter().map(told).collect()
}

#[test]
fn an_author_is_told_that_the_local_recogniser_hears_english_only() {
    let told = |stt: &str| warnings(&format!("language = \"de-DE\"\n{stt}")).concat();
    let deepgram = "{ provider = \"deepgram\" }";
    let local = "{ provider = \"pocketsphinx\" }";
    for (stt, wanted) in [
        (
            String::new(),
            "not German (de-DE): without another (STT) callers answer by keypad alone",
        ),
        (
            format!("stt = [{local}]"),
            "not German (de-DE): callers answer by keypad alone; name another, such as deepgram",
        ),
        (
            format!("stt = [{deepgram}, {local}]"),
            "not German (de-DE): it does not stand in for the others",
        ),
    ] {
        assert!(told(&stt).contains(wanted), "{stt}: {}", told(&stt));
    }
    for stt in ["stt = []".to_owned(), format!("stt = [{deepgram}]")] {
        assert!(!told(&stt).contains("recogniser"), "{stt}");
    }
    for english in ["", "language = \"en-GB\"", "language = \"en-US\""] {
        assert_eq!(warnings(english), [""; 0], "{english}");
    }
}

#[test]
fn a_recogniser_or_voice_that_does_not_know_the_language_is_a_problem() {
    for (text, wanted) in [
        (
            "language = \"de-DE\"\nstt = [{ provider = \"deepgram\", model = \"flux-general-en\" }]",
            "stt[0].model: flux-general-en hears English only; name flux-general-multi where it hears the language, or nova-3",
        ),
        (
            "language = \"pl-PL\"\nstt = [{ provider = \"deepgram\", model = \"flux-general-multi\" }]",
            "stt[0].model: flux-general-multi hears de, en, es, fr, hi, it, ja, nl, pt, ru only; name flux-general-multi where it hears the language, or nova-3",
        ),
        (
            "stt = [{ provider = \"deepgram\", model = \"flux-general-en\", language = \"multi\" }]",
            "stt[0].model: flux-general-en hears English only; name flux-general-multi where it hears the language, or nova-3",
        ),
        (
            "stt = [{ provider = \"deepgram\", language = \"german\" }]",
            "stt[0].language: \"german\" is no language tag; write it as en-US or de",
        ),
        (
            "language = \"es-MX\"\ntts = [{ provider = \"deepgram\", voice = \"aura-2-thalia-en\" }]",
            "tts[0].voice: aura-2-thalia-en speaks en only; name one that ends in -es, as aura-2-celeste-es",
        ),
        (
            "language = \"es-MX\"\ntts = [{ provider = \"elevenlabs\", model = \"eleven_turbo_v2\" }]",
            "tts[0].model: eleven_turbo_v2 speaks English only; use eleven_flash_v2_5 or eleven_multilingual_v2",
        ),
        (
            "language = \"de\"\nvoice_config = { voice = \"aura-2-thalia-en\" }",
            "voice_config.voice: aura-2-thalia-en speaks en only; name one that ends in -de, as aura-2-viktoria-de",
        ),
    ] {
        assert_eq!(problems(text), [wanted], "{text}");
    }
}

#[test]
fn a_recogniser_may_hear_another_language_than_is_spoken() {
    let text = format!(
        "{PARROT}stt = [{{ provider = \"deepgram\", model = \"flux-general-multi\", language = \"multi\" }}]"
    );
    let (scenario, warnings) = parse(&text, &Origin::text("t")).unwrap();
    assert_eq!(warnings, []);
    let hears = SttEngine::Deepgram {
        model: Some("flux-general-multi".into()),
        language: Some("multi".into()),
        keyterms: Vec::new(),
    };
    assert_eq!(scenario.engines.stt, Some(vec![hears]));
}

#[test]
fn our_own_lines_are_in_the_language_of_the_scenario_where_we_know_it() {
    let spec = |language: &str| {
        let text = format!("{PARROT}language = \"{language}\"\n");
        let (scenario, _) = parse(&text, &Origin::text("t")).unwrap();
        let responder = scenario.engines.responders.first();
        let spec = call_spec(&scenario, responder, Direction::Inbound, "Compass Group");
        (spec.lines.goodbye, spec.lines.apology, spec.lines.idle)
    };
    let (goodbye, apology, idle) = spec("de-AT");
    assert_eq!(goodbye, "Vielen Dank für Ihre Zeit. Auf Wiederhören.");
    assert_eq!(
        apology,
        "Es tut mir leid, bei uns ist etwas schiefgegangen."
    );
    assert_eq!(idle[0], "Sind Sie noch da?");
    let (goodbye, apology, idle) = spec("es-MX");
    assert_eq!(goodbye, "Gracias por su tiempo. Adiós.");
    assert_eq!(apology, "Lo siento, algo ha fallado por nuestra parte.");
    assert_eq!(idle[0], "¿Sigue usted ahí?");
    assert_eq!(spec("fr-FR"), spec("en-US"));
    let told = warnings("language = \"fr-FR\"").concat();
    assert!(told.contains("our own lines are in English where the scenario is in French (fr-FR): set limits.goodbye"), "{told}");
    assert!(
        !warnings("language = \"de-AT\"")
            .concat()
            .contains("our own lines")
    );
}

#[test]
fn a_script_tells_its_callers_the_keys_and_hears_their_answers_in_their_language() {
    let script = |language: &str| {
        let text = format!(
            "language = \"{language}\"\n[[script.state]]\nname = \"begin\"\nask = \"A?\"\nexpect = \"yes_no\"\ngoto = \"code\"\n\
             [[script.state]]\nname = \"code\"\nask = \"B?\"\nexpect = {{ digits = {{ count = 4 }} }}\ngoto = \"end\"\n\
             [[script.state]]\nname = \"end\"\nsay = \"C.\"\nhang_up = true\n"
        );
        let (scenario, _) = parse(&text, &Origin::text("t")).unwrap();
        let vars = scenario.vars(Direction::Inbound, "Compass Group");
        let Some(Responder::Script { script }) = scenario.engines.responders.first() else {
            panic!("no script");
        };
        ScriptRun::new(Arc::clone(script), vars, Hearing::DtmfOnly)
    };
    let pressed = |digits| Said {
        digits: Some(digits),
        ..Said::default()
    };
    let mut german = script("de-DE");
    assert_eq!(
        german.open().text,
        "A? Drücken Sie 1 für ja oder 2 für nein."
    );
    assert_eq!(
        german.answer(&pressed("9")).text,
        "Entschuldigung, das habe ich nicht verstanden. A? Drücken Sie 1 für ja oder 2 für nein."
    );
    assert_eq!(
        german.answer(&pressed("1")).text,
        "B? Geben Sie 4 Ziffern ein."
    );
    assert_eq!(german.answer(&pressed("1234")).text, "C.");
    let said = |text| Said {
        text,
        ..Said::default()
    };
    let mut german = script("de-DE");
    german.open();
    assert!(german.answer(&said("Ja, gerne.")).text.starts_with("B?"));
    assert_eq!(german.answer(&said("null eins sieben zwo")).text, "C.");
    let mut spanish = script("es-MX");
    spanish.open();
    assert!(spanish.answer(&said("No, gracias.")).text.starts_with("B?"));
    assert_eq!(spanish.answer(&said("doce treinta y cuatro")).text, "C.");
    let mut spanish = script("es");
    assert_eq!(spanish.open().text, "A? Pulse 1 para sí, o 2 para no.");
    assert_eq!(spanish.answer(&pressed("2")).text, "B? Marque 4 cifras.");
}

#[test]
fn a_day_is_understood_and_repeated_in_the_language_of_the_scenario() {
    for (language, said, noted, keyed) in [
        ("en-US", "on March third", "on March third", "March 3"),
        ("de-DE", "am dritten März", "am dritten März", "3. März"),
        (
            "es-ES",
            "el tres de marzo",
            "el tres de marzo",
            "3 de marzo",
        ),
    ] {
        let text = format!(
            "language = \"{language}\"\n[[script.state]]\nname = \"a\"\nask = \"A?\"\nexpect = \"date\"\nstore = \"day\"\ngoto = \"b\"\n\
             [[script.state]]\nname = \"b\"\nsay = \"B {{day}}.\"\nhang_up = true\n"
        );
        let (scenario, _) = parse(&text, &Origin::text("t")).unwrap();
        let Some(Responder::Script { script }) = scenario.engines.responders.first() else {
            panic!("no script in {text}");
        };
        for (text, digits, wanted) in [(said, None, noted), ("", Some("0303"), keyed)] {
            let vars = scenario.vars(Direction::Inbound, "Compass Group");
            let mut run = ScriptRun::new(Arc::clone(script), vars, Hearing::Speech);
            run.open();
            let silence = false;
            let said = Said {
                text,
                digits,
                silence,
            };
            assert_eq!(run.answer(&said).text, format!("B {wanted}."));
        }
    }
}

#[test]
fn the_examples_in_german_and_spanish_are_heard_to_their_end() {
    for (text, answers, noted) in [
        (
            include_str!("../../../../docs/examples/de.toml"),
            [
                "Ja, gerne.",
                "am 3. Mai",
                "zwei",
                "null drei null, zwölf, dreizehn, vierzehn",
            ],
            "Ich habe notiert: am 3. Mai, Personen: 2. Unter 0 3 0 1 2 1 3 1 4",
        ),
        (
            include_str!("../../../../docs/examples/es.toml"),
            [
                "Sí, por favor.",
                "el viernes",
                "para dos",
                "seis cero cero, doce, trece, catorce",
            ],
            "He anotado: el viernes, personas: 2. Le llamamos al 6 0 0 1 2 1 3 1 4",
        ),
    ] {
        let (scenario, warnings) = parse(text, &Origin::text("t")).unwrap();
        let told: Vec<_> = warnings.iter().map(|warning| &warning.what).collect();
        // The local engines know English only; of the scenario itself nothing is said.
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter().all(|what| what.starts_with("the local ")),
            "{told:?}"
        );
        let Some(Responder::Script { script }) = scenario.engines.responders.first() else {
            panic!("no script");
        };
        let vars = scenario.vars(Direction::Inbound, "Compass Group");
        let mut run = ScriptRun::new(Arc::clone(script), vars, Hearing::Speech);
        run.open();
        let last = answers.map(|text| {
            run.answer(&Said {
                text,
                ..Said::default()
            })
        });
        let [.., last] = last;
        assert!(last.text.starts_with(noted), "{}", last.text);
        assert!(last.end.is_some());
    }
}
