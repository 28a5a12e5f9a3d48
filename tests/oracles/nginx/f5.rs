//! What F5's controller 5.5 writes: validation, owners of hosts, then a file for each Ingress.
//!
//! Written from the description of the controller and of its template.

mod owners;
mod valid;
mod write;

use super::objects::{Cluster, Ingress};
use super::{Place, Written};

/// The part of an Ingress among those that share a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Regular,
    Master,
    Minion,
}

fn role(ingress: &Ingress) -> Role {
    match ingress.annotation("nginx.org/mergeable-ingress-type") {
        Some("master") => Role::Master,
        Some("minion") => Role::Minion,
        _ => Role::Regular,
    }
}

/// A boolean as Go reads it.
fn boolean(text: &str) -> Option<bool> {
    let yes = ["1", "t", "T", "true", "TRUE", "True"].contains(&text);
    let no = ["0", "f", "F", "false", "FALSE", "False"].contains(&text);
    (yes || no).then_some(yes)
}

/// The annotation comes before the field.
fn is_of_class(ingress: &Ingress) -> bool {
    match ingress.annotation("kubernetes.io/ingress.class") {
        Some(class) if !class.is_empty() => class == crate::world::CLASS,
        _ => ingress.is_of_class(),
    }
}

/// Writes a world down.
pub(super) fn write(cluster: &Cluster<'_>, place: &Place) -> Written {
    let mut loaded: Vec<&Ingress> = cluster
        .ingresses
        .iter()
        .filter(|ingress| is_of_class(ingress) && valid::is_valid(cluster, ingress))
        .collect();
    loaded.sort_by_key(|ingress| ingress.key());
    write::write(cluster, place, &loaded)
}
