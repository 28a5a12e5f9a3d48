//! The file: what stands in `http`, one `server` a host, and its locations in the order of the template.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::super::{Place, Written};
use super::MODULES;
use super::admission::Controller;
use super::servers::{CATCH_ALL, Location, Server};
use super::upstreams::{DEFAULT, OWN_PORT, Upstreams};

mod actions;
mod lua;

use actions::Actions;

/// The user that basic authentication lets in: `u` with the password `p`.
const USERS: &str = "u:{PLAIN}p\n";

pub(super) fn write(
    controller: &Controller<'_>,
    place: &Place,
    upstreams: &Upstreams,
    servers: &[Server],
) -> Written {
    let own = SocketAddr::from((place.address, OWN_PORT));
    place.write("world.lua", &lua::world(controller, upstreams, servers));
    place.write("balance.lua", include_str!("balance.lua"));
    place.write("users", USERS);
    let main = MODULES.iter().map(|module| format!("load_module {module};\n")).collect();
    let writer = File { controller, place };
    let mut http = format!(
        "lua_package_path \"{}/?.lua;;\";\ninit_by_lua_block {{ balance = require \"balance\" }}\n\
         upstream upstream_balancer {{ server 0.0.0.1; balancer_by_lua_block {{ balance.balance() }} }}\n\
         server {{ listen {own}; location / {{ return 404; }} }}\n\
         proxy_http_version 1.1;\nproxy_set_header Host $http_host;\nproxy_redirect off;\n\
         proxy_next_upstream off;\n",
        place.folder.display(),
    );
    http.push_str(&writer.blocks());
    if controller.cluster.config("custom-http-errors").is_some() {
        http.push_str("proxy_intercept_errors on;\n");
    }
    writer.errors(&mut http, controller.cluster.config("custom-http-errors"), DEFAULT);
    if controller.config_switch("relative-redirects", false) {
        http.push_str("absolute_redirect off;\n");
    }
    http.push_str(&writer.redirect_servers(servers));
    servers.iter().for_each(|server| http.push_str(&writer.server(server)));
    Written { main, http }
}

struct File<'w> {
    controller: &'w Controller<'w>,
    place: &'w Place,
}

impl File<'_> {
    /// What bars whole clients.
    fn blocks(&self) -> String {
        let mut text = String::new();
        for (key, variable, of) in [
            ("block-user-agents", "block_ua", "http_user_agent"),
            ("block-referers", "block_ref", "http_referer"),
        ] {
            let _ = writeln!(text, "map ${of} ${variable} {{ default 0;");
            for entry in self.controller.config_list(key) {
                let _ = writeln!(text, "\"{entry}\" 1;");
            }
            text.push_str("}\n");
        }
        text
    }

    fn barred(&self) -> String {
        "if ($block_ua) { return 403; }\nif ($block_ref) { return 403; }\n".to_owned()
    }

    /// `error_page` for each code of a list.
    fn errors(&self, text: &mut String, codes: Option<&str>, upstream: &str) {
        for code in codes.into_iter().flat_map(|codes| codes.split(',')) {
            let _ = writeln!(text, "error_page {0} = @custom_{upstream}_{0};", code.trim());
        }
    }

    fn listen(&self, default: bool) -> String {
        let default = if default { " default_server" } else { "" };
        let address = self.place.address;
        format!("listen {address}:80{default};\nlisten {address}:443 ssl{default};\n")
    }

    /// Servers of nothing but a redirect between a name with `www.` and the one without.
    fn redirect_servers(&self, servers: &[Server]) -> String {
        let mut text = String::new();
        for server in servers.iter().filter(|server| server.www) {
            let to = &server.host;
            let from = to.strip_prefix("www.").map_or_else(|| format!("www.{to}"), ToOwned::to_owned);
            if servers.iter().any(|other| other.host == from) {
                continue;
            }
            let code = self.code();
            let _ = writeln!(
                text,
                "server {{\nserver_name {from};\n{}{}set_by_lua_block $redirect_to {{\n\
                 local uri = ngx.var.request_uri\n\
                 if uri:sub(-1) == \"/\" then uri = uri:sub(1, -2) end\n\
                 return balance.to(\"{to}\") .. uri\n}}\n\
                 return {code} $redirect_to;\n}}",
                self.listen(false),
                self.barred(),
            );
        }
        text
    }

    /// The status of redirects to https.
    fn code(&self) -> u16 {
        let code = self.controller.cluster.config("http-redirect-code").and_then(|code| code.parse().ok());
        code.filter(|code| [301, 302, 307, 308].contains(code)).unwrap_or(308)
    }

    fn server(&self, server: &Server) -> String {
        let catch_all = server.host == CATCH_ALL;
        let name = match server.host.strip_prefix("*.") {
            Some(parent) => format!("~^(?<subdomain>[\\w-]+)\\.{}$", parent.replace('.', "\\.")),
            None => server.host.clone(),
        };
        let mut text = format!(
            "server {{\nserver_name {name} {};\n{}{}set $proxy_upstream_name \"-\";\n",
            server.aliases.join(" "),
            self.listen(catch_all),
            self.barred(),
        );
        if catch_all && self.controller.config_switch("ssl-reject-handshake", false) {
            text.push_str("ssl_reject_handshake on;\n");
        }
        if server.lacks_authority {
            text.push_str("return 403;\n}\n");
            return text;
        }
        if let Some(snippet) = &server.snippet {
            text.push_str(snippet);
            text.push('\n');
        }
        let regex = server.locations.iter().any(|location| location.regex || location.is_rewritten());
        for location in &server.locations {
            self.location(&mut text, location, regex);
        }
        self.error_locations(&mut text, server);
        if catch_all {
            let health = self.controller.cluster.argument("health-check-path").unwrap_or("/healthz");
            let _ = writeln!(text, "location {health} {{ return 200; }}");
            text.push_str("location /nginx_status { deny all; return 403; }\n");
        }
        text.push_str(self.controller.cluster.config("server-snippet").unwrap_or_default());
        text.push_str("\n}\n");
        text
    }

    fn location(&self, text: &mut String, location: &Location, regex: bool) {
        let actions = Actions::of(self.controller, location);
        let path = &location.path;
        if let Some(root) = &actions.app_root {
            let _ = writeln!(text, "if ($uri = /) {{ return 302 $scheme://$http_host{root}; }}");
        }
        let auth = format!("/_external-auth-{}-{}", text.len(), u8::from(location.exact));
        if let Some(url) = &actions.auth_url {
            let _ = writeln!(
                text,
                "location = {auth} {{ internal; proxy_pass_request_body off; \
                 proxy_set_header Content-Length \"\"; proxy_pass {url}; }}"
            );
        }
        let _ = match (regex, location.exact) {
            (true, _) => writeln!(text, "location ~* \"^{path}\" {{"),
            (false, true) => writeln!(text, "location = \"{path}\" {{"),
            (false, false) => writeln!(text, "location \"{path}\" {{"),
        };
        let _ = writeln!(text, "set $proxy_upstream_name \"{}\";", location.upstream);
        let _ = writeln!(text, "rewrite_by_lua_block {{ balance.rewrite({}) }}", actions.lua());
        let _ = writeln!(text, "port_in_redirect {};", if actions.port { "on" } else { "off" });
        if actions.denied {
            text.push_str("return 503;\n}\n");
            return;
        }
        self.allowed(text, location, &actions, actions.auth_url.is_some().then_some(&auth));
        text.push_str("}\n");
    }

    /// What stands in a location that is not denied.
    fn allowed(&self, text: &mut String, location: &Location, actions: &Actions, auth: Option<&String>) {
        actions.deny.iter().for_each(|network| _ = writeln!(text, "deny {network};"));
        actions.allow.iter().for_each(|network| _ = writeln!(text, "allow {network};"));
        if !actions.allow.is_empty() {
            text.push_str("deny all;\n");
        }
        if let Some(auth) = auth {
            let _ = writeln!(text, "auth_request {auth};");
        }
        if actions.basic {
            let users = self.place.file("users");
            let _ = writeln!(text, "auth_basic \"own\";\nauth_basic_user_file {users};");
        }
        if actions.relative {
            text.push_str("absolute_redirect off;\n");
        }
        if actions.errors.is_some() {
            text.push_str("proxy_intercept_errors on;\n");
        }
        self.errors(text, actions.errors.as_deref(), &location.errors_to);
        for snippet in [actions.snippet.as_deref(), self.controller.cluster.config("location-snippet")] {
            text.push_str(snippet.unwrap_or_default());
            text.push('\n');
        }
        if let Some((code, url)) = &actions.redirect {
            let _ = writeln!(text, "return {code} {url};");
        }
        if location.is_rewritten() {
            let _ = writeln!(text, "rewrite \"(?i){}\" {} break;", location.path, location.rewrite);
        }
        text.push_str("proxy_pass http://upstream_balancer;\n");
    }

    /// The named locations to which errors go.
    fn error_locations(&self, text: &mut String, server: &Server) {
        let controller = self.controller;
        let of = |location: &Location| {
            let ingress = controller.loaded[location.owner?];
            let codes = controller.text(ingress, "custom-http-errors")?;
            Some((codes.to_owned(), location.errors_to.clone()))
        };
        let global = controller.cluster.config("custom-http-errors");
        let global = global.map(|codes| (codes.to_owned(), DEFAULT.to_owned()));
        let mut all: Vec<(String, String)> = Vec::new();
        for (codes, upstream) in server.locations.iter().filter_map(of).chain(global) {
            all.extend(codes.split(',').map(|code| (code.trim().to_owned(), upstream.clone())));
        }
        all.sort();
        all.dedup();
        for (code, upstream) in all {
            let _ = writeln!(
                text,
                "location @custom_{upstream}_{code} {{ internal; proxy_intercept_errors off;\n\
                 set $proxy_upstream_name \"{upstream}\"; rewrite (.*) / break;\n\
                 proxy_pass http://upstream_balancer; }}"
            );
        }
    }
}
