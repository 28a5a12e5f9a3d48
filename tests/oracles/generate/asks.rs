//! Requests: for every host and path that a world names, at it, beside it, below it and written in other
//! ways.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::Value;

use super::{one_of, picked};
use crate::dialect::Dialect;
use crate::world::Ask;

/// What follows a path, or stands in it.
const AFTER: [&str; 27] = [
    "",
    "",
    "",
    "/",
    "x",
    "/x",
    "/x/y",
    "/../a",
    "/..",
    "//",
    "//x",
    "/./b",
    "?q=1",
    "?",
    "%2Fx",
    "%2fx",
    "/%2e%2e/",
    "/%61",
    "%61",
    "/%20",
    "/caf%C3%A9",
    "%",
    "%zz",
    "(b)",
    ";v=1",
    "/%3F",
    "/a.",
];
/// Hosts that no world names.
const STRANGERS: [&str; 5] = ["nobody.test", "nobody.example", "alias.test", "q.x.b.test", "a.test.example"];

/// Where a request may go, and what else it must bring there.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    host: &'a str,
    path: &'a str,
    /// A match of an HTTPRoute; null elsewhere.
    also: &'a Value,
}

pub(super) fn asks(random: &mut StdRng, dialect: &Dialect, objects: &[Value], count: usize) -> Vec<Ask> {
    let places = places(objects);
    (0..count)
        .map(|_| {
            let place = match places.choose(random) {
                Some(place) if random.random_ratio(19, 20) => *place,
                _ => Place { host: "", path: "/", also: &Value::Null },
            };
            let scheme = one_of(random, &["http", "http", "http", "https"]);
            let host = host_like(random, scheme, place.host);
            let mut path = path_like(random, dialect, &places, place.path);
            let mut method = one_of(random, &["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"]);
            let mut headers = picked(random, dialect.headers);
            if let Some(wanted) = place.also["method"].as_str().filter(|_| random.random_ratio(5, 6)) {
                method = METHODS.into_iter().find(|one| *one == wanted).unwrap_or(method);
            }
            headers.extend(values(random, &place.also["headers"]));
            for (name, value) in values(random, &place.also["queryParams"]) {
                path.push_str(&format!("{}{name}={value}", if path.contains('?') { "&" } else { "?" }));
            }
            // The host has its own place.
            headers.retain(|name, _| !name.eq_ignore_ascii_case("host"));
            Ask { method, url: format!("{scheme}://{host}{path}"), headers: headers.into_iter().collect() }
        })
        .collect()
}

const METHODS: [&str; 5] = ["GET", "POST", "HEAD", "OPTIONS", "PUT"];

/// Mostly the values that a match asks for.
fn values(random: &mut StdRng, wanted: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for one in wanted.as_array().into_iter().flatten().filter(|_| random.random_ratio(7, 8)) {
        let (name, mut value) = (one["name"].as_str(), one["value"].as_str().unwrap_or_default());
        if one["type"] == "RegularExpression" {
            value = ["one", "two", "12", "x"][value.len() % 4];
        }
        found.extend(name.map(|name| (name.to_owned(), value.to_owned())));
    }
    found
}

/// Every host with every path of its rule.
fn places(objects: &[Value]) -> Vec<Place<'_>> {
    const NOTHING: &Value = &Value::Null;
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let mut places = Vec::new();
    for rule in
        of_kind("Ingress").flat_map(|ingress| ingress["spec"]["rules"].as_array().into_iter().flatten())
    {
        let host = rule["host"].as_str().unwrap_or_default();
        let paths = rule["http"]["paths"].as_array();
        let paths = paths.into_iter().flatten().map(|path| path["path"].as_str().unwrap_or_default());
        places.extend(paths.map(|path| Place { host, path, also: NOTHING }));
    }
    let listeners =
        of_kind("Gateway").flat_map(|one| one["spec"]["listeners"].as_array().into_iter().flatten());
    let listeners: Vec<&str> = listeners.filter_map(|listener| listener["hostname"].as_str()).collect();
    for route in of_kind("HTTPRoute") {
        let own = route["spec"]["hostnames"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut hosts: Vec<&str> = own.collect();
        if hosts.is_empty() {
            hosts.push("");
        }
        hosts.extend(&listeners);
        for rule in route["spec"]["rules"].as_array().into_iter().flatten() {
            let matches = rule["matches"].as_array().map_or(&[][..], Vec::as_slice);
            for host in &hosts {
                if matches.is_empty() {
                    places.push(Place { host, path: "/", also: NOTHING });
                }
                places.extend(matches.iter().map(|also| Place {
                    host,
                    path: also["path"]["value"].as_str().unwrap_or("/"),
                    also,
                }));
            }
        }
    }
    places
}

fn host_like(random: &mut StdRng, scheme: &str, host: &str) -> String {
    let label = one_of(random, &["q", "x", "www", "a.b"]);
    let mut host = match host {
        "" => one_of(random, &STRANGERS).to_owned(),
        host => host.replace('*', label),
    };
    match random.random_range(0..40) {
        0 => host.insert_str(0, "www."),
        1 => host = host.to_ascii_uppercase(),
        2 => host.push('.'),
        3 => host.push_str(if scheme == "http" { ":8080" } else { ":443" }),
        4 => host.push_str(if scheme == "http" { ":80" } else { ":443" }),
        5 => host = one_of(random, &STRANGERS).to_owned(),
        6 => host.insert_str(0, "y."),
        _ => {}
    }
    host
}

fn path_like(random: &mut StdRng, dialect: &Dialect, places: &[Place<'_>], path: &str) -> String {
    let pattern = dialect.patterns.iter().find(|pattern| pattern.path == path);
    let path = match pattern.and_then(|pattern| pattern.asked.choose(random)) {
        Some(asked) => asked,
        // The path of another rule, of any host.
        None if random.random_ratio(3, 20) => places.choose(random).map_or("/", |place| place.path),
        None => path,
    };
    let mut path = path.replace(' ', "%20");
    if !path.starts_with('/') {
        path.insert(0, '/');
    }
    match random.random_range(0..40) {
        0 => path = path.to_ascii_uppercase(),
        1 => path.insert(0, '/'),
        2 => path.truncate(path.len() - 1),
        3 => path = path.replacen('/', "/./", 1),
        4 => path = path.replacen('a', "%61", 1),
        5 => path = path.replace("%20", "+"),
        _ => {}
    }
    path.push_str(one_of(random, &AFTER));
    if path.starts_with('/') { path } else { format!("/{path}") }
}
