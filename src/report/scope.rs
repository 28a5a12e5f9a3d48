//! What a result covers: where was searched, for what, and over which time.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::Text;
use super::time::Time;
use crate::model::object::Kind;

/// The places, kinds, controllers and times that were searched. An empty list of namespaces means all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Scope {
    pub namespaces: Vec<Text>,
    pub kinds: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub controllers: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
}

impl Scope {
    /// All objects of these kinds in these namespaces; none means all.
    #[must_use]
    pub fn of(kinds: &[Kind], namespaces: &[&str]) -> Self {
        Self {
            namespaces: namespaces.iter().map(|name| Text::new(name)).collect(),
            kinds: kinds.iter().map(|kind| kind.as_str()).collect(),
            ..Self::default()
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |texts: &[Text]| texts.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        write!(f, "Searched: {}", self.kinds.join(", "))?;
        match self.namespaces.as_slice() {
            [] => f.write_str(" in all namespaces")?,
            [one] => write!(f, " in namespace {one}")?,
            several => write!(f, " in namespaces {}", join(several))?,
        }
        if !self.controllers.is_empty() {
            write!(f, "; controllers {}", join(&self.controllers))?;
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) => write!(f, "; {from} to {to}"),
            (Some(from), None) => write!(f, "; since {from}"),
            (None, Some(to)) => write!(f, "; until {to}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_says_where_and_when() {
        let mut scope = Scope::of(&[Kind::Ingress, Kind::Service], &[]);
        assert_eq!(scope.to_string(), "Searched: Ingress, Service in all namespaces");
        scope.namespaces = vec![Text::new("shop")];
        scope.controllers = vec![Text::new("edge/traefik")];
        scope.from = "2026-11-22T10:00:00Z".parse().ok().map(Time);
        assert_eq!(
            scope.to_string(),
            "Searched: Ingress, Service in namespace shop; controllers edge/traefik; since 2026-11-22T10:00:00Z"
        );
    }
}
