//! What the stand-in for the controller's Lua knows of a world.

use std::fmt::Write as _;

use super::super::admission::Controller;
use super::super::servers::Server;
use super::super::upstreams::Upstreams;

fn quoted(text: &str) -> String {
    format!("[==[{text}]==]")
}

pub(super) fn world(controller: &Controller<'_>, upstreams: &Upstreams, servers: &[Server]) -> String {
    let mut text = String::from("return {\nupstreams = {\n");
    for (name, upstream) in upstreams {
        let Some(peer) = upstream.peers.first() else { continue };
        let _ = write!(text, "[ {} ] = {{ peer = {{ \"{}\", {} }},", quoted(name), peer.ip(), peer.port());
        if let Some(other) = upstream.alternatives.first() {
            let _ = write!(text, " alternative = {},", quoted(other));
        }
        if let Some(policy) = &upstream.policy {
            let _ = write!(
                text,
                " policy = {{ weight = {}, total = {}, header = {}, value = {}, pattern = {}, cookie = {} }},",
                policy.weight,
                policy.total,
                quoted(&policy.header),
                quoted(&policy.value),
                quoted(&policy.pattern),
                quoted(&policy.cookie),
            );
        }
        text.push_str(" },\n");
    }
    text.push_str("},\ncertificates = {\n");
    for server in servers.iter().filter(|server| server.certificate) {
        let _ = writeln!(text, "[ {} ] = true,", quoted(&server.host));
    }
    let forwarded = controller.config_switch("use-forwarded-headers", false);
    let code = controller.cluster.config("http-redirect-code").and_then(|code| code.parse().ok());
    let code: u16 = code.filter(|code| [301, 302, 307, 308].contains(code)).unwrap_or(308);
    let _ = writeln!(text, "}},\nforwarded = {forwarded},\ncode = {code},\n}}");
    text
}
