//! `networking.k8s.io/v1` Ingress, as far as routing depends on it.

use super::object::{Kind, Object, ObjectMeta};

/// An Ingress. Rules, paths and TLS entries keep their order, so that an index is a field path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ingress {
    pub meta: ObjectMeta,
    /// `spec.ingressClassName`.
    pub class_name: Option<String>,
    /// `spec.defaultBackend`.
    pub default_backend: Option<Backend>,
    pub rules: Vec<Rule>,
    pub tls: Vec<Tls>,
    /// `status.loadBalancer.ingress[]`, IP or host name, in order.
    pub addresses: Vec<String>,
}

/// One entry of `spec.rules`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// Absent or empty means any host.
    pub host: Option<String>,
    /// `None` when the rule has no `http` at all.
    pub paths: Option<Vec<PathRule>>,
}

impl Rule {
    /// The paths, none when the rule has no `http`.
    #[must_use]
    pub fn paths(&self) -> &[PathRule] {
        self.paths.as_deref().unwrap_or_default()
    }

    /// The host, empty for any.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or_default()
    }
}

/// One entry of `spec.rules[].http.paths`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule {
    /// Empty is legal for `ImplementationSpecific`.
    pub path: String,
    pub path_type: PathType,
    pub backend: Backend,
}

/// `pathType`; absent (old objects) reads as `ImplementationSpecific`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathType {
    Exact,
    Prefix,
    ImplementationSpecific,
}

impl PathType {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "Exact",
            Self::Prefix => "Prefix",
            Self::ImplementationSpecific => "ImplementationSpecific",
        }
    }
}

/// Where a rule sends its requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Backend {
    Service {
        name: String,
        port: PortRef,
    },
    /// `backend.resource`: not served by most controllers.
    Resource {
        kind: String,
        name: String,
    },
    /// Neither; the API server refuses it, old objects may still hold it.
    Missing,
}

impl Backend {
    /// The Service's name and port, if it is one.
    #[must_use]
    pub fn service(&self) -> Option<(&str, &PortRef)> {
        match self {
            Self::Service { name, port } => Some((name, port)),
            Self::Resource { .. } | Self::Missing => None,
        }
    }

    /// The name of an action of a load balancer of AWS: an annotation describes it, and there is no
    /// Service.
    #[must_use]
    pub fn action(&self) -> Option<&str> {
        let (name, port) = self.service()?;
        matches!(port, PortRef::Name(port) if port == "use-annotation").then_some(name)
    }
}

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortRef {
    Number(u16),
    Name(String),
    Unset,
}

impl std::fmt::Display for PortRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
            Self::Unset => Ok(()),
        }
    }
}

/// One entry of `spec.tls`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    pub hosts: Vec<String>,
    pub secret: Option<String>,
}

impl Object for Ingress {
    fn kind(&self) -> Kind {
        Kind::Ingress
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

/// A place in an Ingress or HTTPRoute, with indices the way field paths count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    DefaultBackend,
    /// A rule as a whole.
    Rule(usize),
    /// `spec.rules[rule].http.paths[path]`.
    Path(usize, usize),
    /// Of an HTTPRoute: `spec.rules[rule].matches[match]`.
    Match(usize, usize),
}

impl Place {
    /// `spec.rules[0].http.paths[1]` and the like; `leaf` is appended when not empty.
    #[must_use]
    pub fn field(self, leaf: &str) -> String {
        let base = match self {
            Self::DefaultBackend => "spec.defaultBackend".to_owned(),
            Self::Rule(rule) => format!("spec.rules[{rule}]"),
            Self::Path(rule, path) => format!("spec.rules[{rule}].http.paths[{path}]"),
            Self::Match(rule, at) => format!("spec.rules[{rule}].matches[{at}]"),
        };
        if leaf.is_empty() { base } else { format!("{base}.{leaf}") }
    }

    /// The kind of object that has such places.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::DefaultBackend | Self::Rule(_) | Self::Path(..) => Kind::Ingress,
            Self::Match(..) => Kind::HttpRoute,
        }
    }
}

impl Ingress {
    /// Every `(rule index, path index, host, path rule)`, in order.
    pub fn path_rules(&self) -> impl Iterator<Item = (usize, usize, &str, &PathRule)> {
        self.rules.iter().enumerate().flat_map(|(r, rule)| {
            rule.paths().iter().enumerate().map(move |(p, path)| (r, p, rule.host(), path))
        })
    }

    /// The path rule at a place.
    #[must_use]
    pub fn path_at(&self, place: Place) -> Option<&PathRule> {
        match place {
            Place::Path(rule, path) => self.rules.get(rule)?.paths().get(path),
            Place::DefaultBackend | Place::Rule(_) | Place::Match(..) => None,
        }
    }

    /// Every host a rule names, with repeats removed, in order.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = Vec::new();
        for rule in &self.rules {
            if !rule.host().is_empty() && !hosts.contains(&rule.host()) {
                hosts.push(rule.host());
            }
        }
        hosts
    }
}
