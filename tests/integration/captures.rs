//! Captures that `routecause capture` takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use routecause::cli::{self, CliError};
use routecause::evidence::capture::{Capture, archive};
use routecause::evidence::demo;
use routecause::model::object::Kind;
use routecause::tools::{Call, Settings, Source, Toolbox, registry};
use serde_json::{Value, json};

use crate::support::api_server::{ApiServer, Reply};
use crate::support::served::{May, everything, served};

mod planted;

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every recorded incident, and the demo.
fn incidents() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("tests/scenarios")).expect("the scenarios");
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.expect("an entry").path()).collect();
    folders.push(root().join("src/evidence/capture/demo"));
    folders.sort();
    folders
}

/// Runs the command.
pub(super) async fn capture(words: &[&str]) -> Result<u8, CliError> {
    let words = ["routecause", "capture"].iter().chain(words).map(|word| (*word).into());
    cli::parse(words, registry())?.run().await
}

pub(super) fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

/// Arguments for every tool, for the complaint of an incident.
fn questions(folder: &Path) -> Vec<(&'static str, Value)> {
    let ask: Value =
        serde_json::from_slice(&std::fs::read(folder.join("ask.json")).expect("ask")).expect("json");
    let url = ask["url"].as_str().expect("a url");
    let capture = Capture::open(folder).expect("a capture");
    let ingress = &capture.raw(Kind::Ingress)[0];
    let service = &capture.raw(Kind::Service)[0]["metadata"];
    let mut diagnose = ask.clone();
    diagnose.as_object_mut().expect("ask").retain(|key, _| key != "variants");
    vec![
        ("diagnose", diagnose),
        ("get_ingress", json!({"url": url})),
        (
            "get_ingress",
            json!({"namespace": ingress["metadata"]["namespace"], "name": ingress["metadata"]["name"]}),
        ),
        ("match_path", json!({"url": url})),
        ("controller_logs_filtered", json!({"url": url})),
        ("controller_logs_filtered", json!({})),
        ("check_backend", json!({"namespace": service["namespace"], "service": service["name"]})),
        ("find_conflicts", json!({"detail": "detailed"})),
        ("correlate_changes", json!({"url": url})),
        ("exec_probe", json!({"url": url})),
    ]
}

/// What every tool answers: both halves, or the failure.
pub(super) async fn answers(
    source: Source,
    questions: &[(&'static str, Value)],
) -> Vec<(String, Value, String)> {
    let toolbox = Toolbox::new(Settings { source, ..Settings::default() });
    let mut answers = Vec::new();
    for (tool, arguments) in questions {
        let entry = registry().iter().find(|entry| entry.name == *tool).expect("a tool");
        let asked = format!("{tool} {arguments}");
        answers.push(match entry.call(&toolbox, arguments.clone(), &Call::default()).await {
            Ok(reply) => (asked, reply.structured, reply.text),
            Err(failure) => (asked, Value::Null, failure.to_string()),
        });
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_answers_every_tool_as_its_source_did_also_without_its_secrets() {
    let target = tempfile::tempdir().expect("folder");
    for folder in incidents() {
        let questions = questions(&folder);
        let before = answers(Source::Capture(folder.clone()), &questions).await;
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        // With its secrets it is compared once: they are taken out of everything in one way.
        let forms = [("redacted.tgz", "--redact"), ("plain", "--redact=false")];
        for (form, redact) in forms.into_iter().take(if name == "demo" { 2 } else { 1 }) {
            let taken = target.path().join(format!("{name}-{form}"));
            let code =
                capture(&["--capture", text(&folder), "-o", text(&taken), redact]).await.expect("a capture");
            assert_eq!(code, 0);
            let after = answers(Source::Capture(taken), &questions).await;
            same(&before, &after, &format!("{name} {form}"));
        }
    }
}

/// Both halves of two rounds of answers are the same, else what differs first.
fn same(before: &[(String, Value, String)], after: &[(String, Value, String)], of: &str) {
    for ((asked, structured, told), (_, structured_after, told_after)) in before.iter().zip(after) {
        for (one, two) in
            [(told.clone(), told_after.clone()), (structured.to_string(), structured_after.to_string())]
        {
            let at = one.chars().zip(two.chars()).take_while(|(a, b)| a == b).count();
            let from = |text: &str| text.chars().skip(at.saturating_sub(80)).take(300).collect::<String>();
            assert!(one == two, "{of}, {asked}:\n…{}\n…{}", from(&one), from(&two));
        }
    }
}

fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let contents = archive::read(path, archive::Limits::default()).expect("a capture");
    contents.files.into_iter().map(|(name, bytes)| (name, bytes.into_owned())).collect()
}

#[tokio::test]
async fn the_same_source_gives_the_same_archive() {
    let target = tempfile::tempdir().expect("folder");
    let (one, two) = (target.path().join("a.tgz"), target.path().join("b.tgz"));
    for path in [&one, &two] {
        capture(&["--demo", "-o", text(path)]).await.expect("a capture");
    }
    assert_eq!(std::fs::read(&one).expect("archive"), std::fs::read(&two).expect("archive"));
    // A capture of it is the same again.
    let again = target.path().join("c.tgz");
    capture(&["--capture", text(&one), "-o", text(&again)]).await.expect("a capture");
    assert_eq!(files(&one), files(&again));
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_left_of_what_failed() {
    let target = tempfile::tempdir().expect("folder");
    std::fs::write(target.path().join("x"), b"mine").expect("file");
    let refused = capture(&["--demo", "-o", text(target.path())]).await.expect_err("not empty");
    assert_eq!(refused.exit_code(), 2);
    assert!(refused.to_string().contains("nothing is overwritten"), "{refused}");
    // The source cannot be opened: the target goes again.
    for name in ["new", "new.tgz"] {
        let new = target.path().join(name);
        capture(&["--capture", "/nonexistent", "-o", text(&new)]).await.expect_err("no source");
        assert!(!new.exists(), "{name}");
    }
    assert_eq!(std::fs::read(target.path().join("x")).expect("file"), b"mine");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_capture_leaves_nothing() {
    let answer = served(demo::open().expect("demo"), everything());
    let server = ApiServer::start(move |seen| match seen.path.ends_with("/leases") {
        true => Reply::Silence,
        false => answer(seen),
    })
    .await;
    let target = tempfile::tempdir().expect("folder");
    for (name, signal) in [("c", "-INT"), ("c.tgz", "-TERM")] {
        let path = target.path().join(name);
        let asked = server.seen().len();
        let mut program = tokio::process::Command::new(env!("CARGO_BIN_EXE_routecause"))
            .args(["capture", "--kubeconfig", text(&server.kubeconfig("token: t0ken")), "-o", text(&path)])
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program");
        while !server.seen().iter().skip(asked).any(|seen| seen.path.ends_with("/leases")) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(path.exists(), "{name} is being written");
        let pid = program.id().expect("a process").to_string();
        let sent = tokio::process::Command::new("kill").args([signal, &pid]).status().await.expect("kill");
        assert!(sent.success());
        let ended = program.wait().await.expect("its end");
        assert_eq!(ended.code(), Some(130), "{name}");
        assert!(!path.exists(), "{name} is gone");
    }
}

/// A live cluster made of the demo, and a capture of it.
async fn taken_live(may: Box<May>, words: &[&str]) -> (ApiServer, tempfile::TempDir, PathBuf) {
    let server = ApiServer::start(served(demo::open().expect("demo"), may)).await;
    let target = tempfile::tempdir().expect("folder");
    let path = target.path().join("c");
    let kubeconfig = server.kubeconfig("token: t0ken");
    let mut all = vec!["--kubeconfig", text(&kubeconfig), "-o", text(&path)];
    all.extend(words);
    capture(&all).await.expect("a capture");
    (server, target, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_of_a_live_cluster_answers_as_the_cluster_does() {
    let (server, _target, path) = taken_live(everything(), &["--since", "2026-11-01T00:00:00Z"]).await;
    let folder = root().join("src/evidence/capture/demo");
    let mut questions = questions(&folder);
    // A live cluster records no probes, and answers them only where that is allowed.
    questions.retain(|(tool, _)| *tool != "exec_probe");
    for (tool, arguments) in &mut questions {
        if *tool == "controller_logs_filtered" {
            arguments["since"] = "2026-11-18T10:00:00Z".into();
        }
        if *tool == "correlate_changes" {
            arguments["onset"] = "2026-11-18T16:10:00Z".into();
        }
    }
    let source = Source::Cluster { kubeconfig: Some(server.path("config")), context: None };
    let live = answers(source, &questions).await;
    let captured = answers(Source::Capture(path), &questions).await;
    for ((asked, live, _), (_, captured, _)) in live.iter().zip(&captured) {
        for part in [
            "verdict",
            "alternatives",
            "decisions",
            "adoption",
            "ingress",
            "rules",
            "conflicts",
            "groups",
            "requests",
            "messages",
            "hypotheses",
            "links",
            "backend",
            "onset",
        ] {
            assert_eq!(captured[part], live[part], "{asked}: {part}");
        }
    }
    for seen in server.seen() {
        assert!(!seen.path.contains("secrets"), "{}", seen.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_an_error_of_the_capture_and_a_gap_of_its_answers() {
    let may: Box<May> = Box::new(|_, _, resource, namespace| {
        !(matches!(resource, "endpointslices" | "pods/log")
            || (resource == "configmaps" && namespace == "ingress-nginx"))
    });
    let (server, _target, path) = taken_live(may, &[]).await;
    let about: Value =
        serde_json::from_slice(&std::fs::read(path.join("capture.json")).expect("file")).expect("json");
    let errors = about["errors"].as_array().expect("errors");
    for (resource, namespace) in
        [("endpointslices", ""), ("pods/log", "ingress-nginx"), ("configmaps", "ingress-nginx")]
    {
        let there = errors.iter().any(|error| {
            error["resource"] == resource && error["namespace"] == namespace && error["reason"] == "Forbidden"
        });
        assert!(there, "{resource}: {errors:?}");
    }
    let questions = [("controller_logs_filtered", json!({"url": demo::url().expect("a url")}))];
    let source = Source::Cluster { kubeconfig: Some(server.path("config")), context: None };
    let live = answers(source, &questions).await;
    let told = answers(Source::Capture(path), &questions).await;
    assert!(told[0].2.contains("may not get pods/log"), "{}", told[0].2);
    assert_eq!(told[0].1["gaps"], live[0].1["gaps"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespaced_capture_holds_that_namespace_and_says_so() {
    let (_server, _target, path) = taken_live(everything(), &["--namespace", "shop"]).await;
    let ingresses: Value =
        serde_json::from_slice(&std::fs::read(path.join("objects/ingresses.json")).expect("file"))
            .expect("json");
    let namespaces: std::collections::BTreeSet<&str> = ingresses["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["metadata"]["namespace"].as_str().expect("namespace"))
        .collect();
    assert!(
        namespaces.iter().all(|namespace| matches!(*namespace, "shop" | "ingress-nginx")),
        "{namespaces:?}"
    );
    let capture = Capture::open(&path).expect("a capture");
    let coverage = capture.coverage(Kind::Ingress);
    assert!(!coverage.everywhere && coverage.namespaces.contains("shop"), "{coverage:?}");
    assert!(capture.missing(Kind::Ingress, "shop").is_none());
    assert!(capture.missing(Kind::Ingress, "elsewhere").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_from_an_earlier_capture_is_history() {
    let object = |path: &str, version: u32| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web, namespace: shop, uid: u, resourceVersion: '{version}'}}\n\
             spec: {{rules: [{{host: a.example, http: {{paths: [{{path: {path}, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}\n"
        )
    };
    let folder = tempfile::tempdir().expect("folder");
    let made = |name: &str, taken: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).expect("folder");
        std::fs::write(path.join("i.yaml"), text).expect("file");
        std::fs::write(path.join("capture.json"), json!({"takenAt": taken, "errors": []}).to_string())
            .expect("file");
        path
    };
    let old = made("old", "2026-11-22T10:00:00Z", object("/", 1));
    let new = made("new", "2026-11-22T10:20:00Z", object("/api", 2));
    let taken = folder.path().join("taken.tgz");
    capture(&["--capture", text(&new), "--onto", text(&old), "-o", text(&taken)]).await.expect("a capture");
    let history = files(&taken)["routecause-capture/history.jsonl"].clone();
    let lines: Vec<Value> = history
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).expect("json"))
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(
        (&lines[0]["type"], &lines[0]["observedAt"]),
        (&json!("ADDED"), &json!("2026-11-22T10:00:00Z"))
    );
    assert_eq!(
        (&lines[1]["type"], &lines[1]["notBefore"]),
        (&json!("MODIFIED"), &json!("2026-11-22T10:00:00Z"))
    );
    let question = json!({"url": "http://a.example/", "onset": "2026-11-22T10:19:00Z"});
    let told = answers(Source::Capture(taken), &[("correlate_changes", question.clone())]).await;
    assert!(told[0].2.contains("spec.rules[0].http.paths[0].path"), "{}", told[0].2);
    // The same without a third capture.
    let settings = Settings { source: Source::Capture(new), since_capture: Some(old), ..Settings::default() };
    let entry = registry().iter().find(|entry| entry.name == "correlate_changes").expect("a tool");
    let both = entry.call(&Toolbox::new(settings), question, &Call::default()).await.expect("an answer");
    assert_eq!(both.structured["hypotheses"], told[0].1["hypotheses"]);
}
