//! Fetches the kinds of the Gateway API, which a cluster may have installed or not.
//!
//! A kind that is not installed is absent, which is no gap; one that may not be listed is a gap.

use std::collections::BTreeSet;

use futures::join;
use serde::de::DeserializeOwned;

use super::cluster::{Cluster, Scope};
use super::lower;
use crate::model::gap::{Gap, Why};
use crate::model::gateway::{Gateway, GatewayClass};
use crate::model::http_route::HttpRoute;
use crate::model::object::{Kind, Object};
use crate::model::reference_grant::ReferenceGrant;
use crate::model::snapshot::{Coverage, Listing, Snapshot};

/// What was listed.
pub(super) struct Gateways {
    classes: Listing<GatewayClass>,
    gateways: Listing<Gateway>,
    routes: Listing<HttpRoute>,
    grants: Listing<ReferenceGrant>,
    not_installed: BTreeSet<Kind>,
    gaps: Vec<Gap>,
}

impl Gateways {
    pub(super) fn put_into(self, snapshot: &mut Snapshot) {
        let Self { classes, gateways, routes, grants, not_installed, gaps } = self;
        snapshot.gateway_classes = classes;
        snapshot.gateways = gateways;
        snapshot.http_routes = routes;
        snapshot.grants = grants;
        snapshot.not_installed = not_installed;
        snapshot.gaps.extend(gaps);
    }
}

pub(super) async fn fetch(cluster: &Cluster, scope: &Scope) -> Gateways {
    let (classes, gateways, routes, grants) = join!(
        list(cluster, scope, Kind::GatewayClass, lower::gateway::gateway_class),
        list(cluster, scope, Kind::Gateway, lower::gateway::gateway),
        list(cluster, scope, Kind::HttpRoute, lower::http_route::http_route),
        list(cluster, scope, Kind::ReferenceGrant, lower::reference_grant::reference_grant),
    );
    let not_installed = [
        (Kind::GatewayClass, classes.is_absent),
        (Kind::Gateway, gateways.is_absent),
        (Kind::HttpRoute, routes.is_absent),
        (Kind::ReferenceGrant, grants.is_absent),
    ];
    Gateways {
        not_installed: not_installed
            .into_iter()
            .filter(|(_, absent)| *absent)
            .map(|(kind, _)| kind)
            .collect(),
        gaps: [classes.gaps, gateways.gaps, routes.gaps, grants.gaps].concat(),
        classes: classes.listing,
        gateways: gateways.listing,
        routes: routes.listing,
        grants: grants.listing,
    }
}

/// One kind, as it was listed.
struct Listed<T> {
    listing: Listing<T>,
    /// It is not installed.
    is_absent: bool,
    gaps: Vec<Gap>,
}

async fn list<K, T>(
    cluster: &Cluster,
    scope: &Scope,
    kind: Kind,
    lower: impl Fn(K) -> T + Send + Sync,
) -> Listed<T>
where
    K: DeserializeOwned + Send + 'static,
    T: Object + Send,
{
    let (items, coverage, gaps) = cluster.list::<K, T>(kind, scope, None, |object| Some(lower(object))).await;
    let is_absent = coverage.missing.values().any(|why| *why == Why::NotInstalled);
    Listed { listing: Listing::new(kind, items, without_uninstalled(coverage)), is_absent, gaps }
}

/// Of a kind that is not installed there is nothing, everywhere.
fn without_uninstalled(mut coverage: Coverage) -> Coverage {
    let before = coverage.missing.len();
    coverage.missing.retain(|_, why| *why != Why::NotInstalled);
    coverage.everywhere |= coverage.missing.is_empty() && before != 0;
    coverage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_absent_and_what_is_refused_is_a_gap() {
        let forbidden = Why::Forbidden {
            verb: "list",
            group: "gateway.networking.k8s.io",
            resource: "httproutes".to_owned(),
            namespace: None,
        };
        for (why, absent) in [(Why::NotInstalled, true), (forbidden, false)] {
            let mut coverage = Coverage::default();
            coverage.missing.insert(String::new(), why.clone());
            let coverage = without_uninstalled(coverage);
            let listing = Listing::<HttpRoute>::new(Kind::HttpRoute, Vec::new(), coverage);
            assert_eq!((listing.covers("shop"), listing.gaps().is_empty()), (absent, absent), "{why:?}");
        }
    }
}
