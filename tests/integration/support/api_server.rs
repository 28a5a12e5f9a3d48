//! An API server on loopback that answers what a test tells it to, over real HTTP, TLS and WebSockets,
//! and remembers what it was asked. What it answers is shaped after the real one (1.36).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use http::header::{
    CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

/// One request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// The raw query: repeated keys are seen here only.
    pub(crate) raw_query: String,
    pub(crate) headers: HeaderMap,
    /// What was sent along.
    pub(crate) body: Vec<u8>,
    /// Which connection it came over.
    pub(crate) connection: usize,
    /// How many requests for this path came before.
    pub(crate) before: usize,
}

impl Seen {
    pub(crate) fn asked(&self, key: &str) -> Option<&str> {
        self.query.get(key).map(String::as_str)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What the server does with a request.
pub(crate) enum Reply {
    Json(u16, Value),
    Text(u16, &'static str, String),
    /// With these headers.
    With(Vec<(&'static str, String)>, Box<Reply>),
    /// A body in pieces; `None` is a pause of 100 ms.
    Pieces(Vec<Option<Vec<u8>>>),
    /// A body that stays open after these pieces.
    Endless(Vec<Option<Vec<u8>>>),
    /// A body that breaks off.
    Broken(Vec<u8>),
    /// No answer, ever.
    Silence,
    /// A command's channels, frame by frame.
    Exec(Vec<Step>),
    /// A port-forward to this address, or the node's words about why not.
    Forward(u16, Result<SocketAddr, &'static str>),
}

#[derive(Clone)]
pub(crate) enum Step {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Status(Value),
    Wait(Duration),
    /// Closes the connection without a status.
    Drop,
}

impl Reply {
    /// A `Status` as the API server writes it.
    pub(crate) fn status(code: u16, reason: &str, message: &str) -> Self {
        Self::Json(
            code,
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                   "message": message, "reason": reason, "details": {}, "code": code}),
        )
    }

    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        Self::Json(
            404,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                   "message": format!("{resource} \"{name}\" not found"), "details": {"name": name, "kind": resource}}),
        )
    }
}

type Answer = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The server; it ends when dropped.
pub(crate) struct ApiServer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    folder: TempDir,
    scheme: &'static str,
    authority: Option<String>,
    _accepting: JoinSet<()>,
}

impl ApiServer {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::launch(Arc::new(answer), None).await
    }

    /// The same over TLS, with a certificate for these names.
    pub(crate) async fn start_tls(
        names: &[&str],
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::launch(Arc::new(answer), Some(Certificate::new(names))).await
    }

    async fn launch(answer: Arc<Answer>, certificate: Option<Certificate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let acceptor = certificate.as_ref().map(|certificate| certificate.acceptor.clone());
        let mut accepting = JoinSet::new();
        let record = Arc::clone(&seen);
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.expect("connection");
                let (answer, record, acceptor) = (Arc::clone(&answer), Arc::clone(&record), acceptor.clone());
                connections.spawn(async move {
                    match acceptor {
                        None => serve(stream, number, &answer, &record).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, number, &answer, &record).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            folder: tempfile::tempdir().expect("folder"),
            scheme: if certificate.is_some() { "https" } else { "http" },
            authority: certificate.map(|certificate| certificate.pem),
            _accepting: accepting,
        }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("seen").clone()
    }

    /// The certificate in PEM, of a server that speaks TLS.
    pub(crate) fn authority(&self) -> &str {
        self.authority.as_deref().expect("a TLS server")
    }

    /// A kubeconfig that leads here, with this user entry (flow-style YAML).
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.kubeconfig_with(&format!("server: '{}://{}'", self.scheme, self.address), user)
    }

    /// A kubeconfig with these cluster settings.
    pub(crate) fn kubeconfig_with(&self, cluster: &str, user: &str) -> PathBuf {
        self.file(
            "config",
            &format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
                 clusters:\n- {{name: loopback, cluster: {{{cluster}}}}}\n\
                 users:\n- {{name: tester, user: {{{user}}}}}\n\
                 contexts:\n- {{name: here, context: {{cluster: loopback, user: tester, namespace: shop}}}}\n"
            ),
        )
    }

    /// A file beside the kubeconfig.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("file");
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A throw-away certificate and what serves it.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) acceptor: TlsAcceptor,
}

impl Certificate {
    pub(crate) fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params.distinguished_name.push(rcgen::DnType::CommonName, "throw-away");
        let key = rcgen::KeyPair::generate().expect("key");
        let certificate = params.self_signed(&key).expect("certificate");
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).expect("key"),
            )
            .expect("config");
        Self { pem: certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

async fn serve<S>(stream: S, connection: usize, answer: &Arc<Answer>, record: &Arc<Mutex<Vec<Seen>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let (answer, record) = (Arc::clone(answer), Arc::clone(record));
        async move {
            // Only a GET is ever upgraded, and it has no body.
            if request.method() == http::Method::GET {
                let seen = note(&request, Vec::new(), connection, &record);
                return Ok::<_, Infallible>(perform(answer(&seen), Some(request)).await);
            }
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
            let seen = note(&Request::from_parts(head, ()), body, connection, &record);
            Ok(perform(answer(&seen), None).await)
        }
    });
    // Clients hang up as they please.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await;
}

fn note<B>(request: &Request<B>, body: Vec<u8>, connection: usize, record: &Mutex<Vec<Seen>>) -> Seen {
    let raw_query = request.uri().query().unwrap_or_default().to_owned();
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let query = raw_query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect();
    let mut record = record.lock().expect("seen");
    let path = request.uri().path().to_owned();
    let seen = Seen {
        method: request.method().to_string(),
        before: record.iter().filter(|seen: &&Seen| seen.path == path).count(),
        path,
        query,
        raw_query,
        headers: request.headers().clone(),
        body,
        connection,
    };
    record.push(seen.clone());
    seen
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

async fn perform(reply: Reply, request: Option<Request<Incoming>>) -> Response<Body> {
    match reply {
        Reply::Json(code, value) => whole(code, "application/json", value.to_string().into_bytes()),
        Reply::Text(code, kind, text) => whole(code, kind, text.into_bytes()),
        Reply::With(headers, reply) => {
            let mut response = Box::pin(perform(*reply, request)).await;
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().expect("header"));
            }
            response
        }
        Reply::Pieces(pieces) => stream(pieces, End::Whole),
        Reply::Endless(pieces) => stream(pieces, End::Never),
        Reply::Broken(head) => stream(vec![Some(head), None], End::Broken),
        Reply::Silence => std::future::pending().await,
        Reply::Exec(steps) => upgrade(request, |socket| command(socket, steps)),
        Reply::Forward(port, target) => upgrade(request, move |socket| forward(socket, port, target)),
    }
}

fn whole(code: u16, kind: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = stream(vec![Some(body)], End::Whole);
    *response.status_mut() = StatusCode::from_u16(code).expect("status");
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("type"));
    response
}

enum End {
    Whole,
    Never,
    Broken,
}

fn stream(pieces: Vec<Option<Vec<u8>>>, end: End) -> Response<Body> {
    let pieces = futures::stream::iter(pieces).filter_map(|piece| async move {
        if piece.is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        piece.map(|bytes| Ok(Frame::data(Bytes::from(bytes))))
    });
    let end = futures::stream::once(async move {
        match end {
            End::Whole => None,
            End::Never => std::future::pending().await,
            End::Broken => Some(Err(std::io::Error::other("broken on purpose"))),
        }
    })
    .filter_map(std::future::ready);
    Response::new(BodyExt::boxed_unsync(StreamBody::new(pieces.chain(end))))
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

fn upgrade<F>(
    request: Option<Request<Incoming>>,
    script: impl FnOnce(Socket) -> F + Send + 'static,
) -> Response<Body>
where
    F: Future<Output = ()> + Send + 'static,
{
    let request = request.expect("a GET");
    let key = request.headers().get(SEC_WEBSOCKET_KEY).expect("a WebSocket request").as_bytes().to_vec();
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.expect("upgrade");
        script(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await).await;
    });
    let mut response = stream(Vec::new(), End::Whole);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in [
        (CONNECTION, "Upgrade".to_owned()),
        (UPGRADE, "websocket".to_owned()),
        (SEC_WEBSOCKET_ACCEPT, derive_accept_key(&key)),
        (SEC_WEBSOCKET_PROTOCOL, "v5.channel.k8s.io".to_owned()),
    ] {
        response.headers_mut().insert(name, value.parse().expect("header"));
    }
    response
}

async fn command(mut socket: Socket, steps: Vec<Step>) {
    for step in steps {
        let (channel, bytes) = match step {
            Step::Stdout(bytes) => (1, bytes),
            Step::Stderr(bytes) => (2, bytes),
            Step::Status(status) => (3, status.to_string().into_bytes()),
            Step::Wait(time) => {
                tokio::time::sleep(time).await;
                continue;
            }
            Step::Drop => return,
        };
        let mut frame = vec![channel];
        frame.extend(bytes);
        if socket.send(Message::binary(frame)).await.is_err() {
            return;
        }
    }
    while let Some(Ok(_)) = socket.next().await {}
}

async fn forward(mut socket: Socket, port: u16, target: Result<SocketAddr, &'static str>) {
    let [low, high] = port.to_le_bytes();
    for channel in [0, 1] {
        socket.send(Message::binary(vec![channel, low, high])).await.expect("first frame");
    }
    let target = match target {
        Ok(target) => target,
        Err(words) => {
            let mut frame = vec![1];
            frame.extend(words.as_bytes());
            socket.send(Message::binary(frame)).await.expect("error frame");
            while let Some(Ok(_)) = socket.next().await {}
            return;
        }
    };
    let (mut from_pod, mut to_pod) = TcpStream::connect(target).await.expect("target").into_split();
    let mut buffer = vec![0; 8192];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(frame))) if frame.first() == Some(&0) => {
                    to_pod.write_all(&frame[1..]).await.expect("target");
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
            count = from_pod.read(&mut buffer) => match count {
                Ok(0) | Err(_) => {
                    let _ = socket.close(None).await;
                    while let Some(Ok(_)) = socket.next().await {}
                    return;
                }
                Ok(count) => {
                    let mut frame = vec![0];
                    frame.extend(&buffer[..count]);
                    if socket.send(Message::binary(frame)).await.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

/// Base64, as kubeconfigs hold certificates.
pub(crate) fn base64(text: &str) -> String {
    let value = serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).expect("text");
    value.as_str().expect("text").to_owned()
}
