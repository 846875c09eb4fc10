//! Speech and transcriptions: `POST /audio/speech` and `POST /audio/transcriptions`.
//!
//! Speech is asked for by JSON ([`SpeechRequest`]) and answered by audio, or by events ([`parse_speech_event`]). `pcm` is
//! [`PCM_RATE_HZ`], 16 bits little-endian, mono, without a header; the borders of HTTP chunks are not those of samples.
//! A file is transcribed by a multipart form: [`TranscriptionRequest::fields`] gives its text fields, and the audio is the
//! part [`FILE_FIELD`] with a filename that has an extension. Answers are read by [`parse_transcript`], events by
//! [`parse_transcript_event`]; `text`, `srt` and `vtt` answers are plain text.

mod speech;
mod transcript;
mod transcription;

pub use speech::{
    MAX_INPUT_CHARACTERS, PCM_RATE_HZ, SpeechEvent, SpeechRequest, Voice, parse_speech_event,
    parse_speech_request,
};
pub use transcript::{
    AudioUsage, Segment, SpeakerSegment, Transcript, TranscriptEvent, Word, parse_transcript,
    parse_transcript_event,
};
pub use transcription::{
    Chunking, EXTENSIONS, FILE_FIELD, FilePart, MAX_FILE_BYTES, TranscriptionRequest,
    parse_transcription,
};
