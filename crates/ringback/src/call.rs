//! One telephone call as text, without a socket.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ringback_call::At;
use ringback_session::prices::Prices;
use ringback_session::provider::Accounts;
use ringback_session::responder::mailbox::Mailbox;
use ringback_session::scenario::{SttEngine, TtsEngine};
use ringback_session::{EngineConfig, Engines, Live, StartError};
use ringback_wire::twilio::media::{self, Inbound, Start};

/// Why a call cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The message is no `start` message of a mu-law stream at 8000 Hz.
    #[error("no start message of Twilio's: {0}")]
    NoStart(String),
    /// The engines do not start, with the remedy.
    #[error("{0}")]
    Engines(String),
    /// Every decoder is in use.
    #[error("no recogniser is free: each call occupies one; set RINGBACK_RECOGNIZERS")]
    Busy,
    /// The stream did what it must not: close its socket with the code.
    #[error("{reason} (close the socket with code {code})")]
    Misbehaved {
        /// The code to close the socket with.
        code: u16,
        /// Who did what.
        reason: String,
    },
    /// An argument that Twilio would refuse.
    #[error("{0}")]
    Refused(String),
}

/// What a message of Twilio's led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// Write this text message to Twilio's socket.
    Send(String),
    /// The caller interrupted: the rest of what was being said is dropped.
    Interrupted,
    /// All that was to be said was heard.
    Finished,
    /// The call is over.
    Ended,
}

/// One telephone call: the caller's utterances as text, and text as speech.
///
/// The caller's keys are utterances too: `12#` is the text `12`.
pub struct TwilioPhoneCall {
    live: Live,
    mailbox: Mailbox,
    started: Instant,
    call_sid: String,
    caller: Option<String>,
    interruptions: u32,
    speaking: bool,
    over: bool,
}

impl TwilioPhoneCall {
    /// Begins a call with Twilio's `start` message. Starts the engines if this is the first call of the process.
    ///
    /// # Errors
    /// Another message, engines that do not start, or no free decoder.
    pub fn from_start_message(message: &str) -> Result<Self, CallError> {
        let start = start(message)?;
        Self::begin(start, engines()?)
    }

    /// As [`TwilioPhoneCall::from_start_message`], with engines of your own.
    ///
    /// # Errors
    /// Another message, or no free decoder.
    pub fn with_engines(message: &str, engines: Arc<Engines>) -> Result<Self, CallError> {
        Self::begin(start(message)?, engines)
    }

    fn begin(start: Start, engines: Arc<Engines>) -> Result<Self, CallError> {
        let seats = engines.admit_open().ok_or(CallError::Busy)?;
        let mailbox = Mailbox::default();
        let mut live = Live::for_mailbox(engines, seats, start.stream_sid, mailbox.clone());
        live.answered(At::default());
        Ok(Self {
            live,
            mailbox,
            started: Instant::now(),
            call_sid: start.call_sid,
            caller: start.custom_parameters.get("caller").cloned(),
            interruptions: 0,
            speaking: false,
            over: false,
        })
    }

    /// Twilio's id of the call.
    pub fn call_sid(&self) -> &str {
        &self.call_sid
    }

    /// The caller's number, where the TwiML passed it on.
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// Takes a message of Twilio's and answers what it led to; messages to send come first. Never blocks.
    ///
    /// # Errors
    /// A message that Twilio would not send: close the socket, the call is over.
    pub fn receive_twilio_message(&mut self, message: &str) -> Result<Vec<StreamEvent>, CallError> {
        let at = self.at();
        self.live.poll_engines(at);
        self.live
            .message(at, message)
            .map_err(|violation| CallError::Misbehaved {
                code: violation.code,
                reason: violation.reason,
            })?;
        Ok(self.events(at))
    }

    /// Speaks a text, behind what is being said. Answers what can be sent at once; the rest comes with
    /// [`TwilioPhoneCall::receive_twilio_message`] as it is spoken and paced. Never blocks.
    #[must_use = "what it answers is to be sent"]
    pub fn text_to_twilio_messages(&mut self, text: &str) -> Vec<StreamEvent> {
        let at = self.at();
        self.live.say(at, text);
        self.speaking = true;
        self.events(at)
    }

    /// The caller's oldest utterance that was not taken yet. Never blocks.
    pub fn check_mailbox(&mut self) -> Option<String> {
        let at = self.at();
        self.live.poll_engines(at);
        self.mailbox.take()
    }

    /// Lets time pass when no message came, and answers what it led to. Call it when [`TwilioPhoneCall::deadline`] is over.
    pub fn wake(&mut self) -> Vec<StreamEvent> {
        let at = self.at();
        self.live.poll_engines(at);
        self.live.wake(at);
        self.events(at)
    }

    /// How long to wait for a message before calling [`TwilioPhoneCall::wake`].
    pub fn deadline(&self) -> Duration {
        Duration::from_micros(self.live.deadline().since(self.at()))
    }

    /// Whether the call has ended.
    pub fn is_over(&self) -> bool {
        self.live.is_over()
    }

    fn at(&self) -> At {
        At(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn events(&mut self, at: At) -> Vec<StreamEvent> {
        self.live.poll_engines(at);
        if self.live.deadline() <= at {
            self.live.wake(at);
        }
        let mut events = Vec::new();
        while let Some(message) = self.live.poll_message() {
            events.push(StreamEvent::Send(message));
        }
        let interruptions = self.live.interruptions();
        if interruptions > self.interruptions {
            self.interruptions = interruptions;
            self.speaking = false;
            events.push(StreamEvent::Interrupted);
        }
        if self.speaking && !self.live.is_speaking() {
            self.speaking = false;
            events.push(StreamEvent::Finished);
        }
        if self.live.is_over() && !self.over {
            self.over = true;
            events.push(StreamEvent::Ended);
        }
        events
    }
}

fn start(message: &str) -> Result<Start, CallError> {
    match media::parse(message) {
        Ok(Inbound::Start(start)) if start.is_mulaw_8k() => Ok(*start),
        Ok(Inbound::Start(_)) => Err(CallError::NoStart(
            "the stream is not mu-law at 8000 Hz".into(),
        )),
        Ok(_) => Err(CallError::NoStart("it is another message".into())),
        Err(garbled) => Err(CallError::NoStart(garbled.to_string())),
    }
}

/// Starts the engines of this process, so that its first call does not wait for them. Blocks for about a second.
///
/// # Errors
/// [`CallError::Engines`] with what is missing and the remedy.
pub fn start_engines() -> Result<(), CallError> {
    engines().map(|_| ())
}

/// The engines of this process, started by its first call. A failure is tried again by the next.
fn engines() -> Result<Arc<Engines>, CallError> {
    static ENGINES: Mutex<Option<Arc<Engines>>> = Mutex::new(None);
    let mut slot = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(engines) = slot.as_ref() {
        return Ok(Arc::clone(engines));
    }
    let engines = Engines::start(EngineConfig {
        data_dir: data_dir(),
        recognizers: std::env::var("RINGBACK_RECOGNIZERS")
            .ok()
            .and_then(|number| number.parse().ok())
            .unwrap_or(4),
        recognizer_library: None,
        voices: 1,
        allow_private_webhooks: false,
        company: String::new(),
        accounts: Accounts::default(),
        proxy: None,
        stt: vec![SttEngine::PocketSphinx {
            keyterms: Vec::new(),
        }],
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: Prices::default(),
        secrets: ringback_session::Secrets::default(),
    })
    .map_err(|error: StartError| CallError::Engines(error.to_string()))?;
    if let Some(missing) = engines.describe().iter().find(|engine| !engine.usable) {
        return Err(CallError::Engines(missing.why.clone()));
    }
    let engines = Arc::new(engines);
    *slot = Some(Arc::clone(&engines));
    Ok(engines)
}

/// Where the voice's data is unpacked.
fn data_dir() -> PathBuf {
    std::env::var_os("DATA_DIR")
        .map_or_else(|| std::env::temp_dir().join("ringback"), PathBuf::from)
}
