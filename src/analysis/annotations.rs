//! Which annotations of an Ingress its controller reads: routing annotations that count, those of other
//! products that do nothing here, and names that are none.
//!
//! Assumptions: an annotation belongs to a product by its prefix, or is one of the few whole keys that
//! products read without a prefix of their own. Only names that bear on routing are told apart (where a
//! request goes, what the upstream receives, who is let in); of the rest nothing is said. A name under the
//! product's own prefix counts as a slip when it is almost a routing name or speaks of routing and is none.
//! Source of names: `dialect`.

use std::collections::HashMap;

use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::ingress_class::CLASS_ANNOTATION;

mod dialect;

use dialect::{DIALECTS, Dialect};

/// An annotation, as one controller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark<'a> {
    pub key: &'a str,
    pub value: &'a str,
    pub standing: Standing,
}

/// What an annotation is to a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It reads it, and routing depends on it.
    Recognised,
    /// The prefix is read, but this product does not support this name.
    Unsupported,
    /// It is read from Services only.
    OfServices,
    /// Only these products read it.
    Foreign(Vec<ControllerKind>),
    /// It has the product's prefix and is no routing name it has; the one it was probably meant to be.
    Unknown { nearest: Option<&'static str> },
    /// These products read it; which controller takes the Ingress is not known.
    Undecided(Vec<ControllerKind>),
}

/// Parts of names that speak of routing, for slips that are not near any name.
const WORDS: [&str; 12] = [
    "rewrite",
    "regex",
    "redirect",
    "app-root",
    "strip",
    "canary",
    "middleware",
    "entrypoint",
    "entry-point",
    "rule-type",
    "alias",
    "vhost",
];

/// How many edits apart a slip and its name may be.
const SLIP: usize = 2;

/// Marks the annotations of an Ingress that bear on routing, sorted by key. The class annotation is left
/// to `adoption`.
#[must_use]
pub fn marks<'a>(kind: ControllerKind, settings: &Settings, ingress: &'a Ingress) -> Vec<Mark<'a>> {
    ingress
        .meta
        .annotations
        .iter()
        .filter(|(key, _)| *key != CLASS_ANNOTATION)
        .filter_map(|(key, value)| Some(Mark { key, value, standing: standing(kind, settings, key)? }))
        .collect()
}

/// What one annotation is to a controller; `None` when it does not bear on routing.
#[must_use]
pub fn standing(kind: ControllerKind, settings: &Settings, key: &str) -> Option<Standing> {
    if is_unknown_product(kind) {
        let readers = readers(key);
        return (!readers.is_empty()).then_some(Standing::Undecided(readers));
    }
    let own = DIALECTS.iter().find(|dialect| dialect.readers.contains(&kind));
    if let Some(dialect) = own {
        if dialect.exact.contains(&key) {
            return Some(Standing::Recognised);
        }
        if let Some(name) = own_name(dialect, settings, key) {
            return of_own(kind, dialect, name);
        }
    }
    let readers = readers(key);
    (!readers.is_empty()).then_some(Standing::Foreign(readers))
}

/// What annotations are to one controller, each name looked up once: the same few are on most Ingresses.
#[derive(Debug)]
pub(crate) struct Standings<'a> {
    kind: ControllerKind,
    settings: &'a Settings,
    known: HashMap<&'a str, Option<Standing>>,
}

impl<'a> Standings<'a> {
    pub(crate) fn new(kind: ControllerKind, settings: &'a Settings) -> Self {
        Self { kind, settings, known: HashMap::new() }
    }

    /// As `standing` has it.
    pub(crate) fn of(&mut self, key: &'a str) -> Option<&Standing> {
        let standing = || standing(self.kind, self.settings, key);
        self.known.entry(key).or_insert_with(standing).as_ref()
    }
}

/// Products of which this program cannot say what they read.
fn is_unknown_product(kind: ControllerKind) -> bool {
    matches!(kind, ControllerKind::Spec | ControllerKind::HttpRoute | ControllerKind::TraefikGateway)
}

/// The part after the product's prefix, which its arguments may have changed.
fn own_name<'k>(dialect: &Dialect, settings: &Settings, key: &'k str) -> Option<&'k str> {
    let (prefix, name) = key.split_once('/')?;
    let own = match settings.value("annotations-prefix").filter(|_| dialect.renamable) {
        Some(prefixes) => prefixes.split(',').any(|own| own.trim() == prefix),
        None => dialect.prefixes.contains(&prefix),
    };
    own.then_some(name)
}

fn of_own(kind: ControllerKind, dialect: &'static Dialect, name: &str) -> Option<Standing> {
    if kind == ControllerKind::TraefikIngressNginx && has(dialect::NOT_IN_TRAEFIK, name) {
        return Some(Standing::Unsupported);
    }
    if has(dialect.routing, name) {
        return Some(Standing::Recognised);
    }
    if has(dialect.of_services, name) {
        return Some(Standing::OfServices);
    }
    if has(dialect.other, name) {
        return None;
    }
    let nearest = dialect
        .routing
        .iter()
        .filter(|known| !known.ends_with('*'))
        .map(|known| (strsim::damerau_levenshtein(known, name), *known))
        .min()
        .filter(|(distance, known)| *distance <= SLIP && *distance < known.len())
        .map(|(_, known)| known);
    (nearest.is_some() || WORDS.iter().any(|word| name.contains(word)))
        .then_some(Standing::Unknown { nearest })
}

/// The products that read a key as a routing annotation, sorted.
fn readers(key: &str) -> Vec<ControllerKind> {
    let mut readers: Vec<ControllerKind> = DIALECTS
        .iter()
        .filter(|dialect| {
            let reads = |(prefix, name): (&str, &str)| {
                dialect.prefixes.contains(&prefix) && has(dialect.routing, name)
            };
            dialect.exact.contains(&key) || key.split_once('/').is_some_and(reads)
        })
        .flat_map(|dialect| dialect.readers.iter().copied())
        .collect();
    readers.sort_unstable();
    readers.dedup();
    readers
}

/// Whether a list holds a name; entries that end in `*` stand for all names that begin so.
fn has(list: &[&str], name: &str) -> bool {
    list.iter().any(|entry| match entry.strip_suffix('*') {
        Some(head) => name.starts_with(head) && name.len() > head.len(),
        None => *entry == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::Flag;
    use crate::model::object::ObjectMeta;
    use ControllerKind as K;

    fn check(kind: ControllerKind, key: &str, expected: Option<Standing>) {
        assert_eq!(standing(kind, &Settings::default(), key), expected, "{kind} {key}");
    }

    fn unknown(nearest: &'static str) -> Option<Standing> {
        Some(Standing::Unknown { nearest: Some(nearest) })
    }

    #[test]
    fn a_product_recognises_its_own_routing_annotations() {
        for (kind, key) in [
            (K::IngressNginx, "nginx.ingress.kubernetes.io/rewrite-target"),
            (K::IngressNginx, "nginx.ingress.kubernetes.io/allowlist-source-range"),
            (K::TraefikIngressNginx, "nginx.ingress.kubernetes.io/use-regex"),
            (K::Traefik, "traefik.ingress.kubernetes.io/router.tls.domains.0.main"),
            (K::F5Nginx, "nginx.org/path-regex"),
            (K::F5Nginx, "ingress.kubernetes.io/ssl-redirect"),
            (K::Haproxytech, "haproxy.org/path-rewrite"),
            (K::Haproxytech, "ingress.kubernetes.io/path-rewrite"),
            (K::HaproxyIngress, "ingress.kubernetes.io/rewrite-target"),
            (K::AwsAlb, "alb.ingress.kubernetes.io/actions.redirect-to-eks"),
            (K::Contour, "kubernetes.io/ingress.allow-http"),
            (K::Kong, "konghq.com/headers.x-tenant"),
            (K::Gce, "networking.gke.io/v1beta1.FrontendConfig"),
            (K::Apisix, "k8s.apisix.apache.org/rewrite-target"),
            (K::Agic, "appgw.ingress.kubernetes.io/backend-path-prefix"),
            (K::OpenshiftRouter, "haproxy.router.openshift.io/rewrite-target"),
        ] {
            check(kind, key, Some(Standing::Recognised));
        }
    }

    #[test]
    fn annotations_of_other_products_are_foreign() {
        let foreign = |readers: &[ControllerKind]| Some(Standing::Foreign(readers.to_vec()));
        let rewrite = "nginx.ingress.kubernetes.io/rewrite-target";
        let nginx = [K::IngressNginx, K::TraefikIngressNginx];
        check(K::Traefik, rewrite, foreign(&nginx));
        check(K::Gce, rewrite, foreign(&nginx));
        // An old prefix that ingress-nginx gave up.
        let old = [K::HaproxyIngress];
        check(K::IngressNginx, "ingress.kubernetes.io/rewrite-target", foreign(&old));
        check(K::IngressNginx, "haproxy.org/path-rewrite", foreign(&[K::Haproxytech]));
        check(K::Istio, "konghq.com/strip-path", foreign(&[K::Kong]));
    }

    #[test]
    fn slips_are_unknown_and_name_what_was_meant() {
        check(K::IngressNginx, "nginx.ingress.kubernetes.io/rewrite-targt", unknown("rewrite-target"));
        check(K::IngressNginx, "nginx.ingress.kubernetes.io/use-regexp", unknown("use-regex"));
        check(K::IngressNginx, "nginx.ingress.kubernetes.io/use_regex", unknown("use-regex"));
        check(
            K::IngressNginx,
            "nginx.ingress.kubernetes.io/rewrite",
            Some(Standing::Unknown { nearest: None }),
        );
        check(
            K::Traefik,
            "traefik.ingress.kubernetes.io/rule-type",
            Some(Standing::Unknown { nearest: None }),
        );
    }

    #[test]
    fn what_does_not_bear_on_routing_is_not_marked() {
        for key in [
            "nginx.ingress.kubernetes.io/proxy-body-size",
            "nginx.ingress.kubernetes.io/enable-rewrite-log",
            "cert-manager.io/cluster-issuer",
            "meta.helm.sh/release-name",
            "kubectl.kubernetes.io/last-applied-configuration",
            "no-slash",
        ] {
            check(K::IngressNginx, key, None);
            check(K::Traefik, key, None);
        }
    }

    #[test]
    fn some_names_are_ignored_or_read_elsewhere() {
        check(K::Traefik, "traefik.ingress.kubernetes.io/service.passhostheader", Some(Standing::OfServices));
        check(
            K::TraefikIngressNginx,
            "nginx.ingress.kubernetes.io/mirror-target",
            Some(Standing::Unsupported),
        );
        check(K::IngressNginx, "nginx.ingress.kubernetes.io/mirror-target", Some(Standing::Recognised));
    }

    #[test]
    fn without_a_known_controller_nothing_is_foreign() {
        check(K::Spec, "haproxy.org/path-rewrite", Some(Standing::Undecided(vec![K::Haproxytech])));
        check(K::Spec, "cert-manager.io/cluster-issuer", None);
    }

    #[test]
    fn a_renamed_prefix_counts_instead_of_the_usual_one() {
        let flag = Flag {
            index: 0,
            in_command: false,
            name: "annotations-prefix".to_owned(),
            value: Some("own.example.com".to_owned()),
        };
        let settings = Settings { args: vec![flag], ..Settings::default() };
        let of = |key: &str| standing(K::IngressNginx, &settings, key);
        assert_eq!(of("own.example.com/rewrite-target"), Some(Standing::Recognised));
        assert!(matches!(of("nginx.ingress.kubernetes.io/rewrite-target"), Some(Standing::Foreign(_))));
    }

    #[test]
    fn marks_are_sorted_and_leave_out_the_class() {
        let annotations = [
            ("nginx.ingress.kubernetes.io/use-regex", "true"),
            ("kubernetes.io/ingress.class", "nginx"),
            ("haproxy.org/path-rewrite", "/"),
            ("cert-manager.io/issuer", "x"),
        ];
        let ingress = Ingress {
            meta: ObjectMeta {
                annotations: annotations.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                ..ObjectMeta::default()
            },
            ..Ingress::default()
        };
        let marks = marks(K::IngressNginx, &Settings::default(), &ingress);
        let keys: Vec<&str> = marks.iter().map(|mark| mark.key).collect();
        assert_eq!(keys, ["haproxy.org/path-rewrite", "nginx.ingress.kubernetes.io/use-regex"]);
    }
}
