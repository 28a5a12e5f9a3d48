//! JSON access lines: fields known by the template that wrote them, else by their usual names, else by
//! the shape of their values.
//!
//! There is no standard key set; people put nginx's variables under keys of their own. Nested objects
//! are read as joined names (`{"upstream":{"addr":…}}` is `upstream.addr`). The reader works on bytes
//! (nginx passes bytes above 0x7f through) and takes unquoted template variables for values.
//!
//! Assumption: a line that is no complete object is no access line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::access::{AccessLine, Logged, Text};
use super::ingress_nginx::{Variable, set};
use super::stamp;

/// Which key of a JSON template holds which variable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys(BTreeMap<String, Variable>);

impl Keys {
    /// Reads a `log-format-upstream` that is a JSON object; `None` when it is something else.
    #[must_use]
    pub fn of_template(template: &str) -> Option<Self> {
        let mut keys = BTreeMap::new();
        walk(template.trim().as_bytes(), &mut |key, value| {
            let text = String::from_utf8_lossy(&value);
            let name = text.strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
            if let Some(variable) = name.and_then(Variable::named) {
                keys.insert(key.joined.clone(), variable);
            }
        })?;
        Some(Self(keys))
    }
}

/// Reads one line; `None` when it is no JSON object or has nothing of a request in it.
#[must_use]
pub fn parse<'a>(line: &'a [u8], keys: Option<&Keys>) -> Option<AccessLine<'a>> {
    if let Some(keys) = keys {
        let mut access = AccessLine::default();
        walk(line, &mut |key, value| {
            if let Some(variable) = keys.0.get(&key.joined) {
                set(&mut access, *variable, value);
            }
        })?;
        if access.status.is_some() {
            return Some(access);
        }
    }
    by_convention(line)
}

/// Reads a line of an unknown template.
fn by_convention(line: &[u8]) -> Option<AccessLine<'_>> {
    let mut access = AccessLine::default();
    let mut best: BTreeMap<Variable, u8> = BTreeMap::new();
    let mut name_by_shape = None;
    let mut addresses_by_shape = None;
    walk(line, &mut |key, value| match key.convention() {
        Some((variable, rank)) => {
            if variable == Variable::Time && stamp::any(&value).is_none() {
                return;
            }
            if best.get(&variable).is_none_or(|known| rank < *known) {
                best.insert(variable, rank);
                set(&mut access, variable, value);
            }
        }
        None if is_upstream_name(&value) => _ = name_by_shape.get_or_insert(value),
        None if is_address_list(&value) => _ = addresses_by_shape.get_or_insert(value),
        None => {}
    })?;
    if let (Logged::No, Some(value)) = (&access.upstream, name_by_shape) {
        access.upstream = Logged::text(value);
    }
    if let (Logged::No, Some(value)) = (&access.addresses, addresses_by_shape) {
        access.addresses = Logged::text(value);
    }
    (access.status.is_some() && (access.target.is_logged() || access.upstream.is_logged())).then_some(access)
}

/// The names of a value and of the objects around it, lower case letters and digits only.
#[derive(Debug, Default)]
struct Key {
    joined: String,
    /// Where each part starts in `joined`.
    starts: Vec<usize>,
}

impl Key {
    fn push(&mut self, name: &[u8]) {
        self.starts.push(self.joined.len());
        self.joined.extend(
            name.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| char::from(b.to_ascii_lowercase())),
        );
    }

    fn pop(&mut self) {
        if let Some(start) = self.starts.pop() {
            self.joined.truncate(start);
        }
    }

    /// What the name usually means; the longest known tail of the joined name decides. A smaller rank
    /// is the better name.
    fn convention(&self) -> Option<(Variable, u8)> {
        self.starts.iter().find_map(|start| usual_meaning(self.joined.get(*start..)?))
    }
}

fn usual_meaning(name: &str) -> Option<(Variable, u8)> {
    Some(match name {
        "timeiso8601" | "timelocal" | "msec" => (Variable::Time, 0),
        "time" | "timestamp" | "requesttimestamp" | "ts" | "datetime" | "date" => (Variable::Time, 1),
        "remoteaddr" | "therealip" | "realip" => (Variable::Client, 0),
        "remoteip" | "clientip" | "clientaddr" | "client" | "clientaddress" => (Variable::Client, 1),
        "vhost" | "httphost" | "requesthost" | "hostheader" | "authority" => (Variable::Host, 0),
        "host" | "domain" | "httprequesthost" => (Variable::Host, 1),
        "servername" => (Variable::Host, 2),
        "request" | "requestline" => (Variable::Request, 0),
        "requestmethod" | "httpmethod" | "httprequestmethod" => (Variable::Method, 0),
        "method" | "verb" => (Variable::Method, 1),
        "requesturi" | "requesturl" | "originalurl" => (Variable::Target, 0),
        "uri" | "url" | "path" | "requestpath" | "urlpath" => (Variable::Path, 0),
        "status"
        | "statuscode"
        | "httpstatus"
        | "httpstatuscode"
        | "responsestatus"
        | "responsecode"
        | "responsestatuscode"
        | "httpresponsestatuscode"
        | "requeststatus" => (Variable::Status, 0),
        "code" => (Variable::Status, 1),
        "bodybytessent" | "bodybytes" | "responsebodybytes" => (Variable::BodyBytes, 0),
        "proxyupstreamname" | "upstreamname" => (Variable::Upstream, 0),
        "proxyalternativeupstreamname" | "alternativeupstreamname" => (Variable::Alternative, 0),
        "upstreamaddr" | "upstreamaddress" => (Variable::Addresses, 0),
        "upstreamresponselength" | "upstreamlength" => (Variable::Lengths, 0),
        "upstreamstatus" | "upstreamstatuscode" => (Variable::Statuses, 0),
        "namespace" | "kubernetesnamespace" => (Variable::Namespace, 0),
        "ingressname" | "ingress" => (Variable::Ingress, 0),
        "servicename" | "service" => (Variable::Service, 0),
        _ => return None,
    })
}

/// `upstream-default-backend`, `custom-default-backend-…`, `<namespace>-<service>-<port number>`.
fn is_upstream_name(value: &[u8]) -> bool {
    if value == b"upstream-default-backend" || value.starts_with(b"custom-default-backend-") {
        return true;
    }
    let parts: Vec<&[u8]> = value.split(|b| *b == b'-').collect();
    let label = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    parts.len() >= 3
        && value.len() <= 253
        && parts.first().is_some_and(|part| part.first().is_some_and(u8::is_ascii_lowercase))
        && parts.iter().all(|part| part.iter().all(label))
        && parts
            .last()
            .is_some_and(|port| (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit))
}

/// `10.42.1.17:8080`, with more of the kind after `, ` or ` : `.
fn is_address_list(value: &[u8]) -> bool {
    let mut any = false;
    super::access::attempts(value).all(|attempt| {
        any = true;
        std::str::from_utf8(attempt.value).is_ok_and(|text| text.parse::<std::net::SocketAddr>().is_ok())
    }) && any
}

/// Calls `visit` for every scalar of an object, nested objects included, arrays left out.
fn walk<'a>(text: &'a [u8], visit: &mut impl FnMut(&Key, Text<'a>)) -> Option<()> {
    let mut reader = Reader { rest: text };
    reader.object(&mut Key::default(), visit)?;
    reader.rest.trim_ascii().is_empty().then_some(())
}

#[derive(Debug)]
struct Reader<'a> {
    rest: &'a [u8],
}

/// Deeper nesting than any log has.
const DEPTH: usize = 8;

impl<'a> Reader<'a> {
    fn object(&mut self, key: &mut Key, visit: &mut impl FnMut(&Key, Text<'a>)) -> Option<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Some(());
        }
        loop {
            self.expect(b'"')?;
            let name = self.string()?;
            self.expect(b':')?;
            key.push(&name);
            self.skip();
            match self.rest.first()? {
                b'{' if key.starts.len() < DEPTH => self.object(key, visit)?,
                b'{' | b'[' => self.nested()?,
                b'"' => {
                    self.expect(b'"')?;
                    let value = self.string()?;
                    visit(key, value);
                }
                _ => {
                    let value = self.scalar()?;
                    if value != b"null" {
                        visit(key, Cow::Borrowed(value));
                    }
                }
            }
            key.pop();
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Skips an array or object.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0usize;
        loop {
            let at = self.rest.iter().position(|b| matches!(b, b'{' | b'}' | b'[' | b']' | b'"'))?;
            let found = *self.rest.get(at)?;
            self.rest = self.rest.get(at + 1..)?;
            match found {
                b'"' => _ = self.string()?,
                b'{' | b'[' => depth += 1,
                _ => depth = depth.checked_sub(1)?,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// A number, a word, or a bare template variable.
    fn scalar(&mut self) -> Option<&'a [u8]> {
        let end =
            self.rest.iter().position(|b| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace())?;
        // `${name}` ends in a brace of its own.
        let end = if self.rest.starts_with(b"${") { memchr::memchr(b'}', self.rest)? + 1 } else { end };
        let (value, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        (!value.is_empty()).then_some(value)
    }

    /// The rest of a string whose opening quote was read.
    fn string(&mut self) -> Option<Text<'a>> {
        let end = memchr::memchr2(b'"', b'\\', self.rest)?;
        let (plain, rest) = self.rest.split_at_checked(end)?;
        if let Some(rest) = rest.strip_prefix(b"\"") {
            self.rest = rest;
            return Some(Cow::Borrowed(plain));
        }
        let mut out = plain.to_vec();
        self.rest = rest;
        loop {
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Some(Cow::Owned(out));
                }
                [b'\\', b'u', hex @ ..] => {
                    let (c, rest) = unicode(hex)?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    self.rest = rest;
                }
                [b'\\', c, rest @ ..] => {
                    out.push(match c {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        b'b' => 8,
                        b'f' => 12,
                        other => *other,
                    });
                    self.rest = rest;
                }
                [b, rest @ ..] => {
                    out.push(*b);
                    self.rest = rest;
                }
                [] => return None,
            }
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip();
        match self.rest.split_first() {
            Some((first, rest)) if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.take(byte).then_some(())
    }
}

/// The character of `XXXX` or of a surrogate pair `XXXX\uXXXX`, and what follows.
fn unicode(hex: &[u8]) -> Option<(char, &[u8])> {
    let unit = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let (first, rest) = hex.split_at_checked(4)?;
    let high = unit(first)?;
    if let (0xD800..0xDC00, Some(tail)) = (high, rest.strip_prefix(b"\\u")) {
        let (second, rest) = tail.split_at_checked(4)?;
        let low = unit(second)?.checked_sub(0xDC00).filter(|low| *low < 0x400);
        let c = low.and_then(|low| char::from_u32(0x10000 + (high - 0xD800) * 0x400 + low));
        return Some((c.unwrap_or(char::REPLACEMENT_CHARACTER), rest));
    }
    Some((char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed<'a>(line: &'a str, keys: Option<&Keys>) -> AccessLine<'a> {
        parse(line.as_bytes(), keys).expect(line)
    }

    #[test]
    fn usual_names_are_understood() {
        let line = parsed(
            r#"{"time":"2026-11-23T05:49:03+00:00","remote_addr":"203.0.113.46","vhost":"strip.example.com","method":"PUT","path":"/","request_uri":"/index.html?q=a%20b","status":404,"bytes":274,"namespace":"shop","ingress_name":"strip","service_name":"","proxy_upstream_name":"upstream-default-backend","upstream_addr":"127.0.0.1:8181","upstream_status":"404"}"#,
            None,
        );
        assert_eq!(line.at, stamp::rfc3339(b"2026-11-23T05:49:03Z"));
        assert_eq!(line.host.bytes(), b"strip.example.com");
        assert_eq!(line.method.bytes(), b"PUT");
        assert_eq!(line.target.bytes(), b"/index.html?q=a%20b");
        assert_eq!(line.status, Some(404));
        assert_eq!(line.upstream.bytes(), b"upstream-default-backend");
        assert_eq!(line.service, Logged::Empty);
        assert_eq!(line.lengths, Logged::No);
        assert_eq!(line.body_bytes, None);
    }

    #[test]
    fn other_spellings_and_nesting_are_understood() {
        let line = parsed(
            r#"{"@timestamp":"2026-11-23T05:49:03Z","http":{"request":{"method":"GET"},"response":{"status_code":404}},"url":{"path":"/a"},"upstreamStatus":"404","proxyUpstreamName":"shop-web-80","tags":["x",{"status":200}]}"#,
            None,
        );
        assert_eq!((line.method.bytes(), line.status), (b"GET".as_slice(), Some(404)));
        assert_eq!((line.path(), line.upstream.bytes()), (Some(b"/a".as_slice()), b"shop-web-80".as_slice()));
        assert_eq!(line.at, stamp::rfc3339(b"2026-11-23T05:49:03Z"));
    }

    #[test]
    fn unusual_names_are_known_by_the_shape_of_their_values() {
        let line = parsed(
            r#"{"t":1,"id":"5b1ceed9-f34f-62a1-7b11-e539c8b3f5fe","st":"x","status":"404","uri":"/a","u":"custom-default-backend-shop-errors","a":"10.0.0.1:80 : 10.0.0.2:80"}"#,
            None,
        );
        assert_eq!(line.upstream.bytes(), b"custom-default-backend-shop-errors");
        assert_eq!(line.addresses.bytes(), b"10.0.0.1:80 : 10.0.0.2:80");
    }

    #[test]
    fn a_request_id_is_no_upstream_name() {
        for (value, is) in [
            ("shop-web-80", true),
            ("5b1ceed9-f34f-62a1-7b11-e539c8b3f5fe", false),
            ("upstream-default-backend", true),
            ("abc-def", false),
            ("a-b-c", false),
            ("shop-my-web-8080", true),
        ] {
            assert_eq!(is_upstream_name(value.as_bytes()), is, "{value}");
        }
    }

    #[test]
    fn the_template_names_keys_that_no_convention_knows() {
        let keys = Keys::of_template(
            r#"{"wann": "$time_iso8601", "wer": "${host}", "was":"$request", "wie": $status, "wohin":"$proxy_upstream_name", "dort":{"a":"$upstream_addr"}, "x":"$request_method $uri"}"#,
        )
        .expect("template");
        let line = parsed(
            r#"{"wann": "2026-11-23T05:49:03+00:00", "wer": "a.b", "was":"GET /x?y HTTP/1.1", "wie": 404, "wohin":"shop-web-80", "dort":{"a":"10.0.0.1:80"}, "x":"GET /x"}"#,
            Some(&keys),
        );
        assert_eq!((line.host.bytes(), line.target.bytes()), (b"a.b".as_slice(), b"/x?y".as_slice()));
        assert_eq!((line.status, line.addresses.bytes()), (Some(404), b"10.0.0.1:80".as_slice()));
    }

    #[test]
    fn lines_of_an_earlier_template_fall_back_to_usual_names() {
        let keys = Keys::of_template(r#"{"s":"$status"}"#).expect("template");
        assert_eq!(parsed(r#"{"status":"404","uri":"/a"}"#, Some(&keys)).status, Some(404));
    }

    #[test]
    fn escapes_are_undone() {
        let line = parsed(r#"{"status":404,"request_uri":"/a\"b\\\u00e4\ud83d\ude00\x"}"#, None);
        assert_eq!(line.target.bytes(), "/a\"b\\ä😀x".as_bytes());
    }

    #[test]
    fn what_is_no_complete_object_of_a_request_is_none() {
        for line in [
            "",
            "{}",
            "{",
            r#"{"status":404"#,
            r#"{"status":404,"uri":"/a"} x"#,
            r#"["a"]"#,
            r#"{"level":"info","msg":"hi"}"#,
            r#"{"status":404,"uri":"/a\u12"}"#,
            r#"{"status":}"#,
        ] {
            assert_eq!(parse(line.as_bytes(), None), None, "{line}");
        }
    }

    #[test]
    fn text_templates_are_no_json() {
        assert_eq!(Keys::of_template("$remote_addr - $status"), None);
    }
}
