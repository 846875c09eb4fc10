//! `RATE_LIMITS`: what is set beside the limits that the table of routes has.

use std::collections::BTreeMap;

use ringback_store::Quota;

use super::{Limit, per_minute};

const SECOND: i64 = 1_000_000;
/// The most uses of a limit, whatever its time.
const MOST: u32 = 1_000_000;

/// What holds instead of the table's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    off: bool,
    /// By the routes' names; `None` for no limit.
    set: BTreeMap<String, Option<Quota>>,
}

impl Rates {
    /// Reads `off`, or `auth.login=200/s,outbound=off` with names of `known`; nothing leaves all as it is.
    ///
    /// # Errors
    /// What is wrong and what may stand there.
    pub fn parse(text: &str, known: &[String]) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("off") {
            return Ok(Self {
                off: true,
                set: BTreeMap::new(),
            });
        }
        let mut set = BTreeMap::new();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let (name, rate) = item
                .split_once('=')
                .ok_or_else(|| format!("`{item}`: write it like auth.login=200/s, or off"))?;
            let (name, rate) = (name.trim(), rate.trim());
            if !known.iter().any(|known| known == name) {
                return Err(format!(
                    "`{name}` has no limit; there is: {}",
                    known.join(", ")
                ));
            }
            if set.insert(name.to_owned(), quota(rate)?).is_some() {
                return Err(format!("`{name}` stands there twice"));
            }
        }
        Ok(Self { off: false, set })
    }

    /// Whether nothing is counted at all.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// What holds for a route of this name and limit; `None` for nothing.
    #[must_use]
    pub fn quota(&self, name: &str, limit: Limit) -> Option<Quota> {
        if self.off {
            return None;
        }
        let set = self.set.get(name).copied();
        set.unwrap_or_else(|| Some(per_minute(limit.a_minute)))
    }
}

fn quota(text: &str) -> Result<Option<Quota>, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let wrong = || format!("`{text}`: write it like 5/min, 200/s, 30/h, 100/day or off");
    let (uses, unit) = text.split_once('/').ok_or_else(wrong)?;
    let seconds = match unit.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" => 1,
        "m" | "min" | "minute" => 60,
        "h" | "hour" => 3_600,
        "d" | "day" => 86_400,
        _ => return Err(wrong()),
    };
    let uses = uses.trim().parse::<u32>().ok();
    let uses = uses.filter(|uses| (1..=MOST).contains(uses));
    let uses = uses.ok_or_else(|| format!("`{text}`: the number is 1 to {MOST}; off for none"))?;
    Ok(Some(Quota {
        uses,
        period: seconds * SECOND,
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::rates::Counted;

    const FIVE: Limit = Limit {
        a_minute: 5,
        counted: Counted::ByAll,
    };

    fn parse(text: &str) -> Result<Rates, String> {
        let known = ["auth.login", "outbound"].map(str::to_owned);
        Rates::parse(text, &known)
    }

    #[test]
    fn a_limit_is_the_tables_or_what_is_set() {
        let check = |text: &str, expected: Option<(u32, i64)>| {
            let found = parse(text).unwrap().quota("auth.login", FIVE);
            assert_eq!(
                found.map(|one| (one.uses, one.period / SECOND)),
                expected,
                "{text}"
            );
        };
        check("", Some((5, 60)));
        check("outbound=off", Some((5, 60)));
        check("auth.login=200/s", Some((200, 1)));
        check(" auth.login = 7 / hour , outbound=1/min,", Some((7, 3_600)));
        check("auth.login=OFF", None);
        check("off", None);
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (text, named) in [
            ("on", "`on`"),
            ("auth.login", "`auth.login`: write it like"),
            ("login=5/min", "auth.login, outbound"),
            ("auth.login=5", "`5`: write it like"),
            ("auth.login=0/s", "1 to 1000000"),
            ("auth.login=-1/s", "1 to 1000000"),
            ("auth.login=5/year", "`5/year`"),
            ("auth.login=1/s,auth.login=2/s", "twice"),
            ("off,auth.login=1/s", "`off`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
