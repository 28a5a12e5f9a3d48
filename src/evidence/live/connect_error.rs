//! Why there is no connection to a cluster: facts per case, and for people what was seen
//! ([`ConnectError::message`]) and what to do ([`ConnectError::next`]).
//!
//! Invariant: no variant holds a credential. What a login plugin printed is a secret but for the first
//! line of its stderr, redacted.

use std::fmt;
use std::path::PathBuf;

use super::fault::{Fault, TlsFault};

/// Why a cluster cannot be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// No file was named, none is where kubectl looks, and this is no pod.
    NoKubeconfig {
        looked: Vec<PathBuf>,
    },
    KubeconfigUnreadable {
        path: PathBuf,
        detail: String,
    },
    KubeconfigBroken {
        path: PathBuf,
        detail: String,
    },
    /// It holds no context.
    KubeconfigEmpty {
        paths: Vec<PathBuf>,
    },
    NoCurrentContext {
        contexts: Vec<String>,
    },
    ContextUnknown {
        context: String,
        contexts: Vec<String>,
    },
    ClusterUnknown {
        context: String,
        cluster: String,
    },
    UserUnknown {
        context: String,
        user: String,
    },
    ServerInvalid {
        context: String,
        server: String,
    },
    ProxyInvalid {
        proxy: String,
    },
    /// A certificate or key of the kubeconfig cannot be used.
    Certificate {
        context: String,
        detail: String,
    },
    /// A token file cannot be read.
    TokenFile {
        path: PathBuf,
        detail: String,
    },
    ServiceAccount {
        detail: String,
    },
    /// An `auth-provider` this program does not have.
    AuthProvider {
        context: String,
        provider: String,
    },
    PluginUnnamed {
        context: String,
    },
    PluginMissing {
        context: String,
        command: String,
        hint: Option<String>,
    },
    /// It insists on asking its user.
    PluginInteractive {
        context: String,
        command: String,
    },
    PluginFailed {
        context: String,
        command: String,
        exit: Option<i32>,
        stderr: Option<String>,
    },
    PluginTimedOut {
        context: String,
        command: String,
        seconds: u32,
    },
    /// Its output is no credential.
    PluginGarbage {
        context: String,
        command: String,
        detail: String,
    },
    /// The HTTP client could not be built.
    Client {
        context: String,
        detail: String,
    },
    Unauthorized {
        context: String,
        plugin: Option<String>,
    },
    /// The server knows this identity and lets it do nothing.
    Forbidden {
        context: String,
        message: String,
    },
    Unreachable {
        context: String,
        server: String,
        fault: Fault,
    },
}

impl ConnectError {
    /// What was seen.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NoKubeconfig { looked } => {
                format!("no kubeconfig: looked at {}, and this is not a pod of a cluster", paths(looked))
            }
            Self::KubeconfigUnreadable { path, detail } => {
                format!("the kubeconfig {} cannot be read: {detail}", path.display())
            }
            Self::KubeconfigBroken { path, detail } => {
                format!("the kubeconfig {} cannot be understood: {detail}", path.display())
            }
            Self::KubeconfigEmpty { paths: files } => {
                format!("the kubeconfig {} holds no context", paths(files))
            }
            Self::NoCurrentContext { contexts } => {
                format!("the kubeconfig has no current context; it has: {}", list(contexts))
            }
            Self::ContextUnknown { context, contexts } => {
                format!("the kubeconfig has no context {context:?}; it has: {}", list(contexts))
            }
            Self::ClusterUnknown { context, cluster } => {
                format!(
                    "context {context:?} names the cluster {cluster:?}, which the kubeconfig does not have"
                )
            }
            Self::UserUnknown { context, user } => {
                format!("context {context:?} names the user {user:?}, which the kubeconfig does not have")
            }
            Self::ServerInvalid { context, server } => {
                format!("the cluster of context {context:?} has no usable server address: {server:?}")
            }
            Self::ProxyInvalid { proxy } => {
                format!("{proxy:?} is not the address of an http, https or socks5 proxy")
            }
            Self::Certificate { context, detail } => {
                format!("a certificate or key of context {context:?} cannot be used: {detail}")
            }
            Self::TokenFile { path, detail } => {
                format!("the token file {} cannot be read: {detail}", path.display())
            }
            Self::ServiceAccount { detail } => {
                format!("the service account of this pod cannot be used: {detail}")
            }
            Self::AuthProvider { context, provider } => {
                format!(
                    "context {context:?} logs in with the auth-provider {provider:?}, which no longer exists in Kubernetes clients"
                )
            }
            Self::PluginUnnamed { context } => {
                format!("the user of context {context:?} has a login plugin without a command")
            }
            Self::PluginMissing { context, command, .. } => {
                format!(
                    "the login plugin {command:?} of context {context:?} is not installed or not on the PATH"
                )
            }
            Self::PluginInteractive { context, command } => {
                format!(
                    "the login plugin {command:?} of context {context:?} always asks its user (interactiveMode: Always)"
                )
            }
            Self::PluginFailed { context, command, exit, stderr } => {
                let exit = exit.map_or_else(
                    || "was ended by a signal".to_owned(),
                    |code| format!("ended with exit status {code}"),
                );
                let said = stderr.as_deref().map(|line| format!("; it said: {line}")).unwrap_or_default();
                format!("the login plugin {command:?} of context {context:?} {exit}{said}")
            }
            Self::PluginTimedOut { context, command, seconds } => {
                format!(
                    "the login plugin {command:?} of context {context:?} did not end within {seconds} s and was stopped"
                )
            }
            Self::PluginGarbage { context, command, detail } => {
                format!("the login plugin {command:?} of context {context:?} printed no credential: {detail}")
            }
            Self::Client { context, detail } => {
                format!("no client for context {context:?}: {detail}")
            }
            Self::Unauthorized { context, .. } => {
                format!(
                    "the API server rejected the credentials of context {context:?} (401): expired or revoked"
                )
            }
            Self::Forbidden { context, message } => {
                format!("the API server forbids context {context:?} everything (403): {message}")
            }
            Self::Unreachable { context, server, fault } => {
                format!("the API server {server} of context {context:?}: {fault}")
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::NoKubeconfig { .. } => {
                "give --kubeconfig FILE, set KUBECONFIG, or work on a capture with --capture PATH".to_owned()
            }
            Self::KubeconfigUnreadable { .. } => {
                "check the path given with --kubeconfig or in KUBECONFIG, and the file's permissions".to_owned()
            }
            Self::KubeconfigBroken { .. } => {
                "correct the file; `kubectl config view` shows what kubectl makes of it".to_owned()
            }
            Self::KubeconfigEmpty { .. } => {
                "add a cluster (for example with your provider's `get-credentials` command), or name another file with --kubeconfig".to_owned()
            }
            Self::NoCurrentContext { contexts } => match contexts.as_slice() {
                [only] => format!("give --context {only}"),
                _ => "give --context NAME, or set one with `kubectl config use-context NAME`".to_owned(),
            },
            Self::ContextUnknown { .. } => "give one of these with --context".to_owned(),
            Self::ClusterUnknown { .. } | Self::UserUnknown { .. } => {
                "add the missing entry to the kubeconfig, or use another context with --context".to_owned()
            }
            Self::ServerInvalid { .. } => "set `server: https://HOST:PORT` of the cluster in the kubeconfig".to_owned(),
            Self::ProxyInvalid { .. } => {
                "correct `proxy-url` in the kubeconfig or HTTPS_PROXY: http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT".to_owned()
            }
            Self::Certificate { .. } => {
                "get fresh credentials for this context, or correct the certificate entries of the kubeconfig".to_owned()
            }
            Self::TokenFile { .. } => "check `tokenFile` of the user in the kubeconfig".to_owned(),
            Self::ServiceAccount { .. } => {
                "set automountServiceAccountToken: true on the pod, or give --kubeconfig FILE".to_owned()
            }
            Self::AuthProvider { provider, .. } => match provider.as_str() {
                "gcp" => "install gke-gcloud-auth-plugin and run `gcloud container clusters get-credentials CLUSTER`".to_owned(),
                "azure" => "install kubelogin and run `kubelogin convert-kubeconfig`".to_owned(),
                _ => "use a login plugin (`exec`) or a token for this user".to_owned(),
            },
            Self::PluginUnnamed { .. } => "set `exec.command` of the user in the kubeconfig".to_owned(),
            Self::PluginMissing { hint, command, .. } => match hint {
                Some(hint) => format!("install it; its provider says: {hint}"),
                None => format!("install {command:?}, or put its folder on the PATH of this program"),
            },
            Self::PluginInteractive { command, .. } => {
                format!("log in with {command:?} in a terminal first, or use a context with a token or certificate")
            }
            Self::PluginFailed { command, .. } | Self::PluginTimedOut { command, .. } => {
                format!("log in with {command:?} in a terminal (kubectl must work there without asking), then try again")
            }
            Self::PluginGarbage { command, .. } => {
                format!("run {command:?} in a terminal: it must print an ExecCredential with a token or a client certificate")
            }
            Self::Client { .. } => "check the TLS entries of this context in the kubeconfig".to_owned(),
            Self::Unauthorized { plugin, .. } => match plugin {
                Some(command) => format!("log in again with {command:?} in a terminal, then try again"),
                None => "get fresh credentials for this context, then try again".to_owned(),
            },
            Self::Forbidden { .. } => {
                "check the user of this context (and its `as` entry), or have the read-only ClusterRole bound to it".to_owned()
            }
            Self::Unreachable { fault, .. } => next_of_fault(fault).to_owned(),
        }
    }
}

fn next_of_fault(fault: &Fault) -> &'static str {
    match fault {
        Fault::Refused | Fault::NoRoute => {
            "check that the cluster runs and can be reached from here: is the VPN up, is kind, k3d or minikube started?"
        }
        Fault::Dns => "check the name in `server` of the kubeconfig and the DNS here: is the VPN up?",
        Fault::TimedOut { .. } => {
            "check that the API server can be reached from here (VPN, firewall, proxy), then try again"
        }
        Fault::Broken => {
            "try again; if it repeats, something on the way (proxy, load balancer) cuts connections"
        }
        Fault::Tls(TlsFault::UnknownIssuer) => {
            "set certificate-authority-data of the cluster in the kubeconfig to the CA that signed the server's certificate"
        }
        Fault::Tls(TlsFault::NotValidForName) => {
            "use a name of the certificate as `server`, or set tls-server-name of the cluster in the kubeconfig"
        }
        Fault::Tls(TlsFault::Expired | TlsFault::NotYetValid) => {
            "check the clock of this machine; else the API server's certificate must be renewed"
        }
        Fault::Tls(TlsFault::NoTls) => "check scheme and port of `server` in the kubeconfig",
        Fault::Tls(TlsFault::ClientCertificate) => "get fresh credentials for this context, then try again",
        Fault::Tls(TlsFault::Other { .. }) => "check the TLS entries of the cluster in the kubeconfig",
        Fault::Proxy { .. } => "check `proxy-url` in the kubeconfig, HTTPS_PROXY and NO_PROXY",
        Fault::NotKubernetes { .. } => {
            "check `server` in the kubeconfig, and whether a proxy wants a login first"
        }
        Fault::PlainHttp => "write https:// in `server` of the kubeconfig",
        Fault::Server { .. } | Fault::Other { .. } => {
            "try again; if it repeats, look at the API server's health"
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for ConnectError {}

fn paths(paths: &[PathBuf]) -> String {
    match paths {
        [] => "no file".to_owned(),
        _ => paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
    }
}

/// At most twenty names.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut shown: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
    if names.len() > shown.len() {
        shown.push("…");
    }
    shown.join(", ")
}
