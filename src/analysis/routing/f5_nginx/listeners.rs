//! Who answers on which port.
//!
//! A host is served on the ports of its Ingress, by default 80, and 443 where it has TLS. The default
//! server has the default ports and answers for every host that nobody serves there; on any other
//! port the first server of the files does. A request's own port counts only where somebody listens on
//! it: else it is the port of something in front.
//! Sources: nginx/kubernetes-ingress `internal/configs/version1/{nginx,nginx.ingress}.tmpl`, 5.5; nginx
//! 1.27 `src/http/ngx_http.c` (`ngx_http_add_addresses`).

use std::collections::BTreeMap;

use crate::analysis::routing::nginx::server_name::Names;
use crate::model::request::{Request, Scheme};

use super::global::Global;
use super::site::Site;

/// Who takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taker {
    Site(usize),
    Default,
}

#[derive(Debug, Default)]
pub(super) struct Listeners {
    plain: BTreeMap<u32, Listener>,
    tls: BTreeMap<u32, Listener>,
    /// The site of rules without a host.
    hostless: Option<usize>,
    http_port: u32,
    https_port: u32,
}

#[derive(Debug, Default)]
struct Listener {
    names: Names,
    first: usize,
}

impl Listeners {
    /// Adds a site; fails with what nginx says of its name.
    pub(super) fn add(&mut self, site: &Site, global: &Global, number: usize) -> Result<(), String> {
        (self.http_port, self.https_port) = (global.http_port, global.https_port);
        if site.host.is_empty() {
            self.hostless = Some(number);
            return Ok(());
        }
        let plain = if site.grpc_only { &[][..] } else { &site.ports };
        let tls = if site.tls.is_some() { &site.ssl_ports[..] } else { &[] };
        for (map, ports) in [(&mut self.plain, plain), (&mut self.tls, tls)] {
            for port in ports {
                let new = || Listener { names: Names::default(), first: number };
                map.entry(*port).or_insert_with(new).names.add(&site.host, number)?;
            }
        }
        Ok(())
    }

    /// The port of nginx that a request comes in on.
    pub(super) fn port(&self, request: &Request) -> u32 {
        let (listeners, default) = match request.scheme {
            Scheme::Http => (&self.plain, self.http_port),
            Scheme::Https => (&self.tls, self.https_port),
        };
        let asked = u32::from(request.effective_port());
        if listeners.contains_key(&asked) { asked } else { default }
    }

    pub(super) fn find(&self, request: &Request) -> Taker {
        let port = self.port(request);
        let (listeners, default) = match request.scheme {
            Scheme::Http => (&self.plain, self.http_port),
            Scheme::Https => (&self.tls, self.https_port),
        };
        let listener = listeners.get(&port);
        if let Some(site) = listener.and_then(|listener| listener.names.find(request.host.as_str())) {
            return Taker::Site(site);
        }
        let other = listener.filter(|_| port != default).map(|listener| listener.first);
        other.or(self.hostless).map_or(Taker::Default, Taker::Site)
    }
}
