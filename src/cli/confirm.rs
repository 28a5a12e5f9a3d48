//! Asking at the terminal.

use std::io::{IsTerminal, Write};

use futures::future::BoxFuture;

use crate::tools::Confirmation;
use crate::tools::call::Ask;

/// The person at the terminal, where there is one.
pub(super) struct Terminal;

impl Ask for Terminal {
    fn ask<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Confirmation> {
        let question = format!("{what}\nGo ahead? [y/N] ");
        Box::pin(async move {
            tokio::task::spawn_blocking(move || put(&question)).await.unwrap_or(Confirmation::NobodyThere)
        })
    }
}

fn put(question: &str) -> Confirmation {
    let (input, mut screen) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !screen.is_terminal() {
        return Confirmation::NobodyThere;
    }
    let mut answer = String::new();
    let asked = screen.write_all(question.as_bytes()).and_then(|()| screen.flush());
    if asked.is_err() || input.read_line(&mut answer).is_err() {
        return Confirmation::NobodyThere;
    }
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Confirmation::Yes,
        _ => Confirmation::No("the answer was no"),
    }
}
