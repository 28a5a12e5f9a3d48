//! Why nothing is sent, in words.

use crate::analysis::probe::Refusal;
use crate::model::gap::{Gap, Why};
use crate::model::probe::Via;
use crate::model::snapshot::Snapshot;
use crate::report::gap::GapReport;
use crate::report::object_ref::NameRef;
use crate::report::text::Text;
use crate::tools::{FailureCode, ToolFailure, session};

/// The operator allows no probe.
pub(super) fn all_off() -> ToolFailure {
    ToolFailure::new(
        FailureCode::Disabled,
        "this server sends no requests: the operator did not allow probes",
        "start the server with --allow-probe to allow them; match_path and controller_logs_filtered answer without",
    )
}

/// The API server let no request through.
pub(super) fn not_sent(gap: &Gap) -> ToolFailure {
    let report = GapReport::from(gap);
    let (code, next) = match gap.why {
        Why::Forbidden { .. } | Why::Unauthorized => (
            FailureCode::Forbidden,
            "apply deploy/rbac/probe.yaml in that namespace, name another way with via, or go on with match_path",
        ),
        Why::Unreachable { .. }
        | Why::TimedOut { .. }
        | Why::NoAnswer { .. }
        | Why::NotCaptured
        | Why::Partial { .. }
        | Why::NotInstalled
        | Why::Rotated
        | Why::WrittenElsewhere { .. }
        | Why::NotWritten { .. }
        | Why::Redacted
        | Why::Malformed { .. }
        | Why::Disabled { .. }
        | Why::TooMuch { .. }
        | Why::Unsupported { .. } => {
            (FailureCode::Unreachable, "call again, name another way with via, or go on with match_path")
        }
    };
    ToolFailure::new(code, format!("nothing was sent: {}; to close: {}", report.why, report.close), next)
}

pub(super) fn failure(refusal: &Refusal, snapshot: &Snapshot) -> ToolFailure {
    let (code, seen, next) = match refusal {
        Refusal::UnknownHost { host } => {
            let hosts = snapshot.ingresses.items().iter().flat_map(|ingress| ingress.hosts());
            let known: std::collections::BTreeSet<&str> = hosts.collect();
            let nearest = session::nearest(host, known.into_iter());
            (
                FailureCode::Refused,
                format!("no Ingress serves host {}; nearest: {nearest}", Text::new(host)),
                "probe a host of an Ingress; get_ingress with the host shows why none serves it",
            )
        }
        Refusal::Method { method } => (
            FailureCode::Refused,
            format!("probes send GET and HEAD, not {}", Text::new(method)),
            "use GET or HEAD",
        ),
        Refusal::PathTooLong { bytes } => (
            FailureCode::Refused,
            format!("path and query have {bytes} bytes and probes send 2048"),
            "ask for a shorter URL",
        ),
        Refusal::PathCharacter(c) => (
            FailureCode::Refused,
            format!("the URL holds {}, which must be percent-encoded", Text::new(&format!("{c:?}"))),
            "percent-encode it and call again",
        ),
        Refusal::Header { name } => (
            FailureCode::Refused,
            format!("probes carry no header {}", Text::new(name)),
            "leave it out: allowed are Accept, Accept-Language, User-Agent, X-Forwarded-Proto, X-Request-Id and the like, and those that canaries of the host look at",
        ),
        Refusal::HeaderValue { name } => (
            FailureCode::Refused,
            format!(
                "the value of header {} is longer than 256 characters or not plain ASCII",
                Text::new(name)
            ),
            "shorten it",
        ),
        Refusal::AllOff => return all_off(),
        Refusal::Off(via) => (
            FailureCode::Disabled,
            format!("the operator did not allow probes by {}", via.as_str()),
            match via {
                Via::Exec => {
                    "start the server with --allow-probe=exec and name the pods with --probe-pod, or leave via and from out"
                }
                Via::Direct | Via::PortForward | Via::Recorded => {
                    "name another way, or start the server with --allow-probe"
                }
            },
        ),
        Refusal::PodNotAllowed { pod } => (
            FailureCode::Disabled,
            format!("the operator did not allow requests from pod {}", NameRef::from(pod)),
            "name a pod that was allowed with --probe-pod, or leave from out",
        ),
        Refusal::NoPodToSendFrom => (
            FailureCode::Disabled,
            "no running pod is one that the operator allowed to send from".to_owned(),
            "start the server with --probe-pod NAMESPACE/NAME, or use via port_forward",
        ),
        Refusal::PodNotThere { pod } => (
            FailureCode::NotFound,
            format!("pod {} does not exist or does not run", NameRef::from(pod)),
            "name a running pod, or use via port_forward",
        ),
        Refusal::NoController => (
            FailureCode::Unsupported,
            "no running ingress controller was recognised, so there is no address to ask".to_owned(),
            "call get_ingress with this host to see what could not be seen",
        ),
        Refusal::NoBackend => (
            FailureCode::Unsupported,
            "no rule takes this URL, so there is no backend to ask".to_owned(),
            "call match_path with this URL, or use target controller",
        ),
        Refusal::BackendOutside { service } => (
            FailureCode::Refused,
            format!("Service {} is an ExternalName outside the cluster", NameRef::from(service)),
            "use target controller",
        ),
        Refusal::Nowhere { target, via } => (
            FailureCode::Unsupported,
            format!("the cluster names no {} that {} reaches", target.as_str(), via.as_str()),
            "try another target or via; check_backend and get_ingress tell which Services and pods there are",
        ),
        Refusal::Forbidden { address } => (
            FailureCode::Refused,
            format!(
                "{} is never asked: this machine, a link-local or metadata address, or the API server",
                Text::new(address)
            ),
            "use another target, such as pod by port_forward",
        ),
    };
    ToolFailure::new(code, seen, next)
}

/// A refusal in a few words, for the end of a chain of redirects.
pub(super) fn short(refusal: &Refusal) -> String {
    match refusal {
        Refusal::UnknownHost { .. } => "no Ingress serves this host".to_owned(),
        Refusal::Method { .. }
        | Refusal::PathTooLong { .. }
        | Refusal::PathCharacter(_)
        | Refusal::Header { .. }
        | Refusal::HeaderValue { .. }
        | Refusal::AllOff
        | Refusal::Off(_)
        | Refusal::PodNotAllowed { .. }
        | Refusal::NoPodToSendFrom
        | Refusal::PodNotThere { .. }
        | Refusal::NoController
        | Refusal::NoBackend
        | Refusal::BackendOutside { .. }
        | Refusal::Nowhere { .. }
        | Refusal::Forbidden { .. } => "probes do not send this".to_owned(),
    }
}
