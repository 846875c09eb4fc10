//! What is wrong with scenarios, by line and column.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use ringback_call::{Direction, Protection, TurnSettings};

use super::{
    Directions, Origin, RecordingFormat, Responder, Scenario, SecretRef, SttEngine, parse,
};

const PARROT: &str = "responder = [{ provider = \"parrot\" }]\n";

/// The problems of a text to which a parrot is added, as lines without the file's name.
fn problems(text: &str) -> Vec<String> {
    let text = format!(
        "{text}\n{}",
        if text.contains("responder") || text.contains('[') {
            ""
        } else {
            PARROT
        }
    );
    match parse(&text, &Origin::text("t")) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .iter()
            .map(|p| p.to_string()[2..].to_owned())
            .collect(),
    }
}

fn read(text: &str) -> (Scenario, Vec<String>) {
    let (scenario, warnings) = parse(text, &Origin::text("t")).unwrap();
    let warnings = warnings
        .iter()
        .map(|w| w.to_string()[2..].to_owned())
        .collect();
    (scenario, warnings)
}

#[test]
fn what_is_nested_without_end_is_not_named_again_at_every_level() {
    let nested = format!("a = {}", "[".repeat(20_000));
    let found = problems(&nested);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("cannot recurse further"), "{found:?}");
}

#[test]
fn every_problem_names_its_place_its_field_and_what_to_do() {
    let with = |text: &str| format!("{PARROT}{text}");
    let turn = |text: &str| with(&format!("[turn]\n{text}"));
    for (text, wanted) in [
        (
            "name = 5",
            vec!["1:8: name: this is a number; give a text in quotes"],
        ),
        (
            "nmae = \"x\"",
            vec!["1:1: nmae: there is no such field; did you mean \"name\"?"],
        ),
        (
            "prompt = \"Say {\\\"a\\\": {}} of {company} and {{nope}}, {nope}.\"\npersona = \"{caller_name} {compny}\"\n[prompts]\ninbound = \"{x}\"",
            vec![
                "1:10: prompt: there is no variable {nope}; known are company, direction, caller_name, transfer_to; for the text itself write it in double braces",
                "2:11: persona: {caller_name} may have no value here; say what stands in for it, as {caller_name|...}",
                "2:11: persona: there is no variable {compny}; did you mean \"company\"?; for the text itself write it in double braces",
                "4:11: prompts.inbound: there is no variable {x}; known are company, direction, caller_name, transfer_to; for the text itself write it in double braces",
            ],
        ),
        (
            "slug = \"My Line\"",
            vec![
                "1:8: slug: \"My Line\" cannot stand in an address; use lower-case letters, digits and single dashes between them, 64 at most",
            ],
        ),
        (
            "direction = \"in\"",
            vec!["1:13: direction: \"in\" is not known here; known are inbound, outbound, both"],
        ),
        (
            "language = \"english!\"",
            vec!["1:12: language: \"english!\" is no language tag; write it as en-US or de"],
        ),
        (
            &with("[callee]\nvoicemail = \"message\"\nmenu = { press = \"1x\" }"),
            vec![
                "3:13: callee.voicemail: there is nothing to say; give callee.message, the text that is left after the beep",
                "4:18: callee.menu.press: \"1x\" are no keys of a telephone; use 0 to 9, *, #, A to D, and w for a pause; 32 at most",
            ],
        ),
        (
            &with("[callee]\nscreening = \"introduce\"\nmenu = {}\nlisten_s = 500"),
            vec![
                "3:13: callee.screening: there is nothing to say; give callee.introduction, which says who calls and why",
                "4:1: callee.menu: it names no keys; write menu = { press = \"1\" }",
                "5:12: callee.listen_s: 500 is out of range; give 0 to 120 seconds",
            ],
        ),
        (
            &with("[callee]\nfax = \"message\"\nmessage = \"Call {nobody}.\""),
            vec![
                "3:7: callee.fax: \"message\" is not known here; known are hangup, ignore",
                "4:11: callee.message: there is no variable {nobody}; known are company, direction, caller_name, transfer_to",
            ],
        ),
        (
            &turn("yield_ms = 5"),
            vec!["3:12: turn.yield_ms: 5 is out of range; give 300 to 3000 milliseconds"],
        ),
        (
            &turn("yeild_ms = 500"),
            vec!["3:1: turn.yeild_ms: there is no such field; did you mean \"yield_ms\"?"],
        ),
        (
            &turn("onset_ms = 64.5\nidle_prompts = 11"),
            vec![
                "3:12: turn.onset_ms: this is a number; give a whole number, 32 to 320 milliseconds",
                "4:16: turn.idle_prompts: 11 is out of range; give 0 to 10 prompts",
            ],
        ),
        (
            &turn("end_wait_ms = 2000"),
            vec![
                "3:1: turn.end_wait_ms: end_wait_ms (2000) is longer than end_wait_filler_ms (1200); give end_wait_ms at most end_wait_filler_ms",
            ],
        ),
        (
            &turn("speculate = 1"),
            vec!["3:13: turn.speculate: this is a number; give true or false"],
        ),
        (
            &turn("protect_greeting = \"all\""),
            vec![
                "3:20: turn.protect_greeting: \"all\" is not known here; known are first_second, whole, none",
            ],
        ),
        (
            &turn("idle_ms = 5000\n[idle]\nafter_ms = 6000"),
            vec!["5:12: idle.after_ms: this is the same setting as turn.idle_ms; keep one of them"],
        ),
        (
            &turn("max_call_s = 60\n[limits]\nmax_call_s = 70"),
            vec![
                "5:14: limits.max_call_s: this is the same setting as turn.max_call_s; keep one of them",
            ],
        ),
        (
            &with("[greeting]\ninbound = \"Hi {compny}\""),
            vec![
                "3:11: greeting.inbound: there is no variable {compny}; did you mean \"company\"?",
            ],
        ),
        (
            &with("[greeting]\ninbound = \"Hi {caller_name}\""),
            vec![
                "3:11: greeting.inbound: {caller_name} may have no value here; say what stands in for it, as {caller_name|...}",
            ],
        ),
        (
            &with("[greeting]\ninbound = \"Hi {\""),
            vec!["3:11: greeting.inbound: a curly brace stands alone; write variables as {name}"],
        ),
        (
            &with("[greeting]\ninbound = \" \""),
            vec!["3:11: greeting.inbound: this text is empty; write it, or leave it out"],
        ),
        (
            &with("[variables]\ncompany = \"x\"\nBad = \"y\""),
            vec![
                "3:11: variables.company: {company} is given by the call; choose another name",
                "4:7: variables.Bad: \"Bad\" is no name; begin with a lower-case letter and use lower-case letters, digits and _",
            ],
        ),
        (
            &with("[fallback]\nthen = \"transfer\""),
            vec![
                "3:8: fallback.then: a transfer needs a number; give fallback.to, as \"+15005550006\"",
            ],
        ),
        (
            &with("[fallback]\nto = \"5550006\""),
            vec![
                "3:6: fallback.to: a call cannot be put through to this; give a number as \"+15005550006\", an address as \"sip:desk@example.com\", or another scenario as \"scenario:it-support\"",
            ],
        ),
        (
            &with("[recording]\nformat = \"mp3\"\nchannels = 3"),
            vec![
                "3:10: recording.format: \"mp3\" is not known here; known are pcm16, mulaw",
                "4:12: recording.channels: 3 is out of range; give 1 to 2 channels",
            ],
        ),
        (
            &with("[voice_config]\nspeed = 3"),
            vec!["3:9: voice_config.speed: 3 is out of range; give 0.5 to 2"],
        ),
        (
            "name = \"a\"\n[turn]",
            vec![
                "1:1: responder: this is missing; say what answers: add a prompt, or a [script], or responder = [{ provider = \"webhook\", url = ... }], or provider = \"parrot\"",
            ],
        ),
        (
            "responder = [{ provider = \"openai\", api = \"other\" }]",
            vec!["1:43: responder[0].api: \"other\" is not known here; known are chat, responses"],
        ),
        (
            "responder = [{ provider = \"script\" }]",
            vec![
                "1:14: responder[0].script: this is missing; add a [script] to the scenario, or name a file beside it: script = \"file.toml\"",
            ],
        ),
        (
            "responder = [{ provider = \"script\", script = \"x.toml\" }]",
            vec![
                "1:46: responder[0].script: a scenario without a file cannot name another; put the script into it, as [script]",
            ],
        ),
        (
            "responder = [{}]",
            vec!["1:14: responder[0].provider: this is missing; name the provider"],
        ),
        (
            &with("stt = [{ provider = \"openai\" }]"),
            vec!["2:7: stt: none of these is available; add pocketsphinx or deepgram"],
        ),
        (
            &with("tts = []"),
            vec![
                "2:7: tts: none of these is available; add pico, cartesia, elevenlabs, deepgram or openai",
            ],
        ),
        (
            &with("[[tools]]\nname = \"x\""),
            vec![
                "2:1: tools[0].description: this is missing; a tool has a name and a description",
                "2:1: tools[0].http: this is missing; say what it asks: { url = \"https://...\" }",
            ],
        ),
        (
            "a = 1\nname = \n",
            vec![
                "2:8: this is not TOML: string values must be quoted, expected literal string; correct this line",
            ],
        ),
    ] {
        assert_eq!(problems(text), wanted, "{text}");
    }
}

#[test]
fn a_tool_without_parameters_takes_no_arguments() {
    let (scenario, _) = read(
        r#"
        prompt = "p"
        responder = [{ provider = "openai" }]
        [[tools]]
        name = "look"
        description = "Looks."
        http.url = "https://example.com"
        "#,
    );
    let tool = &scenario.persona.toolkit.tools[0];
    let none = serde_json::json!({ "type": "object", "properties": {} });
    assert_eq!(tool.parameters, none);
}

#[test]
fn webhooks_are_checked_and_a_secret_is_never_repeated() {
    for (fields, wanted) in [
        ("", Some("this is missing; give the address to post to")),
        ("url = \"ftp://example.com\"", Some("no web address")),
        (
            "url = \"https://me:hunter2@example.com\"",
            Some("contains a user name or a password"),
        ),
        (
            "url = \"http://127.0.0.1:9000\"",
            Some("is a private one; give a public address, or set allow_private = true"),
        ),
        (
            "url = \"https://[::ffff:10.0.0.1]/\"",
            Some("is a private one"),
        ),
        ("url = \"https://localhost/\"", Some("is a private one")),
        (
            "url = \"https://[64:ff9b::10.0.0.1]/\"",
            Some("is a private one"),
        ),
        ("url = \"https://198.18.0.1/\"", Some("is a private one")),
        (
            "url = \"http://127.0.0.1:9000\", allow_private = true",
            None,
        ),
        (
            "url = \"https://example.com\", secret = \"hunter2\"",
            Some("say where it is kept: \"env:NAME\" or \"file:PATH\""),
        ),
        (
            "url = \"https://example.com\", secret = \"env:hunter 2\"",
            Some("say where it is kept"),
        ),
        (
            "url = \"https://example.com\", timeout_ms = 50",
            Some("50 is out of range; give 200 to 30000 milliseconds"),
        ),
    ] {
        let text = format!("responder = [{{ provider = \"webhook\", {fields} }}]");
        let found = problems(&text.replace(",  }", " }")).join("\n");
        match wanted {
            Some(wanted) => assert!(found.contains(wanted), "{fields}: {found}"),
            None => assert_eq!(found, "", "{fields}"),
        }
        assert!(!found.contains("hunter"), "{found}");
    }
}

#[test]
fn tools_are_checked() {
    let with = |fields: &str| {
        format!(
            "prompt = \"Help.\"\nresponder = [{{ provider = \"openai\" }}]\n[[tools]]\nname = \"look\"\n\
             description = \"Looks.\"\nparameters.properties.at = {{ type = \"string\" }}\n{fields}\n"
        )
    };
    for (fields, wanted) in [
        ("http.url = \"https://example.com/{at}?q={at}\"", None),
        (
            "http = { url = \"https://example.com\", method = \"GET\", headers = { Authorization = \"env:KEY\", \"X-A\" = \"b\" } }\nside_effect = true",
            None,
        ),
        (
            "http.url = \"https://example.com/{when}\"",
            Some("a name in braces is no argument of this tool"),
        ),
        (
            "http.url = \"https://{at}.example.com/\"",
            Some("an argument stands in the name of the host"),
        ),
        (
            "http.url = \"https://example.com{at}/\"",
            Some("an argument stands in the name of the host"),
        ),
        (
            "http.url = \"http://10.0.0.1/{at}\"",
            Some("the address is a private one"),
        ),
        (
            "http = { url = \"http://10.0.0.1/\", allow_private = true }",
            None,
        ),
        (
            "http = { url = \"https://example.com\", headers = { Host = \"x\" } }",
            Some("\"Host\" is no header that can be set"),
        ),
        (
            "http = { url = \"https://example.com\", headers = { A = \"env:1 b\" } }",
            Some("say where it is kept"),
        ),
        (
            "http = { url = \"https://example.com\", method = \"get\" }",
            Some("\"get\" is not known here"),
        ),
        (
            "http.url = \"https://example.com\"\nparameters.required = [\"when\"]",
            Some("do not fit together"),
        ),
        (
            "http.url = \"https://example.com\"\nparameters.type = \"string\"",
            Some("this is no schema of an object"),
        ),
        (
            "http.url = \"https://example.com\"\nparameters.x = 2026-01-01",
            Some("write it as a text"),
        ),
        (
            "http.url = \"https://example.com\"\n[[tools]]\nname = \"end_call\"\ndescription = \"x\"\nparameters = {}\nhttp.url = \"https://example.com\"",
            Some("tools[1].name: end_call is built in"),
        ),
        (
            "http.url = \"https://example.com\"\n[[tools]]\nname = \"Look up\"\ndescription = \"x\"\nparameters = {}\nhttp.url = \"https://example.com\"",
            Some("\"Look up\" is no name of a tool"),
        ),
        (
            "http.url = \"https://example.com\"\n[[tools]]\nname = \"look\"\ndescription = \"x\"\nparameters = {}\nhttp.url = \"https://example.com\"",
            Some("there are two tools look"),
        ),
        (
            "http.url = \"https://example.com\"\n[destinations]\ndesk = \"everyone\"",
            Some("destinations.desk: a call cannot be put through to this"),
        ),
    ] {
        let found = problems(&with(fields)).join("\n");
        match wanted {
            Some(wanted) => assert!(found.contains(wanted), "{fields}: {found}"),
            None => assert_eq!(found, "", "{fields}"),
        }
    }
}

#[test]
fn what_is_not_yet_available_is_kept_and_named() {
    let (scenario, warnings) = read(
        "responder = [{ provider = \"parrot\" }]\npipeline = \"realtime\"\nlanguage = \"de\"\n\
         stt = [{ provider = \"openai\", model = \"whisper\" }, { provider = \"pocketsphinx\", keyterms = [\"salad\"] }]\n\
         realtime = { provider = \"openai\" }\ncalendar = true\n\
         [consent]\nask = \"May we record?\"\n[limits]\nmax_cost = 1.5\n\
         [voice_config]\nvoice = \"alloy\"\ntemperature = 0.8\nspeed = 1.25\n\
         ",
    );
    assert_eq!(
        warnings,
        [
            "2:12: pipeline: the realtime pipeline is not yet available: the cascade of recogniser, responder and voice is used",
            "3:12: language: the local recogniser hears English only, not German: callers answer by keypad alone; name another, such as deepgram",
            "3:12: language: the local voice speaks English only: where it stands in for another it mispronounces German",
            "4:21: stt[0].provider: openai is not yet available: it is left out",
            "5:1: realtime: the realtime pipeline is not yet available: this is ignored",
            "6:12: calendar: the calendar is not yet available: this is ignored",
            "8:7: consent.ask: asking for consent is not yet available: this is ignored",
            "12:9: voice_config.voice: the local voice is \"pico\": this name is kept for other providers",
            "13:15: voice_config.temperature: the local engines have no temperature: this is kept and not used",
        ]
    );
    assert!(matches!(
        scenario.engines.responders.as_slice(),
        [Responder::Parrot]
    ));
    let stt = scenario.engines.stt.unwrap();
    assert_eq!(
        stt,
        [SttEngine::PocketSphinx {
            keyterms: vec!["salad".into()]
        }]
    );
    assert_eq!(
        (scenario.voice.speed_pct, scenario.voice.temperature_pm),
        (125, Some(800))
    );
}

#[test]
fn a_scenario_without_settings_has_the_defaults_of_the_design() {
    let (scenario, warnings) = read(PARROT);
    assert_eq!(warnings, [""; 0]);
    let defaults = TurnSettings {
        speculate: true,
        ..TurnSettings::default()
    };
    assert_eq!(scenario.turn, defaults);
    assert_eq!((scenario.slug.as_str(), scenario.name.as_str()), ("t", "t"));
    assert_eq!(scenario.direction, Directions::Both);
    assert_eq!(scenario.language, "en-US");
    assert!(scenario.engines.stt.is_none() && scenario.engines.tts.is_none());
    assert_eq!(scenario.recording.channels, 2);
    assert_eq!(scenario.recording.on, None);
    assert_eq!(scenario.limits.max_silence_s, 0);
    assert!(scenario.idle.is_none());
    assert!(!scenario.foreign_streams);
    assert_eq!(
        scenario.protection(Direction::Outbound),
        Protection::FirstSecond
    );
}

#[test]
fn every_field_is_read() {
    let (scenario, warnings) = read(
        "slug = \"front-desk\"\nname = \"Front desk\"\ndirection = \"inbound\"\nlanguage = \"en-GB\"\npersona = \"p\"\nprompt = \"q\"\n\
         foreign_streams = true\nstt = []\n\
         responder = [{ provider = \"webhook\", url = \"https://example.com/turn\", secret = \"env:HOOK\", timeout_ms = 2000, max_bytes = 4096, fallback = \"Pardon, this is {company}?\" }]\n\
         [prompts]\noutbound = \"r\"\n\
         [variables]\ndesk = \"desk one\"\n\
         [greeting]\ninbound = \"Welcome to {company}, {desk}.\"\n[consent]\nannounce = \"This call is recorded.\"\n\
         [turn]\nonset_ms = 96\nsustain_ms = 240\nyield_ms = 800\nfinalize_ms = 220\nend_wait_ms = 600\nend_wait_complete_ms = 200\n\
         end_wait_filler_ms = 1300\nend_cap_ms = 1600\nreply_bound_ms = 5000\nidle_ms = 9000\nidle_prompts = 3\nmax_call_s = 300\nahead_ms = 260\nprotect_ms = 300\nspeculate = false\n\
         [idle]\nprompts = [\"Hello?\"]\n[limits]\nmax_silence_s = 40\ngoodbye = \"Bye from {company}.\"\n\
         [recording]\non = false\nformat = \"mulaw\"\nchannels = 1\n[fallback]\napology = \"Sorry.\"\nthen = \"transfer\"\nto = \"+15005550006\"\n",
    );
    assert_eq!(warnings, [""; 0]);
    let settings = TurnSettings {
        onset_ms: 96,
        sustain_ms: 240,
        yield_ms: 800,
        finalize_ms: 220,
        end_wait_ms: 600,
        end_wait_complete_ms: 200,
        end_wait_filler_ms: 1300,
        end_cap_ms: 1600,
        reply_bound_ms: 5000,
        idle_ms: 9000,
        idle_prompts: 3,
        max_call_s: 300,
        ahead_ms: 260,
        protect_ms: 300,
        speculate: false,
    };
    assert_eq!(scenario.turn, settings);
    let Responder::Webhook(webhook) = &scenario.engines.responders[0] else {
        panic!("no webhook");
    };
    assert_eq!(webhook.secret, Some(SecretRef::Env("HOOK".into())));
    assert_eq!(
        Duration::from_millis(webhook.timeout_ms.into()),
        Duration::from_secs(2)
    );
    assert_eq!(webhook.max_bytes, 4096);
    let vars = scenario.vars(Direction::Inbound, "Compass Group");
    assert_eq!(
        vars.render(&webhook.fallback),
        "Pardon, this is Compass Group?"
    );
    assert_eq!(
        vars.greeting.as_deref(),
        Some("Welcome to Compass Group, desk one. This call is recorded.")
    );
    assert_eq!(vars.value("transfer_to"), Some("+15005550006"));
    assert_eq!(
        vars.render(&scenario.limits.goodbye),
        "Bye from Compass Group."
    );
    assert_eq!(scenario.prompt(Direction::Inbound), Some("q"));
    assert_eq!(scenario.prompt(Direction::Outbound), Some("r"));
    assert_eq!(scenario.protection(Direction::Outbound), Protection::Whole);
    assert_eq!(
        scenario.protection(Direction::Inbound),
        Protection::FirstSecond
    );
    assert_eq!(scenario.engines.stt, Some(Vec::new()));
    assert_eq!(scenario.recording.format, RecordingFormat::Mulaw);
    assert_eq!(scenario.fallback.transfer.as_deref(), Some("+15005550006"));
    assert!(scenario.foreign_streams && !scenario.direction.takes(Direction::Outbound));
    assert_eq!(scenario.limits.max_silence_s, 40);
}

#[test]
fn a_webhook_slower_than_the_reply_bound_is_warned_of() {
    let (_, warnings) = read(
        "responder = [{ provider = \"webhook\", url = \"https://example.com\", timeout_ms = 4000 }]\n",
    );
    assert_eq!(
        warnings,
        [
            "1:1: responder: the webhook's timeout_ms is not below turn.reply_bound_ms: callers hear the apology before its fallback"
        ]
    );
}

#[test]
fn a_field_that_nobody_knows_is_refused_in_every_table() {
    for table in [
        "greeting",
        "consent",
        "prompts",
        "turn",
        "idle",
        "limits",
        "recording",
        "fallback",
        "voice_config",
        "realtime",
        "script",
        "script.retry",
        "script.start",
        "[script.anytime]",
        "[script.state]",
        "[tools]",
    ] {
        let state = match table {
            "script.retry" | "script.start" | "[script.anytime]" => {
                "[[script.state]]\nname = \"a\"\nsay = \"Bye.\"\nhang_up = true\n"
            }
            _ => "",
        };
        let found = problems(&format!("{PARROT}[{table}]\nqqqqqq = 1\n{state}"));
        let named = found
            .iter()
            .any(|p| p.starts_with("3:1: ") && p.contains("qqqqqq: there is no such field"));
        assert!(named, "{table}: {found:?}");
    }
}
