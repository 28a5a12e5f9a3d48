//! A network of its own: the suite runs itself again in a new network namespace, in which the addresses of
//! pods, and those of Services that lead somewhere, are addresses of `lo`. Nothing that is sent can leave it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Says that this process is in its own network already.
const INSIDE: &str = "ROUTECAUSE_ORACLES_INSIDE";
/// Sets the addresses up, then becomes the program that follows.
const SETUP: &str = "ip link set lo up && ip address add 10.1.0.1/16 dev lo \
                     && ip address add 10.0.0.129/25 dev lo && exec \"$@\"";

/// Goes on in a network of its own, or says why it cannot. Returns only in the former case.
pub(crate) fn enter() -> Result<(), String> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let command = |user: &[&str]| {
        let mut command = Command::new("unshare");
        command.arg("--net").args(user).args(["--", "sh", "-c", SETUP, "sh"]);
        command
    };
    let able = |user: &[&str]| {
        let tried = command(user).arg("true").stdin(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let Some(user) = [&[][..], &["--map-root-user"]].into_iter().find(|user| able(user)) else {
        return Err("no network namespace can be made; it takes `unshare`, `ip`, and the right to".to_owned());
    };
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let arguments = std::env::args_os().skip(1);
    Err(command(user).arg(program).args(arguments).env(INSIDE, "1").exec().to_string())
}
