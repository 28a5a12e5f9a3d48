//! What ingress-nginx 1.15.1 writes: admission, upstreams, servers, canaries, then the file.
//!
//! Written from the description of the controller, step by step. Its Lua is replaced by `balance.lua`,
//! which does what routing sees of it: redirects to https, who is behind a location, canaries.

mod admission;
mod canaries;
mod locations;
mod servers;
mod upstreams;
mod write;

use super::objects::Cluster;
use super::{Place, Written};
use admission::Controller;

/// The modules that the stand-in for its Lua needs.
pub(super) const MODULES: &[&str] =
    &["/usr/lib/nginx/modules/ndk_http_module.so", "/usr/lib/nginx/modules/ngx_http_lua_module.so"];

/// Writes a world down.
pub(super) fn write(cluster: &Cluster<'_>, place: &Place) -> Written {
    let controller = Controller::of(cluster);
    let mut upstreams = upstreams::of(&controller, (place.address, upstreams::OWN_PORT).into());
    let mut servers = servers::of(&controller, &upstreams);
    canaries::merge(&controller, &mut upstreams, &servers);
    upstreams::put_default_backends(&controller, &mut upstreams, &mut servers);
    for server in &mut servers {
        server.locations = locations::expanded(std::mem::take(&mut server.locations));
    }
    servers.sort_by(|one, other| one.host.cmp(&other.host));
    write::write(&controller, place, &upstreams, &servers)
}
