//! One request, sent byte for byte as it is written, and what came back.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::world::Ask;

/// Scheme, authority and target of a request.
fn parts(ask: &Ask) -> (bool, &str, &str) {
    let (scheme, rest) = ask.url.split_once("://").expect("an absolute URL");
    let (authority, target) = rest.split_at(rest.find('/').expect("a path"));
    (scheme == "https", authority, target)
}

/// What the client saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An upstream answered, at this address, and was asked for this.
    Upstream { address: SocketAddr, target: String },
    /// The proxy itself answered.
    Proxy { status: u16, location: Option<String> },
    /// The connection ended before an answer: a TLS handshake that was refused, for one.
    Closed,
}

/// The ways in of a proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
}

/// Sends it.
pub(crate) async fn ask(entry: Entry, ask: &Ask) -> Answer {
    let sent = tokio::time::timeout(Duration::from_secs(10), exchange(entry, ask)).await;
    match sent {
        Ok(Ok(head)) => read(&head),
        Ok(Err(_)) => Answer::Closed,
        Err(_) => panic!("no answer within 10 s: {ask:?}"),
    }
}

async fn exchange(entry: Entry, ask: &Ask) -> io::Result<Vec<u8>> {
    let (tls, authority, target) = parts(ask);
    let mut text = format!("{} {target} HTTP/1.1\r\nHost: {authority}\r\n", ask.method);
    for (name, value) in &ask.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("Content-Length: 0\r\nConnection: close\r\n\r\n");
    if !tls {
        return talk(TcpStream::connect(entry.http).await?, &text).await;
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let name = ServerName::try_from(host.trim_end_matches('.').to_ascii_lowercase())
        .unwrap_or_else(|_| ServerName::from(entry.https.ip()));
    let stream = TcpStream::connect(entry.https).await?;
    talk(TlsConnector::from(config()).connect(name, stream).await?, &text).await
}

/// The head of the answer.
async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> io::Result<Vec<u8>> {
    stream.write_all(text.as_bytes()).await?;
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).await?;
        seen.extend_from_slice(&buffer[..count]);
        if let Some(end) = memchr::memmem::find(&seen, b"\r\n\r\n") {
            seen.truncate(end);
            return Ok(seen);
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn read(head: &[u8]) -> Answer {
    // A byte is a character: what is compared are bytes.
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let fields: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let field = |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
    match (field("x-upstream"), field("x-target")) {
        (Some(address), Some(target)) => {
            Answer::Upstream { address: address.parse().expect("an address"), target: target.to_owned() }
        }
        _ => Answer::Proxy { status, location: field("location").map(ToOwned::to_owned) },
    }
}

/// Takes every certificate.
fn config() -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
    Arc::new(config)
}

#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
