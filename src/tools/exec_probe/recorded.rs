//! Probes on a capture: what was recorded for this URL and its backends. Nothing is sent.

use super::{Asking, RECORDED, Report, chain};
use crate::analysis::facts::symptom::{is_entry, same_url};
use crate::model::probe::{ProbeOutput, Target};
use crate::model::request::Request;
use crate::model::snapshot::Lookup;
use crate::report::probe::HopReport;
use crate::report::text::Text;
use crate::tools::{FailureCode, ToolFailure};

pub(super) fn report(asking: &Asking<'_>, probes: &[ProbeOutput]) -> Result<Report, ToolFailure> {
    let fits = |probe: &&ProbeOutput| wanted(asking, probe);
    let mut asked: Vec<ProbeOutput> = probes
        .iter()
        .filter(|probe| is_entry(probe) && same_url(probe, asking.request))
        .filter(fits)
        .cloned()
        .collect();
    let mut backends: Vec<ProbeOutput> =
        probes.iter().filter(|probe| of_backend(asking, probe)).filter(fits).cloned().collect();
    // Newest first; of one moment as they stand in the file.
    asked.sort_by_key(|probe| std::cmp::Reverse(probe.at));
    backends.sort_by_key(|probe| std::cmp::Reverse(probe.at));
    if asked.is_empty() {
        // Asked for the backend, that is the answer.
        std::mem::swap(&mut asked, &mut backends);
    }
    let Some(first) = asked.first() else { return Err(none(asking, probes)) };
    let chain = follow(asking, first, probes);
    Ok(asking.report(RECORDED, &asked, chain, &backends))
}

/// Whether a record is of the way, target, method, pod and server name that were asked for.
fn wanted(asking: &Asking<'_>, probe: &ProbeOutput) -> bool {
    let params = asking.params;
    params.via.via().is_none_or(|via| probe.via == via)
        && params.target.is_none_or(|target| probe.target == Some(target.target()))
        && probe.method == asking.request.method
        && asking.from.is_none_or(|from| probe.from == from.to_string())
        && params.sni.as_ref().is_none_or(|super::Host(sni)| {
            probe.sni.as_deref().is_some_and(|probed| probed.eq_ignore_ascii_case(sni.as_str()))
        })
}

/// Whether a record asks a backend for the same path: the host's name, or an address of the Service
/// that the rule names.
fn of_backend(asking: &Asking<'_>, probe: &ProbeOutput) -> bool {
    if !matches!(probe.target, Some(Target::Service | Target::Pod)) {
        return false;
    }
    let Ok(probed) = Request::parse(&probe.url) else { return false };
    let decision = asking.view(asking.request).map(|view| view.decide(asking.request));
    let upstream = decision.as_ref().and_then(|decision| decision.upstream_path.as_deref());
    let path = probed.path == asking.request.path || upstream == Some(probed.path.as_str());
    if !path {
        return false;
    }
    if probed.host == asking.request.host {
        return true;
    }
    let backend = decision.as_ref().and_then(|decision| decision.winner.as_ref()?.backend.as_ref());
    backend.is_some_and(|backend| match asking.snapshot.slices_of(&backend.service) {
        Lookup::Found(slices) => slices
            .iter()
            .flat_map(|slice| &slice.endpoints)
            .flat_map(|endpoint| &endpoint.addresses)
            .any(|address| address == probed.host.as_str()),
        Lookup::Absent | Lookup::Unseen(_) => false,
    })
}

/// The recorded steps after a redirect, when they were asked for.
fn follow(asking: &Asking<'_>, first: &ProbeOutput, probes: &[ProbeOutput]) -> Vec<HopReport> {
    let mut hops = Vec::new();
    if asking.params.follow == 0 {
        return hops;
    }
    let mut request = asking.request.clone();
    let mut output = first;
    for left in (0..=asking.params.follow).rev() {
        let hop = |stops: Option<String>| HopReport {
            url: Text::new(&request.url()),
            status: output.status,
            location: output.header("location").map(Text::new),
            stops,
        };
        let next = match chain::after(output, &request) {
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
        let Some(found) = probes
            .iter()
            .filter(|probe| is_entry(probe) && same_url(probe, &next))
            .max_by_key(|probe| probe.at)
        else {
            hops.push(hop(Some("the capture holds no probe of it".to_owned())));
            break;
        };
        hops.push(hop(None));
        request = next;
        output = found;
    }
    hops
}

fn none(asking: &Asking<'_>, probes: &[ProbeOutput]) -> ToolFailure {
    let url = Text::new(&asking.request.url());
    let mut urls: Vec<&str> = probes.iter().map(|probe| probe.url.as_str()).collect();
    urls.sort_by_key(|known| (strsim::damerau_levenshtein(known, url.as_str()), *known));
    urls.dedup();
    let known: Vec<String> = urls.into_iter().take(4).map(|url| Text::new(url).to_string()).collect();
    let seen = if known.is_empty() {
        "this capture holds no probes, and nothing can be sent from one".to_owned()
    } else {
        format!(
            "this capture holds no such probe of {url}, and nothing can be sent from one; it holds some of: {}",
            known.join(", ")
        )
    };
    ToolFailure::new(
        FailureCode::Unsupported,
        seen,
        "match_path tells what this URL would answer, controller_logs_filtered what it answered; to send a request, ask the live cluster",
    )
}
