//! Every tool as a command: same parameters, same answer.

use clap::{ArgMatches, Command};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{CliError, arguments, confirm, output, spinner};
use crate::config::Global;
use crate::tools::{Call, Confirmer, Entry, Toolbox};

/// The command of a tool: its name with dashes; with underscores it works too.
pub(super) fn command(entry: &Entry) -> Command {
    let name = command_name(entry);
    let alias = (name != entry.name).then_some(entry.name);
    let command = Command::new(name).aliases(alias).about(entry.description);
    let command = arguments::declare(command, &entry.input_schema);
    match entry.name {
        "match_path" => command.mut_arg("ingress", |flag| flag.visible_alias("all-urls-of")),
        _ => command,
    }
}

fn command_name(entry: &Entry) -> String {
    entry.name.replace('_', "-")
}

pub(super) fn find(tools: &'static [Entry], command: &str) -> Option<&'static Entry> {
    tools.iter().find(|entry| command_name(entry) == command)
}

pub(super) async fn run(entry: &Entry, matches: &ArgMatches, global: &Global) -> Result<u8, CliError> {
    let toolbox = Toolbox::new(global.settings());
    let arguments = arguments::collect(&entry.input_schema, matches, global);
    let call = Call {
        progress: spinner::progress(),
        cancelled: on_interrupt(),
        confirm: Confirmer::new(confirm::Terminal),
    };
    let reply = entry.call(&toolbox, arguments, &call).await?;
    // The spinner is gone with the call, before anything is printed.
    drop(call);
    output::print(&reply, entry.title, global.format, global.color)?;
    Ok(exit_code(entry.name, &reply.structured))
}

/// The exit code of an answer. A verdict is news for a script: `diagnose` ends with 1 when it found
/// one, with 2 when it could not tell, and with 0 when the URL is healthy or routing is not to blame.
fn exit_code(tool: &str, structured: &Value) -> u8 {
    if tool != "diagnose" {
        return 0;
    }
    match structured.pointer("/verdict/code").and_then(Value::as_str) {
        Some("HEALTHY" | "NOT_A_404" | "APP_ROUTE_MISSING") => 0,
        Some("INSUFFICIENT_EVIDENCE") | None => super::EXIT_FAILURE,
        Some(_) => 1,
    }
}

/// Cancelled by Ctrl-C, or by what ends a container.
pub(super) fn on_interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let told = token.clone();
    #[cfg(unix)]
    let terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    tokio::spawn(async move {
        #[cfg(unix)]
        if let Ok(mut terminated) = terminated {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return told.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            told.cancel();
        }
    });
    token
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_url_of_an_ingress_is_asked_for_by_either_flag() {
        let tools = crate::tools::registry();
        let entry = find(tools, "match-path").expect("the tool");
        for flag in ["--ingress", "--all-urls-of"] {
            let matches = command(entry).try_get_matches_from(["match-path", flag, "shop/web"]).expect(flag);
            let ingress = matches.get_one::<String>("ingress").map(String::as_str);
            assert_eq!(ingress, Some("shop/web"), "{flag}");
        }
    }

    #[test]
    fn a_verdict_decides_the_exit_code() {
        for (tool, code, exit) in [
            ("diagnose", "HEALTHY", 0),
            ("diagnose", "NOT_A_404", 0),
            ("diagnose", "APP_ROUTE_MISSING", 0),
            ("diagnose", "CLASS_MISSING", 1),
            ("diagnose", "INSUFFICIENT_EVIDENCE", 2),
            ("match_path", "CLASS_MISSING", 0),
        ] {
            assert_eq!(exit_code(tool, &json!({"verdict": {"code": code}})), exit, "{tool} {code}");
        }
    }
}
