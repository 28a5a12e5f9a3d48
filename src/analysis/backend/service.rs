//! The first link: is there such a Service, and if not, which one was probably meant.

use crate::model::gap::Gap;
use crate::model::object::Name;
use crate::model::service::Service;
use crate::model::snapshot::{Lookup, Snapshot};

/// How many names are worth offering.
const NEAREST: usize = 3;
/// Jaro-Winkler likeness below which a name is no candidate for a slip of the pen.
const LIKE: f64 = 0.8;

/// The outcome of looking for the Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Here(Shape),
    /// The namespace's Services were read completely.
    Absent {
        /// Names in the same namespace, most alike first.
        nearest: Vec<String>,
        /// Namespaces that have a Service of this very name.
        elsewhere: Vec<String>,
        /// Whether all namespaces were searched for `elsewhere`.
        searched_all: bool,
    },
    Unseen(Gap),
}

/// The kinds of Services that differ in what comes after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// The endpoint controller fills the slices from the selector.
    Selecting {
        headless: bool,
    },
    /// No selector: somebody else writes the endpoints.
    Unmanaged {
        headless: bool,
    },
    ExternalName(String),
}

/// Looks a Service up; when it is not there, for what was probably meant.
#[must_use]
pub fn find(snapshot: &Snapshot, name: &Name) -> Found {
    match snapshot.services.get(&name.namespace, &name.name) {
        Lookup::Found(service) => Found::Here(shape(service)),
        Lookup::Unseen(gap) => Found::Unseen(gap),
        Lookup::Absent => Found::Absent {
            nearest: alike(
                &name.name,
                snapshot.services.in_namespace(&name.namespace).map(|service| service.meta.name.as_str()),
            ),
            elsewhere: snapshot
                .services
                .items()
                .iter()
                .filter(|service| service.meta.name == name.name)
                .map(|service| service.meta.namespace.clone())
                .collect(),
            searched_all: snapshot.services.covers_everything(),
        },
    }
}

pub(super) fn shape(service: &Service) -> Shape {
    if service.is_external_name() {
        return Shape::ExternalName(service.external_name.clone().unwrap_or_default());
    }
    let headless = service.cluster_ip.as_deref() == Some("None");
    if service.selector.is_empty() { Shape::Unmanaged { headless } } else { Shape::Selecting { headless } }
}

/// The names most like the wanted one, best first; none when nothing is alike.
#[must_use]
pub fn alike<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = names
        .filter(|name| *name != wanted)
        .map(|name| (likeness(wanted, name), name))
        .filter(|(score, _)| *score >= LIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.truncate(NEAREST);
    scored.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// One name inside the other, between dashes, counts as alike: charts add release names.
fn likeness(a: &str, b: &str) -> f64 {
    let (a_dashed, b_dashed) = (format!("-{a}-"), format!("-{b}-"));
    let contained = a_dashed.contains(&b_dashed) || b_dashed.contains(&a_dashed);
    strsim::jaro_winkler(a, b).max(if contained { 0.9 } else { 0.0 })
}
