//! Sends one HTTP request over a connection that is already there, and reads the head of the answer.
//!
//! The request's target goes over the wire byte for byte. Only GET and HEAD are sent, nothing follows
//! redirects, and no header comes from anywhere but the request.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;

use super::clients::USER_AGENT_VALUE;
use super::fault::Fault;
use super::recorded_tls;
use super::transport::seconds;
use crate::model::gap::Why;
use crate::model::request::Request;

/// What bounds one request, and how it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeLimits {
    pub deadline: Duration,
    /// The part of the body that is kept.
    pub max_body: usize,
    /// Whether the other end expects a PROXY protocol line first.
    pub proxy_protocol: bool,
    /// Whether addresses of this very machine may be asked: for trials, where a cluster's addresses are
    /// loopback ones.
    pub loopback: bool,
}

impl Default for ProbeLimits {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(5), max_body: 16 << 10, proxy_protocol: false, loopback: false }
    }
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    /// In the order received; values that are no text are replaced lossily.
    pub headers: Vec<(String, String)>,
    /// The head of the body.
    pub body: Vec<u8>,
    /// From the sending of the request to the head of the answer.
    pub millis: u64,
    /// What the served certificate says, where TLS was used.
    pub certificate: Option<String>,
}

/// Sends the request over `stream`, inside TLS for the server name when one is given.
pub(super) async fn send<S>(
    mut stream: S,
    tls: Option<&str>,
    request: &Request,
    limits: ProbeLimits,
) -> Result<HttpAnswer, Why>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = write(request)?;
    if limits.proxy_protocol {
        stream.write_all(b"PROXY UNKNOWN\r\n").await.map_err(|error| unreachable(&error))?;
    }
    match tls {
        None => exchange(stream, request, limits, None).await,
        Some(name) => {
            let (stream, certificate) =
                recorded_tls::connect(stream, name).await.map_err(|detail| Why::NoAnswer { detail })?;
            exchange(stream, request, limits, certificate).await
        }
    }
}

type Outgoing = http::Request<Empty<Bytes>>;

/// The request in the HTTP library's terms.
fn write(request: &Request) -> Result<Outgoing, Why> {
    let refused = |detail: String| Why::Unsupported { detail };
    let method = match request.method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        _ => return Err(refused("probes send GET and HEAD only".to_owned())),
    };
    // Not parsed as a whole: a target such as `//x` would read as an authority.
    let target = PathAndQuery::try_from(request.target())
        .map_err(|_| refused("the path holds a character that must be percent-encoded".to_owned()))?;
    let mut outgoing = http::Request::new(Empty::new());
    *outgoing.method_mut() = method;
    *outgoing.uri_mut() = Uri::from(target);
    let headers = outgoing.headers_mut();
    let host = HeaderValue::from_str(&request.authority())
        .map_err(|_| refused("the host is no header value".to_owned()))?;
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    for (name, value) in &request.headers {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value))
        else {
            return Err(refused(format!("the header {shown:?} cannot be sent")));
        };
        // Those that frame the message are the library's.
        if ![HOST, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE].contains(&name) {
            headers.insert(name, value);
        }
    }
    // No `Connection: close`: a server that hangs up first may cut off its own answer where the
    // connection goes through a port-forward.
    Ok(outgoing)
}

async fn exchange<S>(
    stream: S,
    request: Outgoing,
    limits: ProbeLimits,
    certificate: Option<String>,
) -> Result<HttpAnswer, Why>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(64 << 10)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(&error))?;
    // Dropped with this call, which closes the connection.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let sent = Instant::now();
    let response = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
    let millis = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (head, body) = response.into_parts();
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    Ok(HttpAnswer {
        status: head.status.as_u16(),
        headers,
        body: read_head(body, limits.max_body, limits.deadline.saturating_sub(sent.elapsed())).await,
        millis,
        certificate,
    })
}

/// The head of a body; a body that breaks off or takes too long is shown as far as it came.
async fn read_head(mut body: Incoming, keep: usize, within: Duration) -> Vec<u8> {
    let mut head = Vec::new();
    // Before the call's own deadline, so that the status is not lost with the rest of the body.
    let end = tokio::time::Instant::now() + within.mul_f32(0.9);
    while head.len() < keep
        && let Ok(Some(Ok(frame))) = tokio::time::timeout_at(end, body.frame()).await
    {
        if let Ok(data) = frame.into_data() {
            let room = keep - head.len();
            head.extend_from_slice(data.get(..room).unwrap_or(&data));
        }
    }
    head
}

fn unreachable(error: &(dyn std::error::Error + 'static)) -> Why {
    Why::NoAnswer { detail: Fault::of(error, 0).to_string() }
}

/// Ends a probe at its deadline.
pub(super) async fn bounded<T>(
    limits: ProbeLimits,
    probe: impl Future<Output = Result<T, Why>>,
) -> Result<T, Why> {
    match tokio::time::timeout(limits.deadline, probe).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Why::NoAnswer { detail: format!("within {} s", seconds(limits.deadline)) }),
    }
}

/// Sends a request straight to an address.
pub(super) async fn dial(
    address: SocketAddr,
    tls: Option<&str>,
    request: &Request,
    limits: ProbeLimits,
) -> Result<HttpAnswer, Why> {
    if let Some(detail) = forbidden(address.ip(), limits.loopback) {
        return Err(Why::Unsupported { detail: format!("{address} is never asked: {detail}") });
    }
    bounded(limits, async {
        let stream = tokio::net::TcpStream::connect(address).await.map_err(|error| unreachable(&error))?;
        send(stream, tls, request, limits).await
    })
    .await
}

/// Why an address is no target of a probe, whatever the cluster says.
fn forbidden(address: IpAddr, loopback: bool) -> Option<&'static str> {
    match address.to_canonical() {
        address if address.is_loopback() => (!loopback).then_some("it is this machine"),
        address if address.is_unspecified() || address.is_multicast() => Some("it is no host"),
        IpAddr::V4(address) if address.is_broadcast() => Some("it is no host"),
        // Cloud metadata services.
        IpAddr::V4(address) if address.is_link_local() => Some("it is link-local"),
        IpAddr::V6(address)
            if address.is_unicast_link_local()
                || address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] =>
        {
            Some("it is link-local")
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_never_asked() {
        for address in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "224.0.0.1",
            "255.255.255.255",
            "ff02::1",
        ] {
            assert!(forbidden(address.parse().expect("address"), false).is_some(), "{address}");
        }
        for address in ["10.0.0.1", "192.168.1.1", "203.0.113.9", "fd12::1", "2001:db8::1"] {
            assert!(forbidden(address.parse().expect("address"), false).is_none(), "{address}");
        }
        assert!(forbidden("127.0.0.1".parse().expect("address"), true).is_none());
    }

    #[test]
    fn a_request_is_written_byte_for_byte() {
        let mut request = Request::parse("http://Shop.example.com:8080//a/../b%2Fc?x=/&y").expect("url");
        request.headers.push(("X-Canary".to_owned(), "always".to_owned()));
        request.headers.push(("Host".to_owned(), "evil".to_owned()));
        request.headers.push(("User-Agent".to_owned(), "me".to_owned()));
        let outgoing = write(&request).expect("request");
        assert_eq!(outgoing.uri().to_string(), "//a/../b%2Fc?x=/&y");
        let header = |name: &str| outgoing.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("host"), Some("Shop.example.com:8080"));
        assert_eq!(header("x-canary"), Some("always"));
        assert_eq!(header("user-agent"), Some("me"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let mut request = Request::parse("http://a/").expect("url");
        request.headers.push(("X-Evil".to_owned(), "a\r\nHost: b".to_owned()));
        assert!(matches!(write(&request), Err(Why::Unsupported { .. })));
        let post = Request { method: "POST".to_owned(), ..Request::parse("http://a/").expect("url") };
        assert!(matches!(write(&post), Err(Why::Unsupported { .. })));
    }
}
