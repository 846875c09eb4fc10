//! What is used of engines outside of calls, and how they fail.

use ringback_call::{Direction, Fault, Party, TurnId, TurnUsage, Usage};

use crate::prices::{Bill, Prices};

/// What was used, one entry an engine, and what failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// By engine and model.
    pub usage: Vec<Usage>,
    /// In order.
    pub faults: Vec<Fault>,
}

impl Used {
    /// Of one engine.
    pub fn of(usage: Usage) -> Self {
        Self {
            usage: vec![usage],
            faults: Vec::new(),
        }
    }

    /// Nothing but a failure.
    pub fn failed(fault: Fault) -> Self {
        Self {
            usage: Vec::new(),
            faults: vec![fault],
        }
    }

    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        self.usage.is_empty() && self.faults.is_empty()
    }

    pub(crate) fn add(&mut self, usage: &Usage) {
        match self.usage.iter_mut().find(|own| own.is_like(usage)) {
            Some(own) => own.add(usage),
            None => self.usage.push(usage.clone()),
        }
    }

    /// What is in it beyond what was told before.
    pub(crate) fn beyond(&self, told: &[Usage]) -> Vec<Usage> {
        let beyond = self.usage.iter().map(|usage| {
            let before = told.iter().find(|told| told.is_like(usage));
            before.map_or_else(|| usage.clone(), |before| less(usage, before))
        });
        let nothing = |usage: &Usage| usage.requests == 0 && usage.is_free();
        beyond.filter(|usage| !nothing(usage)).collect()
    }

    /// What it costs by a price table; `None` where that is empty. A recording whose provider counts tokens is paid by these, or else
    /// by its length: as the table has it.
    pub fn bill(&self, prices: &Prices) -> Option<Bill> {
        if prices.is_empty() {
            return None;
        }
        let payable = self.usage.iter().map(|usage| payable(usage, prices));
        let entries: Vec<TurnUsage> = payable
            .map(|usage| TurnUsage {
                turn: TurnId(0),
                usage,
            })
            .collect();
        // No leg of a carrier: it lasts no time.
        Some(prices.bill(&entries, Direction::Inbound, 0))
    }
}

fn payable(usage: &Usage, prices: &Prices) -> Usage {
    let tokens = usage.input_tokens + usage.output_tokens;
    if usage.party != Party::Stt || tokens == 0 || usage.audio_ms == 0 {
        return usage.clone();
    }
    let by_tokens = Usage {
        audio_ms: 0,
        ..usage.clone()
    };
    let by_length = Usage {
        input_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
        ..usage.clone()
    };
    if prices.cost(&by_tokens).is_some() {
        by_tokens
    } else {
        by_length
    }
}

fn less(usage: &Usage, before: &Usage) -> Usage {
    Usage {
        requests: usage.requests.saturating_sub(before.requests),
        input_tokens: usage.input_tokens.saturating_sub(before.input_tokens),
        cached_tokens: usage.cached_tokens.saturating_sub(before.cached_tokens),
        output_tokens: usage.output_tokens.saturating_sub(before.output_tokens),
        characters: usage.characters.saturating_sub(before.characters),
        audio_ms: usage.audio_ms.saturating_sub(before.audio_ms),
        ..usage.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn asked(requests: u32, tokens: u64) -> Usage {
        Usage {
            requests,
            input_tokens: tokens,
            ..Usage::of(Party::Responder, "openai", "small")
        }
    }

    #[test]
    fn what_was_told_before_is_not_told_again() {
        let mut used = Used::of(asked(1, 100));
        used.add(&asked(2, 50));
        assert_eq!(used.usage, [asked(3, 150)]);
        let told = used.usage.clone();
        assert_eq!(used.beyond(&told), []);
        used.add(&asked(1, 9));
        let other = Usage {
            characters: 4,
            ..Usage::of(Party::Tts, "cartesia", "sonic")
        };
        used.add(&other);
        assert_eq!(used.beyond(&told), [asked(1, 9), other]);
        assert_eq!(used.beyond(&[]).len(), 2);
    }

    #[test]
    fn a_recording_is_paid_by_tokens_or_by_length_and_never_by_both() {
        let heard = Usage {
            audio_ms: 120_000,
            input_tokens: 1_000_000,
            ..Usage::of(Party::Stt, "openai", "hears")
        };
        let cost = |price: &str| {
            let table = format!("currency = \"EUR\"\n[[price]]\nof = \"openai/hears\"\n{price}\n");
            let bill = Used::of(heard.clone()).bill(&Prices::parse(&table).unwrap());
            let bill = bill.unwrap();
            assert_eq!((bill.currency.as_str(), bill.carrier), ("EUR", 0.0));
            bill.stt
        };
        assert_eq!(cost("per_million_input_tokens = 3"), 3.0);
        assert_eq!(cost("per_minute = 2"), 4.0);
        assert_eq!(cost("per_minute = 2\nper_million_input_tokens = 3"), 3.0);
        assert_eq!(Used::of(heard).bill(&Prices::default()), None);
    }

    #[test]
    fn nothing_costs_nothing() {
        let prices = "currency = \"USD\"\n[[price]]\nof = \"a/b\"\nper_minute = 1\n";
        let bill = Used::default().bill(&Prices::parse(prices).unwrap());
        assert_eq!(bill.unwrap().total(), 0.0);
        assert!(Used::default().is_empty());
    }
}
