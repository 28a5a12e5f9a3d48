//! The controllers' access log: the same request going elsewhere than before.
//!
//! Precision: the distance between the two requests. Coverage: the lines that were read; never complete.
//! Blind spots: paths nobody asked for, and requests that are not logged.
//!
//! A flip is the effect of a change, whichever it was: it dates the change and proves none.

use super::{Input, brief, seconds_between};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage};
use crate::model::gap::Why;
use crate::model::object::{Kind, ObjectKey};

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let log = input.log;
    let found = log.flips.iter().map(|flip| Change {
        at: flip.first_after,
        precision_s: seconds_between(flip.last_before, flip.first_after),
        object: ObjectKey::new(Kind::Pod, &flip.line.stream.namespace, &flip.line.stream.pod),
        aspect: Aspect::Decision,
        act: Act::Flipped,
        field: String::new(),
        rule: None,
        before: Some(brief::clip(&flip.before)),
        after: Some(brief::clip(&flip.after)),
        by: None,
        via: ChangeSource::AccessLog,
    });
    let coverage = SourceCoverage {
        source: ChangeSource::AccessLog,
        from: log.streams.iter().filter_map(|stream| stream.first).min(),
        to: log.streams.iter().filter_map(|stream| stream.last).max(),
        unseen: match &log.unread {
            Some(why) => Some(why.clone()),
            None if log.streams.is_empty() => Some(Why::NotCaptured),
            None => None,
        },
        complete: Vec::new(),
        blind_to: vec![Blind::UnseenRequests],
    };
    (found.collect(), coverage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::analysis::changes::log_facts::{Flip, Line};

    #[test]
    fn a_flip_lies_between_the_two_requests() {
        let flip = Flip {
            last_before: t("11:58"),
            before: "shop-web-80".to_owned(),
            first_after: t("11:58:20"),
            after: "upstream-default-backend".to_owned(),
            line: Line { stream: stream("nginx-1"), text: String::new() },
        };
        let snapshot = noon();
        let log = LogFacts { flips: vec![flip], ..LogFacts::default() };
        assert_eq!(
            told(&over(&snapshot, &log), ChangeSource::AccessLog),
            ["11:58:20±20 Decision Flipped Pod ctl/nginx-1: shop-web-80 => upstream-default-backend"]
        );
    }
}
