//! Why the other candidates lost.
use crate::analysis::routing::Explanation;
use crate::model::request::Request;

use super::Table;

pub(super) fn explain(_table: &Table, _request: &Request, _limit: usize) -> Explanation {
    Explanation::default()
}
