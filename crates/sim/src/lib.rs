//! A pretend Twilio and a caller: the black box that telephones a server.
