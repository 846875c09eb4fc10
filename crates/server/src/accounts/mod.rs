//! Accounts: who somebody is, and what they may do.
//!
//! Somebody signs in with a password and gets an access token for minutes and a refresh token for days; or brings an API key. Every request is
//! looked up in the database, remembered for seconds, so that who was shut out, demoted or signed out has no power left when these are
//! over. Handlers take [`User`] or [`Admin`]; the table of routes says which.

mod audit;
pub mod command;
mod pass;
mod passwords;
mod rules;
mod sign_in;
mod slow_down;
mod tokens;
mod unclaimed;
mod who;

use tokio::time::Duration;

pub use audit::Whence;
pub use pass::{Pass, while_good};
pub use passwords::Passwords;
pub use rules::{Password, email_problem, password_problem};
pub use sign_in::{
    Tokens, begin_session, confirm, failed, hashed_password, refresh, sign_in, succeeded,
};
pub use slow_down::{Attempt, admit};
pub use tokens::{AccessTokens, Fresh, digest};
pub use unclaimed::{unclaimed, warn_while_unclaimed};
pub use who::{Admin, User, Via, admin, behind, user};

use crate::config::{ConfigError, Secret};
use who::Known;

/// Sign-ins that ended are looked for so often.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// What accounts need beside the database.
#[derive(Debug)]
pub struct Accounts {
    /// Makes and checks access tokens.
    pub tokens: AccessTokens,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    known: Known,
}

impl Accounts {
    /// Under this key; what was signed under the key before is still taken.
    ///
    /// # Errors
    /// No key can be derived, no random bytes can be had, or no thread can be started.
    pub fn new(key: &Secret, previous: Option<&Secret>) -> Result<Self, ConfigError> {
        Ok(Self {
            tokens: AccessTokens::new(key, previous)?,
            passwords: Passwords::start()?,
            known: Known::default(),
        })
    }

    /// Has everybody looked up again: who was changed loses what they lost at once, on this node.
    pub fn forget(&self) {
        self.known.forget();
    }
}

/// Forgets, now and then, sign-ins that ended by themselves.
pub async fn sweep(app: crate::app::App) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(store) = app.rows.store() else {
            continue;
        };
        if let Err(error) = store.session_sweep(crate::database::now()).await {
            tracing::warn!("sign-ins that ended are not forgotten yet: {error}");
        }
    }
}
