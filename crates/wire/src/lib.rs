//! The languages of Twilio and of every provider, as pure grammars.
