//! Traefik's provider for the Gateway API.

use routecause::model::controller::ControllerKind;

use super::traefik::{PATTERNS, deployed};
use super::{Dialect, some};
use crate::generate::http_routes;

pub(crate) const TRAEFIK_GATEWAY: Dialect = Dialect {
    kind: ControllerKind::TraefikGateway,
    class: "traefik.io/gateway-controller",
    routes: http_routes,
    annotations: &[],
    service_annotations: &[
        some(10, "traefik.io/service.nativelb", &["true", "true", "TRUE", "false", "0", "no"]),
        some(2, "traefik.io/service.passhostheader", &["true"]),
        some(2, "traefik.io/other", &["x"]),
    ],
    patterns: PATTERNS,
    arguments: &[
        some(10, "--providers.kubernetesgateway.labelselector", &["team=a", "team in (a,b)"]),
        some(10, "--providers.kubernetesgateway.namespaces", &["n,edge", "m,edge", "n,m,edge"]),
        some(6, "--providers.kubernetesgateway.crossprovidernamespaces", &["n"]),
        some(10, "--providers.kubernetesgateway.nativelbbydefault", &["true"]),
        some(8, "--entryPoints.web.http.redirections.entryPoint.to", &["websecure"]),
        some(10, "--entryPoints.web.http.sanitizePath", &["false"]),
        some(8, "--entryPoints.web.http.encodedCharacters.allowEncodedSlash", &["false"]),
        some(3, "--entryPoints.web.http.middlewares", &["missing@file"]),
        some(5, "--entryPoints.web.asDefault", &["true"]),
    ],
    config: &[],
    headers: &[some(5, "X-Forwarded-Proto", &["https"])],
    deployed: |arguments, _| deployed("--providers.kubernetesgateway", arguments),
};
