//! Performs a [`ProbePlan`], and nothing but what it says. Sends only on live clusters.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::cluster::{Cluster, Source};
use super::live::{ExecLimits, ExecOutput, HttpAnswer, Live, PodFault, ProbeLimits};
use crate::model::gap::Why;
use crate::model::object::Name;
use crate::model::probe::{Client, Commands, Destination, ProbePlan, Reply, Way};

/// For a name to be resolved.
const DNS: Duration = Duration::from_secs(3);
/// For a command in a pod; the clients end by themselves before.
const EXEC: Duration = Duration::from_secs(9);
const PRINTED: usize = 64 << 10;

/// What is known of the HTTP clients in the pod that one call sends from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known(Option<Client>);

/// Sends one request; each plan once.
///
/// # Errors
/// `NoAnswer` when it was sent and nobody answered; any other reason is one why it could not be sent.
pub async fn perform(cluster: &Cluster, plan: &ProbePlan, known: &mut Known) -> Result<Reply, Why> {
    let live = match cluster.source() {
        Source::Live(live) => live,
        Source::Capture(_) => {
            return Err(Why::Unsupported { detail: "a capture is not asked anything".to_owned() });
        }
    };
    let limits = ProbeLimits { proxy_protocol: plan.proxy_protocol, ..ProbeLimits::default() };
    let tls = plan.tls.as_deref();
    match &plan.way {
        Way::Direct(destination) => {
            let address = resolve(destination).await?;
            live.direct_request(address, tls, &plan.request, limits).await.map(http)
        }
        Way::PortForward { pod, port } => {
            live.forward_request(pod, *port, tls, &plan.request, limits).await.map(http)
        }
        Way::Exec { pod, container, address: _, commands } => {
            run(live, pod, container.as_deref(), commands, known).await
        }
    }
}

fn http(answer: HttpAnswer) -> Reply {
    let HttpAnswer { status, headers, body, millis, certificate } = answer;
    Reply::Http { status, headers, body, millis, certificate }
}

/// The address itself, or the lowest one a load balancer's name stands for. Addresses that are never
/// asked are left to the transport to refuse.
async fn resolve(destination: &Destination) -> Result<SocketAddr, Why> {
    let (host, port) = match destination {
        Destination::Address(address) => return Ok(*address),
        Destination::Named { host, port } => (host.as_str(), *port),
    };
    let unresolved = |detail: String| Why::NoAnswer { detail };
    let found = tokio::time::timeout(DNS, tokio::net::lookup_host((host, port)))
        .await
        .map_err(|_| unresolved("the name does not resolve within 3 s".to_owned()))?
        .map_err(|error| unresolved(format!("the name does not resolve: {}", error.kind())))?;
    let mut found: Vec<SocketAddr> = found.collect();
    found.sort_by_key(|address| (matches!(address.ip(), IpAddr::V6(_)), *address));
    found.first().copied().ok_or_else(|| unresolved("the name has no address".to_owned()))
}

/// curl, else wget, whichever the container has.
async fn run(
    live: &Live,
    pod: &Name,
    container: Option<&str>,
    commands: &Commands,
    known: &mut Known,
) -> Result<Reply, Why> {
    let limits = ExecLimits { deadline: EXEC, max_bytes: PRINTED };
    if matches!(known.0, None | Some(Client::Curl)) {
        let output = live.exec(pod, container, &commands.curl, limits).await?;
        if !is_missing(&output) {
            known.0 = Some(Client::Curl);
            return printed(Client::Curl, output);
        }
    }
    if known.0.is_none() {
        let help = ["wget".to_owned(), "--help".to_owned()];
        let output = live.exec(pod, container, &help, limits).await?;
        if is_missing(&output) {
            return Ok(Reply::NoClient);
        }
        let text = [output.stdout, output.stderr].concat();
        known.0 = Some(Client::of_wget_help(&String::from_utf8_lossy(&text)));
    }
    let Some(client) = known.0 else { return Ok(Reply::NoClient) };
    let command = match client {
        Client::Curl => Some(&commands.curl),
        Client::GnuWget => commands.gnu_wget.as_ref(),
        Client::BusyboxWget => commands.busybox_wget.as_ref(),
        Client::OldBusyboxWget => commands.old_busybox_wget.as_ref(),
    };
    match command {
        None => Ok(Reply::NoClient),
        Some(command) => printed(client, live.exec(pod, container, command, limits).await?),
    }
}

/// Whether a command is not in the container; some runtimes say so by a shell's exit codes.
fn is_missing(output: &ExecOutput) -> bool {
    output.failure == Some(PodFault::ProgramMissing) || matches!(output.exit, Some(126 | 127))
}

fn printed(client: Client, output: ExecOutput) -> Result<Reply, Why> {
    let ExecOutput { stdout, stderr, exit, truncated, failure } = output;
    match failure {
        Some(PodFault::ProgramMissing) => Ok(Reply::NoClient),
        // What was printed before a loss may hold the whole head of the answer.
        Some(fault) if stdout.is_empty() && stderr.is_empty() => Err(fault.into()),
        Some(_) | None => Ok(Reply::Printed { client, stdout, stderr, exit, truncated }),
    }
}
