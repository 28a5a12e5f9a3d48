//! The smallest edit after which a rule would take a request it does not take now.
//!
//! Costs order the edits: the lower, the more likely a slip. They say nothing between controllers.

use crate::model::ingress::PathType;
use crate::model::request::Request;

use super::{Edit, Refusal};

/// How unlikely a slip is.
pub(super) type Cost = u8;

/// For a rule whose host takes the request and whose path does not, or not any more.
pub(super) fn path_edit(path: &str, path_type: PathType, request: &str) -> Option<(Cost, Edit)> {
    let set = |to: String| Edit::SetPath { from: path.to_owned(), to };
    let bare = path.trim_end_matches('/');
    let below =
        |text: &str| request.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path_type == PathType::Exact && below(bare) {
        let edit = Edit::SetPathType { from: PathType::Exact, to: PathType::Prefix };
        return Some((1, edit));
    }
    let head = request.get(..bare.len()).filter(|head| !bare.is_empty() && below(head));
    if let Some(head) = head.filter(|head| head.eq_ignore_ascii_case(bare)) {
        let slash = if path.ends_with('/') && request.get(head.len()..) == Some("/") { "/" } else { "" };
        let whole = path_type != PathType::Exact || request.len() == head.len() + slash.len();
        return whole.then(|| (1, set(format!("{head}{slash}"))));
    }
    let target = match path_type {
        PathType::Exact => request,
        PathType::Prefix | PathType::ImplementationSpecific => first_segments(request, bare),
    };
    let (length, distance) = (bare.chars().count(), strsim::levenshtein(bare, target.trim_end_matches('/')));
    let is_slip = length >= 4 && distance <= 2 && distance * 3 <= length;
    let cost = Cost::try_from(distance).unwrap_or(Cost::MAX);
    (is_slip && bare.len() <= 256).then(|| (cost.saturating_add(1), set(target.to_owned())))
}

/// As many segments of a path as another has.
fn first_segments<'r>(request: &'r str, like: &str) -> &'r str {
    let count = like.matches('/').count().max(1);
    let end = request.match_indices('/').nth(count).map_or(request.len(), |(at, _)| at);
    request.get(..end).unwrap_or(request)
}

/// For a rule whose path takes the request and whose host does not.
pub(super) fn host_edit(host: &str, request: &Request) -> Option<(Cost, Edit)> {
    let asked = request.host.as_str();
    if host.is_empty() {
        return None;
    }
    if request.host.is_address() {
        let ask = host.strip_prefix("*.").map_or_else(|| host.to_owned(), |parent| format!("www.{parent}"));
        return Some((2, Edit::AskHost { host: ask }));
    }
    let set = Edit::SetHost { from: host.to_owned(), to: asked.to_owned() };
    let bare = |name: &str| name.strip_prefix("www.").unwrap_or(name).to_owned();
    if bare(host) == bare(asked) {
        return Some((1, set));
    }
    if let Some(parent) = host.strip_prefix("*.") {
        let deeper = asked.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        return deeper.then_some((2, set));
    }
    if host.len().abs_diff(asked.len()) > 2 {
        return None;
    }
    let distance = strsim::damerau_levenshtein(host, asked);
    let cost = Cost::try_from(distance).unwrap_or(Cost::MAX);
    (distance <= 2 && host.len() > 6).then(|| (cost.saturating_add(1), set))
}

/// The same request for another host.
pub(super) fn of_host(request: &Request, host: &str) -> Option<Request> {
    let url = format!("{}://{host}{}", request.scheme.as_str(), request.target());
    let asked = Request::parse(&url).ok()?;
    Some(Request { method: request.method.clone(), headers: request.headers.clone(), ..asked })
}

/// For an Ingress that the controller does not load.
pub(super) fn load_edit(refusal: &Refusal) -> Option<(Cost, Edit)> {
    match refusal {
        Refusal::RiskyAnnotation { key, .. }
        | Refusal::InvalidAnnotation { key }
        | Refusal::BlockedWord { key, .. } => Some((1, Edit::RemoveAnnotation { key: key.clone() })),
        Refusal::NoClass
        | Refusal::ClassNotFound { .. }
        | Refusal::ClassOfOther { .. }
        | Refusal::AnnotationDiffers { .. }
        | Refusal::NamespaceNotWatched { .. }
        | Refusal::CatchAllDisabled
        | Refusal::DangerousPath { .. }
        | Refusal::InvalidField { .. }
        | Refusal::HostsTaken { .. }
        | Refusal::NoMaster { .. }
        | Refusal::LabelsDiffer { .. }
        | Refusal::KindNotRead
        | Refusal::Undecided => None,
    }
}

/// For an Ingress that a controller's class selection leaves out: the class that it would take.
#[must_use]
pub fn class_edit(refusal: &Refusal, class: &str) -> Option<Edit> {
    match refusal {
        Refusal::NoClass
        | Refusal::ClassNotFound { .. }
        | Refusal::ClassOfOther { .. }
        | Refusal::AnnotationDiffers { .. } => Some(Edit::SetClass { class: class.to_owned() }),
        Refusal::NamespaceNotWatched { .. }
        | Refusal::RiskyAnnotation { .. }
        | Refusal::InvalidAnnotation { .. }
        | Refusal::BlockedWord { .. }
        | Refusal::CatchAllDisabled
        | Refusal::DangerousPath { .. }
        | Refusal::InvalidField { .. }
        | Refusal::HostsTaken { .. }
        | Refusal::NoMaster { .. }
        | Refusal::LabelsDiffer { .. }
        | Refusal::KindNotRead
        | Refusal::Undecided => None,
    }
}

/// Whether a path takes a request under the Ingress API's own rules.
pub(super) fn spec_takes(path: &str, path_type: PathType, request: &str) -> bool {
    match path_type {
        PathType::Exact => path == request,
        PathType::Prefix | PathType::ImplementationSpecific => {
            let bare = path.trim_end_matches('/');
            request.strip_prefix(bare).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_in_paths_are_found() {
        use PathType::{Exact, Prefix};
        let to_prefix = Some("type Prefix".to_owned());
        let to = |path: &str| Some(format!("path {path}"));
        for (path, path_type, request, expected) in [
            ("/foo", Exact, "/foo/bar", to_prefix.clone()),
            ("/foo", Exact, "/foo/", to_prefix.clone()),
            ("/foo/", Exact, "/foo", to_prefix),
            ("/Foo", Prefix, "/foo/bar", to("/foo")),
            ("/Foo", Exact, "/foo", to("/foo")),
            ("/Foo", Exact, "/foo/bar", None),
            ("/orders", Prefix, "/order/7", to("/order")),
            ("/api/orders", Prefix, "/api/oders/7/x", to("/api/oders")),
            ("/api/orders", Exact, "/api/orers", to("/api/orers")),
            ("/foo", Prefix, "/bar", None),
            ("/", Exact, "/x", Some("type Prefix".to_owned())),
            ("/", Prefix, "/x", None),
            ("", Prefix, "/x", None),
        ] {
            let found = path_edit(path, path_type, request).map(|(_, edit)| match edit {
                Edit::SetPath { to, .. } => format!("path {to}"),
                Edit::SetPathType { to, .. } => format!("type {}", to.as_str()),
                other => format!("{other:?}"),
            });
            assert_eq!(found, expected, "{path} {path_type:?} {request}");
        }
    }

    #[test]
    fn slips_in_hosts_are_found() {
        for (host, url, expected) in [
            ("shop.example.com", "http://www.shop.example.com/", Some("set www.shop.example.com")),
            ("www.example.com", "http://example.com/", Some("set example.com")),
            ("shop.example.com", "http://shpo.example.com/", Some("set shpo.example.com")),
            ("shop.example.com", "http://203.0.113.7/", Some("ask shop.example.com")),
            ("*.example.com", "http://203.0.113.7/", Some("ask www.example.com")),
            ("*.example.com", "http://a.b.example.com/", Some("set a.b.example.com")),
            ("*.example.com", "http://example.com/", Some("set example.com")),
            ("shop.example.com", "http://api.example.com/", None),
            ("", "http://api.example.com/", None),
        ] {
            let request = Request::parse(url).expect("url");
            let found = host_edit(host, &request).map(|(_, edit)| match edit {
                Edit::SetHost { to, .. } => format!("set {to}"),
                Edit::AskHost { host } => format!("ask {host}"),
                other => format!("{other:?}"),
            });
            assert_eq!(found.as_deref(), expected, "{host} {url}");
        }
    }
}
