//! What ingress-nginx annotations ask for, in the words of another product.
//!
//! Only proposals: each is tried before it is offered, so a set that another version reads differently
//! is never told. Sources: the products' documentation of their annotations, by name.

use crate::analysis::routing::Edit;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, PathRule, PathType, Place};

const NGINX: &str = "nginx.ingress.kubernetes.io/";
/// What people write behind a path to capture the rest of it, and the number of the group that does.
const TAILS: [(&str, &str); 5] =
    [("(/|$)(.*)", "$2"), ("(/|$)(.*)$", "$2"), ("/(.*)", "$1"), ("/?(.*)", "$1"), ("(.*)", "$1")];

/// What one path of an Ingress asks for.
struct Wish<'a> {
    path: &'a PathRule,
    rewrite: Option<&'a str>,
    app_root: Option<&'a str>,
    /// Where to, and the status.
    redirect: Option<(&'a str, &'a str)>,
}

/// Sets of edits, each of which may do the same with the other product; the smaller first.
pub(super) fn translations(ingress: &Ingress, place: Place, to: ControllerKind) -> Vec<Vec<Edit>> {
    let Some(path) = ingress.path_at(place) else { return Vec::new() };
    let told =
        |name: &str| ingress.meta.annotation(&format!("{NGINX}{name}")).filter(|value| !value.is_empty());
    let permanent = || Some((told("permanent-redirect")?, told("permanent-redirect-code").unwrap_or("301")));
    let temporal = || Some((told("temporal-redirect")?, told("temporal-redirect-code").unwrap_or("302")));
    let wish = Wish {
        path,
        rewrite: told("rewrite-target"),
        app_root: told("app-root"),
        redirect: temporal().or_else(permanent),
    };
    let sets = match to {
        ControllerKind::F5Nginx => wish.for_f5(),
        ControllerKind::Haproxytech => wish.for_haproxytech(),
        ControllerKind::HaproxyIngress => wish.for_haproxy_ingress(),
        ControllerKind::Apisix => wish.for_apisix(),
        ControllerKind::Kong => wish.for_kong(),
        ControllerKind::Agic => wish.for_agic(),
        // They have no annotation for it, or read those of ingress-nginx.
        ControllerKind::IngressNginx
        | ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::AwsAlb
        | ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Gce
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => Vec::new(),
    };
    sets.into_iter().filter(|set| !set.is_empty()).collect()
}

impl Wish<'_> {
    fn for_f5(&self) -> Vec<Vec<Edit>> {
        let target = self.rewrite.map(|target| set("nginx.org/rewrite-target", target));
        let root = self.app_root.map(|root| set("nginx.org/app-root", root));
        let pattern = set("nginx.org/path-regex", "case_insensitive");
        let with_pattern = [pattern].into_iter().chain(target.clone());
        vec![root.into_iter().collect(), target.into_iter().collect(), with_pattern.collect()]
    }

    fn for_haproxytech(&self) -> Vec<Vec<Edit>> {
        let key = "haproxy.org/path-rewrite";
        let whole = self.rewrite.filter(|target| !target.contains('$')).map(|target| vec![set(key, target)]);
        let moved = self.moved().map(|(base, head)| {
            let pattern = format!("^{}(/|$)(.*) {head}\\2", base.trim_end_matches('/'));
            self.with_path(&base, set(key, &pattern))
        });
        let redirect = self.redirect.map(|(to, code)| {
            vec![set("haproxy.org/request-redirect", to), set("haproxy.org/request-redirect-code", code)]
        });
        [whole, moved, redirect].into_iter().flatten().collect()
    }

    fn for_haproxy_ingress(&self) -> Vec<Vec<Edit>> {
        let key = |name: &str| format!("haproxy-ingress.github.io/{name}");
        let root = self.app_root.map(|root| vec![set(&key("app-root"), root)]);
        let redirect = self
            .redirect
            .map(|(to, code)| vec![set(&key("redirect-to"), to), set(&key("redirect-to-code"), code)]);
        let moved = self.moved().map(|(base, head)| {
            let head = if head == "/" { "/" } else { head.trim_end_matches('/') };
            self.with_path(&base, set(&key("rewrite-target"), head))
        });
        let pattern = vec![set(&key("path-type"), "regex")];
        [root, redirect, moved, Some(pattern)].into_iter().flatten().collect()
    }

    fn for_apisix(&self) -> Vec<Vec<Edit>> {
        let key = |name: &str| format!("k8s.apisix.apache.org/{name}");
        let redirect = self
            .redirect
            .map(|(to, code)| vec![set(&key("http-redirect"), to), set(&key("http-redirect-code"), code)]);
        let whole = self.rewrite.filter(|target| !target.contains('$'));
        let whole = whole.map(|target| vec![set(&key("rewrite-target"), target)]);
        let pattern = set(&key("use-regex"), "true");
        let found = self.rewrite.map(|target| {
            let path = format!("^{}", self.path.path);
            let regex = set(&key("rewrite-target-regex"), &path);
            vec![pattern.clone(), regex, set(&key("rewrite-target-regex-template"), target)]
        });
        [redirect, whole, found, Some(vec![pattern])].into_iter().flatten().collect()
    }

    fn for_kong(&self) -> Vec<Vec<Edit>> {
        let stripped = self.moved().filter(|(_, head)| head == "/");
        stripped
            .map(|(base, _)| self.with_path(&base, set("konghq.com/strip-path", "true")))
            .into_iter()
            .collect()
    }

    fn for_agic(&self) -> Vec<Vec<Edit>> {
        let key = "appgw.ingress.kubernetes.io/backend-path-prefix";
        self.moved().map(|(base, head)| self.with_path(&base, set(key, &head))).into_iter().collect()
    }

    /// Where the rewrite only puts another head before the rest of the path: the old head and the new one.
    fn moved(&self) -> Option<(String, String)> {
        let target = self.rewrite?;
        let found = TAILS.iter().find_map(|(tail, group)| {
            Some((self.path.path.strip_suffix(tail)?, target.strip_suffix(group)?))
        });
        let is_plain = |text: &str| !text.contains(|c: char| "\\.+*?()|[]{}^$ ".contains(c));
        let (base, head) = found.filter(|(base, head)| is_plain(base) && is_plain(head))?;
        Some((if base.is_empty() { "/" } else { base }.to_owned(), head.to_owned()))
    }

    fn with_path(&self, base: &str, edit: Edit) -> Vec<Edit> {
        let PathRule { path, path_type, .. } = self.path;
        let path = Edit::SetPath { from: path.clone(), to: base.to_owned() };
        let path_type = (*path_type != PathType::Prefix)
            .then_some(Edit::SetPathType { from: *path_type, to: PathType::Prefix });
        [path].into_iter().chain(path_type).chain([edit]).collect()
    }
}

fn set(key: &str, value: &str) -> Edit {
    Edit::SetAnnotation { key: key.to_owned(), value: value.to_owned() }
}
