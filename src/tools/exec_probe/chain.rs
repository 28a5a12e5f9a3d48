//! Redirects: where an answer sends its client.

use crate::model::host::HostName;
use crate::model::probe::ProbeOutput;
use crate::model::request::Request;

/// The request that a client would make after this answer; `None` when it is no redirect, or its
/// `Location` cannot be asked.
pub(super) fn after(output: &ProbeOutput, request: &Request) -> Option<Result<Request, String>> {
    if !matches!(output.status, Some(301 | 302 | 303 | 307 | 308)) {
        return None;
    }
    let location = output.header("location")?.trim();
    let url = absolute(location, request);
    Some(match Request::parse(&url) {
        Ok(next) => {
            // Headers were meant for the first host.
            let headers =
                if same_host(&next.host, &request.host) { request.headers.clone() } else { Vec::new() };
            Ok(Request { method: request.method.clone(), headers, ..next })
        }
        Err(_) => Err("its Location is no URL of http or https".to_owned()),
    })
}

fn same_host(a: &HostName, b: &HostName) -> bool {
    a == b
}

/// A `Location` resolved against the request, as RFC 3986 has it for what servers send.
fn absolute(location: &str, request: &Request) -> String {
    let scheme = request.scheme.as_str();
    let authority = request.authority();
    if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", request.path)
    } else {
        let folder = request.path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::probe::Via;

    fn next(url: &str, status: u16, location: &str) -> Option<String> {
        let output = ProbeOutput {
            at: None,
            from: String::new(),
            via: Via::Direct,
            target: None,
            method: "GET".to_owned(),
            url: url.to_owned(),
            to: None,
            resolved_to: None,
            sni: None,
            status: Some(status),
            headers: vec![("Location".to_owned(), location.to_owned())],
            body: String::new(),
            error: None,
            millis: None,
            certificate: None,
        };
        let mut request = Request::parse(url).expect("url");
        request.headers.push(("X-Canary".to_owned(), "always".to_owned()));
        after(&output, &request).map(|next| match next {
            Ok(next) => format!("{} {}", next.url(), next.headers.len()),
            Err(why) => why,
        })
    }

    #[test]
    fn a_location_is_resolved_against_the_request() {
        for (location, expected) in [
            ("https://shop.test/b", "https://shop.test/b 1"),
            ("/b?x=1", "http://shop.test:8080/b?x=1 1"),
            ("b", "http://shop.test:8080/a/b 1"),
            ("?x", "http://shop.test:8080/a/c?x 1"),
            ("//other.test/b", "http://other.test/b 0"),
            ("ftp://other.test/", "its Location is no URL of http or https"),
        ] {
            assert_eq!(
                next("http://shop.test:8080/a/c", 302, location).as_deref(),
                Some(expected),
                "{location}"
            );
        }
        assert_eq!(next("http://shop.test/", 200, "/b"), None);
    }
}
