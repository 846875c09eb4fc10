//! Why an engine is in use or not, in the words of the settings that decided it.

use ringback_session::EngineStatus;

use crate::config::EnginesConfig;

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
        "stt" if settings.stt.is_empty() => {
            "switched off by STT=none; callers answer by keypad".to_owned()
        }
        "stt" if settings.recognizers == 0 => {
            "switched off by RECOGNIZERS=0; callers answer by keypad".to_owned()
        }
        _ if !engine.usable => engine.why.clone(),
        "stt" => {
            let found = match settings.recognizer_library {
                None => "was found",
                Some(_) => "was found in POCKETSPHINX_DIR",
            };
            format!(
                "local, because no cloud recogniser is configured; libpocketsphinx3 {found}; {}, English, hears best what a scenario expects",
                counted(settings.recognizers, "decoder")
            )
        }
        "responder" => {
            "the one that each scenario names; script and parrot are local, a webhook is your own program"
                .to_owned()
        }
        "tts" => format!(
            "local, because no cloud voice is configured; SVOX Pico is built in; {}",
            counted(settings.voices, "thread")
        ),
        _ => engine.why.clone(),
    }
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
