//! Paths with what varies from request to request replaced by `{id}`, so that requests of one kind fall
//! together.
//!
//! Ids are numbers, UUIDs, hexadecimal digests, and long tokens of letters and digits, keys among them;
//! words, slugs and versions such as `v2` stay. A key that was taken out before is an id as well: a log
//! falls into the same groups with and without its secrets. The query is dropped. Linear in the path; the
//! result is bounded.

/// What stands for an id.
pub const ID: &[u8] = b"{id}";
/// What stands for the rest of a path that is too long.
const REST: &[u8] = b"{rest}";
/// How the mark begins that stands where a secret stood.
const MARK: &[u8] = b"[redacted";
const SEGMENTS: usize = 16;
const LENGTH: usize = 200;

/// The template of a path.
#[must_use]
pub fn of(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    append(path, &mut out);
    out
}

/// Appends the template of a path, which may carry a query.
pub fn append(path: &[u8], out: &mut Vec<u8>) {
    let path = super::access::path_of(path);
    let start = out.len();
    for (at, segment) in path.split(|b| *b == b'/').enumerate() {
        if at > 0 {
            out.push(b'/');
        }
        if at > SEGMENTS || out.len() - start + segment.len() > LENGTH {
            out.extend_from_slice(REST);
            return;
        }
        append_segment(segment, out);
    }
}

/// The part of a template before its first id; the whole of it when it has none.
#[must_use]
pub fn literal_prefix(template: &[u8]) -> &[u8] {
    memchr::memchr(b'{', template).and_then(|at| template.get(..at)).unwrap_or(template)
}

fn append_segment(segment: &[u8], out: &mut Vec<u8>) {
    if is_token_of_parts(segment) || memchr::memmem::find(segment, MARK).is_some() {
        out.extend_from_slice(ID);
        return;
    }
    // Most segments are plain words.
    if !segment.iter().any(u8::is_ascii_digit) {
        out.extend_from_slice(segment);
        return;
    }
    // `1.2` is a version, `12345.json` a file.
    let version = segment.split(|b| *b == b'.').nth(1).is_some_and(is_number);
    for (at, part) in segment.split(|b| *b == b'.').enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        if at == 0 && is_number(part) && !version || is_random(part) {
            out.extend_from_slice(ID);
        } else {
            append_part(part, out);
        }
    }
}

/// `order-12345` keeps its word.
fn append_part(part: &[u8], out: &mut Vec<u8>) {
    let digits = part.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    match part.split_at_checked(part.len() - digits) {
        Some((word, _)) if digits >= 3 && matches!(word.last(), Some(b'-' | b'_' | b':')) => {
            out.extend_from_slice(word);
            out.extend_from_slice(ID);
        }
        _ => out.extend_from_slice(part),
    }
}

/// Digits, or digits joined by dashes as in a date.
fn is_number(part: &[u8]) -> bool {
    part.first().is_some_and(u8::is_ascii_digit) && part.iter().all(|b| b.is_ascii_digit() || *b == b'-')
}

/// A JWT: three parts, of which the first encodes `{"`.
fn is_token_of_parts(segment: &[u8]) -> bool {
    segment.starts_with(b"eyJ") && segment.iter().filter(|b| **b == b'.').count() == 2
}

/// A word too long and too mixed to be one, as keys have after their vendor's prefix.
fn is_key(word: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let enough = if has(u8::is_ascii_lowercase) { 20 } else { 16 };
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && word.len() >= enough
}

fn is_random(part: &[u8]) -> bool {
    if part.len() < 8 {
        return false;
    }
    let count = |is: fn(&u8) -> bool| part.iter().filter(|b| is(b)).count();
    let digits = count(u8::is_ascii_digit);
    let dashes = count(|b| matches!(b, b'-' | b'_'));
    if digits > 0 && part.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-') {
        return dashes == 0 || part.len() >= 32;
    }
    let token =
        part.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'~' | b'%'));
    let has_key = || part.split(|b| !b.is_ascii_alphanumeric()).any(is_key);
    token
        && digits > 0
        && (has_key() || (part.len() >= 20 && digits * 5 >= part.len()) || (part.len() >= 24 && dashes <= 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_replaced_and_words_stay() {
        for (path, template) in [
            ("/", "/"),
            ("/api/orders/42?x=1", "/api/orders/{id}"),
            ("/api/v2/orders", "/api/v2/orders"),
            ("/users/6d1f0c2b-9a8e-4f7c-8d9e-0a1b2c3d4e5f/cart", "/users/{id}/cart"),
            ("/img/0a1b2c3d4e5f60718293a4b5c6d7e8f9.png", "/img/{id}.png"),
            ("/static/app.3f2a9c1d.js", "/static/app.{id}.js"),
            ("/deadbeef", "/deadbeef"),
            ("/5e7728ee", "/{id}"),
            ("/a1b2", "/a1b2"),
            ("/2026-11-23/report.pdf", "/{id}/report.pdf"),
            ("/12345.json", "/{id}.json"),
            ("/docs/1.2/install", "/docs/1.2/install"),
            ("/order-12345/items", "/order-{id}/items"),
            ("/how-to-configure-kubernetes-ingress-2024", "/how-to-configure-kubernetes-ingress-{id}"),
            ("/how-to-configure-kubernetes-v1-ingress", "/how-to-configure-kubernetes-v1-ingress"),
            ("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "/t/{id}"),
            ("/t/eyJhbGciOiJub25lIn.eyJhbGciOiJub25l.abcdef/x", "/t/{id}/x"),
            ("/t/sk_live_aZbYcXdWeVfUgThSiRjQ2kPl/x", "/t/{id}/x"),
            ("/t/AKIAIOSFODNN7EXAMPLE", "/t/{id}"),
            ("/t/[redacted]/x", "/t/{id}/x"),
            ("/docs/ReleaseNotes2024", "/docs/ReleaseNotes2024"),
            ("", ""),
            ("//", "//"),
            ("/x#frag", "/x"),
        ] {
            assert_eq!(String::from_utf8_lossy(&of(path.as_bytes())), template, "{path}");
        }
    }

    #[test]
    fn templates_are_bounded() {
        assert!(of(&b"/ab".repeat(10_000)).len() <= LENGTH + REST.len());
        assert!(of(&[b'a'; 10_000]).len() <= LENGTH + REST.len());
    }

    #[test]
    fn a_template_of_a_template_is_itself() {
        for path in ["/api/orders/42", "/order-12345/items", "/static/app.3f2a9c1d.js"] {
            let once = of(path.as_bytes());
            assert_eq!(of(&once), once, "{path}");
        }
    }

    #[test]
    fn the_literal_part_ends_before_the_first_id() {
        assert_eq!(literal_prefix(b"/api/orders/{id}/x"), b"/api/orders/");
        assert_eq!(literal_prefix(b"/api"), b"/api");
    }
}
