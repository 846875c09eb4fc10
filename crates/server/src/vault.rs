//! Secrets in the database: each is sealed for the name that it has there, and sealed again when the key was changed.

use ringback_store::{SealedSecret, Store};

use crate::config::{Config, ConfigError, Secret};
use crate::scenarios::is_named;
use crate::seal::{CannotOpen, CannotSeal, Sealer};

/// So many are sealed again in one go.
const MOST: i64 = 100_000;

/// Seals and opens secrets by their names: `kind/whose/which`.
#[derive(Debug)]
pub struct Vault {
    sealer: Sealer,
}

/// What became of secrets that an earlier key had sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Now sealed under today's key.
    pub again: usize,
    /// Neither key opens them, and something needs them: not those of a scenario's versions before.
    pub lost: usize,
}

impl Vault {
    /// Seals under `key`; opens what was sealed under `previous` too.
    ///
    /// # Errors
    /// No key can be derived.
    pub fn new(key: &Secret, previous: Option<&Secret>) -> Result<Self, ConfigError> {
        let sealer = Sealer::new(key, previous);
        let sealer = sealer.map_err(|error| ConfigError(error.to_string()))?;
        Ok(Self { sealer })
    }

    /// The vault of these settings, whose key is made where there is none.
    ///
    /// # Errors
    /// The key can be neither read nor made.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let key = config.signing_key()?;
        Ok(Self::new(&key, config.secret_key_previous.as_ref())?)
    }

    /// By which key it seals: a keyed hash, of which nobody learns the key.
    pub fn key_id(&self) -> String {
        self.sealer.key_id()
    }

    /// The same of the key before, which opens as well.
    pub fn previous_id(&self) -> Option<String> {
        self.sealer.previous_id()
    }

    /// A secret as it may be stored under this name.
    ///
    /// # Errors
    /// [`CannotSeal`].
    pub fn seal(&self, name: &str, text: &Secret, now: i64) -> Result<SealedSecret, CannotSeal> {
        let bytes = text.expose().as_bytes();
        Ok(SealedSecret {
            name: name.to_owned(),
            owner: None,
            ciphertext: self.sealer.seal(kind(name), name, bytes)?,
            key_id: self.sealer.key_id(),
            updated_at: now,
        })
    }

    /// What was sealed.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, sealed: &SealedSecret) -> Result<Secret, CannotOpen> {
        let name = &sealed.name;
        let opened = self.sealer.open(kind(name), name, &sealed.ciphertext)?;
        let text = String::from_utf8(opened.bytes).map_err(|_| CannotOpen::Broken)?;
        Ok(Secret::new(text))
    }

    /// Seals again what another key than today's has sealed. What is changed meanwhile is left as it is.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn reseal(&self, store: &Store, now: i64) -> Result<Resealed, ringback_store::Error> {
        let mut done = Resealed::default();
        let key_id = self.sealer.key_id();
        for old in store.secret_of_other_keys(&key_id, MOST).await? {
            let again = self.open(&old).ok().and_then(|text| {
                let new = self.seal(&old.name, &text, now).ok()?;
                Some(SealedSecret {
                    owner: old.owner.clone(),
                    ..new
                })
            });
            match again {
                Some(new) if store.secret_reseal(&old.ciphertext, &new).await? => done.again += 1,
                Some(_) => {}
                None => done.lost += usize::from(is_needed(store, &old.name).await?),
            }
        }
        Ok(done)
    }
}

/// Whether the newest version of the scenario that a secret is kept for names it, or it is kept for something else.
async fn is_needed(store: &Store, name: &str) -> Result<bool, ringback_store::Error> {
    let mut parts = name.split('/');
    let (Some("scenario"), Some(id), Some(name)) = (parts.next(), parts.next(), parts.next())
    else {
        return Ok(true);
    };
    let found = store.scenario_find(id).await?;
    Ok(found.is_some_and(|row| is_named(name, &row.body)))
}

impl Resealed {
    /// In one line; `None` where there was nothing to do.
    pub fn told(self) -> Option<String> {
        let Self { again, lost } = self;
        let done = (again > 0).then(|| {
            let were = if again == 1 {
                "secret was"
            } else {
                "secrets were"
            };
            format!("{again} {were} sealed again under SECRET_KEY")
        });
        let wanting = (lost > 0).then(|| {
            let open = if lost == 1 { "secret does" } else { "secrets do" };
            format!(
                "{lost} {open} not open under SECRET_KEY, and what needs them cannot be used: set SECRET_KEY_PREVIOUS to the SECRET_KEY they were \
                 sealed under, or give them again"
            )
        });
        match (done, wanting) {
            (Some(done), Some(wanting)) => Some(format!("{done}; {wanting}")),
            (done, wanting) => done.or(wanting),
        }
    }
}

/// The first part of a name: what kind of secret it is.
fn kind(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use ringback_store::Location;

    use super::*;

    fn vault(key: &str, previous: Option<&str>) -> Vault {
        let previous = previous.map(Secret::new);
        Vault::new(&Secret::new(key), previous.as_ref()).unwrap()
    }

    #[test]
    fn a_sealed_secret_opens_under_its_name_alone() {
        let vault = vault("a key", None);
        let sealed = vault
            .seal("scenario/1/a", &Secret::new("hidden"), 5)
            .unwrap();
        assert!(!sealed.ciphertext.contains("hidden"));
        assert_eq!(vault.open(&sealed).unwrap().expose(), "hidden");
        let moved = SealedSecret {
            name: "scenario/2/a".to_owned(),
            ..sealed
        };
        assert_eq!(vault.open(&moved).unwrap_err(), CannotOpen::Broken);
    }

    #[tokio::test]
    async fn a_changed_key_has_every_secret_sealed_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Location::parse("", folder.path()).unwrap()).unwrap();
        store.migrate(1).await.unwrap();
        let (old, foreign) = (vault("old key", None), vault("foreign key", None));
        for (vault, name) in [
            (&old, "scenario/1/a"),
            (&old, "other/1"),
            (&foreign, "a/lost"),
        ] {
            let sealed = vault.seal(name, &Secret::new(name), 1).unwrap();
            store.secret_set(&sealed).await.unwrap();
        }
        let new = vault("new key", Some("old key"));
        let done = new.reseal(&store, 2).await.unwrap();
        assert_eq!(done, Resealed { again: 2, lost: 1 });
        assert!(
            done.told()
                .unwrap()
                .starts_with("2 secrets were sealed again under SECRET_KEY; 1 secret does")
        );
        // The old key is not needed any more.
        let alone = vault("new key", None);
        for name in ["scenario/1/a", "other/1"] {
            let sealed = store.secret_find(name).await.unwrap().unwrap();
            assert_eq!(alone.open(&sealed).unwrap().expose(), name);
        }
        let again = alone.reseal(&store, 3).await.unwrap();
        assert_eq!(again, Resealed { again: 0, lost: 1 });
        assert_eq!(Resealed::default().told(), None);
    }
}
