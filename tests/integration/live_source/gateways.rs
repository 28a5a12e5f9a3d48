//! The kinds of the Gateway API: in which version they are served, and whether they are installed.

use std::collections::BTreeSet;

use routecause::evidence::cluster::{Cluster, Source};
use routecause::evidence::gather;
use routecause::model::object::Kind;
use routecause::model::snapshot::{Lookup, Snapshot};
use serde_json::{Value, json};

use super::live;
use crate::support::api_server::{Reply, Seen};

const GROUP: &str = "/apis/gateway.networking.k8s.io";

fn resources(names: &[&str]) -> Reply {
    let resources: Vec<Value> = names.iter().map(|name| json!({"name": name, "namespaced": true})).collect();
    Reply::Json(200, json!({"kind": "APIResourceList", "resources": resources}))
}

fn versions(names: &[&str]) -> Reply {
    let versions: Vec<Value> = names.iter().map(|name| json!({"version": name})).collect();
    Reply::Json(200, json!({"kind": "APIGroup", "versions": versions}))
}

fn list(items: &[Value]) -> Reply {
    Reply::Json(200, json!({"kind": "List", "metadata": {}, "items": items}))
}

/// What is gathered from a server, and what it was asked of this group.
async fn gathered(
    answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
) -> (Snapshot, Vec<String>) {
    let (server, live) = live(move |seen| answer(seen).unwrap_or_else(|| list(&[]))).await;
    let cluster = Cluster::new(Source::Live(Box::new(live)), None);
    let snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
    let asked = server.seen().into_iter().map(|seen| seen.path).filter(|path| path.starts_with(GROUP));
    let mut asked: Vec<String> = asked.map(|path| path.replacen(GROUP, "", 1)).collect();
    asked.sort();
    (snapshot, asked)
}

#[tokio::test]
async fn each_kind_is_listed_in_the_best_version_that_is_served() {
    let (snapshot, asked) = gathered(|seen| match seen.path.strip_prefix(GROUP)? {
        "" => Some(versions(&["v1", "v1beta1", "v1alpha2"])),
        "/v1" => Some(resources(&["gatewayclasses", "gateways", "httproutes", "httproutes/status"])),
        "/v1beta1" => Some(resources(&["gateways", "referencegrants"])),
        "/v1/httproutes" => {
            let route =
                json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"hostnames": ["a.io"]}});
            Some(list(&[route]))
        }
        _ => None,
    })
    .await;
    let lists = ["/v1/gatewayclasses", "/v1/gateways", "/v1/httproutes", "/v1beta1/referencegrants"];
    assert_eq!(asked.iter().filter(|path| lists.contains(&path.as_str())).count(), 4, "{asked:?}");
    assert_eq!(asked.len(), 7, "{asked:?}");
    let route = snapshot.http_routes.get("shop", "web").found().expect("the route");
    assert_eq!(route.hostnames, ["a.io"]);
    assert!(snapshot.grants.covers_everything());
}

#[tokio::test]
async fn where_the_group_is_not_installed_one_request_tells_so_and_nothing_is_missing() {
    let (snapshot, asked) = gathered(|seen| {
        seen.path
            .starts_with(GROUP)
            .then(|| Reply::Text(404, "text/plain", "404 page not found\n".to_owned()))
    })
    .await;
    assert_eq!(asked, [""]);
    assert!(matches!(snapshot.http_routes.get("shop", "web"), Lookup::Absent));
    assert!(snapshot.gateways.gaps().is_empty() && snapshot.gaps.is_empty(), "{:?}", snapshot.gaps);
}

#[tokio::test]
async fn a_kind_that_may_not_be_listed_is_a_gap() {
    let (snapshot, _) = gathered(|seen| match seen.path.strip_prefix(GROUP)? {
        "" => Some(versions(&["v1"])),
        "/v1" => Some(resources(&["gatewayclasses", "gateways", "httproutes"])),
        "/v1/httproutes" => Some(Reply::status(403, "Forbidden", "httproutes is forbidden")),
        _ => None,
    })
    .await;
    assert!(matches!(snapshot.http_routes.get("shop", "web"), Lookup::Unseen(_)));
    assert_eq!(snapshot.http_routes.gaps().len(), 1);
    assert!(snapshot.grants.covers("shop") && snapshot.gateways.covers("shop"));
    assert_eq!(snapshot.not_installed, BTreeSet::from([Kind::ReferenceGrant]));
    assert_eq!(snapshot.http_routes.kind(), Kind::HttpRoute);
}

#[tokio::test]
async fn a_kind_that_is_served_in_other_versions_only_is_not_absent() {
    let (snapshot, _) = gathered(|seen| match seen.path.strip_prefix(GROUP)? {
        "" => Some(versions(&["v1", "v1alpha2"])),
        "/v1" => Some(resources(&["gatewayclasses", "gateways", "httproutes"])),
        "/v1alpha2" => Some(resources(&["httproutes", "referencegrants"])),
        _ => None,
    })
    .await;
    assert_eq!((snapshot.grants.gaps().len(), snapshot.not_installed.len()), (1, 0));
}

#[tokio::test]
async fn what_is_installed_is_not_known_from_a_server_that_does_not_say_so() {
    let broken = || Reply::status(500, "InternalError", "etcdserver: request timed out");
    let (server, live) = live(move |seen| match seen.path.strip_prefix(GROUP) {
        Some("") if seen.before == 0 => broken(),
        Some("") => versions(&["v1"]),
        Some("/v1") => resources(&["gatewayclasses", "gateways", "httproutes"]),
        _ => list(&[]),
    })
    .await;
    let cluster = Cluster::new(Source::Live(Box::new(live)), None);
    let snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
    let gaps = [snapshot.gateways.gaps(), snapshot.http_routes.gaps(), snapshot.grants.gaps()].concat();
    assert_eq!((gaps.len(), snapshot.not_installed.len()), (3, 0), "{gaps:?}");
    assert_eq!(server.seen().iter().filter(|seen| seen.path == GROUP).count(), 1);
    // It is asked again by whoever comes later.
    let snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
    assert_eq!(snapshot.http_routes.gaps(), []);
    assert_eq!(snapshot.not_installed, BTreeSet::from([Kind::ReferenceGrant]));
}

#[tokio::test]
async fn without_leave_to_ask_what_is_installed_the_lists_tell() {
    let (snapshot, asked) = gathered(|seen| match seen.path.strip_prefix(GROUP)? {
        "" => Some(Reply::status(403, "Forbidden", "forbidden: cannot get path")),
        "/v1/referencegrants" => Some(Reply::Text(404, "text/plain", "404 page not found\n".to_owned())),
        _ => None,
    })
    .await;
    assert_eq!(asked.len(), 5, "{asked:?}");
    assert!(snapshot.http_routes.covers_everything());
    assert_eq!((snapshot.grants.gaps().len(), snapshot.not_installed.len()), (1, 0));
}
