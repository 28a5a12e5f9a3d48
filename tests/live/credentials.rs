//! Who asks, and how that goes wrong: tokens that end or are rotated, login plugins that read, hang or
//! print rubbish, contexts, and things that are not there.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::ask::{ask, try_ask};
use crate::plane::Plane;
use crate::plane::identity::{base64, toolbox};
use crate::shop::{self, ingress};
use crate::suite::{Case, Suite};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_token_that_is_worth_nothing_any_more_is_said_so,
        a_rotated_token_file_is_read_again,
        a_plugin_whose_token_was_revoked_is_run_again,
        a_plugin_gets_nothing_of_the_protocol_on_standard_input,
        a_plugin_that_hangs_costs_its_deadline,
        a_plugin_that_prints_rubbish_is_told_without_what_it_printed,
        each_call_may_name_its_context,
        a_missing_namespace_is_told_from_a_missing_ingress,
    ]
}

const LIST: &str = "find_conflicts";

async fn prepared(plane: &Plane, name: &str) {
    plane.namespace(name).await;
    let object = ingress(name, &format!("{name}.example.com"), &json!([shop::path("/", "web")]));
    plane.apply(&object.to_string()).await;
}

async fn a_token_that_is_worth_nothing_any_more_is_said_so(suite: &'static Suite) {
    let plane = suite.plane().await;
    prepared(plane, "expired").await;
    let identity = plane.reader("expired").await;
    let toolbox = plane.toolbox(&identity, &[]);
    let question = json!({"namespace": "expired", "name": "shop"});
    ask(&toolbox, "get_ingress", question.clone()).await;
    plane.forget(&identity).await;
    // The API server remembers a good token for ten seconds.
    let failure = plane
        .until("the token is refused", || async {
            try_ask(&toolbox, "get_ingress", question.clone()).await.map(|reply| reply.structured).err()
        })
        .await;
    assert!(["forbidden", "unreachable"].contains(&failure.code.as_str()), "{failure}");
    let text = failure.to_string();
    assert!(text.contains("identity") || text.contains("credentials"), "{failure}");
    assert!(!text.contains(&identity.token), "{failure}");
    for tool in [LIST, "match_path", "diagnose", "correlate_changes", "controller_logs_filtered"] {
        let arguments = match tool {
            LIST => json!({}),
            _ => json!({"url": "http://expired.example.com/"}),
        };
        let failure = try_ask(&toolbox, tool, arguments).await.map(|reply| reply.structured);
        let failure = failure.expect_err("nothing can be told");
        assert_ne!(failure.code.as_str(), "not_found", "{tool}: {failure}");
    }
}

async fn a_rotated_token_file_is_read_again(suite: &'static Suite) {
    let plane = suite.plane().await;
    let first = plane.reader("rotated-first").await;
    let second = plane.reader("rotated-second").await;
    let token = plane.path("rotated.token");
    std::fs::write(&token, &first.token).expect("a token");
    let kubeconfig = plane.kubeconfig("rotated");
    plane.write_kubeconfig(&kubeconfig, plane.address, &json!({"tokenFile": token}));
    let toolbox = toolbox(kubeconfig, None, &[]);
    ask(&toolbox, LIST, json!({})).await;
    std::fs::write(&token, &second.token).expect("a token");
    plane.forget(&first).await;
    // Past the ten seconds for which the API server remembers the first.
    let old = crate::plane::identity::client(&first.kubeconfig).await;
    plane
        .until("the first token is refused", || async {
            let request = http::Request::get("/api/v1/pods").body(Vec::new()).expect("a request");
            let refused = old.request_text(request).await.err()?;
            matches!(&refused, kube::Error::Api(status) if status.code == 401).then_some(())
        })
        .await;
    ask(&toolbox, LIST, json!({})).await;
}

/// A login plugin: a shell script in the plane's folder, as a user entry.
fn plugin(plane: &Plane, name: &str, script: &str) -> Value {
    let file = plane.path(&format!("{name}.sh"));
    std::fs::write(&file, script).expect("a script");
    json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
                    "args": [file], "interactiveMode": "IfAvailable"}})
}

fn prints(token_from: &str) -> String {
    format!(
        "printf '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{{\"token\":\"%s\"}}}}' \"$({token_from})\"\n"
    )
}

fn with_plugin(plane: &Plane, name: &str, script: &str) -> PathBuf {
    let kubeconfig = plane.kubeconfig(name);
    plane.write_kubeconfig(&kubeconfig, plane.address, &plugin(plane, name, script));
    kubeconfig
}

async fn a_plugin_whose_token_was_revoked_is_run_again(suite: &'static Suite) {
    let plane = suite.plane().await;
    let first = plane.reader("revoked-first").await;
    let second = plane.reader("revoked-second").await;
    let token = plane.path("revoked.token");
    std::fs::write(&token, &first.token).expect("a token");
    let script = prints(&format!("cat {}", token.display()));
    let toolbox = toolbox(with_plugin(plane, "revoked", &script), None, &[]);
    ask(&toolbox, LIST, json!({})).await;
    plane.forget(&first).await;
    std::fs::write(&token, &second.token).expect("a token");
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        // At no moment is there anything but the answer.
        ask(&toolbox, LIST, json!({})).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn a_plugin_gets_nothing_of_the_protocol_on_standard_input(suite: &'static Suite) {
    let plane = suite.plane().await;
    let identity = plane.reader("reads").await;
    let eaten = plane.path("eaten");
    let script =
        format!("head -c 100 > {}\n{}", eaten.display(), prints(&format!("echo {}", identity.token)));
    let kubeconfig = with_plugin(plane, "reads", &script);
    let answers = tokio::task::spawn_blocking(move || serve(&kubeconfig)).await.expect("answers");
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert!(answers[1].contains("\"id\":2") && !answers[1].contains("\"isError\":true"), "{}", answers[1]);
    assert_eq!(std::fs::read_to_string(eaten).expect("what it read"), "");
}

/// Starts the server over standard input and output, and asks one tool.
fn serve(kubeconfig: &Path) -> Vec<String> {
    let mut server = Command::new(env!("CARGO_BIN_EXE_routecause"))
        .arg("serve")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let mut input = server.stdin.take().expect("its input");
    let mut output = BufReader::new(server.stdout.take().expect("its output")).lines();
    let mut answers = Vec::new();
    let mut ask = |message: Value, answered: bool| {
        writeln!(input, "{message}").expect("written");
        if answered {
            answers.push(output.next().expect("an answer").expect("a line"));
        }
    };
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    ask(json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}), true);
    ask(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}), false);
    let call = json!({"name": LIST, "arguments": {}});
    ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}), true);
    drop(input);
    server.wait().expect("its end");
    answers
}

async fn a_plugin_that_hangs_costs_its_deadline(suite: &'static Suite) {
    let plane = suite.plane().await;
    let toolbox = toolbox(with_plugin(plane, "hangs", "sleep 120\n"), None, &[]);
    let started = Instant::now();
    let failure = try_ask(&toolbox, LIST, json!({})).await.map(|reply| reply.structured);
    let failure = failure.expect_err("no login");
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    assert_eq!(failure.code.as_str(), "no_source", "{failure}");
    assert!(failure.seen.contains("sh"), "{failure}");
}

async fn a_plugin_that_prints_rubbish_is_told_without_what_it_printed(suite: &'static Suite) {
    let plane = suite.plane().await;
    for (number, script) in [
        "echo s3cret-t0ken\n",
        "echo s3cret-t0ken >&2; exit 3\n",
        "printf '{\"token\":\"s3cret-t0ken\"}'\n",
        ":\n",
    ]
    .into_iter()
    .enumerate()
    {
        let toolbox = toolbox(with_plugin(plane, &format!("rubbish-{number}"), script), None, &[]);
        let failure = try_ask(&toolbox, LIST, json!({})).await.map(|reply| reply.structured);
        let failure = failure.expect_err("no login");
        assert_eq!(failure.code.as_str(), "no_source", "{script}: {failure}");
        assert!(!failure.to_string().contains("\"s3cret"), "{script}: {failure}");
    }
}

async fn each_call_may_name_its_context(suite: &'static Suite) {
    let plane = suite.plane().await;
    prepared(plane, "contexts").await;
    let (reader, nobody) = (plane.reader("contexts").await, plane.identity("contexts-nobody").await);
    let context = |name: &str| json!({"name": name, "context": {"cluster": "plane", "user": name}});
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "reader",
        "clusters": [{"name": "plane", "cluster": {
            "server": format!("https://{}", plane.address),
            "certificate-authority-data": base64(plane.authority.pem())}}],
        "users": [{"name": "reader", "user": {"token": reader.token}},
                  {"name": "nobody", "user": {"token": nobody.token}}],
        "contexts": [context("reader"), context("nobody")],
    });
    let kubeconfig = plane.kubeconfig("contexts-both");
    std::fs::write(&kubeconfig, config.to_string()).expect("a kubeconfig");
    let toolbox = toolbox(kubeconfig, None, &[]);
    let question = |context: &str| json!({"namespace": "contexts", "name": "shop", "context": context});
    for _ in 0..2 {
        ask(&toolbox, "get_ingress", question("reader")).await;
        let refused =
            try_ask(&toolbox, "get_ingress", question("nobody")).await.map(|reply| reply.structured);
        assert_eq!(refused.expect_err("no right").code.as_str(), "forbidden");
    }
    let unknown = try_ask(&toolbox, "get_ingress", question("elsewhere")).await.map(|reply| reply.structured);
    let unknown = unknown.expect_err("no context");
    assert!(unknown.seen.contains("nobody, reader"), "{unknown}");
}

async fn a_missing_namespace_is_told_from_a_missing_ingress(suite: &'static Suite) {
    let plane = suite.plane().await;
    prepared(plane, "present").await;
    let identity = plane.reader("present").await;
    let toolbox = plane.toolbox(&identity, &[]);
    for (namespace, name, says) in [
        ("absent", "shop", "there is no namespace absent"),
        ("present", "shopp", "there is no Ingress shopp in namespace present"),
        ("people", "shop", "there is no Ingress shop in namespace people"),
    ] {
        let asked = json!({"namespace": namespace, "name": name});
        let failure = try_ask(&toolbox, "get_ingress", asked).await.map(|reply| reply.structured);
        let failure = failure.expect_err("nothing there");
        assert_eq!(failure.code.as_str(), "not_found", "{failure}");
        assert!(failure.seen.contains(says), "{failure}");
    }
}
