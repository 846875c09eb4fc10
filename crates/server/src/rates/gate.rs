//! What this node counts by itself, in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ringback_store::{Quota, Verdict};

/// Names that one generation holds: what a table of 65,536 places takes before it grows.
const MOST: usize = 57_344;

/// When allowances are whole again, by name, on a clock of the caller's. There are two generations: when the younger is full it
/// becomes the older one, which is forgotten. So whoever comes with very many names is at most forgiven, and nothing grows. Names
/// stand there as keyed hashes of 64 bits.
#[derive(Debug)]
pub struct Gate {
    hasher: RandomState,
    generations: Mutex<Generations>,
    most: usize,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, i64>,
    old: HashMap<u64, i64>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::holding(MOST)
    }
}

impl Gate {
    /// A gate that holds so many names, and up to as many again.
    #[must_use]
    pub fn holding(most: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            generations: Mutex::default(),
            most: most.max(1),
        }
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one use of what `name` stands for, if it may be taken at `now` (µs of any steady clock).
    pub fn take(&self, name: &str, quota: Quota, now: i64) -> Verdict {
        let key = self.hasher.hash_one(name);
        let mut generations = self.generations();
        let full_at = generations.find(key);
        let (verdict, full_at) = quota.take(full_at.unwrap_or(now), now);
        generations.put(key, full_at, self.most);
        verdict
    }

    /// What [`Gate::take`] would answer, without taking anything.
    pub fn look(&self, name: &str, quota: Quota, now: i64) -> Verdict {
        let key = self.hasher.hash_one(name);
        let full_at = self.generations().find(key);
        quota.look(full_at.unwrap_or(now), now)
    }

    /// Gives a use back that turned out not to count.
    pub fn give_back(&self, name: &str, quota: Quota) {
        let key = self.hasher.hash_one(name);
        let mut generations = self.generations();
        if let Some(full_at) = generations.find(key) {
            generations.put(key, quota.given_back(full_at), self.most);
        }
    }

    /// Makes an allowance whole at once.
    pub fn forget(&self, name: &str) {
        let key = self.hasher.hash_one(name);
        let mut generations = self.generations();
        generations.young.remove(&key);
        generations.old.remove(&key);
    }

    /// How many names it knows at present.
    pub fn len(&self) -> usize {
        let generations = self.generations();
        generations.young.len() + generations.old.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Generations {
    fn find(&self, key: u64) -> Option<i64> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    fn put(&mut self, key: u64, full_at: i64, most: usize) {
        self.old.remove(&key);
        if self.young.len() >= most && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, full_at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;

    fn quota(uses: u32, seconds: i64) -> Quota {
        Quota {
            uses,
            period: seconds * SECOND,
        }
    }

    #[test]
    fn a_burst_is_taken_and_then_one_use_a_share_of_the_time() {
        let gate = Gate::default();
        let five = quota(5, 60);
        for left in [4, 3, 2, 1, 0] {
            let verdict = gate.take("a", five, 0);
            assert_eq!((verdict.allowed, verdict.remaining), (true, left));
        }
        let refused = gate.take("a", five, 0);
        assert_eq!(
            (refused.allowed, refused.retry_after, refused.reset_after),
            (false, 12 * SECOND, 60 * SECOND)
        );
        assert!(gate.take("b", five, 0).allowed);
        assert!(!gate.take("a", five, 12 * SECOND - 1).allowed);
        assert!(gate.take("a", five, 12 * SECOND).allowed);
        gate.give_back("a", five);
        assert!(gate.look("a", five, 12 * SECOND).allowed);
        assert!(gate.take("a", five, 12 * SECOND).allowed);
        assert!(!gate.look("a", five, 12 * SECOND).allowed);
        gate.forget("a");
        assert_eq!(gate.take("a", five, 12 * SECOND).remaining, 4);
    }

    #[test]
    fn a_million_addresses_take_no_more_memory_than_a_few_thousand() {
        let gate = Gate::default();
        let five = quota(5, 60);
        let mut most = 0;
        for address in 0..1_000_000_u32 {
            gate.take(&address.to_string(), five, 0);
            most = most.max(gate.len());
        }
        assert!(most <= 2 * MOST, "{most}");
        let generations = gate.generations();
        let places = generations.young.capacity() + generations.old.capacity();
        assert!(places <= 2 * MOST, "{places}");
    }

    #[test]
    fn who_keeps_asking_is_not_forgotten_for_the_sake_of_who_asks_once() {
        let gate = Gate::holding(100);
        let one = quota(1, 3_600);
        assert!(gate.take("busy", one, 0).allowed);
        for other in 0..10_000 {
            gate.take(&other.to_string(), one, 0);
            if other % 50 == 0 {
                assert!(!gate.take("busy", one, 0).allowed, "{other}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_has_more_uses_than_a_burst_and_what_time_gives(
            uses in 1_u32..20,
            pauses in proptest::collection::vec(0_i64..30, 1..200),
        ) {
            let gate = Gate::default();
            let quota = quota(uses, 60);
            let mut now = 0;
            let mut taken = Vec::new();
            for pause in pauses {
                now += pause * SECOND;
                if gate.take("x", quota, now).allowed {
                    taken.push(now);
                }
            }
            for (first, begin) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let count = i64::try_from(last - first + 1).unwrap_or(i64::MAX);
                    let cost = 60 * SECOND / i64::from(uses);
                    prop_assert!(count <= i64::from(uses) + (end - begin) / cost);
                }
            }
        }
    }
}
