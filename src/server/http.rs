//! MCP over Streamable HTTP: `/mcp`, and `/healthz` for those who only want to know that it runs.
//!
//! Modern requests are stateless; handshake clients get a session in memory. Invariants: a page in a
//! browser cannot reach the server unless its origin is allowed, a name that only resolves to this
//! address is not taken for it, and nobody but this machine gets in without a token.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Server;

/// How long calls under way may go on after the server was told to end; then open streams are closed.
const LAST_CALLS: Duration = Duration::from_secs(3);
/// How long connections may take to close after that.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where and to whom to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    pub address: SocketAddr,
    /// Names, besides loopback ones, that clients may call this server by.
    pub hosts: Vec<String>,
    /// Origins of pages, besides those from this machine, that may call it.
    pub origins: Vec<String>,
    pub token: Option<BearerToken>,
}

/// The secret that clients show.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bearer token has at least 16 visible ASCII characters and no spaces")]
pub struct BadToken;

impl BearerToken {
    /// Reads a token as a file holds it, with or without a line end.
    ///
    /// # Errors
    /// When it could not be sent in a header or would be guessed.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let token = text.trim();
        if token.len() >= 16 && token.chars().all(|c| c.is_ascii_graphic()) {
            Ok(Self(token.to_owned()))
        } else {
            Err(BadToken)
        }
    }

    /// Whether the header shows this token; takes as long for a wrong one as for the right one.
    fn is_shown_in(&self, header: Option<&HeaderValue>) -> bool {
        let shown = header.and_then(|value| value.to_str().ok()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        shown.is_some_and(|shown| shown.as_bytes().ct_eq(self.0.as_bytes()).into())
    }
}

impl std::fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BearerToken")
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(
        "{0} can be reached from other machines: give --bearer-token-file, or bind to a loopback address \
         such as 127.0.0.1:8765"
    )]
    Open(SocketAddr),
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error(transparent)]
    Serve(#[from] std::io::Error),
}

/// Listens; separate from [`serve`] so that the address is known before the first request.
///
/// # Errors
/// When the address is open to others without a token, or taken.
pub async fn listen(settings: &HttpSettings) -> Result<TcpListener, HttpError> {
    let address = settings.address;
    if !address.ip().is_loopback() && settings.token.is_none() {
        return Err(HttpError::Open(address));
    }
    TcpListener::bind(address).await.map_err(|error| HttpError::Listen { address, error })
}

/// Serves until `stop`; calls under way get a moment to end.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    server: Server,
    settings: HttpSettings,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), HttpError> {
    let closing = CancellationToken::new();
    let app = router(server, &settings, &closing);
    let told = stop.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move { told.cancelled().await });
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_CALLS).await;
        // Streams that wait for news never end by themselves.
        closing.cancel();
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = overdue => Ok(()),
    }
}

fn router(server: Server, settings: &HttpSettings, closing: &CancellationToken) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(true)
        .enforce_origin_validation()
        .with_allowed_origins(origins(settings))
        .with_allowed_hosts(hosts(settings))
        .with_cancellation_token(closing.clone());
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(move || Ok(server.clone()), sessions, config);
    Router::new()
        .nest_service("/mcp", mcp)
        .layer(middleware::from_fn_with_state(Arc::new(settings.token.clone()), only_with_token))
        .route("/healthz", get(|| async { "ok" }))
}

async fn only_with_token(
    State(token): State<Arc<Option<BearerToken>>>,
    request: Request,
    next: Next,
) -> Response {
    match token.as_ref() {
        Some(token) if !token.is_shown_in(request.headers().get(header::AUTHORIZATION)) => (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer realm=\"routecause\"")],
            "this server wants its bearer token\n",
        )
            .into_response(),
        Some(_) | None => next.run(request).await,
    }
}

fn origins(settings: &HttpSettings) -> Vec<String> {
    let local = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
    local.iter().map(|origin| (*origin).to_owned()).chain(settings.origins.iter().cloned()).collect()
}

/// Loopback names, the address itself, and what the operator added.
fn hosts(settings: &HttpSettings) -> Vec<String> {
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let ip = settings.address.ip();
    let own = (!ip.is_unspecified()).then(|| ip.to_string());
    local.into_iter().chain(own).chain(settings.hosts.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_long_and_visible() {
        assert!(BearerToken::parse("0123456789abcdef\n").is_ok());
        for text in ["", "short", "0123456789 abcdef", "0123456789abcdé!"] {
            assert_eq!(BearerToken::parse(text), Err(BadToken), "{text}");
        }
    }

    #[test]
    fn only_the_right_token_in_a_bearer_header_is_taken() {
        let token = BearerToken::parse("0123456789abcdef").expect("a token");
        let shown = |text: &'static str| token.is_shown_in(Some(&HeaderValue::from_static(text)));
        assert!(shown("Bearer 0123456789abcdef"));
        assert!(shown("bearer 0123456789abcdef"));
        for text in
            ["0123456789abcdef", "Basic 0123456789abcdef", "Bearer 0123456789abcdeX", "Bearer ", "Bearer"]
        {
            assert!(!shown(text), "{text}");
        }
        assert!(!token.is_shown_in(None));
        assert!(!format!("{token:?}").contains("0123"));
    }

    #[tokio::test]
    async fn other_machines_get_in_only_with_a_token() {
        let mut settings = HttpSettings {
            address: "0.0.0.0:0".parse().expect("an address"),
            hosts: Vec::new(),
            origins: Vec::new(),
            token: None,
        };
        assert!(matches!(listen(&settings).await, Err(HttpError::Open(_))));
        settings.token = BearerToken::parse("0123456789abcdef").ok();
        assert!(listen(&settings).await.is_ok());
    }
}
