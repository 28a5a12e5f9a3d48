//! What values of annotations must look like.
//!
//! Source: kubernetes/ingress-nginx `internal/ingress/annotations/parser/validators.go`, v1.15.1.

/// A check of one value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    /// Anything goes, or a bad value has no effect on routing.
    Free,
    Bool,
    Int,
    /// Letters and digits of ASCII, and these.
    Chars(&'static str),
    /// The same after spaces are taken out.
    CharsNoSpace(&'static str),
    /// A list of host names or patterns.
    ServerNames,
    ServerName,
    Cidrs,
    ServiceName,
    Size,
    ErrorCodes,
    AuthType,
    Options(&'static [&'static str]),
}

/// Hosts, ports and simple paths.
pub(super) const BASIC: &str = "-._~/:";
pub(super) const WITH_SPACE: &str = "-._~/: ";
/// Paths with captured groups.
pub(super) const PATH_CAPTURE: &str = "-._~/:$";
pub(super) const URL: &str = "-._~/:,?&=";
pub(super) const URL_VARIABLES: &str = "-._~/:, ?&=$";
/// Regular expressions.
pub(super) const REGEX: &str = "-._~/:^$[](){}*+?|&=\\";

impl Check {
    /// Whether a value passes. Empty values are not checked.
    pub(super) fn passes(self, value: &str) -> bool {
        match self {
            Self::Free => true,
            Self::Bool => boolean(value).is_some(),
            Self::Int => integer(value).is_some(),
            Self::Chars(set) => only(value, set),
            Self::CharsNoSpace(set) => only(&value.replace(' ', ""), set),
            Self::ServerNames => value.split(',').all(|name| only(name.trim(), REGEX)),
            Self::ServerName => only(value.trim(), REGEX),
            Self::Cidrs => are_networks(value),
            Self::ServiceName => is_service_name(value),
            Self::Size => {
                let digits = value.strip_suffix(['b', 'k', 'm', 'g', 'B', 'K', 'M', 'G']).unwrap_or(value);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Self::ErrorCodes => value.trim_end_matches(',').split(',').all(|code| {
                code.len() == 3 && code.starts_with(['4', '5']) && code.bytes().all(|b| b.is_ascii_digit())
            }),
            Self::AuthType => value.contains("basic") || value.contains("digest"),
            Self::Options(options) => options.contains(&value.to_ascii_lowercase().trim()),
        }
    }
}

fn only(value: &str, set: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || set.contains(c))
}

/// A boolean as Go reads it.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// An integer as Go reads it.
pub(super) fn integer(value: &str) -> Option<i64> {
    value.parse().ok()
}

/// Whether every part of a list is an address or a network.
pub(in crate::analysis) fn are_networks(value: &str) -> bool {
    let one = |text: &str| match text.split_once('/') {
        Some((address, bits)) => match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => bits.parse::<u8>().is_ok_and(|bits| bits <= 32),
            Ok(std::net::IpAddr::V6(_)) => bits.parse::<u8>().is_ok_and(|bits| bits <= 128),
            Err(_) => false,
        },
        None => text.parse::<std::net::IpAddr>().is_ok(),
    };
    value.split(',').all(|part| one(part.trim()))
}

fn is_service_name(value: &str) -> bool {
    value.len() <= 63
        && value.starts_with(|c: char| c.is_ascii_lowercase())
        && value.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_as_the_controller_checks_them() {
        let check = |check: Check, good: &[&str], bad: &[&str]| {
            for value in good {
                assert!(check.passes(value), "{check:?} takes {value:?}");
            }
            for value in bad {
                assert!(!check.passes(value), "{check:?} refuses {value:?}");
            }
        };
        check(Check::Bool, &["true", "1", "T"], &["yes", "off", ""]);
        check(Check::Int, &["308", "-1", "+5"], &["abc", "1.5", "1 "]);
        check(Check::Chars(PATH_CAPTURE), &["/$1", "landing", "/a:b~c"], &["/a b", "/a?b", "/é"]);
        check(Check::Chars(URL), &["https://a.b/c?d=e", "/moved"], &["https://a$request_uri", "not a url"]);
        check(Check::ServerNames, &["a.b,*.c", "~^www\\d+\\.a$ , b"], &["bad alias"]);
        check(Check::ServerName, &["a.b"], &["a b", "a;b"]);
        check(Check::Cidrs, &["10.0.0.0/8, 192.0.2.1", "::1/128"], &["not-an-ip", "10.0.0.0/33", ""]);
        check(Check::ServiceName, &["a-b1"], &["no/such", "1a", "a-", "A"]);
        check(Check::Size, &["8k", "100", "1G"], &["k", "1x"]);
        check(Check::ErrorCodes, &["404", "404,503"], &["200", "40", "4o4"]);
        check(Check::AuthType, &["basic", "digest"], &["jwt"]);
        check(Check::CharsNoSpace(BASIC), &["X-Canary", "a b"], &["a=b"]);
        check(Check::Options(&["any", "all"]), &["any", "ALL"], &["some"]);
    }
}
