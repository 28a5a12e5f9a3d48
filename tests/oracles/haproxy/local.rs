//! The service inside haproxytech's controller that answers where nothing else does: two health pages,
//! one of them with its name misspelt, behind a router that mends paths.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(super) const PORT: u16 = 6061;
const PAGES: [&str; 2] = ["/healthz", "/healtz"];

pub(super) async fn start(address: SocketAddr) {
    let listener = TcpListener::bind(address).await.expect("a port of a network of our own");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
}

/// Answers one request of a connection.
async fn serve(mut stream: TcpStream) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while memchr::memmem::find(&seen, b"\r\n\r\n").is_none() {
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => seen.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&seen);
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let host = head.lines().find_map(|line| line.strip_prefix("host: ").or(line.strip_prefix("Host: ")));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (status, page) = answer(method, path);
    let location = page.map_or_else(String::new, |page| {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        format!("Location: http://{}{page}{query}\r\n", host.unwrap_or_default())
    });
    let text = format!("HTTP/1.1 {status} So\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(text.as_bytes()).await;
}

/// The status, and where to go instead.
fn answer(method: &str, path: &str) -> (u16, Option<&'static str>) {
    let is_page = PAGES.contains(&path);
    match method {
        "GET" if is_page => (200, None),
        "GET" => {
            let mended = mended(path);
            let page = PAGES.into_iter().find(|page| page.eq_ignore_ascii_case(mended.trim_end_matches('/')));
            page.map_or((404, None), |page| (301, Some(page)))
        }
        "OPTIONS" if is_page => (200, None),
        _ if is_page => (405, None),
        _ => (404, None),
    }
}

/// A path without escapes, empty elements and dots.
fn mended(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        rest = others;
        let escaped = others.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => bytes.push(first),
        }
    }
    let mut elements: Vec<&str> = Vec::new();
    let text = String::from_utf8_lossy(&bytes);
    for element in text.split('/') {
        match element {
            "" | "." => {}
            ".." => {
                elements.pop();
            }
            element => elements.push(element),
        }
    }
    format!("/{}", elements.join("/"))
}
