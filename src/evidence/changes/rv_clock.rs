//! Resource versions as a clock: one counter per etcd, so that a version without a time lies between
//! the times of its neighbours.
//!
//! Points that do not fit the order are dropped: an object whose newest recorded write is older than the
//! version at hand (a removal leaves no entry), a skewed clock, or Events that live in an etcd of their
//! own and count by themselves.
//! Source: etcd's revisions; apimachinery `CompareResourceVersion` @ v1.36.

use chrono::{DateTime, Utc};

use crate::model::event::{Event, Lease};
use crate::model::object::{Kind, Object, ObjectMeta};
use crate::model::snapshot::{Listing, Snapshot};

/// A version and the time of its write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RvPoint {
    pub version: u64,
    pub at: DateTime<Utc>,
    pub kind: Kind,
}

/// Points in order of version, their times never falling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RvClock {
    points: Vec<(u64, DateTime<Utc>)>,
}

/// Events that fit to less than this share of their number count by another etcd.
const FITTING_EVENTS: (usize, usize) = (9, 10);

/// Builds the clock from every (version, time) that is known, in any order.
pub fn rv_clock(points: impl IntoIterator<Item = RvPoint>) -> RvClock {
    let (events, others): (Vec<RvPoint>, Vec<RvPoint>) =
        points.into_iter().partition(|point| point.kind == Kind::Event);
    let mut clock = RvClock { points: rising(others) };
    if clock.points.is_empty() {
        return RvClock { points: rising(events) };
    }
    let total = events.len();
    let fitting: Vec<RvPoint> = events.into_iter().filter(|event| clock.fits(event)).collect();
    let (share, whole) = FITTING_EVENTS;
    if 0 < total && total.saturating_mul(share) <= fitting.len().saturating_mul(whole) {
        let known = clock.points.iter().map(|(version, at)| RvPoint {
            version: *version,
            at: *at,
            kind: Kind::Event,
        });
        clock.points = rising(known.chain(fitting).collect());
    }
    clock
}

impl RvClock {
    /// The latest known time at or before this version, and the earliest at or after it.
    pub fn bracket(&self, version: u64) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let after = self.points.partition_point(|(known, _)| *known <= version);
        let from = self.points.partition_point(|(known, _)| *known < version);
        let before = after.checked_sub(1).and_then(|index| self.points.get(index));
        (before.map(|(_, at)| *at), self.points.get(from).map(|(_, at)| *at))
    }

    fn fits(&self, point: &RvPoint) -> bool {
        let (from, to) = self.bracket(point.version);
        from.is_none_or(|from| from <= point.at) && to.is_none_or(|to| point.at <= to)
    }
}

/// The longest part of the points whose times never fall with rising versions.
fn rising(mut points: Vec<RvPoint>) -> Vec<(u64, DateTime<Utc>)> {
    points.sort();
    points.dedup();
    // Patience: `tails[n]` is the point with the earliest time that ends a row of n + 1 points.
    let mut tails: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(points.len());
    let time = |index: &usize| points.get(*index).map(|point| point.at);
    for (index, point) in points.iter().enumerate() {
        let row = tails.partition_point(|tail| time(tail) <= Some(point.at));
        previous.push(row.checked_sub(1).and_then(|row| tails.get(row).copied()));
        match tails.get_mut(row) {
            Some(tail) => *tail = index,
            None => tails.push(index),
        }
    }
    let mut kept = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(index) = next {
        kept.extend(points.get(index).map(|point| (point.version, point.at)));
        next = previous.get(index).copied().flatten();
    }
    kept.reverse();
    kept
}

/// The points that the objects of a snapshot give.
pub fn points(snapshot: &Snapshot) -> Vec<RvPoint> {
    let mut found = Vec::new();
    of_writes(&snapshot.ingresses, &mut found);
    of_writes(&snapshot.classes, &mut found);
    of_writes(&snapshot.services, &mut found);
    of_writes(&snapshot.slices, &mut found);
    of_writes(&snapshot.pods, &mut found);
    of_writes(&snapshot.workloads, &mut found);
    of_writes(&snapshot.revisions, &mut found);
    let events = snapshot.events.items().iter();
    found.extend(events.filter_map(|event: &Event| point(Kind::Event, &event.meta, event.last?)));
    let leases = snapshot.leases.items().iter();
    found.extend(leases.filter_map(|lease: &Lease| point(Kind::Lease, &lease.meta, lease.renewed?)));
    found
}

fn of_writes<T: Object>(listing: &Listing<T>, found: &mut Vec<RvPoint>) {
    let written = listing.items().iter().filter_map(|object| {
        point(object.kind(), object.meta(), super::version::newest_write(object.meta())?)
    });
    found.extend(written);
}

/// The point of one object last written at this time.
pub(super) fn point(kind: Kind, meta: &ObjectMeta, at: DateTime<Utc>) -> Option<RvPoint> {
    Some(RvPoint { version: meta.resource_version.parse().ok()?, at, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).expect("in range")
    }

    fn of(kind: Kind, points: &[(u64, i64)]) -> Vec<RvPoint> {
        points
            .iter()
            .map(|(version, seconds)| RvPoint { version: *version, at: at(*seconds), kind })
            .collect()
    }

    fn check(clock: &RvClock, version: u64, from: Option<i64>, to: Option<i64>) {
        assert_eq!(clock.bracket(version), (from.map(at), to.map(at)), "version {version}");
    }

    #[test]
    fn a_version_lies_between_its_neighbours() {
        let clock = rv_clock(of(Kind::Pod, &[(30, 300), (10, 100), (20, 200)]));
        check(&clock, 15, Some(100), Some(200));
        check(&clock, 20, Some(200), Some(200));
        check(&clock, 5, None, Some(100));
        check(&clock, 99, Some(300), None);
        check(&RvClock::default(), 5, None, None);
    }

    #[test]
    fn points_that_do_not_fit_the_order_are_dropped() {
        // Version 25 was a removal: its object still tells of a write long before.
        let clock = rv_clock(of(Kind::Pod, &[(10, 100), (20, 200), (25, 7), (30, 300), (12, 9_999)]));
        check(&clock, 25, Some(200), Some(300));
        check(&clock, 12, Some(100), Some(200));
    }

    #[test]
    fn events_of_another_etcd_are_dropped_and_fitting_ones_kept() {
        let objects = || of(Kind::Pod, &[(1000, 100), (2000, 200), (3000, 300)]);
        let own = of(Kind::Event, &[(1400, 140), (1600, 160)]);
        check(&rv_clock(objects().into_iter().chain(own)), 1500, Some(140), Some(160));
        let other: Vec<(u64, i64)> =
            (0..50).map(|n| (1000 + n, 250 + i64::try_from(n).expect("small"))).collect();
        let other = of(Kind::Event, &other);
        check(&rv_clock(objects().into_iter().chain(other)), 1500, Some(100), Some(200));
    }

    #[test]
    fn with_nothing_but_events_they_are_the_clock() {
        check(&rv_clock(of(Kind::Event, &[(1, 10), (3, 30)])), 2, Some(10), Some(30));
    }

    proptest::proptest! {
        #[test]
        fn brackets_never_cross_whatever_the_points(
            points in proptest::collection::vec((0_u64..200, 0_i64..200, proptest::bool::ANY), 0..60),
            version in 0_u64..200,
        ) {
            let made = |points: &[(u64, i64, bool)]| rv_clock(points.iter().map(|(version, seconds, event)| RvPoint {
                version: *version,
                at: at(*seconds),
                kind: if *event { Kind::Event } else { Kind::Pod },
            }));
            let clock = made(&points);
            let (from, to) = clock.bracket(version);
            if let (Some(from), Some(to)) = (from, to) {
                proptest::prop_assert!(from <= to || clock.points.iter().any(|(known, _)| *known == version));
            }
            let mut reversed = points.clone();
            reversed.reverse();
            proptest::prop_assert_eq!(made(&reversed), clock);
        }
    }
}
