//! The objects of a world, as a controller looks at them.

use serde_json::Value;

use crate::world::World;

/// A text in an object; empty where there is none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of a list in an object.
pub(super) fn each<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// `(namespace, name)`.
pub(super) fn name(value: &Value) -> (&str, &str) {
    (text(value, "/metadata/namespace"), text(value, "/metadata/name"))
}

pub(super) fn annotations(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let all = value.pointer("/metadata/annotations").and_then(Value::as_object);
    all.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Objects<'w>(pub(super) &'w World);

impl<'w> Objects<'w> {
    pub(super) fn of(self, kind: &str) -> impl Iterator<Item = &'w Value> {
        self.0.objects.iter().filter(move |object| object["kind"] == kind)
    }

    pub(super) fn service(self, namespace: &str, wanted: &str) -> Option<&'w Value> {
        self.of("Service").find(|service| name(service) == (namespace, wanted))
    }

    /// The values of an argument, as often as it is given; of a bare switch, an empty one.
    pub(super) fn arguments(self, wanted: &str) -> impl Iterator<Item = &'w str> {
        let all = self.0.arguments.iter().map(|text| text.split_once('=').unwrap_or((text, "")));
        all.filter(move |(key, _)| *key == wanted).map(|(_, value)| value)
    }

    pub(super) fn argument(self, wanted: &str) -> Option<&'w str> {
        self.arguments(wanted).last()
    }

    pub(super) fn is_on(self, switch: &str) -> bool {
        self.argument(switch).is_some_and(|value| matches!(value, "" | "true"))
    }

    pub(super) fn config(self, wanted: &str) -> Option<&'w str> {
        self.0.config.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str())
    }

    /// `address:port` of everybody who is ready behind a port of a Service.
    pub(super) fn ready(self, service: &Value, port: &Value) -> Vec<String> {
        let (namespace, wanted) = name(service);
        let slices = self.of("EndpointSlice").filter(|slice| {
            let labels = &slice["metadata"]["labels"];
            name(slice).0 == namespace && labels["kubernetes.io/service-name"] == wanted
        });
        let mut found = Vec::new();
        for slice in slices {
            for number in each(slice, "/ports").filter(|one| one["name"] == port["name"]) {
                for endpoint in each(slice, "/endpoints").filter(|one| one["conditions"]["ready"] == true) {
                    let addresses = each(endpoint, "/addresses").filter_map(Value::as_str);
                    found.extend(addresses.map(|address| format!("{address}:{}", number["port"])));
                }
            }
        }
        found
    }
}

/// The port of a Service that a backend of an Ingress means.
pub(super) fn port<'s>(service: &'s Value, backend: &Value) -> Option<&'s Value> {
    let wanted = &backend["port"];
    each(service, "/spec/ports").find(|port| {
        let by_name = wanted["name"].as_str().is_some_and(|name| port["name"] == name);
        by_name || wanted["number"].as_u64().is_some_and(|number| port["port"] == number)
    })
}
