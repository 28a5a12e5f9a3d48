//! The last requests that the proxy's error log told of, to be matched with the access lines that
//! follow: the error log knows the host, and that an upstream attempt failed.
//!
//! nginx writes the error while it works on the request and the access line when it is done, so the
//! error stands first; both name client and request line.

use std::hash::{DefaultHasher, Hash, Hasher};

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
    failed: bool,
    /// Without port, lower case.
    host: Option<Box<[u8]>>,
}

const ENTRIES: usize = 128;

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
        let entry =
            Entry { request: digest(client, method, target), failed: line.kind.is_upstream_failure(), host };
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

    fn of(&self, line: &AccessLine<'_>) -> impl Iterator<Item = &Entry> {
        let request = digest(line.client.bytes(), line.method.bytes(), line.target.bytes());
        self.entries.iter().filter(move |entry| entry.request == request)
    }
}

fn digest(client: &[u8], method: &[u8], target: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (client, method, target).hash(&mut hasher);
    hasher.finish()
}
