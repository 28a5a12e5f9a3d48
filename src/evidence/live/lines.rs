//! Cuts a stream of bytes into lines, in constant memory whatever the lines are.

use memchr::memchr;

/// The kept part of lines that come in pieces.
pub(super) struct Lines {
    partial: Vec<u8>,
    longest: usize,
}

impl Lines {
    /// Of a longer line only the first `longest` bytes are kept.
    pub(super) fn new(longest: usize) -> Self {
        Self { partial: Vec::new(), longest }
    }

    /// Calls `each` with every line that ends in this chunk, without its line feed.
    pub(super) fn feed(&mut self, mut chunk: &[u8], each: &mut dyn FnMut(&[u8])) {
        while let Some(at) = memchr(b'\n', chunk) {
            let (line, rest) = chunk.split_at(at);
            if self.partial.is_empty() {
                each(line.get(..self.longest).unwrap_or(line));
            } else {
                self.keep(line);
                each(&self.partial);
                self.partial.clear();
            }
            chunk = rest.get(1..).unwrap_or_default();
        }
        self.keep(chunk);
    }

    /// A last line without a line feed.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(&[u8])) {
        if !self.partial.is_empty() {
            each(&self.partial);
            self.partial.clear();
        }
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = self.longest.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(piece.get(..room).unwrap_or(piece));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&str], lines: &[&str]) {
        let (mut cut, mut seen) = (Lines::new(8), Vec::new());
        let mut each = |line: &[u8]| seen.push(String::from_utf8_lossy(line).into_owned());
        for chunk in chunks {
            cut.feed(chunk.as_bytes(), &mut each);
        }
        cut.finish(&mut each);
        assert_eq!(seen, lines, "{chunks:?}");
    }

    #[test]
    fn lines_do_not_depend_on_the_chunks() {
        check(&["a\nb\n"], &["a", "b"]);
        check(&["a", "\n", "b\n"], &["a", "b"]);
        check(&["a\n\nb"], &["a", "", "b"]);
        check(&["", "\n"], &[""]);
        check(&[], &[]);
    }

    #[test]
    fn long_lines_keep_their_head() {
        check(&["0123456789\nx\n"], &["01234567", "x"]);
        check(&["01234", "56789", "abc\nx"], &["01234567", "x"]);
        check(&["0123456789"], &["01234567"]);
    }
}
