//! What somebody showed once, and whether it is good still: for what outlasts the request that it came with.

use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep_until};

use super::{User, Via, behind};
use crate::app::App;
use crate::refusal::Refusal;

/// Who reads a stream is looked up so often, for what changed on other servers.
const AGAIN: Duration = Duration::from_secs(3);
/// A stream goes on for so long while the database does not say whose it is.
const UNPROVEN: Duration = Duration::from_secs(8);

/// By what somebody showed who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Who they are.
    pub user_id: String,
    /// How they showed it.
    pub via: Via,
}

impl Pass {
    /// What this user showed.
    pub fn of(user: &User) -> Self {
        Self {
            user_id: user.id.clone(),
            via: user.via.clone(),
        }
    }

    /// As a text that [`Pass::read`] reads.
    pub fn text(&self) -> String {
        let user = &self.user_id;
        match &self.via {
            Via::Session { id, version } => format!("session {user} {id} {version}"),
            Via::ApiKey(id) => format!("key {user} {id}"),
            Via::Local => format!("local {user}"),
        }
    }

    /// What [`Pass::text`] wrote.
    pub fn read(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let (user_id, via) = match words[..] {
            ["session", user, id, version] => {
                let (id, version) = (id.to_owned(), version.parse().ok()?);
                (user, Via::Session { id, version })
            }
            ["key", user, id] => (user, Via::ApiKey(id.to_owned())),
            ["local", user] => (user, Via::Local),
            _ => return None,
        };
        let user_id = user_id.to_owned();
        Some(Self { user_id, via })
    }
}

/// Who reads a stream, and since when that is known.
struct Watched {
    app: App,
    user: User,
    forgotten: watch::Receiver<u64>,
    good_at: Instant,
    again_at: Instant,
}

impl Watched {
    async fn due(&mut self) {
        tokio::select! {
            Ok(()) = self.forgotten.changed() => {}
            () = sleep_until(self.again_at) => {}
        }
    }

    async fn is_good(&mut self) -> bool {
        self.forgotten.borrow_and_update();
        let found = behind(&self.app, &Pass::of(&self.user)).await;
        let now = Instant::now();
        self.again_at = now + AGAIN;
        match found {
            Ok(user) => {
                self.good_at = now;
                user.role == self.user.role
            }
            Err(Refusal::Later(..)) => now - self.good_at < UNPROVEN,
            Err(Refusal::Said(_) | Refusal::Misfits(_)) => false,
        }
    }
}

/// What comes of `items` for as long as the user would be let in: at once no more where they are changed on this server, within
/// seconds where on another.
pub fn while_good<S>(app: &App, user: User, items: S) -> impl Stream<Item = S::Item> + use<S>
where
    S: Stream,
{
    let mut forgotten = app.accounts.known.follow();
    // They may have been changed since the request was let in.
    forgotten.mark_changed();
    let watched = Watched {
        app: App::clone(app),
        user,
        forgotten,
        good_at: Instant::now(),
        again_at: Instant::now() + AGAIN,
    };
    let begin = (watched, Box::pin(items));
    stream::unfold(begin, async |(mut watched, mut items)| {
        loop {
            tokio::select! {
                biased;
                () = watched.due() => if !watched.is_good().await {
                    return None;
                },
                item = items.next() => return item.map(|item| (item, (watched, items))),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_read_as_it_was_written() {
        for via in [
            Via::Session {
                id: "0199".to_owned(),
                version: 7,
            },
            Via::ApiKey("0198".to_owned()),
            Via::Local,
        ] {
            let pass = Pass {
                user_id: "0197".to_owned(),
                via,
            };
            assert_eq!(Pass::read(&pass.text()), Some(pass));
        }
        for text in [
            "",
            "local",
            "key 1",
            "session 1 2",
            "session 1 2 x",
            "other 1",
        ] {
            assert_eq!(Pass::read(text), None, "{text}");
        }
    }
}
