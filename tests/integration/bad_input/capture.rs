//! Files of a capture that are broken, odd, or hold odd objects.

use std::path::Path;

use k8s_openapi::api::networking::v1::Ingress;
use routecause::evidence::capture::Capture;
use routecause::model::object::Kind;
use routecause::report::gap::GapReport;
use routecause::tools::FailureCode::{NoSource, NotFound, Unreachable};
use routecause::tools::{FailureCode, Source};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::asking::{self, Case, is_harmless, library};

pub(super) const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec:\n  \
    ingressClassName: nginx\n  rules:\n  - host: shop.example.com\n    http: {paths: [{path: /, pathType: Prefix, \
    backend: {service: {name: web, port: {number: 80}}}}]}\n";

/// The Ingresses of a capture that can be read.
pub(super) fn ingresses(capture: &Capture) -> Vec<String> {
    let (mut names, _, _) = capture.list::<Ingress, _>(Kind::Ingress, |ingress| {
        let meta = ingress.metadata;
        Some(format!("{}/{}", meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default()))
    });
    names.sort();
    names
}

/// What a capture says that it could not read.
pub(super) fn gaps(capture: &Capture) -> Vec<String> {
    capture.gaps.iter().map(|gap| GapReport::from(gap).to_string()).collect()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, bytes).expect("written");
    }
    folder
}

fn source(folder: &Path) -> Source {
    Source::Capture(folder.to_owned())
}

/// Beside a good Ingress, a file like this: it is named with these words (or is none to name), and the
/// Ingress still takes its request.
async fn beside(name: &str, bytes: &[u8], words: &str) {
    let folder = folder(&[("web.yaml", INGRESS.as_bytes()), (name, bytes)]);
    let url = json!({"url": "http://shop.example.com/"});
    for tool in ["match_path", "diagnose", "get_ingress", "find_conflicts"] {
        let arguments = if tool == "find_conflicts" { json!({"namespace": "shop"}) } else { url.clone() };
        let reply = library(&source(folder.path()), tool, arguments)
            .await
            .unwrap_or_else(|error| panic!("{tool}: {error}"));
        if tool == "match_path" {
            assert_eq!(reply.structured["decisions"][0]["outcome"], json!("routed"), "{name}");
        }
        let told = format!("file {name} of the capture");
        let gaps = reply.structured["gaps"].as_array().expect("gaps").iter();
        let gap = gaps.clone().find(|gap| gap["what"] == json!(told));
        assert_eq!(gap.is_some(), !words.is_empty(), "{tool} {name}: {:#?}", gaps.collect::<Vec<_>>());
        if let Some(gap) = gap {
            let why = gap["why"].as_str().expect("a reason");
            assert!(why.contains(words), "{tool} {name}: {why}");
            assert!(reply.text.contains(&told), "{tool} {name}: both halves tell it");
        }
        assert!(is_harmless(&reply.text), "{tool} {name}");
    }
}

#[tokio::test]
async fn a_broken_file_is_named_and_costs_only_itself() {
    let deep = "[".repeat(200_000);
    let rungs: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let bomb = "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\n";
    for (name, bytes, words) in [
        ("bad.yaml", &b"kind: Service\na: [b\n: c"[..], "line 3"),
        ("bad.yml", b"\t- x: {", "line 1"),
        ("bad.json", b"{\"kind\": \"Service\", ", "EOF while parsing"),
        ("bad.json", b"{\"kind\": \"Service\"} trailing", "trailing characters"),
        ("deep.json", deep.as_bytes(), "recursion limit exceeded"),
        ("deep.yaml", deep.as_bytes(), "it nests deeper than 100 levels"),
        ("rungs.yaml", rungs.as_bytes(), "it nests deeper than 100 levels"),
        (
            "bomb.yaml",
            bomb.as_bytes(),
            "YAML aliases are not read; print the objects with `kubectl get -o yaml`",
        ),
        ("nul.yaml", b"kind: Service\nmetadata: {name: \"a\0b\"}\n", "line 2"),
        ("twice.json", b"{\"a\": {\"b\": 1, \"b\": 2}}", "the key \"b\" stands twice"),
        ("twice.yaml", b"a: 1\na: 2\n", "the key \"a\" of the document at line 1 stands twice"),
        ("bytes.json", b"{\"kind\": \"Sec\xffret\"}", "bytes that are no UTF-8"),
        (
            "nameless.json",
            b"{\"kind\": \"Service\", \"apiVersion\": \"v1\"}",
            "an object of kind Service has no metadata.name",
        ),
        (
            "list.json",
            b"{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [7, null, \"x\", []]}",
            "an entry of a list is no object",
        ),
        ("odd\u{202e}\u{1b}[31m.json", b"{", ""),
        ("probes.jsonl", b"not json\n", ""),
        ("capture.json", b"{\"takenAt\": 7}", "invalid type: integer"),
        (
            "capture.json",
            b"{\"takenAt\": \"99999-13-45T99:00:00Z\"}",
            "is no time such as 2026-11-22T10:15:00Z",
        ),
        // Nothing is wrong with these; they are none of ours.
        ("values.yaml", b"replicas: 3\n", ""),
        ("empty.yaml", b"", ""),
        ("empty.json", b"", "EOF while parsing"),
        ("notes.txt", b"\xff\xfe\x00", ""),
        ("data.json", b"[1, 2, 3]", ""),
    ] {
        beside(name, bytes, words).await;
    }
}

#[test]
fn every_encoding_of_windows_is_read() {
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    let json = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"}});
    let marked = format!("\u{feff}{json}");
    for (name, bytes) in [
        ("crlf.yaml", INGRESS.replace('\n', "\r\n").into_bytes()),
        ("mark.yaml", format!("\u{feff}{INGRESS}").into_bytes()),
        ("mark.json", marked.into_bytes()),
        ("little.yaml", utf16(&INGRESS.replace('\n', "\r\n"), u16::to_le_bytes)),
        ("big.json", utf16(&json.to_string(), u16::to_be_bytes)),
        ("crlf2.yaml", format!("---\r\n{}---\r\n", INGRESS.replace('\n', "\r\n")).into_bytes()),
    ] {
        let folder = folder(&[(name, &bytes)]);
        for path in [folder.path().to_owned(), folder.path().join(name)] {
            let capture = Capture::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                (ingresses(&capture), gaps(&capture)),
                (vec!["shop/web".to_owned()], Vec::new()),
                "{name}"
            );
        }
    }
}

#[test]
fn objects_saved_under_any_name_are_recognised() {
    for name in ["cluster.txt", "objects", "dump.out"] {
        let folder = folder(&[(name, INGRESS.as_bytes())]);
        assert_eq!(ingresses(&Capture::open(&folder.path().join(name)).expect(name)), ["shop/web"]);
    }
}

async fn unanswered(files: &[(&str, &[u8])], code: FailureCode, seen: &'static str, next: &'static str) {
    let folder = folder(files);
    let url = json!({"url": "http://shop.example.com/"});
    let cases = [Case { tool: "diagnose", arguments: url, code, seen, next }];
    asking::check(&source(folder.path()), &cases).await;
}

#[tokio::test]
async fn a_capture_without_an_answer_says_what_to_capture() {
    let capture = "capture at least `kubectl get ingress,ingressclass";
    unanswered(&[], NoSource, "holds no Kubernetes object that could be read", capture).await;
    unanswered(&[("values.yaml", b"a: 1")], NoSource, "holds no Kubernetes object", capture).await;
    unanswered(&[("x.yaml", b"a: [")], NoSource, "first fault: x.yaml: line 1", "repair it or take it again")
        .await;
    let pod = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\n";
    unanswered(
        &[("pod.yaml", pod)],
        NotFound,
        "ingresses in all namespaces: the capture does not hold it",
        "add `kubectl get ingress",
    )
    .await;
    let torn: [(&str, &[u8]); 2] = [("pod.yaml", pod), ("ingresses.yaml", b"kind: IngressList\nitems: [")];
    unanswered(
        &torn,
        Unreachable,
        "some may be in ingresses.yaml, which could not be read",
        "repair what is named there",
    )
    .await;
    let refused = br#"{"errors": [{"resource": "ingresses", "reason": "Forbidden"}]}"#;
    let refused: [(&str, &[u8]); 2] = [("pod.yaml", pod), ("capture.json", refused)];
    unanswered(
        &refused,
        FailureCode::Forbidden,
        "this identity may not list ingresses",
        "grant this identity",
    )
    .await;
    let cases = [Case {
        tool: "match_path",
        arguments: json!({"url": "http://shop.example.com/"}),
        code: NoSource,
        seen: "there is nothing at /nowhere/at/all",
        next: "check the path given with --capture",
    }];
    asking::check(&source(Path::new("/nowhere/at/all")), &cases).await;
}

/// What is in an unreadable part is not absent.
#[tokio::test]
async fn what_may_be_in_a_broken_file_is_not_called_absent() {
    let folder =
        folder(&[("web.yaml", INGRESS.as_bytes()), ("services.yaml", b"kind: ServiceList\nitems: [\n")]);
    let arguments = json!({"ingress": "shop/web"});
    let reply = library(&source(folder.path()), "check_backend", arguments).await.expect("an answer");
    assert!(reply.text.contains("some may be in services.yaml, which could not be read"), "{}", reply.text);
    assert!(!reply.text.contains("there is no Service"), "{}", reply.text);
}

fn ingress(spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec})
}

#[tokio::test]
async fn an_object_that_cannot_be_understood_is_unseen_and_not_absent() {
    let mut late = ingress(json!({}));
    late["metadata"]["creationTimestamp"] = json!("+012345-01-01T00:00:00Z");
    for object in [
        ingress(json!({"rules": [null]})),
        ingress(
            json!({"rules": [{"http": {"paths": [{"backend": {"service": {"name": "web", "port": {"number": 99_999_999_999_u64}}}}]}}]}),
        ),
        ingress(json!("text")),
        ingress(json!({"rules": {"0": {}}})),
        late,
    ] {
        let text = object.to_string();
        let folder = folder(&[
            ("o.json", text.as_bytes()),
            ("other.yaml", INGRESS.replace("web", "other").as_bytes()),
        ]);
        let cases = [Case {
            tool: "get_ingress",
            arguments: json!({"name": "shop/web"}),
            code: Unreachable,
            seen: "Not seen: Ingress shop/web: it could not be read",
            next: "close this gap",
        }];
        asking::check(&source(folder.path()), &cases).await;
    }
}

#[tokio::test]
async fn nulls_and_missing_fields_read_as_their_defaults() {
    let port = |port: Value| json!([{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": port}}}]}}]);
    for spec in [
        Value::Null,
        json!({}),
        json!({"rules": null, "tls": null, "defaultBackend": null, "ingressClassName": null}),
        json!({"rules": [{}]}),
        json!({"rules": [{"host": null, "http": null}]}),
        json!({"rules": [{"http": {"paths": null}}]}),
        json!({"rules": [{"http": {"paths": [{"path": null, "pathType": null, "backend": null}]}}]}),
        json!({"rules": port(Value::Null)}),
        json!({"rules": port(json!({"number": -1}))}),
        json!({"rules": port(json!({"number": 65536}))}),
        json!({"rules": port(json!({"number": i32::MIN}))}),
        json!({"rules": port(json!({"name": "", "number": 0}))}),
        json!({"rules": [], "surprise": {"x": [1]}}),
    ] {
        let text = ingress(spec).to_string();
        let folder = folder(&[("o.json", text.as_bytes())]);
        for (tool, arguments) in [
            ("get_ingress", json!({"name": "shop/web"})),
            ("match_path", json!({"url": "http://shop.example.com/"})),
            ("check_backend", json!({"ingress": "shop/web"})),
            ("find_conflicts", json!({"namespace": "shop"})),
            ("diagnose", json!({"url": "http://shop.example.com/"})),
        ] {
            let outcome = library(&source(folder.path()), tool, arguments).await;
            // An Ingress without any backend has no chain to check.
            let is_fine =
                outcome.as_ref().map_or_else(|failure| failure.code != FailureCode::Internal, |_| true);
            assert!(is_fine, "{tool} {text}: {outcome:?}");
            assert!(outcome.is_ok() || tool == "check_backend", "{tool} {text}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn any_number_of_broken_files_leaves_room_for_the_answer() {
    let names: Vec<String> = (0..300).map(|n| format!("broken-{n}-{}.yaml", "x".repeat(150))).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"a: ["[..])).collect();
    files.push(("web.yaml", INGRESS.as_bytes()));
    let folder = folder(&files);
    let reply =
        library(&source(folder.path()), "match_path", json!({"url": "http://shop.example.com/"})).await;
    let reply = reply.expect("an answer");
    assert!(reply.text.contains("more things: there are too many to name them all"), "{}", reply.text);
}

#[tokio::test]
async fn a_removed_value_is_unknown_and_no_name_to_match() {
    let hidden = INGRESS.replace("shop.example.com", "'***HIDDEN***'");
    let folder = folder(&[
        ("web.yaml", hidden.as_bytes()),
        ("other.yaml", INGRESS.replace("web", "other").as_bytes()),
    ]);
    let reply =
        library(&source(folder.path()), "match_path", json!({"url": "http://shop.example.com/"})).await;
    let text = reply.expect("an answer").text;
    assert!(text.contains("Ingress shop/web: its values were removed before it was captured"), "{text}");
    assert!(!text.contains("HIDDEN"), "{text}");
}
