//! Azure's Application Gateway under its ingress controller, written from its documentation.
//!
//! A host is a listener, and there is no second chance on another one. A `Prefix` becomes a pattern
//! with a star at its end, so it is compared character by character; `/` and `/*` of any type are the
//! listener's default. Whole paths come before beginnings, the longer first.
//! Assumption: of equal rules the first by name is used; the documentation does not say.
//! Sources: Azure/application-gateway-kubernetes-ingress `pkg/appgw`, `docs/annotations.md`;
//! learn.microsoft.com, Application Gateway, URL path based routing.

use std::collections::HashMap;

use crate::model::controller::ControllerKind;
use crate::model::ingress::{Backend, PathRule, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::serving::{External, Health, Services};
use super::told::{Host, Question, Told, explain as explain_told};
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Reason, Refusal, RouteTable, RoutingModel, Target,
    Winner,
};

/// Application Gateway Ingress Controller.
#[derive(Debug)]
pub struct Agic;

impl RoutingModel for Agic {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Agic
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

const SSL_REDIRECT: &str = "appgw.ingress.kubernetes.io/ssl-redirect";
const PATH_PREFIX: &str = "appgw.ingress.kubernetes.io/backend-path-prefix";

/// A path rule's pattern, in lower case: path rules have no case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Default,
    Whole(String),
    /// What stands before the star.
    Begins(String),
}

impl Pattern {
    fn new(path: &str, path_type: PathType) -> Self {
        let lower = path.to_lowercase();
        if matches!(path, "" | "/" | "/*") {
            return Self::Default;
        }
        match path_type {
            PathType::Exact => Self::Whole(lower.replace('*', "")),
            PathType::Prefix => Self::Begins(lower.trim_end_matches('*').to_owned()),
            PathType::ImplementationSpecific => match lower.strip_suffix('*') {
                Some(head) => Self::Begins(head.to_owned()),
                None => Self::Whole(lower),
            },
        }
    }

    fn takes(&self, path: &str) -> bool {
        match self {
            Self::Default => true,
            Self::Whole(text) => *text == path.to_lowercase(),
            Self::Begins(head) => path.to_lowercase().starts_with(head.as_str()),
        }
    }
}

#[derive(Debug, Default)]
struct Listener {
    whole: HashMap<String, (usize, Place)>,
    begins: HashMap<String, (usize, Place)>,
    default: Option<(usize, Place)>,
    longest: usize,
}

impl Listener {
    /// Adds a rule, or says which one is there.
    fn add(&mut self, pattern: Pattern, at: (usize, Place)) -> Result<(), (usize, Place)> {
        let slot = match pattern {
            Pattern::Default => match self.default {
                Some(there) => return Err(there),
                None => {
                    return {
                        self.default = Some(at);
                        Ok(())
                    };
                }
            },
            Pattern::Whole(text) => self.whole.entry(text),
            Pattern::Begins(head) => {
                self.longest = self.longest.max(head.len());
                self.begins.entry(head)
            }
        };
        let there = *slot.or_insert(at);
        if there == at { Ok(()) } else { Err(there) }
    }

    fn find(&self, path: &str) -> Option<(usize, Place)> {
        let lower = path.to_lowercase();
        let mut heads = (1..=self.longest.min(lower.len())).rev().filter_map(|end| lower.get(..end));
        let begins = || heads.find_map(|head| self.begins.get(head));
        self.whole.get(&lower).or_else(begins).copied().or(self.default)
    }
}

#[derive(Debug)]
struct Table {
    /// Sorted by name.
    ingresses: Vec<(Name, Vec<Rule>)>,
    /// By number: what the annotations say of the path, and of plain requests to these hosts.
    prefixes: Vec<Option<String>>,
    https: Vec<Vec<String>>,
    listeners: HashMap<String, Listener>,
    targets: HashMap<(usize, Place), (Target, Health)>,
    faults: HashMap<(usize, Place), Reason>,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let services = Services::new(input.snapshot, External::Barred);
        let mut sorted = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| ingress.meta.key());
        let mut table = Self {
            ingresses: sorted.iter().map(|ingress| (ingress.meta.key(), ingress.rules.clone())).collect(),
            prefixes: Vec::new(),
            https: Vec::new(),
            listeners: HashMap::new(),
            targets: HashMap::new(),
            faults: HashMap::new(),
        };
        for (number, ingress) in sorted.iter().enumerate() {
            table.prefixes.push(ingress.meta.annotation(PATH_PREFIX).map(str::to_owned));
            let redirects = ingress.meta.annotation(SSL_REDIRECT) == Some("true");
            let hosts = ingress.tls.iter().flat_map(|tls| tls.hosts.clone());
            table.https.push(hosts.filter(|_| redirects).collect());
            for (r, p, host, rule) in ingress.path_rules() {
                let at = (number, Place::Path(r, p));
                table.add(host, Pattern::new(&rule.path, rule.path_type), &rule.backend, at, &services);
            }
            if let Some(backend) = &ingress.default_backend {
                let hosts = if ingress.rules.is_empty() { vec![""] } else { ingress.hosts() };
                for host in hosts {
                    table.add(host, Pattern::Default, backend, (number, Place::DefaultBackend), &services);
                }
            }
        }
        table
    }

    fn add(
        &mut self,
        host: &str,
        pattern: Pattern,
        backend: &Backend,
        at: (usize, Place),
        services: &Services<'_>,
    ) {
        let namespace = self.name_of(at.0).namespace;
        let Some(resolved) = services.resolve(&namespace, backend) else {
            self.faults.insert(at, Reason::ResourceBackend);
            return;
        };
        self.targets.insert(at, resolved);
        if !self.listeners.contains_key(host) {
            self.listeners.insert(host.to_owned(), Listener::default());
        }
        let added = self.listeners.get_mut(host).map(|listener| listener.add(pattern, at));
        if let Some(Err((other, _))) = added {
            self.faults.insert(at, Reason::Duplicate { of: self.name_of(other) });
        }
    }

    fn name_of(&self, ingress: usize) -> Name {
        self.ingresses.get(ingress).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    /// The listener of a host: its own, a wildcard's, or the one for any.
    fn listener(&self, asked: &str) -> Option<(&str, &Listener)> {
        let wildcard = || asked.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let get = |name: &str| self.listeners.get_key_value(name);
        let found = get(asked).or_else(|| get(&wildcard()?)).or_else(|| get(""));
        found.map(|(name, listener)| (name.as_str(), listener))
    }

    fn rule_at(&self, (ingress, place): (usize, Place)) -> Option<(&Rule, &PathRule)> {
        let Place::Path(r, p) = place else { return None };
        let rule = self.ingresses.get(ingress)?.1.get(r)?;
        Some((rule, rule.paths().get(p)?))
    }

    fn sent(&self, at: (usize, Place), path: &str) -> String {
        let prefix = self.prefixes.get(at.0).and_then(Option::as_deref);
        let Some(prefix) = prefix else { return path.to_owned() };
        let head = match self.rule_at(at).map(|(_, rule)| Pattern::new(&rule.path, rule.path_type)) {
            Some(Pattern::Whole(text) | Pattern::Begins(text)) => text.len(),
            Some(Pattern::Default) | None => 1,
        };
        let rest = path.get(head.min(path.len())..).unwrap_or_default();
        format!("{}/{}", prefix.trim_end_matches('/'), rest.trim_start_matches('/'))
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let Some((host, listener)) = self.listener(request.host.as_str()) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        // What the gateway answers for a path without rule and default is not documented.
        let Some(at) = listener.find(request.path.as_str()) else {
            return Decision::bare(Outcome::NoRoute, None);
        };
        let Some((target, health)) = self.targets.get(&at) else {
            return Decision::bare(Outcome::NoRoute, None);
        };
        let redirects = self.https.get(at.0).is_some_and(|hosts| hosts.iter().any(|name| name == host));
        let mut decision = if redirects && request.scheme == Scheme::Http {
            let mut decision = Decision::bare(Outcome::Redirect, Some(301));
            decision.location = Some(format!("https://{}{}", request.host_as_sent, request.target()));
            let key = SSL_REDIRECT.to_owned();
            decision.notes.push(Note::Annotation { ingress: self.name_of(at.0), key });
            decision
        } else {
            match health {
                Health::Ready | Health::Unseen => {
                    let mut decision = Decision::bare(Outcome::Routed, None);
                    decision.upstream_path = Some(self.sent(at, request.path.as_str()));
                    decision
                }
                Health::NobodyReady
                | Health::ServiceMissing
                | Health::PortMissing
                | Health::ExternalBarred => Decision::bare(Outcome::Unavailable, Some(502)),
            }
        };
        decision.notes.extend(health.note(target));
        let rule = self.rule_at(at);
        decision.winner = Some(Winner {
            ingress: self.name_of(at.0),
            place: at.1,
            host: host.to_owned(),
            path: rule.map(|(_, path)| path.path.clone()).unwrap_or_default(),
            path_type: rule.map(|(_, path)| path.path_type),
            backend: Some(target.clone()),
            rendered: match rule.map(|(_, path)| Pattern::new(&path.path, path.path_type)) {
                Some(Pattern::Whole(text)) => text,
                Some(Pattern::Begins(head)) => format!("{head}*"),
                Some(Pattern::Default) | None => "/*".to_owned(),
            },
        });
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        let decision = self.decide(request);
        let chosen = self.listener(request.host.as_str());
        let question = Question {
            request,
            host: request.host.as_str(),
            path: request.path.as_str(),
            decision: &decision,
            chosen: chosen.map(|(name, _)| name).unwrap_or_default(),
            limit,
        };
        let won = chosen.and_then(|(_, listener)| listener.find(request.path.as_str()));
        let view = View { table: self, chosen: chosen.map(|(name, _)| name) };
        explain_told(&view, &question, |ingress, place| won == Some((ingress, place)))
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }
}

struct View<'a> {
    table: &'a Table,
    chosen: Option<&'a str>,
}

impl Told for View<'_> {
    fn ingresses(&self) -> &[(Name, Vec<Rule>)] {
        &self.table.ingresses
    }

    fn host(&self, host: &str, asked: &str) -> Host {
        if self.chosen == Some(host) {
            Host::Serves
        } else if crate::model::host::spec_match(host, asked) {
            Host::Passed
        } else {
            Host::Differs
        }
    }

    fn takes(&self, _ingress: usize, path: &str, path_type: PathType, asked: &str) -> bool {
        Pattern::new(path, path_type).takes(asked)
    }

    fn pattern(&self, _ingress: usize, _rule: &PathRule) -> Option<String> {
        None
    }

    fn answer(&self, request: &Request) -> Decision {
        self.table.decide(request)
    }

    fn fault(&self, ingress: usize, place: Place) -> Option<Reason> {
        self.table.faults.get(&(ingress, place)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{Case, check, ingress, misses_are_mended, set_default};
    use crate::model::ingress::Tls;

    const AGIC: ControllerKind = ControllerKind::Agic;

    #[test]
    fn a_host_is_a_listener_without_a_second_chance() {
        let paths = [("a.example", "Prefix /x a"), ("*.example", "Prefix / w"), ("", "Prefix / any")];
        let table = ingress("n/i", &paths);
        let cases: &[Case<'_>] = &[
            ("http://a.example/x", "n/a"),
            ("http://a.example/y", "refused"),
            ("http://b.example/y", "n/w"),
            ("http://elsewhere/y", "n/any"),
        ];
        check(AGIC, &[table], cases);
        check(AGIC, &[ingress("n/i", &[("a.example", "Prefix / a")])], &[("http://b.example/", "404")]);
    }

    #[test]
    fn a_prefix_is_compared_character_by_character_and_a_whole_path_comes_first() {
        let paths = [
            ("a.example", "Prefix /foo p"),
            ("a.example", "Exact /foo/bar e"),
            ("a.example", "Exact /star* s"),
            ("a.example", "ImplementationSpecific /img* g"),
            ("a.example", "ImplementationSpecific /one o"),
            ("a.example", "ImplementationSpecific /* all"),
        ];
        let cases: &[Case<'_>] = &[
            ("http://a.example/foobar", "n/p"),
            ("http://a.example/FOO", "n/p"),
            ("http://a.example/foo/bar", "n/e"),
            ("http://a.example/foo/bar/x", "n/p"),
            ("http://a.example/star", "n/s"),
            ("http://a.example/img-1", "n/g"),
            ("http://a.example/one", "n/o"),
            ("http://a.example/one/x", "n/all"),
        ];
        check(AGIC, &[ingress("n/i", &paths)], cases);
    }

    #[test]
    fn nobody_behind_a_rule_is_502_and_the_first_of_equals_is_used() {
        let dead =
            ingress("n/dead", &[("a.example", "Prefix /dead dead"), ("a.example", "Prefix /gone gone")]);
        let one = ingress("n/one", &[("a.example", "Prefix /x s1")]);
        let two = ingress("n/two", &[("a.example", "Prefix /x s2")]);
        let cases: &[Case<'_>] = &[
            ("http://a.example/dead", "502"),
            ("http://a.example/gone", "502"),
            ("http://a.example/x", "n/s1"),
        ];
        check(AGIC, &[dead, two, one], cases);
    }

    #[test]
    fn annotations_redirect_and_replace_the_prefix() {
        let mut table = ingress("n/i", &[("a.example", "Prefix /hello/ s"), ("b.example", "Prefix /x s")]);
        set_default(&mut table, "default");
        table.meta.annotations =
            [(SSL_REDIRECT.to_owned(), "true".to_owned()), (PATH_PREFIX.to_owned(), "/test/".to_owned())]
                .into();
        table.tls = vec![Tls { hosts: vec!["b.example".to_owned()], secret: None }];
        let cases: &[Case<'_>] = &[
            ("http://a.example/hello/x", "n/s /test/x"),
            ("http://b.example/x?q", "301 https://b.example/x?q"),
            ("https://b.example/x", "n/s /test/"),
            ("http://a.example/else", "n/default /test/else"),
        ];
        check(AGIC, &[table], cases);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let paths = [("shop.example.com", "Exact /foo s"), ("shop.example.com", "Prefix /orders s")];
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/order/7",
            "http://shop.example.com/else",
            "http://shpo.example.com/foo",
        ] {
            misses_are_mended(AGIC, &[ingress("n/i", &paths)], url);
        }
    }
}
