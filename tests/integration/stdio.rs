use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::mcp::{Era, dressed};

/// Runs the program, writes these lines and closes its input.
fn run(arguments: &[&str], environment: &[(&str, &str)], lines: &[Value]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_routecause"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("an input");
    for line in lines {
        writeln!(input, "{line}").expect("written");
    }
    drop(input);
    child.wait_with_output().expect("the program ends")
}

/// Every line of standard output, which must be protocol messages and nothing else.
fn messages(output: &Output) -> Vec<Value> {
    String::from_utf8(output.stdout.clone())
        .expect("UTF-8")
        .lines()
        .map(|line| {
            let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
            assert_eq!(message["jsonrpc"], json!("2.0"), "{line}");
            message
        })
        .collect()
}

fn handshake() -> Vec<Value> {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                       "clientInfo": {"name": "lines", "version": "1"}});
    vec![
        json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    ]
}

fn modern(id: u32, method: &str) -> Value {
    let params = dressed(Era::Modern, &json!({}), json!({}));
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

#[test]
fn standard_output_is_the_protocol_whatever_is_logged() {
    let mut lines = handshake();
    lines.push(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
    lines.push(json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "nope"}}));
    lines.push(json!({"not": "a message"}));
    let output = run(&["serve"], &[("RUST_LOG", "trace")], &lines);
    assert!(output.status.success(), "{output:?}");
    let mut ids: Vec<_> = messages(&output).iter().filter_map(|message| message["id"].as_u64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3]);
    assert!(!output.stderr.is_empty(), "the log is on standard error");
}

#[test]
fn both_eras_are_answered_and_the_end_of_input_is_a_clean_end() {
    let output = run(&["serve"], &[], &[modern(1, "server/discover"), modern(2, "tools/list")]);
    assert!(output.status.success());
    assert_eq!(messages(&output).len(), 2);
    let silent = run(&["serve"], &[], &[]);
    assert!(silent.status.success() && silent.stdout.is_empty());
}

#[test]
fn a_broken_kubeconfig_is_no_reason_not_to_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("config");
    std::fs::write(&broken, "not: [a kubeconfig").expect("written");
    let path = broken.to_str().expect("a path");
    for (arguments, environment) in [
        (vec!["serve"], vec![("KUBECONFIG", path)]),
        (vec!["serve", "--kubeconfig", path], vec![]),
        (vec!["serve", "--capture", "/nowhere"], vec![]),
    ] {
        let mut lines = handshake();
        lines.push(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}));
        let output = run(&arguments, &environment, &lines);
        assert!(output.status.success(), "{arguments:?}");
        assert_eq!(messages(&output).len(), 2, "{arguments:?}");
    }
}

#[test]
fn bad_flags_end_with_64_and_a_hint() {
    for (arguments, part) in [
        (vec!["nonsense"], "nonsense"),
        (vec!["serve", "--http", "0.0.0.0:0"], "--bearer-token-file"),
        (vec!["serve", "--http", "127.0.0.1:0", "--bearer-token-file", "/nowhere"], "cannot read /nowhere"),
        (vec!["serve", "--allow-probe=telnet"], "use direct, port_forward or exec"),
        (vec!["serve", "--demo", "--capture", "x"], "--capture"),
    ] {
        let output = run(&arguments, &[], &[]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {complaint}");
        assert!(complaint.contains(part), "{arguments:?}: {complaint}");
    }
}
