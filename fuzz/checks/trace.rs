//! What must hold for any bytes that claim to be the trace of a call.
//! The fuzz target runs this on what it invents, the tests of `ringback-session` on the committed corpus.

use std::io::BufReader;

use ringback_session::replay::{ReplayError, replay_from};

/// Damage is named by its line, and it does not matter in which pieces the bytes come.
pub fn trace(data: &[u8]) {
    let whole = replay_from(data);
    let lines = data.split_inclusive(|&byte| byte == b'\n').count();
    match &whole {
        Ok(verdict) => {
            assert!(verdict.events < lines);
            assert!(verdict.actions >= usize::from(verdict.difference.is_some()));
            if let Some(difference) = &verdict.difference {
                assert!(difference.line == verdict.events + 1);
                assert!(difference.then != difference.now);
            }
        }
        Err(ReplayError::Garbled { line, reason }) => {
            assert!((1..=lines.max(1)).contains(line));
            assert!(!reason.is_empty());
        }
        Err(ReplayError::Version(version)) => assert_ne!(*version, 1),
        Err(ReplayError::Io(error)) => panic!("memory cannot be read: {error}"),
    }
    let pieces = replay_from(BufReader::with_capacity(61, data));
    assert_eq!(said(&whole), said(&pieces));
}

fn said<T: std::fmt::Display>(result: &Result<T, ReplayError>) -> String {
    match result {
        Ok(verdict) => verdict.to_string(),
        Err(error) => error.to_string(),
    }
}
