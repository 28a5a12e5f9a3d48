//! Why two controllers end a request differently.
//!
//! Assumption: the first cause that fits is the nearest to the rule that decided. Where none fits it is
//! `Other`, never the likeliest.
//! Source: the comparison of the products in `docs/controllers`.

use std::collections::BTreeMap;

use crate::analysis::annotations::{self, Standing};
use crate::analysis::field::pattern;
use crate::analysis::routing::{Decision, Note, Outcome, Refusal, Winner};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::{PathType, Place};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::Snapshot;

/// Why a request ends differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The choice of one of them is not determined.
    Undefined,
    /// The other does not load the Ingress at all.
    NotLoaded,
    /// A Service that is missing or has nobody behind it is answered in another way.
    MissingServiceStatus,
    /// The port or certificate that the request needs is not there.
    EntryPoint,
    /// One sends a request without the final slash to the path that has it.
    TrailingSlashRedirect,
    /// Only today's controller reads this annotation.
    ForeignAnnotationIgnored {
        key: String,
    },
    /// Only the other controller reads this annotation.
    ForeignAnnotationRead {
        key: String,
    },
    /// One sends http to https.
    HttpsRedirect,
    /// The exact path wins today, a prefix would.
    ExactLosesToLongerPrefix,
    /// A prefix wins today, the exact path would.
    ExactWinsOverPrefix,
    /// A request that no path of its host takes goes on to a wildcard host or to rules without host.
    FallthroughToWildcard,
    /// A wildcard stands for one label with one, for several with the other.
    WildcardLabels,
    /// Rules of another host are tried first.
    HostPrecedence,
    /// A default backend answers for more or fewer hosts.
    DefaultBackendScope,
    /// An annotation makes every path of the host a regular expression.
    RegexHost,
    /// A prefix ends within a path element.
    PrefixMatchesCharacters,
    /// The path is compared without case.
    CaseInsensitive,
    /// The path is a pattern to one of them.
    PatternRead,
    /// Several rules have the same host and path.
    DuplicateOwner,
    /// Another matching path is preferred.
    PathPrecedence,
    /// The same rule, another path for the upstream.
    UpstreamPath,
    /// Both redirect, to different places.
    RedirectTarget,
    /// Neither routes it, the answers have different statuses.
    NoRouteStatus,
    Other,
}

/// A request that two controllers end differently.
#[derive(Debug)]
pub struct Compared<'a> {
    pub request: &'a Request,
    /// The most particular host that a rule has for it; empty for any.
    pub host: &'a str,
    pub before: &'a Decision,
    pub after: &'a Decision,
    pub from: (ControllerKind, &'a Settings),
    pub to: (ControllerKind, &'a Settings),
    /// What the other controller takes and does not load.
    pub not_loaded: &'a BTreeMap<Name, &'a Refusal>,
    pub snapshot: &'a Snapshot,
}

/// Why the request ends differently.
#[must_use]
pub fn of(compared: &Compared<'_>) -> Cause {
    let Compared { before, after, .. } = compared;
    if before.outcome == Outcome::Undefined || after.outcome == Outcome::Undefined {
        return Cause::Undefined;
    }
    let lost = before.winner.as_ref().is_some_and(|winner| compared.not_loaded.contains_key(&winner.ingress));
    if lost {
        return Cause::NotLoaded;
    }
    by_answer(compared)
        .or_else(|| by_annotation(compared))
        .or_else(|| by_redirect(compared))
        .or_else(|| by_exactness(compared))
        .or_else(|| by_host(compared))
        .or_else(|| by_path(compared))
        .unwrap_or_else(|| rest(compared))
}

fn either(compared: &Compared<'_>, holds: impl Fn(&Decision) -> bool) -> bool {
    holds(compared.before) || holds(compared.after)
}

fn noted(decision: &Decision, holds: impl Fn(&Note) -> bool) -> bool {
    decision.notes.iter().any(holds)
}

fn has_winner_place(one: Option<&Winner>, other: Option<&Winner>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (&one.ingress, one.place) == (&other.ingress, other.place),
        _ => false,
    }
}

/// The proxies' own answers: nobody behind the rule, no listener.
fn by_answer(compared: &Compared<'_>) -> Option<Cause> {
    let nobody = |decision: &Decision| {
        decision.outcome != Outcome::Routed
            && noted(decision, |note| {
                matches!(
                    note,
                    Note::ServiceMissing(_)
                        | Note::PortMissing { .. }
                        | Note::NoReadyEndpoints(_)
                        | Note::NoServiceBackend
                        | Note::NoBackend
                )
            })
    };
    let closed = |decision: &Decision| {
        noted(decision, |note| matches!(note, Note::NoListener { .. } | Note::HandshakeRejected))
    };
    if either(compared, nobody) || dropped_backend(compared.before, compared.after) {
        return Some(Cause::MissingServiceStatus);
    }
    (closed(compared.before) != closed(compared.after)).then_some(Cause::EntryPoint)
}

/// One answers 5xx for a rule that the other left out.
fn dropped_backend(one: &Decision, other: &Decision) -> bool {
    let unavailable = |decision: &Decision| decision.outcome == Outcome::Unavailable;
    (unavailable(one) && !unavailable(other)) || (unavailable(other) && !unavailable(one))
}

fn by_annotation(compared: &Compared<'_>) -> Option<Cause> {
    let (before, after) = (compared.before, compared.after);
    let same_rule = has_winner_place(before.winner.as_ref(), after.winner.as_ref());
    if let Some(key) = effective(before, same_rule, compared.from, compared.to, compared.snapshot) {
        return Some(Cause::ForeignAnnotationIgnored { key });
    }
    let key = effective(after, same_rule, compared.to, compared.from, compared.snapshot)?;
    Some(Cause::ForeignAnnotationRead { key })
}

/// An annotation that had a part in a decision and that the other controller does not read.
fn effective(
    decision: &Decision,
    same_rule: bool,
    reader: (ControllerKind, &Settings),
    other: (ControllerKind, &Settings),
    snapshot: &Snapshot,
) -> Option<String> {
    let recognised = |(kind, settings): (ControllerKind, &Settings), key: &str| {
        annotations::standing(kind, settings, key) == Some(Standing::Recognised)
    };
    let only_here = |key: &str| !recognised(other, key);
    // A note may stand for the annotation's default, or name it without its prefix.
    let set = |ingress: &Name, key: &str| -> Option<String> {
        let ingress = snapshot.ingresses.get(&ingress.namespace, &ingress.name).found()?;
        let is_meant =
            |set: &str| set == key || set.strip_suffix(key).is_some_and(|rest| rest.ends_with('/'));
        ingress.meta.annotations.keys().find(|set| is_meant(set)).cloned()
    };
    let named = decision.notes.iter().find_map(|note| match note {
        Note::Annotation { ingress, key } => set(ingress, key).filter(|key| only_here(key)),
        _ => None,
    });
    if named.is_some() {
        return named;
    }
    // Of the same rule, only what the upstream receives is left to differ.
    let winner = decision.winner.as_ref().filter(|_| same_rule)?;
    let ingress = snapshot.ingresses.get(&winner.ingress.namespace, &winner.ingress.name).found()?;
    let changes_path = |key: &str| ["rewrite", "strip", "path"].iter().any(|word| key.contains(word));
    ingress
        .meta
        .annotations
        .keys()
        .find(|key| changes_path(key) && recognised(reader, key) && only_here(key))
        .cloned()
}

fn by_redirect(compared: &Compared<'_>) -> Option<Cause> {
    let path = compared.request.path.as_str();
    let target = |decision: &Decision| {
        let location = decision.location.as_deref().filter(|_| decision.outcome == Outcome::Redirect)?;
        let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
        let start = rest.find('/').unwrap_or(rest.len());
        let target = rest.get(start..).unwrap_or_default();
        Some((location.starts_with("https://"), target.split('?').next().unwrap_or_default().to_owned()))
    };
    let slash = |decision: &Decision| target(decision).is_some_and(|(_, to)| to == format!("{path}/"));
    if slash(compared.before) != slash(compared.after) {
        return Some(Cause::TrailingSlashRedirect);
    }
    let https = |decision: &Decision| {
        compared.request.scheme == Scheme::Http
            && target(decision).is_some_and(|(https, to)| {
                // ingress-nginx leaves out the final slash.
                https && to.trim_end_matches('/') == path.trim_end_matches('/')
            })
    };
    (https(compared.before) != https(compared.after)).then_some(Cause::HttpsRedirect)
}

fn by_exactness(compared: &Compared<'_>) -> Option<Cause> {
    let (before, after) = (compared.before.winner.as_ref()?, compared.after.winner.as_ref()?);
    let is_exact = |winner: &Winner| {
        winner.path_type == Some(PathType::Exact) && winner.path == compared.request.path.as_str()
    };
    match (is_exact(before), is_exact(after)) {
        _ if before.host != after.host => None,
        (true, false) if is_path(after) => Some(Cause::ExactLosesToLongerPrefix),
        (false, true) if is_path(before) => Some(Cause::ExactWinsOverPrefix),
        _ => None,
    }
}

fn is_path(winner: &Winner) -> bool {
    match winner.place {
        Place::Path(..) | Place::Match(..) => true,
        Place::DefaultBackend | Place::Rule(_) => false,
    }
}

fn by_host(compared: &Compared<'_>) -> Option<Cause> {
    let is_default = |decision: &Decision| {
        decision.default_backend && decision.winner.is_some()
            || decision.winner.as_ref().is_some_and(|winner| !is_path(winner))
    };
    let wider = |decision: &Decision| {
        decision
            .winner
            .as_ref()
            .is_some_and(|winner| is_path(winner) && is_wider(&winner.host, compared.host))
    };
    let unrouted = |decision: &Decision| decision.winner.is_none() || is_default(decision);
    match (wider(compared.before), wider(compared.after)) {
        (true, false) if unrouted(compared.after) => return Some(Cause::FallthroughToWildcard),
        (false, true) if unrouted(compared.before) => return Some(Cause::FallthroughToWildcard),
        (true, false) | (false, true) => return Some(Cause::HostPrecedence),
        (true, true) | (false, false) => {}
    }
    if is_default(compared.before) || is_default(compared.after) {
        return Some(Cause::DefaultBackendScope);
    }
    let labels = |decision: &Decision| {
        decision.winner.as_ref().and_then(|winner| winner.host.strip_prefix("*.")).is_some_and(|parent| {
            let below = compared.request.host.as_str().strip_suffix(parent).unwrap_or_default();
            below.trim_end_matches('.').contains('.')
        })
    };
    (labels(compared.before) != labels(compared.after)).then_some(Cause::WildcardLabels)
}

/// Whether a host takes more than another that takes the same request.
fn is_wider(host: &str, than: &str) -> bool {
    let rank = |host: &str| match host {
        "" => 0,
        _ if host.starts_with("*.") => host.len(),
        _ => usize::MAX,
    };
    rank(host) < rank(than)
}

fn by_path(compared: &Compared<'_>) -> Option<Cause> {
    let (before, after) = (compared.before.winner.as_ref(), compared.after.winner.as_ref());
    if has_winner_place(before, after) {
        return None;
    }
    if either(compared, |decision| noted(decision, |note| matches!(note, Note::RegexHost { .. }))) {
        return Some(Cause::RegexHost);
    }
    let path = compared.request.path.as_str();
    let winners = || before.into_iter().chain(after).filter(|winner| is_path(winner));
    if winners().any(|winner| !pattern::is_literal(&winner.path)) {
        return Some(Cause::PatternRead);
    }
    if winners().any(|winner| is_within_element(&winner.path, path)) {
        return Some(Cause::PrefixMatchesCharacters);
    }
    if winners().any(|winner| !path.starts_with(winner.path.trim_end_matches('/'))) {
        return Some(Cause::CaseInsensitive);
    }
    let (before, after) = (before?, after?);
    Some(if (&before.host, &before.path) == (&after.host, &after.path) {
        Cause::DuplicateOwner
    } else {
        Cause::PathPrecedence
    })
}

/// Whether a path is the beginning of a request's, and ends within an element of it.
fn is_within_element(path: &str, request: &str) -> bool {
    let rest = request.strip_prefix(path).filter(|_| !path.ends_with('/'));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

fn rest(compared: &Compared<'_>) -> Cause {
    let (before, after) = (compared.before, compared.after);
    let same_rule = has_winner_place(before.winner.as_ref(), after.winner.as_ref());
    match (before.outcome, after.outcome) {
        (Outcome::Routed, Outcome::Routed) if same_rule => Cause::UpstreamPath,
        (Outcome::Redirect, Outcome::Redirect) => Cause::RedirectTarget,
        (Outcome::NoRoute, Outcome::NoRoute) => Cause::NoRouteStatus,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::migration::is_same;
    use crate::analysis::routing::fixtures::{annotated, ingress, marked, set_default, snapshot};
    use crate::analysis::view::hypothetical;
    use crate::model::ingress::Ingress;
    use crate::model::object::Kind;
    use crate::model::snapshot::Listing;
    use ControllerKind::{
        AwsAlb, Contour, F5Nginx, HaproxyIngress, Haproxytech, IngressNginx, Spec, Traefik,
        TraefikIngressNginx,
    };

    /// A URL, the host of the rule it is about, and the cause; `None` where nothing differs.
    type Case<'a> = (&'a str, &'a str, Option<Cause>);

    fn check(from: ControllerKind, to: ControllerKind, ingresses: &[Ingress], cases: &[Case<'_>]) {
        let snapshot = Snapshot {
            ingresses: Listing::complete(Kind::Ingress, ingresses.to_vec()),
            ..snapshot(ingresses)
        };
        let (one, other) = (hypothetical(from, &snapshot), hypothetical(to, &snapshot));
        let not_loaded = other.refused.iter().map(|(ingress, why)| (ingress.meta.key(), why)).collect();
        for (url, host, expected) in cases {
            let request = Request::parse(url).expect(url);
            let (before, after) = (one.decide(&request), other.decide(&request));
            let found = (is_same(&before, &after) != Some(true)).then(|| {
                of(&Compared {
                    request: &request,
                    host,
                    before: &before,
                    after: &after,
                    from: (from, &one.settings),
                    to: (to, &other.settings),
                    not_loaded: &not_loaded,
                    snapshot: &snapshot,
                })
            });
            assert_eq!(found, *expected, "{url} under {from}, then {to}: {before:?} {after:?}");
        }
    }

    #[test]
    fn an_exact_path_loses_to_a_longer_text() {
        let ingresses =
            [ingress("shop/web", &[("a.example", "Exact /foo exact"), ("a.example", "Prefix / all")])];
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[
                ("http://a.example/foo", "a.example", Some(Cause::ExactLosesToLongerPrefix)),
                ("http://a.example/other", "a.example", None),
            ],
        );
        check(
            TraefikIngressNginx,
            IngressNginx,
            &ingresses,
            &[("http://a.example/foo", "a.example", Some(Cause::ExactWinsOverPrefix))],
        );
    }

    #[test]
    fn a_prefix_of_characters() {
        let ingresses = [ingress("shop/web", &[("a.example", "Prefix /foo web")])];
        for to in [Traefik, F5Nginx] {
            check(
                IngressNginx,
                to,
                &ingresses,
                &[
                    ("http://a.example/foobar", "a.example", Some(Cause::PrefixMatchesCharacters)),
                    ("http://a.example/foo/bar", "a.example", None),
                ],
            );
        }
        check(IngressNginx, Contour, &ingresses, &[("http://a.example/foobar", "a.example", None)]);
    }

    #[test]
    fn unmatched_paths_go_on_to_other_hosts() {
        let ingresses =
            [ingress("shop/web", &[("a.example", "Prefix /foo web"), ("", "Prefix / everybody")])];
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[
                ("http://a.example/else", "a.example", Some(Cause::FallthroughToWildcard)),
                ("http://a.example/foo", "a.example", None),
                ("http://b.example/", "", None),
            ],
        );
    }

    #[test]
    fn a_missing_service_is_answered_differently() {
        let ingresses =
            [ingress("shop/web", &[("a.example", "Prefix /gone gone"), ("a.example", "Prefix /web web")])];
        check(
            IngressNginx,
            Traefik,
            &ingresses,
            &[
                ("http://a.example/gone", "a.example", Some(Cause::MissingServiceStatus)),
                ("http://a.example/web", "a.example", None),
            ],
        );
        check(IngressNginx, TraefikIngressNginx, &ingresses, &[("http://a.example/gone", "a.example", None)]);
    }

    #[test]
    fn an_annotation_that_only_one_reads() {
        let ingresses = [annotated(
            "shop/web",
            9,
            &[("rewrite-target", "/$2")],
            &[("a.example", "Any /api(/|$)(.*) web")],
        )];
        let key = "nginx.ingress.kubernetes.io/permanent-redirect".to_owned();
        let moved = [annotated(
            "shop/web",
            9,
            &[("permanent-redirect", "https://new.example")],
            &[("a.example", "Prefix / web")],
        )];
        check(
            IngressNginx,
            Traefik,
            &moved,
            &[("http://a.example/", "a.example", Some(Cause::ForeignAnnotationIgnored { key: key.clone() }))],
        );
        check(
            Traefik,
            IngressNginx,
            &moved,
            &[("http://a.example/", "a.example", Some(Cause::ForeignAnnotationRead { key }))],
        );
        check(IngressNginx, TraefikIngressNginx, &moved, &[("http://a.example/", "a.example", None)]);
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[("http://a.example/api/x", "a.example", None)],
        );
        check(
            IngressNginx,
            Spec,
            &ingresses,
            &[("http://a.example/api/x", "a.example", Some(Cause::RegexHost))],
        );
    }

    #[test]
    fn a_rewrite_that_only_one_reads() {
        let ingresses =
            [annotated("shop/web", 9, &[("rewrite-target", "/new")], &[("a.example", "Prefix /old web")])];
        let key = "nginx.ingress.kubernetes.io/rewrite-target".to_owned();
        check(
            IngressNginx,
            Contour,
            &ingresses,
            &[("http://a.example/old", "a.example", Some(Cause::ForeignAnnotationIgnored { key }))],
        );
    }

    #[test]
    fn a_path_without_its_slash() {
        let ingresses = [ingress("shop/web", &[("a.example", "Exact /foo/ web")])];
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[
                ("http://a.example/foo", "a.example", Some(Cause::TrailingSlashRedirect)),
                ("http://a.example/foo/", "a.example", None),
            ],
        );
    }

    #[test]
    fn the_scope_of_a_default_backend() {
        let mut with_default = ingress("shop/web", &[("a.example", "Prefix /foo web")]);
        set_default(&mut with_default, "fallback");
        check(
            IngressNginx,
            Traefik,
            &[with_default],
            &[
                ("http://a.example/else", "a.example", Some(Cause::DefaultBackendScope)),
                ("http://a.example/foo", "a.example", None),
            ],
        );
    }

    #[test]
    fn a_regex_host() {
        let ingresses =
            [annotated("shop/web", 9, &[("use-regex", "true")], &[("a.example", "Exact /baz web")])];
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[
                ("http://a.example/bazz", "a.example", Some(Cause::RegexHost)),
                ("http://a.example/baz", "a.example", None),
            ],
        );
    }

    #[test]
    fn labels_below_a_wildcard() {
        let ingresses = [ingress("shop/web", &[("*.example", "Prefix / web")])];
        check(
            IngressNginx,
            AwsAlb,
            &ingresses,
            &[
                ("http://b.a.example/", "*.example", Some(Cause::WildcardLabels)),
                ("http://a.example/", "*.example", None),
            ],
        );
    }

    #[test]
    fn a_path_without_case() {
        let ingresses = [ingress("shop/web", &[("a.example", "Any /foo web")])];
        check(
            IngressNginx,
            HaproxyIngress,
            &ingresses,
            &[
                ("http://a.example/FOO", "a.example", Some(Cause::CaseInsensitive)),
                ("http://a.example/foo", "a.example", None),
            ],
        );
    }

    #[test]
    fn a_pattern_in_a_path() {
        let ingresses = [ingress("shop/web", &[("a.example", "Any /foo/* web")])];
        check(
            AwsAlb,
            Haproxytech,
            &ingresses,
            &[("http://a.example/foo/x", "a.example", Some(Cause::PatternRead))],
        );
    }

    #[test]
    fn an_ingress_that_is_not_loaded() {
        let ingresses =
            [ingress("shop/web", &[("a.example", "Prefix /a~b web"), ("a.example", "Prefix /c web")])];
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[("http://a.example/c", "a.example", Some(Cause::NotLoaded))],
        );
    }

    #[test]
    fn rules_of_two_with_the_same_path_are_undefined_under_one() {
        let ingresses = [
            ingress("shop/old", &[("a.example", "Prefix /foo old")]),
            ingress("shop/young", &[("a.example", "Prefix /foo young")]),
        ];
        check(
            IngressNginx,
            Traefik,
            &ingresses,
            &[("http://a.example/foo", "a.example", Some(Cause::Undefined))],
        );
    }

    #[test]
    fn a_controller_does_not_differ_from_itself() {
        let ingresses = [
            annotated("shop/web", 9, &[("use-regex", "true")], &[("a.example", "Any /v[0-9]+ web")]),
            marked("shop/other", &[], &[("b.example", "Exact /foo other"), ("", "Prefix / gone")]),
        ];
        for kind in ControllerKind::ALL {
            let urls = ["http://a.example/v1", "http://b.example/foo", "http://c.example/"];
            check(kind, kind, &ingresses, &urls.map(|url| (url, "", None)));
        }
    }
}
