//! Paths and queries of the Kubernetes API, from kinds and names.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::gap::Why;
use crate::model::object::Kind;

/// The path of a list: one namespace's, or (`None`) everything.
pub(super) fn collection(kind: Kind, namespace: Option<&str>) -> Result<String, Why> {
    // Every kind of Kubernetes itself is served as v1 of its group since 1.21 or longer.
    collection_of(kind, "v1", namespace)
}

/// The same of a version of the kind's group.
pub(super) fn collection_of(kind: Kind, version: &str, namespace: Option<&str>) -> Result<String, Why> {
    if kind == Kind::Secret {
        return Err(Why::Unsupported { detail: "the resource `secrets` is never read".to_owned() });
    }
    let root = match kind.api_group() {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    match namespace.filter(|_| !kind.is_cluster_scoped()) {
        Some(namespace) => Ok(format!("{root}/namespaces/{}/{}", segment(namespace)?, kind.resource())),
        None => Ok(format!("{root}/{}", kind.resource())),
    }
}

/// The path of one object.
pub(super) fn object(kind: Kind, namespace: &str, name: &str) -> Result<String, Why> {
    if namespace.is_empty() && !kind.is_cluster_scoped() {
        return Err(Why::Unsupported { detail: format!("a {kind} has a namespace") });
    }
    Ok(format!("{}/{}", collection(kind, Some(namespace))?, segment(name)?))
}

/// A name as a path segment. Names that no object can have are refused instead of escaped, so that no
/// text from outside can ever change which path is asked for.
fn segment(name: &str) -> Result<&str, Why> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
    if name.is_empty() || name.len() > 253 || matches!(name, "." | "..") || !name.bytes().all(plain) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        return Err(Why::Unsupported { detail: format!("{shown:?} is not a name in Kubernetes") });
    }
    Ok(name)
}

/// `?key=value&…` of the pairs that have a value; empty when none has.
pub(super) fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        if let Some(value) = value {
            text.push(if text.is_empty() { '?' } else { '&' });
            text.push_str(key);
            text.push('=');
            text.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_path() {
        for (kind, namespace, path) in [
            (Kind::Ingress, None, "/apis/networking.k8s.io/v1/ingresses"),
            (Kind::Ingress, Some("shop"), "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"),
            (Kind::IngressClass, Some("shop"), "/apis/networking.k8s.io/v1/ingressclasses"),
            (Kind::Pod, Some("shop"), "/api/v1/namespaces/shop/pods"),
            (Kind::Namespace, None, "/api/v1/namespaces"),
            (Kind::EndpointSlice, None, "/apis/discovery.k8s.io/v1/endpointslices"),
            (Kind::Deployment, None, "/apis/apps/v1/deployments"),
            (Kind::Lease, None, "/apis/coordination.k8s.io/v1/leases"),
        ] {
            assert_eq!(collection(kind, namespace).as_deref(), Ok(path));
        }
        assert_eq!(object(Kind::Namespace, "", "shop").as_deref(), Ok("/api/v1/namespaces/shop"));
        assert_eq!(object(Kind::Service, "a", "b").as_deref(), Ok("/api/v1/namespaces/a/services/b"));
    }

    #[test]
    fn secrets_and_impossible_names_have_none() {
        assert!(collection(Kind::Secret, Some("shop")).is_err());
        for name in ["", ".", "..", "a/b", "a?b", "a%2fb", "a b", "ä", "a\n", &"x".repeat(254)] {
            assert!(object(Kind::Pod, "shop", name).is_err(), "{name:?}");
            assert!(collection(Kind::Pod, Some(name)).is_err(), "{name:?}");
        }
        assert!(object(Kind::Pod, "", "a").is_err());
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(query([("a", None), ("b", Some("x=y,z&"))]), "?b=x%3Dy%2Cz%26");
        assert_eq!(query([("a", None)]), "");
    }
}
