//! What jcmoraisjr/haproxy-ingress 0.17 writes: maps of `host#path` by the way in which paths are
//! compared, tried one after the other, and a backend for what a path leads to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::objects::{Objects, annotations, each, name, port, text};
use super::{Files, Place};
use crate::world::World;

const CONTROLLER: &str = "haproxy-ingress.github.io/controller";
/// The host of rules without one.
const DEFAULT: &str = "<default>";

/// One path of a host.
#[derive(Debug)]
struct Row {
    host: String,
    path: String,
    /// `str`, `dir`, `beg` or `reg`, as HAProxy's maps are called.
    kind: &'static str,
    target: String,
}

#[derive(Debug, Default)]
struct Written {
    rows: Vec<Row>,
    backends: String,
    /// Where the root of a host leads to.
    roots: BTreeMap<String, String>,
    redirects: Vec<(usize, String)>,
    tls: Vec<String>,
}

pub(super) fn render(world: &World, place: &Place) -> Files {
    let objects = Objects(world);
    let mut ingresses: Vec<&Value> =
        objects.of("Ingress").filter(|ingress| is_adopted(objects, ingress)).collect();
    ingresses.sort_by_key(|ingress| (text(ingress, "/metadata/creationTimestamp"), name(ingress)));
    let mut written = Written::default();
    for ingress in ingresses {
        written.ingress(objects, ingress);
    }
    written.files(objects, place)
}

impl Written {
    fn ingress(&mut self, objects: Objects<'_>, ingress: &Value) {
        let own = &ingress["spec"]["defaultBackend"]["service"];
        let has_root = self.rows.iter().any(|row| (row.host.as_str(), row.path.as_str()) == (DEFAULT, "/"));
        if !own.is_null() && !has_root {
            self.path(objects, ingress, DEFAULT, "/", "beg", own);
        }
        let loose = match value(objects, ingress, "path-type") {
            Some("exact") => "str",
            Some("prefix") => "dir",
            Some("regex") => "reg",
            _ => "beg",
        };
        for rule in each(ingress, "/spec/rules").filter(|rule| !rule["http"].is_null()) {
            let host = match text(rule, "/host") {
                "" => DEFAULT,
                host => host,
            };
            if each(ingress, "/spec/tls").flat_map(|tls| each(tls, "/hosts")).any(|named| named == host) {
                self.tls.push(host.to_owned());
            }
            if let Some(root) = value(objects, ingress, "app-root") {
                self.roots.entry(host.to_owned()).or_insert_with(|| root.to_owned());
            }
            for path in each(rule, "/http/paths") {
                let kind = match text(path, "/pathType") {
                    "Exact" => "str",
                    "Prefix" => "dir",
                    _ => loose,
                };
                self.path(objects, ingress, host, text(path, "/path"), kind, &path["backend"]["service"]);
            }
        }
    }

    fn path(
        &mut self,
        objects: Objects<'_>,
        ingress: &Value,
        host: &str,
        path: &str,
        kind: &'static str,
        backend: &Value,
    ) {
        let path = if path.is_empty() { "/" } else { path };
        if self.rows.iter().any(|row| (row.host.as_str(), row.path.as_str(), row.kind) == (host, path, kind))
        {
            return;
        }
        let number = self.rows.len();
        let target = format!("p{number}");
        let Some(service) = objects.service(name(ingress).0, text(backend, "/name")) else { return };
        let Some(port) = port(service, backend) else { return };
        let _ = writeln!(self.backends, "backend {target}");
        let is_tls =
            each(ingress, "/spec/tls").flat_map(|tls| each(tls, "/hosts")).any(|named| named == host);
        if is_tls && value(objects, ingress, "ssl-redirect") != Some("false") {
            self.redirects.push((number, host.to_owned()));
            let code = value(objects, ingress, "ssl-redirect-code").unwrap_or("302");
            let _ = writeln!(
                self.backends,
                "  http-request redirect scheme https code {code} if !{{ ssl_fc }} !{{ path_beg /.well-known/acme-challenge }}"
            );
        }
        if let Some(rewrite) = value(objects, ingress, "rewrite-target") {
            let (rest, target) = match rewrite {
                "/" => ("/?(.*)$", "/\\1".to_owned()),
                _ => ("(.*)$", format!("{rewrite}{}\\1", if path.ends_with('/') { "/" } else { "" })),
            };
            let _ = writeln!(self.backends, "  http-request replace-path ^{path}{rest} {target}");
        }
        for (number, server) in objects.ready(service, port).iter().enumerate() {
            let _ = writeln!(self.backends, "  server s{number} {server}");
        }
        self.rows.push(Row { host: host.to_owned(), path: path.to_owned(), kind, target });
    }

    fn files(&self, objects: Objects<'_>, place: &Place) -> Files {
        let mut files = Files::new();
        let mut config = format!(
            "global\n  maxconn 1000\n  nbthread 1\ndefaults\n  mode http\n  timeout client 30s\n  timeout connect 5s\n  timeout server 30s\n{}\
             backend _error404\n  http-request return status 404\n",
            self.backends
        );
        let default = objects.argument("--default-backend-service").and_then(|wanted| {
            let (namespace, wanted) = wanted.split_once('/')?;
            objects.service(namespace, wanted)
        });
        if let Some(service) = default {
            config.push_str("backend _default_backend\n");
            let first = each(service, "/spec/ports").next().expect("a port");
            for (number, server) in objects.ready(service, first).iter().enumerate() {
                let _ = writeln!(config, "  server s{number} {server}");
            }
        }
        let always = objects.config("ssl-always-add-https") == Some("true");
        for (front, bind) in
            [("http", ":80".to_owned()), ("https", format!(":443 ssl crt {}", place.file("tls.pem")))]
        {
            let _ = write!(
                config,
                "frontend {front}\n  bind {}{bind}\n  http-request set-var(req.path) path\n  \
                 http-request set-var(req.host) hdr(host),field(1,:),lower\n  \
                 http-request set-var(req.base) var(req.host),concat(\\#,req.path)\n",
                place.address
            );
            for (host, root) in &self.roots {
                let kind = if host.starts_with("*.") { "reg" } else { "str" };
                if front == "https" && !always && !self.tls.contains(host) {
                    continue;
                }
                let host = if kind == "reg" { pattern(host) } else { host.clone() };
                let _ = writeln!(
                    config,
                    "  http-request redirect location {root} if {{ path / }} {{ var(req.host) -m {kind} {host} }}"
                );
            }
            let is_served = |row: &&Row| front == "http" || always || self.tls.contains(&row.host);
            let named = self.rows.iter().filter(|row| row.host != DEFAULT).filter(is_served).collect();
            let unnamed = self.rows.iter().filter(|row| row.host == DEFAULT).collect();
            for (part, base, rows) in [
                ("host", "var(req.base)", named),
                ("default", "str(<default>\\#),concat(,req.path)", unnamed),
            ] {
                for (number, (kind, entries)) in ordered(rows).into_iter().enumerate() {
                    let file = format!("{front}-{part}-{number}.map");
                    let lower = if kind == "beg" { ",lower" } else { "" };
                    let _ = writeln!(
                        config,
                        "  http-request set-var(req.backend) {base}{lower},map_{kind}({}) if !{{ var(req.backend) -m found }}",
                        place.file(&file)
                    );
                    files.push((file, entries));
                }
            }
            config.push_str("  use_backend %[var(req.backend)] if { var(req.backend) -m found }\n");
            let last = if default.is_some() { "_default_backend" } else { "_error404" };
            let _ = writeln!(config, "  default_backend {last}");
        }
        files.push(("haproxy.cfg".to_owned(), config));
        files
    }
}

fn quoted(text: &str) -> String {
    let special = |c: char| "\\.+*?()|[]{}^$".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// A host with a star.
fn pattern(host: &str) -> String {
    format!("^[^.]+{}$", quoted(host.strip_prefix('*').unwrap_or(host)))
}

/// A line of a map, and what it is ordered by.
#[derive(Debug, Clone)]
struct Line {
    host: String,
    path: String,
    kind: &'static str,
    key: String,
    target: String,
}

impl Line {
    fn new(row: &Row) -> Self {
        let is_star = row.host.starts_with("*.");
        let path = match row.kind {
            "beg" if is_star => quoted(&row.path),
            "beg" => row.path.to_lowercase(),
            "str" if is_star => format!("{}$", quoted(&row.path)),
            "dir" if is_star && row.path.ends_with('/') => quoted(&row.path),
            "dir" if is_star => format!("{}(/.*)?", quoted(&row.path)),
            _ => row.path.clone(),
        };
        let kind = if is_star { "reg" } else { row.kind };
        let host = match kind {
            "reg" if is_star => pattern(&row.host),
            "reg" => format!("^{}$", quoted(&row.host)),
            _ => row.host.clone(),
        };
        let key = format!("{}#{path}", if kind == "reg" { host.trim_end_matches('$') } else { &host });
        Self { host, path, kind, key, target: row.target.clone() }
    }
}

/// The files in the order in which they are tried.
fn ordered(rows: Vec<&Row>) -> Vec<(&'static str, String)> {
    let mut hosts: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in rows.into_iter().map(Line::new) {
        hosts.entry(line.host.clone()).or_default().push(line);
    }
    // Where a longer path of one kind stands over a shorter of another, the longer goes ahead.
    let mut first: Vec<(&'static str, Vec<Line>)> = Vec::new();
    let mut usual: BTreeMap<&'static str, Vec<Line>> = BTreeMap::new();
    for mut lines in hosts.into_values() {
        lines.sort_by(|one, other| other.path.cmp(&one.path));
        let mut after = vec![0; lines.len()];
        for at in 0..lines.len() {
            let one = lines[at].clone();
            let plain = |kind: &str| matches!(kind, "dir" | "beg");
            let over = |other: &Line| {
                one.kind != other.kind
                    && one.path != other.path
                    && plain(one.kind)
                    && plain(other.kind)
                    && one.path.starts_with(&other.path)
            };
            let under: Vec<usize> = (at + 1..lines.len()).filter(|below| over(&lines[*below])).collect();
            if under.is_empty() {
                usual.entry(one.kind).or_default().push(one);
                continue;
            }
            let found = (after[at]..first.len()).find(|file| first[*file].0 == one.kind);
            let file = found.unwrap_or_else(|| {
                first.push((one.kind, Vec::new()));
                first.len() - 1
            });
            first[file].1.push(one);
            under.into_iter().for_each(|below| after[below] = file);
        }
    }
    let mut files = Vec::new();
    files.extend(usual.remove("str").map(|lines| ("str", lines)));
    files.extend(first);
    files.extend(["dir", "beg", "reg"].into_iter().filter_map(|kind| Some((kind, usual.remove(kind)?))));
    files.into_iter().map(|(kind, lines)| (kind, written(kind, lines))).collect()
}

fn written(kind: &str, mut lines: Vec<Line>) -> String {
    match kind {
        "reg" => lines
            .sort_by(|one, other| other.key.len().cmp(&one.key.len()).then_with(|| one.key.cmp(&other.key))),
        "str" => lines.sort_by(|one, other| one.key.cmp(&other.key)),
        _ => lines.sort_by(|one, other| {
            if one.host == other.host { other.path.cmp(&one.path) } else { one.key.cmp(&other.key) }
        }),
    }
    lines.into_iter().map(|line| format!("{} {}\n", line.key, line.target)).collect()
}

fn value<'v>(objects: Objects<'v>, ingress: &'v Value, wanted: &str) -> Option<&'v str> {
    let own = ["haproxy-ingress.github.io", "ingress.kubernetes.io"].iter().find_map(|prefix| {
        annotations(ingress).find(|(key, _)| *key == format!("{prefix}/{wanted}")).map(|(_, value)| value)
    });
    own.or_else(|| objects.config(wanted)).filter(|value| !value.is_empty())
}

fn is_adopted(objects: Objects<'_>, ingress: &Value) -> bool {
    let watched = objects.argument("--watch-namespace").unwrap_or_default();
    if !watched.is_empty() && watched != name(ingress).0 {
        return false;
    }
    let told =
        annotations(ingress).find(|(key, _)| *key == "kubernetes.io/ingress.class").map(|(_, value)| value);
    let class = text(ingress, "/spec/ingressClassName");
    let by_field = || {
        let mut classes = objects.of("IngressClass");
        classes.any(|object| name(object).1 == class && text(object, "/spec/controller") == CONTROLLER)
    };
    match (told, class) {
        (Some(_), class) if !class.is_empty() && objects.is_on("--ingress-class-precedence") => by_field(),
        (Some(value), _) => value == objects.argument("--ingress-class").unwrap_or("haproxy"),
        (None, "") => objects.is_on("--watch-ingress-without-class"),
        (None, _) => by_field(),
    }
}
