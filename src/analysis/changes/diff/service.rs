//! Two versions of a Service: what endpoints it selects and under which ports it is reached.

use std::collections::BTreeSet;

use crate::model::change::Aspect;
use crate::model::service::{Service, ServicePort};

use super::{Difference, LAST_APPLIED, align, annotations};
use crate::analysis::changes::brief;

/// Written by the endpoints controller as pods come and go.
const LAST_TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// Differences in the order type, external name, selector, ports, annotations.
pub(crate) fn differences(before: &Service, after: &Service) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut tell = |field: &str, before: Option<&str>, after: Option<&str>| {
        if before != after {
            found.push(Difference::new(Aspect::Service, field, before, after));
        }
    };
    tell("spec.type", Some(service_type(before)), Some(service_type(after)));
    tell("spec.externalName", before.external_name.as_deref(), after.external_name.as_deref());
    let keys: BTreeSet<&String> = before.selector.keys().chain(after.selector.keys()).collect();
    for key in keys {
        let (old, new) = (before.selector.get(key), after.selector.get(key));
        tell(&format!("spec.selector[\"{key}\"]"), old.map(String::as_str), new.map(String::as_str));
    }
    ports(&before.ports, &after.ports, &mut found);
    found.extend(annotations(
        Aspect::Service,
        &before.meta.annotations,
        &after.meta.annotations,
        &[LAST_APPLIED, LAST_TRIGGER],
    ));
    found
}

fn service_type(service: &Service) -> &str {
    if service.service_type.is_empty() { "ClusterIP" } else { &service.service_type }
}

fn ports(before: &[ServicePort], after: &[ServicePort], found: &mut Vec<Difference>) {
    let mut tell = |field: String, before: Option<String>, after: Option<String>| {
        if before != after {
            found.push(Difference::new(Aspect::Service, field, before.as_deref(), after.as_deref()));
        }
    };
    let mut aligned = align(before, after, |port| (port.number, port.protocol.clone()));
    let renumbered = aligned.pair_leftovers(before, after, |port| port.name.clone());
    let retargeted = aligned.pair_leftovers(before, after, |port| Some(target(port)));
    for (old, new) in aligned.pairs.iter().chain(&renumbered).chain(&retargeted) {
        let (Some(was), Some(port)) = (before.get(*old), after.get(*new)) else { continue };
        let at = format!("spec.ports[{new}]");
        tell(format!("{at}.port"), Some(was.number.to_string()), Some(port.number.to_string()));
        tell(format!("{at}.name"), was.name.clone(), port.name.clone());
        tell(format!("{at}.targetPort"), Some(target(was)), Some(target(port)));
        tell(format!("{at}.protocol"), Some(was.protocol.clone()), Some(port.protocol.clone()));
    }
    for index in &aligned.removed {
        if let Some(port) = before.get(*index) {
            tell(format!("spec.ports[{index}]"), Some(brief::port(port)), None);
        }
    }
    for index in &aligned.added {
        if let Some(port) = after.get(*index) {
            tell(format!("spec.ports[{index}]"), None, Some(brief::port(port)));
        }
    }
}

/// The target port; one that is not set reads as the port's own number.
fn target(port: &ServicePort) -> String {
    let target = port.target.to_string();
    if target.is_empty() { port.number.to_string() } else { target }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::fixtures;

    fn service(selector: &str, ports: &str) -> Service {
        fixtures::service("shop/web", selector, ports)
    }

    fn check(before: &Service, after: &Service, expected: &[&str]) {
        let told: Vec<String> = differences(before, after)
            .iter()
            .map(|d| {
                assert_eq!(d.aspect, Aspect::Service);
                let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                format!("{}: {} => {}", d.field, text(&d.before), text(&d.after))
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn selector_and_ports_are_told_by_field() {
        check(&service("app=web", "http 80 8080"), &service("app=web", "http 80 8080"), &[]);
        check(
            &service("app=web", "http 80 8080"),
            &service("app=web2", "http 80 8080"),
            &["spec.selector[\"app\"]: web => web2"],
        );
        check(
            &service("app=web,tier=front", "http 80 8080"),
            &service("app=web,a.b/team=x", "http 80 8080"),
            &["spec.selector[\"a.b/team\"]: - => x", "spec.selector[\"tier\"]: front => -"],
        );
        check(
            &service("a=b", "http 80 8080"),
            &service("a=b", "http 80 web"),
            &["spec.ports[0].targetPort: 8080 => web"],
        );
        check(
            &service("a=b", "http 80 8080"),
            &service("a=b", "http 81 8080"),
            &["spec.ports[0].port: 80 => 81"],
        );
        check(
            &service("a=b", "http 80 8080"),
            &service("a=b", "web 80 8080"),
            &["spec.ports[0].name: http => web"],
        );
    }

    #[test]
    fn added_and_removed_ports_are_one_difference_each() {
        check(
            &service("a=b", "http 80 8080, m 9090 9090"),
            &service("a=b", "x 70 70, http 80 8080"),
            &["spec.ports[1]: m 9090 -> 9090 => -", "spec.ports[0]: - => x 70 -> 70"],
        );
    }

    #[test]
    fn becoming_external_is_told_with_its_name() {
        let external = Service {
            service_type: "ExternalName".to_owned(),
            external_name: Some("legacy.example".to_owned()),
            ..Service::default()
        };
        check(
            &Service::default(),
            &external,
            &["spec.type: ClusterIP => ExternalName", "spec.externalName: - => legacy.example"],
        );
    }
}
