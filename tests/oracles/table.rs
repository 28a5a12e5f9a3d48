//! The table of what agrees with what: `docs/oracles.md`.

use std::sync::{Mutex, PoisonError};

use routecause::model::controller::ControllerKind;

static ROWS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// One model, held to one source of answers.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) model: ControllerKind,
    pub(crate) source: String,
    pub(crate) cases: usize,
    pub(crate) differing: usize,
    /// Of the cases: the model says that the choice is not determined.
    pub(crate) undetermined: usize,
}

impl Row {
    /// Puts it into the table, and prints it.
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    pub(crate) fn add(&self) {
        let Self { model, source, cases, differing, undetermined } = self;
        let agreement = 100.0 * (cases - differing) as f64 / (*cases).max(1) as f64;
        let row =
            format!("| `{model}` | {source} | {cases} | {differing} | {undetermined} | {agreement:.2} % |");
        println!("{row}");
        ROWS.lock().unwrap_or_else(PoisonError::into_inner).push(row);
    }
}

/// The whole table; written to the file that `ROUTECAUSE_ORACLE_TABLE` names.
pub(crate) fn write() {
    let mut rows = std::mem::take(&mut *ROWS.lock().unwrap_or_else(PoisonError::into_inner));
    if rows.is_empty() {
        return;
    }
    rows.sort();
    let head = "| model | answered by | requests | differ | not determined | agreement |\n|---|---|---:|---:|---:|---:|";
    let table = format!("{head}\n{}\n", rows.join("\n"));
    println!("{table}");
    if let Some(file) = std::env::var_os("ROUTECAUSE_ORACLE_TABLE") {
        std::fs::write(file, table).expect("a file");
    }
}
