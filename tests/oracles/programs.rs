//! The programs that are asked: fetched by `fetch` into the cache, or installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program of `fetch`, where it is there; else how to get it.
pub(crate) fn fetched(name: &str) -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/fetch");
    let output = Command::new("bash")
        .arg(script)
        .args(["--cached", name])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !line.is_empty() {
        return Ok(PathBuf::from(line));
    }
    Err(format!("no {name}; `bash tests/oracles/fetch {name}` gets it"))
}
