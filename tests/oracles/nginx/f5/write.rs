//! The files: upstreams and servers, after the default server.

use std::fmt::Write as _;

use super::super::objects::{Backend, Cluster, Ingress, Port, Tls};
use super::super::{Place, Written};
use super::valid::rewrites;
use super::{Role, boolean, owners, role};

/// Where nothing listens: what stands in for the pods of a Service that has none.
const NOBODY: &str = "127.0.0.1:8181";

pub(super) fn write(cluster: &Cluster<'_>, place: &Place, loaded: &[&Ingress]) -> Written {
    place.write("users", "u:{PLAIN}p\n");
    let mut file = File { cluster, place, loaded, upstreams: String::new(), count: 0 };
    let mut sorted = loaded.to_vec();
    sorted.sort_by_key(|ingress| format!("{}-{}.conf", ingress.namespace, ingress.name));
    let mut servers = String::new();
    let mut hostless = false;
    for ingress in sorted {
        for (at, rule) in ingress.rules.iter().enumerate() {
            if owners::owns(loaded, ingress, &rule.host) {
                hostless |= rule.host.is_empty();
                servers.push_str(&file.server(ingress, at));
            }
        }
    }
    if !hostless {
        servers.insert_str(0, &file.default_server());
    }
    let http = format!(
        "proxy_http_version 1.1;\nproxy_set_header Host $host;\nproxy_next_upstream off;\n{}{servers}",
        file.upstreams
    );
    Written { main: String::new(), http }
}

struct File<'w> {
    cluster: &'w Cluster<'w>,
    place: &'w Place,
    loaded: &'w [&'w Ingress],
    upstreams: String,
    /// Upstreams so far.
    count: usize,
}

impl File<'_> {
    fn default_return(&self) -> &str {
        self.cluster.config("default-server-return").unwrap_or("404")
    }

    fn default_certificate(&self) -> &'static str {
        if self.cluster.argument("default-server-tls-secret").is_some() {
            ""
        } else {
            "ssl_reject_handshake on;\n"
        }
    }

    fn default_server(&self) -> String {
        let address = self.place.address;
        let mut text = format!(
            "server {{\nlisten {address}:80 default_server;\nlisten {address}:443 ssl default_server;\n\
             server_name _;\n{}",
            self.default_certificate(),
        );
        if self.cluster.argument("health-status") == Some("true") {
            let path = self.cluster.argument("health-status-uri").unwrap_or("/nginx-health");
            let _ = writeln!(text, "location {path} {{ return 200 \"healthy\"; }}");
        }
        let _ = writeln!(text, "location / {{ return {}; }}\n}}", self.default_return());
        text
    }

    fn server(&mut self, ingress: &Ingress, at: usize) -> String {
        let host = ingress.rules[at].host.as_str();
        let options = Options { cluster: self.cluster, ingress };
        let address = self.place.address;
        let tls = ingress.tls.iter().find(|tls| tls.hosts.iter().any(|name| name == host));
        let has_tls = tls.is_some() || host.is_empty();
        let mut text = "server {\n".to_owned();
        let (ports, ssl_ports) = (
            options.ports("nginx.org/listen-ports", "80"),
            options.ports("nginx.org/listen-ports-ssl", "443"),
        );
        if host.is_empty() {
            let _ = writeln!(
                text,
                "listen {address}:80 default_server;\nlisten {address}:443 ssl default_server;"
            );
            text.push_str("server_name _;\n");
            text.push_str(self.default_certificate());
        } else {
            ports.iter().for_each(|port| _ = writeln!(text, "listen {address}:{port};"));
            let _ = writeln!(text, "server_name {host};");
        }
        if let (Some(tls), false) = (tls, host.is_empty()) {
            ssl_ports.iter().for_each(|port| _ = writeln!(text, "listen {address}:{port} ssl;"));
            if !self.has_certificate(ingress, tls) {
                text.push_str("ssl_reject_handshake on;\n");
            }
        }
        let code = options.code();
        let port = if host.is_empty() { "443" } else { ssl_ports[0] };
        if has_tls && options.ssl_redirect() {
            let _ =
                writeln!(text, "if ($scheme = http) {{ return {code} https://$host:{port}$request_uri; }}");
        }
        if options.redirects_to_https() {
            let _ = writeln!(
                text,
                "if ($http_x_forwarded_proto = 'http') {{ return {code} https://$host$request_uri; }}"
            );
        }
        text.push_str(&self.basic_auth(ingress));
        let snippets = ingress.annotation("nginx.org/server-snippets");
        text.push_str(snippets.or(self.cluster.config("server-snippets")).unwrap_or_default());
        if let Some(root) = ingress.annotation("nginx.org/app-root") {
            let _ = writeln!(text, "\nif ($uri = /) {{ return 302 $scheme://$http_host{root}; }}");
        }
        let has_root = self.locations(&mut text, ingress, at);
        if host.is_empty() && !has_root {
            let _ = writeln!(text, "location / {{ return {}; }}", self.default_return());
        }
        text.push_str("}\n");
        text
    }

    fn has_certificate(&self, ingress: &Ingress, tls: &Tls) -> bool {
        if tls.secret.is_empty() {
            return self.cluster.argument("wildcard-tls-secret").is_some();
        }
        self.cluster.has_secret(&ingress.namespace, &tls.secret)
    }

    fn basic_auth(&self, ingress: &Ingress) -> String {
        match ingress.annotation("nginx.org/basic-auth-secret") {
            Some(_) => {
                format!("auth_basic \"own\";\nauth_basic_user_file {};\n", self.place.file("users"))
            }
            None => String::new(),
        }
    }

    /// Whether `location /` is among them.
    fn locations(&mut self, text: &mut String, ingress: &Ingress, at: usize) -> bool {
        let mut has_root = false;
        if role(ingress) == Role::Master {
            for (minion, paths) in owners::minions(self.loaded, &ingress.rules[at].host) {
                for path in paths {
                    let written = path_of(&path.path, &path.kind);
                    has_root |= written == "/";
                    self.location(text, minion, Some(ingress), &written, path.backend.as_ref());
                }
            }
            return has_root;
        }
        for path in &ingress.rules[at].paths {
            let written = path_of(&path.path, &path.kind);
            has_root |= written == "/";
            self.location(text, ingress, None, &written, path.backend.as_ref());
        }
        if let (Some(backend), false) = (&ingress.default, has_root) {
            self.location(text, ingress, None, "/", Some(backend));
            has_root = true;
        }
        has_root && ingress.annotation("nginx.org/path-regex").is_none()
    }

    fn location(
        &mut self,
        text: &mut String,
        ingress: &Ingress,
        master: Option<&Ingress>,
        path: &str,
        backend: Option<&Backend>,
    ) {
        let Some(backend) = backend else { return };
        let own = ingress.annotation("nginx.org/path-regex");
        let _ = match own {
            Some("case_sensitive") => writeln!(text, "location ~ \"^{path}\" {{"),
            Some("case_insensitive") => writeln!(text, "location ~* \"^{path}\" {{"),
            Some("exact") => writeln!(text, "location = \"{path}\" {{"),
            _ => writeln!(text, "location {path} {{"),
        };
        let above = master.and_then(|master| master.annotation("nginx.org/path-regex"));
        let list = ingress.annotation("nginx.org/rewrites");
        if let (Some(target), None) = (ingress.annotation("nginx.org/rewrite-target"), list) {
            let _ = match own.or(above) {
                Some("case_sensitive") => writeln!(text, "rewrite ^{path} {target} break;"),
                Some("case_insensitive") => writeln!(text, "rewrite (?i)^{path} {target} break;"),
                _ => writeln!(text, "rewrite {path} {target} break;"),
            };
        }
        let snippet = |one: &Ingress| one.annotation("nginx.org/location-snippets").map(ToOwned::to_owned);
        let snippet = snippet(ingress).or_else(|| snippet(master?));
        text.push_str(snippet.as_deref().or(self.cluster.config("location-snippets")).unwrap_or_default());
        text.push('\n');
        if master.is_some() {
            text.push_str(&self.basic_auth(ingress));
        }
        let all = list.and_then(rewrites).unwrap_or_default();
        let rewrite = all.iter().rev().find(|(service, _)| *service == backend.service);
        let upstream = self.upstream(ingress, backend);
        let _ = writeln!(text, "proxy_pass http://{upstream}{};\n}}", rewrite.map_or("", |(_, path)| path));
    }

    /// A port by number also is one without a name.
    fn upstream(&mut self, ingress: &Ingress, backend: &Backend) -> String {
        let ports = self.cluster.service(&ingress.namespace, &backend.service).unwrap_or_default();
        let port = ports.iter().find(|port| match &backend.port {
            Port::Number(number) => port.number == *number,
            Port::Name(name) => port.name == *name,
        });
        let pods = port.map(|port| port.pods.clone()).unwrap_or_default();
        let servers: Vec<String> = pods.iter().map(|pod| format!("server {pod};")).collect();
        let servers = if servers.is_empty() { format!("server {NOBODY};") } else { servers.join(" ") };
        self.count += 1;
        let name = format!("up-{}", self.count);
        let _ = writeln!(self.upstreams, "upstream {name} {{ {servers} }}");
        name
    }
}

/// A path as the template gets it.
fn path_of(path: &str, kind: &str) -> String {
    let path = if path.is_empty() { "/" } else { path };
    if kind == "Exact" { format!("= {path}") } else { path.to_owned() }
}

/// What the annotations and the ConfigMap say of a server.
struct Options<'w> {
    cluster: &'w Cluster<'w>,
    ingress: &'w Ingress,
}

impl<'w> Options<'w> {
    fn switch(&self, keys: &[&str], config: &str, usual: bool) -> bool {
        let own = keys.iter().find_map(|key| self.ingress.annotation(key).and_then(boolean));
        own.or_else(|| self.cluster.config(config).and_then(boolean)).unwrap_or(usual)
    }

    fn ssl_redirect(&self) -> bool {
        self.switch(&["nginx.org/ssl-redirect", "ingress.kubernetes.io/ssl-redirect"], "ssl-redirect", true)
    }

    fn redirects_to_https(&self) -> bool {
        self.switch(&["nginx.org/redirect-to-https"], "redirect-to-https", false)
    }

    fn code(&self) -> &'w str {
        let global = self.cluster.config("http-redirect-code");
        let global = global.filter(|code| ["301", "302", "307", "308"].contains(code));
        self.ingress.annotation("nginx.org/http-redirect-code").or(global).unwrap_or("301")
    }

    fn ports(&self, key: &str, usual: &'w str) -> Vec<&'w str> {
        self.ingress.annotation(key).unwrap_or(usual).split(',').collect()
    }
}
