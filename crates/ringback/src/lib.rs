//! Text in, text out telephone calls.
//!
//! [`TwilioPhoneCall`] takes the messages of one Twilio media stream and gives what the caller said as text; it takes text and gives
//! the messages that speak it. Audio conversion, pause detection, recognition, the voice, pacing and barge-in are inside. There is
//! no socket and no runtime in it: bring your own, or use [`serve`], which runs a call over any message channel.
//!
//! ```no_run
//! use ringback::{StreamEvent, TwilioPhoneCall};
//!
//! # fn next_message() -> String { String::new() }
//! # fn write(_: String) {}
//! # fn main() -> Result<(), ringback::CallError> {
//! let mut call = TwilioPhoneCall::from_start_message(&next_message())?;
//! let mut events = call.text_to_twilio_messages("Hey! How can I help you?");
//! while !call.is_over() {
//!     for event in events.drain(..) {
//!         if let StreamEvent::Send(message) = event { write(message) }
//!     }
//!     events = call.receive_twilio_message(&next_message())?;
//!     if let Some(text) = call.check_mailbox() {
//!         events.extend(call.text_to_twilio_messages(&format!("You said: {text}")));
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What blocks, what allocates, which engine is used
//!
//! - [`TwilioPhoneCall::from_start_message`] blocks the first time in a process for about a second while the engines start, unless
//!   [`start_engines`] was called before; it fails when no decoder is free. Everything else never blocks: recognition and speech run on threads of pools that all calls share.
//! - A message of silence allocates nothing; each message to be sent is one `String`.
//! - Callers are heard by PocketSphinx with its free English vocabulary (Debian's `libpocketsphinx3` and
//!   `pocketsphinx-en-us`) and spoken to by SVOX Pico. Without the library, [`CallError::Engines`] says what to install.
//! - Twilio sends a message every 20 ms also in silence. Those messages carry the clock: audio leaves as they come.

mod call;
mod serve;

pub use call::{CallError, StreamEvent, TwilioPhoneCall, start_engines};
pub use serve::{Handler, serve};

use ringback_wire::twilio::twiml::{Parameter, Stream, StreamUrl, Verb, render};

/// The TwiML that connects a call to the media socket at `websocket_url` (`wss://`, no query) and tells it the caller's number in the
/// parameter `caller`.
///
/// # Errors
/// [`CallError::Refused`] when the address is none that Twilio would take.
pub fn create_twilio_voice_response(
    caller_number: &str,
    websocket_url: &str,
) -> Result<String, CallError> {
    let refused = |error: &dyn std::fmt::Display| CallError::Refused(error.to_string());
    let url = StreamUrl::new(websocket_url).map_err(|error| refused(&error))?;
    let caller = Parameter::new("caller", caller_number).map_err(|error| refused(&error))?;
    let mut stream = Stream::to(url);
    stream.parameters.push(caller);
    Ok(render(&[Verb::from(stream), Verb::Hangup]))
}
