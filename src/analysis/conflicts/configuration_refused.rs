//! # What it finds
//! Anything else for which the proxy refuses the configuration as a whole. On ingress-nginx: a path or
//! host that is no valid pattern on a regex host, a quotation mark in a path, a rewrite or redirect that
//! nginx cannot read, an alias that is no server name, a rule that collides with the controller's own
//! locations. With F5 NGINX, haproxytech and Kong: what their proxies cannot read. With AWS and GCE: what
//! no load balancer can be built from (`listen-ports`, `ssl-redirect`, `group.order`, a raw path).
//!
//! # Why it 404s
//! The reload fails. No newer change takes effect any more, for no host of the controller; after a
//! restart nothing is served at all. On AWS and GCE this holds for the load balancer: on AWS for every
//! member of the group, on GCE for the Ingress.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}
//! spec:
//!   rules: [{http: {paths: [{path: "/api/(v1", pathType: ImplementationSpecific, …}]}}]
//! ```
//!
//! # What to do
//! Correct or remove what is named; the controller's log shows the same words after `[emerg]`.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/nginx.go` (OnUpdate) @ controller-v1.15.1;
//! nginx 1.27 `src/core/ngx_conf_file.c`, `src/http/ngx_http_core_module.c`; aws-load-balancer-controller
//! `pkg/ingress/model_builder.go` (event FailedBuildModel); ingress-gce `pkg/translator` (event Translate).

use std::collections::{HashMap, HashSet};

use super::alb_group_stuck::Groups;
use super::{
    alb_group_stuck, backend_missing, f5_location_twice, f5_rewrite_on_exact, haproxy_redirect_code,
    several_default_backends,
};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity, url};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::routing::ReloadFailure;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Name, annotation_field};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "configuration_refused"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        match scope(field.kind) {
            Some(Scope::Everything) => self.of_everything(field),
            Some(Scope::Balancer) => self.of_balancers(field),
            None => Vec::new(),
        }
    }
}

/// What one mistake stops.
enum Scope {
    Everything,
    /// The load balancer that it is on.
    Balancer,
}

const fn scope(kind: ControllerKind) -> Option<Scope> {
    use ControllerKind as K;
    match kind {
        K::IngressNginx | K::F5Nginx | K::Haproxytech | K::Kong => Some(Scope::Everything),
        K::AwsAlb | K::Gce => Some(Scope::Balancer),
        K::Traefik
        | K::TraefikIngressNginx
        | K::HaproxyIngress
        | K::Contour
        | K::Istio
        | K::Cilium
        | K::Apisix
        | K::Agic
        | K::OpenshiftRouter
        | K::Spec
        | K::HttpRoute
        | K::TraefikGateway => None,
    }
}

/// The rules that tell some of it with their own advice.
const fn others(kind: ControllerKind) -> &'static [&'static dyn ConflictRule] {
    match kind {
        ControllerKind::F5Nginx => &[&f5_location_twice::Rule, &f5_rewrite_on_exact::Rule],
        ControllerKind::Haproxytech => &[&haproxy_redirect_code::Rule],
        ControllerKind::AwsAlb => {
            &[&alb_group_stuck::Rule, &several_default_backends::Rule, &backend_missing::Rule]
        }
        ControllerKind::Gce => &[&backend_missing::Rule],
        _ => &[],
    }
}

/// Ingresses of which another rule says that they stop everything, or their load balancer.
fn told_by_others(field: &Field<'_>) -> HashSet<Name> {
    let found = others(field.kind).iter().flat_map(|rule| rule.find(field));
    let stopping = found.filter(|one| matches!(one.sees.effect, Effect::Frozen | Effect::GroupFrozen));
    stopping.flat_map(|one| one.objects).map(|part| part.key.name).collect()
}

impl Rule {
    fn of_everything(&self, field: &Field<'_>) -> Vec<Conflict> {
        let failures = field.failures();
        if failures.is_empty() {
            return Vec::new();
        }
        let told = told_by_others(field);
        let loaded = by_name(field);
        let mut found = Vec::new();
        for failure in failures {
            let host = if failure.host == "_" { "" } else { failure.host.as_str() };
            let duplicates = |site: &crate::analysis::field::sites::Site<'_>| !site.duplicates().is_empty();
            if failure.cause.starts_with("duplicate location")
                && field.sites.get(host).is_some_and(duplicates)
            {
                continue;
            }
            if failure.between.iter().any(|name| told.contains(name)) {
                continue;
            }
            found.push(self.told(field, failure, &loaded, Severity::Critical, Effect::Frozen).on(host));
        }
        found
    }

    fn of_balancers(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut failures: Vec<&ReloadFailure> = Vec::new();
        let mut seen = HashSet::new();
        for ingress in &field.loaded {
            let (host, path) =
                ingress.path_rules().next().map_or(("", ""), |(_, _, host, rule)| (host, &*rule.path));
            let path = if path.starts_with('/') { path } else { "/" };
            let failure = url("http", host, path).and_then(|url| field.failure_for(&url));
            failures.extend(failure.filter(|one| seen.insert((&one.between, &one.cause))));
        }
        if failures.is_empty() {
            return Vec::new();
        }
        let told = told_by_others(field);
        let loaded = by_name(field);
        let groups = Groups::of(field);
        let mut found = Vec::new();
        for failure in failures {
            let Some(name) = failure.between.first().filter(|name| !told.contains(name)) else { continue };
            let Some(ingress) = loaded.get(name) else { continue };
            let severity = groups.severity(ingress);
            let told = self.told(field, failure, &loaded, severity, Effect::GroupFrozen);
            found.push(told.on(&failure.host));
        }
        found
    }

    fn told(
        &self,
        field: &Field<'_>,
        failure: &ReloadFailure,
        loaded: &HashMap<Name, &Ingress>,
        severity: Severity,
        effect: Effect,
    ) -> Conflict {
        let culprits: Vec<(&Ingress, String)> = failure
            .between
            .iter()
            .filter_map(|name| loaded.get(name))
            .map(|ingress| (*ingress, place(field, ingress, failure)))
            .collect();
        let mut parts: Vec<Part> = culprits.iter().map(|(ingress, at)| Part::new(*ingress, at)).collect();
        let facts = Facts::ConfigurationRefused { cause: failure.cause.clone(), by: field.kind };
        let is_service = |part: &mut Part| part.field.ends_with("service.name");
        let fix = match parts.pop_if(is_service) {
            Some(part) => Fix::SetOneOf { part, values: Vec::new() },
            None => Fix::Remove { parts },
        };
        let conflict = Conflict::new(self, field, severity, facts, effect, fix);
        culprits.into_iter().fold(conflict, |conflict, (ingress, at)| {
            let value = value(ingress, &at);
            conflict.at(ingress, at, value.as_deref())
        })
    }
}

fn by_name<'a>(field: &Field<'a>) -> HashMap<Name, &'a Ingress> {
    field.loaded.iter().map(|ingress| (ingress.meta.key(), *ingress)).collect()
}

/// The field that holds what the proxy complains of.
fn place(field: &Field<'_>, ingress: &Ingress, failure: &ReloadFailure) -> String {
    let host = if failure.host == "_" { "" } else { failure.host.as_str() };
    let service = ingress.path_rules().find(|(_, _, _, rule)| {
        let service = rule.backend.service().map(|(name, _)| Name::new(&ingress.meta.namespace, name));
        service.is_some_and(|service| is_named(&failure.cause, &service))
    });
    if let Some((rule, at, ..)) = service {
        return Place::Path(rule, at).field("backend.service.name");
    }
    let path = ingress
        .path_rules()
        .filter(|(_, _, of, rule)| *of == host && rule.path.len() > 1 && failure.cause.contains(&rule.path))
        .max_by_key(|(_, _, _, rule)| rule.path.len());
    if let Some((rule, at, ..)) = path {
        return Place::Path(rule, at).field("path");
    }
    let written = |key: &String| ingress.meta.annotation(key).is_some();
    let annotation = match field.kind {
        ControllerKind::AwsAlb => of_aws(&failure.cause).filter(written),
        _ => ROUTING.iter().map(|name| field.key(name)).find(written),
    };
    match annotation {
        Some(key) => annotation_field(&key),
        None => "spec.rules".to_owned(),
    }
}

/// Whether a Service is what is complained of.
pub(super) fn is_named(cause: &str, service: &Name) -> bool {
    let full = service.to_string();
    let mut words = cause.split(|c: char| c.is_whitespace() || c == '"');
    words.any(|word| word == full || word == service.name)
}

const ROUTING: [&str; 5] =
    ["server-alias", "rewrite-target", "permanent-redirect", "temporal-redirect", "app-root"];

/// The annotation that the AWS controller complains of.
fn of_aws(cause: &str) -> Option<String> {
    const PREFIX: &str = "alb.ingress.kubernetes.io/";
    let name = match cause.split_once(PREFIX) {
        Some((_, name)) => name.split_whitespace().next().unwrap_or_default(),
        None if cause.contains("listener protocol") || cause.contains("conflicting protocol") => {
            "listen-ports"
        }
        None if cause.to_ascii_lowercase().contains("sslredirect") => "ssl-redirect",
        None => return None,
    };
    Some(format!("{PREFIX}{name}"))
}

fn value(ingress: &Ingress, at: &str) -> Option<String> {
    let path = ingress.path_rules().find_map(|(r, p, _, rule)| {
        let place = Place::Path(r, p);
        let service = || rule.backend.service().map(|(name, _)| name.to_owned());
        match at {
            _ if at == place.field("path") => Some(rule.path.clone()),
            _ if at == place.field("backend.service.name") => service(),
            _ => None,
        }
    });
    let annotation = || {
        let (_, value) = ingress.meta.annotations.iter().find(|(key, _)| annotation_field(key) == at)?;
        Some(value.clone())
    };
    path.or_else(annotation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_pattern_that_does_not_compile_stops_every_reload() {
        check(
            &Rule,
            "ing shop/a age=9 host=a.example /ok(P)->a:80
             ing shop/b age=8 host=a.example /api/(v1(I)->b:80 ann:use-regex=true",
            &["critical a.example: shop/b spec.rules[0].http.paths[0].path"],
        );
    }

    #[test]
    fn a_quote_in_a_path_and_an_unknown_variable_do_too() {
        check(
            &Rule,
            "ing shop/a host=a.example /x\"y(I)->a:80
             ing shop/b host=b.example /x(P)->b:80 ann:rewrite-target=/$nope",
            &[
                "critical a.example: shop/a spec.rules[0].http.paths[0].path",
                "critical b.example: shop/b metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"]",
            ],
        );
    }

    #[test]
    fn what_stops_a_load_balancer_is_found() {
        let key = |name: &str| format!("shop/a metadata.annotations[\"alb.ingress.kubernetes.io/{name}\"]");
        let group = "ann:alb.ingress.kubernetes.io/group.name=g";
        for (name, value) in [("listen-ports", "none"), ("ssl-redirect", "443"), ("group.order", "first")] {
            let world = format!(
                "is aws-alb
                 ing shop/a host=a.example /(P)->a:80 {group} ann:alb.ingress.kubernetes.io/{name}={value}"
            );
            let found = check(&Rule, &world, &[&format!("high : {}", key(name))]);
            assert_eq!(found[0].sees.effect, Effect::GroupFrozen);
            check(
                &Rule,
                &format!("{world}\ning shop/b host=b.example /(P)->b:80 {group}"),
                &[&format!("critical : {}", key(name))],
            );
        }
        check(
            &Rule,
            "is gce
             ing shop/a host=a.example /x*(I)->a:80
             ing shop/b host=b.example /x/*(I)->b:80",
            &["high a.example: shop/a spec.rules[0].http.paths[0].path"],
        );
    }

    #[test]
    fn a_service_that_a_load_balancer_cannot_send_to_is_found() {
        check(
            &Rule,
            "is gce\nsvc shop/inner 80\ning shop/a host=a.example /x(P)->inner:80",
            &["high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name"],
        );
    }

    #[test]
    fn what_other_proxies_refuse_is_found_unless_another_rule_tells_it() {
        check(
            &Rule,
            "is kong
             ing shop/a host=a.example /ok(P)->a:80
             ing shop/b host=b.example /~/api/(v1(I)->b:80",
            &["critical b.example: shop/b spec.rules[0].http.paths[0].path"],
        );
        silent(&Rule, "is f5-nginx\ning shop/a host=a.example /api(P)->a:80 /api(I)->b:80");
        silent(&Rule, "is aws-alb\ning shop/a host=a.example /api/*(P)->a:80");
        silent(&Rule, "is gce\nsvc shop/other 80\ning shop/a host=a.example /api(P)->a:80");
        for product in ["kong", "f5-nginx", "haproxytech", "aws-alb", "gce", "traefik"] {
            silent(&Rule, &format!("is {product}\ning shop/a host=a.example /api(P)->a:80"));
        }
    }

    #[test]
    fn sound_patterns_and_what_another_rule_tells_are_not_found() {
        silent(
            &Rule,
            "ing shop/a host=a.example /api/(v1|v2)(I)->a:80 ann:use-regex=true
             ing shop/b host=b.example /(v1(I)->b:80",
        );
        silent(&Rule, "ing shop/a host=a.example /foo(P)->a:80 /foo/(P)->b:80");
    }
}
