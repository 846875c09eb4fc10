//! How the providers are at the moment: asked for free, and by what calls know of them.

use std::time::Instant;

use ringback_call::Party;

use super::Engines;
use crate::provider::{Provider, Reach, ask_for_free};

impl Engines {
    /// Whether a provider has an account.
    pub fn is_set_up(&self, provider: Provider) -> bool {
        self.account(provider).is_some()
    }

    /// Asks a provider for something that costs nothing; `None` where it is not set up. For how long is for the caller to bound.
    pub async fn reach(&self, provider: Provider) -> Option<Reach> {
        let access = &self.account(provider)?.access;
        Some(ask_for_free(&self.client, provider, access).await)
    }

    /// Whether calls leave a provider alone now, in any of its roles, because it failed them.
    pub fn is_left_alone(&self, provider: Provider) -> bool {
        let now = Instant::now();
        let roles = [Party::Stt, Party::Responder, Party::Tts];
        let in_role = |role| self.breakers.of(provider, role).is_open(now);
        roles.into_iter().any(in_role)
            || provider == Provider::OpenAi
                && self
                    .account(provider)
                    .is_some_and(|account| self.model_breakers.is_open_at(&account.access.url, now))
    }
}
