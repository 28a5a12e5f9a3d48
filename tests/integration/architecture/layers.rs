//! Who may import whom, and which crates a layer may name.

use super::source::{Source, Token, all};
use super::{none, root};

/// A layer: its module path, the layers and crates it may use besides itself and `std`, and words that
/// may not occur in it.
struct Layer {
    path: &'static str,
    layers: &'static [&'static str],
    crates: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

/// Waiting for something.
const ASYNC: &[&[&str]] = &[&["async"], &["await"]];

/// Waiting, input and output, the clock, the environment, and the wire.
const IMPURE: &[&[&str]] = &[
    &["async"],
    &["await"],
    &["Serialize"],
    &["Utc", "::", "now"],
    &["Local", "::", "now"],
    &["SystemTime"],
    &["Instant"],
    &["std", "::", "fs"],
    &["std", "::", "env"],
    &["TcpStream"],
    &["TcpListener"],
    &["UdpSocket"],
    &["ToSocketAddrs"],
    &["std", "::", "process"],
    &["std", "::", "thread"],
    &["std", "::", "io"],
];

/// Top down; a file belongs to the longest path that it lies under.
const LAYERS: &[Layer] = &[
    Layer {
        path: "main",
        layers: &["cli", "config", "telemetry", "tools"],
        crates: &["anyhow", "routecause", "tokio"],
        never: &[],
    },
    Layer {
        path: "cli",
        layers: &["config", "telemetry", "server", "tools", "evidence", "report", "model"],
        crates: &[
            "anstream",
            "anstyle",
            "chrono",
            "clap",
            "futures",
            "indicatif",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio_util",
            "tracing",
        ],
        never: &[],
    },
    Layer {
        path: "server",
        layers: &["config", "tools", "report", "model"],
        crates: &[
            "axum",
            "base64",
            "chrono",
            "futures",
            "getrandom",
            "http",
            "http_body_util",
            "hyper",
            "include_dir",
            "rmcp",
            "serde",
            "serde_json",
            "subtle",
            "thiserror",
            "tokio",
            "tokio_util",
            "tower",
            "tracing",
        ],
        never: &[],
    },
    Layer { path: "config", layers: &["tools", "model"], crates: &["chrono", "clap"], never: ASYNC },
    Layer {
        path: "telemetry",
        layers: &[],
        crates: &["clap", "tracing", "tracing_subscriber"],
        never: ASYNC,
    },
    Layer {
        path: "tools",
        layers: &["evidence", "analysis", "report", "model"],
        crates: &[
            "chrono",
            "futures",
            "percent_encoding",
            "schemars",
            "serde",
            "serde_json",
            "serde_path_to_error",
            "strsim",
            "thiserror",
            "tokio",
            "tokio_util",
            "tracing",
        ],
        never: &[],
    },
    Layer {
        path: "report",
        layers: &["analysis", "model"],
        crates: &["chrono", "percent_encoding", "regex", "schemars", "serde", "serde_json"],
        never: ASYNC,
    },
    Layer {
        path: "evidence",
        layers: &["evidence::lower", "model"],
        crates: &[
            "base64",
            "bytes",
            "chrono",
            "flate2",
            "futures",
            "http",
            "http_body_util",
            "hyper",
            "hyper_util",
            "include_dir",
            "jiff",
            "k8s_openapi",
            "kube",
            "memchr",
            "percent_encoding",
            "regex",
            "rusqlite",
            "rustls",
            "serde",
            "serde_json",
            "serde_saphyr",
            "tar",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tokio_util",
            "tower",
            "tracing",
            "x509_cert",
            "zip",
        ],
        never: &[],
    },
    Layer {
        path: "evidence::lower",
        layers: &["model"],
        crates: &["chrono", "jiff", "k8s_openapi", "serde", "serde_json"],
        never: ASYNC,
    },
    Layer {
        path: "analysis",
        layers: &["model"],
        crates: &[
            "chrono",
            "memchr",
            "pcre2",
            "percent_encoding",
            "regex",
            "regex_syntax",
            "serde_json",
            "strsim",
        ],
        never: IMPURE,
    },
    Layer { path: "model", layers: &[], crates: &["chrono", "thiserror"], never: IMPURE },
];

/// The layer that a module path lies in.
fn layer_of(module: &[&str]) -> Option<&'static Layer> {
    LAYERS
        .iter()
        .filter(|layer| module.starts_with(&layer.path.split("::").collect::<Vec<_>>()))
        .max_by_key(|layer| layer.path.len())
}

fn layer_of_file(source: &Source) -> Option<&'static Layer> {
    let module: Vec<&str> = if source.path == "src/main.rs" {
        vec!["main"]
    } else {
        source.module.iter().map(String::as_str).collect()
    };
    layer_of(&module)
}

/// Every module path of ours that a file names, from the crate's root, and where.
fn imports(source: &Source) -> Vec<(Vec<&str>, usize)> {
    let mut found = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| source.tokens[at].text.as_str());
        if before == Some("::") {
            continue;
        }
        let rest = &source.tokens[at..];
        let (base, rest) = match token.text.as_str() {
            "crate" | "routecause" if before != Some("(") => (Vec::new(), &rest[1..]),
            "super" => {
                let climbs = rest.chunks(2).take_while(|step| step[0].text == "super").count();
                // A `super` inside an inline module climbs less; what it reaches is still ours.
                let keep = source.module.len().saturating_sub(climbs);
                (source.module[..keep].iter().map(String::as_str).collect(), &rest[climbs * 2 - 1..])
            }
            _ => continue,
        };
        names(&base, rest, &mut found);
    }
    found
}

/// Follows `::a::b` and the branches of `::{a, b::c}`.
fn names<'a>(base: &[&'a str], rest: &'a [Token], found: &mut Vec<(Vec<&'a str>, usize)>) {
    let [separator, next, ..] = rest else { return };
    if separator.text != "::" {
        return;
    }
    if next.text != "{" {
        let mut path = base.to_vec();
        path.push(&next.text);
        match rest.get(2).filter(|after| after.text == "::" && path.len() < 2) {
            Some(_) => names(&path, &rest[2..], found),
            None => found.push((path, next.line)),
        }
        return;
    }
    let mut depth = 0_usize;
    for (at, token) in rest.iter().enumerate().skip(1) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 1 => return,
            "}" => depth -= 1,
            _ => {}
        }
        // The name behind `{` or `,` begins a branch.
        if depth == 1
            && matches!(token.text.as_str(), "{" | ",")
            && let Some(name) = rest.get(at + 1).filter(|name| !matches!(name.text.as_str(), "}" | "self"))
        {
            let mut path = base.to_vec();
            path.push(&name.text);
            match rest.get(at + 2).filter(|after| after.text == "::" && path.len() < 2) {
                Some(_) => names(&path, &rest[at + 2..], found),
                None => found.push((path, name.line)),
            }
        }
    }
}

/// The crates of `Cargo.toml`, as code names them.
fn dependencies() -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let mut section = "";
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && let Some((name, _)) = line.split_once([' ', '='])
            && name.starts_with(|c: char| c.is_ascii_lowercase())
        {
            names.push(name.replace('-', "_"));
        }
    }
    names
}

/// Names at the beginning of a path that are crates of `Cargo.toml`, unless the file imports a module
/// of that name from elsewhere.
fn crates<'a>(source: &'a Source, dependencies: &[String]) -> Vec<&'a Token> {
    let mut found = Vec::new();
    for (at, window) in source.tokens.windows(2).enumerate() {
        let before = at.checked_sub(1).map(|at| source.tokens[at].text.as_str());
        let name = window[0].text.as_str();
        let begins = window[1].text == "::" && before != Some("::");
        if begins && dependencies.iter().any(|dependency| dependency == name) && !is_imported(source, name) {
            found.push(&window[0]);
        }
    }
    found
}

/// Whether a `use` brings a module of this name, so that the name means that one.
fn is_imported(source: &Source, name: &str) -> bool {
    source.has(&["::", name, "::", "{", "self"])
        || source.tokens.windows(3).any(|window| {
            window[1].text == name
                && matches!(window[0].text.as_str(), "::" | "{" | ",")
                && matches!(window[2].text.as_str(), ";" | "," | "}")
        })
}

#[test]
fn every_file_belongs_to_a_layer_and_imports_only_what_its_layer_may() {
    let dependencies = dependencies();
    assert!(dependencies.contains(&"k8s_openapi".to_owned()), "{dependencies:?}");
    let mut complaints = Vec::new();
    for source in all().iter().filter(|source| source.path != "src/lib.rs") {
        let path = &source.path;
        let Some(layer) = layer_of_file(source) else {
            complaints.push(format!("{path}: lies in no layer; see LAYERS"));
            continue;
        };
        for (import, line) in imports(source) {
            let Some(other) = layer_of(&import) else { continue };
            if other.path != layer.path && !layer.layers.contains(&other.path) {
                complaints.push(format!("{path}:{line}: {} may not use {}", layer.path, import.join("::")));
            }
        }
        for token in crates(source, &dependencies) {
            if !layer.crates.contains(&token.text.as_str()) {
                complaints.push(format!("{path}:{}: {} may not name {}", token.line, layer.path, token.text));
            }
        }
        for words in layer.never {
            for token in source.occurrences(words) {
                let words = words.concat();
                complaints.push(format!("{path}:{}: {} may not say {words}", token.line, layer.path));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_layers_have_no_cycle() {
    for (at, layer) in LAYERS.iter().enumerate() {
        for name in layer.layers {
            let other = LAYERS.iter().position(|other| other.path == *name).expect("a layer of the table");
            assert!(other > at, "{} comes above {name}", layer.path);
        }
    }
}

#[test]
fn the_library_is_a_list_of_modules() {
    let sources = all();
    let library = sources.iter().find(|source| source.path == "src/lib.rs").expect("src/lib.rs");
    for word in ["fn", "struct", "enum", "impl", "use"] {
        assert!(!library.has(&[word]), "src/lib.rs holds a {word}");
    }
}
