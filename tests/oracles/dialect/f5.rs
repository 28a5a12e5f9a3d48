//! F5's NGINX Ingress Controller.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;
use crate::world::{NAMESPACES, SERVICES};

const PATTERNS: &[Pattern] = &[
    Pattern { path: "/v[0-9]+", asked: &["/v12", "/v[0-9]+", "/V1/x"] },
    Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app/", "/app/r/s", "/app(/|$)(.*)"] },
    Pattern { path: "/(.*)", asked: &["/t/u", "/", "/(.*)"] },
    Pattern { path: "/a(b|c)", asked: &["/ab", "/AC", "/abc", "/a(b|c)"] },
    Pattern { path: "/foo/(.*)", asked: &["/foo/r", "/foo/", "/foo"] },
    Pattern { path: "/img/.*\\.png$", asked: &["/img/a.png", "/img/a.png/x"] },
    Pattern { path: "/x{2}", asked: &["/xx", "/x{2}"] },
    Pattern { path: "/{name}", asked: &["/q"] },
    Pattern { path: "/bad(", asked: &["/bad("] },
    Pattern { path: "/etc/x", asked: &["/etc/x"] },
    Pattern { path: "/root", asked: &["/root"] },
];

pub(crate) const F5: Dialect = Dialect {
    kind: ControllerKind::F5Nginx,
    class: "nginx.org/ingress-controller",
    routes,
    annotations: &[
        some(15, "nginx.org/path-regex", &["case_sensitive", "case_insensitive", "exact"]),
        some(1, "nginx.org/path-regex", &["regex"]),
        some(8, "nginx.org/ssl-redirect", &["true", "false"]),
        some(1, "nginx.org/ssl-redirect", &["yes"]),
        some(5, "ingress.kubernetes.io/ssl-redirect", &["true", "false"]),
        some(10, "nginx.org/redirect-to-https", &["true", "1", "False"]),
        some(8, "nginx.org/http-redirect-code", &["301", "302", "307", "308"]),
        some(1, "nginx.org/http-redirect-code", &["303"]),
        some(7, "nginx.org/app-root", &["/start", "/a", "/a/b"]),
        some(1, "nginx.org/app-root", &["start", "/", "/x/", "/~x"]),
        some(3, "nginx.org/rewrite-target", &["/new", "/new/$1", "/$2", "/"]),
        some(1, "nginx.org/rewrite-target", &["new", "//x", "/a b"]),
        some(4, "nginx.org/listen-ports", &["8090", "80,8090"]),
        some(4, "nginx.org/listen-ports-ssl", &["8490", "443,8490"]),
        some(1, "nginx.org/listen-ports", &["http"]),
        some(3, "nginx.org/server-snippets", &["return 403;", "add_header X-Own 1;", "return 404;"]),
        some(3, "nginx.org/location-snippets", &["return 418;", "add_header X-Own 1;"]),
        some(3, "nginx.org/basic-auth-secret", &["users"]),
        some(2, "nginx.org/proxy-read-timeout", &["30s", "soon"]),
        some(1, "nginx.com/health-checks", &["true"]),
        some(4, "nginx.ingress.kubernetes.io/rewrite-target", &["/never"]),
        some(3, "kubernetes.io/ingress.class", &["other", "own", ""]),
    ],
    service_annotations: &[],
    patterns: PATTERNS,
    arguments: &[
        some(60, "-allow-empty-ingress-host", &["", "", "false"]),
        some(50, "-enable-snippets", &["", "true", "false"]),
        some(30, "-default-server-tls-secret", &["edge/default"]),
        some(20, "-wildcard-tls-secret", &["edge/wildcard"]),
        some(20, "-health-status", &["true"]),
        some(20, "-health-status-uri", &["/alive"]),
        some(5, "-nginx-plus", &["false"]),
    ],
    config: &[
        some(15, "ssl-redirect", &["false", "true", "no"]),
        some(10, "redirect-to-https", &["true"]),
        some(15, "http-redirect-code", &["302", "307", "308", "303"]),
        some(15, "default-server-return", &["503", "302 https://moved.test", "410", "444"]),
        some(4, "server-snippets", &["return 410;", "add_header X-Own 1;"]),
        some(4, "location-snippets", &["return 418;", "add_header X-Own 1;"]),
    ],
    headers: &[
        some(20, "X-Forwarded-Proto", &["http", "https", "HTTP"]),
        some(10, "Authorization", &["Basic dTpw"]),
    ],
    deployed,
};

/// The common Ingresses without what is always rejected, and some masters with their minions.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut all = ingresses(random, dialect);
    for ingress in &mut all {
        if random.random_ratio(9, 10) {
            let hostless = random.random_ratio(1, 5);
            once_each(ingress, hostless);
        }
        if random.random_ratio(2, 5) {
            let rules = ingress.pointer("/spec/rules").and_then(Value::as_array).into_iter().flatten();
            let hosts: Vec<Value> = rules.filter_map(|rule| rule.get("host").cloned()).collect();
            ingress["spec"]["tls"] = json!([{"hosts": hosts, "secretName": "cert"}]);
        }
        let secret = ["none", "cert", "cert", "cert", ""].choose(random).copied().unwrap_or_default();
        if let Some(place) = ingress.pointer_mut("/spec/tls/0/secretName") {
            *place = json!(secret);
        }
        if random.random_ratio(1, 8) {
            rewrites(random, ingress);
        }
    }
    for number in 0..random.random_range(0..3) {
        let host = ["m.test", "a.test", "*.m.test"].choose(random).copied().unwrap_or_default();
        let parts: Vec<Value> =
            all.iter().filter(|one| one.pointer("/spec/rules/0/http").is_some()).cloned().collect();
        if random.random_ratio(7, 8) {
            all.extend(parts.choose(random).map(|part| master(random, part.clone(), host, number)));
        }
        for minion in 0..random.random_range(1..4) {
            let name = format!("minion{number}-{minion}");
            all.extend(parts.choose(random).map(|part| minion_of(random, part.clone(), host, &name)));
        }
    }
    all
}

/// A host once in an Ingress, and a path once in a rule; without a host only where that is wanted.
fn once_each(ingress: &mut Value, hostless: bool) {
    let Some(rules) = ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut) else { return };
    let mut hosts = Vec::new();
    rules.retain(|rule| {
        let new = !hosts.contains(&rule["host"]) && (hostless || rule["host"].is_string());
        hosts.push(rule["host"].clone());
        new
    });
    for paths in rules.iter_mut().filter_map(|rule| rule.pointer_mut("/http/paths")?.as_array_mut()) {
        let mut seen = Vec::new();
        paths.retain(|path| {
            let new = !seen.contains(&path["path"]);
            seen.push(path["path"].clone());
            new
        });
    }
}

/// `nginx.org/rewrites` of a Service that the Ingress names, or not.
fn rewrites(random: &mut StdRng, ingress: &mut Value) {
    let service = ingress.pointer("/spec/rules/0/http/paths/0/backend/service/name");
    let service = service.and_then(Value::as_str).unwrap_or(SERVICES[0]).to_owned();
    let value = [
        format!("serviceName={service} rewrite=/x/"),
        format!("serviceName={service} rewrite=/"),
        format!("serviceName={service} rewrite=/y"),
        format!("serviceName={service} rewrite=/y; serviceName={service} rewrite=/z/"),
        format!("serviceName={service} rewrite=x"),
        "serviceName=nobody rewrite=/x/".to_owned(),
    ];
    ingress["metadata"]["annotations"]["nginx.org/rewrites"] = json!(value.choose(random));
}

fn named(mut ingress: Value, host: &str, kind: &str, name: &str) -> Value {
    ingress["metadata"]["name"] = json!(name);
    ingress["metadata"]["uid"] = json!(name);
    ingress["metadata"]["annotations"]["nginx.org/mergeable-ingress-type"] = json!(kind);
    if let Some(rules) = ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut) {
        rules.truncate(1);
        rules[0]["host"] = json!(host);
    }
    ingress
}

fn master(random: &mut StdRng, part: Value, host: &str, number: usize) -> Value {
    let mut master = named(part, host, "master", &format!("master{number}"));
    if let Some(rule) = master.pointer_mut("/spec/rules/0").and_then(Value::as_object_mut)
        && random.random_ratio(19, 20)
    {
        rule.remove("http");
    }
    if random.random_ratio(1, 3) {
        master["spec"]["tls"] = json!([{"hosts": [host], "secretName": "cert"}]);
    }
    if let Some(annotations) = master.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove("nginx.org/rewrites");
    }
    master
}

fn minion_of(random: &mut StdRng, part: Value, host: &str, name: &str) -> Value {
    let mut minion = named(part, host, "minion", name);
    minion["metadata"]["namespace"] = json!(NAMESPACES.choose(random));
    minion["metadata"]["creationTimestamp"] =
        json!(format!("2026-01-01T00:00:0{}Z", random.random_range(0..3)));
    if let Some(spec) = minion["spec"].as_object_mut()
        && random.random_ratio(19, 20)
    {
        spec.remove("tls");
    }
    minion
}

fn deployed(arguments: &[String], config: &[(String, String)]) -> Vec<Value> {
    let labels = json!({"app.kubernetes.io/name": "nginx-ingress", "app.kubernetes.io/instance": "edge"});
    let mut all =
        vec!["-nginx-configmaps=$(POD_NAMESPACE)/settings".to_owned(), "-ingress-class=own".to_owned()];
    all.extend(arguments.iter().cloned());
    let data: serde_json::Map<String, Value> =
        config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let secret = |namespace: &str, name: &str| json!({"metadata": {"namespace": namespace, "name": name}});
    let secrets: Vec<Value> = NAMESPACES
        .iter()
        .flat_map(|namespace| ["cert", "users"].map(|name| secret(namespace, name)))
        .collect();
    vec![
        json!({"apiVersion": "v1", "kind": "SecretList", "items": secrets}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "edge", "name": "settings"}, "data": data}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "edge", "name": "nginx-ingress", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [
                    {"name": "nginx-ingress", "args": all, "image": "nginx/nginx-ingress:5.5.4"}
                ]},
            }},
        }),
    ]
}
