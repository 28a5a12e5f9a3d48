//! Why a request failed: no answer came ([`Fault`]), the server answered with an error ([`Refusal`]), or
//! it was not sent (guard, credentials). [`Failure::why`] turns each into the reason of a gap,
//! [`Failure::connect_error`] into the reason why there is no connection.

use super::connect_error::ConnectError;
use super::fault::{Fault, chain};
use super::guard::{PROBE_FLAG, Refused};
use super::redact;
use super::refusal::{About, Refusal};
use crate::model::gap::Why;

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    Fault(Fault),
    Refusal(Box<Refusal>),
    /// The guard did not let it out.
    Guard(Refused),
    /// The credentials had expired and could not be renewed.
    Credentials(Box<ConnectError>),
    /// The answer was no JSON of the expected shape.
    Undecodable {
        detail: String,
    },
    TooLarge {
        limit: String,
    },
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Failure {
    /// Reads an error of kube's client.
    pub(super) fn of(error: &kube::Error, read_seconds: u32) -> Self {
        if let kube::Error::Api(status) = error {
            return Self::Refusal(Box::new(Refusal::of_status(status)));
        }
        for error in chain(error) {
            if let Some(refused) = error.downcast_ref::<Refused>() {
                return Self::Guard(*refused);
            }
        }
        Self::Fault(Fault::of(error, read_seconds))
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.code == 401 && !refusal.is_html)
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Fault(fault) => *fault == Fault::Broken,
            Self::Refusal(refusal) => matches!(refusal.code, 429 | 503 | 504),
            Self::Guard(_) | Self::Credentials(_) | Self::Undecodable { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// How long the server wants the next request to wait.
    pub(super) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Refusal(refusal) => refusal.retry_after_s,
            Self::Fault(_)
            | Self::Guard(_)
            | Self::Credentials(_)
            | Self::Undecodable { .. }
            | Self::TooLarge { .. } => None,
        }
    }

    /// The reason as gaps carry it.
    pub(super) fn why(&self, about: &About, server: &str) -> Why {
        match self {
            Self::Fault(Fault::TimedOut { seconds }) => Why::TimedOut { seconds: *seconds },
            Self::Fault(fault) => Why::Unreachable { detail: format!("{server}: {fault}") },
            Self::Refusal(refusal) => refusal.why(about, server),
            Self::Guard(Refused::ProbesOff) => Why::Disabled { flag: PROBE_FLAG },
            Self::Guard(refused) => Why::Unsupported { detail: refused.to_string() },
            Self::Credentials(error) => Why::Unreachable { detail: error.message() },
            Self::Undecodable { detail } => Why::Malformed { detail: detail.clone() },
            Self::TooLarge { limit } => Why::TooMuch { limit: limit.clone() },
        }
    }

    /// The reason why there is no connection.
    pub(super) fn connect_error(self, context: &str, server: &str, plugin: Option<&str>) -> ConnectError {
        let (context, server) = (context.to_owned(), server.to_owned());
        let fault = match self {
            Self::Credentials(error) => return *error,
            Self::Refusal(refusal) if refusal.code == 401 && !refusal.is_html => {
                return ConnectError::Unauthorized { context, plugin: plugin.map(str::to_owned) };
            }
            Self::Refusal(refusal) if refusal.code == 403 && refusal.is_status => {
                return ConnectError::Forbidden { context, message: redact::clean(&refusal.message) };
            }
            Self::Fault(fault) => fault,
            Self::Refusal(refusal) if (300..400).contains(&refusal.code) => {
                Fault::NotKubernetes { status: refusal.code }
            }
            Self::Refusal(refusal)
                if refusal.message.starts_with("Client sent an HTTP request to an HTTPS server") =>
            {
                Fault::PlainHttp
            }
            Self::Refusal(refusal) if refusal.code == 404 && !refusal.is_status => {
                Fault::NotKubernetes { status: 404 }
            }
            Self::Refusal(refusal) => refusal.fault(),
            Self::Guard(refused) => Fault::Other { detail: refused.to_string() },
            Self::Undecodable { .. } => Fault::NotKubernetes { status: 200 },
            Self::TooLarge { limit } => Fault::Other { detail: limit },
        };
        ConnectError::Unreachable { context, server, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guards_refusal_comes_through() {
        let about = About { verb: "get", group: "", resource: "pods/exec".to_owned(), namespace: None };
        let error = kube::Error::Service(Box::new(Refused::ProbesOff));
        assert_eq!(Failure::of(&error, 15).why(&about, "x"), Why::Disabled { flag: "--allow-probe" });
    }
}
