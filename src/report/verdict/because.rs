//! Why an explanation is excluded.

use super::{name, q};
use crate::analysis::verdicts::Because;

/// A reason in words.
pub(super) fn words(because: &Because) -> String {
    match because {
        Because::UpstreamAnswered(service) => match service {
            Some(service) => format!("Service {} answered, so the request was routed", name(service)),
            None => "an upstream answered, so the request was routed".to_owned(),
        },
        Because::ControllerAnswered => "the controller answered, no application was asked".to_owned(),
        Because::Adopted(ingress) => format!("Ingress {} is adopted and takes the request", name(ingress)),
        Because::ClassExists(class) => format!("class {} exists", q(class)),
        Because::HostServed(host) => format!("host {} is served", q(host)),
        Because::RuleTakesPath(ingress) => format!("a rule of Ingress {} takes the path", name(ingress)),
        Because::NoRegexOnHost => "no Ingress of the host asks for regular expressions".to_owned(),
        Because::Ready(ready) => format!("{ready} endpoint(s) are ready"),
        Because::NoDuplicate => "no other Ingress has this host, path and type".to_owned(),
        Because::NoCanary => "no canary is involved".to_owned(),
        Because::Loads => "the configuration loads".to_owned(),
        Because::Answers404 => "it does answer 404".to_owned(),
    }
}
