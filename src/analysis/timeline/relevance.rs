//! Whether a change has to do with the failing request.
//!
//! What surrounds the victim counts as much as the victim: every Ingress with a rule for the host, now or
//! in any recorded version, the Services behind its paths, the workloads and pods behind those, the
//! classes they name, and the controllers with their pods and ConfigMaps.

use std::collections::{BTreeMap, BTreeSet};

use super::world::Past;
use super::{Touch, Victim};
use crate::model::change::{Aspect, Change, Versioned};
use crate::model::host::spec_match;
use crate::model::http_route::HttpRoute;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::CLASS_ANNOTATION;
use crate::model::object::{Kind, Name, Object, ObjectKey};
use crate::model::service::Service;
use crate::model::snapshot::{Lookup, Snapshot};

/// Who is near the request.
#[derive(Debug)]
pub(super) struct Neighbourhood<'a> {
    victim: &'a Victim,
    /// Ingresses with a rule, or a default backend, for the host.
    pub(super) ingresses: BTreeSet<Name>,
    /// IngressClasses those name.
    classes: BTreeSet<String>,
    /// Services, slices, workloads and pods behind them; controllers and what belongs to them.
    pub(super) objects: BTreeSet<ObjectKey>,
    /// Namespaces of Services and workloads the request touches.
    pub(super) namespaces: BTreeSet<String>,
    /// The controllers that serve the request.
    pub(super) controllers: BTreeSet<ObjectKey>,
    /// Whether a Service or the workloads behind it could not be seen: then a rollout that has to do
    /// with the request is not told from one that has not.
    pub(super) backends_unseen: bool,
    /// Whether HTTPRoutes have to do with the request, whose past no source tells.
    pub(super) takes_routes: bool,
}

impl<'a> Neighbourhood<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, past: &Past<'_>, victim: &'a Victim) -> Self {
        let mut near = Self {
            victim,
            ingresses: BTreeSet::new(),
            classes: BTreeSet::new(),
            objects: BTreeSet::new(),
            namespaces: BTreeSet::new(),
            controllers: BTreeSet::new(),
            backends_unseen: false,
            takes_routes: false,
        };
        let mut services: BTreeSet<Name> = victim
            .objects
            .iter()
            .filter(|key| key.kind == Kind::Service)
            .map(|key| key.name.clone())
            .collect();
        let mut classless = false;
        let recorded = || past.rows.values().flatten().map(|step| &step.object);
        let past_ingresses = recorded().filter_map(|object| match object {
            Versioned::Ingress(ingress) => Some(ingress.as_ref()),
            Versioned::IngressClass(_) | Versioned::Service(_) => None,
        });
        for ingress in snapshot.ingresses.items().iter().chain(past_ingresses) {
            let name = ingress.meta.key();
            let listed = victim.objects.contains(&ObjectKey { kind: Kind::Ingress, name: name.clone() });
            if !listed && !takes(ingress, &victim.host) {
                continue;
            }
            match ingress.class_name.as_deref().or_else(|| ingress.meta.annotation(CLASS_ANNOTATION)) {
                Some(class) => {
                    near.classes.insert(class.to_owned());
                }
                None => classless = true,
            }
            services.extend(backends(ingress, &victim.host));
            near.ingresses.insert(name);
        }
        let past_classes = recorded().filter_map(|object| match object {
            Versioned::IngressClass(class) => Some(class.as_ref()),
            Versioned::Ingress(_) | Versioned::Service(_) => None,
        });
        if classless {
            let defaults =
                snapshot.classes.items().iter().chain(past_classes).filter(|class| class.is_default());
            near.classes.extend(defaults.map(|class| class.meta.name.clone()));
        }
        let names_host = |route: &HttpRoute| !route.hostnames.is_empty() || near.ingresses.is_empty();
        let mut routes = snapshot.http_routes.items().iter();
        near.takes_routes = routes.any(|route| route.touches(&victim.host) && names_host(route));
        near.behind(snapshot, past, &services);
        near.backends_unseen = services.iter().any(|name| {
            matches!(snapshot.services.get(&name.namespace, &name.name), Lookup::Unseen(_))
                || !snapshot.workloads.covers(&name.namespace)
        });
        near.control(snapshot);
        near.namespaces.extend(services.into_iter().map(|service| service.namespace));
        near
    }

    /// The workloads, pods and slices behind these Services, in any recorded version.
    fn behind(&mut self, snapshot: &Snapshot, past: &Past<'_>, services: &BTreeSet<Name>) {
        let past_services = past.rows.values().flatten().filter_map(|step| match &step.object {
            Versioned::Service(service) => Some(service.as_ref()),
            Versioned::Ingress(_) | Versioned::IngressClass(_) => None,
        });
        let mut selectors: BTreeMap<&str, Vec<&Service>> = BTreeMap::new();
        for service in snapshot.services.items().iter().chain(past_services) {
            if services.contains(&service.meta.key()) && !service.selector.is_empty() {
                selectors.entry(&service.meta.namespace).or_default().push(service);
            }
        }
        let selected = |namespace: &str, labels: &BTreeMap<String, String>| {
            selectors.get(namespace).is_some_and(|services| {
                services
                    .iter()
                    .any(|service| service.selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
            })
        };
        let workloads = snapshot.workloads.items().iter();
        let workloads = workloads.filter(|w| selected(&w.meta.namespace, &w.template.labels));
        self.objects.extend(workloads.map(Object::object_key));
        let pods = snapshot.pods.items().iter().filter(|pod| selected(&pod.meta.namespace, &pod.meta.labels));
        self.objects.extend(pods.map(Object::object_key));
        let slices = snapshot.slices.items().iter();
        let slices =
            slices.filter(|slice| slice.service().is_some_and(|service| services.contains(&service)));
        self.objects.extend(slices.map(Object::object_key));
        self.objects
            .extend(services.iter().map(|name| ObjectKey { kind: Kind::Service, name: name.clone() }));
        for key in self.objects.iter().chain(&self.victim.objects) {
            if matches!(key.kind, Kind::Deployment | Kind::DaemonSet | Kind::StatefulSet) {
                self.namespaces.insert(key.name.namespace.clone());
            }
        }
    }

    /// The controllers, their pods, ConfigMaps, Services and leases.
    fn control(&mut self, snapshot: &Snapshot) {
        let serving = |workload: &ObjectKey| {
            self.victim.controllers.is_empty() || self.victim.controllers.contains(workload)
        };
        for controller in snapshot.controllers.iter().filter(|controller| serving(&controller.workload)) {
            let namespace = &controller.workload.name.namespace;
            self.controllers.insert(controller.workload.clone());
            self.objects.insert(controller.workload.clone());
            let pods = controller.pods.iter().map(|pod| ObjectKey::new(Kind::Pod, namespace, pod));
            self.objects.extend(pods);
            let config = controller.config_map.iter().map(|(name, _)| name.clone());
            self.objects.extend(config.map(|name| ObjectKey { kind: Kind::ConfigMap, name }));
            let services = controller.services.iter().cloned();
            self.objects.extend(services.map(|name| ObjectKey { kind: Kind::Service, name }));
            let leases = snapshot.leases.in_namespace(namespace).map(Object::object_key);
            self.objects.extend(leases);
        }
        self.controllers.extend(self.victim.controllers.iter().cloned());
        self.objects.extend(self.victim.controllers.iter().cloned());
    }

    pub(super) fn touch(&self, change: &Change) -> Touch {
        let listed = self.victim.objects.contains(&change.object);
        match change.object.kind {
            Kind::Ingress => self.ingress(change, listed),
            Kind::IngressClass if self.classes.contains(&change.object.name.name) => Touch::Near,
            // A controller's log speaks of the asked request itself.
            Kind::Pod if change.aspect == Aspect::Decision => Touch::Exact,
            _ if listed => Touch::Exact,
            _ if self.objects.contains(&change.object) => Touch::Near,
            _ => Touch::Unrelated,
        }
    }

    fn ingress(&self, change: &Change, listed: bool) -> Touch {
        let Some(rule) = &change.rule else {
            return match (listed, self.ingresses.contains(&change.object.name)) {
                (true, _) => Touch::Exact,
                (false, true) => Touch::Near,
                (false, false) => Touch::Unrelated,
            };
        };
        if !rule.hosts.iter().any(|host| spec_match(host, &self.victim.host)) {
            return Touch::Unrelated;
        }
        let on_path =
            rule.paths.is_empty() || rule.paths.iter().any(|path| concerns(path, &self.victim.path));
        if on_path { Touch::Exact } else { Touch::Near }
    }
}

/// Whether a rule's path may take the request's path: as a prefix, or as a pattern.
fn concerns(path: &str, asked: &str) -> bool {
    let pattern = path.contains(['*', '(', '[', '^', '$', '\\', '+', '?']);
    pattern || asked.to_ascii_lowercase().starts_with(&path.trim_end_matches('/').to_ascii_lowercase())
}

/// Whether the Ingress has anything for this host.
fn takes(ingress: &Ingress, host: &str) -> bool {
    ingress.default_backend.is_some() || ingress.rules.iter().any(|rule| spec_match(rule.host(), host))
}

/// The Services that requests for this host may be sent to.
fn backends<'a>(ingress: &'a Ingress, host: &'a str) -> impl Iterator<Item = Name> + 'a {
    let rules = ingress.rules.iter().filter(move |rule| spec_match(rule.host(), host));
    let paths = rules.flat_map(crate::model::ingress::Rule::paths).map(|path| &path.backend);
    let backends = paths.chain(&ingress.default_backend);
    backends.filter_map(|to| to.service()).map(|(name, _)| Name::new(&ingress.meta.namespace, name))
}
