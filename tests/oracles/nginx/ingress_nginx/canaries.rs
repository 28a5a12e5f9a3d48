//! Canaries hang on the upstream of a location with the same host, path and type.

use super::super::objects::Ingress;
use super::admission::Controller;
use super::servers::{CATCH_ALL, Location, Server};
use super::upstreams::{DEFAULT, Upstreams, name};

pub(super) fn merge(controller: &Controller<'_>, upstreams: &mut Upstreams, servers: &[Server]) {
    let is_canary = |ingress: &&&Ingress| controller.switch(ingress, "canary") == Some(true);
    if controller.loaded.iter().all(|ingress| is_canary(&ingress)) {
        return;
    }
    for ingress in controller.loaded.iter().filter(is_canary) {
        if let Some(backend) = &ingress.default {
            merge_one(&name(&ingress.namespace, backend), CATCH_ALL, |_| true, upstreams, servers);
        }
        for rule in &ingress.rules {
            let host = if rule.host.is_empty() { CATCH_ALL } else { &rule.host };
            for path in &rule.paths {
                let Some(backend) = &path.backend else { continue };
                let text = if path.path.is_empty() { "/" } else { &path.path };
                let is_there =
                    |location: &Location| location.path == text && location.exact == (path.kind == "Exact");
                merge_one(&name(&ingress.namespace, backend), host, is_there, upstreams, servers);
            }
        }
    }
}

fn merge_one(
    alternative: &str,
    host: &str,
    is_there: impl Fn(&Location) -> bool,
    upstreams: &mut Upstreams,
    servers: &[Server],
) {
    let server = servers.iter().find(|server| server.host == host);
    let (Some(server), true) = (server, upstreams.contains_key(alternative)) else { return };
    let mut merged = false;
    for location in &server.locations {
        if location.upstream == alternative {
            return;
        }
        let Some(main) = upstreams.get_mut(&location.upstream) else { continue };
        if location.upstream != DEFAULT && !main.no_server && is_there(location) {
            if !main.alternatives.iter().any(|known| known == alternative) {
                main.alternatives.push(alternative.to_owned());
            }
            merged = true;
        }
    }
    if !merged {
        upstreams.remove(alternative);
    }
}
