//! How much a result may hold, and how it says that there is more.
//!
//! Assumption: 10,000 characters pass every client uncut, in either half. Tools stay below by spending a
//! [`Budget`] on their records, most important first; a record is shown whole or not at all.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// Characters each half of a result may have.
pub const MAX_CHARS: usize = 10_000;

/// More was found than is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Truncated {
    pub shown: usize,
    pub total: usize,
    pub how_to_narrow: &'static str,
}

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown: {} of {}; to narrow: {}", self.shown, self.total, self.how_to_narrow)
    }
}

/// Characters left for records, in both halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    structured: usize,
    text: usize,
}

impl Budget {
    /// So many characters for each half.
    #[must_use]
    pub const fn new(chars: usize) -> Self {
        Self { structured: chars, text: chars }
    }

    /// What is left of a whole result after its fixed parts, given as JSON and as text.
    #[must_use]
    pub fn beside<T: Serialize>(fixed: &T, text: &str) -> Self {
        let mut budget = Self::new(MAX_CHARS);
        if !budget.spend(fixed, text) {
            budget = Self::new(0);
        }
        budget
    }

    /// Takes a record's size off; false, and nothing taken, when it does not fit any more.
    pub fn spend<T: Serialize>(&mut self, record: &T, text: &str) -> bool {
        // One character between two records, in either half.
        let structured = serde_json::to_string(record).map_or(usize::MAX, |json| json.chars().count() + 1);
        let text = text.chars().count() + 1;
        match (self.structured.checked_sub(structured), self.text.checked_sub(text)) {
            (Some(structured), Some(text)) => {
                *self = Self { structured, text };
                true
            }
            _ => false,
        }
    }

    /// The first records that fit, at most `most`, and a note when those are not all.
    pub fn keep<T: Serialize>(
        &mut self,
        mut records: Vec<T>,
        most: usize,
        text: impl Fn(&T) -> String,
        how_to_narrow: &'static str,
    ) -> (Vec<T>, Option<Truncated>) {
        let total = records.len();
        let before = *self;
        let mut shown = self.fitting(&records, most, &text);
        if shown < total && !how_to_narrow.is_empty() {
            // The note that there is more takes room too.
            *self = before;
            let note = Truncated { shown, total, how_to_narrow };
            shown = match self.spend(&("truncated", &note), &note.to_string()) {
                true => self.fitting(&records, most, &text),
                false => 0,
            };
        }
        records.truncate(shown);
        let truncated = (shown < total).then_some(Truncated { shown, total, how_to_narrow });
        (records, truncated)
    }

    /// How many of the first `most` records fit; their room is taken.
    fn fitting<T: Serialize>(&mut self, records: &[T], most: usize, text: impl Fn(&T) -> String) -> usize {
        records.iter().take(most).take_while(|record| self.spend(*record, &text(record))).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_kept_whole_while_either_half_has_room() {
        let note = Truncated { shown: 2, total: 3, how_to_narrow: "name one" };
        let room = serde_json::to_string(&("truncated", &note)).expect("JSON").len() + 1;
        let mut budget = Budget::new(room + 20);
        let records = vec!["a".repeat(8), "b".repeat(8), "c".repeat(60)];
        // The first two cost 11 each in JSON (quotes and a comma) and 9 in text.
        let (kept, truncated) = budget.keep(records.clone(), 10, Clone::clone, "name one");
        assert_eq!(kept, ["a".repeat(8)], "the note has its room");
        assert_eq!(truncated, Some(Truncated { shown: 1, ..note }));
        let mut budget = Budget::new(20);
        assert_eq!(budget.keep(records, 10, Clone::clone, "").0, ["a".repeat(8)], "no note, no room for it");
    }

    #[test]
    fn nothing_is_said_when_all_fits_and_the_most_is_held() {
        let mut budget = Budget::new(1_000);
        assert_eq!(budget.keep(vec![1, 2, 3], 3, ToString::to_string, "x"), (vec![1, 2, 3], None));
        let (kept, truncated) = budget.keep(vec![1, 2, 3], 1, ToString::to_string, "x");
        assert_eq!((kept.len(), truncated.map(|t| t.total)), (1, Some(3)));
    }

    #[test]
    fn a_budget_beside_fixed_parts_is_what_they_leave() {
        assert_eq!(Budget::beside(&"ab", "abcd"), Budget { structured: 9_995, text: 9_995 });
        assert_eq!(Budget::beside(&"x".repeat(20_000), ""), Budget::new(0));
    }
}
