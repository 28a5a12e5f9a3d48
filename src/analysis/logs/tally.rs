//! Counts of many kinds of lines in constant memory.
//!
//! When there are twice as many kinds as may be kept, the rarest half is folded into one sum that says
//! so. A kind that becomes frequent later is counted from then on, so what dominates a log is always
//! there; its count may lack lines from before the last folding, never more than `folded.lines` in all.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::rate::Rate;

/// A line kept as an example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Number of the stream it was read from, as the caller counts them.
    pub stream: usize,
    pub at: Option<DateTime<Utc>>,
    /// Verbatim without the kubelet's stamp, at most [`SAMPLE`] bytes.
    pub line: String,
}

/// Bytes of a line that are kept: more than is ever shown, for secrets are taken out of it first.
pub const SAMPLE: usize = 2048;

/// What was counted of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Tallied<K> {
    pub key: K,
    pub count: u64,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    pub rate: Rate<1>,
    /// The earliest and the latest line. Nothing else than time chooses them: a line without its secrets
    /// has another length, and must stand for the same ones.
    pub samples: Vec<Sample>,
    /// The newest times, in order; empty where none were asked for.
    pub recent: Vec<DateTime<Utc>>,
}

/// What was folded away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Kinds folded, a kind that came back counting again.
    pub kinds: u64,
    pub lines: u64,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
}

/// A bounded set of counters.
#[derive(Debug)]
pub struct Tally<K> {
    entries: HashMap<Box<[u8]>, Entry<K>>,
    capacity: usize,
    recent: usize,
    folded: Folded,
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    count: u64,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    rate: Rate<1>,
    early: Kept,
    late: Kept,
    recent: Vec<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Kept {
    stream: usize,
    at: Option<DateTime<Utc>>,
    bytes: Vec<u8>,
}

impl<K> Tally<K> {
    /// Keeps `capacity` kinds for sure, twice as many at most, and the newest `recent` times of each.
    #[must_use]
    pub fn new(capacity: usize, recent: usize) -> Self {
        Self { entries: HashMap::new(), capacity: capacity.max(1), recent, folded: Folded::default() }
    }

    /// Counts one line. `id` tells kinds apart; `key` is asked for when the kind is new.
    pub fn add(
        &mut self,
        id: &[u8],
        key: impl FnOnce() -> K,
        at: Option<DateTime<Utc>>,
        stream: usize,
        line: &[u8],
    ) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.add(at, stream, line, self.recent);
            return;
        }
        if self.entries.len() >= self.capacity * 2 {
            self.fold();
        }
        let mut entry = Entry {
            key: key(),
            count: 0,
            first: None,
            last: None,
            rate: Rate::default(),
            early: Kept::default(),
            late: Kept::default(),
            recent: Vec::new(),
        };
        entry.add(at, stream, line, self.recent);
        self.entries.insert(id.into(), entry);
    }

    fn fold(&mut self) {
        let mut order: Vec<(u64, &[u8])> =
            self.entries.iter().map(|(id, e)| (e.count, id.as_ref())).collect();
        order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let rare: Vec<Box<[u8]>> = order.iter().skip(self.capacity).map(|(_, id)| (*id).into()).collect();
        for id in rare {
            let Some(entry) = self.entries.remove(&id) else { continue };
            self.folded.kinds += 1;
            self.folded.lines += entry.count;
            self.folded.first = earlier(self.folded.first, entry.first);
            self.folded.last = self.folded.last.max(entry.last);
        }
    }

    /// The most frequent first, then by `id`; at most `capacity`.
    #[must_use]
    pub fn finish(mut self) -> (Vec<Tallied<K>>, Folded) {
        if self.entries.len() > self.capacity {
            self.fold();
        }
        let mut entries: Vec<(Box<[u8]>, Entry<K>)> = self.entries.into_iter().collect();
        entries.sort_unstable_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(&b.0)));
        (entries.into_iter().map(|(_, entry)| entry.finish(self.recent)).collect(), self.folded)
    }
}

impl<K> Entry<K> {
    fn add(&mut self, at: Option<DateTime<Utc>>, stream: usize, line: &[u8], recent: usize) {
        let new = self.count == 0;
        self.count += 1;
        if let Some(at) = at {
            self.rate.add(at, 0);
            if recent > 0 {
                self.recent.push(at);
                if self.recent.len() > recent * 2 {
                    keep_newest(&mut self.recent, recent);
                }
            }
        }
        if new || at.is_some() && (self.early.at.is_none() || at < self.early.at) {
            self.early.set(stream, at, line);
        }
        if new || at > self.late.at {
            self.late.set(stream, at, line);
        }
        self.first = earlier(self.first, at);
        self.last = self.last.max(at);
    }

    fn finish(mut self, recent: usize) -> Tallied<K> {
        keep_newest(&mut self.recent, recent);
        let mut samples = vec![self.early.finish()];
        let late = self.late.finish();
        if !samples.contains(&late) {
            samples.push(late);
        }
        Tallied {
            key: self.key,
            count: self.count,
            first: self.first,
            last: self.last,
            rate: self.rate,
            samples,
            recent: self.recent,
        }
    }
}

impl Kept {
    fn set(&mut self, stream: usize, at: Option<DateTime<Utc>>, line: &[u8]) {
        self.stream = stream;
        self.at = at;
        self.bytes.clear();
        self.bytes.extend_from_slice(line.get(..SAMPLE).unwrap_or(line));
    }

    fn finish(self) -> Sample {
        Sample { stream: self.stream, at: self.at, line: sample_text(&self.bytes) }
    }
}

/// The part of a line that is kept.
#[must_use]
pub fn sample_text(line: &[u8]) -> String {
    let kept = line.get(..SAMPLE).unwrap_or(line);
    match std::str::from_utf8(kept) {
        // The cut went through a character.
        Err(error) if kept.len() < line.len() && error.error_len().is_none() => {
            String::from_utf8_lossy(kept.get(..error.valid_up_to()).unwrap_or_default()).into_owned()
        }
        Ok(_) | Err(_) => String::from_utf8_lossy(kept).into_owned(),
    }
}

fn keep_newest(times: &mut Vec<DateTime<Utc>>, keep: usize) {
    times.sort_unstable();
    let surplus = times.len().saturating_sub(keep);
    times.drain(..surplus);
}

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(second, 0)
    }

    #[test]
    fn frequent_kinds_survive_a_flood_of_rare_ones() {
        let mut tally = Tally::new(10, 0);
        for n in 0..5_000_u32 {
            let id = format!("/scan/{n}");
            tally.add(id.as_bytes(), || id.clone(), time(i64::from(n)), 0, b"x");
            if n > 2_000 {
                tally.add(b"/api", || "/api".to_owned(), time(i64::from(n)), 0, b"y");
            }
        }
        let (kinds, folded) = tally.finish();
        assert_eq!((kinds.len(), kinds[0].key.as_str(), kinds[0].count), (10, "/api", 2_999));
        assert_eq!(folded.lines + kinds.iter().map(|kind| kind.count).sum::<u64>(), 7_999);
    }

    #[test]
    fn the_earliest_and_the_latest_line_are_kept_whatever_the_order() {
        for order in [[1, 2, 3], [3, 1, 2], [2, 3, 1]] {
            let mut tally = Tally::new(4, 2);
            for second in order {
                let line = format!("line {second}");
                tally.add(b"k", || (), time(second), 0, line.as_bytes());
            }
            let (kinds, _) = tally.finish();
            let lines: Vec<&str> = kinds[0].samples.iter().map(|s| s.line.as_str()).collect();
            assert_eq!(lines, ["line 1", "line 3"]);
            assert_eq!((kinds[0].first, kinds[0].last), (time(1), time(3)));
            assert_eq!(kinds[0].recent, [time(2).expect("time"), time(3).expect("time")]);
        }
    }

    #[test]
    fn how_long_a_line_is_decides_nothing() {
        let kept = |lines: [&str; 3]| {
            let mut tally = Tally::new(4, 0);
            for (second, line) in (1..).zip(lines) {
                tally.add(b"k", || (), time(second), 0, line.as_bytes());
            }
            let (kinds, _) = tally.finish();
            kinds[0].samples.iter().map(|sample| sample.at).collect::<Vec<_>>()
        };
        let long = "x".repeat(4000);
        let times = [time(1), time(3)];
        for lines in [["a", &long, "b"], [&long, "a", "b"], ["a", "b", &long], [&long, "a", &long]] {
            assert_eq!(kept(lines), times);
        }
    }

    #[test]
    fn samples_are_cut_at_a_character() {
        assert_eq!(
            sample_text(format!("x{}", "ä".repeat(2000)).as_bytes()),
            format!("x{}", "ä".repeat(1023))
        );
        assert_eq!(sample_text(&[0xff; 10]).chars().count(), 10);
    }
}
