//! `routecause capture`: what every tool would read, as a folder or an archive that answers later.
//!
//! Secrets are taken out unless `--redact=false`. Nothing is written outside the target, and an
//! interrupted capture leaves nothing behind.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Duration, Utc};
use clap::{ArgAction, Args};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{CliError, tool};
use crate::config::Global;
use crate::evidence::capture::Capture;
use crate::evidence::capture::take::{self, AsItIs, Clean, Taken, Wanted};
use crate::evidence::capture::write::Writer;
use crate::report::redact::lines::LineCleaner;
use crate::report::redact::object::ObjectCleaner;
use crate::report::text::Text;
use crate::telemetry::{self, LogFormat};
use crate::tools::{FailureCode, Settings, Source, ToolFailure, Toolbox};

/// How far back logs are taken: as far as the tools look when nothing says otherwise.
const SINCE: Duration = Duration::hours(6);

/// Flags of `capture`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// A new folder, or a new file that ends in .tgz.
    #[arg(long, short, value_name = "TARGET")]
    output: PathBuf,
    /// How far back logs are taken, such as 90m, 6h or 2d, or a time such as 2026-11-22T10:00:00Z; 6h when not given.
    #[arg(long, value_name = "SINCE", value_parser = since)]
    since: Option<Since>,
    /// Take secrets out: passwords, tokens, keys, cookies, in objects, logs and probes.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
          default_value_t = true, default_missing_value = "true")]
    redact: bool,
    /// An earlier capture: what differs from it since becomes history that correlate-changes reads.
    #[arg(long, value_name = "EARLIER")]
    onto: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Ago(Duration),
    At(DateTime<Utc>),
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::At(at.to_utc()));
    }
    let wrong = || "write it like 90m, 6h, 2d or 2026-11-22T10:00:00Z".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u32>().ok()).ok_or_else(wrong)?;
    let number = i64::from(number);
    match unit {
        's' => Some(Duration::seconds(number)),
        'm' => Some(Duration::minutes(number)),
        'h' => Some(Duration::hours(number)),
        'd' => Some(Duration::days(number)),
        _ => None,
    }
    .map(Since::Ago)
    .ok_or_else(wrong)
}

/// Takes secrets out of everything that is written.
#[derive(Default)]
struct Redacting {
    objects: ObjectCleaner,
    lines: LineCleaner,
}

impl Clean for Redacting {
    fn object(&mut self, object: &mut Value) {
        self.objects.clean(object);
    }

    fn next_log(&mut self) {
        self.lines = LineCleaner::default();
    }

    fn line<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]> {
        self.lines.clean(line)
    }
}

pub(super) async fn run(flags: Flags, global: &Global) -> Result<u8, CliError> {
    telemetry::init(telemetry::COMMAND_FILTER, LogFormat::Text);
    let stop = tool::on_interrupt();
    let taken = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(interrupted()),
        taken = taken(&flags, global, &stop) => taken?,
    };
    say(&summary(&flags.output, &taken));
    Ok(0)
}

async fn taken(flags: &Flags, global: &Global, stop: &CancellationToken) -> Result<Taken, CliError> {
    // The target first: nobody waits for a capture that cannot be written.
    let mut writer = Writer::create(&flags.output)?;
    let settings = global.settings();
    let namespaces = settings.namespace.iter().cloned().collect();
    let toolbox = Toolbox::new(Settings { namespace: None, since_capture: None, ..settings });
    let cluster = toolbox.open().await?;
    let earlier = match &flags.onto {
        Some(path) => {
            let toolbox =
                Toolbox::new(Settings { source: Source::Capture(path.clone()), ..Settings::default() });
            Some(toolbox.open().await?)
        }
        None => None,
    };
    let since = match flags.since.unwrap_or(Since::Ago(SINCE)) {
        Since::At(at) => at,
        Since::Ago(ago) => cluster.now() - ago,
    };
    let wanted = Wanted { since, namespaces };
    let mut redacting = Redacting::default();
    let clean: &mut dyn Clean = if flags.redact { &mut redacting } else { &mut AsItIs };
    let earlier: Option<&Capture> = earlier.as_ref().and_then(|cluster| cluster.capture());
    let taken = take::take(&cluster, &wanted, &mut writer, clean, earlier, &say).await?;
    if stop.is_cancelled() {
        return Err(interrupted());
    }
    if taken.objects.values().all(|count| *count == 0) {
        return Err(ToolFailure::new(
            FailureCode::Forbidden,
            "nothing could be read, so there is nothing to capture",
            "call routecause doctor to see which rights are missing",
        )
        .into());
    }
    writer.finish()?;
    Ok(taken)
}

fn interrupted() -> CliError {
    ToolFailure::new(
        FailureCode::Cancelled,
        "the capture was interrupted, and nothing of it is left",
        "start it again when it is wanted",
    )
    .into()
}

fn summary(target: &Path, taken: &Taken) -> String {
    let Taken { objects, logs, log_bytes, versions, errors } = taken;
    let objects: usize = objects.values().sum();
    let mut text = format!(
        "{}: {objects} objects, {logs} logs ({} KiB), {versions} past versions",
        target.display(),
        log_bytes.div_ceil(1024)
    );
    let refused: Vec<_> =
        errors.iter().filter(|error| !matches!(&*error.reason, "NotCaptured" | "NotInstalled")).collect();
    for error in refused.iter().take(10) {
        let place = if error.namespace.is_empty() { "all namespaces" } else { &error.namespace };
        let name = if error.name.is_empty() { String::new() } else { format!(" {}", error.name) };
        let line =
            format!("not seen: {}{name} in {place}: {} {}", error.resource, error.reason, error.message);
        text.push('\n');
        text.push_str(Text::new(&line).as_str());
    }
    if let Some(more) = refused.len().checked_sub(10).filter(|more| *more > 0) {
        text.push_str(&format!("\nand {more} more; all are in capture.json"));
    }
    text.push_str(&format!("\nNext: routecause --capture {} diagnose URL", target.display()));
    text
}

/// Progress goes to standard error, line by line; there is nobody to tell when that fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_durations_are_read() {
        for (text, expected) in [
            ("90m", Some(Since::Ago(Duration::minutes(90)))),
            ("6h", Some(Since::Ago(Duration::hours(6)))),
            ("2d", Some(Since::Ago(Duration::days(2)))),
            ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z".parse().ok().map(Since::At)),
            ("yesterday", None),
            ("6", None),
            ("", None),
            ("-1h", None),
        ] {
            assert_eq!(since(text).ok(), expected, "{text:?}");
        }
    }
}
