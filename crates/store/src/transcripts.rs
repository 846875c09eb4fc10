//! What was said, as text: ours of a live call, of files given to us, and the carrier's.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::db::{Tx, execute, execute_in, fetch, statements};
use crate::words::words;
use crate::{Error, Json, Page, Paged, Store};

words! {
    /// Where a transcript comes from.
    pub enum TranscriptKind {
        /// From a call while it went on.
        Live = "live",
        /// From a file, by a speech-to-text provider.
        Whisper = "whisper",
        /// From Twilio's Voice Intelligence.
        Twilio = "twilio",
    }
}

/// A transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Transcript {
    /// Id; written twice, it is there once.
    pub id: String,
    /// The call, where it is one of ours.
    pub call_id: Option<String>,
    /// Where it comes from.
    pub kind: TranscriptKind,
    /// The provider's id of it; unique.
    pub sid: Option<String>,
    /// The carrier's id of the recording.
    pub recording_sid: Option<String>,
    /// Whose it is; `None` is the admins'.
    pub owner: Option<String>,
    /// In the provider's words.
    pub status: String,
    /// BCP 47.
    pub language: Option<String>,
    /// How long the audio is.
    pub seconds: Option<f64>,
    /// The words, without who said them.
    pub full_text: Option<String>,
    /// Sentences and all else.
    pub body: Option<Json>,
    /// When it was asked for or begun (µs since 1970).
    pub created_at: i64,
    /// When it was last written.
    pub updated_at: i64,
}

statements! {
    TRANSCRIPT_UPSERT = ["INSERT INTO transcripts (id, call_id, kind, sid, recording_sid, owner, status,
            language, seconds, full_text, body, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (id) DO UPDATE SET sid = COALESCE(excluded.sid, transcripts.sid),
            recording_sid = COALESCE(excluded.recording_sid, transcripts.recording_sid),
            status = excluded.status, language = COALESCE(excluded.language, transcripts.language),
            seconds = COALESCE(excluded.seconds, transcripts.seconds),
            full_text = COALESCE(excluded.full_text, transcripts.full_text),
            body = COALESCE(excluded.body, transcripts.body), updated_at = excluded.updated_at
        WHERE transcripts.updated_at <= excluded.updated_at"];
    TRANSCRIPT_FIND = ["SELECT * FROM transcripts WHERE id = $1 OR sid = $1"];
    TRANSCRIPTS_OF = ["SELECT * FROM transcripts WHERE call_id = $1 ORDER BY created_at, id"];
    TRANSCRIPTS_COUNT = ["SELECT COUNT(*) FROM transcripts
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS TEXT) IS NULL OR kind = $2)
        AND (CAST($3 AS TEXT) IS NULL OR recording_sid = $3)"];
    TRANSCRIPTS_LIST = ["SELECT * FROM transcripts
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS TEXT) IS NULL OR kind = $2)
        AND (CAST($3 AS TEXT) IS NULL OR recording_sid = $3)
        ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5"];
    TRANSCRIPT_DELETE = ["DELETE FROM transcripts WHERE id = $1 OR sid = $1"];
}

pub(crate) async fn transcript_set(tx: &mut Tx, transcript: &Transcript) -> Result<(), Error> {
    let of = transcript;
    execute_in!(
        tx,
        TRANSCRIPT_UPSERT,
        &of.id,
        of.call_id.as_deref(),
        of.kind,
        of.sid.as_deref(),
        of.recording_sid.as_deref(),
        of.owner.as_deref(),
        &of.status,
        of.language.as_deref(),
        of.seconds,
        of.full_text
            .as_ref()
            .map(|text| text.replace('\0', "\u{fffd}")),
        of.body.as_ref(),
        of.created_at,
        of.updated_at
    )
    .map(drop)
}

impl Store {
    /// Writes a transcript, or what is newly known of it. An older state does not replace a newer one.
    ///
    /// # Errors
    /// [`Error::Conflict`] where another one has its `sid`; [`Error::NotFound`] where there is no such call.
    pub async fn transcript_set(&self, transcript: &Transcript) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        transcript_set(&mut tx, transcript).await?;
        tx.commit().await
    }

    /// The transcript of this id, ours or the provider's.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn transcript_find(&self, id: &str) -> Result<Option<Transcript>, Error> {
        fetch!(self, fetch_optional, TRANSCRIPT_FIND, id)
    }

    /// The transcripts of a call, oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn transcript_of_call(&self, call_id: &str) -> Result<Vec<Transcript>, Error> {
        fetch!(self, fetch_all, TRANSCRIPTS_OF, call_id)
    }

    /// Transcripts of this user, of this kind, of this recording; `None` is all. Newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn transcript_list(
        &self,
        owner: Option<&str>,
        kind: Option<TranscriptKind>,
        recording_sid: Option<&str>,
        page: Page,
    ) -> Result<Paged<Transcript>, Error> {
        let (total,): (i64,) = fetch!(
            self,
            fetch_one,
            TRANSCRIPTS_COUNT,
            owner,
            kind,
            recording_sid
        )?;
        let rows = fetch!(
            self,
            fetch_all,
            TRANSCRIPTS_LIST,
            owner,
            kind,
            recording_sid,
            page.limit,
            page.skip
        )?;
        Ok(Paged { rows, total })
    }

    /// Deletes a transcript.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn transcript_delete(&self, id: &str) -> Result<(), Error> {
        match execute!(self, TRANSCRIPT_DELETE, id)? {
            0 => Err(Error::NotFound("the transcript")),
            _ => Ok(()),
        }
    }
}
