//! Sending: plan, permission, requests, and what came back of them.

use super::{Asking, Report, Rules, SENT, chain, refused};
use crate::analysis::probe::{self, client};
use crate::evidence::cluster::Cluster;
use crate::evidence::probe::{Known, perform};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::object::{Kind, ObjectKey};
use crate::model::probe::{Destination, ProbeOutput, ProbePlan, Reply, Way};
use crate::model::request::Request;
use crate::report::gap::{reason, reports};
use crate::report::object_ref::{NameRef, ObjectRef};
use crate::report::probe::{HopReport, fault_words};
use crate::report::text::Text;
use crate::tools::{Call, Confirmation, FailureCode, ToolFailure, Toolbox};

/// How the live source names the context of a program that runs in the cluster.
const IN_CLUSTER: &str = "in-cluster";

pub(super) async fn report(
    asking: &Asking<'_>,
    toolbox: &Toolbox,
    cluster: &Cluster,
    call: &Call,
) -> Result<Report, ToolFailure> {
    let policy = &toolbox.settings().probes;
    let server = cluster.live().map(|live| live.server().to_owned()).unwrap_or_default();
    let rules = Rules {
        transports: &policy.transports,
        pods: &policy.pods,
        inside: cluster.context().as_deref() == Some(IN_CLUSTER),
        api_server: &server,
    };
    let repeat = asking.params.repeat.unwrap_or(1).max(1);
    let plans = plan(asking, &rules, asking.request, usize::from(repeat))
        .map_err(|refusal| refused::failure(&refusal, asking.snapshot))?;
    permit(&question(asking, &plans), toolbox, call).await?;
    toolbox.0.gate.send(repeat.saturating_add(asking.params.follow))?;
    let total = u32::from(repeat) + u32::from(asking.params.follow);
    let mut known = Known::default();
    let mut outputs = Vec::new();
    let mut unsent = Vec::new();
    for (done, plan) in (0_u32..).zip(&plans) {
        call.progress.say(done, Some(total), "sending a request");
        match send(cluster, plan, asking.request, &mut known).await {
            Sent::Asked(output) => outputs.push(*output),
            Sent::NotSent(why) => {
                unsent.push(Gap { what: Unseen::Probe { url: asking.request.url() }, why });
            }
        }
    }
    if let (true, Some(gap)) = (outputs.is_empty(), unsent.first()) {
        return Err(refused::not_sent(gap));
    }
    let chain = match outputs.first() {
        Some(first) if asking.params.follow > 0 => follow(asking, &rules, cluster, first, &mut known).await,
        Some(_) | None => Vec::new(),
    };
    let mut report = asking.report(SENT, &outputs, chain, &[]);
    report.gaps.extend(reports(&unsent));
    Ok(report)
}

/// What came of one plan.
enum Sent {
    /// The request was sent; nobody answering is an answer.
    Asked(Box<ProbeOutput>),
    /// It did not get past the API server, or that could not be told: nothing was learnt.
    NotSent(Why),
}

fn plan(
    asking: &Asking<'_>,
    rules: &Rules<'_>,
    request: &Request,
    repeat: usize,
) -> Result<Vec<ProbePlan>, probe::Refusal> {
    let view = asking.view(request).filter(|view| view.controller.is_some());
    probe::plan(&asking.wish(request, repeat), rules, asking.snapshot, view)
}

/// Asks whoever is there; nobody there means no, unless the operator said otherwise.
async fn permit(question: &str, toolbox: &Toolbox, call: &Call) -> Result<(), ToolFailure> {
    match call.confirm.confirm(question).await {
        Confirmation::Yes => Ok(()),
        Confirmation::No(by) => Err(ToolFailure::new(
            FailureCode::NotConfirmed,
            format!("nothing was sent: {by}"),
            "ask again when the request is wanted, or go on with match_path and controller_logs_filtered",
        )),
        Confirmation::Pending(pending) => Err(pending.into()),
        Confirmation::NobodyThere if toolbox.settings().probes.unattended => Ok(()),
        Confirmation::NobodyThere => Err(ToolFailure::new(
            FailureCode::NotConfirmed,
            "nothing was sent: nobody can be asked over this connection",
            "start the server with --probe-unattended to send without asking, or use a client that can be asked",
        )),
    }
}

/// Says completely what would be sent.
fn question(asking: &Asking<'_>, plans: &[ProbePlan]) -> String {
    let request = asking.request;
    let mut places: Vec<String> = plans.iter().map(place).collect();
    places.sort();
    places.dedup();
    let more = places.len().saturating_sub(5);
    places.truncate(5);
    let mut text = format!("Send {} {}", request.method, Text::new(&request.url()));
    if plans.len() > 1 {
        text.push_str(&format!(" {} times", plans.len()));
    }
    text.push_str(&format!(" to {}", places.join(", ")));
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    for (name, value) in &request.headers {
        text.push_str(&format!(", with header {}", Text::new(&format!("{name}: {value}"))));
    }
    if asking.params.follow > 0 {
        text.push_str(&format!(
            ", and follow up to {} redirects to hosts that Ingresses serve",
            asking.params.follow
        ));
    }
    text.push('?');
    text
}

/// Where a plan goes and how, in words.
fn place(plan: &ProbePlan) -> String {
    let to = ObjectRef::from(&plan.to);
    match &plan.way {
        Way::Direct(Destination::Address(address)) => format!("{to} at {address}"),
        Way::Direct(Destination::Named { host, port }) => format!("{to} at {}:{port}", Text::new(host)),
        Way::PortForward { pod, port } => {
            format!("port {port} of pod {} through the API server", NameRef::from(pod))
        }
        Way::Exec { pod, address, .. } => {
            format!("{to} at {address}, from pod {} with curl or wget", NameRef::from(pod))
        }
    }
}

/// Sends one request and reads its answer.
async fn send(cluster: &Cluster, plan: &ProbePlan, asked: &Request, known: &mut Known) -> Sent {
    let at = cluster.now();
    let reply = match perform(cluster, plan, known).await {
        Err(why) if !matches!(why, Why::NoAnswer { .. }) => return Sent::NotSent(why),
        reply => reply,
    };
    let (from, resolved_to) = match &plan.way {
        Way::Direct(Destination::Address(address)) => ("client".to_owned(), Some(address.to_string())),
        Way::Direct(Destination::Named { host, port }) => {
            ("client".to_owned(), Some(format!("{host}:{port}")))
        }
        Way::PortForward { port, .. } => ("client".to_owned(), Some(format!("port {port}"))),
        Way::Exec { pod, address, .. } => (pod.to_string(), Some(address.to_string())),
    };
    let mut output = ProbeOutput {
        at: Some(at),
        from,
        via: plan.way.via(),
        target: Some(plan.target),
        method: plan.request.method.clone(),
        url: shown(plan, asked),
        to: Some(to(plan)),
        resolved_to,
        sni: plan.tls.clone().filter(|name| *name != plan.request.host.as_str()),
        status: None,
        headers: Vec::new(),
        body: String::new(),
        error: None,
        millis: None,
        certificate: None,
    };
    match reply {
        Err(why) => output.error = Some(reason(&why)),
        Ok(Reply::NoClient) => {
            let detail = if plan.tls.is_some() {
                "the pod has no curl, and wget cannot ask this"
            } else {
                "the pod has neither curl nor wget"
            };
            output.error = Some(reason(&Why::Unsupported { detail: detail.to_owned() }));
        }
        Ok(Reply::Http { status, headers, body, millis, certificate }) => {
            output.status = Some(status);
            output.headers = headers;
            output.body = String::from_utf8_lossy(&body).into_owned();
            output.millis = Some(millis);
            output.certificate = certificate;
        }
        Ok(Reply::Printed { client: program, stdout, stderr, exit, truncated: _ }) => {
            let head = plan.request.method == "HEAD";
            let read = client::read(program, head, &stdout, &stderr, exit);
            output.status = read.status;
            output.headers = read.headers;
            output.body = read.body;
            output.millis = read.millis;
            output.error = read.fault.as_ref().map(fault_words);
            output.certificate = match (read.certificate, read.untrusted) {
                (Some(certificate), Some(code)) => {
                    Some(format!("{certificate}; not trusted there (code {code})"))
                }
                (Some(certificate), None) => Some(certificate),
                (None, Some(code)) => Some(format!("not trusted there (code {code})")),
                (None, None) => None,
            };
        }
    }
    tracing::info!(
        via = output.via.as_str(),
        to = %to(plan),
        address = output.resolved_to.as_deref().unwrap_or_default(),
        from = %Text::new(&output.from),
        method = output.method.as_str(),
        url = %Text::new(&output.url),
        status = output.status,
        error = output.error.as_deref(),
        "probe sent"
    );
    Sent::Asked(Box::new(output))
}

/// The URL as asked; of a backend, which may get another path, as it was sent.
fn shown(plan: &ProbePlan, asked: &Request) -> String {
    if plan.request.path == asked.path && plan.request.host == asked.host {
        return asked.url();
    }
    plan.request.url()
}

fn to(plan: &ProbePlan) -> ObjectKey {
    match &plan.way {
        Way::PortForward { pod, .. } => ObjectKey { kind: Kind::Pod, name: pod.clone() },
        Way::Direct(_) | Way::Exec { .. } => plan.to.clone(),
    }
}

/// Follows redirects, each planned anew under the same rules.
async fn follow(
    asking: &Asking<'_>,
    rules: &Rules<'_>,
    cluster: &Cluster,
    first: &ProbeOutput,
    known: &mut Known,
) -> Vec<HopReport> {
    let mut hops = Vec::new();
    let mut request = asking.request.clone();
    let mut output = first.clone();
    for left in (0..=asking.params.follow).rev() {
        let hop = |stops: Option<String>| HopReport {
            url: Text::new(&request.url()),
            status: output.status,
            location: output.header("location").map(Text::new),
            stops,
        };
        let next = match chain::after(&output, &request) {
            None => {
                hops.push(hop(None));
                break;
            }
            Some(Err(why)) => {
                hops.push(hop(Some(why)));
                break;
            }
            Some(Ok(_)) if left == 0 => {
                hops.push(hop(Some("follow was used up".to_owned())));
                break;
            }
            Some(Ok(next)) => next,
        };
        let planned = match plan(asking, rules, &next, 1) {
            Ok(plans) => plans.into_iter().next(),
            Err(refusal) => {
                hops.push(hop(Some(refused::short(&refusal))));
                break;
            }
        };
        hops.push(hop(None));
        let Some(planned) = planned else { break };
        match send(cluster, &planned, &next, known).await {
            Sent::Asked(answered) => output = *answered,
            Sent::NotSent(why) => {
                hops.push(HopReport {
                    url: Text::new(&next.url()),
                    status: None,
                    location: None,
                    stops: Some(reason(&why)),
                });
                break;
            }
        }
        request = next;
    }
    hops
}
