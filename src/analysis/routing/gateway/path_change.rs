//! How redirects and rewrites change a path.
//!
//! Source: Go `net/url` (`JoinPath`); traefik/traefik
//! `pkg/middlewares/gatewayapi/{redirect/request_redirect,urlrewrite/url_rewrite}.go`, v3.7.13; the
//! table at `HTTPPathModifier` in kubernetes-sigs/gateway-api `apis/v1/httproute_types.go`.

use crate::model::http_route::PathChange;

use super::uri;

/// The path after the change, escaped. `matched` is what the rule matched by.
///
/// What replaces a prefix with nothing leaves a path without its slash; whether that is sent so is the
/// model's business.
pub(in crate::analysis::routing) fn changed(change: &PathChange, matched: &str, path: &str) -> String {
    match change {
        PathChange::Full(to) if to.is_empty() => "/".to_owned(),
        PathChange::Full(to) => uri::escape(to),
        PathChange::Prefix(to) => {
            let tail = path.strip_prefix(matched.trim_end_matches('/')).unwrap_or(path);
            join(&uri::escape(to), tail)
        }
    }
}

/// Two paths with one slash between them, cleaned.
fn join(head: &str, tail: &str) -> String {
    let mut joined = uri::clean(&format!("/{head}/{tail}"));
    if !tail.ends_with('/') && joined.len() > 1 {
        joined.truncate(joined.trim_end_matches('/').len());
    }
    if head.starts_with('/') || joined == "/" {
        return joined;
    }
    joined.remove(0);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_table_of_prefixes_holds() {
        for (path, matched, to, expected) in [
            ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
            ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
            ("/foo", "/foo", "/xyz", "/xyz"),
            ("/foo/", "/foo", "/xyz", "/xyz/"),
            ("/foo", "/foo", "/xyz/", "/xyz"),
            ("/foo/", "/foo", "", "/"),
            ("/foo", "/foo", "", "/"),
            ("/foo/", "/foo", "/", "/"),
            ("/foo", "/foo", "/", "/"),
            ("/foo/q", "/foo", "/", "/q"),
            ("/foo/a%2Fb/", "/foo", "/a b%", "/a%20b%25/a%2Fb/"),
            // Without its slash: the text makes one, Traefik sends it so.
            ("/foo/bar", "/foo", "", "bar"),
        ] {
            let change = PathChange::Prefix(to.to_owned());
            assert_eq!(changed(&change, matched, path), expected, "{path} {matched} {to}");
        }
    }

    #[test]
    fn a_whole_path_is_replaced_and_escaped() {
        for (to, expected) in [("/full/path/", "/full/path/"), ("", "/"), ("/a b%2F?q", "/a%20b%252F%3Fq")] {
            assert_eq!(changed(&PathChange::Full(to.to_owned()), "/x", "/x/y"), expected);
        }
    }
}
