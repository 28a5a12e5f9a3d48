//! Asks one question the three ways in, and holds the answers against each other.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use routecause::tools::{Call, FailureCode, Reply, Settings, Source, ToolFailure, Toolbox, registry};
use serde_json::{Map, Value, json};

/// Asks the library.
pub(super) async fn library(source: &Source, tool: &str, arguments: Value) -> Result<Reply, ToolFailure> {
    let toolbox = Toolbox::new(Settings { source: source.clone(), ..Settings::default() });
    let entry = registry().iter().find(|entry| entry.name == tool).expect("a tool");
    entry.call(&toolbox, arguments, &Call::default()).await
}

/// The flags of the program that name a source.
fn flags(source: &Source) -> Vec<String> {
    let path = |path: &Path| path.to_str().expect("a path").to_owned();
    match source {
        Source::Capture(capture) => vec!["--capture".to_owned(), path(capture)],
        Source::Demo => vec!["--demo".to_owned()],
        Source::Cluster { kubeconfig, context } => {
            let file = kubeconfig.iter().flat_map(|file| ["--kubeconfig".to_owned(), path(file)]);
            let context = context.iter().flat_map(|name| ["--context".to_owned(), name.clone()]);
            file.chain(context).collect()
        }
    }
}

fn program(arguments: &[String], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_routecause"))
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", "/nowhere")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("an input");
    // A program that reads no input may have ended already.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    child.wait_with_output().expect("the program ends")
}

/// Asks on the command line: each text argument as `--flag VALUE`.
pub(super) fn command_line(source: &Source, tool: &str, arguments: &Value) -> Output {
    let mut words = vec![tool.replace('_', "-")];
    words.extend(flags(source));
    for (name, value) in arguments.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        words.push(format!("--{}={value}", name.replace('_', "-")));
    }
    program(&words, "")
}

/// Asks all of this over one MCP connection; of each call its whole result.
pub(super) fn over_mcp(source: &Source, calls: &[(&str, Value)]) -> Vec<Value> {
    let mut lines = vec![
        json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "lines", "version": "1"}}}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        json!({"jsonrpc": "2.0", "id": "list", "method": "tools/list"}),
    ];
    lines.extend(calls.iter().enumerate().map(|(id, (tool, arguments))| {
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
    }));
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut words = vec!["serve".to_owned()];
    words.extend(flags(source));
    let output = program(&words, &input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut answers: Map<String, Value> = Map::new();
    for line in String::from_utf8(output.stdout).expect("UTF-8").lines() {
        let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON-RPC: {line}"));
        assert_eq!(message["jsonrpc"], json!("2.0"), "{line}");
        answers.insert(message["id"].to_string(), message["result"].clone());
    }
    assert_eq!(answers["\"hello\""]["protocolVersion"], json!("2025-11-25"), "the handshake is answered");
    let listed = answers["\"list\""]["tools"].as_array().expect("the tools are listed").len();
    assert_eq!(listed, registry().len());
    (0..calls.len()).map(|id| answers[&id.to_string()].clone()).collect()
}

/// One question that cannot be answered: what must be said, and what to do.
pub(super) struct Case {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
    pub(super) code: FailureCode,
    /// Parts of what was seen and of what to do.
    pub(super) seen: &'static str,
    pub(super) next: &'static str,
}

/// Every question fails in the same words in the library, on the command line and over MCP.
pub(super) async fn check(source: &Source, cases: &[Case]) {
    let calls: Vec<(&str, Value)> = cases.iter().map(|case| (case.tool, case.arguments.clone())).collect();
    let answers = over_mcp(source, &calls);
    for (Case { tool, arguments, code, seen, next }, answer) in cases.iter().zip(answers) {
        let about = format!("{tool} {arguments}");
        let failure = library(source, tool, arguments.clone()).await.expect_err(&about);
        assert_eq!(failure.code, *code, "{about}: {failure}");
        assert!(failure.seen.contains(seen), "{about}: {failure}\nshould have seen: {seen}");
        assert!(failure.next.contains(next), "{about}: {failure}\nshould say next: {next}");
        let text = failure.to_string();
        assert!(is_harmless(&text) && text.lines().count() == 2 && text.len() < 2_000, "{about}: {text}");

        assert_eq!(answer["isError"], json!(true), "{about}: {answer}");
        assert_eq!(answer["content"][0]["text"], json!(text), "{about}");
        assert!(answer.get("structuredContent").is_none(), "{about}");

        let output = command_line(source, tool, arguments);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let exit = if *code == FailureCode::BadArguments { 64 } else { 2 };
        assert_eq!(output.status.code(), Some(exit), "{about}: {complaint}");
        assert!(output.stdout.is_empty(), "{about}: a failure is no answer");
        assert!(complaint.contains(&text) || complaint.contains("Usage:"), "{about}: {complaint}");
    }
}

/// Whether a text holds nothing that hides, moves or colours.
pub(super) fn is_harmless(text: &str) -> bool {
    text.chars().all(|c| {
        (!c.is_control() || c == '\n')
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
                | '\u{ad}' | '\u{e0000}'..='\u{e0fff}')
    })
}
