//! Ingress controllers: which products there are, and what one running controller was told.
//!
//! Source of names, images, labels and class values: `docs/controllers/README.md`.

use std::collections::BTreeMap;
use std::fmt;

use super::event::ConfigMap;
use super::object::{Name, ObjectKey};
use super::snapshot::Lookup;

/// A controller product, or a text that can be asked for like one (`spec`, `httproute`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ControllerKind {
    IngressNginx,
    Traefik,
    TraefikIngressNginx,
    F5Nginx,
    Haproxytech,
    HaproxyIngress,
    AwsAlb,
    Contour,
    Istio,
    Cilium,
    Kong,
    Gce,
    Apisix,
    Agic,
    OpenshiftRouter,
    /// The Ingress API's own text.
    Spec,
    /// Gateway API HTTPRoute, its own text.
    HttpRoute,
    /// HTTPRoute as Traefik does it.
    TraefikGateway,
}

impl ControllerKind {
    pub const ALL: [Self; 18] = [
        Self::IngressNginx,
        Self::Traefik,
        Self::TraefikIngressNginx,
        Self::F5Nginx,
        Self::Haproxytech,
        Self::HaproxyIngress,
        Self::AwsAlb,
        Self::Contour,
        Self::Istio,
        Self::Cilium,
        Self::Kong,
        Self::Gce,
        Self::Apisix,
        Self::Agic,
        Self::OpenshiftRouter,
        Self::Spec,
        Self::HttpRoute,
        Self::TraefikGateway,
    ];

    /// The slug used in parameters, results and file names.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::IngressNginx => "ingress-nginx",
            Self::Traefik => "traefik",
            Self::TraefikIngressNginx => "traefik-ingress-nginx",
            Self::F5Nginx => "f5-nginx",
            Self::Haproxytech => "haproxytech",
            Self::HaproxyIngress => "haproxy-ingress",
            Self::AwsAlb => "aws-alb",
            Self::Contour => "contour",
            Self::Istio => "istio",
            Self::Cilium => "cilium",
            Self::Kong => "kong",
            Self::Gce => "gce",
            Self::Apisix => "apisix",
            Self::Agic => "agic",
            Self::OpenshiftRouter => "openshift-router",
            Self::Spec => "spec",
            Self::HttpRoute => "httproute",
            Self::TraefikGateway => "traefik-gateway",
        }
    }

    /// Whether it reads HTTPRoutes and no Ingresses.
    #[must_use]
    pub const fn routes_by_gateways(self) -> bool {
        matches!(self, Self::HttpRoute | Self::TraefikGateway)
    }

    /// The kind with this slug.
    #[must_use]
    pub fn parse(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }
}

impl fmt::Display for ControllerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// `major.minor.patch` of a controller, from its image tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl Version {
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `v1.15.1`, `1.15`, `controller-v1.15.1`, `v1.15.1-hardened2` and the like.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let start = tag
            .char_indices()
            .find(|(at, c)| {
                c.is_ascii_digit()
                    && !tag
                        .get(..*at)
                        .is_some_and(|before| before.ends_with(|b: char| b.is_ascii_digit() || b == '.'))
                    && tag.get(*at..).is_some_and(|rest| {
                        rest.trim_start_matches(|d: char| d.is_ascii_digit()).starts_with('.')
                    })
            })?
            .0;
        let rest = tag.get(start..)?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let mut parts = rest.get(..end)?.split('.').map(str::parse::<u32>);
        let major = parts.next()?.ok()?;
        let minor = parts.next()?.ok()?;
        let patch = parts.next().and_then(Result::ok).unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// One running controller: a workload whose container runs a known product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    pub kind: ControllerKind,
    /// Deployment, DaemonSet or StatefulSet; a bare Pod where nothing owns it.
    pub workload: ObjectKey,
    /// Index of its container in the pod template, for field paths.
    pub container_index: usize,
    pub container: String,
    pub image: String,
    /// `None` where the tag tells none (`latest`, a digest).
    pub version: Option<Version>,
    pub command: Vec<String>,
    /// In order, as written: an index is a field path.
    pub args: Vec<String>,
    /// The environment of its container, and what the containers beside it have besides; references are
    /// named, not resolved.
    pub env: BTreeMap<String, String>,
    /// Names of its pods that were seen.
    pub pods: Vec<String>,
    /// The ConfigMap its arguments name; `None` when they name none.
    pub config_map: Option<(Name, Lookup<ConfigMap>)>,
    /// The Service in front of it, when one selects its pods.
    pub services: Vec<Name>,
}

impl Controller {
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            version: self.version,
            args: self.flags(),
            namespace: self.workload.name.namespace.clone(),
            env: self.env.clone(),
            config: match &self.config_map {
                None | Some((_, Lookup::Absent)) => ConfigSeen::Known(BTreeMap::new()),
                Some((_, Lookup::Found(map))) => ConfigSeen::Known(map.data.clone()),
                Some((_, Lookup::Unseen(_))) => ConfigSeen::Unseen,
            },
        }
    }

    /// Every flag, those of `command` first, with `$(POD_NAMESPACE)` filled in as the kubelet does.
    fn flags(&self) -> Vec<Flag> {
        let expand = |texts: &[String]| -> Vec<String> {
            texts.iter().map(|text| text.replace("$(POD_NAMESPACE)", &self.workload.name.namespace)).collect()
        };
        let mut flags = parse_flags(&expand(&self.command), true);
        flags.extend(parse_flags(&expand(&self.args), false));
        flags
    }

    /// The field path of a flag.
    #[must_use]
    pub fn flag_field(&self, flag: &Flag) -> String {
        let path = self.arg_field(flag.index);
        if flag.in_command { path.replace(".args[", ".command[") } else { path }
    }

    /// The field path of an argument, such as `spec.template.spec.containers[0].args[3]`.
    #[must_use]
    pub fn arg_field(&self, index: usize) -> String {
        let base = match self.workload.kind {
            super::object::Kind::Pod => "spec",
            _ => "spec.template.spec",
        };
        format!("{base}.containers[{}].args[{index}]", self.container_index)
    }
}

/// What a controller was told that changes routing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    pub version: Option<Version>,
    pub args: Vec<Flag>,
    /// The namespace the controller runs in.
    pub namespace: String,
    pub env: BTreeMap<String, String>,
    pub config: ConfigSeen,
}

/// One command line flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Index in `args`, or in `command`.
    pub index: usize,
    /// Written in `command` rather than in `args`.
    pub in_command: bool,
    /// Without leading dashes, lower case.
    pub name: String,
    /// `None` for a bare switch.
    pub value: Option<String>,
}

/// The controller's ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigSeen {
    /// Its data; empty when there is none, so that defaults hold.
    Known(BTreeMap<String, String>),
    Unseen,
}

impl Default for ConfigSeen {
    fn default() -> Self {
        Self::Known(BTreeMap::new())
    }
}

impl Settings {
    /// The last flag of this name wins, as flag parsers do.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.args.iter().rev().find(|flag| flag.name == name)
    }

    /// A flag's value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.flag(name)?.value.as_deref()
    }

    /// The values of a flag that may be given several times, in order.
    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.args.iter().filter(move |flag| flag.name == name).filter_map(|flag| flag.value.as_deref())
    }

    /// A boolean flag: present without a value, or with a true one.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.flag(name).is_some_and(|flag| {
            flag.value.as_deref().is_none_or(|v| matches!(v, "true" | "1" | "t" | "T" | "TRUE" | "True"))
        })
    }

    /// A ConfigMap key.
    #[must_use]
    pub fn config(&self, key: &str) -> Option<&str> {
        match &self.config {
            ConfigSeen::Known(data) => data.get(key).map(String::as_str),
            ConfigSeen::Unseen => None,
        }
    }
}

fn parse_flags(args: &[String], in_command: bool) -> Vec<Flag> {
    let mut flags = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let Some(body) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else { continue };
        if body.is_empty() {
            continue;
        }
        let (name, value) = if let Some((name, value)) = body.split_once('=') {
            (name, Some(value.to_owned()))
        } else {
            let next = args.get(index + 1).filter(|next| !next.starts_with('-'));
            (body, next.cloned())
        };
        flags.push(Flag { index, in_command, name: name.to_ascii_lowercase(), value });
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_image_tags() {
        for (tag, version) in [
            ("v1.15.1", Some((1, 15, 1))),
            ("1.9.4", Some((1, 9, 4))),
            ("controller-v1.8.5", Some((1, 8, 5))),
            ("v1.12.0-hardened1", Some((1, 12, 0))),
            ("v3.7", Some((3, 7, 0))),
            ("latest", None),
            ("", None),
            ("nginx-1.27.1", Some((1, 27, 1))),
        ] {
            let expected = version.map(|(a, b, c)| Version::new(a, b, c));
            assert_eq!(Version::parse(tag), expected, "{tag}");
        }
    }

    fn controller(command: &[&str], args: &[&str]) -> Controller {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Controller {
            kind: ControllerKind::IngressNginx,
            workload: ObjectKey::new(super::super::object::Kind::Deployment, "edge", "c"),
            container_index: 0,
            container: "controller".to_owned(),
            image: String::new(),
            version: None,
            command: own(command),
            args: own(args),
            env: BTreeMap::new(),
            pods: Vec::new(),
            config_map: None,
            services: Vec::new(),
        }
    }

    #[test]
    fn the_last_flag_wins_and_switches_read_as_true() {
        let settings = controller(
            &[],
            &[
                "/nginx-ingress-controller",
                "--ingress-class=a",
                "--watch-ingress-without-class",
                "--ingress-class=b",
                "--v",
                "3",
                "--deep-inspect=false",
                "--watch-namespace=$(POD_NAMESPACE)",
            ],
        )
        .settings();
        assert_eq!(settings.value("ingress-class"), Some("b"));
        assert!(settings.is_set("watch-ingress-without-class"));
        assert_eq!(settings.value("v"), Some("3"));
        assert!(!settings.is_set("deep-inspect"));
        assert_eq!(settings.flag("ingress-class").map(|flag| flag.index), Some(3));
        assert_eq!(settings.value("watch-namespace"), Some("edge"));
    }

    #[test]
    fn flags_may_stand_in_the_command() {
        let controller = controller(&["/nginx-ingress-controller", "--ingress-class=a"], &["--v=2"]);
        let settings = controller.settings();
        let flag = settings.flag("ingress-class").expect("flag");
        assert_eq!(flag.value.as_deref(), Some("a"));
        assert_eq!(controller.flag_field(flag), "spec.template.spec.containers[0].command[1]");
        let flag = settings.flag("v").expect("flag");
        assert_eq!(controller.flag_field(flag), "spec.template.spec.containers[0].args[0]");
    }
}
