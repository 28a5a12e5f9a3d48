//! Sends requests to the API server: with a deadline, a small bounded retry, one renewal of the
//! credentials after a 401, and a bound on what is read.
//!
//! Invariant: only reads pass through here (the guard sees to it), so repeating a request is harmless.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use kube::client::Body;
use serde::de::DeserializeOwned;

use super::clients::{Access, Clients};
use super::failure::Failure;
use super::fault::Fault;
use super::guard::Load;
use super::refusal::Refusal;

/// The largest answer that is read whole: a page of a list.
const LARGEST_ANSWER: usize = 64 << 20;
/// The part of an error answer that is read.
const ERROR_HEAD: usize = 64 << 10;
/// All waiting between the tries of one request together.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: u32 = 3;

/// One request.
pub(super) struct Call {
    method: Method,
    uri: String,
    body: Vec<u8>,
    /// Whether the answer must not be compressed: streams, which would be decompressed in blocks.
    plain: bool,
}

impl Call {
    pub(super) fn get(uri: String) -> Self {
        Self { method: Method::GET, uri, body: Vec::new(), plain: false }
    }

    pub(super) fn stream(uri: String) -> Self {
        Self { plain: true, ..Self::get(uri) }
    }

    pub(super) fn post(uri: &str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, uri: uri.to_owned(), body, plain: false }
    }

    fn request(&self) -> Result<Request<Body>, Failure> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.uri)
            .header(ACCEPT, if self.plain { "*/*" } else { "application/json" });
        if self.plain {
            request = request.header(ACCEPT_ENCODING, "identity");
        }
        if !self.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request
            .body(Body::from(self.body.clone()))
            .map_err(|_| Failure::Fault(Fault::Other { detail: "the request cannot be written".to_owned() }))
    }
}

/// The way to one API server.
pub(super) struct Transport {
    access: Access,
    server: String,
}

impl Transport {
    pub(super) fn new(access: Access, server: String) -> Self {
        Self { access, server }
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    fn load(&self) -> &Load {
        self.access.load()
    }

    /// Sends a request and reads its whole answer, within the read deadline per try.
    pub(super) async fn fetch(&self, call: &Call) -> Result<Bytes, Failure> {
        let read = self.access.options().read;
        self.persist(|clients| async move {
            within(read, async {
                let response = once(&clients.unary, call, read).await?;
                collect(response.into_body(), LARGEST_ANSWER, self.load(), read).await
            })
            .await
        })
        .await
    }

    /// Sends a request and hands out the body of its answer, unread.
    pub(super) async fn open(&self, call: &Call) -> Result<Body, Failure> {
        let read = self.access.options().read;
        self.persist(|clients| async move {
            within(read, async {
                let response = once(&clients.streaming, call, read).await?;
                // No log and no watch is a page: something else answers in the API server's place.
                let kind = response.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
                match kind.is_some_and(|kind| kind.starts_with(b"text/html")) {
                    true => Err(Failure::Fault(Fault::NotKubernetes { status: response.status().as_u16() })),
                    false => Ok(response.into_body()),
                }
            })
            .await
        })
        .await
    }

    /// Repeats `attempt` while it fails in a passing way, and once after renewing credentials.
    async fn persist<T, F>(&self, attempt: impl Fn(Arc<Clients>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let mut patience = Patience::default();
        loop {
            let failure = match self.authorized(&attempt).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            match patience.wait_after(&failure) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(failure),
            }
        }
    }

    /// Makes an attempt, and another with renewed credentials when they were rejected.
    pub(super) async fn authorized<T, F>(&self, attempt: impl Fn(Arc<Clients>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let lost = |error| Failure::Credentials(Box::new(error));
        let clients = self.access.clients().await.map_err(lost)?;
        match attempt(Arc::clone(&clients)).await {
            Err(failure) if failure.is_unauthorized() => {
                if !self.access.renew(&clients).await.map_err(lost)? {
                    return Err(failure);
                }
                attempt(self.access.clients().await.map_err(lost)?).await
            }
            outcome => outcome,
        }
    }
}

/// Ends `work` at the deadline.
pub(super) async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(deadline, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Fault(Fault::TimedOut { seconds: seconds(deadline) })),
    }
}

/// A deadline as messages tell it: in whole seconds, at least one.
pub(super) fn seconds(deadline: Duration) -> u32 {
    u32::try_from(deadline.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

/// One try: the response when it is a success.
pub(super) async fn once(
    client: &kube::Client,
    call: &Call,
    read: Duration,
) -> Result<Response<Body>, Failure> {
    let response = client.send(call.request()?).await.map_err(|error| Failure::of(&error, seconds(read)))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok());
    let mut refusal = Refusal::read(status.as_u16(), &head(response.into_body()).await);
    refusal.retry_after_s = refusal.retry_after_s.or(retry_after);
    Err(Failure::Refusal(Box::new(refusal)))
}

/// Reads a whole body.
async fn collect(mut body: Body, limit: usize, load: &Load, read: Duration) -> Result<Bytes, Failure> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::of(&error, seconds(read)))?;
        if let Ok(data) = frame.into_data() {
            load.add_bytes(data.len());
            if whole.len() + data.len() > limit {
                return Err(Failure::TooLarge { limit: format!("{} MiB in one answer", limit >> 20) });
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(whole.into())
}

/// Reads the head of an error's body; whatever comes is good enough.
async fn head(mut body: Body) -> Vec<u8> {
    let mut head = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            head.extend_from_slice(&data);
            if head.len() >= ERROR_HEAD {
                break;
            }
        }
    }
    head
}

/// Reads JSON; something else is told apart from JSON of another shape.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| undecodable(body, &error))
}

pub(super) fn undecodable(body: &[u8], error: &serde_json::Error) -> Failure {
    if error.is_data() {
        // The error's text may quote values: only its place is told.
        let (line, column) = (error.line(), error.column());
        return Failure::Undecodable { detail: format!("unexpected JSON at line {line}, column {column}") };
    }
    match body.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => Failure::Undecodable { detail: "the answer is cut or broken JSON".to_owned() },
        Some(_) | None => Failure::Fault(Fault::NotKubernetes { status: 200 }),
    }
}

/// How long to go on trying one request.
struct Patience {
    began: Instant,
    tries: u32,
    waited: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { began: Instant::now(), tries: 1, waited: Duration::ZERO }
    }
}

impl Patience {
    /// How long to wait before the next try; `None`: give up.
    fn wait_after(&mut self, failure: &Failure) -> Option<Duration> {
        if !failure.is_transient() || self.tries >= TRIES || self.began.elapsed() > PATIENCE {
            return None;
        }
        // 100 ms, 400 ms.
        let own = Duration::from_millis(100 * u64::from(4_u32.pow(self.tries - 1)));
        let wait = failure.retry_after_s().map_or(own, Duration::from_secs);
        if self.waited + wait > PATIENCE {
            return None;
        }
        self.tries += 1;
        self.waited += wait;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(retry_after_s: Option<u64>) -> Failure {
        Failure::Refusal(Box::new(Refusal { code: 429, retry_after_s, ..Refusal::default() }))
    }

    #[test]
    fn a_request_is_tried_three_times_within_two_seconds() {
        let mut patience = Patience::default();
        assert_eq!(patience.wait_after(&busy(None)), Some(Duration::from_millis(100)));
        assert_eq!(patience.wait_after(&busy(None)), Some(Duration::from_millis(400)));
        assert_eq!(patience.wait_after(&busy(None)), None);
    }

    #[test]
    fn the_servers_wish_is_honoured_up_to_the_bound() {
        let mut patience = Patience::default();
        assert_eq!(patience.wait_after(&busy(Some(1))), Some(Duration::from_secs(1)));
        assert_eq!(patience.wait_after(&busy(Some(2))), None);
        assert_eq!(Patience::default().wait_after(&busy(Some(60))), None);
    }

    #[test]
    fn lasting_failures_are_not_tried_again() {
        for failure in [
            Failure::Fault(Fault::Refused),
            Failure::Fault(Fault::TimedOut { seconds: 15 }),
            Failure::Refusal(Box::new(Refusal { code: 500, ..Refusal::default() })),
            Failure::Refusal(Box::new(Refusal { code: 403, ..Refusal::default() })),
        ] {
            assert_eq!(Patience::default().wait_after(&failure), None, "{failure:?}");
        }
    }

    #[test]
    fn decoding_errors_quote_nothing() {
        let failure = decode::<u8>(br#""s3cret""#).expect_err("no number");
        assert!(
            matches!(&failure, Failure::Undecodable { detail } if detail == "unexpected JSON at line 1, column 8"),
            "{failure:?}"
        );
        assert!(matches!(decode::<u8>(b"<html>"), Err(Failure::Fault(Fault::NotKubernetes { status: 200 }))));
        assert!(matches!(decode::<serde_json::Value>(b"{\"a\":"), Err(Failure::Undecodable { .. })));
    }
}
