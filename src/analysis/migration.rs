//! What would change if Ingresses moved to another controller: each request that their rules are about,
//! decided by the controller of today and by the other, and grouped by what makes the difference.
//!
//! Assumptions: the other controller takes what today's takes, whatever the class, beside what it takes
//! already. Where either's choice is undefined the request is undecided, never the same.

use std::collections::{BTreeMap, BTreeSet};

use super::derived;
use super::routing::{Basis, Decision, Outcome, Refusal, ReloadFailure};
use super::view::{self, View};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::http_route::HttpRoute;
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

pub mod cause;
pub mod keep;
mod translate;

use cause::{Cause, Compared, Side};
use keep::Keep;

/// Requests that one comparison decides at most.
pub const MOST: usize = 250_000;

/// What would change.
#[derive(Debug)]
pub struct Comparison {
    pub to: ControllerKind,
    pub basis: Basis,
    /// The controllers of today that were compared.
    pub from: Vec<(ControllerKind, Basis)>,
    /// Ingresses whose rules were asked for.
    pub ingresses: usize,
    /// Ingresses that no controller of today takes.
    pub taken_by_none: usize,
    /// Ingresses of which could not be told whether one does.
    pub doubtful: usize,
    /// Ingresses that are with the other controller already.
    pub there_already: usize,
    /// Hosts of Ingresses that no HTTPRoute is for, where HTTPRoutes are compared with.
    pub hosts_without_route: usize,
    pub same: usize,
    pub differing: usize,
    pub undecided: usize,
    /// Rules that were not asked for because there are too many.
    pub left_out: usize,
    /// The largest first; those that are undecided last.
    pub groups: Vec<Group>,
}

/// Requests that end differently for one reason.
#[derive(Debug)]
pub struct Group {
    pub from: ControllerKind,
    pub cause: Cause,
    pub count: usize,
    pub ingresses: BTreeSet<Name>,
    pub example: Request,
    pub before: Decision,
    pub after: Decision,
    /// What one of them cannot load, where that is the cause.
    pub failure: Option<ReloadFailure>,
    /// The edit after which the example ends as it does today, and nothing near it differs anew.
    pub keep: Option<Keep>,
}

/// Whether two decisions of a request are the same to the client and to the upstream; `None` where that
/// cannot be told.
#[must_use]
pub fn is_same(request: &Request, one: &Decision, other: &Decision) -> Option<bool> {
    if one.outcome == Outcome::Undefined || other.outcome == Outcome::Undefined {
        return None;
    }
    let backend = |decision: &Decision| match decision.outcome {
        Outcome::Routed => decision.winner.as_ref().and_then(|winner| winner.backend.clone()),
        _ => None,
    };
    let path = |decision: &Decision| match decision.outcome {
        Outcome::Routed => decision.upstream_path.clone(),
        _ => None,
    };
    let said = |decision: &Decision| {
        let location = decision.location.as_deref().map(|location| led_to(request, location));
        (decision.outcome, decision.status, location)
    };
    Some(said(one) == said(other) && backend(one) == backend(other) && path(one) == path(other))
}

/// Where a location leads a client: with scheme, host and path written out, and no port that its scheme
/// has anyway.
fn led_to(request: &Request, location: &str) -> String {
    if location.starts_with('/') && !location.starts_with("//") {
        let absolute = format!("{}://{}{location}", request.scheme.as_str(), request.authority());
        return led_to(request, &absolute);
    }
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(at);
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(usual).unwrap_or(host);
    let root = if rest.is_empty() { "/" } else { "" };
    format!("{scheme}://{host}{root}{rest}")
}

/// The Ingresses of `selected`, moved from the controllers of `today` to one of kind `to`.
#[must_use]
pub fn compare(
    today: &[View<'_>],
    to: ControllerKind,
    snapshot: &Snapshot,
    selected: impl Fn(&Ingress) -> bool,
) -> Comparison {
    let target = target(today, to, snapshot);
    let to_side = Side::new(&target);
    let mut by_routes = ByRoutes::new(to, snapshot);
    let mut comparison = Comparison {
        to,
        basis: target.basis,
        from: today.iter().map(|view| (view.kind, view.basis)).collect(),
        ingresses: 0,
        taken_by_none: 0,
        doubtful: 0,
        there_already: 0,
        hosts_without_route: 0,
        same: 0,
        differing: 0,
        undecided: 0,
        left_out: 0,
        groups: Vec::new(),
    };
    comparison.count_others(today, to, snapshot, &selected);
    let mut groups: BTreeMap<(ControllerKind, Cause), (usize, Group)> = BTreeMap::new();
    for (at, from) in today.iter().enumerate() {
        let mut asked: BTreeSet<String> = BTreeSet::new();
        let from_side = Side::new(from);
        for (ingress, _) in from.adopted.iter().filter(|(ingress, _)| selected(ingress)) {
            if !by_routes.is_for(ingress) {
                continue;
            }
            comparison.ingresses += 1;
            let (requests, left_out) = derived::requests(ingress);
            comparison.left_out += left_out;
            for derived in requests {
                if comparison.decided() >= MOST {
                    comparison.left_out += ingress.path_rules().count();
                    break;
                }
                if !by_routes.takes(derived.host) || !asked.insert(derived.request.url()) {
                    continue;
                }
                let before = from.decide(&derived.request);
                let after = target.decide(&derived.request);
                match is_same(&derived.request, &before, &after) {
                    Some(true) => {
                        comparison.same += 1;
                        continue;
                    }
                    Some(false) => comparison.differing += 1,
                    None => comparison.undecided += 1,
                }
                let compared = Compared {
                    request: &derived.request,
                    host: derived.host,
                    before: &before,
                    after: &after,
                    from: &from_side,
                    to: &to_side,
                    snapshot,
                };
                let cause = cause::of(&compared);
                let (_, group) = groups.entry((from.kind, cause.clone())).or_insert_with(|| {
                    let is_refused = cause == Cause::ConfigurationRefused;
                    let group = Group {
                        from: from.kind,
                        failure: cause::failure(&compared).filter(|_| is_refused),
                        cause,
                        count: 0,
                        ingresses: BTreeSet::new(),
                        example: derived.request.clone(),
                        before: before.clone(),
                        after: after.clone(),
                        keep: None,
                    };
                    (at, group)
                });
                group.count += 1;
                group.ingresses.insert(ingress.meta.key());
            }
        }
    }
    comparison.hosts_without_route = by_routes.without();
    comparison.groups = groups
        .into_values()
        .map(|(at, mut group)| {
            group.keep = today.get(at).and_then(|from| keep::find(&group, from, &target, snapshot));
            group
        })
        .collect();
    comparison.groups.sort_by_key(|group| (group.cause == Cause::Undefined, usize::MAX - group.count));
    comparison
}

impl Comparison {
    #[must_use]
    pub const fn decided(&self) -> usize {
        self.same + self.differing + self.undecided
    }

    /// Counts the Ingresses that are not compared, by why.
    fn count_others(
        &mut self,
        today: &[View<'_>],
        to: ControllerKind,
        snapshot: &Snapshot,
        selected: &impl Fn(&Ingress) -> bool,
    ) {
        let names = |ingresses: &mut dyn Iterator<Item = &Ingress>| -> BTreeSet<Name> {
            ingresses.map(|ingress| ingress.meta.key()).collect()
        };
        let taken = names(&mut today.iter().flat_map(|view| view.adopted.iter().map(|(i, _)| *i)));
        let doubtful = names(&mut today.iter().flat_map(doubts));
        let running = snapshot.controllers.iter().filter(|controller| controller.kind == to);
        let there = names(&mut running.flat_map(|controller| super::adoption::adopted(controller, snapshot)));
        for ingress in snapshot.ingresses.items().iter().filter(|ingress| selected(ingress)) {
            let name = ingress.meta.key();
            let count = if taken.contains(&name) {
                continue;
            } else if there.contains(&name) {
                &mut self.there_already
            } else if doubtful.contains(&name) {
                &mut self.doubtful
            } else {
                &mut self.taken_by_none
            };
            *count += 1;
        }
    }
}

/// Ingresses of which could not be told whether the controller takes them.
fn doubts<'a>(view: &View<'a>) -> impl Iterator<Item = &'a Ingress> {
    view.refused.iter().filter(|(_, why)| *why == Refusal::Undecided).map(|(ingress, _)| *ingress)
}

/// Which hosts HTTPRoutes are for; where none are compared with, every host.
struct ByRoutes<'a> {
    routes: Option<&'a [HttpRoute]>,
    known: BTreeMap<String, bool>,
}

impl<'a> ByRoutes<'a> {
    fn new(to: ControllerKind, snapshot: &'a Snapshot) -> Self {
        let routes = to.routes_by_gateways().then(|| snapshot.http_routes.items());
        Self { routes, known: BTreeMap::new() }
    }

    /// Whether one is for this host of a rule.
    fn takes(&mut self, host: &str) -> bool {
        let Some(routes) = self.routes else { return true };
        if let Some(known) = self.known.get(host) {
            return *known;
        }
        let asked = host.replacen("*.", "any.", 1);
        let takes = routes.iter().any(|route| route.touches(&asked));
        self.known.insert(host.to_owned(), takes);
        takes
    }

    fn is_for(&mut self, ingress: &Ingress) -> bool {
        let mut any = ingress.rules.is_empty() && self.takes("");
        for rule in &ingress.rules {
            any |= self.takes(rule.host());
        }
        any
    }

    fn without(&self) -> usize {
        self.known.values().filter(|takes| !**takes).count()
    }
}

/// The other controller, with the settings it runs with here if it does.
fn target<'a>(today: &[View<'a>], to: ControllerKind, snapshot: &'a Snapshot) -> View<'a> {
    let mut running = snapshot.controllers.iter().filter(|controller| controller.kind == to);
    if to.routes_by_gateways() {
        let runs = running.next();
        return runs
            .map_or_else(|| view::hypothetical(to, snapshot), |one| view::of_controller(one, snapshot));
    }
    let settings = running.next().map_or_else(Settings::default, |controller| controller.settings());
    let mut taken: BTreeMap<Name, &Ingress> = BTreeMap::new();
    let mut doubtful: BTreeMap<Name, &Ingress> = BTreeMap::new();
    for view in today {
        taken.extend(view.adopted.iter().map(|(ingress, _)| (ingress.meta.key(), *ingress)));
        doubtful.extend(doubts(view).map(|ingress| (ingress.meta.key(), ingress)));
    }
    for controller in snapshot.controllers.iter().filter(|controller| controller.kind == to) {
        let there = super::adoption::adopted(controller, snapshot);
        taken.extend(there.into_iter().map(|ingress| (ingress.meta.key(), ingress)));
    }
    doubtful.retain(|name, _| !taken.contains_key(name));
    view::supposed(to, settings, taken.into_values(), doubtful.into_values(), snapshot)
}

/// The running controllers whose Ingresses would move: all but those of the kind they would move to.
#[must_use]
pub fn today<'a>(from: Option<ControllerKind>, to: ControllerKind, snapshot: &'a Snapshot) -> Vec<View<'a>> {
    let wanted = |kind: ControllerKind| match from {
        Some(from) => kind == from,
        None => kind != to && !kind.routes_by_gateways(),
    };
    let running = snapshot.controllers.iter().filter(|controller| wanted(controller.kind));
    let views: Vec<View<'a>> = running.map(|controller| view::of_controller(controller, snapshot)).collect();
    match from {
        Some(from) if views.is_empty() => vec![view::hypothetical(from, snapshot)],
        _ => views,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{ingress, snapshot};
    use crate::analysis::view::hypothetical;
    use crate::model::object::Kind;
    use crate::model::snapshot::Listing;

    fn moved(ingresses: &[Ingress], to: ControllerKind) -> Comparison {
        let snapshot = Snapshot {
            ingresses: Listing::complete(Kind::Ingress, ingresses.to_vec()),
            ..snapshot(ingresses)
        };
        compare(&[hypothetical(ControllerKind::IngressNginx, &snapshot)], to, &snapshot, |_| true)
    }

    fn keep_of(comparison: &Comparison, cause: &Cause) -> Option<Keep> {
        let group = comparison.groups.iter().find(|group| group.cause == *cause);
        group.unwrap_or_else(|| panic!("{cause:?}: {comparison:?}")).keep.clone()
    }

    #[test]
    fn urls_are_counted_and_grouped_by_cause() {
        let ingresses = [
            ingress("shop/a", &[("a.example", "Prefix /foo web")]),
            ingress("shop/b", &[("b.example", "Prefix /foo web")]),
        ];
        let comparison = moved(&ingresses, ControllerKind::Traefik);
        let [group] = comparison.groups.as_slice() else { panic!("{comparison:?}") };
        assert_eq!(
            (&group.cause, group.count, group.ingresses.len()),
            (&Cause::PrefixMatchesCharacters, 2, 2)
        );
        assert_eq!(group.example.url(), "http://a.example/foobar");
        assert_eq!((comparison.differing, comparison.undecided, comparison.ingresses), (2, 0, 2));
        assert_eq!(comparison.decided(), 16);
    }

    #[test]
    fn nothing_differs_under_the_same_controller() {
        let ingresses =
            [ingress("shop/a", &[("a.example", "Prefix /foo web"), ("*.b.example", "Exact /x gone")])];
        let comparison = moved(&ingresses, ControllerKind::IngressNginx);
        assert_eq!((comparison.differing, comparison.undecided), (0, 0), "{comparison:?}");
        assert!(comparison.groups.is_empty());
    }

    #[test]
    fn an_edit_is_offered_when_it_was_seen_to_keep_the_behaviour() {
        let prefix = [ingress("shop/a", &[("a.example", "Prefix /foo web")])];
        let kept = keep_of(&moved(&prefix, ControllerKind::Traefik), &Cause::PrefixMatchesCharacters);
        let flag = "providers.kubernetesingress.strictprefixmatching";
        assert_eq!(kept, Some(Keep::Argument { flag, value: "true" }));

        let specific = [ingress("shop/a", &[("a.example", "Any /foo web")])];
        let kept = keep_of(&moved(&specific, ControllerKind::Haproxytech), &Cause::PrefixMatchesCharacters);
        assert!(
            matches!(&kept, Some(Keep::Edits { edits, .. }) if matches!(edits[..], [super::super::routing::Edit::SetPathType { .. }])),
            "{kept:?}"
        );
        // No path type of F5 NGINX takes `/foo/x` and leaves `/foobar`.
        assert_eq!(keep_of(&moved(&prefix, ControllerKind::F5Nginx), &Cause::PrefixMatchesCharacters), None);
    }

    #[test]
    fn the_order_of_listing_changes_nothing() {
        let mut ingresses = vec![
            ingress("shop/a", &[("a.example", "Prefix /foo web"), ("", "Prefix / all")]),
            ingress("shop/b", &[("a.example", "Exact /foo/x exact")]),
        ];
        let one = format!("{:?}", moved(&ingresses, ControllerKind::Traefik));
        ingresses.reverse();
        assert_eq!(one, format!("{:?}", moved(&ingresses, ControllerKind::Traefik)));
    }
}
