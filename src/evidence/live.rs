//! A live cluster: the only code that talks to an API server, or through one into a pod.
//!
//! Everything here reads. A guard in front of the HTTP client refuses what is no read, and everything
//! about Secrets (`live/guard.rs`). Every call ends: by its answer, its deadline, or by being dropped,
//! which stops the work upstream too.
//!
//! Failures are [`Why`]s: reasons of gaps, never findings. "Not there" is only said by a server that
//! answered for the object's own kind.
//!
//! Sources: kube-client 5.0.0; behaviour of kube-apiserver 1.36 as measured.

mod access_review;
mod clients;
mod connect_error;
mod exec;
mod failure;
mod fault;
mod forward;
mod guard;
mod http_probe;
mod kubeconfig;
mod lines;
mod list;
mod log;
mod path;
mod plugin;
mod pod_stream;
mod proxy;
mod recorded_tls;
mod redact;
mod refusal;
mod replay;
mod served;
mod transport;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use connect_error::ConnectError;
pub use exec::{ExecLimits, ExecOutput};
pub use fault::{Fault, TlsFault};
pub use guard::Probes;
pub use http_probe::{HttpAnswer, ProbeLimits};
pub use pod_stream::PodFault;
pub use replay::RawReplay;

use crate::model::gap::Why;
use access_review::Reviews;
use clients::{Access, Identity};
use failure::Failure;
use guard::Load;
use kubeconfig::Environment;
use refusal::About;
use served::Served;
use transport::{Call, Transport};

/// How to reach a cluster.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// The one file to read, instead of those kubectl would.
    pub kubeconfig: Option<PathBuf>,
    /// Instead of the current context.
    pub context: Option<String>,
    /// For a connection to be made.
    pub connect: Duration,
    /// For one request and its whole answer.
    pub read: Duration,
    /// For a login plugin.
    pub plugin: Duration,
    /// For the reading of one log.
    pub stream: Duration,
    pub probes: Probes,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            connect: Duration::from_secs(5),
            read: Duration::from_secs(15),
            plugin: Duration::from_secs(10),
            stream: Duration::from_secs(15),
            probes: Probes::default(),
        }
    }
}

/// One cluster, seen as one identity.
pub struct Live {
    transport: Transport,
    identity: Identity,
    reviews: Reviews,
    served: Served,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Live {
    /// Reads the kubeconfig, logs in and builds the clients. The API server is not asked anything yet:
    /// see [`Live::reach`].
    ///
    /// # Errors
    /// When there is no usable kubeconfig, context or credential.
    pub async fn connect(options: &LiveOptions) -> Result<Self, ConnectError> {
        let (access, identity) =
            Access::open(options, Environment::read(), Arc::new(Load::default())).await?;
        let transport = Transport::new(access, identity.server.clone());
        Ok(Self { transport, identity, reviews: Reviews::default(), served: Served::default() })
    }

    /// The names of the contexts, sorted, and the current one. Both are empty in a pod.
    ///
    /// # Errors
    /// When there is no usable kubeconfig.
    pub fn contexts(kubeconfig: Option<&Path>) -> Result<(Vec<String>, Option<String>), ConnectError> {
        kubeconfig::contexts(kubeconfig, &Environment::read())
    }

    /// The kubeconfig files that a connection is made from, those that exist.
    #[must_use]
    pub fn kubeconfigs(kubeconfig: Option<&Path>) -> Vec<PathBuf> {
        let mut files = kubeconfig::candidates(kubeconfig, &Environment::read());
        files.retain(|file| file.exists());
        files
    }

    /// Asks the API server for its version: the cheapest proof that it can be talked to.
    ///
    /// # Errors
    /// When it cannot, with what to do.
    pub async fn reach(&self) -> Result<String, ConnectError> {
        let Identity { context, server, plugin, .. } = &self.identity;
        self.fetch_version()
            .await
            .map_err(|failure| failure.connect_error(context, server, plugin.as_deref()))
    }

    /// The API server's version, such as `v1.36.2`.
    ///
    /// # Errors
    /// When the server gives no answer to that.
    pub async fn version(&self) -> Result<String, Why> {
        self.fetch_version().await.map_err(|failure| failure.why(&version_about(), &self.identity.server))
    }

    async fn fetch_version(&self) -> Result<String, Failure> {
        let body = self.transport.fetch(&Call::get("/version".to_owned())).await?;
        let version: Value = transport::decode(&body)?;
        match version.get("gitVersion").and_then(Value::as_str) {
            Some(version) => Ok(redact::clean(version)),
            None => Err(Failure::Undecodable { detail: "no gitVersion in /version".to_owned() }),
        }
    }

    /// The name of the context; `in-cluster` in a pod.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.identity.context
    }

    /// The API server as `host:port`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.identity.server
    }

    /// The namespace of the context.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.identity.namespace
    }

    /// Requests sent to the API server so far, and bytes of answers read.
    #[must_use]
    pub fn requests(&self) -> (u64, u64) {
        self.transport.access().load().totals()
    }

    fn why(&self, failure: &Failure, about: &About) -> Why {
        failure.why(about, &self.identity.server)
    }
}

fn version_about() -> About {
    About { verb: "get", group: "", resource: "/version".to_owned(), namespace: None }
}
