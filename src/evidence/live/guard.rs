//! The read-only guard: the last thing a request passes before it leaves for the API server.
//!
//! Invariant: nothing but reads leaves this program. Allowed are GETs of objects, lists, watches and
//! pod logs, the two self-review POSTs that ask "may I?", and, only where the operator switched them
//! on, the GETs that open exec and port-forward streams. Secrets are refused whatever the verb.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{Method, Request};
use kube::client::Body;
use tower::BoxError;

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
    judge(request.method(), request.uri().path(), probes)?;
    load.requests.fetch_add(1, Ordering::Relaxed);
    Ok(request)
}

fn judge(method: &Method, path: &str, probes: Probes) -> Result<(), Refused> {
    // No name of ours needs escaping, and an escaped path may not be what it looks like.
    if path.contains('%') || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Refused::NotARead);
    }
    let review = matches!(
        path,
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            | "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    );
    if review && method == Method::POST {
        return Ok(());
    }
    if method != Method::GET {
        return Err(Refused::NotARead);
    }
    let Some((resource, subresource)) = target(path) else { return Ok(()) };
    match (resource, subresource) {
        // The legacy prefixes hide the resource one segment further.
        ("secrets", _) => Err(Refused::Secrets),
        ("watch" | "proxy", _) => Err(Refused::NotARead),
        (_, None) | ("pods", Some("log")) => Ok(()),
        ("pods", Some("exec")) => {
            if probes.exec {
                Ok(())
            } else {
                Err(Refused::ProbesOff)
            }
        }
        ("pods", Some("portforward")) => {
            if probes.port_forward {
                Ok(())
            } else {
                Err(Refused::ProbesOff)
            }
        }
        (_, Some(_)) => Err(Refused::NotARead),
    }
}

/// Resource and subresource of an API path; `None` for paths above any resource (`/version`, `/apis`).
fn target(path: &str) -> Option<(&str, Option<&str>)> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    match segments.next()? {
        "api" => segments.next()?,
        "apis" => segments.nth(1)?,
        _ => return None,
    };
    let resource = segments.next()?;
    // Past the object's name.
    let subresource = segments.nth(1);
    match (resource, subresource) {
        // `namespaces/NS/RESOURCE[/NAME[/SUBRESOURCE]]`
        ("namespaces", Some(resource)) => Some((resource, segments.nth(1))),
        (_, subresource) => Some((resource, subresource)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Probes = Probes { direct: true, port_forward: true, exec: true };

    fn check(method: &Method, path: &str, off: Result<(), Refused>, on: Result<(), Refused>) {
        assert_eq!(judge(method, path, Probes::default()), off, "{method} {path}, probes off");
        assert_eq!(judge(method, path, ON), on, "{method} {path}, probes on");
    }

    #[test]
    fn reads_pass() {
        for path in [
            "/version",
            "/api/v1/pods",
            "/api/v1/namespaces",
            "/api/v1/namespaces/shop",
            "/api/v1/namespaces/secrets/pods",
            "/apis/networking.k8s.io/v1/ingresses",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop",
            "/api/v1/namespaces/shop/pods/a/log",
            "/apis/gateway.networking.k8s.io/v1/httproutes",
        ] {
            check(&Method::GET, path, Ok(()), Ok(()));
        }
    }

    #[test]
    fn nothing_is_written_whatever_is_switched_on() {
        let refused = Err(Refused::NotARead);
        for method in
            [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS]
        {
            for path in [
                "/api/v1/namespaces/shop/pods",
                "/api/v1/namespaces/shop/pods/a",
                "/api/v1/namespaces/shop/pods/a/exec",
                "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/x",
            ] {
                check(&method, path, refused, refused);
            }
        }
    }

    #[test]
    fn asking_for_ones_own_rights_passes() {
        for kind in ["selfsubjectaccessreviews", "selfsubjectrulesreviews"] {
            check(&Method::POST, &format!("/apis/authorization.k8s.io/v1/{kind}"), Ok(()), Ok(()));
        }
    }

    #[test]
    fn secrets_are_never_read() {
        let refused = Err(Refused::Secrets);
        for path in [
            "/api/v1/secrets",
            "/api/v1/namespaces/shop/secrets",
            "/api/v1/namespaces/shop/secrets/tls",
            "//api/v1//secrets",
            "/apis/any.group/v1/secrets",
        ] {
            check(&Method::GET, path, refused, refused);
        }
        let refused = Err(Refused::NotARead);
        for path in [
            "/api/v1/watch/secrets",
            "/api/v1/watch/namespaces/shop/secrets",
            "/api/v1/namespaces/shop/%73ecrets",
            "/api/v1/namespaces/shop/pods/../secrets",
        ] {
            check(&Method::GET, path, refused, refused);
        }
    }

    #[test]
    fn streams_into_pods_need_their_switch() {
        let off = Err(Refused::ProbesOff);
        check(&Method::GET, "/api/v1/namespaces/shop/pods/a/exec", off, Ok(()));
        check(&Method::GET, "/api/v1/namespaces/shop/pods/a/portforward", off, Ok(()));
        let exec_only = Probes { exec: true, ..Probes::default() };
        assert_eq!(judge(&Method::GET, "/api/v1/namespaces/shop/pods/a/portforward", exec_only), off);
    }

    #[test]
    fn other_subresources_are_not_reads() {
        let refused = Err(Refused::NotARead);
        for path in [
            "/api/v1/namespaces/shop/pods/a/attach",
            "/api/v1/namespaces/shop/pods/a/proxy/x",
            "/api/v1/namespaces/shop/services/a/proxy",
            "/api/v1/nodes/n/proxy",
            "/api/v1/proxy/nodes/n",
            "/api/v1/namespaces/shop/serviceaccounts/a/token",
        ] {
            check(&Method::GET, path, refused, refused);
        }
    }
}
