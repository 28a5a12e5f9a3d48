//! Whether a controller would have logged a request at all: silence in a log means nothing where the
//! settings silence it.
//!
//! One file a product or family, each with its sources. Only what arguments, environment and ConfigMaps
//! that were read show is claimed: a ConfigMap that was not read, or settings that stand in a file, are
//! doubts. A request is taken for one that is answered 404.

use crate::model::controller::{ConfigSeen, ControllerKind, Settings};
use crate::model::object::Name;

mod elsewhere;
mod f5_nginx;
mod haproxy;
mod ingress_nginx;
mod traefik;

/// Which part of the configuration takes the request, as the routing model decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Falls<'a> {
    /// The built-in location `/` of the catch-all server: an unknown host.
    CatchAll,
    /// A location that carries this Ingress's annotations.
    Ingress {
        name: &'a Name,
        enable_access_log: Option<&'a str>,
    },
    /// A location without an Ingress behind it, or not known which.
    Elsewhere,
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logging {
    Logged,
    /// It is, without what tells who answered.
    Blurred(Setting),
    NotLogged(Setting),
    /// It is not this controller's log that would hold it.
    Elsewhere(Place),
    Unknown(Doubt),
}

/// The setting that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub of: Of,
    pub key: &'static str,
    /// As it is set; `None` where the default decides.
    pub value: Option<String>,
    /// What it would have to be; empty: not set, or without this request.
    pub wanted: &'static str,
}

/// Where a setting is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    ConfigMap,
    Annotation(Name),
    Argument,
    Variable,
}

/// Who holds the access log of a product whose controller proxies nothing itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    EnvoyPods,
    GatewayPods,
    KongProxy,
    ApisixGateway,
    Hubble,
    LoadBalancerInS3,
    CloudLogging,
    AzureMonitor,
}

/// Why it cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    SettingsUnseen,
    /// The settings stand in a file, or somewhere else that arguments do not show.
    SettingsInFile,
    RouteUnknown,
    /// An entry of `skip-access-log-urls` that cannot be evaluated here.
    Pattern(String),
    /// Only some requests are kept.
    Filtered(Setting),
    /// The API's own text says nothing of logs.
    Product,
}

/// Judges a request that a controller of this kind answers; `target` is its path and query as sent.
#[must_use]
pub fn would_log(kind: ControllerKind, settings: &Settings, target: &str, falls: &Falls<'_>) -> Logging {
    match kind {
        ControllerKind::IngressNginx => ingress_nginx::would_log(settings, target, falls),
        ControllerKind::Traefik | ControllerKind::TraefikIngressNginx | ControllerKind::TraefikGateway => {
            traefik::would_log(settings)
        }
        ControllerKind::F5Nginx => f5_nginx::would_log(settings, falls),
        ControllerKind::Haproxytech => haproxy::tech(settings),
        ControllerKind::HaproxyIngress => haproxy::ingress(settings),
        ControllerKind::OpenshiftRouter => haproxy::openshift(settings),
        ControllerKind::Contour => elsewhere::contour(settings),
        ControllerKind::Istio => elsewhere::istio(settings),
        ControllerKind::Kong => elsewhere::kong(settings),
        ControllerKind::Cilium => Logging::Elsewhere(Place::Hubble),
        ControllerKind::Apisix => Logging::Elsewhere(Place::ApisixGateway),
        ControllerKind::AwsAlb => Logging::Elsewhere(Place::LoadBalancerInS3),
        ControllerKind::Gce => Logging::Elsewhere(Place::CloudLogging),
        ControllerKind::Agic => Logging::Elsewhere(Place::AzureMonitor),
        ControllerKind::Spec | ControllerKind::HttpRoute => Logging::Unknown(Doubt::Product),
    }
}

/// Whether 404s are logged: of hosts that rules name, and of hosts that none names.
#[must_use]
pub fn logs_not_found(kind: ControllerKind, settings: &Settings) -> [Logging; 2] {
    [Falls::Elsewhere, Falls::CatchAll].map(|falls| would_log(kind, settings, "/", &falls))
}

/// A key of the ConfigMap, as it is set.
fn of_config(settings: &Settings, key: &'static str, wanted: &'static str) -> Setting {
    Setting { of: Of::ConfigMap, key, value: settings.config(key).map(str::to_owned), wanted }
}

/// An argument, as it is set.
fn of_argument(settings: &Settings, key: &'static str, wanted: &'static str) -> Setting {
    let flag = settings.flag(key);
    let value = flag.map(|flag| flag.value.clone().unwrap_or_else(|| "true".to_owned()));
    Setting { of: Of::Argument, key, value, wanted }
}

fn unseen(settings: &Settings) -> bool {
    matches!(settings.config, ConfigSeen::Unseen)
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1" | "t" | "T" | "TRUE" | "True")
}

fn is_false(value: &str) -> bool {
    matches!(value, "false" | "0" | "f" | "F" | "FALSE" | "False")
}

#[cfg(test)]
mod fixtures {
    use super::*;
    use crate::model::controller::Flag;

    /// What a controller was told by these arguments.
    pub(super) fn with_arguments(args: &[&str]) -> Settings {
        let flag = |(index, text): (usize, &&str)| {
            let (name, value) = match text.trim_start_matches('-').split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text.trim_start_matches('-'), None),
            };
            Flag { index, in_command: false, name: name.to_ascii_lowercase(), value }
        };
        Settings { args: args.iter().enumerate().map(flag).collect(), ..Settings::default() }
    }

    fn words(logging: &Logging) -> String {
        let setting = |setting: &Setting| {
            let value = setting.value.as_ref().map(|value| format!("={value}")).unwrap_or_default();
            format!("{}{value}, wanted {}", setting.key, setting.wanted)
        };
        match logging {
            Logging::Logged => "logged".to_owned(),
            Logging::Blurred(by) => format!("blurred: {}", setting(by)),
            Logging::NotLogged(by) => format!("not logged: {}", setting(by)),
            Logging::Elsewhere(place) => format!("elsewhere: {place:?}"),
            Logging::Unknown(Doubt::Filtered(by)) => format!("filtered: {}", setting(by)),
            Logging::Unknown(doubt) => format!("{doubt:?}"),
        }
    }

    pub(super) fn told(kind: ControllerKind, settings: &Settings) -> String {
        words(&would_log(kind, settings, "/x", &Falls::Elsewhere))
    }

    fn configured(config: &[(&str, &str)]) -> ConfigSeen {
        ConfigSeen::Known(config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    /// With these arguments and this ConfigMap.
    pub(super) fn check(kind: ControllerKind, args: &[&str], config: &[(&str, &str)], expected: &str) {
        let settings = Settings { config: configured(config), ..with_arguments(args) };
        assert_eq!(told(kind, &settings), expected, "{kind} {args:?} {config:?}");
    }

    /// For a request that falls there.
    pub(super) fn check_falls(
        kind: ControllerKind,
        config: &[(&str, &str)],
        falls: &Falls<'_>,
        expected: &str,
    ) {
        let settings = Settings { config: configured(config), ..Settings::default() };
        assert_eq!(words(&would_log(kind, &settings, "/x", falls)), expected, "{kind} {config:?} {falls:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_controller_logs_of_404s_is_told_for_known_and_unknown_hosts() {
        let [known, unknown] = logs_not_found(ControllerKind::IngressNginx, &Settings::default());
        assert_eq!(known, Logging::Logged);
        assert!(matches!(unknown, Logging::NotLogged(_)), "{unknown:?}");
    }

    #[test]
    fn of_a_config_map_that_was_not_read_nothing_is_claimed() {
        let unseen = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
        for kind in [
            ControllerKind::IngressNginx,
            ControllerKind::F5Nginx,
            ControllerKind::Haproxytech,
            ControllerKind::HaproxyIngress,
            ControllerKind::Contour,
            ControllerKind::Istio,
        ] {
            let judged = would_log(kind, &unseen, "/", &Falls::Elsewhere);
            assert_eq!(judged, Logging::Unknown(Doubt::SettingsUnseen), "{kind}");
        }
    }
}
