//! Why an engine is in use or not, in the words of the settings that decided it.

use ringback_session::EngineStatus;

use crate::config::{EnginesConfig, LOCAL_RESPONDER, LOCAL_STT, LOCAL_TTS, Order};

/// The engines, each with its reason. No folder of this machine is named for one that is in use: strangers see these lines.
pub fn with_reasons(engines: Vec<EngineStatus>, settings: &EnginesConfig) -> Vec<EngineStatus> {
    let reasoned = |engine: EngineStatus| EngineStatus {
        why: reason(&engine, settings),
        ..engine
    };
    engines.into_iter().map(reasoned).collect()
}

fn reason(engine: &EngineStatus, settings: &EnginesConfig) -> String {
    match engine.role {
        "stt" if settings.stt.names.is_empty() => {
            "switched off by STT=none; callers answer by keypad".to_owned()
        }
        "stt" if engine.name == LOCAL_STT && settings.recognizers == 0 => {
            "switched off by RECOGNIZERS=0; callers answer by keypad".to_owned()
        }
        _ if !engine.usable => engine.why.clone(),
        "stt" if engine.name != LOCAL_STT => cloud(engine, &settings.stt, "DEEPGRAM_API_KEY"),
        "stt" => {
            let found = match settings.recognizer_library {
                None => "was found",
                Some(_) => "was found in POCKETSPHINX_DIR",
            };
            let why = local(engine, &settings.stt, "no cloud recogniser is configured");
            format!(
                "{why}; libpocketsphinx3 {found}; {}, English, hears best what a scenario expects",
                counted(settings.recognizers, "decoder")
            )
        }
        "responder" if engine.name == "openai" => {
            let account = settings.accounts.openai.as_ref();
            let model = account.map_or("", |account| account.model.as_str());
            model_reason(model, &settings.responder)
        }
        "responder" => {
            "the one that each scenario names; script and parrot are local, a webhook is your own program"
                .to_owned()
        }
        "tts" if engine.name != LOCAL_TTS => {
            let key = format!("{}_API_KEY", engine.name.to_ascii_uppercase());
            cloud(engine, &settings.tts, &key)
        }
        "tts" => format!(
            "{}; SVOX Pico is built in; {}",
            local(engine, &settings.tts, "no cloud voice is configured"),
            counted(settings.voices, "thread")
        ),
        _ => engine.why.clone(),
    }
}

/// Where a model answers: by its key, or by its place in `RESPONDER`.
fn model_reason(model: &str, order: &Order) -> String {
    if order
        .names
        .first()
        .is_none_or(|first| first == LOCAL_RESPONDER)
    {
        return format!("{model}, for scenarios that name it or have nothing else, by RESPONDER");
    }
    let because = if order.named {
        "RESPONDER names it"
    } else {
        "OPENAI_API_KEY is set"
    };
    let relieved = order.names.iter().any(|name| name == LOCAL_RESPONDER);
    let relief = if relieved {
        "; where it does not answer, their script goes on"
    } else {
        ""
    };
    format!(
        "{model}, because {because}; for scenarios that have a prompt, unless they name another{relief}"
    )
}

fn cloud(engine: &EngineStatus, order: &Order, key: &str) -> String {
    let because = if order.named {
        "it is named in the settings".to_owned()
    } else {
        format!("{key} is set")
    };
    match before(engine, order) {
        None => format!("because {because}"),
        Some(before) => format!("stands in for {before}; {because}"),
    }
}

fn local(engine: &EngineStatus, order: &Order, alone: &str) -> String {
    match before(engine, order) {
        None if order.named => "local, because it is named in the settings".to_owned(),
        None => format!("local, because {alone}"),
        Some(before) => format!("local, stands in for {before}"),
    }
}

/// What is tried before it.
fn before<'a>(engine: &EngineStatus, order: &'a Order) -> Option<&'a str> {
    let place = order.names.iter().position(|name| name == engine.name)?;
    let before = place.checked_sub(1)?;
    order.names.get(before).map(String::as_str)
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
