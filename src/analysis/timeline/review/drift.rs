//! Drift: the Ingresses and Services of the request as they are, held against what `kubectl apply` last
//! wanted them to be.
//!
//! The annotation is absent with server-side apply and with Helm. What somebody else added beside the
//! applied fields (annotations of cert-manager, defaults of the API server) is no drift.

use serde_json::{Map, Value};

use super::super::relevance::Neighbourhood;
use super::{Drift, Finding};
use crate::analysis::changes::diff::{self, LAST_APPLIED};
use crate::model::change::Versioned;
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};
use crate::model::object::{Kind, Object, ObjectKey, ObjectMeta};
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::Snapshot;

/// Fields shown per review.
const SHOWN: usize = 20;

pub(super) fn review(snapshot: &Snapshot, near: &Neighbourhood<'_>) -> Finding {
    let mut drifts: Vec<Drift> = Vec::new();
    let mut looked_at = false;
    let ingresses =
        near.ingresses.iter().filter_map(|name| snapshot.ingresses.get(&name.namespace, &name.name).found());
    for live in ingresses {
        let Some(applied) = applied(&live.meta) else { continue };
        looked_at = true;
        let applied = ingress(&applied, live);
        compare(
            &live.object_key(),
            &Versioned::Ingress(Box::new(applied)),
            &Versioned::Ingress(Box::new(live.clone())),
            &mut drifts,
        );
    }
    let services = near.objects.iter().filter(|key| key.kind == Kind::Service);
    let services =
        services.filter_map(|key| snapshot.services.get(&key.name.namespace, &key.name.name).found());
    for live in services {
        let Some(applied) = applied(&live.meta) else { continue };
        looked_at = true;
        let applied = service(&applied, live);
        compare(
            &live.object_key(),
            &Versioned::Service(Box::new(applied)),
            &Versioned::Service(Box::new(live.clone())),
            &mut drifts,
        );
    }
    drifts.sort();
    drifts.truncate(SHOWN);
    match (drifts.is_empty(), looked_at) {
        (false, _) => Finding::Drift(drifts),
        (true, true) => Finding::Clear,
        (true, false) => Finding::CannotSee,
    }
}

fn compare(key: &ObjectKey, applied: &Versioned, live: &Versioned, drifts: &mut Vec<Drift>) {
    drifts.extend(diff::versions(applied, live).into_iter().map(|difference| Drift {
        object: key.clone(),
        field: difference.field,
        applied: difference.before,
        live: difference.after,
    }));
}

fn applied(meta: &ObjectMeta) -> Option<Value> {
    serde_json::from_str(meta.annotation(LAST_APPLIED)?).ok()
}

/// The live object with the applied fields put back.
fn ingress(applied: &Value, live: &Ingress) -> Ingress {
    let spec = applied.get("spec").unwrap_or(&Value::Null);
    Ingress {
        meta: meta(applied, &live.meta),
        class_name: text(spec, "ingressClassName").or_else(|| live.class_name.clone()),
        default_backend: spec.get("defaultBackend").or_else(|| spec.get("backend")).map(backend),
        rules: list(spec, "rules").map(rule).collect(),
        tls: list(spec, "tls")
            .map(|tls| Tls { hosts: texts(tls, "hosts"), secret: text(tls, "secretName") })
            .collect(),
        addresses: live.addresses.clone(),
    }
}

fn rule(rule: &Value) -> Rule {
    let http = rule.get("http").filter(|http| !http.is_null());
    Rule { host: text(rule, "host"), paths: http.map(|http| list(http, "paths").map(path).collect()) }
}

fn path(path: &Value) -> PathRule {
    PathRule {
        path: text(path, "path").unwrap_or_default(),
        path_type: match path.get("pathType").and_then(Value::as_str) {
            Some("Exact") => PathType::Exact,
            Some("Prefix") => PathType::Prefix,
            Some(_) | None => PathType::ImplementationSpecific,
        },
        backend: path.get("backend").map_or(Backend::Missing, backend),
    }
}

/// In the form of `networking.k8s.io/v1`, or the flat one of the betas before it.
fn backend(backend: &Value) -> Backend {
    if let Some(resource) = backend.get("resource").filter(|resource| !resource.is_null()) {
        let part = |key| text(resource, key).unwrap_or_default();
        return Backend::Resource { kind: part("kind"), name: part("name") };
    }
    if let Some(name) = text(backend, "serviceName") {
        return Backend::Service { name, port: port(backend.get("servicePort")) };
    }
    let Some(service) = backend.get("service") else { return Backend::Missing };
    let Some(name) = text(service, "name") else { return Backend::Missing };
    let number = service.pointer("/port/number");
    Backend::Service { name, port: port(number.or_else(|| service.pointer("/port/name"))) }
}

fn port(value: Option<&Value>) -> PortRef {
    match value {
        Some(Value::Number(number)) => {
            let number = number.as_u64().and_then(|number| u16::try_from(number).ok());
            number.map_or(PortRef::Unset, PortRef::Number)
        }
        Some(Value::String(name)) => PortRef::Name(name.clone()),
        Some(_) | None => PortRef::Unset,
    }
}

/// The live object with the applied fields put back; fields that the API server defaults stay as they are.
fn service(applied: &Value, live: &Service) -> Service {
    let spec = applied.get("spec").unwrap_or(&Value::Null);
    let selector = spec.get("selector").and_then(Value::as_object);
    Service {
        meta: meta(applied, &live.meta),
        service_type: text(spec, "type").unwrap_or_else(|| "ClusterIP".to_owned()),
        external_name: text(spec, "externalName"),
        selector: selector.map(strings).unwrap_or_default(),
        ports: list(spec, "ports").map(service_port).collect(),
        ..live.clone()
    }
}

fn service_port(value: &Value) -> ServicePort {
    let number = value.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    ServicePort {
        name: text(value, "name"),
        number: number.unwrap_or_default(),
        target: port(value.get("targetPort")),
        node_port: None,
        protocol: text(value, "protocol").unwrap_or_else(|| "TCP".to_owned()),
    }
}

/// The live metadata with the annotations that were applied; those of others are left as they are.
fn meta(applied: &Value, live: &ObjectMeta) -> ObjectMeta {
    let mut meta = live.clone();
    if let Some(annotations) = applied.pointer("/metadata/annotations").and_then(Value::as_object) {
        meta.annotations.extend(strings(annotations));
    }
    meta
}

fn strings(map: &Map<String, Value>) -> std::collections::BTreeMap<String, String> {
    map.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    list(value, key).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::{ingress as live_ingress, noon, over, service as live_service};
    use crate::analysis::timeline::Victim;
    use crate::analysis::timeline::world::Past;
    use crate::model::snapshot::Listing;
    use serde_json::json;

    fn check(mut live: Ingress, services: Vec<Service>, applied: Option<&str>, expected: &Finding) {
        if let Some(applied) = applied {
            live.meta.annotations.insert(LAST_APPLIED.to_owned(), applied.to_owned());
        }
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, vec![live]);
        snapshot.services = Listing::complete(Kind::Service, services);
        let log = LogFacts::default();
        let past = Past::new(&over(&snapshot, &log));
        let victim = Victim { host: "a.example".to_owned(), path: "/".to_owned(), ..Victim::default() };
        let near = Neighbourhood::new(&snapshot, &past, &victim);
        assert_eq!(review(&snapshot, &near), *expected);
    }

    const LIVE: &str = "class=nginx; @k/added=1; a.example: /api=api:80";

    fn applied(path: &str) -> String {
        json!({
            "metadata": {"annotations": {}, "name": "web", "namespace": "shop"},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.example", "http": {"paths": [
                {"path": path, "pathType": "Prefix",
                 "backend": {"service": {"name": "api", "port": {"number": 80}}}}]}}]},
        })
        .to_string()
    }

    #[test]
    fn an_ingress_as_applied_is_clear_whatever_others_added() {
        check(live_ingress("shop/web", LIVE), Vec::new(), Some(&applied("/api")), &Finding::Clear);
    }

    #[test]
    fn a_field_that_somebody_changed_is_drift() {
        let drift = Drift {
            object: ObjectKey::new(Kind::Ingress, "shop", "web"),
            field: "spec.rules[0].http.paths[0].path".to_owned(),
            applied: Some("/v1".to_owned()),
            live: Some("/api".to_owned()),
        };
        let finding = Finding::Drift(vec![drift]);
        check(live_ingress("shop/web", LIVE), Vec::new(), Some(&applied("/v1")), &finding);
    }

    #[test]
    fn a_service_is_held_against_the_defaults_too() {
        let with = |applied: &serde_json::Value| {
            let mut service = live_service("shop/api", "app=api", "http 80 80");
            service.meta.annotations.insert(LAST_APPLIED.to_owned(), applied.to_string());
            vec![service]
        };
        let same = json!({"spec": {"selector": {"app": "api"}, "ports": [{"name": "http", "port": 80}]}});
        check(live_ingress("shop/web", LIVE), with(&same), None, &Finding::Clear);
        let other = json!({"spec": {"selector": {"app": "v2"}, "ports": [{"name": "http", "port": 80}]}});
        let drift = Drift {
            object: ObjectKey::new(Kind::Service, "shop", "api"),
            field: "spec.selector[\"app\"]".to_owned(),
            applied: Some("v2".to_owned()),
            live: Some("api".to_owned()),
        };
        check(live_ingress("shop/web", LIVE), with(&other), None, &Finding::Drift(vec![drift]));
    }

    #[test]
    fn without_a_readable_annotation_drift_cannot_be_seen() {
        check(live_ingress("shop/web", LIVE), Vec::new(), None, &Finding::CannotSee);
        check(live_ingress("shop/web", LIVE), Vec::new(), Some("{not json"), &Finding::CannotSee);
    }

    #[test]
    fn the_flat_backend_of_the_betas_is_read_too() {
        let flat = json!({"serviceName": "api", "servicePort": "http"});
        let expected = Backend::Service { name: "api".to_owned(), port: PortRef::Name("http".to_owned()) };
        assert_eq!(backend(&flat), expected);
    }
}
