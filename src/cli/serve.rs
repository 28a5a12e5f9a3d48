//! `routecause serve`: MCP over standard input and output, or over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::CliError;
use crate::config::Global;
use crate::server::http::{self, BearerToken, HttpSettings};
use crate::server::{Seal, Server, stdio};
use crate::telemetry::{self, LogFormat};
use crate::tools::{Entry, Toolbox};

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Serve Streamable HTTP at /mcp on this address instead of standard input and output.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:8765")]
    http: Option<SocketAddr>,
    /// File with the token that HTTP clients must show; required beyond this machine.
    #[arg(long, value_name = "PATH", requires = "http")]
    bearer_token_file: Option<PathBuf>,
    /// Origin of a web page that may call the server, such as https://chat.example.com; repeatable.
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allow_origin: Vec<String>,
    /// Name that clients may call the server by, such as routecause.tools.svc; repeatable.
    #[arg(long, value_name = "HOST", requires = "http")]
    allow_host: Vec<String>,
    /// File with 32 bytes or more that replicas share, so that one may ask and another hear the answer.
    #[arg(long, value_name = "PATH", requires = "http")]
    seal_key_file: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

pub(super) async fn run(flags: Flags, global: &Global, tools: &'static [Entry]) -> Result<u8, CliError> {
    telemetry::init(telemetry::SERVER_FILTER, flags.log_format);
    let toolbox = Toolbox::new(global.settings());
    let seal = match &flags.seal_key_file {
        Some(path) => Seal::with_key(&read(path)?)?,
        None => Seal::random()?,
    };
    let server = Server::new(toolbox, tools, seal);
    let Some(address) = flags.http else {
        stdio::serve(server).await?;
        return Ok(0);
    };
    let token = match &flags.bearer_token_file {
        Some(path) => {
            let text = String::from_utf8_lossy(&read(path)?).into_owned();
            let token = BearerToken::parse(&text)
                .map_err(|error| CliError::Flags(format!("{}: {error}", path.display())))?;
            Some(token)
        }
        None => None,
    };
    let settings = HttpSettings { address, hosts: flags.allow_host, origins: flags.allow_origin, token };
    let listener = http::listen(&settings).await?;
    tracing::info!(address = %listener.local_addr()?, "serving MCP at /mcp");
    http::serve(server, settings, listener, stop_signal()?).await?;
    Ok(0)
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|error| CliError::Flags(format!("cannot read {}: {error}", path.display())))
}

/// Cancelled by Ctrl-C, or by what ends a container.
fn stop_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    #[cfg(unix)]
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        let interrupted = tokio::signal::ctrl_c();
        #[cfg(unix)]
        tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = interrupted.await;
        tracing::info!("stopping");
        told.cancel();
    });
    Ok(stop)
}
