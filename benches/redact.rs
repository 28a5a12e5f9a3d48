//! Speed of taking secrets out of logs and objects, as `capture` does.
//!
//! Both are made up in memory, the same on every run: access lines of which one in fifty carries a secret,
//! and Deployments with an environment, arguments and annotations.

use std::fmt::Write as _;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use routecause::report::redact::lines::LineCleaner;
use routecause::report::redact::object::ObjectCleaner;
use serde_json::{Value, json};

static LOG: LazyLock<String> = LazyLock::new(|| log(100_000));
static OBJECTS: LazyLock<Vec<Value>> = LazyLock::new(|| (0..2_000).map(deployment).collect());

fn main() {
    divan::main();
}

fn log(lines: u32) -> String {
    let mut out = String::new();
    for n in 0..lines {
        let query = if n % 50 == 0 { format!("?access_token=tok{n:012}&page=2") } else { String::new() };
        let _ = writeln!(
            out,
            "2026-11-22T10:{:02}:{:02}.123456789Z 203.0.113.{} - - [22/Nov/2026:10:15:01 +0000] \"GET /orders/{n}{query} HTTP/1.1\" 404 146 \"-\" \"Mozilla/5.0 (compatible; examplebot/2.1)\" 262 0.004 [shop-orders-80] [] 10.42.1.7:8080 146 0.004 404 {n:032x}",
            n / 60 % 60,
            n % 60,
            n % 256
        );
    }
    out
}

fn deployment(n: usize) -> Value {
    let env: Vec<Value> = (0..12)
        .map(|v| json!({"name": format!("SETTING_{v}"), "value": format!("https://service-{v}.example/{n}")}))
        .chain([json!({"name": "DB_PASSWORD", "value": format!("s3cret-{n}-value")})])
        .collect();
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
           "metadata": {"name": format!("web-{n}"), "namespace": "shop", "uid": format!("u-{n}"),
                        "annotations": {"meta.helm.sh/release-name": "web", "ci.example/commit": format!("{n:040x}")},
                        "labels": {"app": "web", "team": "shop"}},
           "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
               "metadata": {"labels": {"app": "web"}},
               "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.2.3", "env": env,
                                        "args": ["--listen=:8080", "--base-path=/shop", "--log-level=info"]}]}}}})
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn redact_log(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::of_str(&*LOG)).bench(|| {
        let mut cleaner = LineCleaner::default();
        LOG.lines().map(|line| cleaner.clean(line.as_bytes()).len()).sum::<usize>()
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn redact_objects(bencher: Bencher<'_, '_>) {
    let bytes: usize = OBJECTS.iter().map(|object| object.to_string().len()).sum();
    bencher.counter(BytesCount::new(bytes)).with_inputs(|| OBJECTS.clone()).bench_values(|mut objects| {
        let mut cleaner = ObjectCleaner::default();
        objects.iter_mut().for_each(|object| cleaner.clean(object));
        objects
    });
}
