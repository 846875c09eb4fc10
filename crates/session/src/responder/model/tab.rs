//! What requests to models cost, also those that failed or were closed, and those whose server does not say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringback_call::{Party, Usage};
use ringback_wire::openai::Usage as Counted;

use super::answer::PROVIDER;

/// So many characters are taken for a token where a server does not count.
const CHARACTERS: u64 = 4;

type Tell = dyn Fn(Usage) + Send + Sync;

/// The requests of one reply. Each is told once, when it is over, however it ends.
#[derive(Clone, Default)]
pub(crate) struct Tab {
    tell: Option<Arc<Tell>>,
    open: Arc<Mutex<BTreeMap<u64, Sent>>>,
}

/// A request that was sent.
struct Sent {
    model: String,
    /// Characters of the request.
    asked: u64,
    /// Characters of the answer until now.
    wrote: u64,
    counted: Option<Counted>,
    refused: bool,
}

impl Tab {
    pub(crate) fn new(tell: impl Fn(Usage) + Send + Sync + 'static) -> Self {
        Self {
            tell: Some(Arc::new(tell)),
            open: Arc::default(),
        }
    }

    /// A request is sent. It is over when what is returned is dropped.
    pub(super) fn send(&self, model: &str, characters: u64) -> Sending {
        let mut open = self.open();
        let id = open.last_key_value().map_or(0, |(last, _)| last + 1);
        open.insert(
            id,
            Sent {
                model: model.to_owned(),
                asked: characters,
                wrote: 0,
                counted: None,
                refused: false,
            },
        );
        drop(open);
        Sending {
            tab: self.clone(),
            id,
        }
    }

    /// Tells at once what was sent and is not over: it is being closed, and nobody may listen any more when it is.
    pub(crate) fn settle(&self) {
        let all = std::mem::take(&mut *self.open());
        for sent in all.into_values() {
            self.tell(&sent);
        }
    }

    fn tell(&self, sent: &Sent) {
        if let Some(tell) = &self.tell {
            tell(sent.usage());
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Sent>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    fn usage(&self) -> Usage {
        let tokens = |characters: u64| characters.div_ceil(CHARACTERS);
        let of = Usage::of(Party::Responder, PROVIDER.name(), &*self.model);
        let of = Usage { requests: 1, ..of };
        match self.counted {
            Some(counted) => Usage {
                input_tokens: counted.input,
                cached_tokens: counted.cached,
                output_tokens: counted.output,
                ..of
            },
            None if self.refused => of,
            None => Usage {
                input_tokens: tokens(self.asked),
                output_tokens: tokens(self.wrote),
                estimated: true,
                ..of
            },
        }
    }
}

/// A request that is under way.
pub(super) struct Sending {
    tab: Tab,
    id: u64,
}

impl Sending {
    /// More of the answer came.
    pub(super) fn received(&self, characters: usize) {
        self.with(|sent| sent.wrote = sent.wrote.saturating_add(characters as u64));
    }

    /// The server counted.
    pub(super) fn counted(&self, usage: Counted) {
        self.with(|sent| sent.counted = Some(usage));
    }

    /// The server could not be reached or did not take it: nobody pays for that.
    pub(super) fn refused(&self) {
        self.with(|sent| sent.refused = true);
    }

    fn with(&self, change: impl FnOnce(&mut Sent)) {
        // None where it was settled.
        let _ = self.tab.open().get_mut(&self.id).map(change);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let sent = self.tab.open().remove(&self.id);
        let _ = sent.map(|sent| self.tab.tell(&sent));
    }
}
