use std::path::PathBuf;
use std::time::Duration;

use routecause::evidence::live::{Live, LiveOptions, Probes};

use crate::support::api_server::{ApiServer, Reply, Seen};

mod answers;
mod connecting;
mod gateways;
mod listing;
mod logs;
mod probing;
mod replaying;

/// Short deadlines, so that tests of slowness are not slow.
fn options(kubeconfig: PathBuf) -> LiveOptions {
    LiveOptions {
        kubeconfig: Some(kubeconfig),
        connect: Duration::from_secs(2),
        read: Duration::from_secs(2),
        plugin: Duration::from_secs(5),
        stream: Duration::from_secs(2),
        probes: Probes { direct: true, port_forward: true, exec: true },
        ..LiveOptions::default()
    }
}

/// A server, and the live source that looks at it.
async fn live(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (ApiServer, Live) {
    let server = ApiServer::start(answer).await;
    let live = Live::connect(&options(server.kubeconfig("token: t0ken"))).await.expect("live");
    (server, live)
}
