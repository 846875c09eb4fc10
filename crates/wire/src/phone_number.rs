//! Phone numbers as they may appear in a log.
