//! The program: command line in, exit code out.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use routecause::cli::{self, CliError};
use routecause::tools;

fn main() -> ExitCode {
    let outcome = run().unwrap_or_else(|error| {
        report(&format!("{error:#}"));
        cli::EXIT_FAILURE
    });
    ExitCode::from(outcome)
}

fn run() -> anyhow::Result<u8> {
    let invocation = match cli::parse(std::env::args_os(), tools::registry()) {
        Ok(invocation) => invocation,
        Err(error) => return Ok(ended(&error)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(invocation.run());
    // A read of standard input that nobody waits for any more must not keep the program alive.
    runtime.shutdown_background();
    Ok(outcome.unwrap_or_else(|error| ended(&error)))
}

/// Tells what went wrong, in its own words, and gives the exit code for it.
fn ended(error: &CliError) -> u8 {
    match error {
        // Help goes to standard output, complaints to standard error; clap knows which is which.
        CliError::Usage(usage) => drop(usage.print()),
        other => report(&other.to_string()),
    }
    error.exit_code()
}

/// Writes to standard error; there is nobody to tell when that fails.
fn report(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}
