//! A client that writes the protocol's lines itself, so that what is tested is what is sent.

use std::time::Duration;

use routecause::server::{Seal, Server};
use routecause::tools::{Entry, Settings, Toolbox};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

/// The two ways to speak the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// A handshake, then requests.
    Legacy,
    /// Every request says which revision it speaks.
    Modern,
}

pub(crate) const BOTH: [Era; 2] = [Era::Legacy, Era::Modern];

/// A connection to a server in this process.
pub(crate) struct Client {
    era: Era,
    capabilities: Value,
    last: u64,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    sink: WriteHalf<DuplexStream>,
    /// Notifications and requests of the server that came between answers.
    pub(crate) heard: Vec<Value>,
}

pub(crate) fn server(tools: &'static [Entry]) -> Server {
    Server::new(Toolbox::new(Settings::default()), tools, Seal::random().expect("a seal"))
}

impl Client {
    pub(crate) async fn connect(tools: &'static [Entry], era: Era) -> Self {
        Self::with_capabilities(tools, era, json!({})).await
    }

    pub(crate) async fn with_capabilities(tools: &'static [Entry], era: Era, capabilities: Value) -> Self {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move {
            let running = rmcp::ServiceExt::serve(server(tools), theirs).await.expect("the server starts");
            running.waiting().await.expect("the server ends");
        });
        let (source, sink) = tokio::io::split(ours);
        let lines = BufReader::new(source).lines();
        let mut client = Self { era, capabilities, last: 0, lines, sink, heard: Vec::new() };
        if era == Era::Legacy {
            let hello = json!({
                "protocolVersion": "2025-11-25", "capabilities": client.capabilities,
                "clientInfo": {"name": "lines", "version": "1"},
            });
            client.ask("initialize", hello).await.expect("a handshake");
            client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        }
        client
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.sink.write_all(format!("{message}\n").as_bytes()).await.expect("written");
    }

    /// Sends a request and gives its number.
    pub(crate) async fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let params = dressed(self.era, &self.capabilities, params);
        self.send(&json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})).await;
        self.last
    }

    /// The next message of the server.
    pub(crate) async fn next(&mut self, patience: Duration) -> Option<Value> {
        let line = tokio::time::timeout(patience, self.lines.next_line()).await.ok()?;
        let line = line.expect("readable").expect("the connection stands");
        Some(serde_json::from_str(&line).expect("JSON"))
    }

    /// The result or error of a request; what came before it is kept in `heard`.
    pub(crate) async fn answer(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            let message = self.next(Duration::from_secs(20)).await.expect("an answer in time");
            if message["id"] == json!(id) && message.get("method").is_none() {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
            self.heard.push(message);
        }
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.begin(method, params).await;
        self.answer(id).await
    }

    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value, Value> {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await
    }
}

/// Parameters with what the era wants along.
pub(crate) fn dressed(era: Era, capabilities: &Value, mut params: Value) -> Value {
    if era == Era::Modern {
        let meta = params
            .as_object_mut()
            .expect("parameters are an object")
            .entry("_meta")
            .or_insert_with(|| json!({}));
        meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        meta["io.modelcontextprotocol/clientCapabilities"] = capabilities.clone();
    }
    params
}
