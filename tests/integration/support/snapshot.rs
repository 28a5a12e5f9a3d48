//! A snapshot from the text of a `kubectl get -o yaml` list.

use std::collections::BTreeSet;

use chrono::DateTime;
use routecause::evidence::{controllers, lower};
use routecause::model::event::{ConfigMap, NamespaceObject};
use routecause::model::ingress::Ingress;
use routecause::model::ingress_class::IngressClass;
use routecause::model::object::{Kind, Name, ObjectMeta};
use routecause::model::pod::Pod;
use routecause::model::service::Service;
use routecause::model::snapshot::{Listing, Lookup, Snapshot};
use routecause::model::workload::Workload;
use serde::de::DeserializeOwned;
use serde_json::Value;

#[derive(Default)]
struct Objects {
    ingresses: Vec<Ingress>,
    classes: Vec<IngressClass>,
    namespaces: Vec<NamespaceObject>,
    services: Vec<Service>,
    slices: Vec<routecause::model::endpoints::EndpointSlice>,
    pods: Vec<Pod>,
    workloads: Vec<Workload>,
    config_maps: Vec<ConfigMap>,
    secrets: BTreeSet<Name>,
}

/// Everything in the list, taken as all there is.
pub(crate) fn of_yaml(text: &str) -> Snapshot {
    let list: Value = serde_saphyr::from_str(text).expect("YAML");
    let mut objects = Objects::default();
    for item in list["items"].as_array().expect("a list") {
        objects.add(item.clone());
    }
    objects.into_snapshot()
}

fn read<T: DeserializeOwned>(item: Value) -> T {
    serde_json::from_value(item).expect("a Kubernetes object")
}

impl Objects {
    fn add(&mut self, item: Value) {
        match item["kind"].as_str().unwrap_or_default() {
            "Ingress" => self.ingresses.push(lower::ingress::ingress(read(item))),
            "IngressClass" => self.classes.push(lower::ingress_class::ingress_class(read(item))),
            "Namespace" => self.namespaces.push(lower::event::namespace(read(item))),
            "Service" => self.services.push(lower::service::service(read(item))),
            "EndpointSlice" => self.slices.push(lower::endpoints::endpoint_slice(read(item))),
            "Pod" => self.pods.push(lower::pod::pod(read(item))),
            "Deployment" => self.workloads.push(lower::workload::deployment(read(item))),
            "DaemonSet" => self.workloads.push(lower::workload::daemon_set(read(item))),
            "StatefulSet" => self.workloads.push(lower::workload::stateful_set(read(item))),
            "ConfigMap" => self.config_maps.push(lower::event::config_map(read(item))),
            "Secret" => {
                let meta: ObjectMeta = lower::object::meta(read(item["metadata"].clone()));
                self.secrets.insert(meta.key());
            }
            _ => {}
        }
    }

    fn into_snapshot(self) -> Snapshot {
        let mut controllers = controllers::recognise(&self.workloads, &self.pods, &self.classes);
        for controller in &mut controllers {
            if let Some((name, lookup)) = &mut controller.config_map {
                let found = self.config_maps.iter().find(|map| map.meta.key() == *name);
                *lookup = found.map_or(Lookup::Absent, |map| Lookup::Found(map.clone()));
            }
        }
        Snapshot {
            ingresses: Listing::complete(Kind::Ingress, self.ingresses),
            classes: Listing::complete(Kind::IngressClass, self.classes),
            namespaces: Listing::complete(Kind::Namespace, self.namespaces),
            services: Listing::complete(Kind::Service, self.services),
            slices: Listing::complete(Kind::EndpointSlice, self.slices),
            pods: Listing::complete(Kind::Pod, self.pods),
            workloads: Listing::complete(Kind::Deployment, self.workloads),
            secrets: Some(self.secrets),
            controllers,
            ..Snapshot::empty(DateTime::UNIX_EPOCH)
        }
    }
}
