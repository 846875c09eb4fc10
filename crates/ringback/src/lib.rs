//! Text in, text out telephone calls.
