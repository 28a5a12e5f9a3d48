//! Why two controllers end a request differently.
//!
//! Assumption: the first cause that fits is the nearest to the rule that decided. Where none fits it is
//! `Other`, never the likeliest.
//! Source: the comparison of the products in `docs/controllers`.

use std::collections::BTreeMap;

use crate::analysis::routing::{
    Decision, Detached, Eliminated, Note, Outcome, Reason, Refusal, ReloadFailure, Winner,
};
use crate::analysis::view::View;
use crate::model::controller::{ControllerKind, Settings};
use crate::model::object::{Kind, Name};
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::Snapshot;

mod annotation;
mod path;

use annotation::{acting, by_annotation, by_shared_canary, canary};
use path::{by_exactness, by_host, by_path};

/// Candidates that are looked through for why one of them lost.
const MOST_LOSERS: usize = 200;

/// Why a request ends differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The choice of one of them is not determined.
    Undefined,
    /// One of them cannot load what decides: its configuration, or its load balancer, stays as it was.
    ConfigurationRefused,
    /// Only one of them loads the winning rule's Ingress.
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
    /// Both read this annotation, and it acts with one of them only.
    AnnotationActs {
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
    /// A rule for `/` answers for every path of its host.
    RootRule,
    /// TLS for the host decides with one of them which rules it has.
    TlsHost,
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
    /// A rule with a final slash takes the path without it, or the other way round, with one of them.
    TrailingSlash,
    /// A path whose type is left to the product is a prefix to one of them, the whole path to the other.
    SpecificRead,
    /// The whole host belongs to one Ingress with one of them.
    HostOwner,
    /// Several rules have the same host and path.
    DuplicateOwner,
    /// Another matching path is preferred.
    PathPrecedence,
    /// The same rule, another path for the upstream.
    UpstreamPath,
    /// The path is refused by one of them as it is written, or read in another form.
    PathForm,
    /// Both redirect, to different places or with different statuses.
    RedirectTarget,
    /// Neither routes it, the answers have different statuses.
    NoRouteStatus,
    /// No rule of an HTTPRoute takes what a rule of an Ingress takes.
    NotInHttpRoutes,
    /// A rule of an HTTPRoute takes what no rule of an Ingress takes.
    OnlyInHttpRoutes,
    /// The HTTPRoute names another Service or port.
    OtherBackend,
    Other,
}

/// A controller as a comparison needs it.
pub struct Side<'a> {
    view: &'a View<'a>,
    /// What it does not take, or takes and does not load.
    not_loaded: BTreeMap<Name, &'a Refusal>,
}

impl std::fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Side").field(&self.view).finish()
    }
}

impl<'a> Side<'a> {
    #[must_use]
    pub fn new(view: &'a View<'a>) -> Self {
        let not_loaded = view.refused.iter().map(|(ingress, why)| (ingress.meta.key(), why)).collect();
        Self { view, not_loaded }
    }

    const fn product(&self) -> (ControllerKind, &Settings) {
        (self.view.kind, &self.view.settings)
    }

    /// Why the winning rule's Ingress is not loaded here.
    fn lacks(&self, decision: &Decision) -> Option<&Refusal> {
        let winner = decision.winner.as_ref().filter(|winner| winner.place.kind() == Kind::Ingress)?;
        self.not_loaded.get(&winner.ingress).copied()
    }
}

/// A request that two controllers end differently.
#[derive(Debug)]
pub struct Compared<'a> {
    pub request: &'a Request,
    /// The most particular host that a rule has for it; empty for any.
    pub host: &'a str,
    pub before: &'a Decision,
    pub after: &'a Decision,
    pub from: &'a Side<'a>,
    pub to: &'a Side<'a>,
    pub snapshot: &'a Snapshot,
}

/// Why the request ends differently.
#[must_use]
pub fn of(compared: &Compared<'_>) -> Cause {
    let Compared { before, after, .. } = compared;
    if before.outcome == Outcome::Undefined || after.outcome == Outcome::Undefined {
        return Cause::Undefined;
    }
    if is_frozen(before) != is_frozen(after) {
        return Cause::ConfigurationRefused;
    }
    match compared.to.lacks(before).or_else(|| compared.from.lacks(after)) {
        Some(Refusal::HostsTaken { .. }) => return Cause::HostOwner,
        Some(_) => return Cause::NotLoaded,
        None => {}
    }
    by_answer(compared)
        .or_else(|| by_annotation(compared))
        .or_else(|| by_redirect(compared))
        .or_else(|| by_translation(compared))
        .or_else(|| by_exactness(compared))
        .or_else(|| by_host(compared))
        .or_else(|| by_path(compared))
        .or_else(|| by_explanation(compared))
        .unwrap_or_else(|| rest(compared))
}

/// What keeps one of the two from loading what decides the request.
#[must_use]
pub fn failure(compared: &Compared<'_>) -> Option<ReloadFailure> {
    let side = if is_frozen(compared.before) { compared.from } else { compared.to };
    side.view.table.failure_for(compared.request).cloned()
}

/// Whether the configuration that would decide is not in force.
fn is_frozen(decision: &Decision) -> bool {
    noted(decision, |note| *note == Note::ReloadFails)
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
    // No status without an answer: the connection or its handshake is refused.
    let closed = |decision: &Decision| {
        decision.outcome == Outcome::Refused && decision.status.is_none() && !is_frozen(decision)
            || noted(decision, |note| matches!(note, Note::NoListener { .. } | Note::HandshakeRejected))
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

/// Whether an HTTPRoute sends the request to where the Ingress sends it.
fn is_same_target(compared: &Compared<'_>) -> bool {
    let target = |decision: &Decision| decision.winner.as_ref().and_then(|winner| winner.backend.clone());
    compared.to.view.is_of_gateways()
        && target(compared.before).is_some()
        && target(compared.before) == target(compared.after)
}

fn by_redirect(compared: &Compared<'_>) -> Option<Cause> {
    let path = decoded(compared.request.path.as_str());
    let target = |decision: &Decision| {
        let location = decision.location.as_deref().filter(|_| decision.outcome == Outcome::Redirect)?;
        let rest = location.split_once("://").map_or(location, |(_, rest)| rest);
        let start = rest.find('/').unwrap_or(rest.len());
        let target = rest.get(start..).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        Some((location.starts_with("https://"), decoded(path)))
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

/// A path without its escapes.
fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Rules of HTTPRoutes are other objects: what they leave out, add, or send elsewhere.
fn by_translation(compared: &Compared<'_>) -> Option<Cause> {
    if !compared.to.view.is_of_gateways() {
        return None;
    }
    let (before, after) = (compared.before, compared.after);
    let same = (before.winner.as_ref()).zip(after.winner.as_ref()).filter(|(before, after)| {
        (&before.host, &before.path, before.path_type) == (&after.host, &after.path, after.path_type)
    });
    match (before.outcome, after.outcome) {
        (Outcome::Routed, Outcome::Routed) if same.is_some() && !is_same_target(compared) => {
            Some(Cause::OtherBackend)
        }
        (Outcome::Routed | Outcome::Redirect, Outcome::NoRoute) => {
            let explained = compared.to.view.table.explain(compared.request, MOST_LOSERS).eliminated;
            let elsewhere =
                |one: &Eliminated| matches!(one.reason, Reason::Detached(Detached::OtherPort { .. }));
            let is_entry = explained.iter().any(elsewhere);
            Some(if is_entry { Cause::EntryPoint } else { Cause::NotInHttpRoutes })
        }
        (Outcome::NoRoute, Outcome::Routed | Outcome::Redirect) => Some(Cause::OnlyInHttpRoutes),
        _ => None,
    }
}

/// Why the winner of one of them lost with the other, in that one's own words.
fn by_explanation(compared: &Compared<'_>) -> Option<Cause> {
    let reason = |decision: &Decision, other: &Side<'_>| {
        let winner = decision.winner.as_ref()?;
        let explained = other.view.table.explain(compared.request, MOST_LOSERS).eliminated;
        let lost = |one: &&Eliminated| (&one.ingress, one.place) == (&winner.ingress, winner.place);
        match &explained.iter().find(lost)?.reason {
            Reason::CanaryOnly => {
                let (namespace, name) = (&winner.ingress.namespace, &winner.ingress.name);
                let key = canary(compared.snapshot.ingresses.get(namespace, name).found()?)?.clone();
                Some(Cause::AnnotationActs { key })
            }
            reason => by_reason(reason),
        }
    };
    reason(compared.before, compared.to).or_else(|| reason(compared.after, compared.from))
}

fn by_reason(reason: &Reason) -> Option<Cause> {
    match reason {
        Reason::HostTaken { .. } => Some(Cause::HostOwner),
        Reason::OtherServer { .. } => Some(Cause::HostPrecedence),
        Reason::NotLoaded(_) => Some(Cause::NotLoaded),
        Reason::PatternDiffers { .. } => Some(Cause::PatternRead),
        Reason::LeftOut(_) | Reason::ResourceBackend => Some(Cause::MissingServiceStatus),
        Reason::Duplicate { .. } | Reason::OlderWins { .. } => Some(Cause::DuplicateOwner),
        Reason::LessSpecific { .. } => Some(Cause::PathPrecedence),
        Reason::OtherEntryPoint { .. } => Some(Cause::EntryPoint),
        Reason::HostDiffers
        | Reason::PathDiffers
        | Reason::CanaryOnly
        | Reason::ConditionDiffers { .. }
        | Reason::Unmet(_)
        | Reason::Detached(_) => None,
    }
}

fn rest(compared: &Compared<'_>) -> Cause {
    let (before, after) = (compared.before, compared.after);
    let same_rule =
        has_winner_place(before.winner.as_ref(), after.winner.as_ref()) || is_same_target(compared);
    let own = |decision: &Decision| {
        decision.winner.is_none() && matches!(decision.outcome, Outcome::NoRoute | Outcome::Redirect)
    };
    let acts = |decision| acting(decision, compared.snapshot);
    if let (Some(key), None) | (None, Some(key)) = (acts(before), acts(after)) {
        return Cause::AnnotationActs { key };
    }
    match (before.outcome, after.outcome) {
        (Outcome::Routed, Outcome::Routed) if same_rule => Cause::UpstreamPath,
        _ if either(compared, |decision| decision.status == Some(400)) => Cause::PathForm,
        (Outcome::Redirect, Outcome::Redirect) => Cause::RedirectTarget,
        _ if own(before) && own(after) => Cause::NoRouteStatus,
        _ if has_tls_elsewhere(compared) => Cause::TlsHost,
        _ => by_shared_canary(compared).unwrap_or(Cause::Other),
    }
}

/// Whether only Cilium leaves the request without a rule, on a host that some Ingress has TLS for: such
/// hosts have no plain routes beside redirects, nor routes of their own beside those for any host.
fn has_tls_elsewhere(compared: &Compared<'_>) -> bool {
    let open = |decision: &Decision, side: &Side<'_>| {
        side.view.kind == ControllerKind::Cilium && decision.winner.is_none()
    };
    let host = compared.request.host.as_str();
    let mut tls = compared.snapshot.ingresses.items().iter().flat_map(|ingress| &ingress.tls);
    (open(compared.before, compared.from) || open(compared.after, compared.to))
        && tls.any(|tls| tls.hosts.iter().any(|name| name.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::migration::is_same;
    use crate::analysis::routing::fixtures::{annotated, ingress, marked, set_default, snapshot};
    use crate::analysis::view::hypothetical;
    use crate::model::ingress::{Ingress, Tls};
    use crate::model::snapshot::Listing;
    use ControllerKind::{
        Agic, AwsAlb, Contour, F5Nginx, Gce, HaproxyIngress, Haproxytech, IngressNginx, Istio, Spec, Traefik,
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
        for (url, host, expected) in cases {
            let request = Request::parse(url).expect(url);
            let (before, after) = (one.decide(&request), other.decide(&request));
            let found = (is_same(&request, &before, &after) != Some(true)).then(|| {
                of(&Compared {
                    request: &request,
                    host,
                    before: &before,
                    after: &after,
                    from: &Side::new(&one),
                    to: &Side::new(&other),
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

    fn with_tls(mut ingress: Ingress) -> Ingress {
        ingress.tls = vec![Tls { hosts: vec!["a.example".to_owned()], secret: Some("cert".to_owned()) }];
        ingress
    }

    #[test]
    fn a_port_or_certificate_that_is_not_there() {
        let ingresses = [ingress("shop/web", &[("a.example", "Prefix / web")])];
        for to in [AwsAlb, Contour, Istio, Gce] {
            check(
                IngressNginx,
                to,
                &ingresses,
                &[
                    ("https://a.example/", "a.example", Some(Cause::EntryPoint)),
                    ("http://a.example/", "a.example", None),
                ],
            );
        }
        let served = [with_tls(ingress("shop/web", &[("a.example", "Prefix / web")]))];
        check(IngressNginx, Contour, &served, &[("https://a.example/", "a.example", None)]);
    }

    #[test]
    fn a_redirect_to_https() {
        let served = [with_tls(ingress("shop/web", &[("a.example", "Prefix / web")]))];
        check(
            IngressNginx,
            Contour,
            &served,
            &[
                ("http://a.example/", "a.example", Some(Cause::HttpsRedirect)),
                ("https://a.example/", "a.example", None),
            ],
        );
        check(
            Traefik,
            IngressNginx,
            &served,
            &[("http://a.example/x", "a.example", Some(Cause::HttpsRedirect))],
        );
        let plain = [ingress("shop/web", &[("a.example", "Prefix / web")])];
        check(IngressNginx, Contour, &plain, &[("http://a.example/", "a.example", None)]);
    }

    #[test]
    fn redirects_to_different_places() {
        let served = [with_tls(ingress("shop/web", &[("a.example", "Prefix / web")]))];
        check(
            IngressNginx,
            Haproxytech,
            &served,
            &[
                ("http://a.example/x", "a.example", Some(Cause::RedirectTarget)),
                ("https://a.example/x", "a.example", None),
            ],
        );
        check(IngressNginx, TraefikIngressNginx, &served, &[("http://a.example/x", "a.example", None)]);
    }

    #[test]
    fn a_longer_rule_of_any_host() {
        let ingresses = [
            ingress("shop/any", &[("", "Prefix /a/very/long/path/of/an/app all")]),
            ingress("shop/own", &[("h.io", "Prefix / web")]),
        ];
        check(
            IngressNginx,
            Traefik,
            &ingresses,
            &[
                ("http://h.io/a/very/long/path/of/an/app", "h.io", Some(Cause::HostPrecedence)),
                ("http://h.io/other", "h.io", None),
            ],
        );
        check(IngressNginx, Contour, &ingresses, &[("http://h.io/a/very/long/path/of/an/app", "h.io", None)]);
    }

    #[test]
    fn the_owner_of_a_path_that_two_have() {
        let ingresses = [
            annotated("shop/old", 9, &[], &[("a.example", "Prefix /foo zeta")]),
            annotated(
                "shop/young",
                1,
                &[],
                &[("a.example", "Prefix /foo alpha"), ("a.example", "Exact /x alpha")],
            ),
        ];
        check(
            IngressNginx,
            Haproxytech,
            &ingresses,
            &[
                ("http://a.example/foo", "a.example", Some(Cause::DuplicateOwner)),
                ("http://a.example/x", "a.example", None),
            ],
        );
        check(IngressNginx, HaproxyIngress, &ingresses, &[("http://a.example/foo", "a.example", None)]);
    }

    #[test]
    fn the_owner_of_a_host_that_two_have() {
        let ingresses = [
            annotated("shop/old", 9, &[], &[("a.example", "Prefix /foo foo")]),
            annotated("shop/young", 1, &[], &[("a.example", "Prefix /bar bar")]),
        ];
        check(
            IngressNginx,
            F5Nginx,
            &ingresses,
            &[
                ("http://a.example/bar", "a.example", Some(Cause::HostOwner)),
                ("http://a.example/foo", "a.example", None),
            ],
        );
    }

    #[test]
    fn rules_in_the_order_in_which_they_stand() {
        let ingresses = [ingress(
            "shop/web",
            &[("a.example", "Prefix / web"), ("b.example", "Prefix / web"), ("a.example", "Prefix /foo foo")],
        )];
        check(
            IngressNginx,
            AwsAlb,
            &ingresses,
            &[
                ("http://a.example/foo", "a.example", Some(Cause::PathPrecedence)),
                ("http://a.example/other", "a.example", None),
                ("http://b.example/foo", "b.example", None),
            ],
        );
    }

    #[test]
    fn the_path_that_the_upstream_receives() {
        let ingresses =
            [annotated("shop/web", 9, &[("rewrite-target", "/new")], &[("a.example", "Prefix /old web")])];
        check(
            IngressNginx,
            TraefikIngressNginx,
            &ingresses,
            &[
                ("http://a.example/old/tail", "a.example", Some(Cause::UpstreamPath)),
                ("http://a.example/old", "a.example", None),
            ],
        );
    }

    #[test]
    fn the_status_of_what_nothing_takes() {
        let ingresses = [ingress("shop/web", &[("a.example", "Prefix /foo web")])];
        check(
            IngressNginx,
            Agic,
            &ingresses,
            &[
                ("http://a.example/none", "a.example", Some(Cause::NoRouteStatus)),
                ("http://a.example/foo", "a.example", None),
            ],
        );
        check(IngressNginx, Contour, &ingresses, &[("http://a.example/none", "a.example", None)]);
    }

    #[test]
    fn a_load_balancer_that_cannot_be_built() {
        let ingresses = [
            ingress("shop/bad", &[("a.example", "Prefix / web"), ("a.example", "Exact /a*b web")]),
            ingress("shop/good", &[("b.example", "Prefix / web")]),
        ];
        check(
            IngressNginx,
            AwsAlb,
            &ingresses,
            &[
                ("http://a.example/", "a.example", Some(Cause::ConfigurationRefused)),
                ("http://b.example/", "b.example", None),
            ],
        );
    }

    #[test]
    fn an_ingress_that_only_the_other_loads() {
        let ingresses =
            [ingress("shop/web", &[("a.example", "Prefix /a~b web"), ("a.example", "Prefix /c web")])];
        check(
            TraefikIngressNginx,
            IngressNginx,
            &ingresses,
            &[
                ("http://a.example/c", "a.example", Some(Cause::NotLoaded)),
                ("http://a.example/d", "a.example", None),
            ],
        );
    }

    #[test]
    fn a_canary_is_an_ingress_like_any_other_to_those_that_know_none() {
        let ingresses =
            [annotated("shop/new", 9, &[("canary", "true")], &[("a.example", "Prefix /new web")])];
        let key = "nginx.ingress.kubernetes.io/canary".to_owned();
        check(
            IngressNginx,
            Contour,
            &ingresses,
            &[
                (
                    "http://a.example/new",
                    "a.example",
                    Some(Cause::ForeignAnnotationIgnored { key: key.clone() }),
                ),
                ("http://a.example/", "a.example", None),
            ],
        );
        check(
            Contour,
            IngressNginx,
            &ingresses,
            &[("http://a.example/new", "a.example", Some(Cause::ForeignAnnotationRead { key }))],
        );
    }

    #[test]
    fn a_final_slash_that_decides() {
        let ingresses = [ingress("shop/web", &[("a.example", "Prefix /foo/ web")])];
        check(
            Haproxytech,
            Traefik,
            &ingresses,
            &[
                ("http://a.example/foo", "a.example", Some(Cause::TrailingSlash)),
                ("http://a.example/foo/", "a.example", None),
            ],
        );
    }

    #[test]
    fn a_rule_for_the_root_that_takes_everything() {
        let ingresses = [ingress("shop/web", &[("a.example", "Exact / web")])];
        check(
            Traefik,
            Agic,
            &ingresses,
            &[
                ("http://a.example/below", "a.example", Some(Cause::RootRule)),
                ("http://a.example/", "a.example", None),
            ],
        );
    }

    #[test]
    fn a_path_that_is_read_in_another_form() {
        let ingresses = [ingress(
            "shop/web",
            &[("a.example", "Exact /back`tick web"), ("a.example", "Exact /plain web")],
        )];
        check(
            Traefik,
            Contour,
            &ingresses,
            &[
                ("http://a.example/back`tick", "a.example", Some(Cause::PathForm)),
                ("http://a.example/plain", "a.example", None),
            ],
        );
    }

    #[test]
    fn a_path_whose_type_is_left_to_the_product() {
        let ingresses = [ingress("shop/web", &[("a.example", "Any /foo web")])];
        check(
            IngressNginx,
            Istio,
            &ingresses,
            &[
                ("http://a.example/foo/bar", "a.example", Some(Cause::SpecificRead)),
                ("http://a.example/foo", "a.example", None),
            ],
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
