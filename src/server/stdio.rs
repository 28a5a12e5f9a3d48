//! MCP over standard input and output. Nothing but protocol messages goes to standard output.

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;

use super::Server;

/// Serves until standard input ends; calls under way are answered first.
///
/// # Errors
/// When the streams break.
pub async fn serve(server: Server) -> std::io::Result<()> {
    match server.serve(rmcp::transport::stdio_pipes()).await {
        Ok(running) => {
            running.waiting().await.map_err(std::io::Error::other)?;
            Ok(())
        }
        // A client that leaves before it says anything has done nothing wrong.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(std::io::Error::other(error)),
    }
}
