//! The logs of a capture: of the controllers' pods and of the pods behind Services that Ingresses name,
//! the previous run of a container too where there was one. Of a capture, all that it holds.
//!
//! Of a log that is larger than a capture takes, the newest part is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::about::ListError;
use super::super::write::WriteError;
use super::objects::Seen;
use super::{Taking, homes};
use crate::model::gap::Why;
use crate::model::log::LogStream;
use crate::model::object::Name;
use crate::model::snapshot::Snapshot;

/// The most that is kept of one controller's log, and of one backend's.
const MOST_OF_CONTROLLER: usize = 128 << 20;
const MOST_OF_BACKEND: usize = 4 << 20;
/// The most pods behind Services whose logs are read.
const MOST_BACKENDS: usize = 100;

impl Taking<'_> {
    pub(super) async fn logs(&mut self, snapshot: &Snapshot, seen: &Seen) -> Result<(), WriteError> {
        let streams = self.streams(snapshot, seen);
        let total = streams.len();
        // Namespaces whose logs are refused, so that they are asked for once.
        let mut refused: BTreeSet<String> = BTreeSet::new();
        for (number, (stream, most)) in (1_usize..).zip(streams) {
            if refused.contains(&stream.namespace) {
                continue;
            }
            (self.say)(&format!("reading logs, {number} of {total}"));
            match self.log(&stream, most).await? {
                None => {}
                Some(why @ Why::Forbidden { .. }) => {
                    refused.insert(stream.namespace.clone());
                    self.miss(ListError::new(super::super::about::LOGS, stream.namespace, &why));
                }
                Some(why) => self.miss(ListError::of_log(&stream, &why)),
            }
        }
        Ok(())
    }

    /// Reads and writes one log; why not, or not all of it.
    async fn log(&mut self, stream: &LogStream, most: usize) -> Result<Option<Why>, WriteError> {
        let mut kept = Newest { most, ..Newest::default() };
        self.clean.next_log();
        let clean = &mut *self.clean;
        let mut each = |line: &[u8]| kept.push(&clean.line(line));
        // What a capture holds of a log is taken whole.
        let since = self.cluster.live().map(|_| self.wanted.since);
        let read = match self.cluster.read_log(stream, since, &mut each).await {
            Ok(read) => read,
            Err(why) => return Ok(Some(why)),
        };
        let cut = read.cut.or_else(|| {
            (kept.dropped > 0)
                .then(|| Why::TooMuch { limit: format!("the newest {} MiB of one log", most >> 20) })
        });
        let bytes = kept.bytes();
        if !self.writer.fits(bytes.len()) {
            return Ok(Some(Why::TooMuch { limit: "the size of a capture".to_owned() }));
        }
        let LogStream { namespace, pod, container, previous } = stream;
        let previous = if *previous { "-previous" } else { "" };
        match self.writer.put(&format!("logs/{namespace}/{pod}/{container}{previous}.log"), &bytes) {
            Ok(()) => {
                self.taken.logs += 1;
                self.taken.log_bytes += bytes.len() as u64;
                Ok(cut)
            }
            // A name that no pod can have.
            Err(WriteError::Name { name }) => Ok(Some(Why::Malformed { detail: name })),
            Err(error) => Err(error),
        }
    }

    fn streams(&self, snapshot: &Snapshot, seen: &Seen) -> BTreeMap<LogStream, usize> {
        let homes = homes(snapshot);
        let mut streams = BTreeMap::new();
        if let Some(capture) = self.cluster.capture() {
            let wanted = capture.streams().filter(|stream| self.wanted.takes(&stream.namespace, &homes));
            streams.extend(wanted.map(|stream| (stream.clone(), MOST_OF_CONTROLLER)));
            return streams;
        }
        let mut add = |pod: &Name, only: Option<&str>, most: usize| {
            for ran in seen.pods.get(pod).into_iter().flatten() {
                if only.is_some_and(|only| only != ran.container) {
                    continue;
                }
                for previous in [false, true].into_iter().filter(|previous| !previous || ran.restarted) {
                    let stream = LogStream {
                        namespace: pod.namespace.clone(),
                        pod: pod.name.clone(),
                        container: ran.container.clone(),
                        previous,
                    };
                    streams.entry(stream).or_insert(most);
                }
            }
        };
        for controller in &snapshot.controllers {
            for pod in &controller.pods {
                let pod = Name::new(&controller.workload.name.namespace, pod);
                add(&pod, Some(&controller.container), MOST_OF_CONTROLLER);
            }
        }
        let backends: BTreeSet<Name> = seen
            .services
            .iter()
            .filter_map(|service| Some((service, seen.behind.get(service)?)))
            .flat_map(|(service, pods)| pods.iter().map(|pod| Name::new(&service.namespace, pod)))
            .collect();
        for pod in backends.iter().take(MOST_BACKENDS) {
            add(pod, None, MOST_OF_BACKEND);
        }
        streams
    }
}

/// The newest lines of a log.
#[derive(Default)]
struct Newest {
    most: usize,
    lines: VecDeque<Vec<u8>>,
    size: usize,
    dropped: u64,
}

impl Newest {
    fn push(&mut self, line: &[u8]) {
        // Lines are gathered in blocks: a log has millions.
        match self.lines.back_mut() {
            Some(block) if block.len() + line.len() < BLOCK => {
                block.extend_from_slice(line);
                block.push(b'\n');
            }
            Some(_) | None => {
                let mut block = Vec::with_capacity(BLOCK.max(line.len() + 1));
                block.extend_from_slice(line);
                block.push(b'\n');
                self.lines.push_back(block);
            }
        }
        self.size += line.len() + 1;
        while self.most < self.size
            && self.lines.len() > 1
            && let Some(oldest) = self.lines.pop_front()
        {
            self.size -= oldest.len();
            self.dropped += oldest.len() as u64;
        }
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size);
        for block in self.lines {
            bytes.extend_from_slice(&block);
        }
        bytes
    }
}

/// Lines are let go by the block.
const BLOCK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_newest_lines_are_kept() {
        let mut kept = Newest { most: 300_000, ..Newest::default() };
        for number in 0..20_000 {
            kept.push(format!("line {number} of this log, padded").as_bytes());
        }
        assert!(kept.dropped > 0);
        let text = String::from_utf8(kept.bytes()).expect("text");
        assert!(text.len() <= 300_000 && text.len() > 200_000, "{}", text.len());
        assert!(text.starts_with("line ") && text.ends_with("line 19999 of this log, padded\n"));
    }

    #[test]
    fn a_short_log_is_kept_whole() {
        let mut kept = Newest { most: 100, ..Newest::default() };
        for line in ["a", "b", ""] {
            kept.push(line.as_bytes());
        }
        assert_eq!((kept.dropped, kept.bytes()), (0, b"a\nb\n\n".to_vec()));
    }
}
