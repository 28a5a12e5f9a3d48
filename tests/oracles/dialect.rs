//! What the users of one controller write: all in which the generated worlds of two models differ.

pub(crate) mod agic;
pub(crate) mod apisix;
pub(crate) mod aws_alb;
pub(crate) mod cilium;
pub(crate) mod contour;
pub(crate) mod f5;
pub(crate) mod gce;
pub(crate) mod haproxy_ingress;
pub(crate) mod haproxytech;
pub(crate) mod httproute;
pub(crate) mod ingress_nginx;
pub(crate) mod istio;
pub(crate) mod kong;
pub(crate) mod spec;
pub(crate) mod traefik;
pub(crate) mod traefik_gateway;
pub(crate) mod traefik_ingress_nginx;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

/// Every dialect, once: one for each model.
pub(crate) const ALL: [&Dialect; 17] = [
    &agic::AGIC,
    &apisix::APISIX,
    &aws_alb::AWS_ALB,
    &cilium::CILIUM,
    &contour::CONTOUR,
    &f5::F5,
    &gce::GCE,
    &haproxy_ingress::HAPROXY_INGRESS,
    &haproxytech::HAPROXYTECH,
    &httproute::HTTPROUTE,
    &ingress_nginx::INGRESS_NGINX,
    &istio::ISTIO,
    &kong::KONG,
    &spec::SPEC,
    &traefik::TRAEFIK,
    &traefik_gateway::TRAEFIK_GATEWAY,
    &traefik_ingress_nginx::TRAEFIK_INGRESS_NGINX,
];

/// Something that is there in so many of a hundred cases, with one of these values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) percent: u32,
    pub(crate) key: &'static str,
    pub(crate) values: &'static [&'static str],
}

/// One [`Choice`].
pub(crate) const fn some(percent: u32, key: &'static str, values: &'static [&'static str]) -> Choice {
    Choice { percent, key, values }
}

impl Choice {
    pub(crate) fn pick(&self, random: &mut StdRng) -> Option<(String, String)> {
        let value = self.values.choose(random)?;
        random.random_ratio(self.percent, 100).then(|| (self.key.to_owned(), (*value).to_owned()))
    }
}

/// A path that the controller may read as a pattern, with paths that it takes and some that it just
/// does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) path: &'static str,
    pub(crate) asked: &'static [&'static str],
}

/// The objects of a controller that was given these arguments and this ConfigMap.
pub(crate) type Deployed = fn(&[String], &[(String, String)]) -> Vec<Value>;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) kind: ControllerKind,
    /// What its IngressClass (or GatewayClass) names as the controller.
    pub(crate) class: &'static str,
    /// The objects that route.
    pub(crate) routes: fn(&mut StdRng, &Dialect) -> Vec<Value>,
    /// Annotations of an Ingress.
    pub(crate) annotations: &'static [Choice],
    /// Annotations of a Service.
    pub(crate) service_annotations: &'static [Choice],
    /// Paths of type ImplementationSpecific beside the common ones.
    pub(crate) patterns: &'static [Pattern],
    /// Arguments of the controller: `key=value`, or `key` where the value is empty.
    pub(crate) arguments: &'static [Choice],
    /// Keys of its ConfigMap.
    pub(crate) config: &'static [Choice],
    /// Headers of requests that it may heed.
    pub(crate) headers: &'static [Choice],
    /// Its Deployment, and its ConfigMap, as they stand in the cluster.
    pub(crate) deployed: Deployed,
}

/// The Deployment of a controller, of one container that is named like its product.
pub(crate) fn deployment(container: &str, image: &str, arguments: &[String]) -> Value {
    let labels = json!({"app": container});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "edge", "name": container},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": container, "image": image, "args": arguments}]},
        }},
    })
}
