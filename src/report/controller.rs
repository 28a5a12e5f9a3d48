//! A running controller as results show it: what it is, what it was told that changes routing, and where
//! clients reach it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::object_ref::{NameRef, ObjectRef};
use super::text::Text;
use crate::analysis::controller_settings::{routing_flags, routing_keys};
use crate::analysis::entry;
use crate::model::controller::{Controller, ControllerKind};
use crate::model::snapshot::Snapshot;

/// Settings shown of one controller.
const MOST_SETTINGS: usize = 12;

/// One controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ControllerReport {
    pub product: &'static str,
    /// Absent where the image does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    pub workload: ObjectRef,
    pub pods: usize,
    /// IngressClasses whose Ingresses it takes.
    pub classes: Vec<Text>,
    /// Its arguments that change routing.
    pub arguments: Vec<Text>,
    /// The keys of its ConfigMap that change routing; absent when the ConfigMap could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Vec<Text>>,
    /// Services in front of it, with the addresses clients may be sent to.
    pub services: Vec<String>,
}

impl ControllerReport {
    /// `classes` are the names of the IngressClasses it takes.
    #[must_use]
    pub fn new(controller: &Controller, snapshot: &Snapshot, classes: &[&str]) -> Self {
        let settings = controller.settings();
        let arguments = routing_flags(controller.kind, &settings)
            .take(MOST_SETTINGS)
            .map(|flag| match &flag.value {
                Some(value) => Text::new(&format!("--{}={value}", flag.name)),
                None => Text::new(&format!("--{}", flag.name)),
            })
            .collect();
        let config = routing_keys(controller.kind, &settings).map(|keys| {
            keys.into_iter()
                .take(MOST_SETTINGS)
                .map(|(key, value)| Text::new(&format!("{key}: {value}")))
                .collect()
        });
        let services = entry::services_of(controller, snapshot)
            .map(|service| {
                let addresses: Vec<String> = entry::addresses(service)
                    .into_iter()
                    .map(|address| Text::new(address).to_string())
                    .collect();
                format!("{}: {}", NameRef::from(&service.meta.key()), addresses.join(", "))
            })
            .collect();
        Self {
            product: controller.kind.slug(),
            version: controller.version.map(|version| Text::new(&version.to_string())),
            workload: ObjectRef::from(&controller.workload),
            pods: controller.pods.len(),
            classes: classes.iter().map(|name| Text::new(name)).collect(),
            arguments,
            config,
            services,
        }
    }
}

/// A controller in a few words: product, version and workload.
#[must_use]
pub fn short(kind: ControllerKind, controller: Option<&Controller>) -> String {
    match controller {
        None => kind.slug().to_owned(),
        Some(controller) => {
            let version = controller.version.map(|version| format!(" {version}")).unwrap_or_default();
            format!("{kind}{version} ({})", NameRef::from(&controller.workload.name))
        }
    }
}

impl fmt::Display for ControllerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { product, version, workload, pods, classes, arguments, config, services } = self;
        let join = |texts: &[Text]| texts.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        match version {
            Some(version) => write!(f, "Controller {product} {version}: {workload}, {pods} pods")?,
            None => write!(f, "Controller {product}, version unknown: {workload}, {pods} pods")?,
        }
        if !classes.is_empty() {
            write!(f, "; classes {}", join(classes))?;
        }
        if !arguments.is_empty() {
            write!(f, "\n  arguments: {}", join(arguments))?;
        }
        match config {
            None => f.write_str("\n  ConfigMap: could not be read")?,
            Some(keys) if !keys.is_empty() => write!(f, "\n  ConfigMap: {}", join(keys))?,
            Some(_) => {}
        }
        for line in services {
            write!(f, "\n  Service {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::Version;
    use crate::model::gap::{Gap, Unseen, Why};
    use crate::model::object::{Kind, Name, ObjectKey, ObjectMeta};
    use crate::model::service::Service;
    use crate::model::snapshot::{Listing, Lookup};

    #[test]
    fn a_controller_is_shown_with_what_changes_routing() {
        let controller = Controller {
            kind: ControllerKind::IngressNginx,
            workload: ObjectKey::new(Kind::Deployment, "edge", "controller"),
            container_index: 0,
            container: "controller".to_owned(),
            image: String::new(),
            version: Some(Version::new(1, 15, 1)),
            command: Vec::new(),
            args: ["/nginx", "--election-id=x", "--watch-namespace=shop"].map(str::to_owned).into(),
            env: std::collections::BTreeMap::new(),
            pods: vec!["a".to_owned(), "b".to_owned()],
            config_map: Some((
                Name::new("edge", "controller"),
                Lookup::Unseen(Gap {
                    what: Unseen::Object(ObjectKey::new(Kind::ConfigMap, "edge", "controller")),
                    why: Why::Unauthorized,
                }),
            )),
            services: vec![Name::new("edge", "entry")],
        };
        let entry = Service {
            meta: ObjectMeta {
                namespace: "edge".to_owned(),
                name: "entry".to_owned(),
                ..ObjectMeta::default()
            },
            cluster_ip: Some("10.96.0.1".to_owned()),
            load_balancer: vec!["192.0.2.1".to_owned()],
            ..Service::default()
        };
        let snapshot = Snapshot {
            services: Listing::complete(Kind::Service, vec![entry]),
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        };
        let report = ControllerReport::new(&controller, &snapshot, &["nginx"]);
        assert_eq!(
            report.to_string(),
            "Controller ingress-nginx 1.15.1: Deployment edge/controller, 2 pods; classes nginx\n  \
             arguments: --watch-namespace=shop\n  \
             ConfigMap: could not be read\n  \
             Service edge/entry: 192.0.2.1, 10.96.0.1"
        );
        assert_eq!(short(controller.kind, Some(&controller)), "ingress-nginx 1.15.1 (edge/controller)");
    }
}
