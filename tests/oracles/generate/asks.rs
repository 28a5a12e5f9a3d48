//! Requests: for every host and path that a world names, at it, beside it, below it and written in other
//! ways.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::Value;

use super::{one_of, picked};
use crate::ask::Ask;
use crate::dialect::Dialect;

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

pub(super) fn asks(random: &mut StdRng, dialect: &Dialect, objects: &[Value], count: usize) -> Vec<Ask> {
    let places = places(objects);
    (0..count)
        .map(|_| {
            let (host, path) = match places.choose(random) {
                Some(place) if random.random_ratio(19, 20) => *place,
                _ => ("", "/"),
            };
            let scheme = one_of(random, &["http", "http", "http", "https"]);
            let (host, path) = (host_like(random, scheme, host), path_like(random, dialect, &places, path));
            Ask {
                method: one_of(random, &["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"]),
                url: format!("{scheme}://{host}{path}"),
                headers: picked(random, dialect.headers).into_iter().collect(),
            }
        })
        .collect()
}

/// Every host with every path of its rule.
fn places(objects: &[Value]) -> Vec<(&str, &str)> {
    let mut places = Vec::new();
    for rule in objects
        .iter()
        .filter(|object| object["kind"] == "Ingress")
        .flat_map(|ingress| ingress["spec"]["rules"].as_array().into_iter().flatten())
    {
        let host = rule["host"].as_str().unwrap_or_default();
        let paths = rule["http"]["paths"].as_array();
        let paths = paths.into_iter().flatten().map(|path| path["path"].as_str().unwrap_or_default());
        places.extend(paths.map(|path| (host, path)));
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

fn path_like(random: &mut StdRng, dialect: &Dialect, places: &[(&str, &str)], path: &str) -> String {
    let pattern = dialect.patterns.iter().find(|pattern| pattern.path == path);
    let path = match pattern.and_then(|pattern| pattern.asked.choose(random)) {
        Some(asked) => asked,
        // The path of another rule, of any host.
        None if random.random_ratio(3, 20) => places.choose(random).map_or("/", |(_, path)| *path),
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
