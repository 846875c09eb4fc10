//! The call in a virtual world: a carrier, a voice, a responder, a recogniser and a caller, with time as an argument.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on fails by panicking, and looks for one thing among many"
)]

mod backchannel;
mod burst;
mod callee;
mod clauses;
mod faults;
mod field_notes;
mod goodbye;
mod greeting;
mod hang_up;
mod idle;
mod invariants;
mod keys;
mod late_words;
mod limits;
mod marks;
mod measuring;
mod odd_replies;
mod orders;
mod patience;
mod protection;
mod reopening;
mod replaced;
mod restoring;
mod speculation;
mod stalls;
mod tools;
mod trace;
mod turn_end;
mod world;
mod yielding;
