//! What happened to one URL over time: when its failures began, the last success before them, and when
//! it went from one upstream to another.
//!
//! Invariants: memory is constant; the order in which streams are read does not matter while nothing
//! was dropped. A run of failures is what no success of the same URL interrupts; answers that are
//! neither (redirects by the proxy, 401, 5xx) do not interrupt it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::rate::Rate;
use super::tally::{SAMPLE, Sample, sample_text};

/// How an access line was known to belong to the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostBasis {
    /// Only the path agrees; the line does not tell the host.
    PathOnly,
    /// The upstream is one that this host's rules name.
    Upstream,
    /// The host itself was logged, with the request or in the error log.
    Logged,
}

/// How a request ended, for the question asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A status that was asked for, usually 404.
    Failure,
    /// 2xx, or a redirect or 304 by the Service.
    Success,
    Other,
}

/// One request of the URL.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub at: Option<DateTime<Utc>>,
    pub outcome: Outcome,
    pub status: u16,
    pub upstream: Option<&'a [u8]>,
    pub basis: HostBasis,
    pub stream: usize,
    pub line: &'a [u8],
}

/// The requests of one URL, summed up.
#[derive(Debug, Default)]
pub struct History {
    events: Vec<Event>,
    /// Nothing before this is exact any more.
    forgotten_before: Option<DateTime<Utc>>,
    counts: [u64; 3],
    timeline: Rate<3>,
    answers: BTreeMap<(Box<[u8]>, u16), u64>,
    streams: BTreeMap<usize, [u64; 3]>,
}

/// Requests of one outcome and upstream in one stream and second, or a folded streak of them.
#[derive(Debug, Clone)]
struct Event {
    at: DateTime<Utc>,
    until: DateTime<Utc>,
    outcome: Outcome,
    upstream: Option<Box<[u8]>>,
    basis: HostBasis,
    stream: usize,
    weight: u64,
    line: Box<[u8]>,
}

const EVENTS: usize = 4096;
const ANSWERS: usize = 64;
/// Successes in a row that end a time of mixed answers.
const APART: u64 = 10;
const FLIPS: usize = 16;

/// What a history comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub failures: u64,
    pub successes: u64,
    pub others: u64,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    /// Failures, successes and others by the minute.
    pub timeline: Rate<3>,
    /// The latest run of failures.
    pub run: Option<Run>,
    pub last_success: Option<Sample>,
    /// The newest changes of upstream, in order, and how many there were.
    pub flips: Vec<Flip>,
    pub flips_total: u64,
    /// Answers by upstream and status, the most frequent first. An empty name: no upstream.
    pub answers: Vec<Answer>,
    /// Failures, successes and others of each stream.
    pub streams: Vec<(usize, [u64; 3])>,
    pub forgotten_before: Option<DateTime<Utc>>,
}

/// How often one upstream gave one status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub upstream: String,
    pub status: u16,
    pub count: u64,
}

/// Failures that no success interrupts.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub onset: DateTime<Utc>,
    pub last: DateTime<Utc>,
    pub failures: u64,
    /// The last success before it; `None` when the log has none.
    pub last_success: Option<DateTime<Utc>>,
    /// The first success after it: the run is over.
    pub ended: Option<DateTime<Utc>>,
    /// Failures and successes alternate since then (one replica of several fails, for example); the
    /// trouble then began here rather than at `onset`.
    pub mixed_since: Option<DateTime<Utc>>,
    /// The weakest of the lines that `onset` and `last_success` rest on.
    pub basis: HostBasis,
    /// The same of the last success alone.
    pub success_basis: Option<HostBasis>,
    pub sample: Sample,
}

/// The URL went from one upstream to another between two requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    pub after: DateTime<Utc>,
    pub at: DateTime<Utc>,
    pub from: String,
    pub to: String,
    pub basis: HostBasis,
    pub before: Sample,
    pub sample: Sample,
}

impl History {
    /// Takes one request in.
    pub fn add(&mut self, request: &Request<'_>) {
        let which = request.outcome as usize;
        let bump = |counts: &mut [u64; 3]| {
            if let Some(count) = counts.get_mut(which) {
                *count += 1;
            }
        };
        bump(&mut self.counts);
        bump(self.streams.entry(request.stream).or_default());
        let upstream = request.upstream.unwrap_or_default();
        let answers = self.answers.len();
        match self.answers.get_mut(&(Box::from(upstream), request.status)) {
            Some(count) => *count += 1,
            None if answers < ANSWERS => _ = self.answers.insert((upstream.into(), request.status), 1),
            None => {}
        }
        let Some(at) = request.at else { return };
        self.timeline.add(at, which);
        if let Some(last) = self.events.last_mut()
            && last.same_kind(request.outcome, request.upstream)
            && last.stream == request.stream
            && last.at.timestamp() == at.timestamp()
            && last.at <= at
        {
            last.weight += 1;
            last.until = last.until.max(at);
            last.basis = last.basis.min(request.basis);
            return;
        }
        if self.events.len() >= EVENTS {
            self.compact();
        }
        self.events.push(Event {
            at,
            until: at,
            outcome: request.outcome,
            upstream: request.upstream.map(Box::from),
            basis: request.basis,
            stream: request.stream,
            weight: 1,
            line: request.line.get(..SAMPLE).unwrap_or(request.line).into(),
        });
    }

    /// Folds the inner events of streaks; drops the oldest half when that is not enough.
    fn compact(&mut self) {
        self.events.sort_by_key(|event| event.at);
        let mut kept: Vec<Event> = Vec::with_capacity(EVENTS);
        // Whether the last kept event already stands for the rest of its streak.
        let mut closed = false;
        for event in self.events.drain(..) {
            match kept.last_mut() {
                Some(last) if last.same_kind(event.outcome, event.upstream.as_deref()) => {
                    if closed {
                        let weight = last.weight + event.weight;
                        *last = Event { weight, ..event };
                    } else {
                        kept.push(event);
                        closed = true;
                    }
                }
                _ => {
                    kept.push(event);
                    closed = false;
                }
            }
        }
        let surplus = kept.len().saturating_sub(EVENTS / 2);
        if surplus > 0 {
            self.forgotten_before = self.forgotten_before.max(kept.get(surplus).map(|event| event.at));
            kept.drain(..surplus);
        }
        self.events = kept;
    }

    /// Sums up.
    #[must_use]
    pub fn finish(mut self) -> Story {
        self.events.sort_by_key(|event| event.at);
        let (flips, flips_total) = flips(&self.events);
        let mut answers: Vec<Answer> = self
            .answers
            .into_iter()
            .map(|((upstream, status), count)| Answer {
                upstream: String::from_utf8_lossy(&upstream).into_owned(),
                status,
                count,
            })
            .collect();
        answers.sort_by(|a, b| {
            b.count.cmp(&a.count).then(a.upstream.cmp(&b.upstream)).then(a.status.cmp(&b.status))
        });
        let [failures, successes, others] = self.counts;
        Story {
            failures,
            successes,
            others,
            first: self.events.first().map(|event| event.at),
            last: self.events.iter().map(|event| event.until).max(),
            timeline: self.timeline,
            run: run(&self.events),
            last_success: self.events.iter().rev().find(|e| e.outcome == Outcome::Success).map(Event::sample),
            flips,
            flips_total,
            answers,
            streams: self.streams.into_iter().collect(),
            forgotten_before: self.forgotten_before,
        }
    }
}

impl Event {
    fn same_kind(&self, outcome: Outcome, upstream: Option<&[u8]>) -> bool {
        self.outcome == outcome && self.upstream.as_deref() == upstream
    }

    fn sample(&self) -> Sample {
        Sample { stream: self.stream, at: Some(self.at), line: sample_text(&self.line) }
    }

    fn upstream_name(&self) -> String {
        String::from_utf8_lossy(self.upstream.as_deref().unwrap_or_default()).into_owned()
    }
}

/// The latest run of failures among events in order.
fn run(events: &[Event]) -> Option<Run> {
    let last = events.iter().rposition(|event| event.outcome == Outcome::Failure)?;
    let (until_last, after) = events.split_at_checked(last + 1)?;
    let ended = after.iter().find(|event| event.outcome == Outcome::Success).map(|event| event.at);
    let success = until_last.iter().rposition(|event| event.outcome == Outcome::Success);
    let in_run = until_last.get(success.map_or(0, |at| at + 1)..)?;
    let failures = || in_run.iter().filter(|event| event.outcome == Outcome::Failure);
    let first = failures().next()?;
    let success = success.and_then(|at| until_last.get(at));
    let mixed = mixed_since(until_last).filter(|at| *at < first.at);
    Some(Run {
        onset: first.at,
        last: failures().map(|event| event.until).max()?,
        failures: failures().map(|event| event.weight).sum(),
        last_success: success.map(|event| event.until),
        ended,
        mixed_since: mixed,
        basis: success.map_or(first.basis, |event| event.basis.min(first.basis)),
        success_basis: success.map(|event| event.basis),
        sample: first.sample(),
    })
}

/// The first failure of the latest time in which fewer than [`APART`] successes stood between failures.
fn mixed_since(events: &[Event]) -> Option<DateTime<Utc>> {
    let mut since = None;
    let mut between = 0;
    for event in events.iter().rev() {
        match event.outcome {
            Outcome::Failure => {
                since = Some(event.at);
                between = 0;
            }
            Outcome::Success => {
                between += event.weight;
                if between >= APART {
                    break;
                }
            }
            Outcome::Other => {}
        }
    }
    since
}

fn flips(events: &[Event]) -> (Vec<Flip>, u64) {
    let mut found = std::collections::VecDeque::new();
    let mut total = 0;
    let mut named = events.iter().filter(|event| event.upstream.is_some());
    let Some(mut before) = named.next() else { return (Vec::new(), 0) };
    for event in named {
        if event.upstream != before.upstream {
            total += 1;
            if found.len() == FLIPS {
                found.pop_front();
            }
            found.push_back((before, event));
        }
        before = event;
    }
    let flip = |(before, event): (&Event, &Event)| Flip {
        after: before.until,
        at: event.at,
        from: before.upstream_name(),
        to: event.upstream_name(),
        basis: before.basis.min(event.basis),
        before: before.sample(),
        sample: event.sample(),
    };
    (found.into_iter().map(flip).collect(), total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("time")
    }

    /// `second:status[:upstream[:stream]]`, separated by blanks.
    fn story(events: &str) -> Story {
        let mut history = History::default();
        for event in events.split_whitespace() {
            let parts: Vec<&str> = event.split(':').collect();
            let status: u16 = parts[1].parse().expect("status");
            history.add(&Request {
                at: Some(time(parts[0].parse().expect("second"))),
                outcome: match status {
                    404 => Outcome::Failure,
                    200 => Outcome::Success,
                    _ => Outcome::Other,
                },
                status,
                upstream: parts.get(2).filter(|u| !u.is_empty()).map(|u| u.as_bytes()),
                basis: HostBasis::Logged,
                stream: parts.get(3).map_or(0, |s| s.parse().expect("stream")),
                line: event.as_bytes(),
            });
        }
        history.finish()
    }

    fn onset(events: &str) -> (i64, Option<i64>, u64) {
        let run = story(events).run.expect("run");
        (run.onset.timestamp(), run.last_success.map(|at| at.timestamp()), run.failures)
    }

    #[test]
    fn the_onset_is_the_first_failure_of_the_latest_run() {
        assert_eq!(onset("10:404 20:200 30:404 40:404"), (30, Some(20), 2));
        assert_eq!(onset("10:404 20:404"), (10, None, 2));
        assert_eq!(onset("10:200 20:404 30:308 40:503 50:404"), (20, Some(10), 2));
    }

    #[test]
    fn streams_may_be_read_in_any_order() {
        assert_eq!(onset("30:404::1 40:404::1 10:404::0 20:200::0"), (30, Some(20), 2));
    }

    #[test]
    fn a_success_after_the_run_ends_it() {
        let run = story("10:200 20:404 30:200 40:200").run.expect("run");
        assert_eq!((run.onset, run.ended), (time(20), Some(time(30))));
        assert_eq!(story("10:200 20:404").run.expect("run").ended, None);
        assert_eq!(story("10:200 20:503").run, None);
    }

    #[test]
    fn alternating_answers_are_one_trouble() {
        let events = |from: u32, to: u32, status: fn(u32) -> u16| {
            (from..to).map(|n| format!("{n}:{}", status(n))).collect::<Vec<_>>().join(" ")
        };
        let good = events(0, 20, |_| 200);
        let mixed = events(20, 40, |n| if n % 2 == 0 { 404 } else { 200 });
        let run = story(&format!("{good} {mixed} 50:404")).run.expect("run");
        assert_eq!((run.onset, run.mixed_since), (time(50), Some(time(20))));
        assert_eq!(story(&format!("{good} 50:404 51:404")).run.expect("run").mixed_since, None);
    }

    #[test]
    fn a_change_of_upstream_is_a_flip() {
        let story = story("10:200:shop-web-80 20:200:shop-web-80 25:301 30:404:upstream-default-backend");
        assert_eq!(story.flips_total, 1);
        let flip = &story.flips[0];
        assert_eq!((flip.after, flip.at), (time(20), time(30)));
        assert_eq!((flip.from.as_str(), flip.to.as_str()), ("shop-web-80", "upstream-default-backend"));
        assert_eq!(flip.sample.line, "30:404:upstream-default-backend");
    }

    #[test]
    fn a_busy_url_is_kept_in_constant_memory() {
        let mut history = History::default();
        let mut add = |second: i64, outcome: Outcome, status: u16| {
            history.add(&Request {
                at: Some(time(second)),
                outcome,
                status,
                upstream: None,
                basis: HostBasis::Logged,
                stream: 0,
                line: b"x",
            });
        };
        for second in 0..100_000 {
            add(second, Outcome::Success, 200);
        }
        for second in 100_000..200_000 {
            add(second, Outcome::Failure, 404);
        }
        assert!(history.events.len() <= EVENTS);
        let run = history.finish().run.expect("run");
        assert_eq!((run.onset, run.last_success, run.failures), (time(100_000), Some(time(99_999)), 100_000));
    }

    #[test]
    fn what_had_to_be_dropped_is_said() {
        let mut history = History::default();
        for second in 0..20_000 {
            let (outcome, status) =
                if second % 2 == 0 { (Outcome::Success, 200) } else { (Outcome::Failure, 404) };
            history.add(&Request {
                at: Some(time(second)),
                outcome,
                status,
                upstream: None,
                basis: HostBasis::Logged,
                stream: 0,
                line: b"x",
            });
        }
        let story = history.finish();
        assert!(story.forgotten_before.is_some());
        assert_eq!((story.failures, story.successes), (10_000, 10_000));
        assert_eq!(story.run.expect("run").onset, time(19_999));
    }
}
