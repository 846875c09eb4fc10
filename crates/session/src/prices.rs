//! What a call costs: a price table, and the bill of a call by it.
//!
//! The table is a file of the person who pays, because prices are theirs: none is built in.

use std::collections::BTreeMap;

use ringback_call::{Direction, Party, TurnUsage, Usage};
use serde::Deserialize;

/// The carrier's name in the table, before the direction.
const CARRIER: &str = "twilio";

/// Why a price table cannot be used: one line that names the entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPrices(String);

/// Prices by `provider/model`. A table without an entry prices nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    currency: String,
    by_name: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: String,
    #[serde(default)]
    price: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    of: String,
    per_minute: Option<f64>,
    per_million_input_tokens: Option<f64>,
    per_million_cached_tokens: Option<f64>,
    per_million_output_tokens: Option<f64>,
    per_million_characters: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Price {
    minute: Option<f64>,
    input: Option<f64>,
    cached: Option<f64>,
    output: Option<f64>,
    characters: Option<f64>,
}

/// What a call costs, as far as there are prices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bill {
    /// ISO 4217, as the table says.
    pub currency: String,
    /// Recognisers.
    pub stt: f64,
    /// Models.
    pub responder: f64,
    /// Voices.
    pub tts: f64,
    /// The carrier's leg, each begun minute.
    pub carrier: f64,
    /// `provider/model` of what was used and has no price.
    pub unpriced: Vec<String>,
}

impl Bill {
    /// All together.
    pub fn total(&self) -> f64 {
        self.stt + self.responder + self.tts + self.carrier
    }
}

impl Prices {
    /// Reads a table:
    ///
    /// ```toml
    /// currency = "USD"
    /// [[price]]
    /// of = "deepgram/nova-3"      # provider/model; a * at the end stands for any rest
    /// per_minute = 0.5
    /// ```
    ///
    /// # Errors
    /// It is no TOML of this shape, a price is negative or no number, an entry has no price, or two have the same name.
    pub fn parse(text: &str) -> Result<Self, BadPrices> {
        let file: File = toml::from_str(text)
            .map_err(|error| BadPrices(error.to_string().trim().replace('\n', " ")))?;
        let mut by_name = BTreeMap::new();
        for entry in file.price {
            let price = Price::of(&entry)?;
            if !entry.of.contains('/') {
                let why = "is no provider/model, as deepgram/nova-3 or cartesia/*";
                return Err(BadPrices(format!("price of {:?}: {why}", entry.of)));
            }
            if by_name.insert(entry.of.clone(), price).is_some() {
                let why = "stands there twice";
                return Err(BadPrices(format!("price of {:?}: {why}", entry.of)));
            }
        }
        Ok(Self {
            currency: file.currency,
            by_name,
        })
    }

    /// Whether there is any price.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// What a use costs; `None` where the table has no price for it. A request that failed costs nothing.
    pub fn cost(&self, usage: &Usage) -> Option<f64> {
        if usage.is_free() && !self.is_empty() {
            return Some(0.0);
        }
        let price = self.find(&name(usage))?;
        let part = |count: u64, unit: f64, price: Option<f64>| match (count, price) {
            (0, _) => Some(0.0),
            (count, Some(price)) => Some(count as f64 / unit * price),
            (_, None) => None,
        };
        let fresh = usage.input_tokens.saturating_sub(usage.cached_tokens);
        let parts = [
            part(usage.audio_ms, 60_000.0, price.minute),
            part(fresh, 1e6, price.input),
            part(usage.cached_tokens, 1e6, price.cached.or(price.input)),
            part(usage.output_tokens, 1e6, price.output),
            part(usage.characters, 1e6, price.characters),
        ];
        parts.into_iter().sum()
    }

    /// What a call costs that lasted so long.
    pub fn bill(&self, usage: &[TurnUsage], direction: Direction, ms: u64) -> Bill {
        let mut bill = Bill {
            currency: self.currency.clone(),
            ..Bill::default()
        };
        for entry in usage {
            let Some(cost) = self.cost(&entry.usage) else {
                let name = name(&entry.usage);
                if !bill.unpriced.contains(&name) {
                    bill.unpriced.push(name);
                }
                continue;
            };
            match entry.usage.party {
                Party::Stt => bill.stt += cost,
                Party::Responder => bill.responder += cost,
                Party::Tts => bill.tts += cost,
                Party::Carrier | Party::Recorder | Party::Server => bill.carrier += cost,
            }
        }
        let leg = match direction {
            Direction::Inbound => format!("{CARRIER}/inbound"),
            Direction::Outbound => format!("{CARRIER}/outbound"),
        };
        if let Some(minute) = self.find(&leg).and_then(|price| price.minute) {
            bill.carrier += ms.div_ceil(60_000) as f64 * minute;
        }
        bill
    }

    /// The entry of this name, else the one with the longest beginning of it.
    fn find(&self, name: &str) -> Option<Price> {
        let exact = self.by_name.get(name);
        let begins = |entry: &&String| {
            let beginning = entry.strip_suffix('*');
            beginning.is_some_and(|beginning| name.starts_with(beginning))
        };
        let longest = || {
            let fitting = self.by_name.keys().filter(begins);
            fitting.max_by_key(|entry| entry.len())
        };
        exact.or_else(|| self.by_name.get(longest()?)).copied()
    }
}

impl Price {
    fn of(entry: &Entry) -> Result<Self, BadPrices> {
        let price = Self {
            minute: entry.per_minute,
            input: entry.per_million_input_tokens,
            cached: entry.per_million_cached_tokens,
            output: entry.per_million_output_tokens,
            characters: entry.per_million_characters,
        };
        let all = [
            price.minute,
            price.input,
            price.cached,
            price.output,
            price.characters,
        ];
        let why = if all.iter().flatten().next().is_none() {
            "has no price: per_minute, per_million_input_tokens, per_million_cached_tokens, \
             per_million_output_tokens or per_million_characters"
        } else if all
            .iter()
            .flatten()
            .any(|price| !(0.0..1e9).contains(price))
        {
            "has a price that is negative, too high or no number"
        } else {
            return Ok(price);
        };
        Err(BadPrices(format!("price of {:?}: it {why}", entry.of)))
    }
}

/// How the table names what was used.
pub(crate) fn name(usage: &Usage) -> String {
    format!("{}/{}", usage.provider, usage.model)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use ringback_call::TurnId;

    use super::*;

    const TABLE: &str = r#"
        currency = "EUR"
        [[price]]
        of = "deepgram/nova-3"
        per_minute = 0.6
        [[price]]
        of = "openai/*"
        per_million_input_tokens = 9
        [[price]]
        of = "openai/small*"
        per_million_input_tokens = 2
        per_million_cached_tokens = 0.5
        per_million_output_tokens = 8
        [[price]]
        of = "cartesia/*"
        per_million_characters = 40
        [[price]]
        of = "twilio/inbound"
        per_minute = 0.01
    "#;

    fn tokens(model: &str, input: u64, cached: u64, output: u64) -> Usage {
        Usage {
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            ..Usage::of(Party::Responder, "openai", model)
        }
    }

    fn near(cost: Option<f64>, expected: f64) {
        let cost = cost.unwrap();
        assert!((cost - expected).abs() < 1e-12, "{cost} {expected}");
    }

    #[test]
    fn minutes_tokens_and_characters_are_priced() {
        let prices = Prices::parse(TABLE).unwrap();
        let audio = Usage {
            audio_ms: 90_000,
            ..Usage::of(Party::Stt, "deepgram", "nova-3")
        };
        near(prices.cost(&audio), 0.9);
        near(
            prices.cost(&tokens("small-1", 1000, 400, 100)),
            (600.0 * 2.0 + 400.0 * 0.5 + 100.0 * 8.0) / 1e6,
        );
        let spoken = Usage {
            characters: 500,
            ..Usage::of(Party::Tts, "cartesia", "sonic")
        };
        near(prices.cost(&spoken), 0.02);
    }

    #[test]
    fn the_longest_beginning_counts_and_a_missing_price_is_no_zero() {
        let prices = Prices::parse(TABLE).unwrap();
        near(prices.cost(&tokens("large", 1_000_000, 1_000_000, 0)), 9.0);
        assert_eq!(prices.cost(&tokens("large", 10, 0, 1)), None);
        let spoken = Usage {
            characters: 1,
            ..Usage::of(Party::Tts, "elevenlabs", "x")
        };
        assert_eq!(prices.cost(&spoken), None);
        let failed = Usage {
            requests: 1,
            ..Usage::of(Party::Tts, "elevenlabs", "x")
        };
        assert_eq!(prices.cost(&failed), Some(0.0));
        assert_eq!(Prices::default().cost(&tokens("large", 1, 0, 0)), None);
    }

    #[test]
    fn a_bill_has_its_parts_each_begun_minute_and_what_has_no_price() {
        let prices = Prices::parse(TABLE).unwrap();
        let usage = [
            tokens("small", 1_000_000, 0, 0),
            tokens("large", 0, 0, 5),
            tokens("large", 0, 0, 5),
        ];
        let usage = usage.map(|usage| TurnUsage {
            turn: TurnId(1),
            usage,
        });
        let bill = prices.bill(&usage, Direction::Inbound, 61_000);
        assert_eq!((bill.responder, bill.carrier), (2.0, 0.02));
        assert_eq!(bill.unpriced, ["openai/large"]);
        assert_eq!(bill.currency, "EUR");
        near(Some(bill.total()), 2.02);
        let outbound = prices.bill(&usage, Direction::Outbound, 61_000);
        assert_eq!(outbound.carrier, 0.0);
    }

    #[test]
    fn bad_tables_are_refused_in_one_line_that_names_the_entry() {
        for (text, told) in [
            ("", "currency"),
            ("currency = 1", "line 1"),
            ("currency = \"USD\"\nprices = 1", "prices"),
            ("currency = \"USD\"\n[[price]]\nof = \"a/b\"", "\"a/b\""),
            (
                "currency = \"USD\"\n[[price]]\nof = \"a\"\nper_minute = 1",
                "\"a\"",
            ),
            (
                "currency = \"USD\"\n[[price]]\nof = \"a/b\"\nper_minute = -1",
                "\"a/b\"",
            ),
            (
                "currency = \"USD\"\n[[price]]\nof = \"a/b\"\nper_minute = nan",
                "\"a/b\"",
            ),
            (
                "currency = \"USD\"\n[[price]]\nof = \"a/b\"\nper_minute = 1\n[[price]]\nof = \"a/b\"\nper_minute = 1",
                "twice",
            ),
        ] {
            let error = Prices::parse(text).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains('\n'), "{error}");
        }
        assert!(Prices::parse("currency = \"USD\"").unwrap().is_empty());
    }
}
