//! How long what was recorded, said and done is kept.

use std::num::NonZeroU32;

use super::ConfigError;
use super::read::{self, Reader};

/// Days after which things are deleted; `None` keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionConfig {
    /// `RECORDING_RETENTION_DAYS`: recordings.
    pub recording_days: Option<NonZeroU32>,
    /// `TRANSCRIPT_RETENTION_DAYS`: transcripts and summaries, as files and in the database.
    pub transcript_days: Option<NonZeroU32>,
    /// `TRACE_RETENTION_DAYS`: traces.
    pub trace_days: Option<NonZeroU32>,
    /// `AUDIT_RETENTION_DAYS`: entries of the audit log.
    pub audit_days: Option<NonZeroU32>,
}

/// What is set.
pub(super) fn retention(reader: &Reader<'_>) -> Result<RetentionConfig, ConfigError> {
    let days = |name| {
        let days = reader.value(name, |text| read::number(text, 0, 36_500))?;
        Ok::<_, ConfigError>(u32::try_from(days).ok().and_then(NonZeroU32::new))
    };
    Ok(RetentionConfig {
        recording_days: days("RECORDING_RETENTION_DAYS")?,
        transcript_days: days("TRANSCRIPT_RETENTION_DAYS")?,
        trace_days: days("TRACE_RETENTION_DAYS")?,
        audit_days: days("AUDIT_RETENTION_DAYS")?,
    })
}
