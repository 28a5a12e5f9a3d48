//! Which proxy, if any, stands between this program and the API server.
//!
//! The rules are those of Go's `net/http` environment proxies, because they are what `kubectl` does and
//! users have set their variables for it: `HTTPS_PROXY` for https servers and `HTTP_PROXY` for http
//! ones, upper case before lower case; never for loopback; `NO_PROXY` is a list of names (with their
//! subdomains), `.suffix`, `*.suffix`, addresses, CIDR ranges and `*`, each with an optional port; empty
//! elements mean nothing. A `proxy-url` in the kubeconfig is not subject to `NO_PROXY`.
//!
//! kube 5.0's own reading is not used: it compares `NO_PROXY` with the proxy's address instead of the
//! server's, has no exception for loopback, and fails on an empty element.
//!
//! Source: golang.org/x/net/http/httpproxy/proxy.go.

use std::net::IpAddr;

use http::Uri;

/// What the environment says about proxies.
#[derive(Debug, Clone, Default)]
pub(super) struct ProxyVariables {
    pub https: Option<String>,
    pub http: Option<String>,
    pub no_proxy: Option<String>,
}

impl ProxyVariables {
    pub(super) fn read() -> Self {
        let first = |names: [&str; 2]| {
            names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()))
        };
        Self {
            https: first(["HTTPS_PROXY", "https_proxy"]),
            http: first(["HTTP_PROXY", "http_proxy"]),
            no_proxy: first(["NO_PROXY", "no_proxy"]),
        }
    }

    /// The proxy for this server; the text is returned when it is not the address of one.
    pub(super) fn proxy_for(&self, server: &Uri) -> Result<Option<Uri>, String> {
        let is_https = server.scheme_str() == Some("https");
        let Some(proxy) = (if is_https { self.https.as_deref() } else { self.http.as_deref() }) else {
            return Ok(None);
        };
        let host = server.host().unwrap_or_default();
        let port = server.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        if bypasses(self.no_proxy.as_deref().unwrap_or_default(), host, port) {
            return Ok(None);
        }
        parse(proxy).map(Some)
    }
}

/// Reads a proxy's address; one without a scheme is an http proxy.
pub(super) fn parse(text: &str) -> Result<Uri, String> {
    let text = text.trim();
    let absolute = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    // `socks5h` only says who resolves names; the client has one kind.
    let absolute = absolute.replacen("socks5h://", "socks5://", 1);
    match absolute.parse::<Uri>() {
        Ok(uri) if uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https" | "socks5")) => {
            Ok(uri)
        }
        Ok(_) | Err(_) => Err(without_user(text)),
    }
}

/// The text without the credentials a proxy's address may carry.
fn without_user(text: &str) -> String {
    text.rsplit('@').next().unwrap_or_default().chars().take(100).collect()
}

/// Whether a server is reached without a proxy.
fn bypasses(no_proxy: &str, host: &str, port: u16) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok().map(canonical);
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    no_proxy
        .split(',')
        .map(|element| element.trim().to_ascii_lowercase())
        .filter(|element| !element.is_empty())
        .any(|element| element_matches(&element, &host, address, port))
}

fn element_matches(element: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if element == "*" {
        return true;
    }
    if let Some((network, bits)) = element.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>())
    {
        return address.is_some_and(|address| in_network(address, network, bits));
    }
    let (name, wanted_port) = split_port(element);
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Ok(wanted) = name.parse::<IpAddr>() {
        return address == Some(canonical(wanted));
    }
    let suffix = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
    match suffix {
        Some(suffix) => is_below(host, suffix),
        None => host == name || is_below(host, name),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    !domain.is_empty() && host.strip_suffix(domain).is_some_and(|left| left.ends_with('.'))
}

/// `name:port`, `[v6]:port`, or a bare name or address.
fn split_port(element: &str) -> (&str, Option<u16>) {
    if let Some(rest) = element.strip_prefix('[')
        && let Some((inside, after)) = rest.split_once(']')
    {
        return (inside, after.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match element.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (element, None),
        },
        Some(_) | None => (element, None),
    }
}

fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, canonical(network)) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            bits <= 32 && mask(u128::from(address.to_bits()) ^ u128::from(network.to_bits()), 32, bits)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            bits <= 128 && mask(address.to_bits() ^ network.to_bits(), 128, bits)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Whether the first `bits` of `width` differing bits are zero.
fn mask(difference: u128, width: u32, bits: u32) -> bool {
    difference.checked_shr(width - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(no_proxy: &str, server: &str, direct: bool) {
        let variables = ProxyVariables {
            https: Some("http://proxy.corp:3128".to_owned()),
            http: None,
            no_proxy: Some(no_proxy.to_owned()),
        };
        let proxy = variables.proxy_for(&server.parse().expect("server")).expect("proxy");
        assert_eq!(proxy.is_none(), direct, "NO_PROXY={no_proxy:?} server={server}");
    }

    #[test]
    fn the_servers_own_address_decides() {
        check("10.0.0.0/8", "https://10.1.2.3:6443", true);
        check("10.0.0.0/8", "https://11.1.2.3:6443", false);
        check("10.1.2.3", "https://10.1.2.3:6443", true);
        check("10.1.2.3:6443", "https://10.1.2.3:6443", true);
        check("10.1.2.3:443", "https://10.1.2.3:6443", false);
        check("0.0.0.0/0", "https://192.0.2.1", true);
        check("10.0.0.0/33", "https://10.1.2.3:6443", false);
        check("fd00::/8", "https://[fd12::1]:6443", true);
        check("fd00::/8", "https://[2001:db8::1]:6443", false);
        check("[fd12::1]:6443", "https://[fd12::1]:6443", true);
        check("2001:db8::1", "https://[2001:db8::1]", true);
        check("proxy.corp", "https://10.1.2.3:6443", false);
    }

    #[test]
    fn names_match_themselves_and_what_is_below() {
        check("corp.example", "https://corp.example", true);
        check("corp.example", "https://api.corp.example:6443", true);
        check("corp.example", "https://notcorp.example", false);
        check(".corp.example", "https://api.corp.example", true);
        check(".corp.example", "https://corp.example", false);
        check("*.corp.example", "https://a.b.corp.example", true);
        check("Corp.Example", "https://API.corp.example.", true);
        check("api.corp.example:8443", "https://api.corp.example:6443", false);
    }

    #[test]
    fn loopback_never_goes_through_a_proxy() {
        for server in
            ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443", "https://127.8.9.1"]
        {
            check("", server, true);
        }
    }

    #[test]
    fn empty_elements_and_spaces_mean_nothing() {
        check("a.example,,b.example", "https://c.example", false);
        check(" , ,", "https://c.example", false);
        check(" a.example , c.example ", "https://c.example", true);
        check("*", "https://c.example", true);
    }

    #[test]
    fn the_scheme_chooses_the_variable() {
        let variables = ProxyVariables {
            https: Some("secure.corp:3128".to_owned()),
            http: Some("socks5h://plain.corp:1080".to_owned()),
            no_proxy: None,
        };
        let proxy = |server: &str| variables.proxy_for(&server.parse().expect("server")).expect("proxy");
        assert_eq!(proxy("https://a.example").expect("proxy").to_string(), "http://secure.corp:3128/");
        assert_eq!(proxy("http://a.example").expect("proxy").to_string(), "socks5://plain.corp:1080/");
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_password() {
        assert_eq!(parse("ftp://me:hunter2@proxy.corp"), Err("proxy.corp".to_owned()));
    }
}
