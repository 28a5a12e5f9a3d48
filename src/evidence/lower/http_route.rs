//! `gateway.networking.k8s.io` HTTPRoute, of `v1` or `v1beta1`, which are alike.
//!
//! Read are the fields that routing depends on; what is unknown or missing is passed over, because a
//! cluster may have installed a later version than any that is known here.
//! Source: kubernetes-sigs/gateway-api `apis/v1/httproute_types.go` @4564255ac.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::object::meta;
use super::port;
use crate::model::http_route::{
    BackendRef, Filter, HttpRoute, ParentRef, PathChange, PathMatch, PathMatchKind, Redirect, RouteMatch,
    RouteRule, ValueMatch,
};
use crate::model::object::{Kind, Name};

/// The wire form of an HTTPRoute.
#[derive(Debug, Deserialize)]
pub struct HttpRouteObject {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    parent_refs: Vec<WireParent>,
    hostnames: Vec<String>,
    rules: Option<Vec<WireRule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireParent {
    group: Option<String>,
    kind: Option<String>,
    name: String,
    namespace: Option<String>,
    section_name: Option<String>,
    port: Option<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireRule {
    matches: Vec<WireMatch>,
    filters: Vec<WireFilter>,
    backend_refs: Vec<WireBackend>,
    timeouts: Option<WireTimeouts>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireTimeouts {
    request: Option<String>,
    backend_request: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireMatch {
    path: Option<WireTyped>,
    method: Option<String>,
    headers: Vec<WireTyped>,
    query_params: Vec<WireTyped>,
}

/// A path, header or query parameter match.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireTyped {
    r#type: Option<String>,
    name: String,
    value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireFilter {
    r#type: String,
    request_redirect: Option<WireRedirect>,
    url_rewrite: Option<WireRewrite>,
    extension_ref: Option<WireExtension>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireRedirect {
    scheme: Option<String>,
    hostname: Option<String>,
    port: Option<i32>,
    path: Option<WirePathChange>,
    status_code: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireRewrite {
    hostname: Option<String>,
    path: Option<WirePathChange>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePathChange {
    r#type: String,
    replace_full_path: Option<String>,
    replace_prefix_match: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireExtension {
    group: String,
    kind: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireBackend {
    group: Option<String>,
    kind: Option<String>,
    name: String,
    namespace: Option<String>,
    port: Option<i32>,
    weight: Option<u32>,
    filters: Vec<WireFilter>,
}

/// An HTTPRoute.
pub fn http_route(object: HttpRouteObject) -> HttpRoute {
    let HttpRouteObject { metadata, spec: Spec { parent_refs, hostnames, rules } } = object;
    let meta = meta(metadata);
    let of = |namespace: Option<String>, name: String| {
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        Name::new(namespace.unwrap_or_else(|| meta.namespace.clone()), name)
    };
    let parents = parent_refs
        .into_iter()
        .map(|WireParent { group, kind, name, namespace, section_name, port: number }| ParentRef {
            is_gateway: group.is_none_or(|group| group == Kind::Gateway.api_group())
                && kind.is_none_or(|kind| kind == Kind::Gateway.as_str()),
            name: of(namespace, name),
            section: section_name.filter(|section| !section.is_empty()),
            port: number.and_then(port),
        })
        .collect();
    // What the API server writes where the field is not set.
    let rules = rules.unwrap_or_else(|| vec![WireRule::default()]);
    let rules = rules.into_iter().map(|one| rule(one, &of)).collect();
    HttpRoute { parents, hostnames, rules, meta }
}

fn rule(rule: WireRule, of: &impl Fn(Option<String>, String) -> Name) -> RouteRule {
    let WireRule { matches, filters, backend_refs, timeouts } = rule;
    let WireTimeouts { request, backend_request } = timeouts.unwrap_or_default();
    let mut matches: Vec<RouteMatch> = matches.into_iter().map(route_match).collect();
    if matches.is_empty() {
        matches.push(RouteMatch::default());
    }
    let backends = backend_refs.into_iter().map(
        |WireBackend { group, kind, name, namespace, port: number, weight, filters }| BackendRef {
            group: group.unwrap_or_default(),
            kind: kind.unwrap_or_else(|| Kind::Service.as_str().to_owned()),
            names_namespace: namespace.as_deref().is_some_and(|namespace| !namespace.is_empty()),
            name: of(namespace, name),
            port: number.and_then(port),
            weight: weight.unwrap_or(1),
            filters: filters.into_iter().map(filter).collect(),
        },
    );
    RouteRule {
        matches,
        filters: filters.into_iter().map(filter).collect(),
        backends: backends.collect(),
        request_timeout: request,
        backend_timeout: backend_request,
    }
}

fn route_match(one: WireMatch) -> RouteMatch {
    let WireMatch { path, method, headers, query_params } = one;
    let path = path.map_or_else(PathMatch::default, |WireTyped { r#type, name: _, value }| PathMatch {
        kind: match r#type.as_deref() {
            None | Some("PathPrefix") => PathMatchKind::Prefix,
            Some("Exact") => PathMatchKind::Exact,
            Some(_) => PathMatchKind::Pattern,
        },
        value: value.unwrap_or_else(|| "/".to_owned()),
    });
    let values = |list: Vec<WireTyped>| {
        let value = |WireTyped { r#type, name, value }| ValueMatch {
            name,
            value: value.unwrap_or_default(),
            is_pattern: r#type.is_some_and(|kind| kind != "Exact"),
        };
        list.into_iter().map(value).collect()
    };
    RouteMatch { path, method, headers: values(headers), query: values(query_params) }
}

fn filter(filter: WireFilter) -> Filter {
    let WireFilter { r#type, request_redirect, url_rewrite, extension_ref } = filter;
    match r#type.as_str() {
        "RequestRedirect" => {
            let WireRedirect { scheme, hostname, port: number, path, status_code } =
                request_redirect.unwrap_or_default();
            Filter::Redirect(Redirect {
                scheme,
                hostname,
                port: number.and_then(port),
                path: path.and_then(path_change),
                status: status_code,
            })
        }
        "URLRewrite" => {
            let WireRewrite { hostname, path } = url_rewrite.unwrap_or_default();
            Filter::Rewrite { hostname, path: path.and_then(path_change) }
        }
        "RequestHeaderModifier" => Filter::RequestHeaders,
        "ResponseHeaderModifier" => Filter::ResponseHeaders,
        "RequestMirror" => Filter::Mirror,
        "CORS" => Filter::Cors,
        "ExtensionRef" => {
            let WireExtension { group, kind, name } = extension_ref.unwrap_or_default();
            Filter::Extension { group, kind, name }
        }
        _ => Filter::Other(r#type),
    }
}

fn path_change(change: WirePathChange) -> Option<PathChange> {
    let WirePathChange { r#type, replace_full_path, replace_prefix_match } = change;
    match r#type.as_str() {
        "ReplaceFullPath" => Some(PathChange::Full(replace_full_path.unwrap_or_default())),
        "ReplacePrefixMatch" => Some(PathChange::Prefix(replace_prefix_match.unwrap_or_default())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn lowered(spec: Value) -> HttpRoute {
        let object = json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": spec});
        http_route(serde_json::from_value(object).expect("an HTTPRoute"))
    }

    #[test]
    fn every_part_of_a_route_arrives() {
        let route = lowered(json!({
            "parentRefs": [
                {"name": "gw"},
                {"name": "gw", "namespace": "edge", "sectionName": "web", "port": 8000,
                 "group": "gateway.networking.k8s.io", "kind": "Gateway"},
                {"name": "svc", "group": "", "kind": "Service"},
            ],
            "hostnames": ["a.example.com", "*.example.com"],
            "rules": [{
                "matches": [
                    {"path": {"type": "Exact", "value": "/x"}, "method": "GET",
                     "headers": [{"name": "A", "value": "1"}, {"name": "B", "type": "RegularExpression", "value": "."}],
                     "queryParams": [{"name": "q", "type": "Exact", "value": "2"}]},
                    {"path": {"type": "RegularExpression", "value": "/v[0-9]"}},
                    {"method": "POST"},
                ],
                "filters": [
                    {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
                    {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": 8443, "statusCode": 301,
                        "path": {"type": "ReplaceFullPath", "replaceFullPath": "/gone"}}},
                    {"type": "ExtensionRef", "extensionRef": {"group": "g", "kind": "K", "name": "n"}},
                    {"type": "RequestMirror"}, {"type": "Later"},
                ],
                "backendRefs": [{"name": "s", "port": 80}, {"name": "t", "namespace": "other", "port": 81, "weight": 0}],
                "timeouts": {"request": "10s"},
            }],
        }));
        let parents: Vec<_> =
            route.parents.iter().map(|parent| (parent.is_gateway, parent.name.to_string())).collect();
        let expected = [(true, "shop/gw"), (true, "edge/gw"), (false, "shop/svc")];
        assert_eq!(parents, expected.map(|(is, name)| (is, name.to_owned())));
        assert_eq!((route.parents[1].section.as_deref(), route.parents[1].port), (Some("web"), Some(8000)));
        let [rule] = route.rules.as_slice() else { panic!("{route:?}") };
        let kinds: Vec<_> = rule.matches.iter().map(|one| (one.path.kind, one.path.value.as_str())).collect();
        assert_eq!(
            kinds,
            [(PathMatchKind::Exact, "/x"), (PathMatchKind::Pattern, "/v[0-9]"), (PathMatchKind::Prefix, "/")]
        );
        assert_eq!(
            rule.matches[0].headers.iter().map(|one| one.is_pattern).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(rule.matches[2].method.as_deref(), Some("POST"));
        let path = Some(PathChange::Full("/gone".to_owned()));
        let [rewrite, redirect, extension, Filter::Mirror, Filter::Other(_)] = rule.filters.as_slice() else {
            panic!("{rule:?}")
        };
        assert_eq!(
            *rewrite,
            Filter::Rewrite { hostname: None, path: Some(PathChange::Prefix("/".to_owned())) }
        );
        assert!(
            matches!(redirect, Filter::Redirect(found) if found.path == path && found.port == Some(8443))
        );
        assert!(matches!(extension, Filter::Extension { name, .. } if name == "n"));
        let backends: Vec<_> = rule.backends.iter().map(|one| (one.name.to_string(), one.weight)).collect();
        assert_eq!(backends, [("shop/s".to_owned(), 1), ("other/t".to_owned(), 0)]);
        assert_eq!(rule.request_timeout.as_deref(), Some("10s"));
    }

    #[test]
    fn what_is_left_out_reads_as_the_default() {
        let route = lowered(json!({}));
        let [rule] = route.rules.as_slice() else { panic!("{route:?}") };
        assert_eq!(rule.matches, [RouteMatch::default()]);
        assert!(rule.backends.is_empty());
        let route = lowered(json!({"rules": [{"backendRefs": [{"name": "s"}]}]}));
        assert_eq!(route.rules[0].matches, [RouteMatch::default()]);
        assert!(route.rules[0].backends[0].is_service());
    }
}
