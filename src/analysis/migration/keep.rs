//! The edit that keeps today's behaviour under the other controller.
//!
//! Assumption: only what was tried counts. An edit is offered when, with it, the example ends as it does
//! today and no request that the Ingresses of its host are about differs that did not differ without it.

use super::cause::Cause;
use super::translate::translations;
use super::{Group, is_same};
use crate::analysis::derived;
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::{Decision, Edit, Outcome, RouteTable, Winner, proposed};
use crate::analysis::view::{self, View};
use crate::model::controller::{ControllerKind, Flag, Settings};
use crate::model::ingress::{Ingress, PathType, Place};
use crate::model::object::{Kind, Name};
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

/// Ingresses of one host beyond which nothing is tried.
const MOST_INGRESSES: usize = 40;
/// Requests with which an edit is tried.
const MOST_REQUESTS: usize = 400;

/// What to set before moving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// All of them together.
    Edits { ingress: Name, place: Place, edits: Vec<Edit> },
    /// A rule that today's controller does not use.
    Remove { ingress: Name, place: Place },
    /// An argument of the other controller.
    Argument { flag: &'static str, value: &'static str },
}

/// The first edit that proves good.
pub(super) fn find(group: &Group, from: &View<'_>, target: &View<'_>, snapshot: &Snapshot) -> Option<Keep> {
    let tries = candidates(group, target, snapshot);
    if tries.is_empty() {
        return None;
    }
    let host = group.example.host.as_str();
    let near: Vec<&Ingress> =
        target.adopted.iter().map(|(ingress, _)| *ingress).filter(|ingress| touches(ingress, host)).collect();
    if near.len() > MOST_INGRESSES {
        return None;
    }
    let compile = |ingresses: &[&Ingress], settings: &Settings| {
        view::compile(target.kind, ingresses, snapshot, settings).0
    };
    let around = near.iter().flat_map(|ingress| derived::requests(ingress).0).take(MOST_REQUESTS);
    let unedited = compile(&near, &target.settings);
    let differs = |table: &dyn RouteTable, request: &Request| {
        is_same(request, &from.decide(request), &table.decide(request)) != Some(true)
    };
    let good: Vec<Request> =
        around.map(|derived| derived.request).filter(|request| !differs(&*unedited, request)).collect();
    tries.into_iter().find(|keep| {
        let edited: Vec<Ingress> = near.iter().map(|ingress| apply(keep, ingress)).collect();
        let table = compile(&edited.iter().collect::<Vec<_>>(), &with(keep, &target.settings));
        !differs(&*table, &group.example) && good.iter().all(|request| !differs(&*table, request))
    })
}

/// Edits worth a try, the smallest first.
fn candidates(group: &Group, target: &View<'_>, snapshot: &Snapshot) -> Vec<Keep> {
    let to = target.kind;
    // What HTTPRoutes do is no matter of an Ingress.
    if to.routes_by_gateways() {
        return Vec::new();
    }
    let (before, after) = (group.before.winner.as_ref(), group.after.winner.as_ref());
    let is_redirect = |decision: &Decision| decision.outcome == Outcome::Redirect;
    let set_all = |pairs: &[(&str, &str)]| {
        let annotation = |(key, value): &(&str, &str)| Edit::SetAnnotation {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        before.or(after).filter(|winner| winner.place.kind() == Kind::Ingress).map(|winner| Keep::Edits {
            ingress: winner.ingress.clone(),
            place: winner.place,
            edits: pairs.iter().map(annotation).collect(),
        })
    };
    let set = |key: &str, value: &str| set_all(&[(key, value)]);
    let argument = |flag: &'static str| {
        (to == ControllerKind::Traefik).then_some(Keep::Argument { flag, value: "true" })
    };
    let mut tries = Vec::new();
    match &group.cause {
        Cause::PrefixMatchesCharacters
        | Cause::ExactLosesToLongerPrefix
        | Cause::ExactWinsOverPrefix
        | Cause::PathPrecedence
        | Cause::HostPrecedence
        | Cause::CaseInsensitive
        | Cause::PatternRead
        | Cause::SpecificRead
        | Cause::RegexHost => {
            if group.cause == Cause::PrefixMatchesCharacters {
                tries.extend(argument("providers.kubernetesingress.strictprefixmatching"));
            }
            if to == ControllerKind::Traefik {
                tries.extend(set("traefik.ingress.kubernetes.io/router.priority", "10000"));
            }
            for winner in before.into_iter().chain(after) {
                tries.extend(types(winner, snapshot));
            }
        }
        Cause::HttpsRedirect => {
            let wanted = is_redirect(&group.before);
            let status = group.before.status.unwrap_or_default().to_string();
            let switch = redirect_switch(to, wanted);
            tries.extend(switch.and_then(|(key, value)| set(key, value)));
            let also = redirect_form(to, &status).into_iter().filter(|_| wanted);
            let all: Vec<(&str, &str)> = switch.into_iter().chain(also).collect();
            tries.extend(set_all(&all).filter(|_| all.len() > 1));
        }
        Cause::RedirectTarget => {
            let status = group.before.status.unwrap_or_default().to_string();
            let form = redirect_form(to, &status);
            tries.extend(set_all(&form).filter(|_| !form.is_empty()));
        }
        Cause::ConfigurationRefused if to == ControllerKind::AwsAlb => {
            tries.extend(set("alb.ingress.kubernetes.io/target-type", "ip"));
        }
        Cause::EntryPoint if to == ControllerKind::AwsAlb => {
            let both = r#"[{"HTTP":80},{"HTTPS":443}]"#;
            tries.extend(set("alb.ingress.kubernetes.io/listen-ports", both));
        }
        Cause::EntryPoint if to == ControllerKind::Traefik => {
            tries.extend(set("traefik.ingress.kubernetes.io/router.tls", "true"));
        }
        Cause::MissingServiceStatus => {
            tries.extend(argument("providers.kubernetesingress.allowemptyservices"));
        }
        Cause::Undefined | Cause::DuplicateOwner => {
            tries.extend(before.into_iter().flat_map(|winner| doubles(winner, target)))
        }
        Cause::UpstreamPath | Cause::ForeignAnnotationRead { .. } if to == ControllerKind::Kong => {
            tries.extend(
                ["true", "false"].into_iter().filter_map(|value| set("konghq.com/strip-path", value)),
            );
        }
        Cause::NotLoaded
        | Cause::HostOwner
        | Cause::TrailingSlash
        | Cause::ConfigurationRefused
        | Cause::EntryPoint
        | Cause::TrailingSlashRedirect
        | Cause::ForeignAnnotationIgnored { .. }
        | Cause::ForeignAnnotationRead { .. }
        | Cause::AnnotationActs { .. }
        | Cause::RootRule
        | Cause::TlsHost
        | Cause::FallthroughToWildcard
        | Cause::WildcardLabels
        | Cause::DefaultBackendScope
        | Cause::UpstreamPath
        | Cause::PathForm
        | Cause::NoRouteStatus
        | Cause::NotInHttpRoutes
        | Cause::OnlyInHttpRoutes
        | Cause::OtherBackend
        | Cause::Other => {}
    }
    tries.extend(before.into_iter().flat_map(|winner| translated(winner, to, snapshot)));
    tries
}

/// What the annotations of today's winner ask for, said to the other product.
fn translated(winner: &Winner, to: ControllerKind, snapshot: &Snapshot) -> Vec<Keep> {
    let ingress = snapshot.ingresses.get(&winner.ingress.namespace, &winner.ingress.name).found();
    let sets = ingress.map(|ingress| translations(ingress, winner.place, to)).unwrap_or_default();
    let keep = |edits| Keep::Edits { ingress: winner.ingress.clone(), place: winner.place, edits };
    sets.into_iter().map(keep).collect()
}

/// The annotation by which a controller sends http to https, or does not.
const fn redirect_switch(to: ControllerKind, wanted: bool) -> Option<(&'static str, &'static str)> {
    let value = if wanted { "true" } else { "false" };
    match to {
        ControllerKind::IngressNginx | ControllerKind::TraefikIngressNginx if wanted => {
            Some(("nginx.ingress.kubernetes.io/force-ssl-redirect", value))
        }
        ControllerKind::IngressNginx | ControllerKind::TraefikIngressNginx => {
            Some(("nginx.ingress.kubernetes.io/ssl-redirect", value))
        }
        ControllerKind::F5Nginx if wanted => Some(("nginx.org/redirect-to-https", value)),
        ControllerKind::F5Nginx => Some(("nginx.org/ssl-redirect", value)),
        ControllerKind::Haproxytech => Some(("haproxy.org/ssl-redirect", value)),
        ControllerKind::HaproxyIngress => Some(("haproxy-ingress.github.io/ssl-redirect", value)),
        ControllerKind::Agic => Some(("appgw.ingress.kubernetes.io/ssl-redirect", value)),
        ControllerKind::Contour => Some(("ingress.kubernetes.io/force-ssl-redirect", value)),
        ControllerKind::AwsAlb if wanted => Some(("alb.ingress.kubernetes.io/ssl-redirect", "443")),
        ControllerKind::AwsAlb
        | ControllerKind::Traefik
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => None,
    }
}

/// The annotations for the form of such a redirect: its status, and a port that need not be written.
fn redirect_form(to: ControllerKind, status: &str) -> Vec<(&'static str, &str)> {
    match to {
        ControllerKind::Haproxytech => {
            vec![("haproxy.org/ssl-redirect-code", status), ("haproxy.org/ssl-redirect-port", "443")]
        }
        ControllerKind::HaproxyIngress => vec![("haproxy-ingress.github.io/ssl-redirect-code", status)],
        ControllerKind::F5Nginx => vec![("nginx.org/http-redirect-code", status)],
        _ => Vec::new(),
    }
}

/// Rules for the host and path of the one that wins today, which is all that they are used for.
fn doubles(winner: &Winner, target: &View<'_>) -> Vec<Keep> {
    let mut found = Vec::new();
    for (ingress, _) in &target.adopted {
        for (rule, path, host, written) in ingress.path_rules() {
            let place = Place::Path(rule, path);
            let is_winner = (&ingress.meta.key(), place) == (&winner.ingress, winner.place);
            let is_same = host.eq_ignore_ascii_case(&winner.host)
                && written.path == winner.path
                && Some(written.path_type) == winner.path_type;
            if is_same && !is_winner {
                found.push(Keep::Remove { ingress: ingress.meta.key(), place });
            }
        }
    }
    found
}

/// Other path types for a rule.
fn types(winner: &Winner, snapshot: &Snapshot) -> Vec<Keep> {
    let ingress = snapshot.ingresses.get(&winner.ingress.namespace, &winner.ingress.name).found();
    let Some(path) = ingress.and_then(|ingress| ingress.path_at(winner.place)) else { return Vec::new() };
    [PathType::Prefix, PathType::ImplementationSpecific, PathType::Exact]
        .into_iter()
        .filter(|to| *to != path.path_type)
        .map(|to| Keep::Edits {
            ingress: winner.ingress.clone(),
            place: winner.place,
            edits: vec![Edit::SetPathType { from: path.path_type, to }],
        })
        .collect()
}

/// The Ingress as it would be.
pub(super) fn apply(keep: &Keep, ingress: &Ingress) -> Ingress {
    let mut edited = ingress.clone();
    match keep {
        Keep::Edits { ingress: name, place, edits } if ingress.meta.key() == *name => {
            edits.iter().for_each(|edit| {
                let _ = proposed::apply(edit, *place, &mut edited);
            });
        }
        Keep::Remove { ingress: name, place: Place::Path(rule, path) } if ingress.meta.key() == *name => {
            let paths = edited.rules.get_mut(*rule).and_then(|rule| rule.paths.as_mut());
            if let Some(paths) = paths.filter(|paths| *path < paths.len()) {
                paths.remove(*path);
                if paths.is_empty() {
                    edited.rules.remove(*rule);
                }
            }
        }
        Keep::Edits { .. } | Keep::Remove { .. } | Keep::Argument { .. } => {}
    }
    edited
}

/// The settings as they would be.
pub(super) fn with(keep: &Keep, settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    let Keep::Argument { flag, value } = keep else { return settings };
    // Without any argument the usual entry points are assumed; beside one they have to be said.
    let usual = [
        ("entrypoints.web.address", ":80"),
        ("entrypoints.websecure.address", ":443"),
        ("entrypoints.websecure.http.tls", "true"),
    ];
    let said = if settings.args.is_empty() { usual.as_slice() } else { &[] };
    for (name, value) in said.iter().chain([&(*flag, *value)]) {
        settings.args.push(Flag {
            index: settings.args.len(),
            in_command: false,
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        });
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::migration::compare;
    use crate::analysis::routing::fixtures::{annotated, ingress, snapshot};
    use crate::analysis::view::hypothetical;
    use crate::model::ingress::Tls;
    use crate::model::snapshot::Listing;
    use ControllerKind::{AwsAlb, Contour, Haproxytech, IngressNginx, Kong, Traefik, TraefikIngressNginx};

    fn with(ingresses: &[Ingress]) -> Snapshot {
        Snapshot { ingresses: Listing::complete(Kind::Ingress, ingresses.to_vec()), ..snapshot(ingresses) }
    }

    /// The edit for the first group of a cause, in short.
    #[track_caller]
    fn kept(from: ControllerKind, to: ControllerKind, ingresses: &[Ingress], cause: &Cause) -> String {
        let snapshot = with(ingresses);
        let comparison = compare(&[hypothetical(from, &snapshot)], to, &snapshot, |_| true);
        let found = comparison.groups.iter().find(|group| group.cause == *cause);
        proven(from, to, ingresses, found.unwrap_or_else(|| panic!("no {cause:?}: {comparison:?}")))
    }

    /// The edits for all groups that have one.
    fn all_kept(from: ControllerKind, to: ControllerKind, ingresses: &[Ingress]) -> String {
        let snapshot = with(ingresses);
        let comparison = compare(&[hypothetical(from, &snapshot)], to, &snapshot, |_| true);
        let kept = comparison.groups.iter().filter(|group| group.keep.is_some());
        kept.map(|group| proven(from, to, ingresses, group)).collect::<Vec<_>>().join(", ")
    }

    /// An edit in short; seen to keep the answer, and to be needed for it.
    #[track_caller]
    fn proven(from: ControllerKind, to: ControllerKind, ingresses: &[Ingress], group: &Group) -> String {
        let snapshot = with(ingresses);
        let Some(keep) = &group.keep else { return "none".to_owned() };
        let today = hypothetical(from, &snapshot);
        let edited: Vec<Ingress> = ingresses.iter().map(|ingress| apply(keep, ingress)).collect();
        let settings = super::with(keep, &Settings::default());
        let after = |ingresses: &[Ingress], settings: &Settings| {
            let all: Vec<&Ingress> = ingresses.iter().collect();
            view::compile(to, &all, &snapshot, settings).0.decide(&group.example)
        };
        let before = today.decide(&group.example);
        assert_eq!(is_same(&group.example, &before, &after(&edited, &settings)), Some(true), "{keep:?}");
        assert_ne!(
            is_same(&group.example, &before, &after(ingresses, &Settings::default())),
            Some(true),
            "{keep:?}"
        );
        let all: Vec<&Ingress> = edited.iter().collect();
        let unmoved = view::compile(from, &all, &snapshot, &Settings::default()).0.decide(&group.example);
        let is_moved = matches!(keep, Keep::Edits { edits, .. } if edits.iter().any(is_path));
        let as_before = is_same(&group.example, &before, &unmoved) == Some(true);
        assert!(as_before || is_moved, "today's answer is not what it was: {keep:?}");
        match keep {
            Keep::Edits { ingress, edits, .. } => {
                let told = |edit: &Edit| match edit {
                    Edit::SetAnnotation { key, value } => format!("{key}={value}"),
                    Edit::SetPathType { to, .. } => to.as_str().to_owned(),
                    Edit::SetPath { to, .. } => to.clone(),
                    other => format!("{other:?}"),
                };
                format!("{ingress} {}", edits.iter().map(told).collect::<Vec<_>>().join(" "))
            }
            Keep::Remove { ingress, place } => format!("{ingress} without {}", place.field("")),
            Keep::Argument { flag, value } => format!("--{flag}={value}"),
        }
    }

    const fn is_path(edit: &Edit) -> bool {
        matches!(edit, Edit::SetPath { .. })
    }

    /// Where to, annotations, paths, and the edit in short.
    type Case<'a> = (ControllerKind, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)], String);

    #[test]
    fn annotations_are_said_to_the_other_product() {
        use ControllerKind::{Agic, Apisix, F5Nginx, HaproxyIngress, Istio};
        let rewrite = [("rewrite-target", "/$2")];
        let app = [("a.example", "ImplementationSpecific /app(/|$)(.*) web")];
        let whole = [("a.example", "Exact /app web")];
        let key = "haproxy-ingress.github.io";
        let plain = [("a.example", "Prefix / web")];
        let (moved, root) = ("shop/web /app Prefix", [("app-root", "/app")]);
        let (new, elsewhere) = ([("rewrite-target", "/new")], [("temporal-redirect", "https://b.example/")]);
        let apisix = "k8s.apisix.apache.org";
        let cases: &[Case<'_>] = &[
            (
                F5Nginx,
                &rewrite,
                &app,
                "shop/web nginx.org/path-regex=case_insensitive nginx.org/rewrite-target=/$2".to_owned(),
            ),
            (Haproxytech, &rewrite, &app, format!(r"{moved} haproxy.org/path-rewrite=^/app(/|$)(.*) /\2")),
            (HaproxyIngress, &rewrite, &app, format!("{moved} {key}/rewrite-target=/")),
            (
                Apisix,
                &rewrite,
                &app,
                format!(
                    "shop/web {apisix}/use-regex=true {apisix}/rewrite-target-regex=^/app(/|$)(.*) \
                     {apisix}/rewrite-target-regex-template=/$2"
                ),
            ),
            (Kong, &rewrite, &app, format!("{moved} konghq.com/strip-path=true")),
            (Agic, &rewrite, &app, format!("{moved} appgw.ingress.kubernetes.io/backend-path-prefix=/")),
            (Contour, &rewrite, &app, String::new()),
            (Istio, &rewrite, &app, String::new()),
            (Haproxytech, &new, &whole, "shop/web haproxy.org/path-rewrite=/new".to_owned()),
            (Apisix, &new, &whole, format!("shop/web {apisix}/rewrite-target=/new")),
            (F5Nginx, &root, &plain, "shop/web nginx.org/app-root=/app".to_owned()),
            (HaproxyIngress, &root, &plain, format!("shop/web {key}/app-root=/app")),
            (
                HaproxyIngress,
                &elsewhere,
                &whole,
                format!("shop/web {key}/redirect-to=https://b.example/ {key}/redirect-to-code=302"),
            ),
            (
                Apisix,
                &elsewhere,
                &whole,
                format!("shop/web {apisix}/http-redirect=https://b.example/ {apisix}/http-redirect-code=302"),
            ),
        ];
        for (to, annotations, paths, expected) in cases {
            let one = [annotated("shop/web", 9, annotations, paths)];
            assert_eq!(all_kept(IngressNginx, *to, &one), *expected, "{to} {annotations:?}");
        }
    }

    fn with_tls(mut ingress: Ingress) -> Ingress {
        ingress.tls = vec![Tls { hosts: vec!["a.example".to_owned()], secret: Some("cert".to_owned()) }];
        ingress
    }

    #[test]
    fn a_port_that_is_not_listened_on() {
        let one = [ingress("shop/web", &[("a.example", "Prefix / web")])];
        let ports = r#"alb.ingress.kubernetes.io/listen-ports=[{"HTTP":80},{"HTTPS":443}]"#;
        assert_eq!(kept(IngressNginx, AwsAlb, &one, &Cause::EntryPoint), format!("shop/web {ports}"));
        // A certificate is no matter of one edit.
        assert_eq!(kept(IngressNginx, Contour, &one, &Cause::EntryPoint), "none");
    }

    #[test]
    fn a_redirect_to_https() {
        let one = [with_tls(ingress("shop/web", &[("a.example", "Prefix / web")]))];
        let off = "shop/web nginx.ingress.kubernetes.io/ssl-redirect=false";
        assert_eq!(kept(Traefik, IngressNginx, &one, &Cause::HttpsRedirect), off);
        // Contour's has another status.
        assert_eq!(kept(IngressNginx, Contour, &one, &Cause::HttpsRedirect), "none");
    }

    #[test]
    fn the_form_of_a_redirect() {
        let one = [with_tls(ingress("shop/web", &[("a.example", "Prefix / web")]))];
        let form = "shop/web haproxy.org/ssl-redirect-code=308 haproxy.org/ssl-redirect-port=443";
        assert_eq!(kept(TraefikIngressNginx, Haproxytech, &one, &Cause::RedirectTarget), form);
    }

    #[test]
    fn a_host_that_is_outranked() {
        let two = [
            ingress("shop/any", &[("", "Prefix /a/very/long/path/of/an/app all")]),
            ingress(
                "shop/own",
                &[("h.io", "Prefix / web"), ("h.io", "Exact /a/very/long/path/of/an/app web")],
            ),
        ];
        let priority = "shop/own traefik.ingress.kubernetes.io/router.priority=10000";
        assert_eq!(kept(IngressNginx, Traefik, &two, &Cause::HostPrecedence), priority);
    }

    #[test]
    fn a_rule_that_is_there_twice() {
        let two = [
            annotated("shop/old", 9, &[], &[("a.example", "Prefix /foo zeta")]),
            annotated(
                "shop/young",
                1,
                &[],
                &[("a.example", "Prefix /foo alpha"), ("a.example", "Exact /x alpha")],
            ),
        ];
        let without = "shop/young without spec.rules[0].http.paths[0]";
        assert_eq!(kept(IngressNginx, Haproxytech, &two, &Cause::DuplicateOwner), without);
        assert_eq!(kept(IngressNginx, Traefik, &two, &Cause::Undefined), without);
    }

    #[test]
    fn what_no_edit_keeps() {
        let order = [ingress(
            "shop/web",
            &[("a.example", "Prefix / web"), ("b.example", "Prefix / web"), ("a.example", "Prefix /foo foo")],
        )];
        assert_eq!(kept(IngressNginx, AwsAlb, &order, &Cause::PathPrecedence), "none");
        let rewrite =
            [annotated("shop/web", 9, &[("rewrite-target", "/new")], &[("a.example", "Prefix /old web")])];
        assert_eq!(kept(IngressNginx, TraefikIngressNginx, &rewrite, &Cause::UpstreamPath), "none");
        let status = [ingress("shop/web", &[("a.example", "Prefix /foo web")])];
        assert_eq!(kept(IngressNginx, ControllerKind::Agic, &status, &Cause::NoRouteStatus), "none");
    }

    #[test]
    fn a_path_that_is_stripped_on_its_way() {
        let key = "konghq.com/strip-path".to_owned();
        let mut one = ingress("shop/web", &[("a.example", "Prefix /foo web")]);
        one.meta.annotations.insert(key.clone(), "true".to_owned());
        let cause = Cause::ForeignAnnotationRead { key: key.clone() };
        assert_eq!(kept(Traefik, Kong, &[one], &cause), format!("shop/web {key}=false"));
    }
}
