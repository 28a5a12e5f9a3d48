//! What haproxytech/kubernetes-ingress 3.2 writes after a fresh start: map files in the order of their
//! text, frontends with one rule for each set of annotations, a backend for each Service port.

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::objects::{Objects, annotations, each, name, port, text};
use super::{Files, Place, local};
use crate::world::World;
use rules::Rule;

const CONTROLLER: &str = "haproxy.org/ingress-controller";
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";

pub(super) fn render(world: &World, place: &Place) -> Files {
    let objects = Objects(world);
    let mut written = Written::default();
    written.sections.insert(LOCAL.to_owned(), Section::default());
    for rule in rules::of(None, |key| objects.config(key)) {
        let conditional = rule.is_redirect();
        written.add(rule, conditional);
    }
    for ingress in objects.of("Ingress").filter(|ingress| is_adopted(objects, ingress)) {
        written.ingress(objects, ingress);
    }
    if written.default.is_none() {
        written.default = match objects.argument("--default-backend-service") {
            None => Some(LOCAL.to_owned()),
            Some(wanted) => {
                let (namespace, wanted) = wanted.split_once('/').unwrap_or_default();
                objects.service(namespace, wanted).map(|service| {
                    let first = each(service, "/spec/ports").next().expect("a port");
                    written.backend(objects, service, first, None)
                })
            }
        };
    }
    written.files(objects, place)
}

const LOCAL: &str = "haproxy-controller_svc_default-local-service_http";

/// A backend.
#[derive(Debug, Default)]
struct Section {
    servers: Vec<String>,
    tcp: bool,
}

/// What has been gathered from the Ingresses.
#[derive(Debug, Default)]
struct Written {
    sections: BTreeMap<String, Section>,
    maps: BTreeMap<&'static str, BTreeSet<String>>,
    rules: Vec<Rule>,
    conditional: BTreeSet<String>,
    /// Lines ahead of the maps.
    customs: Vec<String>,
    default: Option<String>,
    passthrough: bool,
}

impl Written {
    fn add(&mut self, rule: Rule, conditional: bool) {
        if conditional {
            self.conditional.insert(rule.id());
        }
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }

    fn ingress(&mut self, objects: Objects<'_>, ingress: &Value) {
        let (namespace, _) = name(ingress);
        let wanted = &ingress["spec"]["defaultBackend"]["service"];
        if let Some(service) = objects.service(namespace, text(wanted, "/name"))
            && let Some(port) = port(service, wanted)
        {
            self.default = Some(self.backend(objects, service, port, Some(ingress)));
        }
        let value = |key: &str| annotation(ingress, key).or_else(|| objects.config(key));
        let is_empty = each(ingress, "/spec/rules").all(|rule| each(rule, "/http/paths").next().is_none());
        if is_empty {
            return;
        }
        let passthrough = value("ssl-passthrough") == Some("true");
        self.passthrough |= passthrough;
        let mut ids: Vec<String> = Vec::new();
        for rule in rules::of(Some(ingress), value) {
            if !ids.contains(&rule.id()) {
                ids.push(rule.id());
            }
            self.add(rule, true);
        }
        // Of paths that differ in the number of the port alone, the last one is left.
        let mut paths: BTreeMap<[&str; 5], &Value> = BTreeMap::new();
        for rule in each(ingress, "/spec/rules") {
            for path in each(rule, "/http/paths") {
                let backend = &path["backend"]["service"];
                let key = [
                    text(rule, "/host"),
                    text(path, "/pathType"),
                    text(path, "/path"),
                    text(backend, "/name"),
                    text(backend, "/port/name"),
                ];
                paths.insert(key, path);
            }
        }
        for ([host, kind, path, ..], object) in paths {
            let wanted = &object["backend"]["service"];
            let Some(service) = objects.service(namespace, text(wanted, "/name")) else { continue };
            let Some(port) = port(service, wanted) else { continue };
            let section = self.backend(objects, service, port, Some(ingress));
            self.sections.entry(section.clone()).or_default().tcp |= passthrough;
            match annotation(service, "route-acl").filter(|acl| !acl.is_empty()) {
                Some(acl) => self.custom(host, kind, path, acl, &section),
                None => {
                    let value = std::iter::once(&section).chain(&ids).cloned().collect::<Vec<_>>().join(".");
                    self.rows(host, kind, path, &value, passthrough);
                }
            }
        }
    }

    fn rows(&mut self, host: &str, kind: &str, path: &str, value: &str, passthrough: bool) {
        if host.is_empty() && (path.is_empty() || passthrough) {
            return;
        }
        let host = host.strip_prefix('*').unwrap_or(host);
        let mut row = |map: &'static str, key: &str, value: &str| {
            self.maps.entry(map).or_default().insert(format!("{key}\t\t\t{value}\n"));
        };
        if passthrough {
            row("sni", host, value);
        }
        if !host.is_empty() {
            row("host", host, host);
        }
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        match (kind, path) {
            ("Exact", _) => row("path-exact", &format!("{host}{path}"), value),
            (_, "" | "/") => row("path-prefix", &format!("{host}/"), value),
            ("Prefix", _) => {
                row("path-prefix-exact", &format!("{host}{trimmed}"), value);
                row("path-prefix", &format!("{host}{trimmed}/"), value);
            }
            _ => {
                row("path-prefix-exact", &format!("{host}{trimmed}"), value);
                row("path-prefix", &format!("{host}{trimmed}"), value);
            }
        }
    }

    /// A path of a Service with a condition.
    fn custom(&mut self, host: &str, kind: &str, path: &str, acl: &str, section: &str) {
        let mut condition = match host.strip_prefix('*') {
            Some(suffix) => format!("{{ var(txn.host) -m end {suffix} }}"),
            None if host.is_empty() => String::new(),
            None => format!("{{ var(txn.host) -m str {host} }}"),
        };
        let trimmed = path.strip_suffix('/').unwrap_or(path);
        condition.push_str(&match (kind, path) {
            (_, "") => String::new(),
            ("Exact", _) => format!(" {{ path {path} }}"),
            (_, "/") => " { path -m beg / }".to_owned(),
            _ => format!(" {{ path -m reg ^{trimmed}($|/) }}"),
        });
        self.customs.insert(0, format!("  use_backend {section} if {condition} {{ {acl} }}\n"));
    }

    /// The backend of a Service port.
    fn backend(
        &mut self,
        objects: Objects<'_>,
        service: &Value,
        port: &Value,
        ingress: Option<&Value>,
    ) -> String {
        let (namespace, service_name) = name(service);
        let port_name = port["name"].as_str().map_or_else(|| port["port"].to_string(), ToOwned::to_owned);
        let on = |value: Option<&str>| value == Some("true");
        let alone = on(annotation(service, "standalone-backend"))
            || on(objects.config("standalone-backend"))
            || ingress.is_some_and(|ingress| on(annotation(ingress, "standalone-backend")));
        let own =
            ingress.filter(|_| alone).map_or_else(String::new, |ingress| format!("{}_", name(ingress).1));
        let section = format!("{namespace}_{own}svc_{service_name}_{port_name}");
        self.sections.entry(section.clone()).or_default().servers = objects.ready(service, port);
        section
    }

    fn files(&self, objects: Objects<'_>, place: &Place) -> Files {
        let mut files: Files = ["sni", "host", "path-exact", "path-prefix-exact", "path-prefix"]
            .into_iter()
            .map(|map| {
                let rows = self.maps.get(map).into_iter().flatten();
                (format!("{map}.map"), rows.map(String::as_str).collect())
            })
            .collect();
        for rule in &self.rules {
            files.extend(rule.list());
        }
        let mut config = format!(
            "global\n  maxconn 1000\n  nbthread 1\ndefaults\n  mode http\n  timeout client 30s\n  timeout connect 5s\n  timeout server 30s\n{}",
            rules::USERS
        );
        self.frontend(&mut config, objects, place, false);
        self.frontend(&mut config, objects, place, true);
        if self.passthrough && !objects.is_on("--disable-https") {
            let _ = write!(
                config,
                "frontend ssl\n  mode tcp\n  bind {0}:443\n  tcp-request inspect-delay 5s\n  \
                 tcp-request content set-var(txn.sni_match) req_ssl_sni,map({1})\n  \
                 tcp-request content set-var(txn.sni_match) req_ssl_sni,regsub(^[^.]*,,),map({1}) if !{{ var(txn.sni_match) -m found }}\n  \
                 tcp-request content accept if {{ req_ssl_hello_type 1 }}\n  \
                 use_backend %[var(txn.sni_match),field(1,.)] if {{ var(txn.sni_match) -m found }}\n  \
                 default_backend ssl\nbackend ssl\n  mode tcp\n  server https {0}:4443\n",
                place.address,
                place.file("sni.map"),
            );
        }
        for (section, Section { servers, tcp }) in &self.sections {
            let _ = writeln!(config, "backend {section}\n  mode {}", if *tcp { "tcp" } else { "http" });
            for (number, server) in servers.iter().enumerate() {
                let _ = writeln!(config, "  server SRV_{} {server}", number + 1);
            }
            if section == LOCAL {
                let _ = writeln!(config, "  server SRV_1 {}:{}", place.address, local::PORT);
            }
        }
        files.push(("haproxy.cfg".to_owned(), config));
        files
    }

    fn frontend(&self, config: &mut String, objects: Objects<'_>, place: &Place, tls: bool) {
        let (name, off, bind) = match (tls, self.passthrough) {
            (false, _) => ("http", "--disable-http", ":80".to_owned()),
            (true, false) => ("https", "--disable-https", format!(":443 ssl crt {}", place.file("tls.pem"))),
            (true, true) => ("https", "--disable-https", format!(":4443 ssl crt {}", place.file("tls.pem"))),
        };
        let _ = writeln!(config, "frontend {name}");
        if !objects.is_on(off) {
            let _ = writeln!(config, "  bind {}{bind}", place.address);
        }
        let map = |name: &str| place.file(&format!("{name}.map"));
        let key = "var(txn.host_match),concat(,txn.path,)";
        let _ = write!(
            config,
            "  http-request set-var(txn.base) base\n  http-request set-var(txn.path) path\n  \
             http-request set-var(txn.host) req.hdr(Host),field(1,:),lower\n  \
             http-request set-var(txn.host_match) var(txn.host),map({host})\n  \
             http-request set-var(txn.host_match) var(txn.host),regsub(^[^.]*,,),map({host},'') if !{{ var(txn.host_match) -m found }}\n  \
             http-request set-var(txn.path_match) {key},map({exact})\n  \
             http-request set-var(txn.path_match) {key},map({prefix_exact}) if !{{ var(txn.path_match) -m found }}\n  \
             http-request set-var(txn.path_match) {key},map_beg({prefix}) if !{{ var(txn.path_match) -m found }}\n",
            host = map("host"),
            exact = map("path-exact"),
            prefix_exact = map("path-prefix-exact"),
            prefix = map("path-prefix"),
        );
        let mut rules: Vec<&Rule> = self.rules.iter().filter(|rule| !tls || rule.is_for_https()).collect();
        rules.sort_by_key(|rule| rule.kind());
        for rule in rules {
            config.push_str(&rule.line(self.conditional.contains(&rule.id()), place));
        }
        self.customs.iter().for_each(|line| config.push_str(line));
        config.push_str("  use_backend %[var(txn.path_match),field(1,.)]\n");
        if let Some(default) = &self.default {
            let _ = writeln!(config, "  default_backend {default}");
        }
    }
}

fn annotation<'v>(object: &'v Value, wanted: &str) -> Option<&'v str> {
    annotations(object)
        .find(|(key, _)| {
            let (prefix, name) = key.split_once('/').unwrap_or_default();
            name == wanted && matches!(prefix, "haproxy.org" | "haproxy.com" | "ingress.kubernetes.io")
        })
        .map(|(_, value)| value)
}

fn is_adopted(objects: Objects<'_>, ingress: &Value) -> bool {
    let (namespace, _) = name(ingress);
    let watched: Vec<&str> = objects.arguments("--namespace-whitelist").collect();
    let is_watched = match watched.as_slice() {
        [] => objects.arguments("--namespace-blacklist").all(|barred| barred != namespace),
        watched => watched.contains(&namespace),
    };
    let own = objects.argument("--ingress.class").unwrap_or_default();
    let class = text(ingress, "/spec/ingressClassName");
    let of_class = objects.of("IngressClass").find(|object| match class {
        "" => annotations(object).any(|pair| pair == (DEFAULT_CLASS, "true")),
        class => name(object).1 == class,
    });
    let controller = of_class.map(|object| text(object, "/spec/controller")).unwrap_or_default();
    let fits = match own {
        "" => (class.is_empty() && controller.is_empty()) || controller == CONTROLLER,
        own => {
            (class.is_empty() && objects.is_on("--empty-ingress-class"))
                || controller == format!("{CONTROLLER}/{own}")
        }
    };
    is_watched && fits
}
