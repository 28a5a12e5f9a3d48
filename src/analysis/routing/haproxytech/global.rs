//! What arguments and ConfigMap say for all Ingresses.
//!
//! A key of the ConfigMap stands in for an annotation that an Ingress does not have.
//! Sources: haproxytech/kubernetes-ingress `pkg/utils/flags.go`, `documentation/controller.md`, 3.2.

use std::collections::BTreeMap;

use crate::analysis::routing::serving::External;
use crate::model::controller::{ConfigSeen, Settings};
use crate::model::object::Name;

#[derive(Debug)]
pub(super) struct Global {
    config: BTreeMap<String, String>,
    /// The ConfigMap could not be read.
    pub(super) unseen: bool,
    /// Of `--default-backend-service`.
    pub(super) default_service: Option<Name>,
    pub(super) external_names: External,
    pub(super) disable_http: bool,
    pub(super) disable_https: bool,
}

impl Global {
    pub(super) fn new(settings: &Settings) -> Self {
        let config = match &settings.config {
            ConfigSeen::Known(data) => data.clone(),
            ConfigSeen::Unseen => BTreeMap::new(),
        };
        let default_service = settings.value("default-backend-service").and_then(|value| {
            let (namespace, name) = value.split_once('/').unwrap_or((settings.namespace.as_str(), value));
            (!name.is_empty()).then(|| Name::new(namespace, name))
        });
        Self {
            config,
            unseen: settings.config == ConfigSeen::Unseen,
            default_service,
            external_names: if settings.is_set("disable-service-external-name") {
                External::Barred
            } else {
                External::Served
            },
            disable_http: settings.is_set("disable-http"),
            disable_https: settings.is_set("disable-https"),
        }
    }

    pub(super) fn config(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str)
    }
}
