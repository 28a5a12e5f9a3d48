//! How a controller reads the paths of an Ingress where that differs from what the Ingress API says.
//!
//! Assumption: what is said here is how a path is compared, not which rule wins; that is `routing`'s.
//! Sources: the products' own translators, `docs/controllers`.

use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::{Ingress, PathRule, PathType};

/// How a path is compared with a request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// Whole path elements, like `Prefix`.
    Elements,
    /// The beginning of the text, wherever an element ends.
    Characters,
    /// The same, whatever the case.
    CharactersAnyCase,
    /// The whole text.
    Whole,
    /// A regular expression found anywhere in the path.
    RegexAnywhere,
    /// A regular expression from the start of the path, its end open.
    RegexFromStart,
    /// A regular expression for the whole path.
    RegexWhole,
    /// `*` and `?` stand for other text.
    Wildcards,
    /// The whole text, unless it ends in `/*`.
    UrlMap,
    /// The path is left out of the configuration.
    LeftOut,
}

impl Reading {
    /// Whether pattern characters have a meaning.
    #[must_use]
    pub const fn has_patterns(self) -> bool {
        match self {
            Self::RegexAnywhere
            | Self::RegexFromStart
            | Self::RegexWhole
            | Self::Wildcards
            | Self::UrlMap
            | Self::LeftOut => true,
            Self::Elements | Self::Characters | Self::CharactersAnyCase | Self::Whole => false,
        }
    }
}

/// How a controller reads one path; `None` where it does as the API says, or as nobody can know.
///
/// A host that another annotation puts in regex mode as a whole is the routing model's to tell.
#[must_use]
pub fn reading(
    kind: ControllerKind,
    settings: &Settings,
    ingress: &Ingress,
    rule: &PathRule,
) -> Option<Reading> {
    use ControllerKind as K;
    use PathType::{Exact, ImplementationSpecific, Prefix};
    let annotation = |key: &str| ingress.meta.annotation(key);
    match (kind, rule.path_type) {
        (K::IngressNginx | K::TraefikIngressNginx, ImplementationSpecific) => Some(Reading::Elements),
        (K::Traefik, Prefix) => {
            let strict = settings.is_set("providers.kubernetesingress.strictprefixmatching");
            (!strict).then_some(Reading::Characters)
        }
        (K::Traefik, ImplementationSpecific) => {
            match annotation("traefik.ingress.kubernetes.io/router.pathmatcher") {
                Some("PathRegexp") => Some(Reading::RegexAnywhere),
                Some("Path") => Some(Reading::Whole),
                Some(_) | None => Some(Reading::Characters),
            }
        }
        (K::F5Nginx, Prefix | ImplementationSpecific) => match annotation("nginx.org/path-regex") {
            Some("case_sensitive" | "case_insensitive") => Some(Reading::RegexFromStart),
            Some("exact") => Some(Reading::Whole),
            Some(_) | None => Some(Reading::Characters),
        },
        (K::Haproxytech, ImplementationSpecific) => Some(Reading::Characters),
        (K::HaproxyIngress, ImplementationSpecific) => {
            let set = annotation("haproxy-ingress.github.io/path-type")
                .or_else(|| annotation("ingress.kubernetes.io/path-type"));
            match set {
                Some("prefix") => Some(Reading::Elements),
                Some("exact") => Some(Reading::Whole),
                Some("regex") => Some(Reading::RegexFromStart),
                Some(_) | None => Some(Reading::CharactersAnyCase),
            }
        }
        (K::Contour, ImplementationSpecific) => {
            let pattern = rule.path.contains(['^', '+', '*', '[', ']', '%']);
            Some(if pattern { Reading::RegexWhole } else { Reading::Characters })
        }
        (K::Istio, ImplementationSpecific) => {
            let open = rule.path.ends_with(".*") || rule.path.ends_with("/*");
            let all = matches!(rule.path.as_str(), "" | "*");
            Some(if open || all { Reading::Characters } else { Reading::Whole })
        }
        (K::Cilium, ImplementationSpecific) => Some(Reading::RegexWhole),
        (K::Kong, ImplementationSpecific) => {
            let pattern = rule.path.starts_with("/~") || annotation("konghq.com/regex-prefix").is_some();
            Some(if pattern { Reading::RegexFromStart } else { Reading::Characters })
        }
        (K::AwsAlb, ImplementationSpecific) => {
            let regex = annotation("alb.ingress.kubernetes.io/use-regex-path-match") == Some("true");
            Some(if regex { Reading::RegexAnywhere } else { Reading::Wildcards })
        }
        (K::Gce, ImplementationSpecific) => Some(Reading::UrlMap),
        (K::Apisix, ImplementationSpecific) => {
            let regex = annotation("k8s.apisix.apache.org/use-regex") == Some("true");
            Some(if regex { Reading::RegexAnywhere } else { Reading::Wildcards })
        }
        (K::Agic, Prefix) => Some(Reading::Characters),
        (K::Agic, ImplementationSpecific) => Some(Reading::Wildcards),
        (K::OpenshiftRouter, Exact) => Some(Reading::LeftOut),
        (
            K::IngressNginx
            | K::TraefikIngressNginx
            | K::Haproxytech
            | K::HaproxyIngress
            | K::Contour
            | K::Istio
            | K::Cilium
            | K::Kong
            | K::AwsAlb
            | K::Gce
            | K::Apisix,
            Exact | Prefix,
        )
        | (K::Traefik | K::F5Nginx | K::Agic, Exact)
        | (K::OpenshiftRouter, Prefix | ImplementationSpecific)
        | (K::Spec | K::HttpRoute | K::TraefikGateway, _) => None,
    }
}

/// Whether a path holds characters that its author probably means as a pattern.
#[must_use]
pub fn looks_like_pattern(path: &str) -> bool {
    path.contains(['(', ')', '[', ']', '*', '+', '?', '|', '^', '$', '{', '}', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::Flag;
    use crate::model::ingress::Backend;
    use crate::model::object::ObjectMeta;
    use ControllerKind as K;
    use PathType::{Exact, ImplementationSpecific, Prefix};

    fn read(
        kind: ControllerKind,
        path_type: PathType,
        path: &str,
        annotation: Option<(&str, &str)>,
    ) -> Option<Reading> {
        let ingress = Ingress {
            meta: ObjectMeta {
                annotations: annotation.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().collect(),
                ..ObjectMeta::default()
            },
            ..Ingress::default()
        };
        let rule = PathRule { path: path.to_owned(), path_type, backend: Backend::Missing };
        reading(kind, &Settings::default(), &ingress, &rule)
    }

    fn check(kind: ControllerKind, path_type: PathType, path: &str, expected: Option<Reading>) {
        assert_eq!(read(kind, path_type, path, None), expected, "{kind} {path_type:?} {path}");
    }

    #[test]
    fn the_api_is_silent_about_implementation_specific_and_products_are_not() {
        check(K::IngressNginx, ImplementationSpecific, "/a", Some(Reading::Elements));
        check(K::Traefik, ImplementationSpecific, "/a", Some(Reading::Characters));
        check(K::Cilium, ImplementationSpecific, "/a", Some(Reading::RegexWhole));
        check(K::Contour, ImplementationSpecific, "/a", Some(Reading::Characters));
        check(K::Contour, ImplementationSpecific, "/a[0-9]+", Some(Reading::RegexWhole));
        check(K::Istio, ImplementationSpecific, "/a", Some(Reading::Whole));
        check(K::Istio, ImplementationSpecific, "/a/*", Some(Reading::Characters));
        check(K::AwsAlb, ImplementationSpecific, "/a*", Some(Reading::Wildcards));
        check(K::Kong, ImplementationSpecific, "/~/a\\d+", Some(Reading::RegexFromStart));
        check(K::Gce, ImplementationSpecific, "/a", Some(Reading::UrlMap));
        check(K::Spec, ImplementationSpecific, "/a", None);
    }

    #[test]
    fn some_products_take_a_prefix_by_its_characters() {
        check(K::Traefik, Prefix, "/a", Some(Reading::Characters));
        check(K::F5Nginx, Prefix, "/a", Some(Reading::Characters));
        check(K::Agic, Prefix, "/a", Some(Reading::Characters));
        check(K::IngressNginx, Prefix, "/a", None);
        check(K::OpenshiftRouter, Exact, "/a", Some(Reading::LeftOut));
        let flag = Flag {
            index: 0,
            in_command: false,
            name: "providers.kubernetesingress.strictprefixmatching".to_owned(),
            value: Some("true".to_owned()),
        };
        let strict = Settings { args: vec![flag], ..Settings::default() };
        let rule = PathRule { path: "/a".to_owned(), path_type: Prefix, backend: Backend::Missing };
        assert_eq!(reading(K::Traefik, &strict, &Ingress::default(), &rule), None);
    }

    #[test]
    fn annotations_change_how_a_path_is_read() {
        let matcher = "traefik.ingress.kubernetes.io/router.pathmatcher";
        assert_eq!(
            read(K::Traefik, ImplementationSpecific, "/a", Some((matcher, "PathRegexp"))),
            Some(Reading::RegexAnywhere)
        );
        assert_eq!(
            read(K::F5Nginx, Prefix, "/a", Some(("nginx.org/path-regex", "case_sensitive"))),
            Some(Reading::RegexFromStart)
        );
        assert_eq!(
            read(
                K::HaproxyIngress,
                ImplementationSpecific,
                "/a",
                Some(("ingress.kubernetes.io/path-type", "exact"))
            ),
            Some(Reading::Whole)
        );
    }

    #[test]
    fn pattern_characters_are_told_from_plain_ones() {
        for path in ["/a(/|$)(.*)", "/v[0-9]", "/a*", "/a+b", "/a\\.b"] {
            assert!(looks_like_pattern(path), "{path}");
        }
        for path in ["/a.b", "/a-b_c~d", "/a%20b", "/a:b@c", ""] {
            assert!(!looks_like_pattern(path), "{path}");
        }
    }
}
