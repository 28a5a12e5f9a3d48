//! What one piece of evidence says.

use chrono::{DateTime, Utc};

use super::super::route::refusal_words;
use super::super::text::Text;
use super::super::time::Time;
use super::{name, q};
use crate::analysis::verdicts::Point;
use crate::model::object::Name;

/// A point in words.
#[must_use]
pub fn says(point: &Point) -> String {
    match point {
        Point::NoClassSet => "no class is set".to_owned(),
        Point::NoDefaultClass { classes } => {
            format!("of {classes} IngressClass(es) none is the default one")
        }
        Point::ClassAbsent { class } => format!("there is no IngressClass {}", q(class)),
        Point::ClassOfOther { class, theirs, ours } => match theirs {
            Some(theirs) => {
                format!(
                    "class {} belongs to controller {}, the running one is {}",
                    q(class),
                    q(theirs),
                    q(ours)
                )
            }
            None => format!("the running controller takes classes of {} only", q(ours)),
        },
        Point::AnnotationDiffers { value, expected } => {
            format!("the class annotation is {} and the controller expects {}", q(value), q(expected))
        }
        Point::WatchesOnly { watched } => format!("the controller watches only {}", q(watched)),
        Point::ControllerSaidIgnored { count } => {
            format!("the controller wrote {count} time(s) that it ignores it")
        }
        Point::NoAddress => "no controller has written an address to its status".to_owned(),
        Point::AnnotationRefused { key: _, refusal } => refusal_words(refusal),
        Point::SettingUnset { key, default } => {
            format!("the controller's ConfigMap does not set {}, so {} holds", Text::new(key), q(default))
        }
        Point::SettingIs { key, value } => {
            format!("the controller's ConfigMap sets {} to {}", Text::new(key), q(value))
        }
        Point::ControllerSaidAnnotation { count } => {
            format!("the controller wrote {count} time(s) that it refuses an annotation")
        }
        Point::ControllerChanged { at } => {
            format!("the controller was changed at {}, before the 404s", time(at))
        }
        Point::IngressUnchanged { generation, written } => match written {
            Some(at) => {
                format!("the Ingress itself is unchanged since {} (generation {generation})", time(at))
            }
            None => format!("the Ingress is at generation {generation}"),
        },
        Point::ControllerAnswered { count, first, last } => format!(
            "the controller's default backend answered 404 {}: no rule matched",
            span(*count, first.as_ref(), last.as_ref())
        ),
        Point::UpstreamAnswered { service: by, upstream, status, count, first, last } => format!(
            "{} answered {status} {}",
            service(by.as_ref(), upstream),
            span(*count, first.as_ref(), last.as_ref())
        ),
        Point::WorkedBefore { service: by, status, last } => format!(
            "before, {} answered {status}{}",
            service(by.as_ref(), ""),
            last.as_ref().map(|at| format!(", last at {}", time(at))).unwrap_or_default()
        ),
        Point::HostOfRule { host } => format!("no rule has the asked host; the nearest host is {}", q(host)),
        Point::RuleDiffers { path, path_type } => {
            format!(
                "the rule's path is {}{}",
                q(path),
                path_type.map(|kind| format!(" ({kind})")).unwrap_or_default()
            )
        }
        Point::PatternOnPlainHost { path } => {
            format!("path {} is a pattern, and nothing puts this host into regex mode", q(path))
        }
        Point::Probed { url, status, from } => {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            format!("a probe from {} of {} got {status}", Text::new(from), Text::new(url))
        }
        Point::RegexForcedBy { key, value } => {
            format!("{} = {} puts every path of the host into regex mode", Text::new(key), q(value))
        }
        Point::WinnerRendered { rendered, path } => {
            format!("the request is taken by path {}, rendered {}", q(path), Text::new(rendered))
        }
        Point::WouldWin { ingress, path, service: of } => format!(
            "without it, path {} of Ingress {} would take it{}",
            q(path),
            name(ingress),
            of.as_ref().map(|of| format!(" to Service {}", name(of))).unwrap_or_default()
        ),
        Point::Created { at } => format!("it was created at {}", time(at)),
        Point::Changed { at } => format!("this was changed at {}", time(at)),
        Point::Deleted { at } => format!("this was deleted at {}", time(at)),
        Point::IngressAbsent => "there is no such Ingress".to_owned(),
        Point::TookBefore { host, path, service: of } => format!(
            "it is gone, and with it the rule for host {} path {}{}",
            q(host),
            q(path),
            of.as_ref().map(|of| format!(" to Service {}", name(of))).unwrap_or_default()
        ),
        Point::WebhookRefused { count } => {
            format!("the controller's admission webhook refused it {count} time(s)")
        }
        Point::CreationRefused { by } => {
            format!("the {} that was to create it was refused", Text::new(by))
        }
        Point::NoRewrite => "no annotation rewrites the path".to_owned(),
        Point::RewriteTo { target, upstream_path } => {
            format!("the rewrite to {} makes the application receive {}", q(target), q(upstream_path))
        }
        Point::CanaryAlone { host, path } => {
            format!("a canary for {} {} and no other Ingress with that host and path", q(host), q(path))
        }
        Point::ControllerSaidCanary { count } => {
            format!("the controller wrote {count} time(s) that the canary has nothing to be merged into")
        }
        Point::AuthAddress { key, url } => {
            format!("{} leads to {}, and no rule takes that", Text::new(key), Text::new(url))
        }
        Point::AuthFailed { count } => {
            format!("the proxy wrote {count} time(s) that the auth request got an unexpected status")
        }
        Point::ServedElsewhere { host, path, service: of } => format!(
            "that path is served under host {} (path {}{})",
            q(host),
            q(path),
            of.as_ref().map(|of| format!(", Service {}", name(of))).unwrap_or_default()
        ),
        Point::OlderDuplicate { older, created } => format!(
            "Ingress {} has the same host, path and type and is older{}",
            name(older),
            created.as_ref().map(|at| format!(" (created {})", time(at))).unwrap_or_default()
        ),
        Point::ServiceAbsent { service, nearest } => match nearest.first() {
            Some(near) => format!("there is no Service {}; nearest: {}", name(service), name(near)),
            None => format!("there is no Service {}", name(service)),
        },
        Point::PortAbsent { service, port } => format!("Service {} has no port {}", name(service), q(port)),
        Point::Endpoints { ready, not_ready } => format!("{ready} endpoint(s) ready, {not_ready} not ready"),
        Point::ReloadFailed { cause, between: _ } => {
            format!("the proxy refuses the configuration: {}", Text::new(cause))
        }
        Point::ControllerSaidReloadFailed { count, last } => format!(
            "the controller failed to reload {count} time(s){}",
            last.as_ref().map(|at| format!(", last at {}", time(at))).unwrap_or_default()
        ),
        Point::ErrorPages { codes } => format!("answers with {} are replaced by an error page", q(codes)),
        Point::RoutesTo { service, path } => {
            if service.name.is_empty() {
                format!("the rule for path {} takes the request", q(path))
            } else {
                format!("the rule for path {} sends it to Service {}", q(path), name(service))
            }
        }
    }
}

fn time(at: &DateTime<Utc>) -> String {
    Time(*at).to_string()
}

fn span(count: u64, first: Option<&DateTime<Utc>>, last: Option<&DateTime<Utc>>) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    match (first, last) {
        (Some(first), Some(last)) if first != last => {
            format!("{times} from {} to {}", time(first), time(last))
        }
        (Some(at), _) | (None, Some(at)) => format!("{times}, at {}", time(at)),
        (None, None) => times,
    }
}

fn service(service: Option<&Name>, upstream: &str) -> String {
    match (service, upstream) {
        (Some(service), _) => format!("Service {}", name(service)),
        (None, "") => "an application".to_owned(),
        (None, upstream) => format!("upstream {}", Text::new(upstream)),
    }
}
