//! An object of a record, as the model keeps versions of it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::evidence::lower;
use crate::model::change::Versioned;
use crate::model::object::{Kind, ObjectMeta};

/// Records hold objects of kinds this program keeps no versions of: `Ok(None)`. What claims to be one
/// and cannot be decoded is an error.
pub(super) fn decode(object: &Value, kind: Option<Kind>) -> Result<Option<Versioned>, String> {
    let written = object.get("kind").and_then(Value::as_str);
    let Some(kind) = written.map_or(kind, Kind::parse) else { return Ok(None) };
    // Another group's kind of the same name, such as a Knative Service.
    let group = object.get("apiVersion").and_then(Value::as_str).map(group);
    if group.is_some_and(|group| group != kind.api_group()) {
        return Ok(None);
    }
    let versioned = match kind {
        Kind::Ingress => {
            typed(object).map(|object| Versioned::Ingress(Box::new(lower::ingress::ingress(object))))
        }
        Kind::IngressClass => typed(object)
            .map(|object| Versioned::IngressClass(Box::new(lower::ingress_class::ingress_class(object)))),
        Kind::Service => {
            typed(object).map(|object| Versioned::Service(Box::new(lower::service::service(object))))
        }
        Kind::EndpointSlice
        | Kind::Pod
        | Kind::Deployment
        | Kind::DaemonSet
        | Kind::StatefulSet
        | Kind::ReplicaSet
        | Kind::ControllerRevision
        | Kind::ConfigMap
        | Kind::Event
        | Kind::Namespace
        | Kind::Lease
        | Kind::Secret
        | Kind::GatewayClass
        | Kind::Gateway
        | Kind::HttpRoute
        | Kind::ReferenceGrant => return Ok(None),
    };
    let versioned = versioned?;
    if versioned.meta().name.is_empty() {
        return Err("an object without a name".to_owned());
    }
    Ok(Some(versioned))
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn typed<T: serde::de::DeserializeOwned>(object: &Value) -> Result<T, String> {
    T::deserialize(object).map_err(|error| error.to_string())
}

/// The newest write that the object itself tells of, whoever wrote which part.
pub(super) fn newest_write(meta: &ObjectMeta) -> Option<DateTime<Utc>> {
    meta.writes.iter().filter_map(|write| write.at).max()
}
