//! What changed before the 404s began: the six hypotheses of the runbook, held against every change
//! that was seen, and the review list for when none of them explains it.
//!
//! A hypothesis is *found* when a change that bears on it and touches the request falls into its
//! window, *not found* only when a source that would have shown such a change covers the whole window,
//! and otherwise *could not be seen*. Coincidence is not cause: where past versions allow it, the
//! request is decided again on the state before and after each change.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::changes::{Gathered, Input};
use crate::model::change::{Change, ChangeSource, SourceCoverage};
use crate::model::ingress::Ingress;
use crate::model::ingress_class::IngressClass;
use crate::model::log::Window;
use crate::model::object::ObjectKey;
use crate::model::service::Service;
use crate::model::verdict::Confidence;

mod coverage;
mod ended;
pub mod hypothesis;
mod merge;
mod onset;
mod rank;
mod relevance;
pub mod review;
mod world;

pub use ended::Ended;
use hypothesis::Bearing;
pub use hypothesis::Hypothesis;
use relevance::Neighbourhood;
use world::Past;

/// Everything a correlation needs.
#[derive(Debug, Clone, Copy)]
pub struct Correlation<'a> {
    pub input: Input<'a>,
    /// From `changes::gather`, possibly with changes of further sources.
    pub gathered: &'a Gathered,
    pub victim: &'a Victim,
    /// When the 404s began, if the caller knows; else the logs tell.
    pub onset: Option<DateTime<Utc>>,
    /// The hypotheses asked for; empty: all six.
    pub hypotheses: &'a BTreeSet<Hypothesis>,
    /// How often the windows double while nothing is found.
    pub max_widenings: u32,
    /// Decides the request again on past states.
    pub what_if: Option<&'a dyn WhatIf>,
    /// Conflicts that concern the request; `None`: not looked for.
    pub conflicts: Option<usize>,
    pub dns: &'a [DnsEntry],
}

/// The failing request and what it is known to pass through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Victim {
    pub host: String,
    pub path: String,
    /// Ingresses, Services and workloads the request passes through now, or passed through before.
    pub objects: BTreeSet<ObjectKey>,
    /// The workloads of the controllers that serve it; empty: every controller of the snapshot.
    pub controllers: BTreeSet<ObjectKey>,
}

/// A name the caller resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DnsEntry {
    pub name: String,
    pub addresses: Vec<String>,
    pub at: Option<DateTime<Utc>>,
}

/// The routing state at one moment, as far as the snapshot and the replays tell; sorted by name.
#[derive(Debug, Clone, Default)]
pub struct World<'a> {
    pub ingresses: Vec<&'a Ingress>,
    pub classes: Vec<&'a IngressClass>,
    pub services: Vec<&'a Service>,
}

/// Decides the failing request on another state of the cluster.
pub trait WhatIf: std::fmt::Debug {
    /// The decision in short, such as `routed shop/web:80` or `no_route 404`; `None` when it cannot
    /// be decided. Equal texts mean equal decisions.
    fn decide(&self, world: &World<'_>, at: DateTime<Utc>) -> Option<String>;
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlated {
    pub onset: Onset,
    /// In the fixed order of the hypotheses.
    pub hypotheses: Vec<Tested>,
    pub review: Vec<review::Reviewed>,
    pub coverage: Vec<SourceCoverage>,
    /// Every distinct change that touches the request within the widest window, oldest first.
    pub timeline: Vec<Suspect>,
    /// The Ingresses that are gone, whenever they went.
    pub ended: Vec<Ended>,
}

/// When the 404s began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onset {
    pub at: DateTime<Utc>,
    pub confidence: Confidence,
    pub basis: OnsetBasis,
    /// The last other answer of the same request before it.
    pub last_success: Option<DateTime<Utc>>,
}

/// What the onset rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnsetBasis {
    /// The caller said so.
    Given,
    /// The first 404 of the current run in the access log.
    AccessLog,
    /// Nothing tells: the moment of the question stands in for it.
    Assumed,
}

/// A hypothesis, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    pub hypothesis: Hypothesis,
    pub outcome: Outcome,
    pub window: Window,
    /// How often the window was doubled.
    pub widened: u32,
    /// Changes within the window that bear on the hypothesis, most suspicious first. Those that do not
    /// touch the request come last and do not make it found.
    pub changes: Vec<Suspect>,
    /// How many there are of those, shown or not.
    pub unrelated: usize,
    /// Changes that touch the request and may be such a change, without proof.
    pub hints: Vec<Suspect>,
    pub because: Because,
}

/// Three-valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Found,
    NotFound,
    CannotSee,
}

impl Outcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NotFound => "not_found",
            Self::CannotSee => "cannot_see",
        }
    }
}

/// Why the outcome is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// So many changes in the window touch the request.
    Changes(usize),
    /// These sources would have shown such a change and cover the whole window.
    Covered(Vec<ChangeSource>),
    /// No source that would have shown such a change covers the whole window.
    NotCovered(Vec<Shortfall>),
}

/// A source that could have proved silence and did not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shortfall {
    pub source: ChangeSource,
    pub lack: Lack,
}

/// What is missing of a source's coverage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Not there, or it could not be read.
    Unread(Option<crate::model::gap::Why>),
    /// It reaches back to here only.
    Since(DateTime<Utc>),
    /// It ends before the 404s began.
    Until(DateTime<Utc>),
    /// It was read, but its bounds are not known, or only part of the objects was.
    Partial,
}

/// A change in the light of the onset and the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub change: Change,
    /// Other sources that saw the same change.
    pub also: Vec<ChangeSource>,
    /// From the change to the onset; never negative: skew after the onset reads as 0.
    pub seconds_to_onset: u64,
    pub touch: Touch,
    /// What the request met before and after, where past versions tell.
    pub decision_before: Option<String>,
    pub decision_after: Option<String>,
    /// The request was still answered after the change; `None` when unknown.
    pub answered_after: Option<bool>,
}

impl Suspect {
    /// Whether the change has to do with the request.
    #[must_use]
    pub fn touches_request(&self) -> bool {
        self.touch != Touch::Unrelated || self.decision_differs()
    }

    /// Whether the request is decided otherwise after the change than before.
    #[must_use]
    pub fn decision_differs(&self) -> bool {
        match (&self.decision_before, &self.decision_after) {
            (Some(before), Some(after)) => before != after,
            _ => false,
        }
    }
}

/// How close a change comes to the request; closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touch {
    /// The very object and field the request passes through.
    Exact,
    /// The same host, or what surrounds the request.
    Near,
    Unrelated,
}

/// Clocks differ a little, and times are kept in whole seconds: a cause may seem to follow its effect.
const SLACK: Duration = Duration::seconds(10);
/// The windows are not doubled more often than this.
const MAX_WIDENINGS: u32 = 6;
/// Changes that do not touch the request, kept per hypothesis.
const MAX_UNRELATED: usize = 5;
/// Moments for which the request is decided again, before and after.
const MAX_DECIDED: usize = 12;

/// Holds the hypotheses against the changes.
#[must_use]
pub fn correlate(correlation: &Correlation<'_>) -> Correlated {
    let input = &correlation.input;
    let onset = onset::choose(correlation.onset, input.log, input.snapshot.now);
    let past = Past::new(input);
    let near = Neighbourhood::new(input.snapshot, &past, correlation.victim);
    let widest = window(Hypothesis::Rollout, &onset, correlation.max_widenings.min(MAX_WIDENINGS));
    let coverage = &correlation.gathered.coverage;
    let within = correlation.gathered.changes.iter().filter(|change| overlaps(change, &widest));
    let mut suspects: Vec<Suspect> = merge::merge(within)
        .into_iter()
        .filter(|merged| !coverage::refuted(&merged.change, coverage))
        .map(|merged| rank::suspect(merged, &onset, &near))
        .collect();
    if let Some(what_if) = correlation.what_if {
        rank::decide(&mut suspects, &past, what_if, MAX_DECIDED);
    }
    suspects.sort_by(rank::order);

    let asked = |hypothesis: &Hypothesis| {
        correlation.hypotheses.is_empty() || correlation.hypotheses.contains(hypothesis)
    };
    let mut hypotheses = Vec::new();
    for widened in 0..=correlation.max_widenings.min(MAX_WIDENINGS) {
        hypotheses = Hypothesis::ALL
            .into_iter()
            .filter(asked)
            .map(|hypothesis| test(hypothesis, &onset, widened, &suspects, coverage, &near))
            .collect();
        if hypotheses.iter().any(|tested: &Tested| tested.outcome == Outcome::Found) {
            break;
        }
    }
    let shown = hypotheses.iter().map(|tested: &Tested| tested.window.from).min().unwrap_or(widest.from);
    let shown = Window { from: shown, to: onset.at };
    suspects.retain(|suspect| suspect.touches_request() && overlaps(&suspect.change, &shown));
    suspects.sort_by(|a, b| merge::by_time(&a.change, &b.change));
    Correlated {
        ended: ended::ended(correlation, &onset, &near, &past),
        review: review::review(correlation, &onset, &near),
        onset,
        hypotheses,
        coverage: coverage.clone(),
        timeline: suspects,
    }
}

fn window(hypothesis: Hypothesis, onset: &Onset, widened: u32) -> Window {
    let span = hypothesis.window() * 2_i32.saturating_pow(widened);
    Window { from: onset.at.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC), to: onset.at }
}

/// Whether the change may have happened in the window, or within the slack after it.
fn overlaps(change: &Change, window: &Window) -> bool {
    let end = window.to.checked_add_signed(SLACK).unwrap_or(window.to);
    window.from <= change.at && merge::earliest(change) <= end
}

fn test(
    hypothesis: Hypothesis,
    onset: &Onset,
    widened: u32,
    suspects: &[Suspect],
    coverage: &[SourceCoverage],
    near: &Neighbourhood<'_>,
) -> Tested {
    let window = window(hypothesis, onset, widened);
    let length = (window.to - window.from).num_seconds();
    let (mut changes, mut hints, mut unrelated) = (Vec::new(), Vec::new(), Vec::new());
    for suspect in suspects.iter().filter(|suspect| overlaps(&suspect.change, &window)) {
        let Some(bearing) = hypothesis.bearing(&suspect.change) else { continue };
        // What may have happened long before the window does not prove anything about it.
        let dated = i64::from(suspect.change.precision_s) <= length;
        match (bearing, suspect.touches_request()) {
            (Bearing::Proof, true) if dated => changes.push(suspect.clone()),
            (Bearing::Proof | Bearing::Hint, true) => hints.push(suspect.clone()),
            (Bearing::Proof, false) => unrelated.push(suspect.clone()),
            (Bearing::Hint, false) => {}
        }
    }
    let (outcome, because) = if changes.is_empty() {
        match coverage::judge(hypothesis, &window, coverage, near) {
            covered @ Because::Covered(_) => (Outcome::NotFound, covered),
            not @ (Because::NotCovered(_) | Because::Changes(_)) => (Outcome::CannotSee, not),
        }
    } else {
        (Outcome::Found, Because::Changes(changes.len()))
    };
    let others = unrelated.len();
    changes.extend(unrelated.into_iter().take(MAX_UNRELATED));
    Tested { hypothesis, outcome, window, widened, changes, unrelated: others, hints, because }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::fixtures::*;
    use crate::analysis::changes::log_facts::{Flip, Line, Minute, Run, Says};
    use crate::analysis::changes::{LogFacts, gather};
    use crate::model::change::{Act, ObjectVersion, Replay, Since, VersionOp, Versioned};
    use crate::model::http_route::HttpRoute;
    use crate::model::object::Kind;
    use crate::model::snapshot::{Listing, Snapshot};

    const NOW: &str = "created=01:00; rv=9; class=nginx; shop.example: /=web:80, /api=api:80";

    /// Everything a correlation reads: a healthy shop, seen completely, whose 404s for
    /// `shop.example/api` begin at 11:00.
    #[derive(Clone)]
    struct Scene {
        snapshot: Snapshot,
        replays: Vec<Replay>,
        log: LogFacts,
        victim: Victim,
        onset: Option<DateTime<Utc>>,
        max_widenings: u32,
    }

    fn scene() -> Scene {
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(
            Kind::Ingress,
            vec![
                ingress("shop/web", NOW),
                ingress("blog/web", "created=01:00; rv=8; class=nginx; blog.example: /=web:80"),
            ],
        );
        snapshot.classes =
            Listing::complete(Kind::IngressClass, vec![class("nginx", "k8s.io/ingress-nginx")]);
        snapshot.services = Listing::complete(
            Kind::Service,
            ["shop/web", "shop/api", "blog/web"]
                .map(|name| service(name, &format!("app={}", name.replace('/', "-")), "http 80 8080"))
                .to_vec(),
        );
        snapshot.workloads = Listing::complete(
            Kind::Deployment,
            ["shop/web", "shop/api", "blog/web"]
                .map(|name| {
                    deployment(name, template(&format!("app={}", name.replace('/', "-")), "app:1", &[]))
                })
                .to_vec(),
        );
        snapshot.controllers = vec![controller(&["nginx-1"])];
        let seen = |kind| replay(Since::At(t("06:00")), &[kind], Vec::new());
        Scene {
            snapshot,
            replays: vec![seen(Kind::Ingress), seen(Kind::IngressClass), seen(Kind::Service)],
            log: LogFacts { streams: vec![read("nginx-1", "06:00", "12:00")], ..LogFacts::default() },
            victim: Victim {
                host: "shop.example".to_owned(),
                path: "/api/orders".to_owned(),
                objects: BTreeSet::from([
                    ObjectKey::new(Kind::Ingress, "shop", "web"),
                    ObjectKey::new(Kind::Service, "shop", "api"),
                ]),
                controllers: BTreeSet::new(),
            },
            onset: Some(t("11:00")),
            max_widenings: 1,
        }
    }

    impl Scene {
        fn correlate(&self) -> Correlated {
            self.decided(None)
        }

        fn decided(&self, what_if: Option<&dyn WhatIf>) -> Correlated {
            let input = Input { snapshot: &self.snapshot, replays: &self.replays, log: &self.log };
            let gathered = gather(&input);
            correlate(&Correlation {
                input,
                gathered: &gathered,
                victim: &self.victim,
                onset: self.onset,
                hypotheses: &BTreeSet::new(),
                max_widenings: self.max_widenings,
                what_if,
                conflicts: None,
                dns: &[],
            })
        }

        /// Records versions of the kind whose replay comes first, second or third.
        fn seen(mut self, versions: Vec<ObjectVersion>) -> Self {
            for version in versions {
                let at = match version.object.kind() {
                    Kind::Ingress => 0,
                    Kind::IngressClass => 1,
                    _ => 2,
                };
                self.replays[at].versions.push(version);
            }
            self
        }

        /// `shop/web` got its present rules at this time, from these.
        fn edited(self, at: &str, before: &str) -> Self {
            self.seen(vec![
                of_ingress(VersionOp::Added, "01:00", "shop/web", &format!("created=01:00; rv=5; {before}")),
                of_ingress(VersionOp::Modified, at, "shop/web", NOW),
            ])
        }

        fn blind(mut self) -> Self {
            self.replays.clear();
            self
        }
    }

    /// The six outcomes as `+` found, `-` not found, `?` could not be seen.
    fn outcomes(correlated: &Correlated) -> String {
        let sign = |tested: &Tested| match tested.outcome {
            Outcome::Found => '+',
            Outcome::NotFound => '-',
            Outcome::CannotSee => '?',
        };
        correlated.hypotheses.iter().map(sign).collect()
    }

    fn check(scene: &Scene, expected: &str) -> Correlated {
        let correlated = scene.correlate();
        assert_eq!(outcomes(&correlated), expected, "{correlated:#?}");
        correlated
    }

    fn of(correlated: &Correlated, hypothesis: Hypothesis) -> &Tested {
        correlated
            .hypotheses
            .iter()
            .find(|tested| tested.hypothesis == hypothesis)
            .expect("all six are asked")
    }

    /// The only change that touches the request.
    fn suspect(correlated: &Correlated, hypothesis: Hypothesis) -> &Suspect {
        of(correlated, hypothesis).changes.first().expect("a change was found")
    }

    #[test]
    fn a_quiet_cluster_that_was_seen_completely_refutes_all_six_in_doubled_windows() {
        let correlated = check(&scene(), "------");
        for tested in &correlated.hypotheses {
            assert_eq!(tested.widened, 1, "{tested:?}");
            assert_eq!(tested.window.to - tested.window.from, tested.hypothesis.window() * 2);
            assert!(matches!(&tested.because, Because::Covered(by) if by.len() == 1), "{tested:?}");
        }
        assert!(correlated.timeline.is_empty());
    }

    #[test]
    fn where_routes_name_the_host_their_untold_past_refutes_nothing() {
        let route = |host: &str| HttpRoute { hostnames: vec![host.to_owned()], ..HttpRoute::default() };
        for (host, expected) in [("shop.example", "??--?-"), ("other.example", "------")] {
            let mut scene = scene();
            scene.snapshot.http_routes = Listing::complete(Kind::HttpRoute, vec![route(host)]);
            check(&scene, expected);
        }
    }

    #[test]
    fn nothing_seen_refutes_nothing() {
        let mut scene = scene().blind();
        scene.log = LogFacts::default();
        scene.snapshot.revisions = Listing::unasked(Kind::ReplicaSet);
        let correlated = check(&scene, "??????");
        let Because::NotCovered(lacks) = &of(&correlated, Hypothesis::IngressRules).because else {
            panic!("no coverage, no refutation");
        };
        assert_eq!(lacks.len(), 2);
    }

    #[test]
    fn a_rule_edited_before_the_onset_is_found_with_its_values() {
        let scene = scene().edited("10:50", "class=nginx; shop.example: /=web:80, /api=old:80");
        let correlated = check(&scene, "+-----");
        let found = suspect(&correlated, Hypothesis::IngressRules);
        assert_eq!(
            line(&found.change),
            "10:50:00±1 IngressRules Changed Ingress shop/web spec.rules[0].http.paths[1].backend.service.name: old => api"
        );
        assert_eq!((found.seconds_to_onset, found.touch), (600, Touch::Exact));
    }

    #[test]
    fn a_path_edit_is_the_second_hypothesis_alone() {
        let scene = scene().edited("10:50", "class=nginx; shop.example: /=web:80, /api/v1=api:80");
        let correlated = check(&scene, "-+----");
        assert_eq!(suspect(&correlated, Hypothesis::IngressPaths).touch, Touch::Exact);
    }

    #[test]
    fn a_path_beside_the_request_is_near_not_exact() {
        let scene = scene().edited("10:50", "class=nginx; shop.example: /=web:80, /api=api:80, /img=web:80");
        let correlated = check(&scene, "-+----");
        assert_eq!(suspect(&correlated, Hypothesis::IngressPaths).touch, Touch::Near);
    }

    fn service_version(op: VersionOp, at: &str, name: &str, rv: &str, ports: &str) -> ObjectVersion {
        let mut object = service(name, &format!("app={}", name.replace('/', "-")), ports);
        rv.clone_into(&mut object.meta.resource_version);
        version(op, at, Versioned::Service(Box::new(object)))
    }

    #[test]
    fn a_backend_service_that_was_deleted_or_edited_is_found() {
        let mut deleted = scene().seen(vec![
            service_version(VersionOp::Modified, "01:00", "shop/api", "1", "http 80 8080"),
            service_version(VersionOp::Deleted, "10:45", "shop/api", "2", "http 80 8080"),
        ]);
        let others = deleted.snapshot.services.items().iter().filter(|service| service.meta.name != "api");
        deleted.snapshot.services = Listing::complete(Kind::Service, others.cloned().collect());
        let correlated = check(&deleted, "--+---");
        assert_eq!(suspect(&correlated, Hypothesis::BackendService).change.act, Act::Deleted);

        let edited = scene().seen(vec![
            service_version(VersionOp::Modified, "01:00", "shop/api", "1", "http 80 9090"),
            service_version(VersionOp::Modified, "10:45", "shop/api", "2", "http 80 8080"),
        ]);
        check(&edited, "--+---");
        let elsewhere = scene().seen(vec![
            service_version(VersionOp::Modified, "01:00", "blog/web", "1", "http 80 9090"),
            service_version(VersionOp::Modified, "10:45", "blog/web", "2", "http 80 8080"),
        ]);
        let correlated = check(&elsewhere, "------");
        let tested = of(&correlated, Hypothesis::BackendService);
        assert_eq!((tested.changes.len(), tested.unrelated), (1, 1));
        assert!(!tested.changes[0].touches_request());
    }

    #[test]
    fn endpoints_that_run_dry_are_found_and_routine_membership_is_not() {
        let with = |ready: usize| {
            let mut scene = scene();
            let mut slice = slice("shop/api-x", "api", ready, 2);
            slice.meta.writes = vec![write("kube-controller-manager 10:50 endpoints")];
            scene.snapshot.slices = Listing::complete(Kind::EndpointSlice, vec![slice]);
            scene
        };
        check(&with(0), "--+---");
        let correlated = check(&with(1), "------");
        assert_eq!(of(&correlated, Hypothesis::BackendService).hints.len(), 1);
    }

    #[test]
    fn a_controller_restart_or_reload_is_found_within_five_minutes() {
        let restarted = |at: &str| {
            let mut scene = scene();
            scene.snapshot.pods = Listing::complete(Kind::Pod, vec![pod("ctl/nginx-1", "", "01:00", at)]);
            scene
        };
        check(&restarted("10:57"), "---+--");
        assert_eq!(of(&check(&restarted("10:52"), "---+--"), Hypothesis::ControllerRestart).widened, 1);
        check(&restarted("10:49"), "------");
        let mut reloaded = scene();
        reloaded.log.messages = vec![said("10:58", Says::Reloaded, None, "Backend successfully reloaded")];
        check(&reloaded, "---+--");
    }

    #[test]
    fn a_class_or_an_annotation_is_the_fifth_hypothesis() {
        let annotated =
            scene().edited("10:40", "class=nginx; @a/rewrite=/; shop.example: /=web:80, /api=api:80");
        let correlated = check(&annotated, "----+-");
        let field = &suspect(&correlated, Hypothesis::ClassOrAnnotation).change.field;
        assert_eq!(field, "metadata.annotations[\"a/rewrite\"]");
        check(&scene().edited("10:40", "class=old; shop.example: /=web:80, /api=api:80"), "----+-");
        let mut gone = scene().seen(vec![
            version(VersionOp::Modified, "01:00", Versioned::IngressClass(Box::new(class("nginx", "x")))),
            version(VersionOp::Deleted, "10:50", Versioned::IngressClass(Box::new(class("nginx", "x")))),
        ]);
        gone.snapshot.classes = Listing::complete(Kind::IngressClass, Vec::new());
        check(&gone, "----+-");
    }

    fn rolled_out(name: &str, at: &str) -> Scene {
        let mut scene = scene();
        let (_, short) = name.split_once('/').expect("namespace/name");
        scene.snapshot.revisions = Listing::complete(
            Kind::ReplicaSet,
            vec![
                revision(short, &format!("{name}-1"), 1, "02:00", template("", "app:1", &[])),
                revision(short, &format!("{name}-2"), 2, at, template("", "app:2", &[])),
            ],
        );
        scene
    }

    #[test]
    fn a_rollout_behind_the_request_is_found_within_the_hour() {
        check(&rolled_out("shop/api", "10:10"), "-----+");
        assert_eq!(of(&check(&rolled_out("shop/api", "09:10"), "-----+"), Hypothesis::Rollout).widened, 1);
        check(&rolled_out("blog/web", "10:10"), "------");
    }

    #[test]
    fn a_controllers_own_rollout_bears_on_its_restart_and_on_rollouts() {
        check(&rolled_out("ctl/nginx", "10:58"), "---+-+");
        check(&rolled_out("ctl/nginx", "10:20"), "-----+");
    }

    #[test]
    fn windows_double_as_often_as_allowed_and_only_while_nothing_is_found() {
        let before = "class=nginx; shop.example: /=web:80, /api=old:80";
        let mut late = scene().edited("10:15", before);
        assert_eq!(of(&check(&late, "+-----"), Hypothesis::IngressRules).widened, 1);
        late.max_widenings = 0;
        check(&late, "------");
        let mut older = scene().edited("09:15", before);
        check(&older, "------");
        older.max_widenings = 2;
        assert_eq!(of(&check(&older, "+-----"), Hypothesis::IngressRules).widened, 2);
        let near = scene().edited("10:50", before);
        assert!(check(&near, "+-----").hypotheses.iter().all(|tested| tested.widened == 0));
    }

    #[test]
    fn a_cause_may_seem_to_follow_its_effect_by_a_few_seconds_and_no_more() {
        let before = "class=nginx; shop.example: /=web:80, /api=old:80";
        let correlated = check(&scene().edited("11:00:08", before), "+-----");
        assert_eq!(suspect(&correlated, Hypothesis::IngressRules).seconds_to_onset, 0);
        check(&scene().edited("11:00:20", before), "------");
    }

    #[test]
    fn coverage_must_span_the_whole_window() {
        let since = |at: &str, widenings: u32| {
            let mut scene = scene();
            scene.max_widenings = widenings;
            for replay in &mut scene.replays {
                replay.since = Since::At(t(at));
            }
            scene
        };
        check(&since("10:30", 0), "------");
        check(&since("10:31", 0), "???-?-");
        let correlated = check(&since("10:20", 1), "???-?-");
        let Because::NotCovered(lacks) = &of(&correlated, Hypothesis::IngressPaths).because else {
            panic!("the doubled window begins before the record");
        };
        let replay = Shortfall { source: ChangeSource::WatchReplay, lack: Lack::Since(t("10:20")) };
        assert!(lacks.contains(&replay), "{lacks:?}");
    }

    #[test]
    fn a_record_of_one_namespace_refutes_only_what_lives_there() {
        let mut scene = scene();
        for replay in &mut scene.replays {
            replay.namespace = Some("shop".to_owned());
        }
        check(&scene, "??--?-");
    }

    #[test]
    fn managed_fields_prove_rules_but_only_hint_at_paths() {
        let mut scene = scene().blind();
        let mut web = ingress("shop/web", NOW);
        web.meta.writes = vec![write("kubectl-edit 10:50 spec.rules")];
        scene.snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web.clone()]);
        let correlated = check(&scene, "+??-?-");
        assert_eq!(of(&correlated, Hypothesis::IngressPaths).hints.len(), 1);
        // A record that covers the write and shows no difference knows better.
        let mut seen = self::scene();
        seen.snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web]);
        check(&seen, "------");
    }

    #[test]
    fn another_ingress_on_the_host_counts_as_much_as_the_victim() {
        let other = |host: &str| {
            let mut scene = scene().blind();
            let mut items = scene.snapshot.ingresses.items().to_vec();
            items.push(ingress("team/legacy", &format!("created=10:48; {host}: /o(.*)=legacy:80")));
            scene.snapshot.ingresses = Listing::complete(Kind::Ingress, items);
            scene
        };
        for host in ["shop.example", "*.example", "*"] {
            let correlated = check(&other(host), "+??-?-");
            assert_eq!(suspect(&correlated, Hypothesis::IngressRules).touch, Touch::Near, "{host}");
        }
        check(&other("blog.example"), "???-?-");
    }

    #[test]
    fn a_deletion_dated_only_roughly_is_a_hint() {
        let mut scene = scene().blind();
        let mut seen = replay(
            Since::Unknown,
            &[Kind::Ingress],
            vec![of_ingress(VersionOp::Modified, "08:00", "shop/web", NOW)],
        );
        seen.source = ChangeSource::History;
        scene.replays.push(seen);
        scene.snapshot.ingresses = Listing::complete(Kind::Ingress, Vec::new());
        let correlated = check(&scene, "???-?-");
        let hint = of(&correlated, Hypothesis::IngressRules).hints.first().expect("the deletion");
        assert_eq!((hint.change.act, hint.change.precision_s), (Act::Deleted, 4 * 3600));
    }

    #[test]
    fn a_flip_in_the_access_log_is_an_effect_not_a_proof() {
        let mut scene = scene().blind();
        scene.log.flips = vec![Flip {
            last_before: t("10:59"),
            before: "shop-api-80".to_owned(),
            first_after: t("11:00"),
            after: "upstream-default-backend".to_owned(),
            line: Line { stream: stream("nginx-1"), text: String::new() },
        }];
        let correlated = check(&scene, "???-?-");
        for hypothesis in [Hypothesis::IngressRules, Hypothesis::IngressPaths, Hypothesis::ClassOrAnnotation]
        {
            assert_eq!(of(&correlated, hypothesis).hints.len(), 1);
        }
    }

    #[test]
    fn the_onset_is_given_or_read_from_the_log_or_assumed() {
        let run = |last_success: Option<&str>| Run {
            first: t("10:30"),
            last_success: last_success.map(t),
            line: Line { stream: stream("nginx-1"), text: String::new() },
        };
        let onset = |given: Option<&str>, run: Option<Run>, first: &str| {
            let mut scene = scene();
            scene.onset = given.map(t);
            scene.log.run = run;
            scene.log.streams = vec![read("nginx-1", first, "12:00")];
            let onset = scene.correlate().onset;
            (onset.at, onset.basis, onset.confidence)
        };
        use {Confidence as C, OnsetBasis as B};
        assert_eq!(onset(Some("11:00"), Some(run(None)), "06:00"), (t("11:00"), B::Given, C::Certain));
        assert_eq!(onset(None, Some(run(Some("10:29"))), "06:00"), (t("10:30"), B::AccessLog, C::Certain));
        assert_eq!(onset(None, Some(run(None)), "06:00"), (t("10:30"), B::AccessLog, C::Likely));
        assert_eq!(onset(None, Some(run(None)), "10:30"), (t("10:30"), B::AccessLog, C::Possible));
        assert_eq!(onset(None, None, "06:00"), (t("12:00"), B::Assumed, C::Possible));
    }

    #[test]
    fn what_was_followed_by_an_answer_ranks_behind_what_was_not() {
        let mut scene = scene().seen(vec![
            of_ingress(
                VersionOp::Added,
                "01:00",
                "shop/web",
                "created=01:00; rv=5; class=nginx; shop.example: /=web:80, /api=a:80",
            ),
            of_ingress(
                VersionOp::Modified,
                "10:40",
                "shop/web",
                "created=01:00; rv=6; class=nginx; shop.example: /=web:80, /api=b:80",
            ),
            of_ingress(VersionOp::Modified, "10:50", "shop/web", NOW),
        ]);
        scene.log.run = Some(Run {
            first: t("11:00"),
            last_success: Some(t("10:45")),
            line: Line { stream: stream("nginx-1"), text: String::new() },
        });
        let correlated = check(&scene, "+-----");
        let changes = &of(&correlated, Hypothesis::IngressRules).changes;
        let answered: Vec<Option<bool>> = changes.iter().map(|suspect| suspect.answered_after).collect();
        assert_eq!(answered, [Some(false), Some(true)]);
    }

    /// Routes to the backend of the first path on the host that is a prefix of the request's, longest
    /// first.
    #[derive(Debug)]
    struct Longest;

    impl WhatIf for Longest {
        fn decide(&self, world: &World<'_>, _at: DateTime<Utc>) -> Option<String> {
            let rules = world.ingresses.iter().flat_map(|ingress| ingress.path_rules());
            let matching = rules.filter(|(_, _, host, path)| {
                *host == "shop.example" && "/api/orders".starts_with(&path.path)
            });
            let longest = matching.max_by_key(|(_, _, _, path)| path.path.len());
            Some(longest.map_or("no_route".to_owned(), |(_, _, _, path)| format!("{:?}", path.backend)))
        }
    }

    #[test]
    fn the_request_is_decided_again_before_and_after_each_change() {
        let scene = scene().edited("10:50", "class=nginx; other.example: /x=x:80");
        let correlated = scene.decided(Some(&Longest));
        assert_eq!(outcomes(&correlated), "+-----");
        let found = suspect(&correlated, Hypothesis::IngressRules);
        assert_eq!(found.decision_before.as_deref(), Some("no_route"));
        assert!(found.decision_after.as_deref().is_some_and(|after| after.contains("api")));
        assert!(found.decision_differs());
    }

    #[test]
    fn a_change_that_changes_the_decision_touches_the_request_wherever_it_is() {
        #[derive(Debug)]
        struct Count;
        impl WhatIf for Count {
            fn decide(&self, world: &World<'_>, _at: DateTime<Utc>) -> Option<String> {
                Some(world.ingresses.len().to_string())
            }
        }
        let mut scene = scene().blind();
        let mut items = scene.snapshot.ingresses.items().to_vec();
        items.push(ingress("team/far", "created=10:48; far.example: /=x:80"));
        scene.snapshot.ingresses = Listing::complete(Kind::Ingress, items);
        assert_eq!(outcomes(&scene.correlate()), "???-?-");
        let correlated = scene.decided(Some(&Count));
        assert_eq!(outcomes(&correlated), "+??-?-");
        let found = suspect(&correlated, Hypothesis::IngressRules);
        assert_eq!(found.touch, Touch::Unrelated);
        assert_eq!(found.decision_before.as_deref(), Some("2"));
        assert_eq!(found.decision_after.as_deref(), Some("3"));
    }

    #[test]
    fn of_what_was_written_in_one_second_only_what_matters_to_the_request_touches_it() {
        let mut scene = scene().blind();
        scene.snapshot.ingresses = Listing::complete(
            Kind::Ingress,
            vec![
                ingress("team/far", "created=10:48; far.example: /=x:80"),
                ingress("shop/web", "created=10:48; class=nginx; shop.example: /=web:80"),
            ],
        );
        let correlated = scene.decided(Some(&Longest));
        let tested = of(&correlated, Hypothesis::IngressRules);
        let touching: Vec<String> = tested
            .changes
            .iter()
            .filter(|suspect| suspect.touches_request())
            .map(|suspect| suspect.change.object.name.to_string())
            .collect();
        assert_eq!(touching, ["shop/web"], "{tested:#?}");
        assert_eq!(tested.changes[0].decision_before.as_deref(), Some("no_route"));
    }

    #[test]
    fn only_the_hypotheses_asked_for_are_tested_in_fixed_order() {
        let scene = scene();
        let input = Input { snapshot: &scene.snapshot, replays: &scene.replays, log: &scene.log };
        let gathered = gather(&input);
        let asked = BTreeSet::from([Hypothesis::Rollout, Hypothesis::IngressPaths]);
        let correlated = correlate(&Correlation {
            input,
            gathered: &gathered,
            victim: &scene.victim,
            onset: scene.onset,
            hypotheses: &asked,
            max_widenings: 0,
            what_if: None,
            conflicts: Some(0),
            dns: &[],
        });
        let ids: Vec<u8> = correlated.hypotheses.iter().map(|tested| tested.hypothesis.id()).collect();
        assert_eq!(ids, [2, 6]);
    }

    #[test]
    fn minutes_before_the_onset_show_trouble_that_grew() {
        use review::{Finding, ReviewTopic};
        let minute = |start: &str, no_rule: u64, not_found: u64, answered: u64| Minute {
            start: t(start),
            not_found,
            answered,
            no_rule,
        };
        let finding = |minutes: Vec<Minute>, topic: ReviewTopic| {
            let mut scene = scene();
            scene.log.minutes = minutes;
            let review = scene.correlate().review;
            review.into_iter().find(|reviewed| reviewed.topic == topic).expect("all topics").finding
        };
        let grown = vec![
            minute("10:00", 0, 0, 9),
            minute("10:10", 1, 0, 9),
            minute("10:40", 4, 0, 9),
            minute("10:50", 7, 0, 9),
        ];
        assert_eq!(
            finding(grown, ReviewTopic::GradualTrouble),
            Finding::Gradual { earlier: 1, later: 11, since: t("10:10") }
        );
        let steady = ["10:00", "10:10", "10:40", "10:50"].map(|start| minute(start, 5, 0, 9)).to_vec();
        assert_eq!(finding(steady, ReviewTopic::GradualTrouble), Finding::Clear);
        assert_eq!(finding(vec![minute("10:00", 9, 0, 0)], ReviewTopic::GradualTrouble), Finding::CannotSee);

        let mixed = vec![minute("10:40", 0, 1, 3), minute("11:00", 0, 9, 9), minute("11:10", 0, 9, 0)];
        assert_eq!(
            finding(mixed, ReviewTopic::IntermittentMatching),
            Finding::Intermittent { minutes: 1, last: t("10:40") }
        );
        let clean = vec![minute("10:40", 0, 0, 3), minute("11:00", 0, 9, 9)];
        assert_eq!(finding(clean, ReviewTopic::IntermittentMatching), Finding::Clear);
        assert_eq!(finding(Vec::new(), ReviewTopic::IntermittentMatching), Finding::CannotSee);
    }
}
