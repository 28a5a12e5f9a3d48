//! The laws that the fuzz targets hold every parser and matcher to, over generated input on a stable
//! compiler, and over what once broke them.

use proptest::prelude::*;

#[expect(unreachable_pub, reason = "the file is a module of the fuzz crate, too")]
#[path = "../../fuzz/src/laws.rs"]
mod laws;

type Law = (&'static str, fn(&[u8]));

/// Every law, by the name of its fuzz target.
const LAWS: [Law; 10] = [
    ("access_log", laws::access_log),
    ("capture_archive", laws::capture_archive),
    ("controller_message", laws::controller_message),
    ("custom_log_format", laws::custom_log_format),
    ("json_log", laws::json_log),
    ("nginx_error_log", laws::nginx_error_log),
    ("objects", laws::objects),
    ("path_shape", laws::path_shape),
    ("request_url", laws::request_url),
    ("routing", laws::routing),
];

/// Pieces that get generated input far into the parsers.
const PIECES: &[&str] = &[
    "2026-11-22T10:15:01.123Z ",
    "203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] ",
    "\"GET /a?b HTTP/1.1\" ",
    "404 33 ",
    "\"-\" \"-\" 81 0.012 ",
    "[shop-web-80] [] ",
    "10.0.0.1:80, ",
    " : ",
    "I1122 10:15:01.123456 7 x.go:1] ",
    "\"Ignoring ingress\" ingress=\"",
    "2026/11/22 10:15:01 [error] 1#1: *1 ",
    ", client: ",
    ", request: \"",
    "nginx: [emerg] ",
    "{\"status\":404,",
    "\"a\":{",
    "\\u0000",
    "\\",
    "}",
    "]",
    "[",
    "{",
    "\"",
    "'",
    "\n",
    "\r\n",
    "\0",
    "$status",
    "${host}",
    "$request",
    "---\n",
    "apiVersion: networking.k8s.io/v1\n",
    "kind: Ingress\n",
    "kind: List\nitems:\n- ",
    "metadata: {name: a, namespace: b}\n",
    "spec:\n  rules:\n  - host: x\n",
    "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{\"name\":\"a\"},",
    "\"spec\":{\"rules\":[",
    "null",
    "&a ",
    "*a ",
    "? ",
    ": ",
    "- ",
    "!!binary ",
    "|\n  ",
    "<<: ",
    "http://",
    "https://",
    "a.example",
    ":80",
    ":99999",
    "/a/b",
    "/a/../b",
    "%2f",
    "[::1]",
    "@",
    "#",
    "*.",
    "\u{202e}",
    "\u{feff}",
    "PK\u{3}\u{4}",
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..24),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_is_read_every_law_holds(bytes in bytes(), raw in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, law) in LAWS {
            law(&bytes);
            law(&raw);
        }
    }
}

#[test]
fn what_once_broke_a_law_breaks_it_no_more() {
    let cases: &[(&str, &[u8])] = &[
        // A query that could not be written as it was read, and could carry a header along.
        ("request_url", b"http://a/?x #f"),
        ("request_url", b"http://a/?x\r\nHost: b"),
        // A line end before the host, which the `Host` header would have carried.
        ("request_url", b"https://\rh"),
        ("request_url", b"https://\t\tA.example"),
        // A host that read as another one the second time.
        ("request_url", b".."),
    ];
    for (name, bytes) in cases {
        let (_, law) = LAWS.iter().find(|(law, _)| law == name).expect("a law");
        law(bytes);
    }
}

#[test]
fn every_fuzz_target_has_its_law_and_every_law_its_target() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut targets: Vec<String> = std::fs::read_dir(folder)
        .expect("the targets")
        .map(|entry| {
            entry.expect("a target").path().file_stem().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    targets.sort();
    assert_eq!(targets, LAWS.map(|(name, _)| name));
}
