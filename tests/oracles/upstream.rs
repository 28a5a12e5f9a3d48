//! What stands behind every Service: one server on all addresses that says at which of them it was asked,
//! and for what, byte for byte; in TLS when that is what comes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::world::{EXTERNAL, EXTERNAL_PORT, NAMESPACES, ODD, PORTS, SERVICES, address, pod};

/// Starts it.
pub(crate) async fn start() {
    let external = NAMESPACES.iter().filter_map(|namespace| pod(namespace, EXTERNAL));
    let external = external.map(|address| SocketAddr::from((address, EXTERNAL_PORT)));
    let everywhere = PORTS.map(|port| SocketAddr::from(([0, 0, 0, 0], port)));
    // A Service's own port is where the pod's is not.
    let services = NAMESPACES.into_iter().flat_map(|namespace| {
        let names = SERVICES.into_iter().chain(ODD);
        names.filter_map(move |name| Some(SocketAddr::from((address(namespace, name, true)?, 80))))
    });
    for address in everywhere.into_iter().chain(external).chain(services) {
        let listener = TcpListener::bind(address).await.expect("a port of a network of our own");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(accept(stream));
            }
        });
    }
}

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 22;

static TLS: LazyLock<TlsAcceptor> = LazyLock::new(|| {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(vec![pair.cert.der().clone()], key)
        .expect("a key of its certificate");
    TlsAcceptor::from(Arc::new(config))
});

async fn accept(stream: TcpStream) -> io::Result<()> {
    let here = stream.local_addr()?;
    let mut first = [0];
    stream.peek(&mut first).await?;
    match first {
        [HANDSHAKE] => answer(TLS.accept(stream).await?, here).await,
        _ => answer(stream, here).await,
    }
    Ok(())
}

/// Answers every request of a connection; requests have no body.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, here: SocketAddr) {
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
