//! What a recogniser may expect to hear.
