//! Something between a client and the API server: it counts what passes, and makes trouble as told.
//!
//! It ends TLS, so that it can answer in the API server's place and cut answers in the middle; streams
//! into pods pass through.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Plane;
use super::identity::Identity;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    None,
    /// It goes on when the gate is opened.
    Wait(Gate),
    /// The answer comes late.
    Delay(Duration),
    /// The head of the answer comes at once, the rest of it late.
    Lag(Duration),
    /// The connection ends after so many bytes of the answer.
    Cut(usize),
    /// Nothing more comes after so many bytes of the answer.
    Stall(usize),
    /// The connection ends without an answer.
    Reset,
    /// No answer, ever.
    Silence,
    /// Something else answers.
    Answer(u16, &'static str, &'static str),
}

/// Where requests wait while something is done to the API server itself.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { reached: watch::Sender::new(false), open: watch::Sender::new(false) }
    }

    /// Another one that opens with this one.
    pub(crate) fn beside(&self) -> Self {
        Self { reached: watch::Sender::new(false), open: self.open.clone() }
    }

    /// Ends when the first request waits here.
    pub(crate) async fn reached(&self) {
        let _ = self.reached.subscribe().wait_for(|reached| *reached).await;
    }

    /// Lets pass what waits here, and what comes later.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    async fn pass(&self) {
        self.reached.send_replace(true);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A request that passed.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) method: String,
    /// With its query.
    pub(crate) target: String,
}

type Judge = dyn Fn(usize, &Passed) -> Trouble + Send + Sync;

struct State {
    upstream: SocketAddr,
    client: Arc<ClientConfig>,
    judge: Mutex<Arc<Judge>>,
    count: AtomicUsize,
    bytes: AtomicU64,
    passed: Mutex<Vec<Passed>>,
}

/// See the module. It ends when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

impl Plane {
    /// A proxy in front of the API server, which lets everything pass.
    pub(crate) async fn proxy(&self) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            upstream: self.address,
            client: self.authority.client_config(),
            judge: Mutex::new(Arc::new(|_, _| Trouble::None)),
            count: AtomicUsize::new(0),
            bytes: AtomicU64::new(0),
            passed: Mutex::default(),
        });
        let acceptor = TlsAcceptor::from(self.authority.server_config());
        let mut accepting = JoinSet::new();
        let shared = Arc::clone(&state);
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, state) = (acceptor.clone(), Arc::clone(&shared));
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(|request| pass(Arc::clone(&state), request));
                    // Clients hang up as they please, and resets are wanted.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades()
                        .await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Proxy { address, state, _accepting: accepting }
    }

    /// A kubeconfig of an identity that leads through a proxy.
    pub(crate) fn through(&self, proxy: &Proxy, identity: &Identity) -> PathBuf {
        let file = self.kubeconfig(&format!("{}-{}", identity.name, proxy.address.port()));
        self.write_kubeconfig(&file, proxy.address, &json!({"token": identity.token}));
        file
    }
}

impl Proxy {
    /// From now on this decides what becomes of each request; it is given its number, from zero.
    pub(crate) fn trouble(&self, judge: impl Fn(usize, &Passed) -> Trouble + Send + Sync + 'static) {
        self.state.count.store(0, Ordering::SeqCst);
        *self.state.judge.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
    }

    /// What has passed since the last look, and how many bytes of answers.
    pub(crate) fn take(&self) -> (Vec<Passed>, u64) {
        let passed = std::mem::take(&mut *self.state.passed.lock().unwrap_or_else(PoisonError::into_inner));
        (passed, self.state.bytes.swap(0, Ordering::SeqCst))
    }
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

fn broken() -> std::io::Error {
    std::io::Error::other("broken on purpose")
}

async fn pass(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
    let number = state.count.fetch_add(1, Ordering::SeqCst);
    let passed = Passed { method: request.method().to_string(), target: request.uri().to_string() };
    state.passed.lock().unwrap_or_else(PoisonError::into_inner).push(passed.clone());
    let judge = Arc::clone(&state.judge.lock().unwrap_or_else(PoisonError::into_inner));
    let trouble = judge(number, &passed);
    match &trouble {
        Trouble::Wait(gate) => gate.pass().await,
        Trouble::Reset => return Err(broken()),
        Trouble::Silence => std::future::pending().await,
        Trouble::Delay(time) => tokio::time::sleep(*time).await,
        Trouble::Answer(status, kind, text) => return Ok(answer(*status, kind, text)),
        Trouble::None | Trouble::Lag(_) | Trouble::Cut(_) | Trouble::Stall(_) => {}
    }
    let response = forward(&state, request).await.map_err(std::io::Error::other)?;
    let (head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        let empty = StreamBody::new(futures::stream::empty::<Result<Frame<Bytes>, std::io::Error>>());
        return Ok(Response::from_parts(head, BodyExt::boxed_unsync(empty)));
    }
    let (limit, stalls) = match trouble {
        Trouble::Cut(bytes) => (bytes, false),
        Trouble::Stall(bytes) => (bytes, true),
        _ => (usize::MAX, false),
    };
    let lag = match trouble {
        Trouble::Lag(time) => time,
        _ => Duration::ZERO,
    };
    let late = futures::stream::once(tokio::time::sleep(lag)).filter_map(|()| std::future::ready(None));
    let mut left = limit;
    let frames = body.into_data_stream().then(move |data| {
        let state = Arc::clone(&state);
        let before = left;
        if let Ok(data) = &data {
            left = left.saturating_sub(data.len());
        }
        async move {
            let data = data.map_err(std::io::Error::other)?;
            if before == 0 {
                if stalls {
                    std::future::pending::<Infallible>().await;
                }
                return Err(broken());
            }
            let data = data.slice(..data.len().min(before));
            state.bytes.fetch_add(data.len() as u64, Ordering::SeqCst);
            Ok(Frame::data(data))
        }
    });
    // An answer that is shorter than the limit breaks at its end.
    let end = futures::stream::once(async move {
        if limit == usize::MAX {
            return None;
        }
        if stalls {
            std::future::pending::<Infallible>().await;
        }
        Some(Err(broken()))
    })
    .filter_map(std::future::ready);
    Ok(Response::from_parts(head, BodyExt::boxed_unsync(StreamBody::new(late.chain(frames).chain(end)))))
}

fn answer(status: u16, kind: &'static str, text: &'static str) -> Response<Body> {
    let frame = futures::stream::once(async move { Ok(Frame::data(Bytes::from_static(text.as_bytes()))) });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frame)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", kind.parse().expect("a type"));
    response
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Sends a request on, over a connection of its own.
async fn forward(state: &State, mut request: Request<Incoming>) -> Result<Response<Incoming>, Failure> {
    let stream = TcpStream::connect(state.upstream).await?;
    let name = ServerName::try_from("localhost")?;
    let stream = TlsConnector::from(Arc::clone(&state.client)).connect(name, stream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let upgrading = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
    let mut response = sender.send_request(request).await?;
    if let Some(ours) = upgrading.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) {
        let theirs = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            let (Ok(ours), Ok(theirs)) = tokio::join!(ours, theirs) else { return };
            let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(ours), &mut TokioIo::new(theirs)).await;
        });
    }
    Ok(response)
}
