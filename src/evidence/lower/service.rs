//! `v1` Service.

use k8s_openapi::api::core::v1 as api;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::object::meta;
use super::port;
use crate::model::ingress::PortRef;
use crate::model::service::{Service, ServicePort};

/// A Service; ports without a valid number are dropped.
pub fn service(object: api::Service) -> Service {
    let api::Service { metadata, spec, status } = object;
    let spec = spec.unwrap_or_default();
    let balancer = status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress);
    Service {
        meta: meta(metadata),
        service_type: spec.type_.unwrap_or_default(),
        cluster_ip: spec.cluster_ip.filter(|ip| !ip.is_empty()),
        external_name: spec.external_name.filter(|name| !name.is_empty()),
        external_ips: spec.external_ips.unwrap_or_default(),
        load_balancer: balancer
            .unwrap_or_default()
            .into_iter()
            .filter_map(|api::LoadBalancerIngress { hostname, ip, ip_mode: _, ports: _ }| {
                [ip, hostname].into_iter().flatten().find(|address| !address.is_empty())
            })
            .collect(),
        selector: spec.selector.unwrap_or_default(),
        ports: spec.ports.unwrap_or_default().into_iter().filter_map(service_port).collect(),
    }
}

fn service_port(entry: api::ServicePort) -> Option<ServicePort> {
    let api::ServicePort { name, node_port, port: number, protocol, target_port, app_protocol: _ } = entry;
    let number = port(number)?;
    let target = match target_port {
        Some(IntOrString::Int(target)) => port(target).map_or(PortRef::Number(number), PortRef::Number),
        Some(IntOrString::String(name)) => PortRef::Name(name),
        None => PortRef::Number(number),
    };
    Some(ServicePort {
        name: name.filter(|name| !name.is_empty()),
        number,
        target,
        node_port: node_port.and_then(port),
        protocol: protocol.unwrap_or_else(|| "TCP".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_keep_names_numbers_and_targets() {
        let object: api::Service = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [
                {"port": 80, "targetPort": "http", "name": "main"},
                {"port": 81, "targetPort": 0},
                {"port": 82, "targetPort": 8082, "nodePort": 30082, "protocol": "UDP"},
                {"port": 0},
            ]},
        }))
        .expect("service");
        let service = service(object);
        assert_eq!(service.cluster_ip.as_deref(), Some("None"));
        let targets: Vec<_> =
            service.ports.iter().map(|p| (p.number, p.target.clone(), p.protocol.as_str())).collect();
        assert_eq!(
            targets,
            [
                (80, PortRef::Name("http".to_owned()), "TCP"),
                (81, PortRef::Number(81), "TCP"),
                (82, PortRef::Number(8082), "UDP"),
            ]
        );
    }
}
