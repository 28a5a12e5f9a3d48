//! `v1` Events, ConfigMaps, Namespaces, and `coordination.k8s.io/v1` Leases.

use k8s_openapi::api::coordination::v1::{self as coordination};
use k8s_openapi::api::core::v1 as api;

use super::object::meta;
use super::time::{micro_time, time};
use crate::model::event::{ConfigMap, Event, Lease, NamespaceObject};
use crate::model::object::Name;

/// An Event.
pub fn event(object: api::Event) -> Event {
    let api::Event {
        count,
        event_time,
        first_timestamp,
        involved_object,
        last_timestamp,
        message,
        metadata,
        reason,
        reporting_component,
        series,
        source,
        type_,
        action: _,
        related: _,
        reporting_instance: _,
    } = object;
    let meta = meta(metadata);
    let api::EventSeries { count: series_count, last_observed_time } = series.unwrap_or_default();
    let at = event_time.and_then(micro_time);
    let last = [last_observed_time.and_then(micro_time), last_timestamp.and_then(time), at, meta.created];
    Event {
        about_kind: involved_object.kind.unwrap_or_default(),
        about: Name::new(
            involved_object.namespace.unwrap_or_default(),
            involved_object.name.unwrap_or_default(),
        ),
        about_uid: involved_object.uid.unwrap_or_default(),
        reason: reason.unwrap_or_default(),
        message: message.unwrap_or_default(),
        warning: type_.as_deref() == Some("Warning"),
        first: first_timestamp.and_then(time).or(at).or(meta.created),
        last: last.into_iter().flatten().max(),
        count: series_count.or(count).unwrap_or(1),
        component: reporting_component
            .filter(|name| !name.is_empty())
            .or(source.and_then(|source| source.component))
            .unwrap_or_default(),
        meta,
    }
}

/// A ConfigMap; binary data is left out.
pub fn config_map(object: api::ConfigMap) -> ConfigMap {
    let api::ConfigMap { data, metadata, binary_data: _, immutable: _ } = object;
    ConfigMap { meta: meta(metadata), data: data.unwrap_or_default() }
}

/// A Lease.
pub fn lease(object: coordination::Lease) -> Lease {
    let coordination::Lease { metadata, spec } = object;
    let coordination::LeaseSpec { acquire_time, holder_identity, lease_transitions, renew_time, .. } =
        spec.unwrap_or_default();
    Lease {
        meta: meta(metadata),
        holder: holder_identity.filter(|holder| !holder.is_empty()),
        acquired: acquire_time.and_then(micro_time),
        renewed: renew_time.and_then(micro_time),
        transitions: lease_transitions.unwrap_or(0),
    }
}

/// A Namespace.
pub fn namespace(object: api::Namespace) -> NamespaceObject {
    let api::Namespace { metadata, spec: _, status: _ } = object;
    NamespaceObject { meta: meta(metadata) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_sighting_of_an_event_is_the_latest_of_its_times() {
        let meta = json!({"name": "e", "namespace": "shop", "creationTimestamp": "2026-11-23T05:00:00Z"});
        let about = json!({"kind": "Ingress", "namespace": "shop", "name": "web", "uid": "u"});
        for (times, first, last, count) in [
            (
                json!({"firstTimestamp": "2026-11-23T04:00:00Z", "lastTimestamp": "2026-11-23T06:00:00Z", "count": 4}),
                "2026-11-23T04:00:00+00:00",
                "2026-11-23T06:00:00+00:00",
                4,
            ),
            (
                json!({"eventTime": "2026-11-23T05:00:00.5Z",
                       "series": {"count": 9, "lastObservedTime": "2026-11-23T07:00:00.000000Z"}}),
                "2026-11-23T05:00:00.500+00:00",
                "2026-11-23T07:00:00+00:00",
                9,
            ),
            (json!({}), "2026-11-23T05:00:00+00:00", "2026-11-23T05:00:00+00:00", 1),
        ] {
            let mut object = json!({
                "metadata": meta, "involvedObject": about, "type": "Warning", "reason": "Sync",
                "reportingComponent": "", "source": {"component": "nginx-ingress-controller"},
            });
            for (key, value) in times.as_object().expect("map") {
                object[key] = value.clone();
            }
            let event = event(serde_json::from_value(object).expect("event"));
            assert_eq!(event.first.map(|t| t.to_rfc3339()).as_deref(), Some(first));
            assert_eq!(event.last.map(|t| t.to_rfc3339()).as_deref(), Some(last));
            assert_eq!(event.count, count);
            assert_eq!(event.component, "nginx-ingress-controller");
            assert!(event.warning);
        }
    }
}
