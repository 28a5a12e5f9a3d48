//! # What it finds
//! A route that listens on one of http and https only: `router.entrypoints` or `router.tls` with Traefik,
//! `kubernetes.io/ingress.allow-http: "false"` with Contour and GCE, `konghq.com/protocols: https` with Kong.
//!
//! # Why it 404s
//! On the other scheme no route exists, and the controller answers 404: an https URL of an Ingress with a
//! certificate that is attached to the plain entry point only, or a plain URL of one that is attached to
//! the TLS entry point only. Kong answers plain requests 426; the load balancer of GCE refuses them, and
//! without a certificate it refuses all.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {traefik.ingress.kubernetes.io/router.entrypoints: web}
//! spec:
//!   tls: [{hosts: [shop.example.com], secretName: shop-tls}]      # https://shop.example.com/ is 404
//! ```
//!
//! # What to do
//! Name both entry points, or take the annotation away; redirect http to https at the entry point.
//!
//! # References
//! traefik `pkg/provider/kubernetes/ingress/kubernetes.go` @ v3.7, seen on the real controller;
//! developmentseed/eoapi-k8s#540; projectcontour `internal/annotation/annotations.go` @ v1.33; ingress-gce
//! `pkg/annotations/ingress.go`; Kong/kubernetes-ingress-controller `internal/annotations/annotations.go`.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;
use crate::model::request::Scheme;

const ENTRY_POINTS: &str = "traefik.ingress.kubernetes.io/router.entrypoints";
const TLS: &str = "traefik.ingress.kubernetes.io/router.tls";
const ALLOW_HTTP: &str = "kubernetes.io/ingress.allow-http";
/// What gives a load balancer of GCE a certificate.
const CERTIFICATES: [&str; 2] =
    ["ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/managed-certificates"];
const PROTOCOLS: [&str; 2] = ["konghq.com/protocols", "konghq.com/protocol"];
const REDIRECT_STATUS: &str = "konghq.com/https-redirect-status-code";
const FORCE_SSL: &str = "ingress.kubernetes.io/force-ssl-redirect";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "entry_point_scheme"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let listening: fn(&Field<'_>, &Ingress) -> Option<Listening> = match field.kind {
            ControllerKind::Traefik => of_traefik,
            ControllerKind::Contour => |_, ingress| of_contour(ingress),
            ControllerKind::Gce => |_, ingress| of_gce(ingress),
            ControllerKind::Kong => |_, ingress| of_kong(ingress),
            _ => return Vec::new(),
        };
        let told = |ingress: &&Ingress| Some(self.told(field, ingress, &listening(field, ingress)?));
        field.loaded.iter().filter_map(told).collect()
    }
}

/// On what an Ingress is served, and which annotation says so.
struct Listening {
    key: &'static str,
    /// `None` where it is served on neither.
    only: Option<Scheme>,
    /// What the other scheme sees.
    effect: Effect,
}

impl Listening {
    const fn on(key: &'static str, only: Scheme) -> Self {
        Self { key, only: Some(only), effect: Effect::Status(404) }
    }
}

fn of_traefik(field: &Field<'_>, ingress: &Ingress) -> Option<Listening> {
    let tls = ingress.meta.annotation(TLS) == Some("true");
    let named: Vec<Scheme> = match ingress.meta.annotation(ENTRY_POINTS) {
        Some(names) => names.split(',').map(|name| scheme_of(field, name.trim())).collect::<Option<_>>()?,
        None => Vec::new(),
    };
    if tls {
        // On a plain entry point alone such a route is none at all; that is no question of scheme.
        return (!redirects(field)).then_some(Listening::on(TLS, Scheme::Https));
    }
    let all = |scheme: Scheme| !named.is_empty() && named.iter().all(|one| *one == scheme);
    if all(Scheme::Http) && !ingress.tls.is_empty() {
        return Some(Listening::on(ENTRY_POINTS, Scheme::Http));
    }
    (all(Scheme::Https) && !redirects(field)).then_some(Listening::on(ENTRY_POINTS, Scheme::Https))
}

/// What an entry point speaks; `None` where neither its arguments nor its usual name tell.
fn scheme_of(field: &Field<'_>, name: &str) -> Option<Scheme> {
    let lower = name.to_ascii_lowercase();
    let prefix = format!("entrypoints.{lower}.http.tls");
    let tls = field.settings.args.iter().any(|flag| {
        flag.name.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    match lower.as_str() {
        _ if tls => Some(Scheme::Https),
        "web" | "http" => Some(Scheme::Http),
        "websecure" | "https" => Some(Scheme::Https),
        _ => None,
    }
}

/// Whether an entry point sends plain requests on.
fn redirects(field: &Field<'_>) -> bool {
    let sends =
        |name: &str| name.starts_with("entrypoints.") && name.contains(".http.redirections.entrypoint.to");
    field.settings.args.iter().any(|flag| sends(&flag.name))
}

fn of_contour(ingress: &Ingress) -> Option<Listening> {
    let refused = ingress.meta.annotation(ALLOW_HTTP) == Some("false");
    let redirected = ingress.meta.annotation(FORCE_SSL) == Some("true");
    (refused && !redirected).then_some(Listening::on(ALLOW_HTTP, Scheme::Https))
}

fn of_gce(ingress: &Ingress) -> Option<Listening> {
    let has = |key: &str| ingress.meta.annotation(key).is_some_and(|value| !value.is_empty());
    let secure = !ingress.tls.is_empty() || CERTIFICATES.iter().any(|key| has(key));
    let only = secure.then_some(Scheme::Https);
    let refused = ingress.meta.annotation(ALLOW_HTTP) == Some("false");
    refused.then_some(Listening { key: ALLOW_HTTP, only, effect: Effect::NotListening })
}

fn of_kong(ingress: &Ingress) -> Option<Listening> {
    let (key, protocols) =
        PROTOCOLS.into_iter().find_map(|key| Some((key, ingress.meta.annotation(key)?)))?;
    let mut named = protocols.split(',').map(str::trim).filter(|name| !name.is_empty()).peekable();
    let secure_only = named.peek().is_some() && named.all(|name| name != "http");
    let redirected = ingress
        .meta
        .annotation(REDIRECT_STATUS)
        .is_some_and(|code| matches!(code, "301" | "302" | "307" | "308"));
    let effect = Effect::Status(426);
    (secure_only && !redirected).then_some(Listening { key, only: Some(Scheme::Https), effect })
}

impl Rule {
    fn told(&self, field: &Field<'_>, ingress: &Ingress, listening: &Listening) -> Conflict {
        let Listening { key, only, effect } = listening;
        // TLS alone is usually meant; a certificate that nobody can ask for is not.
        let severity = if *only == Some(Scheme::Https) { Severity::Low } else { Severity::High };
        let facts = Facts::EntryPointScheme { only: *only };
        let fix = Fix::Remove { parts: vec![Part::new(ingress, annotation_field(key))] };
        let conflict = Conflict::new(self, field, severity, facts, effect.clone(), fix)
            .of_ingress(ingress)
            .at_annotation(ingress, key);
        // Another rule of the host may take what this one does not.
        let Some(host) = conflict.host.clone().filter(|_| *only == Some(Scheme::Http)) else {
            return conflict.judged(field);
        };
        let path = ingress.path_rules().next().map_or("/", |(.., rule)| rule.path.as_str());
        conflict.shown_over_tls_by(&host, if path.is_empty() { "/" } else { path }).judged(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    fn world(annotation: &str, more: &str) -> String {
        format!(
            "is traefik\n{more}\ning eo/stac host=eo.example /stac(P)->stac:80 tls=eo.example {annotation}"
        )
    }

    #[test]
    fn a_certificate_on_the_plain_entry_point_is_never_asked_for() {
        let found = check(
            &Rule,
            &world(&format!("ann:{ENTRY_POINTS}=web"), ""),
            &[&format!("high eo.example: eo/stac metadata.annotations[\"{ENTRY_POINTS}\"]")],
        );
        sees(&found, &["https://eo.example/stac: 404"]);
    }

    #[test]
    fn a_route_for_tls_alone_leaves_plain_requests_out() {
        for (key, value) in [(ENTRY_POINTS, "websecure"), (TLS, "true")] {
            let found = check(
                &Rule,
                &world(&format!("ann:{key}={value}"), ""),
                &[&format!("low eo.example: eo/stac metadata.annotations[\"{key}\"]")],
            );
            sees(&found, &["http://eo.example/stac: 404"]);
        }
        check(
            &Rule,
            &format!("is contour\ning eo/stac host=eo.example /(P)->stac:80 ann:{ALLOW_HTTP}=false"),
            &[&format!("low eo.example: eo/stac metadata.annotations[\"{ALLOW_HTTP}\"]")],
        );
    }

    #[test]
    fn plain_requests_are_left_out_by_gce_and_kong_too() {
        let tls = "tls=eo.example";
        let gce = format!("ing eo/stac host=eo.example /x(P)->stac:80 ann:{ALLOW_HTTP}=false");
        let key = format!("eo/stac metadata.annotations[\"{ALLOW_HTTP}\"]");
        for (more, severity) in
            [(tls, "low"), ("", "high"), ("ann:networking.gke.io/managed-certificates=c", "low")]
        {
            let world = format!("is gce\n{gce} {more}");
            let found = check(&Rule, &world, &[&format!("{severity} eo.example: {key}")]);
            sees(&found, &["http://eo.example/x: NotListening"]);
        }
        silent(&Rule, &format!("is gce\ning eo/stac host=eo.example /x(P)->stac:80 {tls}"));
        let kong = "is kong\ning eo/stac host=eo.example /x(P)->stac:80 ann:konghq.com/protocols=https";
        let found =
            check(&Rule, kong, &["low eo.example: eo/stac metadata.annotations[\"konghq.com/protocols\"]"]);
        sees(&found, &["http://eo.example/x: 426"]);
        silent(&Rule, &format!("{kong},http"));
        silent(&Rule, &format!("{kong} ann:{REDIRECT_STATUS}=301"));
    }

    #[test]
    fn both_entry_points_redirects_and_unknown_names_are_not_found() {
        silent(&Rule, &world(&format!("ann:{ENTRY_POINTS}=web,websecure"), ""));
        silent(&Rule, &world(&format!("ann:{ENTRY_POINTS}=internal"), ""));
        silent(&Rule, &world("", ""));
        silent(
            &Rule,
            &world(
                &format!("ann:{ENTRY_POINTS}=websecure"),
                "arg --entrypoints.web.http.redirections.entrypoint.to=websecure",
            ),
        );
        silent(
            &Rule,
            &world(
                &format!("ann:{ENTRY_POINTS}=web"),
                "arg --entrypoints.web.http.tls=true\narg --entrypoints.web.http.redirections.entryPoint.to=x",
            ),
        );
        silent(
            &Rule,
            &format!("is traefik\ning eo/stac host=eo.example /(P)->stac:80 ann:{ENTRY_POINTS}=web"),
        );
        silent(
            &Rule,
            &format!(
                "is contour\ning eo/stac host=eo.example /(P)->stac:80 ann:{ALLOW_HTTP}=false ann:{FORCE_SSL}=true"
            ),
        );
    }
}
