//! Servers and their locations, as the Ingresses make them.

use super::super::objects::Ingress;
use super::admission::Controller;
use super::upstreams::{DEFAULT, Upstreams, name};

/// The server of every host that nobody has.
pub(super) const CATCH_ALL: &str = "_";

#[derive(Debug, Clone)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) exact: bool,
    /// Made for the host, not for a path.
    pub(super) is_default: bool,
    pub(super) upstream: String,
    /// The upstream that answers errors.
    pub(super) errors_to: String,
    /// The Ingress whose annotations count.
    pub(super) owner: Option<usize>,
    /// Redirects and rewrites do not count.
    pub(super) bare: bool,
    // What of the annotations decides how the whole server is written.
    pub(super) regex: bool,
    pub(super) rewrite: String,
}

impl Location {
    /// Whether the path that is written now is rewritten.
    pub(super) fn is_rewritten(&self) -> bool {
        !self.rewrite.is_empty() && self.rewrite != self.path
    }
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) aliases: Vec<String>,
    pub(super) snippet: Option<String>,
    pub(super) certificate: bool,
    pub(super) www: bool,
    /// Clients should bring certificates, and nobody knows whose.
    pub(super) lacks_authority: bool,
    pub(super) locations: Vec<Location>,
}

fn host_of(host: &str) -> &str {
    if host.is_empty() { CATCH_ALL } else { host }
}

pub(super) fn of(controller: &Controller<'_>, upstreams: &Upstreams) -> Vec<Server> {
    let mut servers = vec![Server {
        host: CATCH_ALL.to_owned(),
        aliases: Vec::new(),
        snippet: None,
        certificate: false,
        www: false,
        lacks_authority: false,
        locations: vec![Location {
            path: "/".to_owned(),
            exact: false,
            is_default: true,
            upstream: DEFAULT.to_owned(),
            errors_to: DEFAULT.to_owned(),
            owner: None,
            bare: true,
            regex: false,
            rewrite: String::new(),
        }],
    }];
    let is_main = |ingress: &Ingress| controller.switch(ingress, "canary") != Some(true);
    let main = || controller.loaded.iter().enumerate().filter(|(_, ingress)| is_main(ingress));
    for (number, ingress) in main() {
        create(controller, number, ingress, &mut servers);
    }
    for (_, ingress) in main() {
        equip(controller, ingress, &mut servers);
    }
    let hosts: Vec<String> = servers.iter().map(|server| server.host.clone()).collect();
    for server in &mut servers {
        server.aliases.retain(|alias| !hosts.contains(alias));
        server.aliases.sort();
        server.aliases.dedup();
    }
    for (number, ingress) in controller.loaded.iter().enumerate() {
        fill(controller, number, ingress, upstreams, &mut servers);
    }
    servers
}

fn location(controller: &Controller<'_>, number: usize, ingress: &Ingress) -> Location {
    Location {
        path: "/".to_owned(),
        exact: false,
        is_default: false,
        upstream: DEFAULT.to_owned(),
        errors_to: DEFAULT.to_owned(),
        owner: Some(number),
        bare: false,
        regex: controller.switch(ingress, "use-regex") == Some(true),
        rewrite: controller.text(ingress, "rewrite-target").unwrap_or_default().to_owned(),
    }
}

/// Every host that is new gets a server, and `/` to the Ingress' default backend or to nobody.
fn create(controller: &Controller<'_>, number: usize, ingress: &Ingress, servers: &mut Vec<Server>) {
    let default = ingress.default.as_ref().map(|backend| name(&ingress.namespace, backend));
    if let (Some(default), true) = (&default, ingress.rules.is_empty()) {
        let root = &mut servers[0].locations[0];
        if root.is_default {
            let upstream = default.clone();
            let plain = root.clone();
            *root = Location {
                is_default: false,
                upstream,
                bare: true,
                regex: plain.regex,
                rewrite: plain.rewrite,
                ..location(controller, number, ingress)
            };
        }
    }
    for rule in &ingress.rules {
        let host = host_of(&rule.host);
        if servers.iter().any(|server| server.host == host) {
            continue;
        }
        let upstream = default.clone().unwrap_or_else(|| DEFAULT.to_owned());
        let root = Location { is_default: true, upstream, ..location(controller, number, ingress) };
        servers.push(Server {
            host: host.to_owned(),
            aliases: Vec::new(),
            snippet: None,
            certificate: false,
            www: false,
            lacks_authority: false,
            locations: vec![root],
        });
    }
}

/// The first Ingress of a host to have aliases, a snippet, a certificate brings them.
fn equip(controller: &Controller<'_>, ingress: &Ingress, servers: &mut [Server]) {
    for rule in &ingress.rules {
        let server = servers.iter_mut().find(|server| server.host == host_of(&rule.host));
        let Some(server) = server else { continue };
        if server.aliases.is_empty() {
            let aliases = controller.text(ingress, "server-alias").unwrap_or_default();
            let aliases = aliases.split(',').map(str::trim).filter(|alias| !alias.is_empty());
            server.aliases = aliases.map(ToOwned::to_owned).collect();
        }
        if server.snippet.is_none() && controller.has_snippets() {
            server.snippet = controller.text(ingress, "server-snippet").map(ToOwned::to_owned);
        }
        server.certificate |= server.host != CATCH_ALL && !ingress.tls.is_empty();
    }
}

/// The paths; only the first location of the same path is looked at.
fn fill(
    controller: &Controller<'_>,
    number: usize,
    ingress: &Ingress,
    upstreams: &Upstreams,
    servers: &mut [Server],
) {
    let www = controller.switch(ingress, "from-to-www-redirect") == Some(true)
        && !redirects_are_void(controller, ingress);
    for rule in &ingress.rules {
        let at = servers.iter().position(|server| server.host == host_of(&rule.host)).unwrap_or(0);
        let server = &mut servers[at];
        server.lacks_authority |=
            (!rule.paths.is_empty() || rule.host.is_empty()) && controller.lacks_authority(ingress);
        for path in &rule.paths {
            let Some(backend) = &path.backend else { continue };
            let upstream = name(&ingress.namespace, backend);
            if upstreams[&upstream].no_server {
                continue;
            }
            let made = Location {
                path: if path.path.is_empty() { "/".to_owned() } else { path.path.clone() },
                exact: path.kind == "Exact",
                upstream,
                ..location(controller, number, ingress)
            };
            match server.locations.iter_mut().find(|known| known.path == made.path) {
                Some(known) if known.exact == made.exact && known.is_default => *known = made,
                Some(known) if known.exact == made.exact => continue,
                _ => server.locations.push(made),
            }
            server.www |= www;
        }
    }
}

/// A temporal redirect that is no URL makes the whole group void.
fn redirects_are_void(controller: &Controller<'_>, ingress: &Ingress) -> bool {
    controller.is_set(ingress, "temporal-redirect") && controller.text(ingress, "temporal-redirect").is_none()
}
