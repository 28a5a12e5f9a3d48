//! A backend's chain for the wire and in words.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::object_ref::{NameRef, ObjectRef};
use super::text::Text;
use super::time::Time;
use crate::analysis::backend::answer::{Answer, answer_of};
use crate::analysis::backend::endpoints::SlicePort;
use crate::analysis::backend::oddity::Oddity;
use crate::analysis::backend::pods::Reason;
use crate::analysis::backend::port::PortLink;
use crate::analysis::backend::selector::SelectorLink;
use crate::analysis::backend::service::{Found, Shape};
use crate::analysis::backend::{Chain, Link, Seen, State};
use crate::analysis::view::View;

/// One Service port, link by link.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ChainReport {
    pub service: NameRef,
    pub port: Text,
    /// service, port, target_port, selector, endpoints or pods; null when nothing seen is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_broken: Option<&'static str>,
    pub links: Vec<LinkReport>,
    /// Workloads whose pods the selector catches; more than one is worth a look.
    pub caught: Vec<Text>,
    pub oddities: Vec<String>,
    /// What each controller answers in this state.
    pub answers: Vec<String>,
}

/// One link.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LinkReport {
    pub link: &'static str,
    /// whole, broken, could_not_see or not_reached (an earlier link is broken, or none is needed).
    pub state: &'static str,
    pub says: String,
}

impl ChainReport {
    /// The chain, with what the controllers of these views answer.
    #[must_use]
    pub fn new(chain: &Chain, views: &[View<'_>]) -> Self {
        let links = Link::ALL
            .into_iter()
            .map(|link| LinkReport {
                link: name(link),
                state: state(chain.state(link)),
                says: says(chain, link),
            })
            .collect();
        let mut answers: Vec<String> = views
            .iter()
            .filter(|view| view.controller.is_some())
            .map(|view| format!("{}: {}", view.kind, answer(answer_of(view.kind, &view.settings, chain))))
            .collect();
        answers.sort();
        answers.dedup();
        Self {
            service: NameRef::from(&chain.service),
            port: Text::new(&chain.port.to_string()),
            first_broken: chain.first_broken().map(name),
            links,
            caught: chain
                .caught
                .iter()
                .map(|group| {
                    let owner = format!("{} {}", group.owner.kind, group.owner.name);
                    Text::new(&format!("{owner}: {} pod(s), {} ready", group.pods, group.ready))
                })
                .collect(),
            oddities: chain.oddities.iter().map(oddity).collect(),
            answers,
        }
    }
}

const fn name(link: Link) -> &'static str {
    match link {
        Link::Service => "service",
        Link::Port => "port",
        Link::TargetPort => "target_port",
        Link::Selector => "selector",
        Link::Endpoints => "endpoints",
        Link::Pods => "pods",
    }
}

const fn state(state: State) -> &'static str {
    match state {
        State::Whole => "whole",
        State::Broken => "broken",
        State::Unseen => "could_not_see",
        State::Absent => "not_reached",
    }
}

/// The first five, and how many more there are.
fn list(texts: &[String]) -> String {
    let mut shown: Vec<String> = texts.iter().take(5).map(|text| Text::new(text).to_string()).collect();
    if texts.len() > 5 {
        shown.push(format!("and {} more", texts.len() - 5));
    }
    shown.join(", ")
}

fn says(chain: &Chain, link: Link) -> String {
    match link {
        Link::Service => match &chain.found {
            Found::Here(Shape::ExternalName(target)) => {
                format!("leads to external name {}", Text::new(target))
            }
            Found::Here(Shape::Selecting { .. }) => "exists".to_owned(),
            Found::Here(Shape::Unmanaged { .. }) => "exists without a selector".to_owned(),
            Found::Absent { nearest, elsewhere, searched_all: _ } => {
                let mut text = "does not exist".to_owned();
                if !nearest.is_empty() {
                    text = format!("{text}; nearest: {}", list(nearest));
                }
                if !elsewhere.is_empty() {
                    text = format!("{text}; this name exists in: {}", list(elsewhere));
                }
                text
            }
            Found::Unseen(_) => "could not be seen".to_owned(),
        },
        Link::Port => match &chain.port_link {
            Some(PortLink::Found(port)) => {
                format!("port {} → {}", port.number, Text::new(&port.target.to_string()))
            }
            Some(PortLink::NamesTarget(port)) => {
                format!("is the targetPort of port {}, not a port", port.number)
            }
            Some(PortLink::Missing { has, nearest: _ }) => {
                let has: Vec<String> = has.iter().map(|port| port.number.to_string()).collect();
                format!(
                    "no such port; the Service has {}",
                    if has.is_empty() { "none".to_owned() } else { list(&has) }
                )
            }
            Some(PortLink::Undeclared) => "used as it is".to_owned(),
            None => String::new(),
        },
        Link::TargetPort => chain.target.as_ref().map_or_else(String::new, |target| {
            let mut text = format!("declared by {} of {} pod(s)", target.declared, target.of);
            if target.declared == 0 && !target.declares.is_empty() {
                text = format!("{text}; they declare {}", list(&target.declares));
            }
            text
        }),
        Link::Selector => match &chain.selector {
            Some(SelectorLink::Unused) => "no selector".to_owned(),
            Some(SelectorLink::Matches { pods, partial }) => {
                format!("takes {pods}{} pod(s)", if *partial { " or more" } else { "" })
            }
            Some(SelectorLink::MatchesNothing { nearest, idle }) => {
                let mut text = "takes no pod".to_owned();
                if let Some(near) = nearest.first() {
                    let has = near
                        .has
                        .as_deref()
                        .map_or_else(|| "none".to_owned(), |has| Text::new(has).to_string());
                    text = format!(
                        "{text}; {} pod(s) of {} differ in label {}: wanted {}, has {has}",
                        near.pods,
                        Text::new(&near.owner.name),
                        Text::new(&near.label),
                        Text::new(&near.wanted)
                    );
                }
                if let Some(idle) = idle.first() {
                    text = format!("{text}; {} runs no pod", ObjectRef::from(&idle.workload));
                }
                text
            }
            Some(SelectorLink::Unseen(_)) => "pods could not be seen".to_owned(),
            None => String::new(),
        },
        Link::Endpoints => match &chain.endpoints {
            Some(Seen::Value(found)) => {
                let mut text = format!("{} ready, {} not ready", found.ready, found.not_ready);
                if found.terminating > 0 {
                    text = format!("{text}, {} ending", found.terminating);
                }
                match &found.port {
                    SlicePort::OtherNames(names) => {
                        text = format!("{text}; slices list other ports: {}", list(names))
                    }
                    SlicePort::NoPorts => text = format!("{text}; the targetPort resolves in no pod"),
                    SlicePort::Unknown | SlicePort::Resolved(_) => {}
                }
                if found.slices == 0 {
                    text = format!("{text}; there is no EndpointSlice");
                }
                text
            }
            Some(Seen::Unseen(_)) => "EndpointSlices could not be seen".to_owned(),
            None => String::new(),
        },
        Link::Pods => match &chain.pods {
            Some(Seen::Value(pods)) => {
                let mut text = format!("{} of {} ready", pods.ready, pods.total);
                for one in pods.not_ready.iter().take(3) {
                    text = format!("{text}; {}: {}", Text::new(&one.pod), reason(&one.reason));
                }
                text
            }
            Some(Seen::Unseen(_)) => "pods could not be seen".to_owned(),
            None => String::new(),
        },
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Terminating { since } => format!("ending since {}", Time(*since)),
        Reason::Unscheduled => "no node yet".to_owned(),
        Reason::Waiting { container, why, restarts, last: _ } => {
            format!("container {} waits: {} ({restarts} restarts)", Text::new(container), Text::new(why))
        }
        Reason::ProbeFails { container, probe, restarts: _, last: _ } => {
            format!(
                "container {} does not pass its readiness probe {}",
                Text::new(container),
                Text::new(probe)
            )
        }
        Reason::ContainerNotReady { container, restarts, last: _ } => {
            format!("container {} is not ready ({restarts} restarts)", Text::new(container))
        }
        Reason::GateOrNode => "a readiness gate, or its node does not answer".to_owned(),
        Reason::Phase(phase) => format!("phase {}", Text::new(phase)),
    }
}

fn oddity(oddity: &Oddity) -> String {
    match oddity {
        Oddity::ReadyInSliceOnly { pods } => {
            format!("slices call these ready, their pods are not: {}", list(pods))
        }
        Oddity::GonePods { pods } => format!("slices list pods that are gone: {}", list(pods)),
        Oddity::NotSelected { pods } => {
            format!("slices list pods that the selector does not take: {}", list(pods))
        }
        Oddity::NotInSlices { pods } => format!("ready pods are in no slice: {}", list(pods)),
        Oddity::SelectorNewerThanSlices { selector, slices } => {
            format!("the selector was written {} and the slices {}", Time(*selector), Time(*slices))
        }
    }
}

fn answer(answer: Answer) -> String {
    match answer {
        Answer::Upstream => "passes it on".to_owned(),
        Answer::Status(status) => format!("answers {status}"),
        Answer::OneOf(set) => {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            format!("answers {}", set.join(" or "))
        }
        Answer::Unknown => "not known".to_owned(),
    }
}

impl fmt::Display for ChainReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service {} port {}: ", self.service, self.port)?;
        match self.first_broken {
            Some(link) => write!(f, "broken at {link}")?,
            None => f.write_str("nothing seen is broken")?,
        }
        for link in self.links.iter().filter(|link| !link.says.is_empty()) {
            write!(f, "\n  {} ({}): {}", link.link, link.state, link.says)?;
        }
        if self.caught.len() > 1 {
            let caught: Vec<&str> = self.caught.iter().map(Text::as_str).collect();
            write!(f, "\n  the selector catches several workloads: {}", caught.join("; "))?;
        }
        for oddity in &self.oddities {
            write!(f, "\n  odd: {oddity}")?;
        }
        for answer in &self.answers {
            write!(f, "\n  {answer}")?;
        }
        Ok(())
    }
}
