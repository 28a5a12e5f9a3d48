//! Whether a controller logs a request, in words.

use super::object_ref::NameRef;
use super::text::Text;
use crate::analysis::logs::silence::{Doubt, Logging, Of, Place, Setting};
use crate::model::gap::Why;

/// Of a kind of requests, as `doctor` says it.
#[must_use]
pub fn in_general(logging: &Logging) -> String {
    match logging {
        Logging::Logged => "yes".to_owned(),
        Logging::Blurred(by) => format!("yes, without what tells who answered: {}", is(by)),
        Logging::NotLogged(by) => match &by.value {
            Some(_) => format!("no: {}", is(by)),
            None => format!("no, unless {}", should_be(by)),
        },
        Logging::Elsewhere(place) => format!("not in its log: {} may hold them", words(*place)),
        Logging::Unknown(doubt) => format!("unknown: {}", because(doubt)),
    }
}

/// Of one request.
#[must_use]
pub fn of_request(logging: &Logging) -> String {
    match logging {
        Logging::Logged => "such a request is logged".to_owned(),
        Logging::Blurred(by) => {
            format!("such a request is logged, without what tells who answered: {}", is(by))
        }
        Logging::NotLogged(by) => match &by.value {
            Some(_) => format!("such a request is not logged: {}; silence proves nothing", is(by)),
            None => format!("such a request is not logged unless {}: silence proves nothing", should_be(by)),
        },
        Logging::Elsewhere(place) => format!(
            "such a request is not in this log: {} may hold it; silence proves nothing",
            words(*place)
        ),
        Logging::Unknown(doubt) => {
            format!("whether such a request would be logged is unknown: {}", because(doubt))
        }
    }
}

/// Why requests are not in the log; `None` where nothing is known to keep them out.
#[must_use]
pub fn why(logging: &Logging) -> Option<Why> {
    match logging {
        Logging::NotLogged(by) => Some(Why::NotWritten { setting: remedy(by) }),
        Logging::Elsewhere(place) => Some(Why::WrittenElsewhere { place: words(*place).to_owned() }),
        Logging::Logged | Logging::Blurred(_) | Logging::Unknown(_) => None,
    }
}

/// What is set.
fn is(setting: &Setting) -> String {
    let Setting { of, key, value, wanted: _ } = setting;
    let value = Text::new(value.as_deref().unwrap_or_default());
    match of {
        Of::ConfigMap => format!("its ConfigMap sets {key} to \"{value}\""),
        Of::Annotation(ingress) => format!("Ingress {} sets {key} to \"{value}\"", NameRef::from(ingress)),
        Of::Argument => format!("its argument --{key} is \"{value}\""),
        Of::Variable => format!("its environment sets {key} to \"{value}\""),
    }
}

/// What would have it logged.
fn should_be(setting: &Setting) -> String {
    let Setting { of, key, value: _, wanted } = setting;
    match of {
        Of::ConfigMap => format!("its ConfigMap sets {key} to \"{wanted}\""),
        Of::Annotation(ingress) => format!("Ingress {} sets {key} to \"{wanted}\"", NameRef::from(ingress)),
        Of::Argument => format!("it is started with --{key}={wanted}"),
        Of::Variable => format!("its environment sets {key} to \"{wanted}\""),
    }
}

/// What to set.
fn remedy(setting: &Setting) -> String {
    let Setting { of, key, value: _, wanted } = setting;
    let whose = match of {
        Of::ConfigMap => "in its ConfigMap".to_owned(),
        Of::Annotation(ingress) => format!("on Ingress {}", NameRef::from(ingress)),
        Of::Argument => "among its arguments".to_owned(),
        Of::Variable => "in its environment".to_owned(),
    };
    if wanted.is_empty() {
        format!("no {key} that keeps such a request out, {whose}")
    } else {
        format!("{key}={wanted} {whose}")
    }
}

fn because(doubt: &Doubt) -> String {
    match doubt {
        Doubt::SettingsUnseen => "its ConfigMap could not be read".to_owned(),
        Doubt::SettingsInFile => "its settings stand in a file, not in its arguments".to_owned(),
        Doubt::RouteUnknown => "it is not known which rule takes it".to_owned(),
        Doubt::Pattern(pattern) => format!("pattern \"{}\" is not understood here", Text::new(pattern)),
        Doubt::Filtered(by) => match &by.value {
            Some(value) if !value.is_empty() => format!("only some are: {}", is(by)),
            Some(_) | None => {
                format!("by its defaults it is not, and other objects may turn it on ({})", by.key)
            }
        },
        Doubt::Product => "nothing is known of this product's log".to_owned(),
    }
}

const fn words(place: Place) -> &'static str {
    match place {
        Place::EnvoyPods => "the logs of its Envoy pods",
        Place::GatewayPods => "the logs of the gateways' pods",
        Place::KongProxy => "the log of the Kong proxy's container",
        Place::ApisixGateway => "the logs of the APISIX gateway's pods",
        Place::Hubble => "Hubble's flows",
        Place::LoadBalancerInS3 => "the load balancer's access log in S3 (off by default)",
        Place::CloudLogging => "Cloud Logging (off by default)",
        Place::AzureMonitor => "the gateway's access log in Azure Monitor (off by default)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::Name;

    fn setting(of: Of, value: Option<&str>) -> Setting {
        Setting { of, key: "access-log", value: value.map(str::to_owned), wanted: "on" }
    }

    #[test]
    fn a_setting_is_told_with_where_it_stands() {
        for (of, told) in [
            (Of::ConfigMap, "no: its ConfigMap sets access-log to \"x\""),
            (Of::Annotation(Name::new("shop", "web")), "no: Ingress shop/web sets access-log to \"x\""),
            (Of::Argument, "no: its argument --access-log is \"x\""),
            (Of::Variable, "no: its environment sets access-log to \"x\""),
        ] {
            assert_eq!(in_general(&Logging::NotLogged(setting(of, Some("x")))), told);
        }
        assert_eq!(
            in_general(&Logging::NotLogged(setting(Of::Argument, None))),
            "no, unless it is started with --access-log=on"
        );
    }

    #[test]
    fn the_gap_says_what_to_set_or_where_to_look() {
        let off = Logging::NotLogged(setting(Of::ConfigMap, Some("off")));
        assert_eq!(why(&off), Some(Why::NotWritten { setting: "access-log=on in its ConfigMap".to_owned() }));
        let away = why(&Logging::Elsewhere(Place::EnvoyPods));
        assert_eq!(away, Some(Why::WrittenElsewhere { place: "the logs of its Envoy pods".to_owned() }));
        assert_eq!(why(&Logging::Unknown(Doubt::RouteUnknown)), None);
        assert_eq!(why(&Logging::Blurred(setting(Of::ConfigMap, None))), None);
    }
}
