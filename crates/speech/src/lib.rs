//! Local engines: the Silero detector, the Pico voice, the PocketSphinx recogniser. No async.
