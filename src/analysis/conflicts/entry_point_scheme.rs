//! # What it finds
//! A route that listens on one of http and https only: `router.entrypoints` or `router.tls` with Traefik,
//! `kubernetes.io/ingress.allow-http: "false"` with Contour.
//!
//! # Why it 404s
//! On the other scheme no route exists, and the controller answers 404: an https URL of an Ingress with a
//! certificate that is attached to the plain entry point only, or a plain URL of one that is attached to
//! the TLS entry point only.
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
//! developmentseed/eoapi-k8s#540; projectcontour `internal/annotation/annotations.go` @ v1.33.

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
        let only: fn(&Field<'_>, &Ingress) -> Option<(&'static str, Scheme)> = match field.kind {
            ControllerKind::Traefik => of_traefik,
            ControllerKind::Contour => |_, ingress| of_contour(ingress),
            _ => return Vec::new(),
        };
        let told = |ingress: &&Ingress| {
            let (key, scheme) = only(field, ingress)?;
            Some(self.told(field, ingress, key, scheme))
        };
        field.loaded.iter().filter_map(told).collect()
    }
}

/// The one scheme on which the Ingress is served, and the annotation that says so.
fn of_traefik(field: &Field<'_>, ingress: &Ingress) -> Option<(&'static str, Scheme)> {
    let tls = ingress.meta.annotation(TLS) == Some("true");
    let named: Vec<Scheme> = match ingress.meta.annotation(ENTRY_POINTS) {
        Some(names) => names.split(',').map(|name| scheme_of(field, name.trim())).collect::<Option<_>>()?,
        None => Vec::new(),
    };
    if tls {
        // On a plain entry point alone such a route is none at all; that is no question of scheme.
        return (!redirects(field)).then_some((TLS, Scheme::Https));
    }
    let all = |scheme: Scheme| !named.is_empty() && named.iter().all(|one| *one == scheme);
    if all(Scheme::Http) && !ingress.tls.is_empty() {
        return Some((ENTRY_POINTS, Scheme::Http));
    }
    (all(Scheme::Https) && !redirects(field)).then_some((ENTRY_POINTS, Scheme::Https))
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

fn of_contour(ingress: &Ingress) -> Option<(&'static str, Scheme)> {
    let refused = ingress.meta.annotation(ALLOW_HTTP) == Some("false");
    let redirected = ingress.meta.annotation(FORCE_SSL) == Some("true");
    (refused && !redirected).then_some((ALLOW_HTTP, Scheme::Https))
}

impl Rule {
    fn told(&self, field: &Field<'_>, ingress: &Ingress, key: &'static str, only: Scheme) -> Conflict {
        // TLS alone is usually meant; a certificate that nobody can ask for is not.
        let severity = if only == Scheme::Http { Severity::High } else { Severity::Low };
        let facts = Facts::EntryPointScheme { only };
        let fix = Fix::Remove { parts: vec![Part::new(ingress, annotation_field(key))] };
        let conflict = Conflict::new(self, field, severity, facts, Effect::Status(404), fix)
            .of_ingress(ingress)
            .at_annotation(ingress, key);
        // Another rule of the host may take what this one does not.
        let Some(host) = conflict.host.clone().filter(|_| only == Scheme::Http) else {
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
