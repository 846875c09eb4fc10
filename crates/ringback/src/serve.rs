//! The async wrapper: a whole call over a channel of text messages.

use std::future::Future;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::{CallError, StreamEvent, TwilioPhoneCall};

/// What answers: it is given each finished utterance, and what it returns is spoken.
pub trait Handler {
    /// Said when the call begins; nothing if `None`.
    fn greeting(&mut self) -> Option<String> {
        None
    }

    /// Answers an utterance; `None` says nothing.
    fn answer(&mut self, text: String) -> impl Future<Output = Option<String>> + Send;
}

/// Runs a call until it is over: `from_twilio` brings the socket's text messages from `connected` on, `to_twilio` takes what is to be
/// written. The call ends with either channel.
///
/// While the handler thinks, audio goes on; an utterance that comes meanwhile waits.
///
/// # Errors
/// As [`TwilioPhoneCall`]; also when the stream ends before its `start`.
pub async fn serve(
    mut from_twilio: mpsc::Receiver<String>,
    to_twilio: mpsc::Sender<String>,
    mut handler: impl Handler,
) -> Result<(), CallError> {
    let mut call = begin(&mut from_twilio).await?;
    if let Some(greeting) = handler.greeting() {
        let events = call.text_to_twilio_messages(&greeting);
        send(events, &to_twilio).await;
    }
    while !call.is_over() {
        if let Some(text) = call.check_mailbox() {
            let answer = {
                let mut thinking = std::pin::pin!(handler.answer(text));
                loop {
                    let message = tokio::select! {
                        answer = &mut thinking => break answer,
                        message = timeout(call.deadline(), from_twilio.recv()) => message.ok(),
                    };
                    if !take(&mut call, message, &to_twilio).await? {
                        return Ok(());
                    }
                }
            };
            if let Some(answer) = answer {
                let events = call.text_to_twilio_messages(&answer);
                send(events, &to_twilio).await;
            }
        }
        let message = timeout(call.deadline(), from_twilio.recv()).await.ok();
        if !take(&mut call, message, &to_twilio).await? {
            break;
        }
    }
    Ok(())
}

async fn begin(from_twilio: &mut mpsc::Receiver<String>) -> Result<TwilioPhoneCall, CallError> {
    while let Some(message) = from_twilio.recv().await {
        // The first call of a process starts the engines, which takes about a second.
        let begun =
            tokio::task::spawn_blocking(move || TwilioPhoneCall::from_start_message(&message))
                .await
                .map_err(|error| CallError::Engines(error.to_string()))?;
        match begun {
            Err(CallError::NoStart(_)) => {}
            other => return other,
        }
    }
    Err(CallError::NoStart("the stream ended before it".into()))
}

/// Takes a message, or lets time pass if none came. False when the stream is gone.
async fn take(
    call: &mut TwilioPhoneCall,
    message: Option<Option<String>>,
    to_twilio: &mpsc::Sender<String>,
) -> Result<bool, CallError> {
    let events = match message {
        Some(Some(message)) => call.receive_twilio_message(&message)?,
        Some(None) => return Ok(false),
        None => call.wake(),
    };
    Ok(send(events, to_twilio).await)
}

async fn send(events: Vec<StreamEvent>, to_twilio: &mpsc::Sender<String>) -> bool {
    for event in events {
        if let StreamEvent::Send(message) = event
            && to_twilio.send(message).await.is_err()
        {
            return false;
        }
    }
    true
}
