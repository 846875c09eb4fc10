//! Places for files that are uploaded and heard: so many in all, and of those a share for each user, since a file may come as slowly as its
//! sender likes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::conversations::Full;

/// Files that are uploaded and heard at once.
const MOST: usize = 16;
/// How many of them may be one user's.
const MOST_OF_ONE: usize = MOST / 4;

/// Places for uploads.
#[derive(Debug, Default)]
pub struct Uploads {
    /// How many each user has; those who have none are not in it.
    taken: Mutex<HashMap<String, usize>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place<'u> {
    uploads: &'u Uploads,
    user: String,
}

impl Uploads {
    /// Takes a place for a file of this user.
    ///
    /// # Errors
    /// All are taken, or all that one user may have.
    pub fn take(&self, user: &str) -> Result<Place<'_>, Full> {
        let mut taken = self.taken();
        if taken.get(user).is_some_and(|own| *own >= MOST_OF_ONE) {
            return Err(Full::OfOne);
        }
        if taken.values().sum::<usize>() >= MOST {
            return Err(Full::OfAll);
        }
        *taken.entry(user.to_owned()).or_default() += 1;
        Ok(Place {
            uploads: self,
            user: user.to_owned(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.uploads.taken();
        if let Some(own) = taken.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn nobody_has_more_than_their_share_and_all_together_no_more_than_there_is() {
        let uploads = Uploads::default();
        let mut places = Vec::new();
        for user in ["ada", "bob", "cora", "dan"] {
            for _ in 0..MOST_OF_ONE {
                places.push(uploads.take(user).unwrap());
            }
            assert_eq!(uploads.take(user).unwrap_err(), Full::OfOne, "{user}");
        }
        assert_eq!(uploads.take("eve").unwrap_err(), Full::OfAll);
        drop(places.pop());
        assert_eq!(uploads.take("ada").unwrap_err(), Full::OfOne);
        let place = uploads.take("eve").unwrap();
        assert_eq!(uploads.take("dan").unwrap_err(), Full::OfAll);
        drop((place, places));
        assert!(uploads.taken().is_empty());
    }
}
