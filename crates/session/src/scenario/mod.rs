//! Scenarios: what answers or calls.
