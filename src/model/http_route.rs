//! `gateway.networking.k8s.io` HTTPRoute, as far as routing depends on it.

use super::object::{Kind, Name, Object, ObjectMeta};

/// An HTTPRoute. Lists keep their order, so that an index is a field path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpRoute {
    pub meta: ObjectMeta,
    pub parents: Vec<ParentRef>,
    /// Empty takes the listener's.
    pub hostnames: Vec<String>,
    pub rules: Vec<RouteRule>,
}

/// One entry of `spec.parentRefs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRef {
    /// Whether it names a Gateway; a mesh's Service, for one, is none.
    pub is_gateway: bool,
    pub name: Name,
    /// The listener's name.
    pub section: Option<String>,
    pub port: Option<u16>,
}

/// One entry of `spec.rules`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteRule {
    /// Never empty: a rule without any matches every path, which is spelled out.
    pub matches: Vec<RouteMatch>,
    pub filters: Vec<Filter>,
    pub backends: Vec<BackendRef>,
    /// `timeouts.request`, as written.
    pub request_timeout: Option<String>,
    /// `timeouts.backendRequest`, as written.
    pub backend_timeout: Option<String>,
}

/// One entry of `matches`; all of its conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteMatch {
    pub path: PathMatch,
    pub method: Option<String>,
    pub headers: Vec<ValueMatch>,
    pub query: Vec<ValueMatch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMatch {
    pub kind: PathMatchKind,
    pub value: String,
}

impl Default for PathMatch {
    fn default() -> Self {
        Self { kind: PathMatchKind::Prefix, value: "/".to_owned() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathMatchKind {
    Exact,
    /// `PathPrefix`, element by element.
    Prefix,
    /// `RegularExpression`, in the implementation's own dialect; also what a later version may add.
    Pattern,
}

/// A header or query parameter that must have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueMatch {
    pub name: String,
    pub value: String,
    /// `RegularExpression` rather than `Exact`.
    pub is_pattern: bool,
}

/// One entry of `filters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    Redirect(Redirect),
    Rewrite {
        hostname: Option<String>,
        path: Option<PathChange>,
    },
    RequestHeaders,
    ResponseHeaders,
    /// `RequestMirror`: a copy goes elsewhere, the answer does not change.
    Mirror,
    /// `CORS`, answered for preflight requests by the implementation.
    Cors,
    /// `ExtensionRef`: an object of the implementation.
    Extension {
        group: String,
        kind: String,
        name: String,
    },
    /// What this program does not know, by its type.
    Other(String),
}

/// `RequestRedirect`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redirect {
    pub scheme: Option<String>,
    pub hostname: Option<String>,
    pub port: Option<u16>,
    pub path: Option<PathChange>,
    pub status: Option<u16>,
}

/// How a redirect or rewrite changes the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathChange {
    Full(String),
    /// Replaces what a `PathPrefix` matched.
    Prefix(String),
}

/// One entry of `backendRefs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendRef {
    /// Empty for the core group.
    pub group: String,
    pub kind: String,
    pub name: Name,
    /// Whether the namespace is written, and not only the route's own.
    pub names_namespace: bool,
    pub port: Option<u16>,
    pub weight: u32,
    pub filters: Vec<Filter>,
}

impl BackendRef {
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.group.is_empty() && self.kind == "Service"
    }
}

impl HttpRoute {
    /// Whether a host name of its own could take this host; without any it takes its listener's.
    #[must_use]
    pub fn touches(&self, host: &str) -> bool {
        let takes = |name: &String| match name.strip_prefix('*') {
            Some(parent) => host.len() > parent.len() && host.ends_with(parent),
            None => name.eq_ignore_ascii_case(host),
        };
        self.hostnames.is_empty() || self.hostnames.iter().any(takes)
    }
}

impl Object for HttpRoute {
    fn kind(&self) -> Kind {
        Kind::HttpRoute
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}
