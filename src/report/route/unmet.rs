//! A condition that a request does not meet, besides host and path: its field, and the words for it.

use super::quoted;
use crate::analysis::routing::Unmet;
use crate::report::text::Text;

/// The field of an HTTPRoute's match that holds it.
pub(super) const fn field(unmet: &Unmet) -> &'static str {
    match unmet {
        Unmet::Method { .. } => "method",
        Unmet::Header { .. } => "headers",
        Unmet::Query { .. } => "queryParams",
    }
}

/// Why the rule lost.
pub(super) fn words(unmet: &Unmet) -> (&'static str, String) {
    match unmet {
        Unmet::Method { wanted } => ("method_differs", format!("it takes only method {}", Text::new(wanted))),
        Unmet::Header { name, wanted } => {
            ("header_differs", format!("it wants header {} to be {}", Text::new(name), quoted(wanted)))
        }
        Unmet::Query { name, wanted } => (
            "query_differs",
            format!("it wants query parameter {} to be {}", Text::new(name), quoted(wanted)),
        ),
    }
}

/// What to do about it.
pub(super) fn edit(unmet: &Unmet) -> String {
    match unmet {
        Unmet::Method { wanted } => format!("ask with method {}", Text::new(wanted)),
        Unmet::Header { name, wanted } => {
            format!("send the header {} with value {}", Text::new(name), quoted(wanted))
        }
        Unmet::Query { name, wanted } => {
            format!("send the query parameter {} with value {}", Text::new(name), quoted(wanted))
        }
    }
}
