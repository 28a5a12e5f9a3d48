//! The last requests that the proxy's error log told of, to be matched with the access lines that
//! follow: the error log knows the host, and that an upstream attempt failed.
//!
//! nginx writes the error while it works on the request and the access line when it is done, so the
//! error stands first; both name client and request line. An error belongs to the first access line
//! that fits, unless much time went by.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, TimeDelta, Utc};

use crate::analysis::logs::access::AccessLine;
use crate::analysis::logs::ingress_nginx::request_parts;
use crate::analysis::logs::nginx_error::ErrorLine;

/// A ring of requests.
#[derive(Debug, Default)]
pub(super) struct Recent {
    entries: Vec<Entry>,
    next: usize,
}

#[derive(Debug)]
struct Entry {
    request: u64,
    at: Option<DateTime<Utc>>,
    failed: bool,
    /// Without port, lower case.
    host: Option<Box<[u8]>>,
}

const ENTRIES: usize = 128;
/// A request may take long, with three tries of a minute each.
const LONGEST_REQUEST: TimeDelta = TimeDelta::minutes(4);

impl Recent {
    pub(super) fn note(&mut self, line: &ErrorLine<'_>) {
        let (Some(client), Some((method, target))) = (line.client, line.request.and_then(request_parts))
        else {
            return;
        };
        let host = line.host.map(|host| {
            let end = memchr::memrchr(b':', host).filter(|_| !host.ends_with(b"]")).unwrap_or(host.len());
            host.get(..end).unwrap_or(host).to_ascii_lowercase().into_boxed_slice()
        });
        let request = digest(client, method, target);
        let entry = Entry { request, at: line.at, failed: line.kind.is_upstream_failure(), host };
        match self.entries.get_mut(self.next) {
            Some(slot) => *slot = entry,
            None => self.entries.push(entry),
        }
        self.next = (self.next + 1) % ENTRIES;
    }

    /// Whether an upstream attempt of this request failed.
    pub(super) fn failed(&self, line: &AccessLine<'_>) -> bool {
        self.of(line).any(|entry| entry.failed)
    }

    /// The host of this request, where the error log told it and told only one.
    pub(super) fn host(&self, line: &AccessLine<'_>) -> Option<&[u8]> {
        let mut hosts = self.of(line).filter_map(|entry| entry.host.as_deref());
        let first = hosts.next()?;
        hosts.all(|host| host == first).then_some(first)
    }

    /// This request is done: its errors belong to no other.
    pub(super) fn forget(&mut self, line: &AccessLine<'_>) {
        if self.entries.is_empty() {
            return;
        }
        let request = digest(line.client.bytes(), line.method.bytes(), line.target.bytes());
        let before = self.entries.len();
        self.entries.retain(|entry| entry.request != request);
        if self.entries.len() < before {
            self.next = self.entries.len();
        }
    }

    fn of(&self, line: &AccessLine<'_>) -> impl Iterator<Item = &Entry> {
        let request = digest(line.client.bytes(), line.method.bytes(), line.target.bytes());
        let at = line.at;
        self.entries.iter().filter(move |entry| {
            entry.request == request
                && entry.at.zip(at).is_none_or(|(error, access)| (access - error).abs() <= LONGEST_REQUEST)
        })
    }
}

fn digest(client: &[u8], method: &[u8], target: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (client, method, target).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::logs::{ingress_nginx, nginx_error};

    fn note(recent: &mut Recent, path: &str) {
        let line = format!(
            r#"2026/11/22 10:15:01 [error] 1#1: *1 connect() failed (111: x), client: 10.0.0.1, server: a, request: "GET {path} HTTP/1.1", host: "A.b:80""#
        );
        recent.note(&nginx_error::parse(line.as_bytes()).expect("line"));
    }

    fn access(minute: u32, path: &str) -> String {
        format!(
            r#"10.0.0.1 - - [22/Nov/2026:10:{minute}:02 +0000] "GET {path} HTTP/1.1" 502 0 "-" "-" 81 0.012 [shop-web-80] [] 10.0.0.2:80 0 0.0 502 0a"#
        )
    }

    fn failed(recent: &Recent, minute: u32, path: &str) -> bool {
        recent.failed(&ingress_nginx::parse(access(minute, path).as_bytes()).expect("line"))
    }

    #[test]
    fn an_error_belongs_to_the_request_it_names() {
        let mut recent = Recent::default();
        note(&mut recent, "/a");
        assert!(failed(&recent, 15, "/a"));
        assert!(!failed(&recent, 15, "/b"));
        assert!(!failed(&recent, 25, "/a"), "ten minutes later");
        let line = access(15, "/a");
        let line = ingress_nginx::parse(line.as_bytes()).expect("line");
        assert_eq!(recent.host(&line), Some(b"a.b".as_slice()));
        recent.forget(&line);
        assert!(!failed(&recent, 15, "/a"));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut recent = Recent::default();
        for number in 0..1_000 {
            note(&mut recent, &format!("/{number}"));
            // A request without errors forgets nothing.
            recent.forget(&ingress_nginx::parse(access(15, "/x").as_bytes()).expect("line"));
        }
        assert_eq!(recent.entries.len(), ENTRIES);
        assert!(failed(&recent, 15, "/999") && failed(&recent, 15, "/900"));
        assert!(!failed(&recent, 15, "/800"));
    }
}
