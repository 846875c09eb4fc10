//! One proof that Deepgram would hear a call: its socket is opened as for a call, hears a moment of silence, and is closed.

use ringback_audio::g711::SILENCE;
use ringback_wire::deepgram::{flux, listen};

use super::deepgram::{Deepgram, closed, refusal};
use crate::provider::{Answer, Blame, Failure, Provider, open};

/// So much silence is sent, in samples: half a second.
const HEARD: usize = 4000;
/// In blocks of 80 ms, as in a call.
const BLOCK: usize = 640;

impl Deepgram {
    /// Opens a socket with this model and language and closes it properly. `answered` is called when the first message comes.
    ///
    /// # Errors
    /// Why it would not hear.
    pub(crate) async fn try_out(&self, mut answered: impl FnMut()) -> Result<(), Failure> {
        let (url, headers) = (self.url()?, self.headers()?);
        let mut socket = open(Provider::Deepgram, &url, &headers, refusal).await?;
        for block in [SILENCE; HEARD].chunks(BLOCK) {
            socket.binary(block.to_vec()).await?;
        }
        // The same word in both generations.
        socket.text(listen::Command::CloseStream.to_text()).await?;
        let mut said = false;
        loop {
            match socket.next().await? {
                Answer::Text(text) => {
                    self.take(&text)?;
                    answered();
                    said = true;
                }
                Answer::Binary(_) => {}
                Answer::Closed { code, .. } if said && is_normal(code) => return Ok(()),
                Answer::Closed { code, .. } if is_normal(code) => {
                    let what = "closed its socket without a word";
                    return Err(Failure::misbehaved(Provider::Deepgram, what));
                }
                Answer::Closed { code, reason } => {
                    return Err(closed(code, &reason).blamed(Blame::of(None, &reason)));
                }
            }
        }
    }

    fn take(&self, text: &str) -> Result<(), Failure> {
        let garbled = |why| Failure::misbehaved(Provider::Deepgram, why);
        let problem = if self.leads() {
            match flux::parse(text).map_err(garbled)? {
                flux::Event::Error { code, .. } => Some(code),
                flux::Event::Connected { .. }
                | flux::Event::TurnInfo(_)
                | flux::Event::ConfigureSuccess { .. }
                | flux::Event::ConfigureFailure { .. }
                | flux::Event::Warning { .. }
                | flux::Event::Other(_) => None,
            }
        } else {
            match listen::parse(text).map_err(garbled)? {
                listen::Event::Error { description, .. } => Some(description),
                listen::Event::Results(_)
                | listen::Event::UtteranceEnd { .. }
                | listen::Event::SpeechStarted { .. }
                | listen::Event::Metadata(_)
                | listen::Event::ConfigureSuccess { .. }
                | listen::Event::ConfigureFailure { .. }
                | listen::Event::Other(_) => None,
            }
        };
        match problem {
            None => Ok(()),
            Some(words) => {
                let shown = words.chars().filter(|c| !c.is_control()).take(120);
                let what = format!("ended the session: {}", shown.collect::<String>());
                let refused = Failure::refused(Provider::Deepgram, what);
                Err(refused.blamed(Blame::of(None, &words)))
            }
        }
    }
}

/// Codes of an end that we asked for; 1005 stands for none.
fn is_normal(code: Option<u16>) -> bool {
    matches!(code, None | Some(1000 | 1005))
}
