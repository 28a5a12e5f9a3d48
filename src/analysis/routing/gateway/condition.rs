//! Whether a request meets the conditions of a match, apart from its host.

use std::collections::HashMap;
use std::sync::Arc;

use crate::analysis::routing::Unmet;
use crate::analysis::routing::gateway::uri;
use crate::analysis::routing::heads::{Accepted, literal_head};
use crate::analysis::routing::traefik::pattern::{Match, Pattern};
use crate::model::http_route::{PathMatchKind, RouteMatch, ValueMatch};
use crate::model::request::Request;

/// Where two implementations read a request differently.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis::routing) struct Reading {
    /// Of several query parameters of one name the first counts, as the API recommends; else any.
    pub(in crate::analysis::routing) first_query_value: bool,
    /// Of several conditions on one header or parameter the first counts, as the API demands.
    pub(in crate::analysis::routing) first_condition: bool,
}

/// What is compared with a value.
#[derive(Debug, Clone)]
enum Wanted {
    Exactly(String),
    Pattern(Arc<Pattern>),
    /// A pattern that this program cannot compile.
    Undecided,
}

impl Wanted {
    fn takes(&self, value: &str) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == value,
            Self::Pattern(pattern) => {
                let text = pattern.text();
                value.contains(&literal_head(text.strip_prefix('^').unwrap_or(text)))
                    && pattern.is_match(value.as_bytes()) == Match::Yes
            }
            Self::Undecided => false,
        }
    }
}

#[derive(Debug, Clone)]
struct Value {
    name: String,
    written: String,
    wanted: Wanted,
}

/// The conditions of one match, ready to be tried.
#[derive(Debug, Clone)]
pub(in crate::analysis::routing) struct Condition {
    /// Of a path that is a pattern.
    path: Option<Wanted>,
    method: Option<String>,
    headers: Vec<Value>,
    query: Vec<Value>,
}

/// Patterns in Go's dialect, compiled once, when it is first needed; the same one often stands in many rules.
#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Patterns {
    compiled: HashMap<String, Arc<Pattern>>,
    known: Accepted,
}

impl Patterns {
    fn wanted(&mut self, text: &str) -> Wanted {
        let pattern = self.compiled.entry(text.to_owned()).or_insert_with(|| Arc::new(Pattern::new(text)));
        let is_known =
            self.known.is(text, || pattern.compiles() && pattern.is_match(b"") != Match::Undecided);
        if is_known { Wanted::Pattern(Arc::clone(pattern)) } else { Wanted::Undecided }
    }
}

impl Condition {
    pub(in crate::analysis::routing) fn new(
        one: &RouteMatch,
        reading: Reading,
        patterns: &mut Patterns,
    ) -> Self {
        let RouteMatch { path, method, headers, query } = one;
        let mut values = |list: &[ValueMatch], same: fn(&str, &str) -> bool| {
            let mut kept: Vec<Value> = Vec::new();
            for ValueMatch { name, value, is_pattern } in list {
                if reading.first_condition && kept.iter().any(|earlier| same(&earlier.name, name)) {
                    continue;
                }
                let wanted =
                    if *is_pattern { patterns.wanted(value) } else { Wanted::Exactly(value.clone()) };
                kept.push(Value { name: name.clone(), written: value.clone(), wanted });
            }
            kept
        };
        let headers = values(headers, |a, b| a.eq_ignore_ascii_case(b));
        let query = values(query, |a, b| a == b);
        Self {
            path: (path.kind == PathMatchKind::Pattern).then(|| patterns.wanted(&path.value)),
            method: method.clone(),
            headers,
            query,
        }
    }

    /// Whether a pattern could not be compiled, so that what it takes is not known.
    pub(in crate::analysis::routing) fn is_undecided(&self) -> bool {
        let values = self.headers.iter().chain(&self.query).map(|value| &value.wanted);
        values.chain(&self.path).any(|wanted| matches!(wanted, Wanted::Undecided))
    }

    /// Whether a pattern stands in it: what that takes is the implementation's business.
    pub(in crate::analysis::routing) fn has_pattern(&self) -> bool {
        let mut values = self.headers.iter().chain(&self.query);
        self.path.is_some() || values.any(|value| !matches!(value.wanted, Wanted::Exactly(_)))
    }

    /// Whether all conditions besides the path are met, were its patterns to take everything.
    pub(in crate::analysis::routing) fn may_be_met(&self, request: &Request, reading: Reading) -> bool {
        let exact = |list: &[Value]| {
            list.iter().filter(|value| matches!(value.wanted, Wanted::Exactly(_))).cloned().collect()
        };
        let (headers, query) = (exact(&self.headers), exact(&self.query));
        Self { path: None, method: self.method.clone(), headers, query }.unmet(request, reading).is_none()
    }

    /// How many conditions there are on headers and on query parameters.
    pub(in crate::analysis::routing) fn counts(&self) -> (usize, usize) {
        (self.headers.len(), self.query.len())
    }

    /// Whether a path that is a pattern takes this one; other kinds are found by their index.
    pub(in crate::analysis::routing) fn takes_path(&self, decoded: &str) -> bool {
        self.path.as_ref().is_none_or(|wanted| wanted.takes(decoded))
    }

    /// The first condition besides the path that the request does not meet.
    pub(in crate::analysis::routing) fn unmet(&self, request: &Request, reading: Reading) -> Option<Unmet> {
        if let Some(wanted) = self.method.as_ref().filter(|wanted| **wanted != request.method) {
            return Some(Unmet::Method { wanted: wanted.clone() });
        }
        let header = |value: &&Value| {
            let mut sent = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&value.name));
            !sent.any(|(_, sent)| value.wanted.takes(sent))
        };
        if let Some(Value { name, written, .. }) = self.headers.iter().find(header) {
            return Some(Unmet::Header { name: name.clone(), wanted: written.clone() });
        }
        let query = request.query.as_deref().unwrap_or_default();
        let parameter = |value: &&Value| {
            let count = if reading.first_query_value { 1 } else { usize::MAX };
            !uri::query_values(query, &value.name).take(count).any(|sent| value.wanted.takes(&sent))
        };
        let Value { name, written, .. } = self.query.iter().find(parameter)?;
        Some(Unmet::Query { name: name.clone(), wanted: written.clone() })
    }
}
