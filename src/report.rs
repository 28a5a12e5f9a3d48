//! Wire vocabulary: what all results are made of, as JSON and as text. `Serialize` and `JsonSchema`
//! live here and in `tools`; sentences for people are written here and there, nowhere else.
//!
//! Reading order: `text` (cluster text made harmless; uses `redact`) → `time` → `object_ref` →
//! `change`, `citation` (what a statement rests on) → `scope`, `gap`, `limits`, `next` (what every
//! result ends with).

pub mod backend;
pub mod change;
pub mod citation;
pub mod conflict;
pub mod controller;
pub mod correlation;
pub mod doctor;
pub mod gap;
pub mod ingress;
pub mod limits;
pub mod logs;
pub mod migration;
pub mod next;
pub mod object_ref;
pub mod probe;
pub mod redact;
pub mod route;
pub mod scope;
pub mod silence;
pub mod text;
pub mod time;
pub mod timeline;
pub mod verdict;

use gap::GapReport;
use limits::Truncated;
use next::Next;

/// The text half of a result: complete on its own, verdict first, next step last.
pub trait Render {
    fn text(&self) -> String;

    /// Pictures that say the same again; most results have none.
    fn images(&self) -> Vec<Image> {
        Vec::new()
    }
}

/// A picture that goes along with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub mime_type: &'static str,
    pub bytes: Vec<u8>,
}

/// How every text half ends: what was left out, what could not be seen, what to do next.
#[must_use]
pub fn ending(truncated: Option<&Truncated>, gaps: &[GapReport], next: &[Next]) -> String {
    let mut lines = Vec::new();
    lines.extend(truncated.map(ToString::to_string));
    lines.extend(gaps.iter().map(ToString::to_string));
    lines.extend(next.iter().map(|step| format!("Next: {step}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gap::{Gap, Unseen, Why};
    use crate::model::object::Kind;

    #[test]
    fn a_text_ends_with_the_next_step() {
        let gap = Gap {
            what: Unseen::List { kind: Kind::Pod, namespace: Some("shop".to_owned()) },
            why: Why::NotCaptured,
        };
        let next = Next::new("check_backend", "see whether anybody answers").with("namespace", "shop");
        let truncated = Truncated { shown: 2, total: 9, how_to_narrow: "name an ingress" };
        assert_eq!(
            ending(Some(&truncated), &[GapReport::from(&gap)], &next.into_iter().collect::<Vec<_>>()),
            "Shown: 2 of 9; to narrow: name an ingress\n\
             Not seen: pods in namespace shop: the capture does not hold it. To close: take the capture \
             again so that it holds this\n\
             Next: check_backend {\"namespace\":\"shop\"}: see whether anybody answers"
        );
    }
}
