//! A pretend Twilio and a caller, the black box that telephones a server; and pretend providers, which it talks to.
//!
//! [`call`] is `ringback call`, the terminal telephone. It posts the signed voice webhook, reads the TwiML strictly,
//! opens the media socket, sends the caller in frames of 20 ms and plays what comes back in real time, then follows
//! the verbs after the stream. It shares nothing with the server but the grammar of Twilio and the local voice.
//!
//! What has to do with time is pure and tested in virtual time: [`twilio::playback`] (the queue, marks, clear),
//! [`caller::conductor`] (the script), [`conversation`] (both together), [`turns`] (latencies). [`telephone`]
//! alone owns sockets and a clock.
//!
//! [`mod@bench`] is `ringback bench`: many calls at once, and what they cost.
//! [`providers`] is `ringback sim`: Deepgram, OpenAI, Cartesia and ElevenLabs on one port, by their real protocols.

mod args;
pub mod bench;
pub mod caller;
mod clock;
pub mod conversation;
mod line;
pub mod loudness;
pub mod providers;
pub mod recording;
pub mod report;
mod screen;
mod speaker;
pub mod summary;
pub mod telephone;
pub mod turns;
pub mod twilio;
pub mod watch;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;
use uuid::Uuid;

pub use args::{CallArgs, CallDirection, CalleeKind, CallerArgs, OutputArgs, ServerArgs, Token};
pub use report::{Ended, Outcome};
pub use screen::Screen;
pub use speaker::Speaker;

use summary::Enquiry;

use caller::callee;
use caller::conductor::Conductor;
use caller::interactive::{self, Typed};
use caller::mouth::Mouth;
use caller::noise::PinkNoise;
use caller::render::{self, Voice};
use caller::script::{self, Action, Script, Sound, Step};
use conversation::Conversation;
use report::Lateness;
use telephone::Telephone;
use tokio::sync::mpsc;
use twilio::webhook::{CallFacts, Webhook, voice_url};

/// Level of speech that noise is measured against when nothing is rendered before the call: Pico's own.
const USUAL_SPEECH_RMS: f64 = 3500.0;
/// How long the greeting and each reply are waited for between items of a list, ms.
const REPLY_TIMEOUT_MS: u64 = 15_000;
/// The account that calls.
const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";

/// What the caller will do.
struct Plan {
    conductor: Conductor,
    keyboard: Option<mpsc::Receiver<Typed>>,
    speech_rms: f64,
    /// Expectations that are not met make the call a failure.
    strict: bool,
}

/// Places a call and makes it to its end: `ringback call`.
///
/// The transcript and the table go to standard output, or with `--json` the result does and the transcript goes to
/// standard error.
///
/// # Errors
/// One line, when the call cannot be placed: a script with a fault, a file that cannot be read or written, a server that is not
/// there or refuses. Everything after that is told by the [`Outcome`].
pub async fn call(args: CallArgs) -> anyhow::Result<Outcome> {
    let url = voice_url(&args.server.url, args.server.scenario.as_deref())?;
    if let Some(path) = &args.output.out {
        recording::check(path)?;
    }
    let caller = args.caller.clone();
    let plan = tokio::task::spawn_blocking(move || plan(&caller))
        .await
        .context("preparing the caller")??;
    let speaker = args.output.speaker.then(Speaker::start).transpose()?;
    let noise = args
        .caller
        .noise
        .map(|snr_db| PinkNoise::under(plan.speech_rms, f64::from(snr_db)));
    let webhook = Webhook::new(facts(&args), args.server.token().cloned())?;
    let mut telephone = Telephone {
        conversation: Conversation::new(plan.conductor, Mouth::new(noise)),
        enquiry: Some(Enquiry::new(url.clone(), webhook.call().call_sid.clone())),
        webhook,
        screen: screen(&args.output),
        speaker,
        keyboard: plan.keyboard,
        max: Duration::from_secs(args.max_seconds),
        show_numbers: args.output.show_numbers,
        lateness: Lateness::default(),
        origin: None,
        placed: Instant::now(),
    };
    let ended = telephone.call(url.clone()).await?;
    let call_sid = telephone.webhook.call().call_sid.clone();
    let mut told = Vec::new();
    if let Some(enquiry) = telephone.enquiry.take() {
        told = enquiry.told().await;
    }
    let mut told = told.into_iter();
    let lateness = telephone.lateness;
    let (record, mut failures, unsaid) = telephone.conversation.finish();
    if !plan.strict {
        failures.clear();
        failures.extend(unsaid_lines(unsaid));
    }
    if let Some(path) = &args.output.out {
        recording::write(path, &record.caller, &record.server)?;
    }
    let mut outcome = Outcome {
        server: told.next(),
        put_through: told.collect(),
        ..Outcome::of(ended, call_sid, &record, failures, lateness)
    };
    if matches!(args.caller.callee, Some(CalleeKind::Voicemail)) {
        outcome.expect_message();
    }
    print(&outcome, args.output.json).context("writing the result")?;
    Ok(outcome)
}

/// What is said of lines that the end of the call left unsaid.
fn unsaid_lines(unsaid: usize) -> Option<String> {
    let lines = if unsaid == 1 {
        "line was"
    } else {
        "lines were"
    };
    (unsaid > 0).then(|| format!("the call ended before {unsaid} {lines} spoken"))
}

fn print(outcome: &Outcome, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, outcome)?;
        writeln!(out)?;
    } else {
        outcome.write_table(&mut out)?;
    }
    out.flush()
}

fn screen(output: &OutputArgs) -> Screen {
    Screen::new(match (output.quiet, output.json) {
        (true, _) => None,
        (false, true) => Some(Box::new(io::stderr())),
        (false, false) => Some(Box::new(io::stdout())),
    })
}

fn facts(args: &CallArgs) -> CallFacts {
    let server = &args.server;
    CallFacts {
        call_sid: format!("CA{}", Uuid::now_v7().simple()),
        account_sid: ACCOUNT_SID.to_owned(),
        from: server.from.clone(),
        to: server.to.clone(),
        direction: match args.caller.callee {
            Some(_) => CallDirection::OutboundApi.into(),
            None => server.direction.into(),
        },
    }
}

/// Reads and renders what the caller says. Blocking.
fn plan(caller: &CallerArgs) -> anyhow::Result<Plan> {
    let (steps, voice, strict) = match &caller.script {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the script {} cannot be read", path.display()))?;
            let Script { voice, steps } = script::parse(&text, path)?;
            (steps, voice, true)
        }
        None => match caller.callee {
            Some(kind) => (callee::steps(kind), None, true),
            None => (listed(caller), None, false),
        },
    };
    let voice = caller.voice.clone().or(voice);
    let voice = voice.as_deref().unwrap_or("pico");
    if steps.is_empty() {
        let is_typed = io::stdin().is_terminal();
        let lines = io::BufReader::new(io::stdin());
        let keyboard = interactive::start(lines, Voice::named(voice)?, is_typed)?;
        return Ok(Plan {
            conductor: Conductor::open(),
            keyboard: Some(keyboard),
            speech_rms: USUAL_SPEECH_RMS,
            strict,
        });
    }
    let steps = render::steps(steps, voice)?;
    Ok(Plan {
        speech_rms: speech_rms(&steps),
        conductor: Conductor::new(steps),
        keyboard: None,
        strict,
    })
}

/// Each item after the reply to the one before; none when nothing is listed.
fn listed(caller: &CallerArgs) -> Vec<Step<Sound>> {
    let sounds = caller.wav.iter().cloned().map(Sound::Wav);
    let sounds = sounds.chain(caller.say.iter().cloned().map(Sound::Say));
    let wait = || Action::WaitReply {
        timeout_ms: REPLY_TIMEOUT_MS,
    };
    let mut actions: Vec<_> = sounds
        .flat_map(|sound| [wait(), Action::Speak(sound)])
        .collect();
    if !actions.is_empty() {
        actions.push(wait());
    }
    let step = |action| Step { line: 0, action };
    actions.into_iter().map(step).collect()
}

/// Mean level of what is said, for the noise.
fn speech_rms(steps: &[Step<std::sync::Arc<caller::clip::Clip>>]) -> f64 {
    let levels: Vec<f64> = steps
        .iter()
        .filter_map(|step| Some(loudness::speech_level(&step.action.sound()?.samples)))
        .filter(|&level| level > 0.0)
        .collect();
    if levels.is_empty() {
        return USUAL_SPEECH_RMS;
    }
    levels.iter().sum::<f64>() / levels.len() as f64
}
