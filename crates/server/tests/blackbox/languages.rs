//! A scenario's language, over real sockets to the simulator: what each provider of a call is asked for.

use serde_json::Value;

use crate::server::Server;
use crate::telephone::in_real_time;
use crate::twins::Twins;

/// A call in one language.
struct Spoken {
    language: &'static str,
    /// The recogniser's word for it, the model's, the voice's.
    codes: [&'static str; 3],
    greeting: &'static str,
    heard: &'static str,
    reply: &'static str,
    /// What the voice is given for the reply.
    words: &'static str,
}

const GERMAN: Spoken = Spoken {
    language: "de-DE",
    codes: ["de", "German (de-DE)", "de"],
    greeting: "Guten Tag, hier ist die Praxis am Markt.",
    heard: "Ich möchte am Freitag kommen.",
    reply: "Am 3. Mai um 14:30 Uhr, z. B. bei Dr. Müller, das kostet 21,50 €.",
    words: "Am dritten Mai um vierzehn Uhr dreißig, zum Beispiel bei Doktor Müller, das kostet einundzwanzig Euro fünfzig.",
};
const SPANISH: Spoken = Spoken {
    language: "es-ES",
    codes: ["es", "Spanish (es-ES)", "es"],
    greeting: "Buenos días, habla con la clínica del centro.",
    heard: "Quiero ir el viernes.",
    reply: "El 3 de mayo a las 14:30 con la Sra. López, son 21 euros.",
    words: "El tres de mayo a las catorce treinta con la señora López, son veintiún euros.",
};

/// Makes the call, with one provider's voice.
fn called(call: &Spoken, voice: &str) {
    let twins = Twins::start(&[call.heard], &[call.reply]);
    let settings = twins.settings(&["deepgram", "openai", voice]);
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let scenario = format!(
        "language = \"{}\"\npersona = \"P.\"\nprompt = \"Q.\"\n[greeting]\ninbound = \"{}\"\n\
         [[responder]]\nprovider = \"openai\"\n[[stt]]\nprovider = \"deepgram\"\nmodel = \"nova-3\"\n\
         [[tts]]\nprovider = \"{voice}\"\n",
        call.language, call.greeting
    );
    let server = Server::with(&settings).scenario("desk", &scenario).start();
    in_real_time(&server, |server, late| {
        let steps = [
            "wait_reply = 15000",
            "say = \"I would like to come on Friday\"",
            "wait_reply = 15000",
            "hang_up = true",
        ];
        let made = server.call("desk").script(&steps).made();
        let outcome = made.outcome(late)?;
        let files = server.files(outcome);
        let told = || format!("{}{}", outcome.summary(), files.conversation());
        let replied = outcome.turns.get(1).and_then(|turn| turn.latency_ms);
        anyhow::ensure!(replied.is_some(), "no reply was heard: {}", told());
        let caller = files.lines.iter().find(|line| line["speaker"] == "caller");
        anyhow::ensure!(
            caller.is_some_and(|line| line["heard"] == call.heard),
            "{}",
            told()
        );
        asked(&twins, call, voice).map_err(|error| anyhow::anyhow!("{error}{}", told()))
    });
}

fn asked(twins: &Twins, call: &Spoken, provider: &str) -> anyhow::Result<()> {
    let [recogniser, model, voice] = call.codes;
    let listened = twins.asked("listen");
    let parameter = format!("&language={recogniser}&");
    let in_language = |one: &Value| {
        one["target"]
            .as_str()
            .is_some_and(|target| target.contains(&parameter))
    };
    anyhow::ensure!(
        !listened.is_empty() && listened.iter().all(in_language),
        "the recogniser was asked {listened:?}"
    );
    let chats = twins.asked("chat");
    let message = &chats[0]["received"][0]["messages"][0];
    let instruction = message["content"].to_string();
    anyhow::ensure!(
        message["role"] == "system" && instruction.contains(model),
        "the model was told {message}"
    );
    let spoken = twins.asked_of(provider);
    let all = Value::from(spoken).to_string();
    anyhow::ensure!(
        all.contains(&format!("\"language\":\"{voice}\""))
            || all.contains(&format!("language_code={voice}")),
        "the voice was asked {all}"
    );
    anyhow::ensure!(all.contains(call.words), "the voice was given {all}");
    Ok(())
}

#[test]
fn a_german_call_is_german_to_deepgram_the_model_and_cartesia() {
    called(&GERMAN, "cartesia");
}

#[test]
fn a_spanish_call_is_spanish_to_deepgram_the_model_and_elevenlabs() {
    called(&SPANISH, "elevenlabs");
}
