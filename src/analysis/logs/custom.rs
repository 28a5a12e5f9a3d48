//! A `log-format-upstream` of the user's own, compiled from its `$variables` into a parser.
//!
//! Every variable becomes a group of a regular expression whose shape follows from what nginx prints
//! for it (a status is three digits, `$upstream_*` are lists) or else from the literal that ends it.
//! The engine is linear in the line, so neither template nor line can make it slow.
//!
//! Assumption: unless `log-format-escape-none` is set, a value never holds a bare quote.

use std::fmt::Write as _;

use regex::bytes::{Regex, RegexBuilder};

use super::access::{AccessLine, unescape};
use super::ingress_nginx::{Variable, set};

/// A compiled text template.
#[derive(Debug, Clone)]
pub struct Template {
    pattern: Regex,
    /// What group `n + 1` holds.
    fields: Vec<Option<Variable>>,
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.pattern.as_str() == other.pattern.as_str()
    }
}

impl Template {
    /// Compiles a template; `None` when it holds no variable that says anything about a request.
    #[must_use]
    pub fn compile(template: &str, quotes_are_escaped: bool) -> Option<Self> {
        let parts = parts(template.trim());
        let mut pattern = String::from("^");
        let mut fields = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(text) => pattern.push_str(&regex::escape(text)),
                Part::Variable(name) => {
                    let ends_with = match parts.get(at + 1) {
                        None => End::OfLine,
                        Some(Part::Literal(text)) => text.chars().next().map_or(End::Open, End::Before),
                        Some(Part::Variable(_)) => End::Open,
                    };
                    let _ = write!(pattern, "({})", shape(name, ends_with, quotes_are_escaped));
                    fields.push(Variable::named(name));
                }
            }
        }
        pattern.push_str(r"\s*$");
        if !fields.contains(&Some(Variable::Status)) {
            return None;
        }
        let pattern = RegexBuilder::new(&pattern).unicode(false).size_limit(1 << 20).build().ok()?;
        Some(Self { pattern, fields })
    }

    /// Reads one line; `None` when it does not follow the template.
    #[must_use]
    pub fn parse<'a>(&self, line: &'a [u8]) -> Option<AccessLine<'a>> {
        let found = self.pattern.captures(line)?;
        let mut access = AccessLine::default();
        for (field, group) in self.fields.iter().zip(found.iter().skip(1)) {
            if let (Some(variable), Some(group)) = (field, group) {
                set(&mut access, *variable, unescape(group.as_bytes()));
            }
        }
        Some(access)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Literal(&'a str),
    Variable(&'a str),
}

/// Splits a template into `$name`, `${name}` and what stands between.
fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let Some(at) = rest.find('$') else {
            parts.push(Part::Literal(rest));
            break;
        };
        let (literal, tail) = rest.split_at(at);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let tail = tail.get(1..).unwrap_or_default();
        let (name, after) = match tail.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, after)) => (name, after),
            None => tail
                .split_at(tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tail.len())),
        };
        parts.push(if name.is_empty() { Part::Literal("$") } else { Part::Variable(name) });
        rest = after;
    }
    parts
}

/// What follows a variable in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    OfLine,
    Before(char),
    /// Another variable.
    Open,
}

/// The expression for one variable's values.
fn shape(name: &str, ends_with: End, quotes_are_escaped: bool) -> String {
    match name {
        "status" => return r"\d{3}".to_owned(),
        "time_local" => return r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}".to_owned(),
        "time_iso8601"
        | "msec"
        | "request_time"
        | "request_length"
        | "body_bytes_sent"
        | "bytes_sent"
        | "connection"
        | "connection_requests"
        | "pid"
        | "req_id"
        | "request_id" => {
            return r"[^\s,;|\]]*".to_owned();
        }
        _ => {}
    }
    if name.starts_with("upstream_") && !name.starts_with("upstream_http_") {
        return r#"[^\s,"\]|;]*(?:(?:, | : )[^\s,"\]|;]*)*"#.to_owned();
    }
    match ends_with {
        End::OfLine => ".*".to_owned(),
        End::Before('"') if quotes_are_escaped => r#"[^"]*"#.to_owned(),
        End::Before(c @ (']' | '|' | '\t' | ';')) => format!("[^{}]*", regex::escape(&c.to_string())),
        // Requests, forwarded addresses and headers may hold spaces.
        End::Before(' ')
            if !name.starts_with("http_") && !matches!(name, "request" | "proxy_add_x_forwarded_for") =>
        {
            r"\S*".to_owned()
        }
        End::Before(_) | End::Open => ".*?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, line: &str, expected: &[(&str, &str)]) {
        let compiled = Template::compile(template, true).expect(template);
        let access = compiled.parse(line.as_bytes()).expect(line);
        for (field, value) in expected {
            let found = match *field {
                "status" => access.status.map(|s| s.to_string().into_bytes()).unwrap_or_default(),
                "host" => access.host.bytes().to_vec(),
                "method" => access.method.bytes().to_vec(),
                "target" => access.target.bytes().to_vec(),
                "upstream" => access.upstream.bytes().to_vec(),
                "addresses" => access.addresses.bytes().to_vec(),
                "statuses" => access.statuses.bytes().to_vec(),
                "at" => access.at.map(|at| at.to_rfc3339().into_bytes()).unwrap_or_default(),
                other => panic!("{other}"),
            };
            assert_eq!(String::from_utf8_lossy(&found), *value, "{field} of {line}");
        }
    }

    #[test]
    fn the_default_format_with_the_host_appended() {
        check(
            r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id $host"#,
            r#"203.0.113.7 - - [22/Nov/2026:10:15:03 +0000] "GET /old HTTP/1.1" 404 1024 "-" "a b" 77 0.020 [upstream-default-backend] [] 10.42.1.18:8080, 10.42.1.17:8080 : 10.42.2.5:8080 0, 19 : 1024 0.001, 0.010 : 0.009 502, 404 : 404 1122 shop.example.com"#,
            &[
                ("status", "404"),
                ("host", "shop.example.com"),
                ("target", "/old"),
                ("upstream", "upstream-default-backend"),
                ("addresses", "10.42.1.18:8080, 10.42.1.17:8080 : 10.42.2.5:8080"),
                ("statuses", "502, 404 : 404"),
                ("at", "2026-11-22T10:15:03+00:00"),
            ],
        );
    }

    #[test]
    fn key_value_pairs() {
        check(
            "time=$time_iso8601 host=$host method=$request_method uri=$request_uri status=$status ua=$http_user_agent up=$proxy_upstream_name addr=$upstream_addr",
            "time=2026-11-22T10:15:03+00:00 host=a.b method=GET uri=/x?y=1 status=404 ua=Mozilla (X 1; Y) up=shop-web-80 addr=10.0.0.1:80, 10.0.0.2:80",
            &[
                ("status", "404"),
                ("host", "a.b"),
                ("method", "GET"),
                ("target", "/x?y=1"),
                ("upstream", "shop-web-80"),
                ("addresses", "10.0.0.1:80, 10.0.0.2:80"),
            ],
        );
    }

    #[test]
    fn pipes_braces_and_neighbours_without_a_separator() {
        check(
            "${remote_addr}|${host}$uri|$status|$proxy_upstream_name|",
            "10.1.1.1|a.b/x|200|shop-web-80|",
            &[("status", "200"), ("upstream", "shop-web-80")],
        );
    }

    #[test]
    fn a_template_that_logs_no_status_is_of_no_use() {
        for template in ["", "hello", "$remote_addr $request_time", "$", "${"] {
            assert_eq!(Template::compile(template, true), None, "{template}");
        }
    }

    #[test]
    fn a_line_of_another_format_is_none() {
        let template = Template::compile("$status $host", true).expect("template");
        assert_eq!(template.parse(b"hello"), None);
        assert_eq!(template.parse(b""), None);
    }
}
