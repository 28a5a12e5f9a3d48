//! What a rule is about, in a few words.

/// A rule's title; its id read as words where it has none.
pub(super) fn title(rule: &str) -> String {
    let known = match rule {
        "alb_listen_ports" => "an Ingress is on no listener of one scheme",
        "alb_certificate_missing" => "a load balancer has nothing to take a certificate from",
        "alb_group_stuck" => "a path stops all changes of its load balancer group",
        "annotation_and_field_disagree" => "class annotation and ingressClassName disagree",
        "annotation_not_read" => "an annotation of the product's own prefix has no effect",
        "annotation_policy_drop" => "the controller drops the whole Ingress",
        "app_root_takes_host" => "an app-root redirects the start page of another Ingress",
        "backend_missing" => "the backend cannot be reached",
        "canary_shared_service" => "a canary shares its Service with other rules",
        "canary_takes_catch_all" => "a canary takes requests of unknown hosts",
        "canary_without_main" => "a canary has no main rule",
        "capture_group_missing" => "the rewrite names a capture group that the path has not",
        "catch_all_not_consulted" => "a wider rule is no second chance for this host",
        "class_missing" => "no class is set, and the controller takes none without",
        "class_not_found" => "the class names no IngressClass",
        "class_of_other_controller" => "the class belongs to a controller that does not run here",
        "configuration_refused" => "a configuration is refused as a whole",
        "controllers_share_service" => "one Service leads to several controllers",
        "default_backend_scope" => "the default backend does not hold where it says",
        "duplicate_location" => "two rules are one nginx location: no reload works any more",
        "entry_point_scheme" => "the route listens on one of http and https only",
        "exact_behind_prefix" => "an Exact path is tried after a prefix",
        "exact_root_dead" => "an Exact / is dead on a regex host",
        "f5_exact_path_regex" => "an Exact path can never match with path-regex",
        "f5_hostless_default" => "a hostless Ingress redirects every unknown host",
        "f5_location_twice" => "one path in two types: no reload works any more",
        "f5_rewrite_on_exact" => "a rewrite on an Exact path: no reload works any more",
        "foreign_annotations" => "annotations of another product have no effect",
        "gce_host_twice" => "a later rule for the host replaces an earlier one",
        "haproxy_redirect_code" => "a redirect code that is none stops all updates",
        "host_taken" => "another Ingress has the host",
        "hostless_outranks_host" => "a rule without a host takes requests of a host",
        "hostwide_regex" => "another Ingress turns all paths of the host into patterns",
        "minion_conflict" => "minions get in each other's way",
        "oldest_annotates_host" => "unmatched paths meet the annotations of the oldest Ingress",
        "passthrough_swallows_paths" => "TLS passthrough and paths on one host",
        "pattern_in_plain_path" => "a pattern where paths are plain text",
        "pattern_shadows" => "a longer pattern hides a rule",
        "published_elsewhere" => "the published address is not that of the controller",
        "rewrite_without_capture" => "the rewrite sends every path to the same place",
        "rule_shadowed" => "a broader rule is tried before, and takes everything",
        "same_host_path_type" => "the same host, path and type more than once",
        "several_default_backends" => "several default backends for everybody",
        "several_default_classes" => "several classes are the default one",
        "snippet" => "a snippet is stripped, or routes",
        "solver_conflict" => "an ACME challenge is answered by somebody else",
        "tls_host_not_in_rules" => "a TLS host is in no rule",
        "tls_host_not_served" => "a host of an Ingress with TLS is not served over TLS",
        "tls_without_secret" => "TLS without a Secret to take the certificate from",
        "traefik_path_character" => "a character in a path skips the whole Ingress",
        "traefik_priority" => "a priority that is no integer drops the whole Ingress",
        "traefik_rewrite_tail" => "the rewrite keeps the rest of the path",
        "trailing_slash_only" => "only the path with its slash at the end is known",
        "two_controllers_one_class" => "several controllers take the same Ingresses",
        "unreachable_path" => "no request can match the path",
        other => return other.replace('_', " "),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_title_of_its_own() {
        let titles: std::collections::BTreeSet<String> =
            crate::analysis::conflicts::RULES.iter().map(|rule| title(rule.id())).collect();
        assert_eq!(titles.len(), crate::analysis::conflicts::RULES.len());
        for rule in crate::analysis::conflicts::RULES {
            assert_ne!(title(rule.id()), rule.id().replace('_', " "), "{}", rule.id());
        }
    }
}
