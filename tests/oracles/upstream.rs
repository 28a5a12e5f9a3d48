//! What stands behind every Service: one server on all addresses that says at which of them it was asked,
//! and for what, byte for byte.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{EXTERNAL, EXTERNAL_PORT, NAMESPACES, pod};

/// The ports of pods: `http` and `alt`.
pub(crate) const PORTS: [u16; 2] = [8080, 8081];

/// Starts it.
pub(crate) async fn start() {
    let external = NAMESPACES.iter().filter_map(|namespace| pod(namespace, EXTERNAL));
    let external = external.map(|address| SocketAddr::from((address, EXTERNAL_PORT)));
    let everywhere = PORTS.map(|port| SocketAddr::from(([0, 0, 0, 0], port)));
    for address in everywhere.into_iter().chain(external) {
        let listener = TcpListener::bind(address).await.expect("a port of a network of our own");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
    }
}

/// Answers every request of a connection; requests have no body.
async fn answer(mut stream: TcpStream) {
    let Ok(here) = stream.local_addr() else { return };
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = memchr::memmem::find(&seen, b"\r\n\r\n") {
            let head: Vec<u8> = seen.drain(..end + 4).collect();
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            let mut text = format!("HTTP/1.1 200 OK\r\nX-Upstream: {here}\r\nX-Target: ").into_bytes();
            text.extend_from_slice(target);
            text.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
            if stream.write_all(&text).await.is_err() {
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => seen.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
}
