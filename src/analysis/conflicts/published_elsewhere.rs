//! # What it finds
//! Ingresses whose published addresses (`status.loadBalancer`) are none of the controller that takes them:
//! they are another controller's (medium), or of nobody that is seen (low).
//!
//! # Why it 404s
//! After a migration the old address stays in the status where the new controller writes none. DNS that
//! follows it leads to the old controller, which no longer has the rules and answers 404, or to nothing; the
//! new controller is never asked.
//!
//! # Example
//! ```yaml
//! spec: {ingressClassName: traefik}
//! status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}   # the Service of ingress-nginx; Traefik's has 192.0.2.2
//! ```
//!
//! # What to do
//! Lead the hosts to the address of the controller's Service, and let the controller publish it.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/status/status.go` (runningAddresses) @ controller-v1.15.1;
//! traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go` (updateIngressStatus) v3.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::entry::{self, AddressOf};
use crate::analysis::field::Field;
use crate::model::controller::{ConfigSeen, ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::service::Service;

const FIELD: &str = "status.loadBalancer.ingress";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "published_elsewhere"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let Some(setting) = setting(field.kind) else { return Vec::new() };
        let settings = field.settings;
        let front = entry::services_of(field.controller, field.snapshot)
            .find(|service| !entry::public_addresses(service).is_empty());
        let Some(front) = front.filter(|_| entry::publishes_services(field.controller, field.snapshot))
        else {
            return Vec::new();
        };
        if settings.config == ConfigSeen::Unseen || settings.flag("ingresslink").is_some() {
            return Vec::new();
        }
        let mut holders: HashMap<&str, &Service> = HashMap::new();
        for service in field.snapshot.services.items() {
            for address in entry::addresses(service) {
                holders.entry(address).or_insert(service);
            }
        }
        let mut owners: HashMap<&str, AddressOf> = HashMap::new();
        for address in field.loaded.iter().flat_map(|ingress| &ingress.addresses) {
            owners.entry(address).or_insert_with(|| {
                let holder = || holders.get(address.as_str()).copied();
                entry::owner_by(address, &[field.controller], field.snapshot, holder)
            });
        }
        let fits = |ingress: &Ingress| {
            let is_own = |of: &AddressOf| matches!(of, AddressOf::Taker { .. } | AddressOf::TakersArguments);
            ingress.addresses.iter().any(|address| owners.get(address.as_str()).is_some_and(is_own))
        };
        // What is published together with an address of the controller is the controller's too.
        let beside: HashSet<&String> =
            field.loaded.iter().filter(|ingress| fits(ingress)).flat_map(|one| &one.addresses).collect();
        let mut groups: BTreeMap<(Vec<&String>, Option<&Name>), Vec<&Ingress>> = BTreeMap::new();
        for ingress in &field.loaded {
            if ingress.addresses.is_empty() || !is_taken_here_only(field, ingress) {
                continue;
            }
            let is_foreign = |address: &String| {
                !beside.contains(address)
                    && !is_told(settings, address)
                    && owners.get(address.as_str()).is_some_and(|of| is_strange(field, address, of))
            };
            if !ingress.addresses.iter().all(is_foreign) {
                continue;
            }
            let of = ingress.addresses.iter().find_map(|address| match owners.get(address.as_str()) {
                Some(AddressOf::Other { controller, .. }) => Some(controller),
                _ => None,
            });
            let mut addresses: Vec<&String> = ingress.addresses.iter().collect();
            addresses.sort_unstable();
            groups.entry((addresses, of)).or_default().push(ingress);
        }
        let own: Vec<String> = entry::services_of(field.controller, field.snapshot)
            .flat_map(entry::public_addresses)
            .map(str::to_owned)
            .collect();
        let told = |((addresses, of), mut ingresses): ((Vec<&String>, Option<&Name>), Vec<&Ingress>)| {
            ingresses.sort_unstable_by_key(|ingress| ingress.meta.key());
            let severity = if of.is_some() { Severity::Medium } else { Severity::Low };
            let facts = Facts::PublishedElsewhere {
                addresses: addresses.into_iter().cloned().collect(),
                of: of.cloned(),
                ingresses: ingresses.len(),
            };
            let fix = Fix::LeadTo {
                addresses: own.clone(),
                service: front.meta.key(),
                setting: setting.to_owned(),
            };
            let mut conflict = Conflict::new(self, field, severity, facts, Effect::NeverArrive, fix);
            for ingress in ingresses {
                if conflict.sees.url.is_none() {
                    conflict = conflict.of_ingress(ingress);
                }
                conflict = conflict.at(ingress, FIELD, Some(&ingress.addresses.join(", ")));
            }
            conflict.host = None;
            conflict
        };
        groups.into_iter().map(told).collect()
    }
}

/// What makes a product publish the addresses of a Service; `None` where it publishes other things, or
/// its own Service is not the entry.
pub(super) const fn setting(kind: ControllerKind) -> Option<&'static str> {
    match kind {
        ControllerKind::IngressNginx | ControllerKind::Haproxytech | ControllerKind::HaproxyIngress => {
            Some("--publish-service")
        }
        ControllerKind::Traefik => Some("--providers.kubernetesingress.ingressendpoint.publishedservice"),
        ControllerKind::TraefikIngressNginx => Some("--providers.kubernetesingressnginx.publishservice"),
        ControllerKind::F5Nginx => Some("-external-service"),
        ControllerKind::Contour => Some("--envoy-service-name"),
        ControllerKind::Kong => Some("--publish-service"),
        ControllerKind::AwsAlb
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => None,
    }
}

/// Whether no other workload takes an Ingress, or may.
fn is_taken_here_only(field: &Field<'_>, ingress: &Ingress) -> bool {
    let name = ingress.meta.key();
    let is_here = |index: &usize| {
        let taker = field.snapshot.controllers.get(*index);
        taker.is_some_and(|taker| taker.workload == field.controller.workload)
    };
    !field.claims.is_doubtful(&name) && field.claims.on(&name).iter().all(is_here)
}

/// Whether something in the controller's environment or ConfigMap has this text.
fn is_told(settings: &Settings, text: &str) -> bool {
    let config = match &settings.config {
        ConfigSeen::Known(data) => Some(data),
        ConfigSeen::Unseen => None,
    };
    let mut values = settings.env.values().chain(config.into_iter().flat_map(BTreeMap::values));
    values.any(|value| value.contains(text))
}

/// Whether the settings name a Service, by its full name or within the namespace.
fn names(settings: &Settings, service: &Name) -> bool {
    let full = service.to_string();
    let flag = |value: &str| value == full || value == service.name;
    is_told(settings, &full) || settings.args.iter().filter_map(|one| one.value.as_deref()).any(flag)
}

/// Whether it is certain that the controller did not publish an address.
fn is_strange(field: &Field<'_>, address: &str, of: &AddressOf) -> bool {
    match of {
        AddressOf::Taker { .. } | AddressOf::TakersArguments | AddressOf::Untold => false,
        AddressOf::Other { service, .. } => !names(field.settings, service),
        AddressOf::Service(service) => {
            field.snapshot.services.covers_everything()
                && !names(field.settings, service)
                && !has_a_file(field.settings)
        }
        // A name may stand for any address: they are compared with their like.
        AddressOf::NotTakers => {
            let is_ip = |text: &str| text.parse::<IpAddr>().is_ok();
            field.snapshot.services.covers_everything()
                && !has_a_file(field.settings)
                && entry::services_of(field.controller, field.snapshot)
                    .flat_map(entry::public_addresses)
                    .any(|own| is_ip(own) == is_ip(address))
        }
    }
}

/// Whether the controller reads a file that may name an address.
fn has_a_file(settings: &Settings) -> bool {
    settings.args.iter().any(|flag| {
        flag.name.contains("config") && flag.value.as_deref().is_some_and(|value| value.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const TWO: &str = "is traefik
        ctl ingress-nginx old
        front 0 edge/new 192.0.2.2
        front 1 edge/old 192.0.2.1";

    #[test]
    fn the_old_controllers_address_leads_past_the_new_one() {
        let found = check(
            &Rule,
            &format!(
                "{TWO}
                 ing shop/a host=a.example /a(P)->a:80 addr=192.0.2.1
                 ing shop/b host=b.example /b(P)->b:80 addr=192.0.2.1
                 ing shop/c host=c.example /c(P)->c:80 addr=192.0.2.2"
            ),
            &["medium: shop/a status.loadBalancer.ingress, shop/b status.loadBalancer.ingress"],
        );
        sees(&found, &["http://a.example/a: NeverArrive"]);
        assert_eq!(
            found[0].facts,
            Facts::PublishedElsewhere {
                addresses: vec!["192.0.2.1".to_owned()],
                of: Some(Name::new("ingress-nginx", "old")),
                ingresses: 2,
            }
        );
        assert_eq!(
            found[0].fix,
            Fix::LeadTo {
                addresses: vec!["192.0.2.2".to_owned()],
                service: Name::new("edge", "new"),
                setting: "--providers.kubernetesingress.ingressendpoint.publishedservice".to_owned(),
            }
        );
    }

    #[test]
    fn an_address_of_nobody_is_less() {
        for address in ["192.0.2.9", "192.0.2.9,192.0.2.8"] {
            check(
                &Rule,
                &format!("{TWO}\ning shop/a host=a.example /(P)->a:80 addr={address}"),
                &["low: shop/a status.loadBalancer.ingress"],
            );
        }
        // A Service that stayed when its controller went.
        check(
            &Rule,
            "is traefik
             front 0 edge/new 192.0.2.2
             front - edge/left 192.0.2.3
             ing shop/a host=a.example /(P)->a:80 addr=192.0.2.3",
            &["low: shop/a status.loadBalancer.ingress"],
        );
    }

    #[test]
    fn one_address_that_fits_is_enough() {
        for address in ["192.0.2.2", "192.0.2.1,192.0.2.2", "192.0.2.9,192.0.2.2"] {
            silent(&Rule, &format!("{TWO}\ning shop/a host=a.example /(P)->a:80 addr={address}"));
        }
        silent(&Rule, &format!("{TWO}\ning shop/a host=a.example /(P)->a:80"));
        // By any of several Services, and what stands beside an own address elsewhere.
        silent(
            &Rule,
            &format!(
                "{TWO}
                 front 0 edge/inner 192.0.2.4
                 ing shop/a host=a.example /(P)->a:80 addr=192.0.2.4,192.0.2.5
                 ing shop/b host=b.example /(P)->b:80 addr=192.0.2.5"
            ),
        );
    }

    #[test]
    fn nothing_is_told_where_the_own_address_is_not_seen() {
        let ingress = "ing shop/a host=a.example /(P)->a:80 addr=192.0.2.1";
        for world in [
            // No address: NodePort, or none given yet.
            "is traefik\nctl ingress-nginx old\nfront 0 edge/new -\nfront 1 edge/old 192.0.2.1",
            // No Service at all.
            "is traefik\nctl ingress-nginx old\nfront 1 edge/old 192.0.2.1",
            &format!("{TWO}\nhide Service"),
            // Its pods may be on the network of their nodes.
            &format!("{TWO}\npod new-1"),
            &format!("{TWO}\nhide ConfigMap"),
            // Its load balancer is outside the cluster.
            &TWO.replace("is traefik", "is aws-alb"),
        ] {
            silent(&Rule, &format!("{world}\n{ingress}"));
        }
    }

    #[test]
    fn what_the_controller_was_told_to_publish_is_its_own() {
        let ingress = "ing shop/a host=a.example /(P)->a:80 addr=192.0.2.1";
        for line in [
            "arg --providers.kubernetesingress.ingressendpoint.ip=192.0.2.1",
            "arg --providers.kubernetesingress.ingressendpoint.publishedservice=edge/old",
            "config external-status-address=192.0.2.1",
        ] {
            silent(&Rule, &format!("{TWO}\n{line}\n{ingress}"));
        }
        silent(&Rule, &format!("{TWO}\n{}", ingress.replace("->a:80", "->a:80 also=1")));
        silent(&Rule, &format!("{TWO}\narg --configfile=/etc/t.yml\n{}", ingress.replace(".1", ".9")));
        // A name cannot be compared with an address.
        silent(&Rule, &format!("{TWO}\ning shop/a host=a.example /(P)->a:80 addr=lb.example.net"));
    }

    #[test]
    fn without_a_service_to_publish_ingress_nginx_names_its_nodes() {
        let world = "front 0 edge/new 192.0.2.2\ning shop/a host=a.example /(P)->a:80 addr=198.51.100.7";
        silent(&Rule, world);
        check(
            &Rule,
            &format!("arg --publish-service=edge/new\n{world}"),
            &["low: shop/a status.loadBalancer.ingress"],
        );
    }
}
