//! The one generator of worlds, for every model: hosts, wildcard hosts, path types, patterns,
//! annotations, default backends, duplicates, ages, and requests at the edges of all of it. What is
//! special about a controller is its [`Dialect`].

mod asks;
mod http_routes;
mod ingresses;

pub(crate) use http_routes::http_routes;
pub(crate) use ingresses::ingresses;

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::dialect::{Choice, Dialect};
use crate::world::{Behind, CLASS, NAMESPACES, SERVICES, World, service};

/// Hosts of rules; none at all is one of them.
pub(super) const HOSTS: [&str; 11] = [
    "a.test",
    "www.a.test",
    "b.test",
    "*.b.test",
    "x.b.test",
    "*.x.b.test",
    "*.test",
    "io.test",
    "long-name.of-a.team.example",
    "a.test",
    "",
];

/// World `number` of a seed, with so many requests.
pub(crate) fn world(dialect: &Dialect, seed: u64, number: u64, asks: usize) -> World {
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(number));
    let random = &mut random;
    let mut objects: Vec<Value> = NAMESPACES
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .collect();
    objects.push(json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
                        "metadata": {"name": CLASS}, "spec": {"controller": dialect.class}}));
    for namespace in NAMESPACES {
        for name in SERVICES {
            let behind = match random.random_range(0..20) {
                0 => Behind::NotReady,
                1 => Behind::Leaving,
                2 => Behind::Nothing,
                _ => Behind::Ready,
            };
            objects.extend(service(namespace, name, behind, &picked(random, dialect.service_annotations)));
        }
    }
    objects.extend((dialect.routes)(random, dialect));
    let arguments: Vec<String> = picked(random, dialect.arguments)
        .into_iter()
        .map(|(key, value)| if value.is_empty() { key } else { format!("{key}={value}") })
        .collect();
    let config: Vec<(String, String)> = picked(random, dialect.config).into_iter().collect();
    let asks = asks::asks(random, dialect, &objects, asks);
    let controller = (dialect.deployed)(&arguments, &config);
    World { objects, arguments, config, controller, asks }
}

/// The choices that were made.
pub(crate) fn picked(random: &mut StdRng, choices: &[Choice]) -> BTreeMap<String, String> {
    choices.iter().filter_map(|choice| choice.pick(random)).collect()
}

pub(crate) fn one_of<'a>(random: &mut StdRng, all: &[&'a str]) -> &'a str {
    all.choose(random).copied().unwrap_or_default()
}
