//! TLS for probes: every certificate is accepted and told, none is trusted.
//!
//! A probe asks how a request is routed; an ingress controller's own fake certificate is a finding
//! about that, not a reason to stop. Nothing confidential is ever sent over such a connection.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{self, CryptoProvider};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::fault::Fault;
use super::redact;

/// Makes a TLS connection for this server name; returns it with what the served certificate says.
pub(super) async fn connect<S>(stream: S, server_name: &str) -> Result<(TlsStream<S>, Option<String>), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = ServerName::try_from(server_name.to_owned())
        .map_err(|_| format!("{:?} cannot be a TLS server name", redact::clean(server_name)))?;
    let recorder =
        Arc::new(Recorder { provider: Arc::new(crypto::ring::default_provider()), served: Mutex::default() });
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&recorder.provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| redact::clean(&error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let served = recorder.served.lock().unwrap_or_else(PoisonError::into_inner).take();
    match connected {
        Ok(stream) => Ok((stream, served.map(|der| describe(&der)))),
        Err(error) => Err(Fault::of(&error, 0).to_string()),
    }
}

#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    served: Mutex<Option<Vec<u8>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Subject, names, issuer and validity in one line.
fn describe(der: &[u8]) -> String {
    let Ok(certificate) = Certificate::from_der(der) else {
        return format!("unreadable certificate of {} bytes", der.len());
    };
    let certificate = certificate.tbs_certificate();
    let names = match names(certificate).as_slice() {
        [] => String::new(),
        names => format!("; names {}", names.join(", ")),
    };
    let (subject, validity) = (certificate.subject(), certificate.validity());
    let issuer = match certificate.issuer() {
        issuer if issuer == subject => "itself".to_owned(),
        issuer => issuer.to_string(),
    };
    let (from, to) = (validity.not_before, validity.not_after);
    let text = format!("subject {subject}{names}; issuer {issuer}; valid from {from} to {to}");
    neutral(&text)
}

/// The first names that the certificate is valid for.
fn names(certificate: &x509_cert::TbsCertificate) -> Vec<String> {
    let Ok(Some((_, names))) = certificate.get_extension::<SubjectAltName>() else { return Vec::new() };
    names
        .0
        .iter()
        .filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(name.to_string()),
            GeneralName::IpAddress(octets) => match octets.as_bytes() {
                &[a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
                bytes => <[u8; 16]>::try_from(bytes)
                    .ok()
                    .map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
            },
            _ => None,
        })
        .take(10)
        .collect()
}

fn neutral(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(400).collect()
}
