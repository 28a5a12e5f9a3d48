use std::net::SocketAddr;
use std::time::{Duration, Instant};

use routecause::server::http::{BearerToken, HttpSettings, listen, serve};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::mcp::{Era, dressed, server};
use crate::support::puppets;

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

async fn start(token: Option<&str>) -> Running {
    let settings = HttpSettings {
        address: "127.0.0.1:0".parse().expect("an address"),
        hosts: vec!["routecause.tools.svc".to_owned()],
        origins: vec!["https://chat.example.com".to_owned()],
        token: token.map(|token| BearerToken::parse(token).expect("a token")),
    };
    let listener = listen(&settings).await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let task = tokio::spawn(async move {
        serve(server(puppets::all()), settings, listener, stopping).await.expect("served");
    });
    Running { address, stop, task }
}

/// Status line and headers in lower case, and the body.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The first message of the body, which may be an event stream.
    fn message(&self) -> Value {
        let line = self.body.lines().find_map(|line| {
            let line = line.strip_prefix("data:").unwrap_or(line).trim();
            line.starts_with('{').then_some(line)
        });
        serde_json::from_str(line.unwrap_or_else(|| panic!("no message in {}", self.body))).expect("JSON")
    }
}

impl Running {
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), "connection: close".to_owned()];
        if !headers.iter().any(|(name, _)| *name == "host") {
            lines.push(format!("host: {}", self.address));
        }
        lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.push(format!("content-length: {}\r\n\r\n{body}", body.len()));
        let request = lines.join("\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut bytes = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes));
        read.await.expect("in time").expect("read");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        Answer { head: head.to_lowercase(), body: body.to_owned() }
    }

    /// A modern `tools/list`, with more headers.
    async fn list(&self, headers: &[(&str, &str)]) -> Answer {
        let params = dressed(Era::Modern, &json!({}), json!({}));
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params});
        let mut all = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/list"),
        ];
        all.extend(headers);
        self.send("POST", "/mcp", &all, &body.to_string()).await
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("ended");
    }
}

#[tokio::test]
async fn a_modern_request_needs_no_session_and_gets_plain_json() {
    let running = start(None).await;
    let answer = running.list(&[]).await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
    assert!(answer.header("mcp-session-id").is_none());
    assert_eq!(answer.message()["result"]["tools"][0]["name"], json!("act"));
    running.end().await;
}

#[tokio::test]
async fn a_handshake_client_gets_a_session() {
    let running = start(None).await;
    let plain = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "http", "version": "1"}}});
    let answer = running.send("POST", "/mcp", &plain, &hello.to_string()).await;
    assert_eq!(answer.message()["result"]["protocolVersion"], json!("2025-06-18"));
    let session = answer.header("mcp-session-id").expect("a session").to_owned();
    let mut with_session = plain.to_vec();
    with_session.push(("mcp-session-id", &session));
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(running.send("POST", "/mcp", &with_session, &ready.to_string()).await.status(), 202);
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
                      "params": {"name": "act", "arguments": {"word": "on"}}});
    let answer = running.send("POST", "/mcp", &with_session, &call.to_string()).await;
    assert_eq!(answer.message()["result"]["structuredContent"], json!({"did": "on"}));
    running.end().await;
}

#[tokio::test]
async fn pages_and_names_get_in_only_when_allowed() {
    let running = start(None).await;
    for (header, value, status) in [
        ("origin", "http://evil.example.com", 403),
        ("origin", "null", 403),
        ("origin", "https://chat.example.com", 200),
        ("origin", "http://localhost:3000", 200),
        ("host", "evil.example.com", 403),
        ("host", "routecause.tools.svc", 200),
        ("host", "localhost", 200),
    ] {
        assert_eq!(running.list(&[(header, value)]).await.status(), status, "{header}: {value}");
    }
    running.end().await;
}

#[tokio::test]
async fn with_a_token_only_its_holder_gets_in_and_health_is_open() {
    let running = start(Some("0123456789abcdef")).await;
    let refused = running.list(&[]).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.header("www-authenticate").is_some_and(|value| value.starts_with("bearer")));
    assert_eq!(running.list(&[("authorization", "Bearer 0123456789abcdeX")]).await.status(), 401);
    assert_eq!(running.list(&[("authorization", "Bearer 0123456789abcdef")]).await.status(), 200);
    let health = running.send("GET", "/healthz", &[], "").await;
    assert_eq!((health.status(), health.body.as_str()), (200, "ok"));
    running.end().await;
}

#[tokio::test]
async fn a_closed_connection_takes_the_call_back() {
    let running = start(None).await;
    for (word, token) in [("silent", None), ("told", Some(7))] {
        let mut params = json!({"name": "sleep", "arguments": {"word": word}});
        if let Some(token) = token {
            params["_meta"] = json!({"progressToken": token});
        }
        let mut stream = TcpStream::connect(running.address).await.expect("connected");
        stream.write_all(call(running.address, "sleep", params).as_bytes()).await.expect("written");
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(stream);
        puppets::gets_up(word).await;
    }
    running.end().await;
}

/// A modern `tools/call` as it goes over the wire.
fn call(address: SocketAddr, tool: &str, params: Value) -> String {
    let params = dressed(Era::Modern, &json!({}), params);
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
         mcp-method: tools/call\r\nmcp-name: {tool}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let running = start(None).await;
    let address = running.address;
    let request = call(address, "work", json!({"name": "work", "arguments": {}}));
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("written");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let started = Instant::now();
    running.stop.cancel();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("read");
    running.task.await.expect("ended");
    assert!(text.contains(r#"{"did":"work"}"#), "the call was answered: {text}");
    assert!(started.elapsed() < Duration::from_secs(2), "nothing else is waited for");
}
