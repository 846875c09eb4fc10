//! Where callers may be put through, and by what way.

use std::fmt;
use std::sync::Arc;

use ringback_call::Intent;

use super::rest::Rest;
use crate::scenario::destination::SCENARIO;

/// Whether callers may be put through to the scenario of a slug.
pub type MayReach = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Where the callers of a call may be put through, and by what way. The default: anywhere, by the TwiML after the media stream.
#[derive(Clone, Default)]
pub struct Onward {
    /// By which a call of its account is put through; without it, or when it fails, the TwiML after the media stream does it.
    pub rest: Option<Arc<Rest>>,
    /// Whether callers may be put through to the scenario of this slug; `None`: to any.
    pub may_reach: Option<MayReach>,
}

/// What stands in the record of a call that was not put through.
pub(crate) const BARRED: &str =
    "the owner of the call may not use the scenario to which the caller was to be put through";

impl Onward {
    /// The same for a call of this account: the REST API of another knows nothing of it.
    pub(crate) fn of(self, account_sid: Option<&str>) -> Self {
        let is_ours = |rest: &Arc<Rest>| account_sid.is_some_and(|sid| rest.has(sid));
        let rest = self.rest.filter(is_ours);
        Self { rest, ..self }
    }

    /// Whether this is where callers may not be put through.
    pub(crate) fn bars(&self, intent: Option<&Intent>) -> bool {
        let Some(Intent::Transfer(to)) = intent else {
            return false;
        };
        let slug = to.strip_prefix(SCENARIO);
        let may = slug.zip(self.may_reach.as_ref());
        may.is_some_and(|(slug, may_reach)| !may_reach(slug))
    }
}

impl fmt::Debug for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onward")
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}
