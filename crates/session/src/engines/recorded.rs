//! Which engine hears a recording, and having it heard.

use std::fs::File;
use std::sync::{Arc, mpsc};

use ringback_speech::grammar::Expect;
use ringback_speech::language::Language;
use tokio_util::sync::CancellationToken;

use super::Engines;
use crate::provider::{Account, Provider};
use crate::recorded::{
    Asked, Hearer, Recording, Transcript, Unheard, hear_by_deepgram, hear_by_openai, hear_here,
};

/// How a recording is to be heard.
#[derive(Clone, Debug)]
pub struct RecordingWish {
    /// By whom.
    pub hearer: Hearer,
    /// The language that is spoken, as `en-US`; `None`: whatever it is.
    pub language: Option<String>,
    /// OpenAI's model.
    pub model: String,
}

impl Engines {
    /// Whether a provider is set up that hears; else the variable that is not set.
    ///
    /// # Errors
    /// [`Unheard::NoKey`], or why this machine does not hear.
    pub fn may_hear(&self, hearer: Hearer) -> Result<(), Unheard> {
        match hearer {
            Hearer::Deepgram | Hearer::OpenAi => self.hearing_account(hearer).map(drop),
            Hearer::Local => self
                .recognizers
                .as_ref()
                .map(drop)
                .map_err(|why| Unheard::Absent(format!("pocketsphinx does not hear: {why}"))),
        }
    }

    fn hearing_account(&self, hearer: Hearer) -> Result<&Account, Unheard> {
        let (provider, variable) = match hearer {
            Hearer::OpenAi => (Provider::OpenAi, "OPENAI_API_KEY"),
            Hearer::Deepgram | Hearer::Local => (Provider::Deepgram, "DEEPGRAM_API_KEY"),
        };
        self.account(provider).ok_or(Unheard::NoKey(variable))
    }

    /// Hears a recording. Its format, size and length are checked before anybody is sent it; `blank` makes an empty file, should it
    /// have to be rewritten.
    ///
    /// # Errors
    /// [`Unheard`].
    pub async fn hear_recording(
        &self,
        recording: Recording,
        hearing: &RecordingWish,
        blank: impl FnOnce() -> std::io::Result<File> + Send + 'static,
    ) -> Result<Transcript, Unheard> {
        self.may_hear(hearing.hearer)?;
        let looking = tokio::task::spawn_blocking(move || {
            let sound = recording.look()?;
            Ok::<_, Unheard>((recording, sound))
        });
        let lost = |_| Unheard::Absent("the recording cannot be read".to_owned());
        let (recording, sound) = looking.await.map_err(lost)??;
        let language = hearing.language.as_deref();
        match hearing.hearer {
            Hearer::Deepgram => {
                let account = self.hearing_account(hearing.hearer)?;
                let file = (recording.file, &sound);
                let heard = hear_by_deepgram((&self.client, account), file, language).await;
                heard.map_err(Unheard::from)
            }
            Hearer::OpenAi => {
                let account = self.hearing_account(hearing.hearer)?;
                let asked = Asked {
                    model: &hearing.model,
                    language,
                };
                hear_by_openai((&self.client, account), (recording, sound), asked, blank).await
            }
            Hearer::Local => self.hear_recording_here(recording, sound, language).await,
        }
    }

    async fn hear_recording_here(
        &self,
        recording: Recording,
        sound: crate::recorded::Sound,
        language: Option<&str>,
    ) -> Result<Transcript, Unheard> {
        if language.is_some_and(|tag| Language::of(tag) != Some(Language::English)) {
            let what = "pocketsphinx hears English only: name another provider";
            return Err(Unheard::Language(what.to_owned()));
        }
        let absent = |what: &str| Unheard::Absent(what.to_owned());
        let pool = self.recognizers.as_ref().map_err(|why| absent(why))?;
        let grammar = self.grammar(&Expect::Open);
        let grammar = grammar.ok_or_else(|| absent("pocketsphinx has no dictionary"))?;
        let busy = "all decoders are in use or kept for calls: try again later";
        // One is left for a caller, unless there is no other.
        if pool.count() > 1 && pool.free() < 2 {
            return Err(absent(busy));
        }
        let (told, heard) = mpsc::channel();
        let sink = Box::new(move |recognized| {
            let _ = told.send(recognized);
        });
        let recognizer = pool.lease(sink).ok_or_else(|| absent(busy))?;
        let stop = CancellationToken::new();
        let _gone = stop.clone().drop_guard();
        let work = tokio::task::spawn_blocking(move || {
            hear_here(
                (&recording, &sound),
                recognizer,
                (Arc::clone(&grammar), heard),
                &stop,
            )
        });
        let lost = |_| Unheard::misbehaved("pocketsphinx broke off".to_owned());
        work.await.map_err(lost)?
    }
}
