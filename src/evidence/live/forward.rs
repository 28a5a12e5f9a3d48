//! HTTP requests into the cluster: through a port-forward to a pod, or straight to an address.

use std::net::SocketAddr;
use std::time::Duration;

use futures::FutureExt;

use super::Live;
use super::guard::PROBE_FLAG;
use super::http_probe::{self, HttpAnswer, ProbeLimits};
use super::pod_stream::{PodFault, Unopened};
use super::redact;
use super::transport::seconds;
use crate::model::gap::Why;
use crate::model::object::Name;
use crate::model::request::Request;

/// How long the node's words may take after a stream has ended.
const WORDS: Duration = Duration::from_millis(300);

impl Live {
    /// Sends a request to a port of a pod, through the API server; inside TLS when a server name is
    /// given. To the pod it comes from its own loopback.
    ///
    /// # Errors
    /// `NoAnswer` when it was sent and nobody answered; else it could not be sent: the right is missing,
    /// the pod is not there, the API server does not answer.
    pub async fn forward_request(
        &self,
        pod: &Name,
        port: u16,
        tls: Option<&str>,
        request: &Request,
        limits: ProbeLimits,
    ) -> Result<HttpAnswer, Why> {
        if !self.transport.access().options().probes.port_forward {
            return Err(Why::Disabled { flag: PROBE_FLAG });
        }
        let open = self.open_stream(pod, |pods| {
            let name = pod.name.clone();
            async move { pods.portforward(&name, &[port]).await }
        });
        let opened = tokio::time::timeout(limits.deadline, open)
            .await
            .map_err(|_| Why::TimedOut { seconds: seconds(limits.deadline) })?;
        let mut forwarder = opened.map_err(|unopened| match unopened {
            Unopened::Pod(fault) => fault.into(),
            Unopened::Failure(failure) => self.why(&failure, &Self::stream_about(pod, "portforward")),
        })?;
        http_probe::bounded(limits, async move {
            let (Some(stream), Some(error)) = (forwarder.take_stream(port), forwarder.take_error(port))
            else {
                return Err(PodFault::Lost { detail: "no stream for the port".to_owned() }.into());
            };
            let _end_with_this_call = AbortOnDrop(forwarder);
            // The node's words (connection refused, …) say more than the stream's end, and come with it.
            let mut words = error.fuse();
            let answer = tokio::select! {
                biased;
                Some(message) = &mut words => return Err(unanswered(&message, port)),
                answer = http_probe::send(stream, tls, request, limits) => answer,
            };
            if answer.is_err()
                && let Ok(Some(message)) = tokio::time::timeout(WORDS, words).await
            {
                return Err(unanswered(&message, port));
            }
            answer
        })
        .await
    }

    /// Sends a request straight to an address, inside TLS when a server name is given. Never to
    /// loopback, link-local or metadata addresses, nor to the API server.
    ///
    /// # Errors
    /// When no answer came, or the address is not to be asked.
    pub async fn direct_request(
        &self,
        address: SocketAddr,
        tls: Option<&str>,
        request: &Request,
        limits: ProbeLimits,
    ) -> Result<HttpAnswer, Why> {
        if !self.transport.access().options().probes.direct {
            return Err(Why::Disabled { flag: PROBE_FLAG });
        }
        if address.to_string() == self.transport.server() {
            return Err(Why::Unsupported {
                detail: format!("{address} is never asked: it is the API server"),
            });
        }
        http_probe::dial(address, tls, request, limits).await
    }
}

fn unanswered(message: &str, port: u16) -> Why {
    let detail = if message.to_ascii_lowercase().contains("connection refused") {
        format!("nothing listens on port {port} of the pod")
    } else {
        redact::clean(message)
    };
    Why::NoAnswer { detail }
}

/// kube's port-forward goes on in a task of its own when it is merely dropped.
struct AbortOnDrop(kube::api::Portforwarder);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_port_is_said_so() {
        let message = "error forwarding port 8080 to pod 3f, uid : failed to execute portforward in network namespace \"/run/netns/x\": dial tcp4 127.0.0.1:8080: connect: connection refused";
        let detail = "nothing listens on port 8080 of the pod".to_owned();
        assert_eq!(unanswered(message, 8080), Why::NoAnswer { detail });
    }
}
