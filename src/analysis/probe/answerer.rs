//! Who answered a probe: the controller or something behind it, as far as headers and body tell.
//!
//! Bodies are weak witnesses: an application behind nginx sends nginx's page, every Go application sends
//! Traefik's. They count only together with what the routing model expects; a header that only a proxy
//! or only an upstream adds counts by itself. Where neither decides, the answer is that the controller's
//! log must be asked.
//!
//! Sources: the pages and headers of the products as served by them, `docs/controllers`.

use crate::analysis::routing::{Decision, Outcome};

use crate::analysis::view::View;
use crate::model::controller::{ControllerKind, Settings};
use crate::model::probe::{ProbeOutput, Target};
use crate::model::verdict::Confidence;

/// Who it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The controller, because no rule matches.
    Controller,
    /// The controller, for another reason: a redirect, a refusal, no backend.
    Proxy,
    /// Something behind the controller.
    Upstream,
    Undecided,
    Nobody,
}

/// What tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// The controller was not asked.
    AskedDirectly,
    /// A header that only answers from behind the controller have.
    UpstreamHeader(&'static str),
    /// The header and page of the product's own answers.
    OwnAnswer,
    /// The product's own page, which applications send too, and the model expects the controller.
    OwnPageExpected,
    /// The product's own page, though the model sends the request to a backend.
    OwnPageUnexpected,
    /// Not the page that the controller has for requests without a rule.
    OtherPage,
    /// Not the controller's page, but a default backend or error pages may send any.
    OtherPageConfigured,
    /// The model says that the controller itself answers with this status.
    Expected(Outcome),
    /// A success comes from an upstream.
    Success,
    /// The product's page alone, with no model to hold it against.
    PageAlone,
    Nothing,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    pub who: Who,
    pub confidence: Confidence,
    pub sign: Sign,
}

/// Judges one answer. `decision` is the model's for the request that was sent.
#[must_use]
pub fn judge(output: &ProbeOutput, view: Option<&View<'_>>, decision: Option<&Decision>) -> Answerer {
    let Some(status) = output.status else {
        return of(Who::Nobody, Confidence::Certain, Sign::Nothing);
    };
    if matches!(output.target, Some(Target::Service | Target::Pod)) {
        return of(Who::Upstream, Confidence::Certain, Sign::AskedDirectly);
    }
    let kind = view.map(|view| view.kind);
    if let Some(header) = upstream_header(kind, output) {
        return of(Who::Upstream, Confidence::Certain, Sign::UpstreamHeader(header));
    }
    if status < 300 {
        return of(Who::Upstream, Confidence::Likely, Sign::Success);
    }
    let outcome = decision.map(|decision| decision.outcome);
    let expected = decision.is_some_and(|decision| decision.status == Some(status));
    match (status, outcome) {
        (300..400, Some(Outcome::Redirect)) if expected => {
            let same =
                decision.and_then(|decision| decision.location.as_deref()) == output.header("location");
            let confidence = if same { Confidence::Likely } else { Confidence::Possible };
            of(Who::Proxy, confidence, Sign::Expected(Outcome::Redirect))
        }
        (404, _) => not_found(kind, view, decision, output),
        (400.., Some(outcome @ (Outcome::Refused | Outcome::Unavailable))) if expected => {
            of(Who::Proxy, Confidence::Likely, Sign::Expected(outcome))
        }
        _ => of(Who::Undecided, Confidence::Possible, Sign::Nothing),
    }
}

const fn of(who: Who, confidence: Confidence, sign: Sign) -> Answerer {
    Answerer { who, confidence, sign }
}

fn not_found(
    kind: Option<ControllerKind>,
    view: Option<&View<'_>>,
    decision: Option<&Decision>,
    output: &ProbeOutput,
) -> Answerer {
    let Some(kind) = kind else { return of(Who::Undecided, Confidence::Possible, Sign::Nothing) };
    let page = page(kind, output);
    let settings = view.map(|view| &view.settings);
    match (page, decision.map(|decision| decision.outcome)) {
        (Page::Own, _) => of(Who::Controller, Confidence::Likely, Sign::OwnAnswer),
        (Page::Common, Some(Outcome::NoRoute)) => {
            of(Who::Controller, Confidence::Likely, Sign::OwnPageExpected)
        }
        (Page::Common, Some(_)) => of(Who::Undecided, Confidence::Possible, Sign::OwnPageUnexpected),
        (Page::Common, None) => of(Who::Controller, Confidence::Possible, Sign::PageAlone),
        (Page::Other, _) if settings.is_none_or(|settings| may_answer_otherwise(kind, settings)) => {
            of(Who::Undecided, Confidence::Possible, Sign::OtherPageConfigured)
        }
        (Page::Other, _) => of(Who::Upstream, Confidence::Likely, Sign::OtherPage),
        (Page::Unknown, _) => of(Who::Undecided, Confidence::Possible, Sign::Nothing),
    }
}

/// A header that the product adds only to answers of upstreams.
fn upstream_header(kind: Option<ControllerKind>, output: &ProbeOutput) -> Option<&'static str> {
    let headers: &[&'static str] = match kind? {
        ControllerKind::Kong => &["x-kong-upstream-latency"],
        ControllerKind::Contour | ControllerKind::Istio | ControllerKind::Cilium => {
            &["x-envoy-upstream-service-time"]
        }
        ControllerKind::IngressNginx
        | ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::TraefikGateway
        | ControllerKind::F5Nginx
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress
        | ControllerKind::AwsAlb
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => &[],
    };
    headers.iter().copied().find(|name| output.header(name).is_some())
}

/// How a 404's page relates to the one of the product.
enum Page {
    /// Page and headers that nothing else is likely to send.
    Own,
    /// The product's page, which many applications send too.
    Common,
    Other,
    /// The body was not seen, or the product's page is not known.
    Unknown,
}

fn page(kind: ControllerKind, output: &ProbeOutput) -> Page {
    let body = output.body.as_str();
    let header = |name: &str| output.header(name).unwrap_or_default();
    let length: Option<usize> = header("content-length").parse().ok();
    let empty = body.is_empty() && length.is_none_or(|length| length == 0);
    if body.is_empty() && (output.method == "HEAD" || !empty) {
        return Page::Unknown;
    }
    let own = |own: bool| if own { Page::Own } else { Page::Other };
    let common = |common: bool| if common { Page::Common } else { Page::Other };
    match kind {
        // The version is hidden in its own page unless it is told to show it.
        ControllerKind::IngressNginx => {
            common(body.contains("<center>nginx</center>") || body.trim() == "default backend - 404")
        }
        ControllerKind::F5Nginx => common(body.contains("<center>nginx")),
        ControllerKind::Traefik | ControllerKind::TraefikIngressNginx | ControllerKind::TraefikGateway => {
            common(body.trim() == "404 page not found")
        }
        ControllerKind::Haproxytech => common(body.trim() == "Not Found"),
        ControllerKind::HaproxyIngress => common(
            body.contains("<h1>404 Not Found</h1>") && body.contains("The requested URL was not found."),
        ),
        ControllerKind::Contour | ControllerKind::Istio | ControllerKind::Cilium => {
            own(empty && matches!(header("server"), "envoy" | "istio-envoy"))
        }
        ControllerKind::Kong => own(body.contains("no Route matched with those values")),
        ControllerKind::Apisix => own(body.contains("\"error_msg\":\"404 Route Not Found\"")),
        ControllerKind::AwsAlb => own(header("server").starts_with("awselb/")),
        ControllerKind::Gce => {
            own(body.contains("default backend - 404") || body.contains("response 404 (backend NotFound)"))
        }
        ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => Page::Unknown,
    }
}

/// Whether settings put another page in the place of the product's.
fn may_answer_otherwise(kind: ControllerKind, settings: &Settings) -> bool {
    use crate::model::controller::ConfigSeen;
    let set = |key: &str| settings.config(key).is_some();
    match kind {
        ControllerKind::IngressNginx => {
            settings.config == ConfigSeen::Unseen
                || settings.value("default-backend-service").is_some()
                || set("custom-http-errors")
                || settings.config("server-tokens") == Some("true")
        }
        ControllerKind::TraefikIngressNginx
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress => {
            settings.args.iter().any(|flag| flag.name.replace('-', "").ends_with("defaultbackendservice"))
        }
        ControllerKind::F5Nginx => {
            settings.config == ConfigSeen::Unseen || set("default-server-return") || set("main-template")
        }
        ControllerKind::Traefik
        | ControllerKind::TraefikGateway
        | ControllerKind::AwsAlb
        | ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => false,
    }
}
