//! Percentiles.

use serde::Serialize;

/// How values are spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub count: usize,
    /// Half of them are at most this.
    pub p50: f64,
    /// 95 % of them are at most this.
    pub p95: f64,
    /// 99 % of them are at most this.
    pub p99: f64,
    /// All of them are at most this.
    pub worst: f64,
}

impl Spread {
    /// Of these values by nearest rank: each percentile is one of the values. `None` of none.
    #[must_use]
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let worst = *values.last()?;
        let at = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            values[rank.clamp(1, values.len()) - 1]
        };
        Some(Self {
            count: values.len(),
            p50: at(0.50),
            p95: at(0.95),
            p99: at(0.99),
            worst,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let spread = Spread::of((1..=200).rev().map(f64::from).collect()).unwrap();
        assert_eq!(
            (spread.p50, spread.p95, spread.p99, spread.worst),
            (100.0, 190.0, 198.0, 200.0)
        );
        let one = Spread::of(vec![7.0]).unwrap();
        assert_eq!((one.count, one.p50, one.p99, one.worst), (1, 7.0, 7.0, 7.0));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    proptest! {
        #[test]
        fn they_grow_and_are_among_the_values(values in prop::collection::vec(0.0..1e6f64, 1..300)) {
            let spread = Spread::of(values.clone()).unwrap();
            prop_assert!(spread.p50 <= spread.p95 && spread.p95 <= spread.p99 && spread.p99 <= spread.worst);
            let below = values.iter().filter(|&&value| value <= spread.p95).count();
            prop_assert!(below * 100 >= values.len() * 95);
            prop_assert!(values.contains(&spread.p50) && values.contains(&spread.p99));
        }
    }
}
