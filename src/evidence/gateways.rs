//! Fetches the kinds of the Gateway API, which a cluster may have installed or not.
//!
//! A kind that is not installed is absent, which is no gap; one that may not be listed is a gap.

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
    gaps: Vec<Gap>,
}

impl Gateways {
    pub(super) fn put_into(self, snapshot: &mut Snapshot) {
        let Self { classes, gateways, routes, grants, gaps } = self;
        snapshot.gateway_classes = classes;
        snapshot.gateways = gateways;
        snapshot.http_routes = routes;
        snapshot.grants = grants;
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
    let gaps = [classes.1, gateways.1, routes.1, grants.1].concat();
    Gateways { classes: classes.0, gateways: gateways.0, routes: routes.0, grants: grants.0, gaps }
}

async fn list<K, T>(
    cluster: &Cluster,
    scope: &Scope,
    kind: Kind,
    lower: impl Fn(K) -> T + Send + Sync,
) -> (Listing<T>, Vec<Gap>)
where
    K: DeserializeOwned + Send + 'static,
    T: Object + Send,
{
    let (items, coverage, gaps) = cluster.list::<K, T>(kind, scope, None, |object| Some(lower(object))).await;
    (Listing::new(kind, items, without_uninstalled(coverage)), gaps)
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
