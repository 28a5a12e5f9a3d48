//! The read-only guard: the last thing a request passes before it leaves for the API server.
//!
//! Invariant: nothing but reads leaves this program. A request leaves when the table of rights
//! (`evidence/permissions.rs`) has a row for it, the streams into pods only where the operator switched
//! them on too; besides there are the paths every identity may read (version and discovery) and one
//! POST, the self-review that asks "may I?". Secrets are refused whatever the verb.
//! Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go @ v1.36, how a path becomes a verb.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, Request, Uri};
use kube::client::Body;
use tower::BoxError;

use crate::evidence::permissions::{Grant, PERMISSIONS};

/// Which ways of sending a probe the operator switched on. All are off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Probes {
    /// HTTP requests straight to addresses that the cluster names.
    pub direct: bool,
    /// HTTP requests through `pods/portforward`.
    pub port_forward: bool,
    /// Commands through `pods/exec`.
    pub exec: bool,
}

/// The flag that switches probes on.
pub(super) const PROBE_FLAG: &str = "--allow-probe";

/// Why a request was not let out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the read-only guard lets no such request out")]
    NotARead,
    #[error("the resource `secrets` is never read")]
    Secrets,
    #[error("probes are off")]
    ProbesOff,
}

/// How much was asked of the API server.
#[derive(Debug, Default)]
pub(super) struct Load {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Load {
    pub(super) fn add_bytes(&self, count: usize) {
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// Lets a request pass and counts it, or refuses it.
pub(super) fn pass(load: &Load, probes: Probes, request: Request<Body>) -> Result<Request<Body>, BoxError> {
    judge(request.method(), request.uri(), probes)?;
    load.requests.fetch_add(1, Ordering::Relaxed);
    Ok(request)
}

/// The one request that is no GET: its answer tells what this identity may do, and it changes nothing.
pub(super) const SELF_REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

fn judge(method: &Method, uri: &Uri, probes: Probes) -> Result<(), Refused> {
    let path = uri.path();
    if method == Method::POST && path == SELF_REVIEW && uri.query().is_none() {
        return Ok(());
    }
    // No name of ours needs escaping, and an escaped path may not be what it looks like.
    if method != Method::GET || path.contains('%') {
        return Err(Refused::NotARead);
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(Refused::NotARead);
    }
    let asked = match Asked::read(&segments, watches(uri)) {
        Some(asked) => asked,
        None if is_discovery(&segments) => return Ok(()),
        None => return Err(Refused::NotARead),
    };
    if asked.resource == "secrets" {
        return Err(Refused::Secrets);
    }
    let row = PERMISSIONS
        .iter()
        .find(|row| row.covers(asked.verb, asked.group, asked.resource, asked.subresource))
        .ok_or(Refused::NotARead)?;
    let on = match (row.grant, row.subresource) {
        (Grant::Cluster | Grant::Optional | Grant::ControllerConfig, _) => true,
        (Grant::Probe, Some("exec")) => probes.exec,
        (Grant::Probe, Some("portforward")) => probes.port_forward,
        (Grant::Probe, Some(_) | None) => false,
    };
    if on { Ok(()) } else { Err(Refused::ProbesOff) }
}

/// Version and discovery: what there is, not what it holds.
fn is_discovery(segments: &[&str]) -> bool {
    matches!(segments, ["version" | "api" | "apis"] | ["api", _] | ["apis", _] | ["apis", _, _])
}

/// Whether a list is to go on as a watch; what cannot be told counts as one.
fn watches(uri: &Uri) -> bool {
    let mut pairs = uri.query().unwrap_or_default().split('&');
    pairs.any(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        key.eq_ignore_ascii_case("watch") && !matches!(value, "false" | "0")
    })
}

/// A GET as the API server's authorizer sees it.
struct Asked<'a> {
    verb: &'static str,
    group: &'a str,
    resource: &'a str,
    subresource: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// `None` for paths above any resource, and for those that are no resource's at all.
    fn read(segments: &[&'a str], watches: bool) -> Option<Self> {
        let (group, rest) = match segments {
            ["api", _, rest @ ..] => ("", rest),
            ["apis", group, _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        // `namespaces/NS/RESOURCE…`: the resource lies one level deeper, unless it is the Namespace's own.
        let rest = match rest {
            ["namespaces", _, inner @ ..] if !inner.is_empty() => inner,
            _ => rest,
        };
        let list = if watches { "watch" } else { "list" };
        let (verb, resource, subresource) = match rest {
            [resource] => (list, *resource, None),
            [resource, _] => ("get", *resource, None),
            [resource, _, subresource] => ("get", *resource, Some(*subresource)),
            // Nothing lies deeper but what a proxy leads to.
            _ => return None,
        };
        Some(Self { verb, group, resource, subresource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Probes = Probes { direct: true, port_forward: true, exec: true };

    fn judged(method: &Method, uri: &str, probes: Probes) -> Result<(), Refused> {
        judge(method, &uri.parse().expect("a URI"), probes)
    }

    fn check(method: &Method, uri: &str, off: Result<(), Refused>, on: Result<(), Refused>) {
        assert_eq!(judged(method, uri, Probes::default()), off, "{method} {uri}, probes off");
        assert_eq!(judged(method, uri, ON), on, "{method} {uri}, probes on");
    }

    #[test]
    fn reads_pass() {
        for path in [
            "/version",
            "/apis",
            "/apis/gateway.networking.k8s.io",
            "/apis/gateway.networking.k8s.io/v1",
            "/api/v1/pods",
            "/api/v1/pods?limit=500&continue=x",
            "/api/v1/namespaces",
            "/api/v1/namespaces/shop",
            "/api/v1/namespaces/secrets/pods",
            "/apis/networking.k8s.io/v1/ingresses",
            "/apis/networking.k8s.io/v1/ingresses?watch=true&resourceVersion=1",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop",
            "/api/v1/namespaces/shop/pods/a/log?timestamps=true",
            "/api/v1/namespaces/ingress-nginx/configmaps/ingress-nginx-controller",
            "/apis/gateway.networking.k8s.io/v1/httproutes",
        ] {
            check(&Method::GET, path, Ok(()), Ok(()));
        }
    }

    #[test]
    fn asking_for_ones_own_rights_is_the_only_post() {
        check(&Method::POST, SELF_REVIEW, Ok(()), Ok(()));
        let refused = Err(Refused::NotARead);
        check(&Method::PUT, SELF_REVIEW, refused, refused);
        for kind in ["selfsubjectaccessreviews/x", "selfsubjectrulesreviews", "subjectaccessreviews"] {
            let path = format!("/apis/authorization.k8s.io/v1/{kind}");
            check(&Method::POST, &path, refused, refused);
        }
    }

    #[test]
    fn paths_that_hide_what_they_ask_for_are_refused() {
        let refused = Err(Refused::NotARead);
        for path in [
            "/api/v1/watch/secrets",
            "/api/v1/watch/namespaces/shop/secrets",
            "/api/v1/namespaces/shop/%73ecrets",
            "/api/v1/namespaces/shop/pods/../secrets",
            "//api/v1//secrets",
            "/api/v1/pods/",
            "/api/v1/proxy/nodes/n",
            "/api/v1/namespaces/shop/pods/a/proxy/x",
            "/api/v1/namespaces/shop/pods/a/log/x",
            "/openapi/v2",
            "/metrics",
            "/",
        ] {
            check(&Method::GET, path, refused, refused);
        }
    }

    #[test]
    fn streams_into_pods_need_their_switch() {
        let off = Err(Refused::ProbesOff);
        check(&Method::GET, "/api/v1/namespaces/shop/pods/a/exec?command=x", off, Ok(()));
        check(&Method::GET, "/api/v1/namespaces/shop/pods/a/portforward", off, Ok(()));
        let exec_only = Probes { exec: true, ..Probes::default() };
        assert_eq!(judged(&Method::GET, "/api/v1/namespaces/shop/pods/a/portforward", exec_only), off);
    }

    /// Groups with resources, and subresources, that the table has and that it has not.
    const RESOURCES: [(&str, &str); 28] = [
        ("", "pods"),
        ("", "services"),
        ("", "events"),
        ("", "namespaces"),
        ("", "configmaps"),
        ("", "secrets"),
        ("", "nodes"),
        ("", "endpoints"),
        ("", "serviceaccounts"),
        ("", "persistentvolumeclaims"),
        ("apps", "deployments"),
        ("apps", "daemonsets"),
        ("apps", "statefulsets"),
        ("apps", "replicasets"),
        ("apps", "controllerrevisions"),
        ("apps", "pods"),
        ("apps", "secrets"),
        ("batch", "jobs"),
        ("networking.k8s.io", "ingresses"),
        ("networking.k8s.io", "ingressclasses"),
        ("networking.k8s.io", "networkpolicies"),
        ("discovery.k8s.io", "endpointslices"),
        ("coordination.k8s.io", "leases"),
        ("gateway.networking.k8s.io", "httproutes"),
        ("gateway.networking.k8s.io", "secrets"),
        ("rbac.authorization.k8s.io", "roles"),
        ("authorization.k8s.io", "selfsubjectaccessreviews"),
        ("certificates.k8s.io", "certificatesigningrequests"),
    ];
    const SUBRESOURCES: [&str; 10] = [
        "log",
        "exec",
        "portforward",
        "attach",
        "proxy",
        "token",
        "status",
        "scale",
        "eviction",
        "ephemeralcontainers",
    ];

    /// Every method on every resource, subresource and form of a path: what leaves has a row, and its
    /// path says what the row grants.
    #[test]
    fn only_what_has_a_row_of_the_table_leaves() {
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
            Method::CONNECT,
            Method::TRACE,
        ];
        let mut passed = 0;
        for (group, resource) in RESOURCES {
            let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
            let mut paths: Vec<(&str, Option<&str>, String)> = Vec::new();
            for place in [root.clone(), format!("{root}/namespaces/shop")] {
                if resource == "namespaces" && place != root {
                    continue;
                }
                paths.push(("list", None, format!("{place}/{resource}")));
                paths.push(("list", None, format!("{place}/{resource}?watch=false")));
                paths.push(("watch", None, format!("{place}/{resource}?watch=1")));
                paths.push(("watch", None, format!("{place}/{resource}?limit=1&watch=true")));
                paths.push(("get", None, format!("{place}/{resource}/a")));
                // Below a Namespace lies a resource, never a subresource of its own that is read.
                for subresource in SUBRESOURCES.into_iter().filter(|_| resource != "namespaces") {
                    paths.push(("get", Some(subresource), format!("{place}/{resource}/a/{subresource}")));
                }
            }
            for (verb, subresource, uri) in &paths {
                let row = PERMISSIONS.iter().find(|row| row.covers(verb, group, resource, *subresource));
                for method in &methods {
                    let may = |probes_on: bool| {
                        let Some(row) = row.filter(|_| *method == Method::GET && resource != "secrets")
                        else {
                            return (method, resource, *subresource, uri.as_str())
                                == (&Method::POST, "selfsubjectaccessreviews", None, SELF_REVIEW);
                        };
                        probes_on || row.grant != Grant::Probe
                    };
                    assert_eq!(judged(method, uri, Probes::default()).is_ok(), may(false), "{method} {uri}");
                    assert_eq!(judged(method, uri, ON).is_ok(), may(true), "{method} {uri}, probes on");
                    passed += usize::from(may(true));
                    if *method == Method::GET && resource == "secrets" {
                        assert_eq!(judged(method, uri, ON), Err(Refused::Secrets), "{method} {uri}");
                    }
                }
            }
        }
        assert!(passed > 100, "{passed}");
    }
}
