//! Conversations in writing, kept in memory: bounded in number, and forgotten when nobody goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ringback_call::Direction;
use ringback_session::used::Used;
use ringback_session::written::{Written, WrittenLine, Wrote};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Conversations at once.
pub const MOST: usize = 200;
/// Of these, those of one user.
pub const MOST_OF_ONE: usize = 20;
/// After so long without a message one is forgotten.
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// What a caller may write in one conversation, in messages: the agent says goodbye after the last.
pub const MOST_MESSAGES: u32 = 200;

/// Is told what was used since it was told last, whenever a turn is over and at the end.
pub type Tell = Box<dyn Fn(Used) + Send + Sync>;

/// All conversations.
#[derive(Default)]
pub struct Conversations {
    kept: Mutex<BTreeMap<Uuid, Arc<Conversation>>>,
}

/// What a conversation is about.
#[derive(Clone, Debug)]
pub struct About {
    /// Its id.
    pub id: Uuid,
    /// Whose it is, by their id.
    pub owner: String,
    /// The scenario's slug.
    pub scenario: String,
    /// Who would have called whom.
    pub direction: Direction,
    /// When it began, in microseconds since 1970.
    pub created: i64,
}

/// One conversation.
pub struct Conversation {
    /// What it is about.
    pub about: About,
    talk: Arc<AsyncMutex<Talk>>,
    shown: Mutex<Shown>,
    /// It was deleted.
    gone: CancellationToken,
}

struct Talk {
    written: Written,
    messages: u32,
    tell: Tell,
}

impl Talk {
    fn account(&mut self) {
        let used = self.written.take_used();
        if !used.is_empty() {
            (self.tell)(used);
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.account();
    }
}

/// How a conversation stands.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What was said.
    pub lines: Vec<WrittenLine>,
    /// Whether it is over.
    pub ended: bool,
    used: Instant,
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTurn {
    /// Another message is being answered.
    Busy,
    /// The conversation is over.
    Ended,
}

/// Why a conversation does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// This user has too many.
    OfOne,
    /// There are too many.
    OfAll,
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conversations({})", self.all().len())
    }
}

impl Conversations {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Uuid, Arc<Conversation>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a conversation that begins, so that it can be found; with the agent's turn.
    ///
    /// # Errors
    /// [`Full`].
    pub fn begin(&self, about: About, written: Written, tell: Tell) -> Result<Turn, Full> {
        let talk = Talk {
            written,
            messages: 0,
            tell,
        };
        let talk = Arc::new(AsyncMutex::new(talk));
        let conversation = Arc::new(Conversation {
            talk: Arc::clone(&talk),
            shown: Mutex::new(Shown {
                lines: Vec::new(),
                ended: false,
                used: Instant::now(),
            }),
            gone: CancellationToken::new(),
            about,
        });
        let mut all = self.all();
        if all.len() >= MOST {
            return Err(Full::OfAll);
        }
        let owner = &conversation.about.owner;
        let same = |other: &&Arc<Conversation>| other.about.owner == *owner;
        if all.values().filter(same).count() >= MOST_OF_ONE {
            return Err(Full::OfOne);
        }
        all.insert(conversation.about.id, Arc::clone(&conversation));
        drop(all);
        let turn = conversation.turn();
        turn.map_err(|_| Full::OfAll)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all().len()
    }

    /// The conversation of this id, if it is this owner's; `None` asks for anybody's.
    pub fn find(&self, id: Uuid, owner: Option<&str>) -> Option<Arc<Conversation>> {
        let all = self.all();
        let found = all.get(&id)?;
        let seen = owner.is_none_or(|owner| found.about.owner == owner);
        seen.then(|| Arc::clone(found))
    }

    /// Forgets a conversation. What is asked for it is closed.
    pub fn forget(&self, conversation: &Conversation) {
        let forgotten = self.all().remove(&conversation.about.id);
        if let Some(forgotten) = forgotten {
            forgotten.end();
        }
    }

    /// Forgets those with which nobody goes on.
    pub fn sweep(&self, now: Instant) {
        let idle = |one: &Arc<Conversation>| {
            let used = one.shown().used;
            now.saturating_duration_since(used) >= IDLE && one.talk.try_lock().is_ok()
        };
        let mut all = self.all();
        let gone: Vec<_> = all.extract_if(.., |_, one| idle(one)).collect();
        drop(all);
        for (_, one) in gone {
            one.end();
        }
    }
}

impl Conversation {
    /// How it stands.
    pub fn shown(&self) -> Shown {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }

    /// How long it is kept from now on if nobody goes on.
    pub fn left(&self) -> Duration {
        IDLE.saturating_sub(self.shown().used.elapsed())
    }

    fn turn(self: &Arc<Self>) -> Result<Turn, NoTurn> {
        let talk = Arc::clone(&self.talk).try_lock_owned();
        Ok(Turn {
            talk: talk.map_err(|_| NoTurn::Busy)?,
            of: Arc::clone(self),
            over: false,
        })
    }

    /// Says something; what the agent does then is the turn.
    ///
    /// # Errors
    /// [`NoTurn`].
    pub fn say(self: &Arc<Self>, text: &str) -> Result<Turn, NoTurn> {
        let mut turn = self.turn()?;
        let talk = &mut *turn.talk;
        if talk.written.is_over() {
            turn.over = true;
            return Err(NoTurn::Ended);
        }
        talk.messages += 1;
        talk.written.say(text);
        if talk.messages >= MOST_MESSAGES {
            talk.written.finish();
        }
        Ok(turn)
    }

    fn end(&self) {
        self.gone.cancel();
    }
}

/// The agent's turn. Dropped before its end, it is broken off and what was asked for it is closed.
pub struct Turn {
    talk: OwnedMutexGuard<Talk>,
    of: Arc<Conversation>,
    over: bool,
}

impl Turn {
    /// What the agent does next; `None` when its turn is over, or the conversation was forgotten.
    pub async fn next(&mut self) -> Option<Wrote> {
        let gone = self.of.gone.clone();
        let wrote = tokio::select! {
            biased;
            () = gone.cancelled() => None,
            wrote = self.talk.written.next() => {
                self.over = wrote.is_none();
                wrote
            }
        };
        if self.over {
            self.show();
        }
        wrote
    }

    /// The conversation.
    pub fn of(&self) -> &Arc<Conversation> {
        &self.of
    }

    /// Whether the conversation was forgotten meanwhile.
    pub fn is_forgotten(&self) -> bool {
        self.of.gone.is_cancelled()
    }

    /// What the agent said.
    pub fn reply(&self) -> &str {
        self.talk.written.reply()
    }

    /// Why it could only apologise.
    pub fn failure(&self) -> Option<String> {
        self.talk.written.failure()
    }

    /// Whether the conversation is over with it.
    pub fn ends(&self) -> bool {
        self.talk.written.is_over()
    }

    fn show(&self) {
        let shown = self.of.shown.lock();
        *shown.unwrap_or_else(PoisonError::into_inner) = Shown {
            lines: self.talk.written.lines(),
            ended: self.talk.written.is_over(),
            used: Instant::now(),
        };
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.over {
            self.talk.written.leave();
            self.show();
        }
        self.talk.account();
    }
}
