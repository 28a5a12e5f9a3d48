//! Which annotations of an Ingress are read, by its role and by the controller's version.
//!
//! A master keeps no annotations of paths, a minion none of servers. Annotations that came later than
//! the running version do not exist for it; an unknown version reads all.
//! Sources: nginx/kubernetes-ingress `internal/configs/annotations.go` (deny lists of masters and
//! minions), 5.5; versions by the merges of the pull requests (#8656, #8720 for 5.4).

use crate::model::controller::Version;
use crate::model::ingress::Ingress;

use super::global::Global;
use super::options::Role;

/// Not read on a master: they belong to paths.
const NOT_ON_MASTERS: &[&str] = &[
    "nginx.org/rewrites",
    "nginx.org/ssl-services",
    "nginx.org/grpc-services",
    "nginx.org/websocket-services",
    "nginx.org/use-cluster-ip",
];

/// Not read on a minion: they belong to the server.
const NOT_ON_MINIONS: &[&str] = &[
    "nginx.org/redirect-to-https",
    "ingress.kubernetes.io/ssl-redirect",
    "nginx.org/ssl-redirect",
    "nginx.org/http-redirect-code",
    "nginx.org/listen-ports",
    "nginx.org/listen-ports-ssl",
    "nginx.org/server-snippets",
    "nginx.org/app-root",
];

/// Annotations that routing depends on and that not every version knows.
const SINCE: &[(&str, Version)] = &[
    ("nginx.org/app-root", Version::new(5, 4, 0)),
    ("nginx.org/http-redirect-code", Version::new(5, 4, 0)),
    ("nginx.org/rewrite-target", Version::new(5, 3, 0)),
    ("nginx.org/ssl-redirect", Version::new(5, 4, 0)),
];

/// The annotations of one Ingress as the controller sees them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Annotations<'a> {
    ingress: &'a Ingress,
    role: Role,
    version: Option<Version>,
}

impl<'a> Annotations<'a> {
    pub(super) fn new(ingress: &'a Ingress, global: &Global) -> Self {
        Self { ingress, role: Role::of(ingress), version: global.version }
    }

    /// A value that counts for this Ingress.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let denied = match self.role {
            Role::Regular => &[][..],
            Role::Master => NOT_ON_MASTERS,
            Role::Minion => NOT_ON_MINIONS,
        };
        if denied.contains(&key) || !is_known(key, self.version) {
            return None;
        }
        self.ingress.meta.annotation(key)
    }
}

/// Whether this version knows an annotation.
pub(super) fn is_known(key: &str, version: Option<Version>) -> bool {
    let since = SINCE.iter().find(|(name, _)| *name == key).map(|(_, since)| *since);
    match (since, version) {
        (Some(since), Some(version)) => version >= since,
        (Some(_), None) | (None, _) => true,
    }
}
