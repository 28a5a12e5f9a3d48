//! Why no usable answer of an API server came, told apart by the error's type and source chain, never
//! by forwarding its text: an error of kube prints whole responses.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use tokio_rustls::rustls;

use super::redact;

/// Why no usable answer of an API server came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing listens at the address.
    Refused,
    /// The server's name does not resolve.
    Dns,
    /// No route, network down.
    NoRoute,
    TimedOut {
        seconds: u32,
    },
    /// The connection broke before the answer was complete.
    Broken,
    Tls(TlsFault),
    /// The proxy on the way did not connect.
    Proxy {
        detail: String,
    },
    /// Something answered that is no Kubernetes API: a login page, a proxy, another service.
    NotKubernetes {
        status: u16,
    },
    /// The server speaks HTTPS and was spoken to in HTTP.
    PlainHttp,
    /// The API server has no capacity now, or has an error of its own.
    Server {
        status: u16,
        message: String,
    },
    Other {
        detail: String,
    },
}

/// Why a TLS connection did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsFault {
    UnknownIssuer,
    NotValidForName,
    Expired,
    NotYetValid,
    /// The other end does not speak TLS.
    NoTls,
    /// The server did not accept the client certificate.
    ClientCertificate,
    Other {
        detail: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused"),
            Self::Dns => f.write_str("the name does not resolve"),
            Self::NoRoute => f.write_str("no route to the address"),
            Self::TimedOut { seconds } => write!(f, "no answer within {seconds} s"),
            Self::Broken => f.write_str("the connection broke before the answer was complete"),
            Self::Tls(fault) => fault.fmt(f),
            Self::Proxy { detail } => write!(f, "the proxy on the way does not connect: {detail}"),
            // No status at all: the answer was not even HTTP.
            Self::NotKubernetes { status: 0 } => {
                f.write_str("this address is not a Kubernetes API: it does not speak HTTP")
            }
            Self::NotKubernetes { status } => {
                write!(f, "this address is not a Kubernetes API (login page or proxy?): HTTP {status}")
            }
            Self::PlainHttp => f.write_str("the server speaks HTTPS, the kubeconfig says http://"),
            Self::Server { status, message } if message.is_empty() => write!(f, "HTTP {status}"),
            Self::Server { status, message } => write!(f, "HTTP {status}: {message}"),
            Self::Other { detail } => f.write_str(detail),
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str("the server's certificate is not signed by a known CA"),
            Self::NotValidForName => f.write_str("the server's certificate is not valid for this name"),
            Self::Expired => f.write_str("the server's certificate has expired"),
            Self::NotYetValid => f.write_str("the server's certificate is not valid yet"),
            Self::NoTls => f.write_str("the server does not speak TLS"),
            Self::ClientCertificate => f.write_str("the server does not accept the client certificate"),
            Self::Other { detail } => write!(f, "TLS failed: {detail}"),
        }
    }
}

impl Fault {
    /// Reads an error of the HTTP client down to its root.
    pub(super) fn of(error: &(dyn StdError + 'static), read_seconds: u32) -> Self {
        let mut last = error;
        for error in chain(error) {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::Tls(TlsFault::of(error));
            }
            if let Some(error) = error.downcast_ref::<io::Error>()
                && let Some(fault) = Self::of_io(error, read_seconds)
            {
                return fault;
            }
            if error.is::<tokio::time::error::Elapsed>() {
                return Self::TimedOut { seconds: read_seconds };
            }
            if let Some(error) = error.downcast_ref::<hyper::Error>()
                && (error.is_incomplete_message() || error.is_closed() || error.is_canceled())
            {
                return Self::Broken;
            }
            last = error;
        }
        let text = last.to_string();
        if chain(error).any(|error| error.to_string().starts_with("dns error")) {
            return Self::Dns;
        }
        if chain(error).any(|error| error.is::<hyper::Error>() && error.to_string().contains("invalid HTTP"))
        {
            return Self::NotKubernetes { status: 0 };
        }
        // hyper-util's tunnel errors are private types; their texts hold nothing of the request.
        match text.split_once("tunnel error").or_else(|| text.split_once("SOCKS")) {
            Some(_) => Self::Proxy { detail: redact::clean(&text) },
            None => Self::Other { detail: redact::clean(&text) },
        }
    }

    fn of_io(error: &io::Error, read_seconds: u32) -> Option<Self> {
        if let Some(inner) = error.get_ref() {
            if let Some(error) = inner.downcast_ref::<rustls::Error>() {
                return Some(Self::Tls(TlsFault::of(error)));
            }
            // The resolver's failures are plain texts in an uncategorised error.
            if inner.to_string().starts_with("failed to lookup address") {
                return Some(Self::Dns);
            }
        }
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut { seconds: read_seconds }),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Some(Self::NoRoute),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Self::Broken),
            _ => error.to_string().starts_with("failed to lookup address").then_some(Self::Dns),
        }
    }
}

impl TlsFault {
    fn of(error: &rustls::Error) -> Self {
        use rustls::{AlertDescription, CertificateError, Error};
        match error {
            Error::InvalidCertificate(error) => match error {
                // A cluster made anew has a CA of the same name with another key: a bad signature.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    Self::NotValidForName
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                other => Self::Other { detail: redact::clean(&other.to_string()) },
            },
            Error::InvalidMessage(_) => Self::NoTls,
            Error::AlertReceived(
                AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::UnknownCA
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::AccessDenied,
            ) => Self::ClientCertificate,
            other => Self::Other { detail: redact::clean(&other.to_string()) },
        }
    }
}

/// An error and its sources; bounded, since `source` may be anyone's code.
pub(super) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn StdError + 'static) = *error;
        // An `io::Error` answers `source` with the source of what it wraps, skipping the wrapped one.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
    .take(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_the_root_of_the_chain() {
        let kinds = [
            (io::ErrorKind::ConnectionRefused, Fault::Refused),
            (io::ErrorKind::TimedOut, Fault::TimedOut { seconds: 15 }),
            (io::ErrorKind::ConnectionReset, Fault::Broken),
            (io::ErrorKind::HostUnreachable, Fault::NoRoute),
        ];
        for (kind, fault) in kinds {
            let error = kube::Error::Service(Box::new(io::Error::other(io::Error::from(kind))));
            assert_eq!(Fault::of(&error, 15), fault, "{kind:?}");
        }
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = kube::Error::Service(Box::new(io::Error::new(io::ErrorKind::InvalidData, tls)));
        assert_eq!(Fault::of(&error, 15), Fault::Tls(TlsFault::UnknownIssuer));
        let error = kube::Error::Service(Box::new(io::Error::other(
            "failed to lookup address information: Name or service not known",
        )));
        assert_eq!(Fault::of(&error, 15), Fault::Dns);
    }
}
