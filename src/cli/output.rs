//! Printing a result: the only writer to standard output outside the protocol.

use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;

use crate::config::Format;
use crate::tools::Reply;

/// Prints an answer; a reader that went away is no error.
pub(super) fn print(reply: &Reply, title: &str, format: Format, color: ColorChoice) -> io::Result<()> {
    let choice = match color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    let mut out = AutoStream::new(io::stdout(), choice).lock();
    let written = write(&mut out, reply, title, format).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn write(out: &mut impl Write, reply: &Reply, title: &str, format: Format) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &reply.structured)?;
            writeln!(out)
        }
        Format::Markdown => {
            let fence = fence(&reply.text);
            writeln!(out, "### {title}\n\n{fence}text\n{}\n{fence}", reply.text.trim_end())
        }
        Format::Text => reply.text.lines().enumerate().try_for_each(|(at, line)| {
            let style = style(at, line);
            writeln!(out, "{style}{line}{style:#}")
        }),
    }
}

/// The verdict stands first and is bold; the closing lines are known by their first word.
fn style(at: usize, line: &str) -> Style {
    if at == 0 {
        Style::new().bold()
    } else if line.starts_with("Next: ") {
        AnsiColor::Cyan.on_default()
    } else if line.starts_with("Not seen: ") {
        AnsiColor::Yellow.on_default()
    } else {
        Style::new()
    }
}

/// A fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(text: &str, format: Format) -> String {
        let reply =
            Reply { structured: json!({"b": 1, "a": [2]}), text: text.to_owned(), images: Vec::new() };
        let mut out = Vec::new();
        write(&mut out, &reply, "Match a path", format).expect("written");
        anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string()
    }

    #[test]
    fn each_format_prints_its_half() {
        assert_eq!(printed("routed\nNext: x", Format::Text), "routed\nNext: x\n");
        assert_eq!(printed("routed", Format::Json), "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}\n");
        assert_eq!(printed("routed", Format::Markdown), "### Match a path\n\n```text\nrouted\n```\n");
    }

    #[test]
    fn text_cannot_close_its_markdown_fence() {
        let out = printed("a\n````\nb", Format::Markdown);
        assert!(out.contains("`````text\na\n````\nb\n`````\n"), "{out}");
    }
}
