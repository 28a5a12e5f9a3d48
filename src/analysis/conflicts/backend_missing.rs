//! # What it finds
//! A rule whose backend cannot be reached: no such Service, no such port, no ready endpoint, an
//! ExternalName that the controller does not use, a resource instead of a Service, or an action of AWS that
//! no annotation describes.
//!
//! # Why it 404s
//! Products differ: some drop the rule and answer 404 or let another rule take the request, others keep
//! it and answer 502 or 503; GCE stops all changes of the load balancer. Only the same namespace is
//! searched for the Service, but with APISIX by `svc-namespace`.
//!
//! # Example
//! ```yaml
//! kind: Ingress
//! metadata: {namespace: accounts}
//! spec:
//!   rules: [{http: {paths: [{path: /, backend: {service: {name: balance, port: {number: 80}}}}]}}]
//! # Service balance stands in namespace balances
//! ```
//!
//! # What to do
//! Name a Service and port of the Ingress's own namespace; make its pods ready.
//!
//! # References
//! Answers by product: `docs/controllers`; kubernetes/ingress-nginx
//! `internal/ingress/controller/controller.go` (serviceEndpoints) @ controller-v1.15.1; epinio/epinio#424.

use std::collections::BTreeMap;

use super::configuration_refused::is_named;
use crate::analysis::backend::answer::{Answer, Condition, answer_of, condition};
use crate::analysis::backend::port::PortLink;
use crate::analysis::backend::service::{self, Found};
use crate::analysis::backend::{Chain, Seen};
use crate::analysis::conflict::facts::MissingBackend;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::model::agrees;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Backend, Ingress, Place, PortRef};
use crate::model::object::{Kind, Name, ObjectKey, annotation_field};
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::Lookup;

/// How many rules of one backend are tried for a request that shows it.
const TRIED: usize = 4;

/// For how many missing Services the names are compared: the rest is told without a suggestion.
const COMPARED: usize = 100;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "backend_missing"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        let mut compared = 0;
        for ingress in &field.loaded {
            let mut places: BTreeMap<&Backend, Vec<(Place, &str, &str)>> = BTreeMap::new();
            if let Some(backend) = &ingress.default_backend {
                places.entry(backend).or_default().push((Place::DefaultBackend, "", ""));
            }
            for (r, p, host, rule) in ingress.path_rules() {
                places.entry(&rule.backend).or_default().push((Place::Path(r, p), host, &rule.path));
            }
            for (backend, places) in places {
                let judged = match backend {
                    Backend::Missing => None,
                    // A kind of Kong's own that stands for a Service.
                    Backend::Resource { kind, .. } if kind == "KongServiceFacade" => None,
                    Backend::Resource { kind, name } => Some((
                        MissingBackend::Resource { kind: kind.clone(), name: name.clone() },
                        Answer::Unknown,
                        Fix::Remove { parts: vec![Part::new(*ingress, leaf(places.first(), "resource"))] },
                    )),
                    Backend::Service { name, .. } if is_action(field, backend) => of_action(ingress, name),
                    Backend::Service { name, port } => {
                        let name = Name::new(namespace(field, ingress), name);
                        of_service(field, ingress, &name, port, places.first(), &mut compared)
                    }
                };
                let Some((backend, answer, fix)) = judged else { continue };
                found.push(told(self, field, ingress, backend, answer, fix, &places));
            }
        }
        found
    }
}

type At<'a> = (Place, &'a str, &'a str);

/// Where the Services of an Ingress are looked for.
fn namespace<'i>(field: &Field<'_>, ingress: &'i Ingress) -> &'i str {
    let told = ingress.meta.annotation("k8s.apisix.apache.org/svc-namespace");
    let told = told.filter(|told| field.kind == ControllerKind::Apisix && !told.is_empty());
    told.unwrap_or(&ingress.meta.namespace)
}

/// Whether a backend of AWS is an action, which an annotation describes.
fn is_action(field: &Field<'_>, backend: &Backend) -> bool {
    field.kind == ControllerKind::AwsAlb && backend.action().is_some()
}

fn of_action(ingress: &Ingress, name: &str) -> Option<(MissingBackend, Answer, Fix)> {
    let key = format!("alb.ingress.kubernetes.io/actions.{name}");
    if ingress.meta.annotation(&key).is_some() {
        return None;
    }
    let part = Part::new(ingress, annotation_field(&key));
    let fix = Fix::SetOneOf { part, values: Vec::new() };
    Some((MissingBackend::Action { key }, Answer::Status(503), fix))
}

fn leaf(at: Option<&At<'_>>, field: &str) -> String {
    match at {
        Some((Place::DefaultBackend, ..)) | None => Place::DefaultBackend.field(field),
        Some((place @ (Place::Path(..) | Place::Rule(_) | Place::Match(..)), ..)) => {
            place.field(&format!("backend.{field}"))
        }
    }
}

fn told(
    rule: &Rule,
    field: &Field<'_>,
    ingress: &Ingress,
    backend: MissingBackend,
    answer: Answer,
    fix: Fix,
    places: &[At<'_>],
) -> Conflict {
    let effect = match answer {
        Answer::Status(status) => Effect::Status(status),
        Answer::OneOf(statuses) => Effect::OneOf(statuses),
        Answer::Upstream | Answer::Unknown => Effect::OwnAnswer,
    };
    let (name, value): (&str, Option<String>) = match &backend {
        MissingBackend::Service { service, .. }
        | MissingBackend::NoReadyEndpoints { service, .. }
        | MissingBackend::ExternalNameDisabled { service } => ("service.name", Some(service.name.clone())),
        MissingBackend::Port { port: PortRef::Name(name), .. } => ("service.port.name", Some(name.clone())),
        MissingBackend::Port { port: PortRef::Number(number), .. } => {
            ("service.port.number", Some(number.to_string()))
        }
        MissingBackend::Port { port: PortRef::Unset, .. } => ("service.port", None),
        MissingBackend::Resource { name, .. } => ("resource.name", Some(name.clone())),
        MissingBackend::Action { .. } => ("service.port.name", Some("use-annotation".to_owned())),
    };
    let absent = match &backend {
        MissingBackend::Service { service, .. } => {
            Some(ObjectKey { kind: Kind::Service, name: service.clone() })
        }
        MissingBackend::Port { .. }
        | MissingBackend::NoReadyEndpoints { .. }
        | MissingBackend::ExternalNameDisabled { .. }
        | MissingBackend::Resource { .. }
        | MissingBackend::Action { .. } => None,
    };
    let conflict = Conflict::new(rule, field, Severity::High, Facts::BackendMissing { backend }, effect, fix);
    let mut conflict = of_places(conflict, field, ingress, places);
    for at in places {
        conflict = conflict.at(ingress, leaf(Some(at), name), value.as_deref());
    }
    match absent {
        Some(key) => conflict.without(key),
        None => conflict,
    }
}

/// By the first of its rules whose requests get this answer; where another rule, a redirect or a denial comes
/// first for all of them, by the first.
fn of_places(conflict: Conflict, field: &Field<'_>, ingress: &Ingress, places: &[At<'_>]) -> Conflict {
    let effect = conflict.sees.effect.clone();
    let by = |(_, host, path): &At<'_>| shown(conflict.clone().on(host), field, ingress, host, path);
    let mut tried = places.iter().filter(|(_, _, path)| !path.is_empty()).take(TRIED).map(by).peekable();
    let Some(first) = tried.peek().cloned() else { return conflict };
    let told = tried.find(|one| one.sees.effect == effect && one.sees.url.is_some()).unwrap_or(first);
    // What the model cannot tell in short no request is told to show.
    let url = told.sees.url.as_deref();
    let decision = url.and_then(|url| field.decide(told.host.as_deref().unwrap_or_default(), url));
    let holds = decision.is_none_or(|decision| agrees(&told.sees.effect, &decision));
    if holds { told } else { told.unshown() }
}

/// With a request that shows it, and what the routing model says of that: where the product drops the rule
/// another one may take the request.
fn shown(conflict: Conflict, field: &Field<'_>, ingress: &Ingress, host: &str, path: &str) -> Conflict {
    let samples = pattern::samples(path);
    let first = samples.first().cloned();
    let mut told = conflict.shown_by_one_of(field, host, samples);
    if let Some(first) = first.filter(|_| told.sees.url.is_none()) {
        told = told.shown_by(host, &first).judged(field);
    }
    if stops_its_balancer(field, ingress, &told) {
        told.sees.effect = Effect::GroupFrozen;
    }
    told
}

/// Whether it is for this backend that the load balancer cannot be changed.
fn stops_its_balancer(field: &Field<'_>, ingress: &Ingress, told: &Conflict) -> bool {
    if !matches!(field.kind, ControllerKind::AwsAlb | ControllerKind::Gce) {
        return false;
    }
    let Facts::BackendMissing { backend } = &told.facts else { return false };
    let failure = told.sees.url.as_deref().and_then(|url| field.failure_for(url));
    let Some(failure) = failure.filter(|failure| failure.between.contains(&ingress.meta.key())) else {
        return false;
    };
    match backend {
        MissingBackend::Service { service, .. } | MissingBackend::Port { service, .. } => {
            is_named(&failure.cause, service)
        }
        MissingBackend::Resource { .. } => {
            ["Service backends", "\"service\" field"].iter().any(|words| failure.cause.contains(words))
        }
        MissingBackend::NoReadyEndpoints { .. }
        | MissingBackend::ExternalNameDisabled { .. }
        | MissingBackend::Action { .. } => false,
    }
}

fn of_service(
    field: &Field<'_>,
    ingress: &Ingress,
    name: &Name,
    port: &PortRef,
    at: Option<&At<'_>>,
    compared: &mut usize,
) -> Option<(MissingBackend, Answer, Fix)> {
    let service = match field.snapshot.services.get(&name.namespace, &name.name) {
        Lookup::Unseen(_) => return None,
        Lookup::Absent => {
            let (mut nearest, mut elsewhere) = (Vec::new(), Vec::new());
            *compared += 1;
            if *compared <= COMPARED
                && let Found::Absent { nearest: alike, elsewhere: others, .. } =
                    service::find(field.snapshot, name)
            {
                (nearest, elsewhere) = (alike, others);
            }
            let part = Part::new(ingress, leaf(at, "service.name"));
            let fix = Fix::SetOneOf { part, values: nearest.clone() };
            let backend = MissingBackend::Service { service: name.clone(), nearest, elsewhere };
            return Some((backend, missing_answer(field, name, port), fix));
        }
        Lookup::Found(service) => service,
    };
    let chain = field.backends.glance(service, port);
    let answer = answer_of(field.kind, field.settings, &chain);
    let (backend, fix) = match condition(field.kind, &chain)? {
        Condition::Serving | Condition::ServiceMissing => return None,
        Condition::PortMissing => port_missing(ingress, service, &chain, at),
        Condition::NoneReady | Condition::NoneReadySomeServing | Condition::NoSlices => {
            // The cluster IP is used instead of the endpoints.
            if field.is_on(ingress, "service-upstream") {
                return None;
            }
            let not_ready = chain.endpoints.as_ref().and_then(Seen::value).map_or(0, |e| e.not_ready);
            (
                MissingBackend::NoReadyEndpoints { service: name.clone(), port: port.clone(), not_ready },
                Fix::MakeReady { service: name.clone() },
            )
        }
        Condition::ExternalName => {
            if matches!(answer, Answer::Upstream | Answer::Unknown) {
                return None;
            }
            let fix = match external_setting(field.kind) {
                Some((setting, value)) => {
                    Fix::Configure { setting: setting.to_owned(), value: value.to_owned() }
                }
                None => {
                    let part = Part::new(ingress, leaf(at, "service.name"));
                    Fix::SetOneOf { part, values: Vec::new() }
                }
            };
            (MissingBackend::ExternalNameDisabled { service: name.clone() }, fix)
        }
    };
    Some((backend, answer, fix))
}

/// The setting, and its value, with which a product uses Services of type ExternalName; `None` where it
/// has none.
const fn external_setting(kind: ControllerKind) -> Option<(&'static str, &'static str)> {
    match kind {
        ControllerKind::IngressNginx => Some(("--disable-svc-external-name", "false")),
        ControllerKind::TraefikIngressNginx => {
            Some(("--providers.kubernetesingressnginx.disablesvcexternalname", "false"))
        }
        ControllerKind::Traefik => Some(("--providers.kubernetesingress.allowexternalnameservices", "true")),
        ControllerKind::Haproxytech => Some(("--disable-service-external-name", "false")),
        ControllerKind::Contour => Some(("enableExternalNameService", "true")),
        _ => None,
    }
}

fn missing_answer(field: &Field<'_>, name: &Name, port: &PortRef) -> Answer {
    let found = Found::Absent { nearest: Vec::new(), elsewhere: Vec::new(), searched_all: false };
    answer_of(field.kind, field.settings, &Chain::new(name.clone(), port.clone(), found))
}

fn port_missing(
    ingress: &Ingress,
    service: &Service,
    chain: &Chain,
    at: Option<&At<'_>>,
) -> (MissingBackend, Fix) {
    let names_target_of = match &chain.port_link {
        Some(PortLink::NamesTarget(port)) => Some(port.number),
        Some(PortLink::Found(_) | PortLink::Missing { .. } | PortLink::Undeclared) | None => None,
    };
    let text = |port: &ServicePort| match &port.name {
        Some(name) => format!("{name}:{}", port.number),
        None => port.number.to_string(),
    };
    let number = names_target_of.or(match service.ports.as_slice() {
        [only] => Some(only.number),
        _ => None,
    });
    let part = Part::new(ingress, leaf(at, "service.port.number"));
    let backend = MissingBackend::Port {
        service: chain.service.clone(),
        port: chain.port.clone(),
        has: service.ports.iter().map(text).collect(),
        names_target_of,
    };
    (backend, Fix::SetOneOf { part, values: number.iter().map(u16::to_string).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found, sees, silent};

    #[test]
    fn a_service_that_does_not_exist_is_found_with_its_name_elsewhere() {
        let found = check(
            &Rule,
            "svc balances/balance 80
             svc accounts/balances 80
             ing accounts/api host=a.example /(P)->balance:80 /v1(P)->balance:80",
            &[
                "high a.example: accounts/api spec.rules[0].http.paths[0].backend.service.name, accounts/api spec.rules[0].http.paths[1].backend.service.name",
            ],
        );
        assert_eq!(found[0].sees.effect, Effect::Status(503));
        let Facts::BackendMissing { backend: MissingBackend::Service { nearest, elsewhere, .. } } =
            &found[0].facts
        else {
            panic!("{found:#?}")
        };
        assert_eq!(
            (nearest.as_slice(), elsewhere.as_slice()),
            (["balances".to_owned()].as_slice(), ["balances".to_owned()].as_slice())
        );
    }

    #[test]
    fn ports_endpoints_and_resources_are_found() {
        check(
            &Rule,
            "svc shop/web 80
             svc shop/idle 80 empty
             ing shop/a host=a.example /(P)->web:81
             ing shop/b host=b.example /(P)->idle:http
             ing shop/c host=c.example /(P)->resource:bucket default=web:main",
            &[
                "high: shop/c spec.defaultBackend.service.port.name",
                "high a.example: shop/a spec.rules[0].http.paths[0].backend.service.port.number",
                "high b.example: shop/b spec.rules[0].http.paths[0].backend.service.name",
                "high c.example: shop/c spec.rules[0].http.paths[0].backend.resource.name",
            ],
        );
    }

    #[test]
    fn the_answer_is_the_products_own() {
        for (product, effect) in [
            ("traefik", Effect::Status(404)),
            ("f5-nginx", Effect::Status(502)),
            ("ingress-nginx", Effect::Status(503)),
            ("cilium", Effect::OwnAnswer),
        ] {
            let found = check(
                &Rule,
                &format!("is {product}\nsvc shop/other 80\ning shop/a host=a.example /(P)->web:80"),
                &["high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name"],
            );
            assert_eq!(found[0].sees.effect, effect, "{product}");
        }
    }

    #[test]
    fn an_external_name_is_found_only_where_it_is_disabled() {
        let world = "svc shop/ext 443 external\ning shop/a host=a.example /(P)->ext:443";
        silent(&Rule, world);
        check(
            &Rule,
            &format!("arg --disable-svc-external-name\n{world}"),
            &["high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name"],
        );
    }

    #[test]
    fn external_names_are_barred_by_default_where_the_product_says_so() {
        let place = "high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name";
        let world = "svc shop/ext 443 external\ning shop/a host=a.example /(P)->ext:443";
        for (product, bars, serves, answer) in [
            (
                "traefik",
                "--providers.kubernetesingress",
                "--providers.kubernetesingress.allowexternalnameservices",
                "404",
            ),
            ("haproxytech", "--disable-service-external-name", "--sync-period=5s", "404"),
            (
                "traefik-ingress-nginx",
                "--providers.kubernetesingressnginx.disablesvcexternalname",
                "--providers.kubernetesingressnginx",
                "503",
            ),
        ] {
            let found = check(&Rule, &format!("is {product}\narg {bars}\n{world}"), &[place]);
            sees(&found, &[&format!("http://a.example/: {answer}")]);
            silent(&Rule, &format!("is {product}\narg {serves}\n{world}"));
        }
        for (product, answer) in [("f5-nginx", "502"), ("agic", "502"), ("contour", "404")] {
            let found = check(&Rule, &format!("is {product}\n{world}"), &[place]);
            sees(&found, &[&format!("http://a.example/: {answer}")]);
        }
        for product in ["kong", "istio", "apisix", "cilium"] {
            silent(&Rule, &format!("is {product}\n{world}"));
        }
    }

    #[test]
    fn where_the_rule_is_dropped_another_one_may_take_the_request() {
        for product in ["traefik", "haproxytech", "haproxy-ingress", "contour"] {
            let found = check(
                &Rule,
                &format!(
                    "is {product}\nsvc shop/web 80\ning shop/a host=a.example /x(P)->gone:80 /(P)->web:80"
                ),
                &["high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name"],
            );
            sees(&found, &["http://a.example/x: shop/a web:80"]);
        }
    }

    #[test]
    fn what_stops_a_load_balancer_says_so() {
        let place = "high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name";
        let world = "svc shop/web 80\ning shop/a host=a.example /x(P)->gone:80";
        for setup in ["is gce", "is aws-alb\narg --tolerate-non-existent-backend-service=false"] {
            let found = check(&Rule, &format!("{setup}\n{world}"), &[place]);
            sees(&found, &["http://a.example/x: GroupFrozen"]);
        }
    }

    #[test]
    fn an_action_of_aws_is_no_service() {
        let world = "is aws-alb\nsvc shop/web 80\ning shop/a host=a.example /x(E)->go:use-annotation";
        let found = check(
            &Rule,
            world,
            &["high a.example: shop/a spec.rules[0].http.paths[0].backend.service.port.name"],
        );
        sees(&found, &["http://a.example/x: 503"]);
        let action = r#"{"type":"fixed-response","fixedResponseConfig":{"contentType":"text/plain","statusCode":"404"}}"#;
        silent(&Rule, &format!("{world} ann:alb.ingress.kubernetes.io/actions.go={action}"));
    }

    #[test]
    fn apisix_may_look_in_another_namespace() {
        let world = "is apisix\nsvc other/web 80\ning shop/a host=a.example /x(P)->web:80";
        check(&Rule, world, &["high a.example: shop/a spec.rules[0].http.paths[0].backend.service.name"]);
        silent(&Rule, &format!("{world} ann:k8s.apisix.apache.org/svc-namespace=other"));
    }

    #[test]
    fn a_service_that_serves_or_was_not_seen_is_not() {
        silent(
            &Rule,
            "svc shop/web 80
             svc shop/idle 80 empty
             ing shop/a host=a.example /(P)->web:80 /n(P)->web:http /t(P)->web:8080
             ing shop/b host=b.example /(P)->idle:80 ann:service-upstream=true",
        );
        silent(&Rule, "hide Service\ning shop/a host=a.example /(P)->web:80");
    }

    #[test]
    fn a_request_shows_it_that_gets_the_answer() {
        // Another rule takes the first path of it, a denial comes before it for all of them.
        let shadowed = "svc shop/web 80
             ing shop/a age=9 host=a.example /x(P)->web:80
             ing shop/b age=8 host=a.example /x(P)->gone:80 /y(P)->gone:80";
        sees(&found(&Rule, shadowed), &["http://a.example/y: 503"]);
        let moved = "svc shop/web 80
             ing shop/a host=a.example /x(P)->gone:80 ann:permanent-redirect=https://b.example/";
        sees(&found(&Rule, moved), &["http://a.example/x: 301 https://b.example/"]);
    }
}
