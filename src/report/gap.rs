//! What could not be seen, why, and what would close the gap.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::Text;
use crate::model::gap::{Gap, Unseen, Why};

/// One gap; it lowers confidence and never is a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct GapReport {
    pub what: String,
    pub why: String,
    /// The permission, flag or setting that would close it.
    pub close: String,
}

impl From<&Gap> for GapReport {
    fn from(Gap { what, why }: &Gap) -> Self {
        Self { what: subject(what), why: reason(why), close: remedy(what, why) }
    }
}

impl fmt::Display for GapReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Not seen: {}: {}. To close: {}", self.what, self.why, self.close)
    }
}

/// Gaps that one result tells.
const MOST: usize = 12;

/// The gaps of a result: each once, in a fixed order; of very many the first, and how many more.
#[must_use]
pub fn reports<'a>(gaps: impl IntoIterator<Item = &'a Gap>) -> Vec<GapReport> {
    let distinct: std::collections::BTreeSet<&Gap> = gaps.into_iter().collect();
    let more = distinct.len().checked_sub(MOST).filter(|more| *more > 0);
    let shown = distinct.iter().take(if more.is_some() { MOST - 1 } else { MOST });
    let mut reports: Vec<GapReport> = shown.map(|gap| GapReport::from(*gap)).collect();
    reports.extend(more.map(|more| GapReport {
        what: format!("{} more things", more + 1),
        why: "there are too many to name them all".to_owned(),
        close: "close the gaps that are named, then ask again".to_owned(),
    }));
    reports
}

fn place(namespace: Option<&String>) -> String {
    match namespace {
        Some(namespace) => format!("in namespace {}", Text::new(namespace)),
        None => "in all namespaces".to_owned(),
    }
}

fn subject(what: &Unseen) -> String {
    match what {
        Unseen::List { kind, namespace } if kind.is_cluster_scoped() && namespace.is_none() => {
            kind.resource().to_owned()
        }
        Unseen::List { kind, namespace } => format!("{} {}", kind.resource(), place(namespace.as_ref())),
        Unseen::Object(key) => Text::new(&key.to_string()).to_string(),
        Unseen::Log { namespace, pod, container, previous } => format!(
            "the {}log of container {} of pod {}/{}",
            if *previous { "previous " } else { "" },
            Text::new(container),
            Text::new(namespace),
            Text::new(pod)
        ),
        Unseen::AccessLog { controller } => {
            format!("requests in the log of controller {}", Text::new(controller))
        }
        Unseen::History { kind, namespace } => {
            format!("past versions of {} {}", kind.resource(), place(namespace.as_ref()))
        }
        Unseen::Probe { url } => format!("what {} answers now", Text::new(url)),
        Unseen::Controller { detail } => format!("the controller: {}", Text::new(detail)),
        Unseen::File { path } => format!("file {} of the capture", Text::new(path)),
    }
}

/// Why something was not seen, in words.
#[must_use]
pub fn reason(why: &Why) -> String {
    match why {
        Why::Forbidden { verb, group: _, resource, namespace } => {
            format!("this identity may not {verb} {} {}", Text::new(resource), place(namespace.as_ref()))
        }
        Why::Unauthorized => "the API server does not accept this identity".to_owned(),
        Why::Unreachable { detail } => format!("no connection ({})", Text::new(detail)),
        Why::TimedOut { seconds } => format!("no answer within {seconds} s"),
        Why::NoAnswer { detail } => format!("no answer ({})", Text::new(detail)),
        Why::NotCaptured => "the capture does not hold it".to_owned(),
        Why::NotInstalled => "this kind is not installed in the cluster".to_owned(),
        Why::Rotated => "it is older than what is kept".to_owned(),
        Why::WrittenElsewhere { place } => {
            format!("they are not written there; {} may hold them", Text::new(place))
        }
        Why::NotWritten { setting: _ } => "the controller does not write them as it is configured".to_owned(),
        Why::Redacted => "its values were removed before it was captured".to_owned(),
        Why::Malformed { detail } => format!("it could not be read ({})", Text::new(detail)),
        Why::Partial { detail } => format!("it was not read as it is written ({})", Text::new(detail)),
        Why::Disabled { flag: _ } => "the operator turned this off".to_owned(),
        Why::TooMuch { limit } => format!("it is more than one call reads ({})", Text::new(limit)),
        Why::Unsupported { detail } => format!("this source cannot give it ({})", Text::new(detail)),
    }
}

fn remedy(what: &Unseen, why: &Why) -> String {
    match why {
        Why::Forbidden { verb, group, resource, namespace } => {
            let role = if namespace.is_some() { "Role" } else { "ClusterRole" };
            format!(
                "grant, {} with a {role}: apiGroups [\"{group}\"], resources [\"{}\"], verbs [\"{verb}\"]",
                place(namespace.as_ref()),
                Text::new(resource)
            )
        }
        Why::Unauthorized => "renew the credentials of the kubeconfig or choose another context".to_owned(),
        Why::Unreachable { .. } | Why::NoAnswer { .. } => {
            "check the address and the network, then call again".to_owned()
        }
        Why::TimedOut { .. } => "call again, or ask about one namespace".to_owned(),
        Why::NotCaptured => "take the capture again so that it holds this".to_owned(),
        Why::NotInstalled => "nothing, when the cluster does without this kind".to_owned(),
        Why::Rotated => match what {
            Unseen::History { .. } => "run `routecause record` from now on".to_owned(),
            Unseen::List { .. }
            | Unseen::Object(_)
            | Unseen::Log { .. }
            | Unseen::AccessLog { .. }
            | Unseen::Probe { .. }
            | Unseen::Controller { .. }
            | Unseen::File { .. } => "read it where logs are archived".to_owned(),
        },
        Why::WrittenElsewhere { place } => format!("look in {}", Text::new(place)),
        Why::NotWritten { setting } => format!("set {}", Text::new(setting)),
        Why::Redacted => "take a capture that keeps this value, or ask the live cluster".to_owned(),
        Why::Malformed { .. } => "repair or capture it again".to_owned(),
        Why::Partial { .. } => "correct or capture it again".to_owned(),
        Why::Disabled { flag } => format!("start the server with {flag}"),
        Why::TooMuch { .. } => "ask about a shorter time or one namespace".to_owned(),
        Why::Unsupported { .. } => "ask the live cluster".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::Kind;

    fn check(what: Unseen, why: Why, text: &str) {
        assert_eq!(GapReport::from(&Gap { what, why }).to_string(), text);
    }

    #[test]
    fn a_forbidden_list_names_verb_resource_namespace_and_rule() {
        check(
            Unseen::List { kind: Kind::EndpointSlice, namespace: Some("shop".to_owned()) },
            Why::Forbidden {
                verb: "list",
                group: "discovery.k8s.io",
                resource: "endpointslices".to_owned(),
                namespace: Some("shop".to_owned()),
            },
            "Not seen: endpointslices in namespace shop: this identity may not list endpointslices in namespace \
             shop. To close: grant, in namespace shop with a Role: apiGroups [\"discovery.k8s.io\"], resources \
             [\"endpointslices\"], verbs [\"list\"]",
        );
        check(
            Unseen::List { kind: Kind::IngressClass, namespace: None },
            Why::TimedOut { seconds: 15 },
            "Not seen: ingressclasses: no answer within 15 s. To close: call again, or ask about one namespace",
        );
    }

    #[test]
    fn what_the_cluster_wrote_is_made_harmless() {
        check(
            Unseen::Log {
                namespace: "shop".to_owned(),
                pod: "web\u{202e}".to_owned(),
                container: "app".to_owned(),
                previous: true,
            },
            Why::Malformed { detail: "bad\nline".to_owned() },
            "Not seen: the previous log of container app of pod shop/web<U+202E>: it could not be read \
             (bad␊line). To close: repair or capture it again",
        );
    }

    #[test]
    fn flags_and_settings_are_named() {
        check(
            Unseen::Probe { url: "http://shop.example.com/".to_owned() },
            Why::Disabled { flag: "--allow-probe" },
            "Not seen: what http://shop.example.com/ answers now: the operator turned this off. To close: start \
             the server with --allow-probe",
        );
        check(
            Unseen::AccessLog { controller: "edge/traefik".to_owned() },
            Why::NotWritten { setting: "accesslog=true".to_owned() },
            "Not seen: requests in the log of controller edge/traefik: the controller does not write them as it \
             is configured. To close: set accesslog=true",
        );
    }

    #[test]
    fn a_gap_is_told_once() {
        let gap = Gap {
            what: Unseen::List { kind: Kind::Pod, namespace: None },
            why: Why::TimedOut { seconds: 15 },
        };
        assert_eq!(reports([&gap, &gap.clone()]).len(), 1);
    }
}
