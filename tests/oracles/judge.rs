//! What a model says of a request, held to what the real proxy did.

use routecause::analysis::routing::{Outcome, RouteTable};
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use crate::ask::{Answer, Ask};
use crate::judging::{self, differs, request_of};
use crate::world::backend;

/// A model of the objects that a proxy serves.
pub(crate) struct Judge {
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
        Self { table: judging::table(kind, &judging::snapshot(judging::capture_of(objects)).await) }
    }

    /// Whether the model says that this configuration cannot be loaded.
    pub(crate) fn refuses_all(&self) -> bool {
        self.table.reload_failure().is_some()
    }

    /// Everything that the model has to say.
    pub(crate) fn consider(&self, ask: &Ask) {
        let request = request_of(&ask.vector());
        let _ = (self.table.decide(&request), self.table.explain(&request, 5));
    }

    pub(crate) fn judge(&self, ask: &Ask, answer: &Answer) -> Finding {
        let request = request_of(&ask.vector());
        let decision = self.table.decide(&request);
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
        if decision.outcome == Outcome::Undefined || is_any_failure { Finding::Undetermined } else { Finding::Agrees }
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
        Answer::Proxy { status: status @ 404, .. } => json!({"outcome": "no_route", "status": status}),
        Answer::Proxy { status: status @ 500.., .. } => json!({"outcome": "unavailable", "status": status}),
        Answer::Proxy { status, .. } => json!({"status": status}),
        Answer::Closed => json!({"outcome": "refused"}),
    }
}
