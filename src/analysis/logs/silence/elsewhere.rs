//! Products whose controller proxies nothing: the proxies' own settings decide what their logs hold, and
//! those logs are not the controller's.
//!
//! Sources: Contour 1.33 `pkg/config/parameters.go` (`accesslog-level`: `error` keeps what is 300 and
//! above, `critical` 500 and above); Istio 1.27 `pkg/config/mesh`, `accessLogFile` empty by default, which
//! a Telemetry object may override; Kong 3.x `kong.conf.default` and the entry point of its image, which
//! leads the default file to stdout.

use super::{Doubt, Logging, Of, Place, Setting, unseen};
use crate::model::controller::Settings;

pub(super) fn contour(settings: &Settings) -> Logging {
    let key = "accesslog-level";
    if unseen(settings) {
        return Logging::Unknown(Doubt::SettingsUnseen);
    }
    match settings.config("contour.yaml").and_then(|text| top_level(text, key)) {
        Some(level @ ("disabled" | "critical")) => Logging::NotLogged(Setting {
            of: Of::ConfigMap,
            key,
            value: Some(level.to_owned()),
            wanted: "info",
        }),
        Some(_) | None => Logging::Elsewhere(Place::EnvoyPods),
    }
}

pub(super) fn istio(settings: &Settings) -> Logging {
    let key = "accessLogFile";
    // istiod's ConfigMap has a name of its own in a revision: without it nothing is known.
    let Some(mesh) = settings.config("mesh") else { return Logging::Unknown(Doubt::SettingsUnseen) };
    match top_level(mesh, key) {
        Some(file) if !file.is_empty() => Logging::Elsewhere(Place::GatewayPods),
        value => Logging::Unknown(Doubt::Filtered(Setting {
            of: Of::ConfigMap,
            key,
            value: value.map(str::to_owned),
            wanted: "/dev/stdout",
        })),
    }
}

pub(super) fn kong(settings: &Settings) -> Logging {
    let key = "KONG_PROXY_ACCESS_LOG";
    // Only the first word is the file; a format may follow.
    let value = settings.env.get(key);
    match value.and_then(|value| value.split_whitespace().next()) {
        None | Some("/dev/stdout" | "logs/access.log") => Logging::Elsewhere(Place::KongProxy),
        Some(reference) if reference.starts_with('(') => Logging::Elsewhere(Place::KongProxy),
        Some(_) => Logging::NotLogged(Setting {
            of: Of::Variable,
            key,
            value: value.cloned(),
            wanted: "/dev/stdout",
        }),
    }
}

/// The value of a key at the top of a YAML text, without quotes.
fn top_level<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(key)?.strip_prefix(':')?;
        let value = value.split(" #").next().unwrap_or_default().trim();
        Some(value.trim_matches(['"', '\'']))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{check, told, with_arguments};
    use crate::model::controller::ControllerKind::{
        Agic, Apisix, AwsAlb, Cilium, Contour, Gce, Istio, Kong, Spec,
    };

    #[test]
    fn contour_leaves_it_to_its_envoys_unless_it_turns_them_off() {
        check(Contour, &["--config-path=/x"], &[], "elsewhere: EnvoyPods");
        for (level, expected) in [
            ("info", "elsewhere: EnvoyPods"),
            ("error", "elsewhere: EnvoyPods"),
            ("critical", "not logged: accesslog-level=critical, wanted info"),
            ("disabled # for now", "not logged: accesslog-level=disabled, wanted info"),
        ] {
            let text = format!("gateway: {{}}\naccesslog-level: {level}\n");
            check(Contour, &["--config-path=/x"], &[("contour.yaml", &text)], expected);
        }
        // A key of something else.
        let nested = [("contour.yaml", "other:\n  accesslog-level: disabled\n")];
        check(Contour, &["--config-path=/x"], &nested, "elsewhere: EnvoyPods");
    }

    #[test]
    fn istio_is_silent_unless_the_mesh_or_telemetry_says_otherwise() {
        check(Istio, &[], &[("mesh", "accessLogFile: /dev/stdout\n")], "elsewhere: GatewayPods");
        let quoted = [("mesh", "accessLogFile: \"\"\n")];
        check(Istio, &[], &quoted, "filtered: accessLogFile=, wanted /dev/stdout");
        check(Istio, &[], &[("mesh", "rootNamespace: x\n")], "filtered: accessLogFile, wanted /dev/stdout");
        check(Istio, &[], &[], "SettingsUnseen");
    }

    #[test]
    fn kong_leaves_it_to_its_proxy() {
        let with = |value: &str| {
            let mut settings = with_arguments(&[]);
            settings.env.insert("KONG_PROXY_ACCESS_LOG".to_owned(), value.to_owned());
            told(Kong, &settings)
        };
        check(Kong, &[], &[], "elsewhere: KongProxy");
        assert_eq!(with("/dev/stdout kong_log_format"), "elsewhere: KongProxy");
        assert_eq!(with("(from configmap kong key log)"), "elsewhere: KongProxy");
        assert_eq!(with("off"), "not logged: KONG_PROXY_ACCESS_LOG=off, wanted /dev/stdout");
        assert_eq!(with("/tmp/a.log"), "not logged: KONG_PROXY_ACCESS_LOG=/tmp/a.log, wanted /dev/stdout");
    }

    #[test]
    fn load_balancers_of_clouds_keep_their_own() {
        check(Cilium, &[], &[], "elsewhere: Hubble");
        check(Apisix, &[], &[], "elsewhere: ApisixGateway");
        check(AwsAlb, &[], &[], "elsewhere: LoadBalancerInS3");
        check(Gce, &[], &[], "elsewhere: CloudLogging");
        check(Agic, &[], &[], "elsewhere: AzureMonitor");
        check(Spec, &[], &[], "Product");
    }
}
