//! What a probe may ask: hosts, paths, methods, headers, addresses.

use std::net::{IpAddr, Ipv4Addr};

use super::Refusal;
use crate::analysis::facts::candidates::touches;
use crate::model::host::HostName;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

/// Bytes of path and query.
const MAX_TARGET: usize = 2_048;
/// Characters of a header's value.
const MAX_VALUE: usize = 256;

/// Headers that change nothing but the answer's form, or that proxies set anyway.
const HEADERS: [&str; 10] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "origin",
    "traceparent",
    "user-agent",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// Annotations whose value names a header that routing depends on.
const CANARY_HEADERS: [&str; 1] = ["nginx.ingress.kubernetes.io/canary-by-header"];
const CANARY_COOKIES: [&str; 1] = ["nginx.ingress.kubernetes.io/canary-by-cookie"];

/// Checks everything that does not depend on where the request goes.
pub(super) fn check(request: &Request, sni: Option<&HostName>, snapshot: &Snapshot) -> Result<(), Refusal> {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Err(Refusal::Method { method: request.method.clone() });
    }
    for host in [Some(&request.host), sni].into_iter().flatten() {
        known(host, snapshot)?;
    }
    let target = request.target();
    if target.len() > MAX_TARGET {
        return Err(Refusal::PathTooLong { bytes: target.len() });
    }
    if let Some(c) =
        target.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '`' | '\\'))
    {
        return Err(Refusal::PathCharacter(c));
    }
    request.headers.iter().try_for_each(|(name, value)| header(name, value, request, snapshot))
}

/// Whether a host is one that some Ingress or HTTPRoute serves.
fn known(host: &HostName, snapshot: &Snapshot) -> Result<(), Refusal> {
    let name = host.as_str();
    let served = !name.contains('*')
        && (snapshot.ingresses.items().iter().any(|ingress| touches(ingress, name))
            || snapshot.http_routes.items().iter().any(|route| route.touches(name)))
        && host_is_sane(name);
    if served { Ok(()) } else { Err(Refusal::UnknownHost { host: name.to_owned() }) }
}

/// Hosts that name this machine or a metadata service are never sent, although a rule without a host
/// would take them.
fn host_is_sane(host: &str) -> bool {
    !is_local_name(host)
        && host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
            .map_or(true, |address| !is_forbidden(address))
}

/// Names that mean this machine or a cloud's metadata service.
pub(super) fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "metadata"
        || host == "metadata.google.internal"
}

fn header(name: &str, value: &str, request: &Request, snapshot: &Snapshot) -> Result<(), Refusal> {
    let lower = name.to_ascii_lowercase();
    let host = request.host.as_str();
    let named = |keys: &[&str]| -> Vec<&str> {
        snapshot
            .ingresses
            .items()
            .iter()
            .filter(|ingress| touches(ingress, host))
            .flat_map(|ingress| keys.iter().filter_map(|key| ingress.meta.annotation(key)))
            .collect()
    };
    let canary = named(&CANARY_HEADERS).iter().any(|header| header.eq_ignore_ascii_case(name));
    let cookie = lower == "cookie"
        && named(&CANARY_COOKIES)
            .iter()
            .any(|cookie| value == format!("{cookie}=always") || value == format!("{cookie}=never"));
    if !(HEADERS.contains(&lower.as_str()) || canary || cookie) || lower == "authorization" {
        return Err(Refusal::Header { name: name.to_owned() });
    }
    let fine = value.len() <= MAX_VALUE && value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if fine { Ok(()) } else { Err(Refusal::HeaderValue { name: name.to_owned() }) }
}

/// Addresses that are never asked, whatever the cluster says.
pub(super) fn is_forbidden(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_broadcast()
                // Metadata of Alibaba Cloud.
                || address == Ipv4Addr::new(100, 100, 100, 200)
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unicast_link_local()
                // Metadata of AWS.
                || address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ingress::{Ingress, Rule};
    use crate::model::object::{Kind, ObjectMeta};
    use crate::model::snapshot::Listing;

    fn snapshot(hosts: &[&str]) -> Snapshot {
        let canary = [
            ("nginx.ingress.kubernetes.io/canary-by-header", "X-Canary"),
            ("nginx.ingress.kubernetes.io/canary-by-cookie", "fresh"),
        ];
        let ingress = Ingress {
            meta: ObjectMeta {
                annotations: canary.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                ..ObjectMeta::default()
            },
            rules: hosts.iter().map(|host| Rule { host: Some((*host).to_owned()), paths: None }).collect(),
            ..Ingress::default()
        };
        Snapshot {
            ingresses: Listing::complete(Kind::Ingress, vec![ingress]),
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        }
    }

    fn verdict(request: &Request, hosts: &[&str]) -> Result<(), Refusal> {
        check(request, None, &snapshot(hosts))
    }

    fn get(url: &str) -> Request {
        Request::parse(url).expect("url")
    }

    #[test]
    fn only_hosts_of_known_ingresses_are_asked() {
        let hosts = ["shop.test", "*.wild.test"];
        for (url, fine) in [
            ("http://shop.test/", true),
            ("http://SHOP.test./", true),
            ("http://a.wild.test/", true),
            ("http://wild.test/", false),
            ("http://a.b.wild.test/", false),
            ("http://other.test/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(verdict(&get(url), &hosts).is_ok(), fine, "{url}");
        }
        // A rule without a host takes every host but those of this machine and of metadata services.
        for (url, fine) in [
            ("http://any.test/", true),
            ("http://10.0.0.1/", true),
            ("http://localhost/", false),
            ("http://127.0.0.1/", false),
            ("http://[::1]/", false),
            ("http://169.254.169.254/latest", false),
            ("http://metadata.google.internal/", false),
        ] {
            assert_eq!(verdict(&get(url), &[""]).is_ok(), fine, "{url}");
        }
    }

    #[test]
    fn the_server_name_must_be_known_too() {
        let sni = HostName::parse("other.test").expect("host");
        let refused = check(&get("https://shop.test/"), Some(&sni), &snapshot(&["shop.test"]));
        assert_eq!(refused, Err(Refusal::UnknownHost { host: "other.test".to_owned() }));
    }

    #[test]
    fn methods_and_paths_are_bounded() {
        let post = Request { method: "POST".to_owned(), ..get("http://shop.test/") };
        assert!(matches!(verdict(&post, &["shop.test"]), Err(Refusal::Method { .. })));
        let head = Request { method: "HEAD".to_owned(), ..get("http://shop.test/") };
        assert_eq!(verdict(&head, &["shop.test"]), Ok(()));
        let long = get(&format!("http://shop.test/{}", "x".repeat(2_048)));
        assert_eq!(verdict(&long, &["shop.test"]), Err(Refusal::PathTooLong { bytes: 2_049 }));
        for (path, bad) in [("/ü", 'ü'), ("/a\"b", '"'), ("/?q=a<b", '<'), ("/?q=\u{200b}", '\u{200b}')] {
            let request = get(&format!("http://shop.test{path}"));
            assert_eq!(verdict(&request, &["shop.test"]), Err(Refusal::PathCharacter(bad)), "{path}");
        }
    }

    #[test]
    fn headers_come_from_a_list_and_from_canaries() {
        let with = |name: &str, value: &str| {
            let request =
                Request { headers: vec![(name.to_owned(), value.to_owned())], ..get("http://shop.test/") };
            verdict(&request, &["shop.test"])
        };
        assert_eq!(with("Accept", "text/html"), Ok(()));
        assert_eq!(with("x-canary", "always"), Ok(()));
        assert_eq!(with("Cookie", "fresh=always"), Ok(()));
        for (name, value) in [
            ("Authorization", "Bearer x"),
            ("Cookie", "session=1"),
            ("Cookie", "fresh=always; session=1"),
            ("Host", "other.test"),
            ("X-Original-URL", "/admin"),
            ("Metadata-Flavor", "Google"),
        ] {
            assert_eq!(with(name, value), Err(Refusal::Header { name: name.to_owned() }), "{name}");
        }
        for value in ["a\r\nX-Evil: 1", "ü", &"x".repeat(257)] {
            assert_eq!(with("Accept", value), Err(Refusal::HeaderValue { name: "Accept".to_owned() }));
        }
    }

    #[test]
    fn some_addresses_are_never_asked() {
        for address in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            assert!(is_forbidden(address.parse().expect("address")), "{address}");
        }
        for address in ["10.0.0.1", "192.168.1.1", "203.0.113.9", "fd12::1"] {
            assert!(!is_forbidden(address.parse().expect("address")), "{address}");
        }
    }
}
