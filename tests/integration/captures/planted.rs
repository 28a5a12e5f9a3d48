//! A hundred secrets of twenty shapes are planted wherever they are met in clusters. None of them is in a
//! capture, and none in what a tool answers, of the source as of the capture.

use std::fmt::Write as _;
use std::path::Path;

use routecause::tools::Source;
use serde_json::{Value, json};

use super::{answers, capture, files, same, text};

/// Letters and digits that look like a key, the same at every run.
fn noise(seed: u64, length: usize, alphabet: &[u8]) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(alphabet[usize::try_from(state % alphabet.len() as u64).expect("small")])
        })
        .collect()
}

const MIXED: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &[u8] = b"0123456789abcdef";

/// The secret itself, and the text that shows it: twenty shapes.
fn planted(shape: usize, seed: u64) -> (String, String) {
    let key = |length| noise(seed, length, MIXED);
    let (secret, text) = match shape {
        0 => (key(14), "password={}".to_owned()),
        1 => (key(24), "Authorization: Bearer {}".to_owned()),
        2 => (format!("{}==", key(22)), "Authorization: Basic {}".to_owned()),
        3 => (key(26), "Cookie: session={}; theme=dark".to_owned()),
        4 => (key(12), "postgres://app:{}@db.example:5432/shop".to_owned()),
        5 => (key(30), "https://api.example/hook?access_token={}&page=2".to_owned()),
        6 => (format!("eyJ{}.eyJ{}.{}", key(20), key(30), key(40)), "got {} from the client".to_owned()),
        7 => (format!("AKIA{}", noise(seed, 16, UPPER)), "key {} of the bucket".to_owned()),
        8 => (format!("ghp_{}", key(36)), "clone with {}".to_owned()),
        9 => (format!("xoxb-{}", key(24)), "slack {}".to_owned()),
        10 => (format!("sk_live_{}", key(24)), "stripe {}".to_owned()),
        11 => (format!("AIza{}", key(35)), "maps {}".to_owned()),
        12 => (format!("glpat-{}", key(20)), "ci {}".to_owned()),
        13 => (
            format!("{}==", key(60)),
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=x".to_owned(),
        ),
        14 => (key(16), "Server=db;User Id=a;Password={};Pooling=true".to_owned()),
        15 => (key(64), r"-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----".to_owned()),
        16 => (format!("npm_{}", key(36)), "registry {}".to_owned()),
        17 => (noise(seed, 40, HEX), "X-Api-Key: {}".to_owned()),
        18 => (key(20), r#"{"auths":{"r.example":{"auth":"{}"}}}"#.replace("{}", "@@").replace("@@", "{}")),
        _ => (key(28), "client_secret={}".to_owned()),
    };
    let shown = text.replacen("{}", &secret, 1);
    assert!(shown.contains(&secret), "shape {shape}");
    (secret, shown)
}

const SHAPES: usize = 20;
/// Objects' environment, objects' annotations, arguments, logs, and events with probes.
const PLACES: usize = 5;

/// A small cluster with a secret of every shape in every place.
fn plant(folder: &Path) -> Vec<String> {
    let mut secrets = Vec::new();
    let mut seed = 0;
    let mut texts = |of: &mut Vec<String>| {
        (0..SHAPES)
            .map(|shape| {
                seed += 1;
                let (secret, text) = planted(shape, seed);
                of.push(secret);
                text
            })
            .collect::<Vec<String>>()
    };
    let places: Vec<Vec<String>> = (0..PLACES).map(|_| texts(&mut secrets)).collect();
    assert_eq!(secrets.len(), 100);
    let [environment, annotations, arguments, lines, others] = places.try_into().expect("five places");
    let env: Vec<Value> = environment
        .iter()
        .enumerate()
        .map(|(at, value)| json!({"name": format!("SETTING_{at}"), "value": value}))
        .collect();
    let notes: serde_json::Map<String, Value> = annotations
        .iter()
        .enumerate()
        .map(|(at, value)| (format!("ci.example/note-{at}"), value.clone().into()))
        .collect();
    let mut ingress_notes = notes.clone();
    let meta = |name: &str| {
        json!({"name": name, "namespace": "shop", "uid": format!("u-{name}"), "resourceVersion": "7",
        "creationTimestamp": "2026-11-22T08:00:00Z"})
    };
    let template = |image: &str, env: &[Value]| {
        json!({"metadata": {"labels": {"app": "web"}, "annotations": notes},
            "spec": {"containers": [{"name": "web", "image": image, "env": env, "args": arguments,
                "ports": [{"containerPort": 8080}]}]}})
    };
    let rules = json!([{"host": "shop.example", "http": {"paths": [{"path": "/api", "pathType": "Prefix",
        "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]);
    ingress_notes.insert(
        "kubectl.kubernetes.io/last-applied-configuration".to_owned(),
        json!({"metadata": {"annotations": notes}, "spec": {"rules": rules}}).to_string().into(),
    );
    let mut ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("web"),
        "spec": {"ingressClassName": "nginx", "rules": rules}});
    ingress["metadata"]["annotations"] = ingress_notes.into();
    let revision = |name: &str, number: &str, at: &str, template: Value| {
        let mut meta = meta(name);
        meta["creationTimestamp"] = at.into();
        meta["annotations"] = json!({"deployment.kubernetes.io/revision": number});
        meta["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u-web-d", "controller": true}]);
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta, "spec": {"replicas": 1, "template": template}})
    };
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("web-d"),
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template("r.example/web:2", &env)}});
    deployment["metadata"]["name"] = "web".into();
    let controller = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "ingress-nginx-controller", "namespace": "ingress-nginx", "uid": "c", "labels": {"app.kubernetes.io/name": "ingress-nginx"}},
        "spec": {"selector": {"matchLabels": {"app": "c"}}, "template": {"metadata": {"labels": {"app": "c"}},
            "spec": {"containers": [{"name": "controller", "image": "registry.k8s.io/ingress-nginx/controller:v1.12.0",
                "args": ["/nginx-ingress-controller", "--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx",
                         "--configmap=ingress-nginx/ingress-nginx-controller"]}]}}}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c-1", "namespace": "ingress-nginx", "uid": "p", "labels": {"app": "c"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "ingress-nginx-controller-1", "uid": "r", "controller": true}]},
        "spec": {"containers": [{"name": "controller", "image": "registry.k8s.io/ingress-nginx/controller:v1.12.0"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "controller", "ready": true, "restartCount": 0, "image": "", "imageID": ""}]}});
    let events: Vec<Value> = others
        .iter()
        .take(SHAPES / 2)
        .enumerate()
        .map(|(at, message)| {
            json!({"apiVersion": "v1", "kind": "Event", "metadata": meta(&format!("e{at}")), "reason": "Failed", "type": "Warning",
                "message": message, "involvedObject": {"kind": "Ingress", "namespace": "shop", "name": "web"},
                "lastTimestamp": format!("2026-11-22T09:{:02}:00Z", 48 + at),
                "firstTimestamp": format!("2026-11-22T09:{:02}:00Z", 48 + at), "count": 1})
        })
        .collect();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ingress-nginx-controller", "namespace": "ingress-nginx"},
        "data": {"http-snippet": others[0]}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("web"),
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    let class = json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"},
        "spec": {"controller": "k8s.io/ingress-nginx"}});
    let old: Vec<Value> =
        env.iter().map(|variable| json!({"name": variable["name"], "value": "before"})).collect();
    let mut objects = vec![
        ingress.clone(),
        deployment,
        controller,
        pod,
        map,
        service,
        class,
        revision("web-1", "1", "2026-11-22T08:00:00Z", template("r.example/web:1", &old)),
        revision("web-2", "2", "2026-11-22T09:50:00Z", template("r.example/web:2", &env)),
    ];
    objects.extend(events);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(path, text).expect("file");
    };
    write("objects.json", &list.to_string());
    write(
        "capture.json",
        &json!({"takenAt": "2026-11-22T10:15:00Z", "context": "planted", "errors": []}).to_string(),
    );
    let mut log = String::new();
    for (at, line) in lines.iter().enumerate() {
        let _ = writeln!(
            log,
            "2026-11-22T09:{at:02}:00.000000000Z E1122 09:{at:02}:00.000000       7 controller.go:1] {line}"
        );
        let query = line.replace(' ', "+").replace('"', "%22");
        let _ = writeln!(
            log,
            "2026-11-22T10:{at:02}:00.000000000Z 10.0.0.1 - - [22/Nov/2026:10:{at:02}:00 +0000] \"GET /api/x?{query} HTTP/1.1\" 404 146 \"-\" \"{line}\" 100 0.001 [shop-web-80] [] 10.1.0.1:8080 146 0.001 404 0123456789abcdef"
        );
    }
    // Links with a key in their path, as mails carry them.
    for (at, line) in lines.iter().enumerate().filter(|(shape, _)| (6..13).contains(shape)) {
        let key = line.split(' ').max_by_key(|word| word.len()).expect("a key");
        let _ = writeln!(
            log,
            "2026-11-22T10:{at:02}:30.000000000Z 10.0.0.1 - - [22/Nov/2026:10:{at:02}:30 +0000] \"GET /api/reset/{key} HTTP/1.1\" 404 146 \"-\" \"-\" 100 0.001 [shop-web-80] [] 10.1.0.1:8080 146 0.001 404 0123456789abcdef"
        );
    }
    write("logs/ingress-nginx/c-1/controller.log", &log);
    write(
        "logs/shop/web-1/web.log",
        &lines.iter().map(|line| format!("2026-11-22T10:00:00Z {line}\n")).collect::<String>(),
    );
    let probes: String = others
        .iter()
        .skip(SHAPES / 2)
        .map(|body| {
            let probe = json!({"at": "2026-11-22T10:01:00Z", "from": "client", "via": "direct", "method": "GET",
                "url": "http://shop.example/api/x", "status": 404, "headers": {"server": "nginx", "x-note": body}, "body": body});
            format!("{probe}\n")
        })
        .collect();
    write("probes.jsonl", &probes);
    let mut before = ingress;
    before["metadata"]["resourceVersion"] = "5".into();
    before["spec"]["rules"][0]["http"]["paths"][0]["path"] = "/".into();
    let history: String =
        [("ADDED", "2026-11-22T09:00:00Z", &before), ("MODIFIED", "2026-11-22T09:55:00Z", &objects[0])]
            .iter()
            .map(|(op, at, object)| format!("{}\n", json!({"type": op, "observedAt": at, "object": object})))
            .collect();
    write("history.jsonl", &history);
    secrets
}

/// The secrets that a text shows.
fn leaks<'s>(secrets: &'s [String], text: &str) -> Vec<&'s str> {
    // A part of a key is as good as the key.
    let part = |secret: &str| {
        let middle = secret.len() / 4;
        secret[middle..middle + (secret.len() / 2).clamp(8, 16)].to_owned()
    };
    secrets.iter().filter(|secret| text.contains(&part(secret))).map(String::as_str).collect()
}

fn questions() -> Vec<(&'static str, Value)> {
    let url = "http://shop.example/api/x";
    vec![
        ("diagnose", json!({"url": url})),
        ("diagnose", json!({"url": url, "detail": "detailed"})),
        ("get_ingress", json!({"url": url, "detail": "detailed"})),
        ("match_path", json!({"url": url, "detail": "detailed"})),
        ("controller_logs_filtered", json!({"url": url, "detail": "detailed"})),
        ("controller_logs_filtered", json!({"detail": "detailed"})),
        ("controller_logs_filtered", json!({"pattern": "controller.go"})),
        ("check_backend", json!({"namespace": "shop", "service": "web", "detail": "detailed"})),
        ("find_conflicts", json!({"detail": "detailed"})),
        ("correlate_changes", json!({"url": url, "detail": "detailed"})),
        ("exec_probe", json!({"url": url, "detail": "detailed"})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_planted_secrets_are_neither_captured_nor_told() {
    let target = tempfile::tempdir().expect("folder");
    let source = target.path().join("source");
    std::fs::create_dir(&source).expect("folder");
    let secrets = plant(&source);
    let planted: String =
        files(&source).values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert_eq!(leaks(&secrets, &planted).len(), 100, "all of them are in the source");
    let taken = target.path().join("taken");
    capture(&["--capture", text(&source), "-o", text(&taken)]).await.expect("a capture");
    let mut found = Vec::new();
    for (name, bytes) in files(&taken) {
        let leaked = leaks(&secrets, &String::from_utf8_lossy(&bytes)).into_iter().map(str::to_owned);
        found.extend(leaked.map(|secret| format!("{name}: {secret}")));
    }
    let before = answers(Source::Capture(source), &questions()).await;
    let after = answers(Source::Capture(taken), &questions()).await;
    for (of, told) in [("source", &before), ("capture", &after)] {
        for (asked, structured, text) in told {
            for half in [&structured.to_string(), text] {
                let leaked =
                    leaks(&secrets, half).into_iter().map(|secret| format!("{of}, {asked}: {secret}"));
                found.extend(leaked);
            }
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "{} leaks\n{}", found.len(), found.join("\n"));
    // And what is told beside them is the same.
    same(&before, &after, "planted");
}
