//! A spinner on standard error, for people who wait longer than a moment.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::tools::Progress;

/// Work that ends sooner shows nothing.
const MOMENT: Duration = Duration::from_millis(300);
const TURN: Duration = Duration::from_millis(100);

/// Steps shown on a terminal; unheard where standard error is none. The spinner vanishes when the last
/// holder of the progress is gone.
pub(super) fn progress() -> Progress {
    if !console_is_terminal() {
        return Progress::default();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.set_message("working");
    let spinner = Spinner(bar.clone());
    let late = bar.downgrade();
    tokio::spawn(async move {
        tokio::time::sleep(MOMENT).await;
        if let Some(bar) = late.upgrade().filter(|bar| !bar.is_finished()) {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TURN);
        }
    });
    Progress::new(move |step| match step.total {
        Some(total) => spinner.0.set_message(format!("{} ({}/{total})", step.message, step.done)),
        None => spinner.0.set_message(step.message),
    })
}

fn console_is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr())
}

/// Clears the line when it goes.
struct Spinner(ProgressBar);

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
