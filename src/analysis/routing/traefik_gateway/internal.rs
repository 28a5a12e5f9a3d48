//! Services of Traefik itself, and of its other providers, as backends: `TraefikService` with an `@`.
//!
//! A router that names one that is not there is not made; the route's other routers are.
//! Sources: traefik/traefik `pkg/provider/kubernetes/gateway/httproute.go` (`isInternalService`,
//! `loadHTTPBackendRef`), `pkg/provider/traefik/internal.go`, `pkg/server/service/service.go`, v3.7.13.

use super::act::failing;
use crate::model::controller::Settings;
use crate::model::http_route::{BackendRef, Filter, RouteRule};

/// Whether a rule names a service of this process that does not exist. What has a filter that fails is
/// not looked for.
pub(super) fn is_missing(namespace: &str, rule: &RouteRule, settings: &Settings, has_crds: bool) -> bool {
    let is_sound = |filters: &[Filter]| filters.iter().all(|filter| failing(filter, has_crds).is_none());
    let is_internal = |name: &str| name.ends_with("@internal");
    is_sound(&rule.filters)
        && rule.backends.iter().filter(|one| is_own(one)).any(|one| {
            let name = one.name.name.as_str();
            let barred = bars(settings, namespace);
            match rule.backends.as_slice() {
                // The router's own service, which is none at all where it may not be named.
                [_] if is_internal(name) => barred || !exists(name, settings),
                // One with a namespace is refused before anybody looks for it.
                _ => !one.names_namespace && is_sound(&one.filters) && !barred && !exists(name, settings),
            }
        })
}

fn is_own(backend: &BackendRef) -> bool {
    backend.group == "traefik.io" && backend.kind == "TraefikService" && backend.name.name.contains('@')
}

fn bars(settings: &Settings, namespace: &str) -> bool {
    settings
        .value("providers.kubernetesgateway.crossprovidernamespaces")
        .is_some_and(|list| !list.split(',').any(|one| one.trim() == namespace))
}

/// Whether the arguments bring the service in; what another provider has is not seen.
fn exists(name: &str, settings: &Settings) -> bool {
    let is_told = |flag: &str| {
        let below = format!("{flag}.");
        settings.args.iter().any(|one| {
            (one.name == flag && one.value.as_deref() != Some("false")) || one.name.starts_with(&below)
        })
    };
    match name.split_once('@') {
        Some(("noop", "internal")) => true,
        Some(("api" | "dashboard", "internal")) => is_told("api"),
        Some(("ping", "internal")) => is_told("ping"),
        Some(("prometheus", "internal")) => is_told("metrics.prometheus"),
        Some(("rest", "internal")) => is_told("providers.rest"),
        Some((_, "internal")) | None => false,
        Some((_, provider)) => is_told(&format!("providers.{}", provider.to_ascii_lowercase())),
    }
}
