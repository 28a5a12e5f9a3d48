//! Opening a stream into a pod (exec, port-forward), and why that fails.

use std::fmt;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::client::UpgradeConnectionError;

use super::failure::Failure;
use super::fault::chain;
use super::refusal::{About, Refusal};
use super::{Live, redact};
use crate::model::gap::Why;
use crate::model::object::Name;

/// Why there is no stream into a pod although the API server may be asked for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodFault {
    PodMissing,
    /// The pod has no container of that name.
    ContainerMissing,
    /// The pod has several containers and none was named.
    ContainerAmbiguous {
        containers: Vec<String>,
    },
    NotRunning {
        detail: String,
    },
    /// The command is not in the container's image.
    ProgramMissing,
    /// The API server does not reach the pod's node.
    NodeUnreachable {
        detail: String,
    },
    /// Something between here and the API server blocks WebSockets.
    NoWebSocket {
        status: u16,
    },
    /// An admission webhook or policy says no.
    Denied {
        message: String,
    },
    TimedOut {
        seconds: u32,
    },
    /// The stream broke off.
    Lost {
        detail: String,
    },
}

impl fmt::Display for PodFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodMissing => f.write_str("the pod does not exist"),
            Self::ContainerMissing => f.write_str("the pod has no container of that name"),
            Self::ContainerAmbiguous { containers } => {
                write!(f, "the pod has several containers: {}", containers.join(", "))
            }
            Self::NotRunning { detail } => write!(f, "the container does not run: {detail}"),
            Self::ProgramMissing => f.write_str("the program is not in the container's image"),
            Self::NodeUnreachable { detail } => {
                write!(f, "the API server does not reach the pod's node: {detail}")
            }
            Self::NoWebSocket { status } => {
                write!(f, "a proxy in front of the API server blocks WebSockets: HTTP {status}")
            }
            Self::Denied { message } => write!(f, "an admission webhook denied it: {message}"),
            Self::TimedOut { seconds } => write!(f, "no end within {seconds} s"),
            Self::Lost { detail } => write!(f, "the stream broke off: {detail}"),
        }
    }
}

/// Why a stream could not be opened.
pub(super) enum Unopened {
    /// The API server refused or did not answer.
    Failure(Failure),
    Pod(PodFault),
}

impl Unopened {
    pub(super) fn of(error: &kube::Error, seconds: u32) -> Self {
        if let Some(UpgradeConnectionError::ProtocolSwitch(status)) =
            chain(error).find_map(|error| error.downcast_ref::<UpgradeConnectionError>())
        {
            return Self::Pod(PodFault::NoWebSocket { status: status.as_u16() });
        }
        match Failure::of(error, seconds) {
            Failure::Refusal(refusal) => match pod_fault(&refusal) {
                Some(fault) => Self::Pod(fault),
                None => Self::Failure(Failure::Refusal(refusal)),
            },
            failure => Self::Failure(failure),
        }
    }
}

/// The pod's part in a refusal; `None`: the API server's own.
fn pod_fault(refusal: &Refusal) -> Option<PodFault> {
    let message = refusal.message.as_str();
    let detail = || redact::clean(message);
    if refusal.is_html {
        return None;
    }
    match refusal.code {
        404 if refusal.is_absent_object() => Some(PodFault::PodMissing),
        400 if message.starts_with("a container name must be specified") => {
            let names =
                message.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(names, _)| names);
            let containers =
                names.unwrap_or_default().split_whitespace().take(50).map(redact::clean).collect();
            Some(PodFault::ContainerAmbiguous { containers })
        }
        400 if message.contains(" is not valid for pod ") => Some(PodFault::ContainerMissing),
        400 if message.contains("completed pod")
            || message.contains("not assigned to a node")
            || message.contains("does not have a host assigned") =>
        {
            Some(PodFault::NotRunning { detail: detail() })
        }
        403 if message.contains("admission webhook") || message.contains("ValidatingAdmissionPolicy") => {
            Some(PodFault::Denied { message: detail() })
        }
        _ => stream_fault(message),
    }
}

/// The kubelet's and the runtime's words, which come before or after the stream is opened.
pub(super) fn stream_fault(message: &str) -> Option<PodFault> {
    let detail = || redact::clean(message);
    if message.contains("executable file not found")
        || (message.contains("exec: ") && message.contains("no such file or directory"))
    {
        Some(PodFault::ProgramMissing)
    } else if message.contains("error dialing backend") || message.contains("No agent available") {
        Some(PodFault::NodeUnreachable { detail: detail() })
    } else if message.contains("container not found")
        || message.contains("pod does not exist")
        || message.contains("is not running")
        || message.contains("not created or running")
    {
        Some(PodFault::NotRunning { detail: detail() })
    } else {
        None
    }
}

impl Live {
    /// Opens a stream into a pod, renewing credentials once.
    pub(super) async fn open_stream<T, F>(
        &self,
        pod: &Name,
        open: impl Fn(Api<Pod>) -> F + Sync,
    ) -> Result<T, Unopened>
    where
        F: Future<Output = kube::Result<T>> + Send,
    {
        let seconds = super::transport::seconds(self.transport.access().options().read);
        let opened = self
            .transport
            .authorized(|clients| {
                let stream = open(Api::namespaced(clients.streaming.clone(), &pod.namespace));
                async move {
                    match stream.await {
                        Ok(stream) => Ok(Ok(stream)),
                        Err(error) => match Unopened::of(&error, seconds) {
                            Unopened::Failure(failure) => Err(failure),
                            Unopened::Pod(fault) => Ok(Err(fault)),
                        },
                    }
                }
            })
            .await;
        match opened {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(fault)) => Err(Unopened::Pod(fault)),
            Err(failure) => Err(Unopened::Failure(failure)),
        }
    }

    pub(super) fn stream_about(pod: &Name, subresource: &str) -> About {
        About {
            verb: "get",
            group: "",
            resource: format!("pods/{subresource}"),
            namespace: Some(pod.namespace.clone()),
        }
    }
}

impl From<PodFault> for Why {
    fn from(fault: PodFault) -> Self {
        match fault {
            PodFault::TimedOut { seconds } => Self::TimedOut { seconds },
            fault => Self::Unreachable { detail: fault.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: u16, message: &str, fault: Option<&PodFault>) {
        let refusal = Refusal { code, is_status: true, message: message.to_owned(), ..Refusal::default() };
        assert_eq!(pod_fault(&refusal).as_ref(), fault, "{message}");
    }

    #[test]
    fn the_pods_part_is_told_from_the_api_servers() {
        check(
            400,
            "a container name must be specified for pod p1, choose one of: [app sidecar]",
            Some(&PodFault::ContainerAmbiguous { containers: vec!["app".to_owned(), "sidecar".to_owned()] }),
        );
        check(400, "container x is not valid for pod p1", Some(&PodFault::ContainerMissing));
        let text = "cannot exec into a container in a completed pod; current phase is Succeeded";
        check(400, text, Some(&PodFault::NotRunning { detail: text.to_owned() }));
        let text = "error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused";
        check(500, text, Some(&PodFault::NodeUnreachable { detail: text.to_owned() }));
        let text = "admission webhook \"policy.example\" denied the request: no exec";
        check(403, text, Some(&PodFault::Denied { message: text.to_owned() }));
        check(403, "pods \"a\" is forbidden: ", None);
        check(500, "etcdserver: leader changed", None);
    }

    #[test]
    fn a_missing_program_is_recognised_in_the_runtimes_words() {
        for text in [
            "Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": executable file not found in $PATH: unknown",
            "OCI runtime exec failed: exec: \"/bin/curl\": stat /bin/curl: no such file or directory: unknown",
        ] {
            assert_eq!(stream_fault(text), Some(PodFault::ProgramMissing), "{text}");
        }
        assert_eq!(stream_fault("command terminated with exit code 7"), None);
    }
}
