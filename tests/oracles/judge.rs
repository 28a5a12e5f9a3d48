//! What a model says of a request, held to what the real proxy did.

use routecause::analysis::routing::{Outcome, RouteTable, Target};
use routecause::model::controller::ControllerKind;
use routecause::model::ingress::PortRef;
use serde_json::{Value, json};

use crate::ask::Answer;
use crate::judging::{self, differs, request_of};
use crate::world::{Ask, PORTS, backend};

/// A model of the objects that a proxy serves.
pub(crate) struct Judge {
    kind: ControllerKind,
    table: Box<dyn RouteTable>,
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    Agrees,
    /// The model says that it is not determined, and leaves room for the answer.
    Undetermined,
    /// What differs, and the model's decision, as text.
    Differs(String),
}

impl Judge {
    /// Lowers the objects the way the program reads a capture, and compiles the model.
    pub(crate) async fn new(kind: ControllerKind, objects: &[Value]) -> Self {
        Self { kind, table: judging::table(kind, &judging::snapshot(judging::capture_of(objects)).await) }
    }

    /// Why this configuration cannot be loaded, if the model says so.
    pub(crate) fn refuses_all(&self) -> Option<&str> {
        self.table.reload_failure().map(|failure| failure.cause.as_str())
    }

    /// Everything that the model has to say.
    pub(crate) fn consider(&self, ask: &Ask) {
        let request = request_of(&ask.vector());
        let _ = (self.table.decide(&request), self.table.explain(&request, 5));
    }

    /// Gives a backend's port the number that its pod answers for. Some models say the port as the rule
    /// has it, which ingress-nginx compares with the target of a Service's port too.
    fn number(&self, target: &mut Target) {
        target.port = match &target.port {
            PortRef::Name(name) if name == "http" => PortRef::Number(80),
            PortRef::Name(name) if name == "alt" => PortRef::Number(8080),
            PortRef::Number(number) if self.kind == ControllerKind::IngressNginx && *number == PORTS[0] => {
                PortRef::Number(80)
            }
            other => other.clone(),
        };
    }

    pub(crate) fn judge(&self, ask: &Ask, answer: &Answer) -> Finding {
        let request = request_of(&ask.vector());
        let mut decision = self.table.decide(&request);
        let winner = decision.winner.as_mut().and_then(|winner| winner.backend.as_mut());
        winner.into_iter().chain(&mut decision.one_of).for_each(|target| self.number(target));
        let mut expected = expectation(answer);
        // Backends that fail in different ways: which one it is, is not determined.
        let is_any_failure = decision.outcome == Outcome::Unavailable && decision.status.is_none();
        if is_any_failure && let Some(expected) = expected.as_object_mut() {
            expected.remove("status");
        }
        let difference = differs(&expected, &request, &decision);
        if !difference.is_empty() {
            return Finding::Differs(format!("{difference}    {decision:?}"));
        }
        if decision.outcome == Outcome::Undefined || is_any_failure {
            Finding::Undetermined
        } else {
            Finding::Agrees
        }
    }
}

/// An answer in the words of `vectors.jsonl`.
pub(crate) fn expectation(answer: &Answer) -> Value {
    match answer {
        Answer::Upstream { address, target } => {
            let path = target.split('?').next().unwrap_or_default();
            json!({"outcome": "routed", "backend": backend(*address), "upstream_path": path})
        }
        Answer::Proxy { status, location: Some(location) } if (300..400).contains(status) => {
            json!({"outcome": "redirect", "status": status, "location": location})
        }
        // The error page of a rule whose Service has nobody is a 404 too: a rule won, and is told as such.
        Answer::Proxy { status: status @ 404, .. } => {
            json!({"outcome": "no_route", "outcome_in": ["no_route", "unavailable"], "status": status})
        }
        // A proxy that has nothing for a request, not even a page of its own, may say so by 503.
        Answer::Proxy { status: status @ 503, .. } => {
            json!({"outcome": "unavailable", "outcome_in": ["unavailable", "no_route"], "status": status})
        }
        Answer::Proxy { status: status @ 500.., .. } => json!({"outcome": "unavailable", "status": status}),
        Answer::Proxy { status, .. } => json!({"status": status}),
        Answer::Closed => json!({"outcome": "refused"}),
    }
}
