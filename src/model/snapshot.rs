//! What was gathered for one question: lists of objects, each with how much of it was seen.
//!
//! Invariant: a lookup is three-valued. `Absent` is answered only for a place that was listed
//! completely; everything else that is not there is `Unseen`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::controller::Controller;
use super::endpoints::EndpointSlice;
use super::event::{Event, Lease, NamespaceObject};
use super::gap::{Gap, Unseen, Why};
use super::gateway::{Gateway, GatewayClass};
use super::http_route::HttpRoute;
use super::ingress::Ingress;
use super::ingress_class::IngressClass;
use super::object::{Kind, Name, Object, ObjectKey};
use super::pod::Pod;
use super::reference_grant::ReferenceGrant;
use super::service::Service;
use super::workload::{Revision, Workload};

/// The outcome of looking for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    Found(T),
    /// Its list was read completely and it is not in it.
    Absent,
    Unseen(Gap),
}

impl<T> Lookup<T> {
    /// The value, when it was found.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent | Self::Unseen(_) => None,
        }
    }

    pub fn as_ref(&self) -> Lookup<&T> {
        match self {
            Self::Found(value) => Lookup::Found(value),
            Self::Absent => Lookup::Absent,
            Self::Unseen(gap) => Lookup::Unseen(gap.clone()),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(value) => Lookup::Found(f(value)),
            Self::Absent => Lookup::Absent,
            Self::Unseen(gap) => Lookup::Unseen(gap),
        }
    }
}

/// How much of a kind was listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Everything, in all namespaces.
    pub everywhere: bool,
    /// Namespaces listed completely (when not everywhere).
    pub namespaces: BTreeSet<String>,
    /// Why the rest was not seen; per namespace, or `""` for everywhere else.
    pub missing: BTreeMap<String, Why>,
    /// Objects that are there and could not be understood.
    pub unreadable: BTreeMap<Name, Why>,
}

/// All objects of one kind that were seen, sorted by namespace and name.
#[derive(Debug, Clone)]
pub struct Listing<T> {
    kind: Kind,
    items: Vec<T>,
    /// By namespace, then by name.
    index: HashMap<String, HashMap<String, usize>>,
    pub coverage: Coverage,
}

impl<T: Object> Listing<T> {
    /// Sorts and indexes; of two objects with one name the later version wins.
    #[must_use]
    pub fn new(kind: Kind, mut items: Vec<T>, coverage: Coverage) -> Self {
        items.sort_by(|a, b| {
            (&a.meta().namespace, &a.meta().name).cmp(&(&b.meta().namespace, &b.meta().name))
        });
        let mut index: HashMap<String, HashMap<String, usize>> = HashMap::new();
        for (at, item) in items.iter().enumerate() {
            let Name { namespace, name } = item.meta().key();
            index.entry(namespace).or_default().insert(name, at);
        }
        Self { kind, items, index, coverage }
    }

    /// Nothing was asked for.
    #[must_use]
    pub fn unasked(kind: Kind) -> Self {
        Self::new(kind, Vec::new(), Coverage::default())
    }

    /// Everything there is.
    #[must_use]
    pub fn complete(kind: Kind, items: Vec<T>) -> Self {
        Self::new(kind, items, Coverage { everywhere: true, ..Coverage::default() })
    }

    /// Adds what another list of the same kind saw; of two objects with one name the newcomer wins.
    pub fn extend(&mut self, items: Vec<T>, coverage: Coverage) {
        let Coverage { everywhere, namespaces, missing, unreadable } = coverage;
        let mut all = std::mem::take(&mut self.items);
        let names: HashSet<(Kind, Name)> =
            items.iter().map(|item| (item.kind(), item.meta().key())).collect();
        all.retain(|item| !names.contains(&(item.kind(), item.meta().key())));
        all.extend(items);
        let mut merged = std::mem::take(&mut self.coverage);
        merged.everywhere |= everywhere;
        merged.namespaces.extend(namespaces);
        merged.missing.extend(missing);
        merged.unreadable.extend(unreadable);
        *self = Self::new(self.kind, all, merged);
    }

    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Items of one namespace.
    pub fn in_namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a T> {
        let from = self.items.partition_point(|item| item.meta().namespace.as_str() < namespace);
        self.items
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(move |item| item.meta().namespace == namespace)
    }

    /// Three-valued: found, absent, or could not see.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Lookup<&T> {
        let at = self.index.get(namespace).and_then(|names| names.get(name));
        if let Some(item) = at.and_then(|at| self.items.get(*at)) {
            return Lookup::Found(item);
        }
        let name = Name::new(namespace, name);
        if let Some(why) = self.coverage.unreadable.get(&name) {
            let what = Unseen::Object(ObjectKey { kind: self.kind, name });
            return Lookup::Unseen(Gap { what, why: why.clone() });
        }
        match self.unseen(namespace) {
            None => Lookup::Absent,
            Some(why) => Lookup::Unseen(Gap {
                what: Unseen::List {
                    kind: self.kind,
                    namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
                },
                why,
            }),
        }
    }

    /// Whether this namespace was listed completely and everything in it was understood.
    #[must_use]
    pub fn covers(&self, namespace: &str) -> bool {
        self.unseen(namespace).is_none()
            && !self.coverage.unreadable.keys().any(|name| name.namespace == namespace)
    }

    /// Whether all namespaces were listed completely and everything in them was understood.
    #[must_use]
    pub fn covers_everything(&self) -> bool {
        let Coverage { everywhere, namespaces: _, missing, unreadable } = &self.coverage;
        *everywhere && missing.is_empty() && unreadable.is_empty()
    }

    fn unseen(&self, namespace: &str) -> Option<Why> {
        if let Some(why) = self.coverage.missing.get(namespace) {
            return Some(why.clone());
        }
        if self.coverage.everywhere || self.coverage.namespaces.contains(namespace) {
            return None;
        }
        let why = self.coverage.missing.get("").cloned();
        Some(why.unwrap_or(Why::TooMuch { limit: "not part of this question".to_owned() }))
    }

    /// The gaps of this list, for reports.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        let missing = self.coverage.missing.iter().map(|(namespace, why)| Gap {
            what: Unseen::List {
                kind: self.kind,
                namespace: (!namespace.is_empty()).then(|| namespace.clone()),
            },
            why: why.clone(),
        });
        let unreadable = self.coverage.unreadable.iter().map(|(name, why)| Gap {
            what: Unseen::Object(ObjectKey { kind: self.kind, name: name.clone() }),
            why: why.clone(),
        });
        missing.chain(unreadable).collect()
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// Everything gathered for one question.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The moment the question is asked for: the wall clock, or `--at` of a capture.
    pub now: DateTime<Utc>,
    pub context: Option<String>,
    pub server_version: Option<String>,
    pub ingresses: Listing<Ingress>,
    pub classes: Listing<IngressClass>,
    pub namespaces: Listing<NamespaceObject>,
    pub services: Listing<Service>,
    pub slices: Listing<EndpointSlice>,
    pub pods: Listing<Pod>,
    pub workloads: Listing<Workload>,
    pub revisions: Listing<Revision>,
    pub events: Listing<Event>,
    pub leases: Listing<Lease>,
    /// The Gateway API's kinds; where they are not installed, listed completely and empty.
    pub gateway_classes: Listing<GatewayClass>,
    pub gateways: Listing<Gateway>,
    pub http_routes: Listing<HttpRoute>,
    pub grants: Listing<ReferenceGrant>,
    /// Those of them that the cluster said it does not have.
    pub not_installed: BTreeSet<Kind>,
    /// The names, never more, of all Secrets that a capture shows to exist. `None` on a live cluster,
    /// where Secrets are not read: whether one exists is unknown.
    pub secrets: Option<BTreeSet<Name>>,
    /// Sorted by workload name.
    pub controllers: Vec<Controller>,
    /// Gaps that belong to no list.
    pub gaps: Vec<Gap>,
}

impl Snapshot {
    /// Nothing seen, nothing asked.
    #[must_use]
    pub fn empty(now: DateTime<Utc>) -> Self {
        Self {
            now,
            context: None,
            server_version: None,
            ingresses: Listing::unasked(Kind::Ingress),
            classes: Listing::unasked(Kind::IngressClass),
            namespaces: Listing::unasked(Kind::Namespace),
            services: Listing::unasked(Kind::Service),
            slices: Listing::unasked(Kind::EndpointSlice),
            pods: Listing::unasked(Kind::Pod),
            workloads: Listing::unasked(Kind::Deployment),
            revisions: Listing::unasked(Kind::ReplicaSet),
            events: Listing::unasked(Kind::Event),
            leases: Listing::unasked(Kind::Lease),
            gateway_classes: Listing::unasked(Kind::GatewayClass),
            gateways: Listing::unasked(Kind::Gateway),
            http_routes: Listing::unasked(Kind::HttpRoute),
            grants: Listing::unasked(Kind::ReferenceGrant),
            not_installed: BTreeSet::new(),
            secrets: None,
            controllers: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// The slices of one Service; three-valued like every lookup: an empty vector means that all
    /// slices of the namespace were listed and none belongs to it.
    #[must_use]
    pub fn slices_of<'a>(&'a self, service: &Name) -> Lookup<Vec<&'a EndpointSlice>> {
        let items = self.slices.items();
        let start = items.partition_point(|slice| slice.meta.namespace < service.namespace);
        let found: Vec<&EndpointSlice> = items
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(|slice| slice.meta.namespace == service.namespace)
            .filter(|slice| slice.service().as_ref() == Some(service))
            .collect();
        if !found.is_empty() || self.slices.covers(&service.namespace) {
            return Lookup::Found(found);
        }
        match self.slices.get(&service.namespace, "") {
            Lookup::Unseen(gap) => Lookup::Unseen(gap),
            Lookup::Found(_) | Lookup::Absent => Lookup::Found(found),
        }
    }
}
