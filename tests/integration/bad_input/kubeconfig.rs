//! Kubeconfigs that cannot be used: the protocol works all the same, and every call explains.

use std::path::PathBuf;

use routecause::tools::FailureCode::NoSource;
use routecause::tools::{Source, registry};
use serde_json::{Value, json};

use super::asking::{self, Case, over_mcp};

const WHOLE: &str = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
    clusters:\n- {name: one, cluster: {server: 'https://127.0.0.1:1'}}\n\
    users:\n- {name: me, user: {token: s3cret}}\n\
    contexts:\n- {name: here, context: {cluster: one, user: me}}\n\
    - {name: gone, context: {cluster: lost, user: me}}\n\
    - {name: nobody, context: {cluster: one, user: lost}}\n";

async fn check(text: Option<&[u8]>, context: Option<&str>, seen: &'static str, next: &'static str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("config");
    if let Some(text) = text {
        std::fs::write(&path, text).expect("written");
    }
    let source = Source::Cluster { kubeconfig: Some(path), context: context.map(str::to_owned) };
    let case = |tool, arguments| Case { tool, arguments, code: NoSource, seen, next };
    let url = json!({"url": "http://shop.example.com/"});
    asking::check(&source, &[case("diagnose", url)]).await;
}

#[tokio::test]
async fn every_unusable_kubeconfig_is_explained() {
    check(None, None, "cannot be read: entity not found", "check the path given with --kubeconfig").await;
    check(Some(b""), None, "holds no context", "add a cluster").await;
    check(Some(b"null"), None, "holds no context", "add a cluster").await;
    check(Some(b"clusters: null\ncontexts: null\n"), None, "holds no context", "add a cluster").await;
    check(
        Some(b"users: [{token: s3cret\n:"),
        None,
        "cannot be understood: not a valid kubeconfig at line",
        "correct the file",
    )
    .await;
    check(Some(b"just words"), None, "cannot be understood", "correct the file").await;
    check(Some(b"\xff\xfe\x00\x01\x02"), None, "cannot be", "").await;
    check(Some(b"\x00\x00\x00"), None, "cannot be understood", "").await;
    let deep = format!("contexts: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    check(Some(deep.as_bytes()), None, "cannot be understood", "correct the file").await;
    let rungs: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    check(Some(rungs.as_bytes()), None, "cannot be understood", "correct the file").await;
    let ladder = "- ".repeat(10_000);
    check(Some(ladder.as_bytes()), None, "cannot be understood", "correct the file").await;
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\ncontexts: [*e,*e,*e,*e,*e]\n";
    check(Some(bomb.as_bytes()), None, "cannot be understood", "correct the file").await;
}

#[tokio::test]
async fn a_context_that_leads_nowhere_is_told_with_those_there_are() {
    let whole = Some(WHOLE.as_bytes());
    check(
        whole,
        Some("prod"),
        "has no context \"prod\"; it has: gone, here, nobody",
        "one of these with --context",
    )
    .await;
    check(
        whole,
        Some("gone"),
        "names the cluster \"lost\", which the kubeconfig does not have",
        "add the missing entry",
    )
    .await;
    check(whole, Some("nobody"), "names the user \"lost\"", "add the missing entry").await;
    let nowhere = WHOLE.replace("current-context: here\n", "");
    check(
        Some(nowhere.as_bytes()),
        None,
        "has no current context; it has: gone, here, nobody",
        "give --context NAME",
    )
    .await;
    let addressless = WHOLE.replace("https://127.0.0.1:1", "not an address");
    check(Some(addressless.as_bytes()), None, "no usable server address", "set `server: https://HOST:PORT`")
        .await;
    let odd =
        WHOLE.replace("name: here", "name: \"he\\u202ere\\e[31m\"").replace("current-context: here\n", "");
    check(Some(odd.as_bytes()), None, "has no current context", "give --context").await;
}

#[test]
fn every_tool_explains_and_none_hangs_or_ends_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    std::fs::write(&path, "not: [a kubeconfig").expect("written");
    let source = Source::Cluster { kubeconfig: Some(path), context: None };
    let calls: Vec<(&str, Value)> = registry()
        .iter()
        .map(|entry| {
            let properties = entry.input_schema["properties"].as_object().expect("properties");
            let url = json!({"url": "http://shop.example.com/"});
            (entry.name, if properties.contains_key("url") { url } else { json!({"namespace": "shop"}) })
        })
        .collect();
    for ((tool, _), answer) in calls.iter().zip(over_mcp(&source, &calls)) {
        let text = answer["content"][0]["text"].as_str().expect("a text");
        let is_explained =
            text.starts_with("Error no_source: the kubeconfig ") && text.contains("\nNext: correct the file");
        // Probes are off before anything is read.
        assert!(
            is_explained || (*tool == "exec_probe" && text.starts_with("Error disabled: ")),
            "{tool}: {text}"
        );
    }
}
