//! # What it finds
//! A path written as a pattern where it is read as plain text; and on ingress-nginx a pattern under Exact
//! or Prefix, which its webhook refuses.
//!
//! # Why it 404s
//! Nothing matches but the characters themselves, brackets and all: the requests it was meant for go to
//! another rule or to nobody. Usual after a move to another product, or when the annotation that turns
//! patterns on is missing.
//!
//! # Example
//! ```yaml
//! # ingress-nginx, no annotation use-regex or rewrite-target on the host
//! spec:
//!   rules: [{host: argocd.example.com, http: {paths: [{path: /argocd(/|$)(.*), pathType: Prefix, …}]}}]
//! ```
//!
//! # What to do
//! Turn patterns on the way the product does it, or write a plain Prefix.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/template/template.go`,
//! `internal/ingress/inspector/rules.go` @ controller-v1.15.1; argoproj/argo-cd#21741;
//! canonical/microk8s-core-addons#381; how the other products read paths: `docs/controllers`.

use crate::analysis::conflict::facts::Reading;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::{Field, pattern};
use crate::model::controller::{ConfigSeen, ControllerKind, Version};
use crate::model::ingress::PathType;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "pattern_in_plain_path"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            for entry in host.paths.iter().filter(|entry| is_meant_as_pattern(entry.path)) {
                let Some(reading) = reading(field, name, host, entry) else { continue };
                found.push(self.told(field, name, host, entry, reading));
            }
        }
        found
    }
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        name: &str,
        host: &Host<'_>,
        entry: &Entry<'_>,
        reading: Reading,
    ) -> Conflict {
        let facts = Facts::PatternInPlainPath { path: entry.path.to_owned(), reading };
        let (severity, effect, fix) = match reading {
            Reading::Literal => {
                let root = host.root().filter(|root| !root.is(entry));
                let effect = match root {
                    Some(root) => {
                        Effect::ServedBy { ingress: root.ingress.meta.key(), backend: root.target() }
                    }
                    None => Effect::OwnAnswer,
                };
                (Severity::High, effect, turn_on(field, entry))
            }
            Reading::Denied => {
                let part = Part::new(entry.ingress, entry.place.field("pathType"));
                let fix = Fix::Set { part, value: PathType::ImplementationSpecific.as_str().to_owned() };
                (Severity::Low, Effect::LaterObjects, fix)
            }
        };
        let conflict = Conflict::new(self, field, severity, facts, effect, fix)
            .on(name)
            .at_path(entry.ingress, entry.place);
        let sample = pattern::samples(entry.path).into_iter().find(|sample| sample != entry.path);
        match (reading, sample) {
            (Reading::Literal, Some(sample)) => conflict.shown_by(name, &sample).judged(field),
            (Reading::Literal, None) | (Reading::Denied, _) => conflict,
        }
    }
}

/// How the path is read instead; `None` where it is a pattern, or nobody knows.
fn reading(field: &Field<'_>, name: &str, host: &Host<'_>, entry: &Entry<'_>) -> Option<Reading> {
    use ControllerKind as K;
    let on = |key: &str| entry.ingress.meta.annotation(key).is_some_and(|value| value == "true");
    let set = |key: &str| entry.ingress.meta.annotation(key).is_some();
    let specific = entry.rule.path_type == PathType::ImplementationSpecific;
    let is_pattern = match field.kind {
        K::IngressNginx => {
            if field.sites.get(name)?.regex.is_none() {
                // An unseen Ingress may turn the host to patterns.
                return field.sees_all_ingresses().then_some(Reading::Literal);
            }
            return (!specific && is_strict(field)).then_some(Reading::Denied);
        }
        K::TraefikIngressNginx => {
            let asks = |name: &str| host.ingresses.iter().any(|i| field.policy.is_set(i, name));
            // Under the other types the whole Ingress is skipped, which has a rule of its own.
            !specific || asks("use-regex") || asks("rewrite-target") || !field.sees_all_ingresses()
        }
        K::Traefik => {
            let matcher = entry.ingress.meta.annotation("traefik.ingress.kubernetes.io/router.pathmatcher");
            specific && matcher == Some("PathRegexp")
        }
        K::F5Nginx => set("nginx.org/path-regex"),
        K::Haproxytech => false,
        K::HaproxyIngress => {
            let keys = ["haproxy-ingress.github.io/path-type", "ingress.kubernetes.io/path-type"];
            specific && keys.iter().any(|key| entry.ingress.meta.annotation(key) == Some("regex"))
        }
        K::Contour => specific && entry.path.contains(['^', '+', '*', '[', ']', '%']),
        K::Cilium => specific,
        K::Kong => entry.path.starts_with("/~") || set("konghq.com/regex-prefix"),
        K::Apisix => specific && (on("k8s.apisix.apache.org/use-regex") || entry.path.ends_with('*')),
        // Globs; under other types a star stops the load balancer, which has a rule of its own.
        K::AwsAlb => {
            let globs = entry.path.contains(['*', '?']);
            set("alb.ingress.kubernetes.io/use-regex-path-match")
                || (globs && !specific)
                || is_text(&entry.path.replace(['*', '?'], ""))
        }
        // A star may only stand at the end: elsewhere nothing of the Ingress is translated.
        K::Gce => {
            let head = entry.path.strip_suffix("/*").filter(|_| specific).unwrap_or(entry.path);
            head.contains('*') || is_text(head)
        }
        K::Agic => is_text(entry.path.trim_end_matches('*')),
        K::Istio => {
            let head = entry.path.strip_suffix(".*").or_else(|| entry.path.strip_suffix("/*"));
            is_text(head.filter(|_| specific).unwrap_or(entry.path))
        }
        K::OpenshiftRouter | K::Spec | K::HttpRoute | K::TraefikGateway => return None,
    };
    (!is_pattern).then_some(Reading::Literal)
}

/// Whether nothing in it means more than itself.
fn is_text(path: &str) -> bool {
    !is_meant_as_pattern(path)
}

/// Whether a path is no text that anybody would write as it stands.
fn is_meant_as_pattern(path: &str) -> bool {
    path.contains(['\\', '^', '$', '|', '?', '*', '(', ')', '[', ']', '{', '}'])
}

/// Whether the webhook refuses patterns under Exact and Prefix.
fn is_strict(field: &Field<'_>) -> bool {
    match field.settings.config("strict-validate-path-type") {
        Some(value) => value == "true",
        None => {
            let newer = field.settings.version.is_none_or(|version| version >= Version::new(1, 12, 0));
            newer && field.settings.config != ConfigSeen::Unseen
        }
    }
}

fn turn_on(field: &Field<'_>, entry: &Entry<'_>) -> Fix {
    let annotation = |key: &str, value: &str| Fix::Set {
        part: Part::new(entry.ingress, annotation_field(key)),
        value: value.to_owned(),
    };
    match field.kind {
        ControllerKind::IngressNginx | ControllerKind::TraefikIngressNginx => {
            annotation(&field.key("use-regex"), "true")
        }
        ControllerKind::Traefik if entry.rule.path_type == PathType::ImplementationSpecific => {
            annotation("traefik.ingress.kubernetes.io/router.pathmatcher", "PathRegexp")
        }
        ControllerKind::F5Nginx => annotation("nginx.org/path-regex", "case_sensitive"),
        ControllerKind::Apisix => annotation("k8s.apisix.apache.org/use-regex", "true"),
        ControllerKind::Traefik
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress
        | ControllerKind::AwsAlb
        | ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => {
            let part = Part::new(entry.ingress, entry.place.field("path"));
            Fix::SetOneOf { part, values: Vec::new() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found as found_by, sees, silent};

    #[test]
    fn a_pattern_on_a_normal_host_matches_only_itself() {
        for (more, answer) in [("", "404"), ("/(P)->web:80", "shop/a web:80")] {
            let found = check(
                &Rule,
                &format!("ing shop/a host=a.example /argocd(/|$)(.*)(P)->argo:443 {more}"),
                &["high a.example: shop/a spec.rules[0].http.paths[0].path"],
            );
            sees(&found, &[&format!("http://a.example/argocd/x: {answer}")]);
        }
    }

    #[test]
    fn a_pattern_under_prefix_on_a_regex_host_is_refused_by_the_webhook_next_time() {
        let world = "ing shop/a host=a.example /x/(.*)(P)->a:80 /y/(.*)(I)->a:80 ann:use-regex=true";
        check(&Rule, world, &["low a.example: shop/a spec.rules[0].http.paths[0].path"]);
        silent(&Rule, &format!("config strict-validate-path-type=false\n{world}"));
        silent(&Rule, &format!("version 1.11.5\n{world}"));
    }

    #[test]
    fn plain_text_is_not_a_pattern() {
        silent(
            &Rule,
            "ing shop/a host=a.example /robots.txt(E)->a:80 /c++(P)->a:80 /~me(P)->a:80 /(P)->a:80",
        );
    }

    #[test]
    fn each_product_turns_patterns_on_in_its_own_way() {
        let world = |product: &str, path: &str, rest: &str| {
            format!("is {product}\ning shop/a host=a.example {path}->a:80 {rest}")
        };
        for (product, path, rest) in [
            ("traefik", "/x/(.*)(I)", ""),
            ("traefik", "/x/(.*)(P)", "ann:traefik.ingress.kubernetes.io/router.pathmatcher=PathRegexp"),
            ("traefik-ingress-nginx", "/x/(.*)(I)", ""),
            ("f5-nginx", "/x/(.*)(I)", ""),
            ("haproxytech", "/x/(.*)(I)", ""),
            ("haproxy-ingress", "/x/(.*)(I)", ""),
            ("contour", "/x/(a|b)(I)", ""),
            ("cilium", "/x/(.*)(P)", ""),
            ("kong", "/x/(.*)(I)", ""),
            ("apisix", "/x/(a|b)(I)", ""),
            ("aws-alb", "/x/(a|b)/*(I)", ""),
            ("gce", "/x/(a|b)(I)", ""),
            ("agic", "/x/(a|b)*(I)", ""),
            ("istio", "/x/(.*)(P)", ""),
        ] {
            assert_eq!(found_by(&Rule, &world(product, path, rest)).len(), 1, "{product} {path}");
        }
        for (product, path, rest) in [
            ("traefik", "/x/(.*)(I)", "ann:traefik.ingress.kubernetes.io/router.pathmatcher=PathRegexp"),
            ("traefik-ingress-nginx", "/x/(.*)(I)", "ann:use-regex=true"),
            ("f5-nginx", "/x/(.*)(I)", "ann:nginx.org/path-regex=case_sensitive"),
            ("haproxy-ingress", "/x/(.*)(I)", "ann:haproxy-ingress.github.io/path-type=regex"),
            ("contour", "/x/.*(I)", ""),
            ("cilium", "/x/(.*)(I)", ""),
            ("kong", "/~/x/(.*)(I)", ""),
            ("apisix", "/x/*(I)", ""),
            ("aws-alb", "/x/*(I)", ""),
            ("aws-alb", "/x/(a|b)(I)", "ann:alb.ingress.kubernetes.io/use-regex-path-match=true"),
            ("aws-alb", "/x/(.*)(P)", ""),
            ("gce", "/x/*(I)", ""),
            ("gce", "/x/(.*)(I)", ""),
            ("agic", "/x/*(I)", ""),
            ("istio", "/x/.*(I)", ""),
            ("istio", "/x/*(I)", ""),
        ] {
            silent(&Rule, &world(product, path, rest));
        }
    }
}
