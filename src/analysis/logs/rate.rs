//! Counts over time in a bounded number of buckets: one minute each, wider once the span is too long.
//!
//! Buckets are aligned to the epoch, so the result does not depend on the order of the counted times.

use chrono::{DateTime, Utc};

/// `N` counters a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate<const N: usize> {
    /// Seconds a bucket is wide: 60 times a power of two.
    width: i64,
    /// Number of the first bucket since the epoch.
    start: i64,
    buckets: Vec<[u32; N]>,
}

/// One bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket<const N: usize> {
    pub from: DateTime<Utc>,
    pub seconds: i64,
    pub counts: [u32; N],
}

/// Two hours by the minute.
const BUCKETS: i64 = 120;

impl<const N: usize> Default for Rate<N> {
    fn default() -> Self {
        Self { width: 60, start: 0, buckets: Vec::new() }
    }
}

impl<const N: usize> Rate<N> {
    /// Counts one more of the kind `which`.
    pub fn add(&mut self, at: DateTime<Utc>, which: usize) {
        let second = at.timestamp();
        if self.buckets.is_empty() {
            self.start = second.div_euclid(self.width);
        }
        // Ends: every turn halves the span.
        let number = loop {
            let number = second.div_euclid(self.width);
            if number.max(self.last()) - number.min(self.start) < BUCKETS {
                break number;
            }
            self.widen();
        };
        if number < self.start {
            let before = usize::try_from(self.start - number).unwrap_or(0);
            self.buckets.splice(..0, std::iter::repeat_n([0; N], before));
            self.start = number;
        }
        let Ok(slot) = usize::try_from(number - self.start) else { return };
        if slot >= self.buckets.len() {
            self.buckets.resize(slot + 1, [0; N]);
        }
        if let Some(count) = self.buckets.get_mut(slot).and_then(|bucket| bucket.get_mut(which)) {
            *count = count.saturating_add(1);
        }
    }

    /// Number of the last bucket.
    fn last(&self) -> i64 {
        self.start + i64::try_from(self.buckets.len()).unwrap_or(BUCKETS).max(1) - 1
    }

    fn widen(&mut self) {
        let mut wide: Vec<[u32; N]> = Vec::with_capacity(self.buckets.len() / 2 + 1);
        let start = self.start.div_euclid(2);
        let odd = self.start.rem_euclid(2);
        for (at, bucket) in (odd..).zip(&self.buckets) {
            if at % 2 == 0 || wide.is_empty() {
                wide.push(*bucket);
            } else if let Some(last) = wide.last_mut() {
                for (sum, count) in last.iter_mut().zip(bucket) {
                    *sum = sum.saturating_add(*count);
                }
            }
        }
        *self = Self { width: self.width * 2, start, buckets: wide };
    }

    /// The buckets in which anything was counted, in order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket<N>> + '_ {
        (self.start..).zip(&self.buckets).filter(|(_, counts)| counts.iter().any(|c| *c > 0)).filter_map(
            |(number, counts)| {
                let from = DateTime::from_timestamp(number * self.width, 0)?;
                Some(Bucket { from, seconds: self.width, counts: *counts })
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(times: &[i64]) -> Vec<(i64, i64, u32)> {
        let mut rate = Rate::<1>::default();
        for second in times {
            rate.add(DateTime::from_timestamp(*second, 0).expect("time"), 0);
        }
        rate.buckets().map(|b| (b.from.timestamp(), b.seconds, b.counts[0])).collect()
    }

    #[test]
    fn a_short_span_is_counted_by_the_minute() {
        assert_eq!(counts(&[60, 61, 119, 120, 300]), [(60, 60, 3), (120, 60, 1), (300, 60, 1)]);
    }

    #[test]
    fn a_long_span_widens_the_buckets_and_loses_nothing() {
        let times: Vec<i64> = (0..10_000).map(|n| n * 60).collect();
        let found = counts(&times);
        assert!(found.len() <= 120 && found.iter().all(|(_, width, _)| *width == 60 * 128));
        assert_eq!(found.iter().map(|(_, _, count)| *count).sum::<u32>(), 10_000);
    }

    #[test]
    fn the_order_of_times_does_not_matter() {
        let forward: Vec<i64> = vec![5, 65, 7_000, 7_001, 90_000, 12_345_678];
        let mut backward = forward.clone();
        backward.reverse();
        assert_eq!(counts(&forward), counts(&backward));
    }

    #[test]
    fn times_before_the_epoch_are_times_too() {
        assert_eq!(counts(&[-1, 1]), [(-60, 60, 1), (0, 60, 1)]);
    }
}
