//! What nginx makes of texts in its configuration, and whether it takes them at all.
//!
//! Source: nginx 1.27 `src/core/ngx_conf_file.c` (`ngx_conf_read_token`),
//! `src/http/ngx_http_script.c` (`ngx_http_script_compile`), `src/core/ngx_hash.c`
//! (`ngx_hash_add_key`).

/// Reads a text that stands in double quotes; `None` when it ends the quotes or breaks them.
pub(in crate::analysis::routing) fn unquote(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                escaped @ ('"' | '\'' | '\\') => out.push(escaped),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'n' => out.push('\n'),
                other => {
                    out.push('\\');
                    out.push(other);
                }
            },
            other => out.push(other),
        }
    }
    Some(out)
}

/// Reads a text that stands without quotes; `None` when it ends before its end, at a brace, a
/// semicolon or a blank.
pub(in crate::analysis::routing) fn bare(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut after_dollar = false;
    while let Some(c) = chars.next() {
        match c {
            '{' if after_dollar => out.push(c),
            ' ' | '\t' | '\r' | '\n' | ';' | '{' => return None,
            '\\' => match chars.next()? {
                escaped @ ('"' | '\'' | '\\') => out.push(escaped),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'n' => out.push('\n'),
                other => {
                    out.push('\\');
                    out.push(other);
                }
            },
            other => out.push(other),
        }
        after_dollar = c == '$';
    }
    Some(out)
}

/// A part of a text in which nginx fills in variables and captured groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Part {
    Text(String),
    Group(usize),
    Variable(String),
}

/// Takes a text with variables apart; `None` when nginx would not accept it.
pub(in crate::analysis::routing) fn parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let after = after.get(1..).unwrap_or_default();
        if let Some(digit @ '1'..='9') = after.chars().next() {
            parts.push(Part::Group(usize::try_from(u32::from(digit) - u32::from('0')).ok()?));
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let (name, tail) = if let Some(braced) = after.strip_prefix('{') {
            braced.split_once('}')?
        } else {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            after.split_at(after.find(|c| !is_name(c)).unwrap_or(after.len()))
        };
        if name.is_empty() {
            return None;
        }
        parts.push(Part::Variable(name.to_owned()));
        rest = tail;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Some(parts)
}

/// Whether a name may stand in `server_name`.
pub(in crate::analysis::routing) fn is_server_name(name: &str) -> bool {
    let bare = name.strip_prefix("*.").or_else(|| name.strip_prefix('.')).unwrap_or(name);
    let bare = if bare.len() == name.len() { name.strip_suffix(".*").unwrap_or(name) } else { bare };
    !bare.is_empty()
        && !bare.contains('*')
        && !name.contains("..")
        && !name.contains(['{', '}', ';', '"', '\''])
}

/// Whether nginx knows a variable of this name; `own` are those that the configuration defines.
pub(in crate::analysis::routing) fn is_variable(name: &str, own: &[&str]) -> bool {
    const PREFIXES: [&str; 8] =
        ["http_", "arg_", "cookie_", "sent_http_", "upstream_", "ssl_", "proxy_", "geoip"];
    const NAMES: [&str; 41] = [
        "args",
        "binary_remote_addr",
        "body_bytes_sent",
        "bytes_sent",
        "connection",
        "connection_requests",
        "connection_upgrade",
        "content_length",
        "content_type",
        "document_root",
        "document_uri",
        "host",
        "hostname",
        "https",
        "is_args",
        "msec",
        "nginx_version",
        "pid",
        "query_string",
        "realpath_root",
        "remote_addr",
        "remote_port",
        "remote_user",
        "request",
        "request_body",
        "request_completion",
        "request_filename",
        "request_id",
        "request_length",
        "request_method",
        "request_time",
        "request_uri",
        "scheme",
        "server_addr",
        "server_name",
        "server_port",
        "server_protocol",
        "status",
        "time_iso8601",
        "time_local",
        "uri",
    ];
    NAMES.contains(&name) || own.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_lose_only_the_escapes_nginx_knows() {
        for (text, expected) in [
            (r"/a\d+\.b", Some(r"/a\d+\.b")),
            (r"/a\\d", Some(r"/a\d")),
            (r#"/a\"b"#, Some("/a\"b")),
            (r"/a\tb", Some("/a\tb")),
            (r#"/a"b"#, None),
            (r"/a\", None),
        ] {
            assert_eq!(unquote(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn bare_texts_end_at_braces_and_blanks() {
        for (text, expected) in [
            (r"/a\d+\.b", Some(r"/a\d+\.b")),
            (r"/a\{2\}", Some(r"/a\{2\}")),
            (r#"/a"b"#, Some(r#"/a"b"#)),
            (r#"/a\"b"#, Some(r#"/a"b"#)),
            ("/${uri}x", Some("/${uri}x")),
            ("/a{2}", None),
            ("/a b", None),
            ("/a;b", None),
        ] {
            assert_eq!(bare(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn variables_and_groups_are_told_apart() {
        let text = |text: &str| Part::Text(text.to_owned());
        let variable = |name: &str| Part::Variable(name.to_owned());
        for (input, expected) in [
            ("/x", Some(vec![text("/x")])),
            ("/$1/$22", Some(vec![text("/"), Part::Group(1), text("/"), Part::Group(2), text("2")])),
            ("/$host-x", Some(vec![text("/"), variable("host"), text("-x")])),
            ("/${uri}x", Some(vec![text("/"), variable("uri"), text("x")])),
            ("/$0", Some(vec![text("/"), variable("0")])),
            ("/$", None),
            ("/$/x", None),
            ("/${x", None),
        ] {
            assert_eq!(parts(input), expected, "{input}");
        }
        for (name, known) in [("http_x_y", true), ("uri", true), ("own", true), ("0", false), ("foo", false)]
        {
            assert_eq!(is_variable(name, &["own"]), known, "{name}");
        }
    }

    #[test]
    fn server_names_have_wildcards_only_at_their_ends() {
        for (name, good) in [
            ("a.example", true),
            ("*.example", true),
            (".example", true),
            ("www.*", true),
            ("_", true),
            ("www.*.example", false),
            ("*a.example", false),
            ("a..b", false),
            ("*", false),
        ] {
            assert_eq!(is_server_name(name), good, "{name}");
        }
    }
}
