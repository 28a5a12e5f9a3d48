//! What the program costs: start, memory, size on disk, and tokens of what it says.
//!
//! `cargo bench --bench cost` drives the release binary over standard input and output, on the demo, and
//! prints a table for `docs/numbers.md`. Times are medians of several starts; tokens are those of
//! OpenAI's newer models (o200k), other vocabularies differ by some percent. Resident memory is read from
//! `/proc`, where there is one.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that cannot be taken ends, and its table is what it prints"
)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_routecause");
const URL: &str = "https://shop.example.com/products/espresso-grinder-250";
const STARTS: usize = 15;

/// A running server and the wire to it.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--demo"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let input = child.stdin.take().expect("an input");
        let output = BufReader::new(child.stdout.take().expect("an output"));
        Self { child, input, output, asked: 0 }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input, "{message}").expect("the server reads");
        self.input.flush().expect("the server reads");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("the server answers");
            assert!(read > 0, "the server ended");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            if answer["id"] == json!(self.asked) {
                return answer["result"].clone();
            }
        }
    }

    fn greet(&mut self) {
        let client = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                            "clientInfo": {"name": "cost", "version": "1"}});
        self.ask("initialize", &client);
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Resident memory in MB, now and at most.
    fn memory(&self) -> Option<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let field = |name: &str| -> Option<f64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kilobytes / 1024.0)
        };
        Some((field("VmRSS:")?, field("VmHWM:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()
}

/// Tokens of the two halves of a result; clients show their model one of them.
fn halves(result: &Value) -> (usize, usize) {
    let text: String =
        result["content"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect();
    (tokens(&result["structuredContent"].to_string()), tokens(&text))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn row(what: &str, number: &str, bound: &str) {
    println!("| {what} | {number} | {bound} |");
}

fn starts() {
    let (mut greeted, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let began = Instant::now();
        let mut server = Server::start();
        server.greet();
        greeted.push(began.elapsed());
        server.call("get_ingress", &json!({"url": URL}));
        answered.push(began.elapsed());
    }
    row("start → handshake answered", &format!("{:.0} ms", median(greeted)), "30 ms");
    row("start → first tool result", &format!("{:.0} ms", median(answered)), "");
}

fn memory() {
    let mut server = Server::start();
    server.greet();
    server.ask("tools/list", &json!({}));
    std::thread::sleep(Duration::from_millis(200));
    let idle = server.memory();
    server.call("diagnose", &json!({"url": URL}));
    let busy = server.memory();
    if let (Some((idle, _)), Some((_, peak))) = (idle, busy) {
        row("resident memory, idle", &format!("{idle:.1} MB"), "15 MB");
        row("resident memory, most while diagnosing the demo", &format!("{peak:.1} MB"), "");
    }
    let size = std::fs::metadata(BINARY).expect("a binary").len();
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    row("binary, stripped", &format!("{:.1} MB", size as f64 / 1e6), "20 MB");
}

fn list(server: &mut Server) {
    let listed = server.ask("tools/list", &json!({}));
    let (mut lean, mut full) = (0, 0);
    for tool in listed["tools"].as_array().expect("tools") {
        let shown = json!({"name": tool["name"], "description": tool["description"],
                           "inputSchema": tool["inputSchema"]});
        lean += tokens(&shown.to_string());
        full += tokens(&shown.to_string()) + tokens(&tool["outputSchema"].to_string());
    }
    row("`tools/list`: names, descriptions, input schemas", &format!("{lean} tokens"), "3,000");
    row("`tools/list` with output schemas", &format!("{full} tokens"), "7,000");
}

/// Every tool that reads, once: from the first step along `next`, then what no step led to.
fn runbook(server: &mut Server) {
    let mut queue = vec![("get_ingress".to_owned(), json!({"url": URL}))];
    let listed = server.ask("tools/list", &json!({}));
    let names = listed["tools"].as_array().expect("tools").iter();
    let rest: Vec<String> = names.filter_map(|tool| tool["name"].as_str()).map(ToOwned::to_owned).collect();
    let mut done = BTreeSet::from(["exec_probe".to_owned(), "diagnose".to_owned()]);
    let (mut structured, mut text) = (0, 0);
    loop {
        let (tool, arguments) = if queue.is_empty() {
            let Some(tool) = rest.iter().find(|tool| !done.contains(*tool)) else { break };
            let host = tool == "find_conflicts";
            (tool.clone(), if host { json!({"host": "shop.example.com"}) } else { json!({"url": URL}) })
        } else {
            queue.remove(0)
        };
        if !done.insert(tool.clone()) {
            continue;
        }
        let result = server.call(&tool, &arguments);
        assert_ne!(result["isError"], json!(true), "{tool}: {result}");
        let (one, other) = halves(&result);
        row(&format!("· {tool}: structured, text"), &format!("{one}, {other} tokens"), "");
        structured += one;
        text += other;
        for step in result["structuredContent"]["next"].as_array().into_iter().flatten() {
            queue.push((step["tool"].as_str().expect("a tool").to_owned(), step["arguments"].clone()));
        }
    }
    row("the whole runbook: structured, text", &format!("{structured}, {text} tokens"), "4,000");
    let (one, other) = halves(&server.call("diagnose", &json!({"url": URL})));
    row("`diagnose` alone: structured, text", &format!("{one}, {other} tokens"), "1,500");
}

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| what | measured | at most |\n|---|---|---|");
    starts();
    memory();
    let mut server = Server::start();
    server.greet();
    list(&mut server);
    runbook(&mut server);
}
