//! One live call: the loop, one adapter file per vendor and local engine.
//!
//! [`run`] owns a call from its first frame to its files. Its task owns the carrier's socket, both halves, and one
//! [`ringback_call::Call`]: it waits in one place for one event of a closed set, hands it to the call, and carries out what the
//! call wants without ever waiting for it.

pub mod aloud;
mod begin;
pub mod carrier;
pub mod check;
mod clock;
mod ear;
mod engines;
mod expect;
mod language;
mod live;
mod meter;
pub mod news;
mod orders;
mod outbox;
mod phrases;
pub mod prices;
mod provided;
pub mod provider;
pub mod quality;
mod record;
pub mod recorded;
pub mod replay;
pub mod responder;
mod run;
pub mod scenario;
mod secret;
mod setup;
mod socket;
mod speakable;
mod stt;
mod tools;
mod tts;
pub mod used;
pub mod written;

pub use carrier::onward::{MayReach, Onward};
pub use carrier::rest::{Rest, dial};
pub use carrier::twilio::{Traffic, Violation, await_start};
pub use engines::{
    Answerer, EngineConfig, EngineStatus, Engines, Load, RecordingWish, Seats, StartError,
};
pub use language::language_tag;
pub use live::{Live, PIPELINE};
pub use news::{Follower, News};
pub use orders::{Given, OrderBook, Orders, Refused, orders};
pub use record::{Place, file_of_call};
pub use ringback_speech::language::Language;
pub use run::{Ended, run};
pub use secret::{Secret, Secrets, secret_variables};
pub use setup::Setup;
pub use socket::{CarrierSocket, Outgoing, Received, SocketError};
pub use speakable::speakable;
