//! Builds the HTTP clients of one context, and builds them again when their credentials end.
//!
//! Two clients stand on one configuration: *unary* with a read timeout, *streaming* without one (logs,
//! watches, exec, port-forward; their deadlines are the callers'). Both retry nothing by themselves:
//! kube's default is up to fifteen rounds without a bound.
//!
//! Credentials are renewed (kubeconfig read again, plugin run again) a minute before they end, and once
//! when the server says 401. The context chosen at the start stays chosen, whatever `current-context`
//! becomes meanwhile.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use http::header::USER_AGENT;
use http::{HeaderValue, Uri};
use k8s_openapi::ByteString;
use kube::client::ClientBuilder;
use kube::config::{Cluster, KubeconfigError, LoadDataError};
use kube::{Client, Config};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tower::filter::FilterLayer;

use super::LiveOptions;
use super::connect_error::ConnectError;
use super::guard::{self, Load};
use super::kubeconfig::{self, Context, Environment, Source};
use super::{plugin, proxy, redact};

/// How long a renewal after a 401 is not tried again.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);
/// How long before their end credentials are renewed.
const RENEWAL_LEAD: TimeDelta = TimeDelta::seconds(60);
/// How long any credentials are used at least, so that short-lived ones do not mean a login per request.
const SHORTEST_USE: TimeDelta = TimeDelta::seconds(5);
/// Token files are rotated in place; client-go reads them again every minute.
const TOKEN_FILE_LIFE: TimeDelta = TimeDelta::seconds(120);

pub(super) const USER_AGENT_VALUE: &str = concat!("routecause/", env!("CARGO_PKG_VERSION"));

/// The clients of one context, while its credentials last.
pub(super) struct Clients {
    pub unary: Client,
    pub streaming: Client,
    config: Config,
    renew_at: Option<DateTime<Utc>>,
    /// When these were built because the server rejected the ones before.
    after_rejection: Option<Instant>,
}

/// Who and where: fixed for the life of a connection.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub context: String,
    pub namespace: String,
    /// `host:port`, for messages.
    pub server: String,
    pub plugin: Option<String>,
}

/// Hands out the clients, renewing them as needed.
pub(super) struct Access {
    options: LiveOptions,
    environment: Environment,
    load: Arc<Load>,
    current: Mutex<Arc<Clients>>,
    /// One renewal at a time; the others wait for its result.
    renewing: tokio::sync::Mutex<()>,
}

impl Access {
    /// Logs in and builds the first clients. Nothing is sent to the API server yet.
    pub(super) async fn open(
        options: &LiveOptions,
        environment: Environment,
        load: Arc<Load>,
    ) -> Result<(Self, Identity), ConnectError> {
        let mut options = options.clone();
        let (clients, identity) = build(&options, &environment, &load).await?;
        if identity.context != IN_CLUSTER {
            options.context = Some(identity.context.clone());
        }
        let access = Self {
            options,
            environment,
            load,
            current: Mutex::new(Arc::new(clients)),
            renewing: tokio::sync::Mutex::new(()),
        };
        Ok((access, identity))
    }

    pub(super) fn options(&self) -> &LiveOptions {
        &self.options
    }

    pub(super) fn load(&self) -> &Load {
        &self.load
    }

    /// Clients whose credentials have not ended.
    pub(super) async fn clients(&self) -> Result<Arc<Clients>, ConnectError> {
        let clients = self.current();
        match clients.renew_at {
            Some(at) if at <= Utc::now() => self.replace(&clients, false).await,
            Some(_) | None => Ok(clients),
        }
    }

    /// Whether other clients than the rejected ones can be tried; makes them.
    pub(super) async fn renew(&self, rejected: &Arc<Clients>) -> Result<bool, ConnectError> {
        if Arc::ptr_eq(&self.current(), rejected)
            && rejected.after_rejection.is_some_and(|at| at.elapsed() < RENEWAL_PAUSE)
        {
            return Ok(false);
        }
        self.replace(rejected, true).await.map(|_| true)
    }

    /// A client on connections of its own.
    pub(super) async fn fresh(&self, clients: &Clients) -> Result<Client, ConnectError> {
        let (config, load, options) = (clients.config.clone(), Arc::clone(&self.load), self.options.clone());
        in_background(&self.options, move || client(config, &load, &options)).await
    }

    fn current(&self) -> Arc<Clients> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn replace(&self, stale: &Arc<Clients>, rejected: bool) -> Result<Arc<Clients>, ConnectError> {
        let _one_at_a_time = self.renewing.lock().await;
        let current = self.current();
        if !Arc::ptr_eq(&current, stale) {
            return Ok(current);
        }
        let (mut clients, _) = build(&self.options, &self.environment, &self.load).await?;
        clients.after_rejection = rejected.then(Instant::now);
        let clients = Arc::new(clients);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&clients);
        Ok(clients)
    }
}

/// What stands for a context's name in a pod.
const IN_CLUSTER: &str = "in-cluster";

async fn build(
    options: &LiveOptions,
    environment: &Environment,
    load: &Arc<Load>,
) -> Result<(Clients, Identity), ConnectError> {
    let (file, wanted) = (options.kubeconfig.clone(), options.context.clone());
    let found = environment.clone();
    let source =
        in_background(options, move || kubeconfig::resolve(file.as_deref(), wanted.as_deref(), &found))
            .await?;
    let (config, identity, ends) = match source {
        Source::InCluster => in_cluster(options).await?,
        Source::Context(context) => of_context(options, environment, *context).await?,
    };
    let now = Utc::now();
    let renew_at = ends.map(|at| (at - RENEWAL_LEAD).max(now + SHORTEST_USE));
    let (load, limits) = (Arc::clone(load), options.clone());
    let clients = in_background(options, move || {
        let mut unary = config.clone();
        unary.read_timeout = Some(limits.read);
        // Else the time a pooled connection sat idle would count.
        unary.reset_reader_on_write = true;
        Ok(Clients {
            unary: client(unary, &load, &limits)?,
            streaming: client(config.clone(), &load, &limits)?,
            config,
            renew_at,
            after_rejection: None,
        })
    })
    .await
    .map_err(|error| error.in_context(&identity.context))?;
    Ok((clients, identity))
}

/// Files and TLS setup block; a network file system may do so for ever.
async fn in_background<T: Send + 'static>(
    options: &LiveOptions,
    work: impl FnOnce() -> Result<T, ConnectError> + Send + 'static,
) -> Result<T, ConnectError> {
    let failed = |detail: &str| ConnectError::Client { context: String::new(), detail: detail.to_owned() };
    match tokio::time::timeout(options.plugin, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(failed("its setup broke off")),
        Err(_) => Err(failed("the files of the kubeconfig could not be read in time")),
    }
}

async fn in_cluster(
    options: &LiveOptions,
) -> Result<(Config, Identity, Option<DateTime<Utc>>), ConnectError> {
    let mut config = in_background(options, || {
        Config::incluster()
            .map_err(|error| ConnectError::ServiceAccount { detail: redact::clean(&error.to_string()) })
    })
    .await?;
    settle(&mut config, options);
    let identity = Identity {
        context: IN_CLUSTER.to_owned(),
        namespace: config.default_namespace.clone(),
        server: authority(&config.cluster_url),
        plugin: None,
    };
    // Token and CA are files, which kube reads again every minute.
    Ok((config, identity, None))
}

async fn of_context(
    options: &LiveOptions,
    environment: &Environment,
    context: Context,
) -> Result<(Config, Identity, Option<DateTime<Utc>>), ConnectError> {
    let Context { name, namespace, cluster, mut user } = context;
    if let Some(provider) = user.auth_provider.as_ref().filter(|provider| provider.name != "oidc") {
        return Err(ConnectError::AuthProvider { context: name, provider: redact::clean(&provider.name) });
    }
    let server = server(&name, &cluster)?;
    let proxy_url = match cluster.proxy_url.as_deref().filter(|url| !url.trim().is_empty()) {
        Some(url) => proxy::parse(url).map(Some),
        None => environment.proxies.proxy_for(&server),
    }
    .map_err(|proxy| ConnectError::ProxyInvalid { proxy })?;

    let mut ends = None;
    let mut plugin_name = None;
    let has_own = user.auth_provider.is_some()
        || user.token.is_some()
        || (user.username.is_some() && user.password.is_some());
    if let Some(exec) = user.exec.take().filter(|_| !has_own) {
        plugin_name = plugin::name(&exec);
        let credential = plugin::run(&name, &exec, &cluster, options.plugin).await?;
        ends = credential.expires;
        user.token = credential.user.token;
        if credential.user.client_certificate_data.is_some() {
            user.client_certificate_data = credential.user.client_certificate_data;
            user.client_key_data = credential.user.client_key_data;
        }
    } else if let Some(path) = user.token_file.take().filter(|_| !has_own) {
        user.token = Some(token_in(Path::new(&path))?.into());
        ends = Some(Utc::now() + TOKEN_FILE_LIFE);
    }

    let mut config = Config::new(server);
    config.root_cert = authorities(&name, &cluster)?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.clone().filter(|name| !name.is_empty());
    config.proxy_url = proxy_url;
    config.auth_info = user;
    if let Some(namespace) = namespace {
        config.default_namespace = namespace;
    }
    settle(&mut config, options);
    let identity = Identity {
        context: name,
        namespace: config.default_namespace.clone(),
        server: authority(&config.cluster_url),
        plugin: plugin_name,
    };
    Ok((config, identity, ends))
}

/// What every configuration has, whatever it came from.
fn settle(config: &mut Config, options: &LiveOptions) {
    config.connect_timeout = Some(options.connect);
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE)));
}

/// The server's address; without a scheme it is https where anything speaks of TLS, as in client-go.
fn server(context: &str, cluster: &Cluster) -> Result<Uri, ConnectError> {
    let text = cluster.server.as_deref().unwrap_or_default().trim();
    let tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true);
    let absolute = if text.contains("://") {
        text.to_owned()
    } else {
        format!("{}://{text}", if tls { "https" } else { "http" })
    };
    match absolute.parse::<Uri>() {
        Ok(uri)
            if uri.host().is_some_and(|host| !host.is_empty())
                && matches!(uri.scheme_str(), Some("http" | "https")) =>
        {
            Ok(uri)
        }
        Ok(_) | Err(_) => {
            let server = redact::clean(text);
            Err(ConnectError::ServerInvalid { context: context.to_owned(), server })
        }
    }
}

/// `host:port`, without user and path.
fn authority(server: &Uri) -> String {
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("https") { 443 } else { 80 });
    format!("{}:{port}", server.host().unwrap_or_default())
}

/// The certificates of the cluster's authority, in DER; `None`: those of the system.
fn authorities(context: &str, cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, ConnectError> {
    let failed = |detail: String| ConnectError::Certificate { context: context.to_owned(), detail };
    let pem = if let Some(data) =
        cluster.certificate_authority_data.as_deref().filter(|data| !data.is_empty())
    {
        let ByteString(pem) = serde_json::from_value(serde_json::Value::String(data.trim().to_owned()))
            .map_err(|_| failed("certificate-authority-data is not base64".to_owned()))?;
        pem
    } else if let Some(path) = cluster.certificate_authority.as_deref().filter(|path| !path.is_empty()) {
        std::fs::read(path).map_err(|error| failed(format!("{path}: {}", error.kind())))?
    } else {
        return Ok(None);
    };
    let certificates: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| failed("the certificate authority is not PEM".to_owned()))?;
    if certificates.is_empty() {
        return Err(failed("the certificate authority holds no certificate".to_owned()));
    }
    Ok(Some(certificates))
}

/// The token in a file, without the line end that editors and `echo` leave.
fn token_in(path: &Path) -> Result<String, ConnectError> {
    let failed =
        |detail: &str| ConnectError::TokenFile { path: PathBuf::from(path), detail: detail.to_owned() };
    let token = std::fs::read_to_string(path).map_err(|error| failed(&error.kind().to_string()))?;
    match token.trim() {
        "" => Err(failed("it is empty")),
        token => Ok(token.to_owned()),
    }
}

fn client(config: Config, load: &Arc<Load>, options: &LiveOptions) -> Result<Client, ConnectError> {
    // Where several TLS providers are compiled in, rustls wants to be told which one is meant.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let (load, probes) = (Arc::clone(load), options.probes);
    let guard = FilterLayer::new(move |request| guard::pass(&load, probes, request));
    let builder = ClientBuilder::try_from(config).map_err(|error| build_error(&error))?;
    Ok(builder.with_layer(&guard).build())
}

fn build_error(error: &kube::Error) -> ConnectError {
    let context = String::new();
    let loading = |what: &str, error: &LoadDataError| match error {
        LoadDataError::DecodeBase64(_) => format!("{what}-data is not base64"),
        LoadDataError::ReadFile(error, path) => format!("{}: {}", path.display(), error.kind()),
        LoadDataError::NoBase64DataOrFile => format!("{what} is missing"),
    };
    match error {
        kube::Error::InferKubeconfig(KubeconfigError::LoadClientCertificate(error)) => {
            ConnectError::Certificate { context, detail: loading("client-certificate", error) }
        }
        kube::Error::InferKubeconfig(KubeconfigError::LoadClientKey(error)) => {
            ConnectError::Certificate { context, detail: loading("client-key", error) }
        }
        kube::Error::RustlsTls(error) => {
            ConnectError::Certificate { context, detail: redact::clean(&error.to_string()) }
        }
        other => ConnectError::Client { context, detail: redact::clean(&other.to_string()) },
    }
}

impl ConnectError {
    /// Fills in the context where the failing step did not know it.
    fn in_context(mut self, name: &str) -> Self {
        if let Self::Certificate { context, .. } | Self::Client { context, .. } = &mut self
            && context.is_empty()
        {
            name.clone_into(context);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(server: &str) -> Cluster {
        Cluster { server: Some(server.to_owned()), ..Cluster::default() }
    }

    #[test]
    fn a_server_without_a_scheme_is_https_where_tls_is_spoken_of() {
        let plain = server("c", &cluster("127.0.0.1:8080")).expect("server");
        assert_eq!(plain.to_string(), "http://127.0.0.1:8080/");
        let secure = Cluster { insecure_skip_tls_verify: Some(true), ..cluster("127.0.0.1:6443") };
        assert_eq!(server("c", &secure).expect("server").to_string(), "https://127.0.0.1:6443/");
        assert_eq!(
            authority(&server("c", &cluster("https://u:p@rancher.example/k8s/c-1")).expect("server")),
            "rancher.example:443"
        );
    }

    #[test]
    fn an_unusable_server_is_refused() {
        for text in ["", "https://", "ftp://a", "https://a b"] {
            assert!(
                matches!(server("c", &cluster(text)), Err(ConnectError::ServerInvalid { .. })),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_broken_authority_is_refused_before_it_is_used() {
        for (data, part) in [
            ("***", "not base64"),
            ("aGVsbG8=", "holds no certificate"),
            ("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==", "is not PEM"),
        ] {
            let cluster = Cluster { certificate_authority_data: Some(data.to_owned()), ..Cluster::default() };
            let error = authorities("c", &cluster).expect_err("no authority");
            assert!(error.message().contains(part), "{error}");
        }
        let cluster =
            Cluster { certificate_authority: Some("/nowhere/ca.crt".to_owned()), ..Cluster::default() };
        assert!(authorities("c", &cluster).expect_err("no file").message().contains("/nowhere/ca.crt"));
    }

    #[test]
    fn a_token_file_may_end_in_a_line_end() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\n").expect("file");
        assert_eq!(token_in(&path).expect("token"), "abc");
        std::fs::write(&path, "\n").expect("file");
        assert!(token_in(&path).is_err());
    }
}
