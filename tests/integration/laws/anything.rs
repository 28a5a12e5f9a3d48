use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::request::Request;

use super::answers::odd;
use super::worlds::{Broken, CASES, Case, brief};

/// What stands where nobody expects it.
const ODD: [&str; 30] = [
    "/",
    "//",
    "/.",
    "/..",
    "/../",
    "%",
    "%2",
    "%2f",
    "%2F",
    "%00",
    "%ff",
    "%C3%A9",
    "é",
    "\u{1F600}",
    "\u{FFFD}",
    ";",
    ":",
    "@",
    "\\",
    "|",
    "*",
    "(",
    "[",
    "$1",
    "#",
    "?",
    "&=",
    ".",
    "~",
    "\"",
];

#[test]
fn whatever_is_asked_there_is_an_answer() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        let table = case.scene.table();
        let mut random = case.random();
        for ask in &case.asks {
            let Some(ask) = mutated(&mut random, case, ask) else { continue };
            let answer = catch_unwind(AssertUnwindSafe(|| {
                let explanation = table.explain(&ask, 3);
                let short = explanation.eliminated.len() <= 3 && explanation.nearest.len() <= 3;
                table.has_routes_for(Some(ask.host.as_str()));
                table.failure_for(&ask);
                let decision = table.decide(&ask);
                odd(case.kind, &decision)
                    .or((!short).then_some("too much"))
                    .map(|what| (what, brief(&decision)))
            }));
            match answer {
                Ok(None) => {}
                Ok(Some((how, what))) => broken.at(case, &ask, how, &what),
                Err(_) => broken.at(case, &ask, "panics", ""),
            }
        }
    }
    broken.settle();
}

/// The request with something odd in its URL, its method and its headers; nothing where it can no more be
/// asked.
fn mutated(random: &mut StdRng, case: &Case, ask: &Request) -> Option<Request> {
    let mut authority = ask.authority();
    let mut target = ask.target();
    for _ in 0..random.random_range(1..5) {
        let text = if random.random_ratio(1, 4) { &mut authority } else { &mut target };
        disturb(random, text);
    }
    let mut asked = Request::parse(&format!("{}://{authority}{target}", ask.scheme.as_str())).ok()?;
    asked.method.clone_from(&ask.method);
    asked.headers.clone_from(&ask.headers);
    if random.random_ratio(1, 4) {
        disturb(random, &mut asked.method);
    }
    let known: Vec<String> =
        case.asks.iter().flat_map(|ask| &ask.headers).map(|(name, _)| name.clone()).collect();
    for _ in 0..random.random_range(0..3) {
        let mut name = known.choose(random).cloned().unwrap_or_else(|| "X-A".to_owned());
        let mut value = "yes".to_owned();
        let text = if random.random_ratio(1, 3) { &mut name } else { &mut value };
        disturb(random, text);
        asked.headers.push((name, value));
    }
    Some(asked)
}

/// Puts something in, takes something out, or says it twice.
fn disturb(random: &mut StdRng, text: &mut String) {
    let edges: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let (one, other) =
        (edges.choose(random).copied().unwrap_or(0), edges.choose(random).copied().unwrap_or(0));
    let (from, to) = (one.min(other), one.max(other));
    match random.random_range(0..6) {
        0 => text.replace_range(from..to, ""),
        1 => {
            let again = text[from..to].to_owned();
            text.insert_str(to, &again);
        }
        2 => text.insert_str(from, &"/a".repeat(random.random_range(0..400))),
        _ => text.insert_str(from, ODD.choose(random).copied().unwrap_or_default()),
    }
}
