//! Finds and reads the kubeconfig, and picks the context: as kubectl does, with errors that teach.
//!
//! Order: the named file; else the files of `KUBECONFIG` (those that do not exist are skipped, the
//! first to say something wins); else `~/.kube/config`; else the service account of this pod. The
//! parsing is kube's; its `Config::from_kubeconfig` is not used, because that reads proxy variables
//! wrongly and leaves login plugins to be run without a deadline.
//!
//! Source: k8s.io/client-go/tools/clientcmd/{loader,validation,client_config}.go.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};

use super::connect_error::ConnectError;
use super::proxy::ProxyVariables;

const LARGEST_FILE: u64 = 16 << 20;

/// What of the process's environment decides about the connection; read once.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    pub kubeconfig: Option<OsString>,
    pub home: Option<PathBuf>,
    /// Whether this is a pod of a cluster.
    pub in_cluster: bool,
    pub proxies: ProxyVariables,
}

impl Environment {
    pub(super) fn read() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
            home: std::env::home_dir(),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && std::env::var_os("KUBERNETES_SERVICE_PORT").is_some(),
            proxies: ProxyVariables::read(),
        }
    }
}

/// Where the connection's settings come from.
#[derive(Debug)]
pub(super) enum Source {
    InCluster,
    Context(Box<Context>),
}

/// One context of a kubeconfig, its references resolved.
#[derive(Debug)]
pub(super) struct Context {
    pub name: String,
    pub namespace: Option<String>,
    pub cluster: Cluster,
    pub user: AuthInfo,
}

/// Reads the files and resolves the context.
pub(super) fn resolve(
    file: Option<&Path>,
    context: Option<&str>,
    environment: &Environment,
) -> Result<Source, ConnectError> {
    match load(file, environment)? {
        Loaded::InCluster if context.is_none() => Ok(Source::InCluster),
        Loaded::InCluster => Err(ConnectError::ContextUnknown {
            context: context.unwrap_or_default().to_owned(),
            contexts: Vec::new(),
        }),
        Loaded::Files { config, .. } => pick(&config, context).map(|c| Source::Context(Box::new(c))),
    }
}

/// The names of all contexts, sorted, and the current one.
pub(super) fn contexts(
    file: Option<&Path>,
    environment: &Environment,
) -> Result<(Vec<String>, Option<String>), ConnectError> {
    match load(file, environment)? {
        Loaded::InCluster => Ok((Vec::new(), None)),
        Loaded::Files { config } => {
            let current = config.current_context.clone().filter(|name| !name.is_empty());
            Ok((names(&config), current))
        }
    }
}

enum Loaded {
    InCluster,
    Files { config: Box<Kubeconfig> },
}

/// The files that are read, where they exist.
pub(super) fn candidates(file: Option<&Path>, environment: &Environment) -> Vec<PathBuf> {
    let default = environment.home.as_ref().map(|home| home.join(".kube").join("config"));
    match (file, &environment.kubeconfig) {
        (Some(file), _) => vec![file.to_owned()],
        (None, Some(list)) => {
            std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
        }
        (None, None) => default.into_iter().collect(),
    }
}

fn load(file: Option<&Path>, environment: &Environment) -> Result<Loaded, ConnectError> {
    let candidates = candidates(file, environment);
    let mut merged = Kubeconfig::default();
    let mut read = Vec::new();
    for path in &candidates {
        match read_file(path) {
            Ok(config) => {
                merged = merged.merge(config).map_err(|error| broken(path, &error))?;
                read.push(path.clone());
            }
            // Only a file that was named outright has to exist.
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == ErrorKind::NotFound && file.is_none() => {}
            Err(error) => return Err(broken(path, &error)),
        }
    }
    if !merged.contexts.is_empty() {
        return Ok(Loaded::Files { config: Box::new(merged) });
    }
    match read.is_empty() {
        _ if environment.in_cluster && file.is_none() => Ok(Loaded::InCluster),
        true => Err(ConnectError::NoKubeconfig { looked: candidates }),
        false => Err(ConnectError::KubeconfigEmpty { paths: read }),
    }
}

fn read_file(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let unreadable = |error| KubeconfigError::ReadConfig(error, path.to_owned());
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(ErrorKind::IsADirectory.into()));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(unreadable(ErrorKind::FileTooLarge.into()));
    }
    // kube reads UTF-16 in pairs of bytes and panics at half a pair.
    if metadata.is_file() && metadata.len() % 2 == 1 && begins_as_utf16(path).map_err(unreadable)? {
        return Err(unreadable(ErrorKind::InvalidData.into()));
    }
    Kubeconfig::read_from(path)
}

fn begins_as_utf16(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(2).read_to_end(&mut head)?;
    Ok(matches!(head.as_slice(), [0xff, 0xfe] | [0xfe, 0xff]))
}

fn broken(path: &Path, error: &KubeconfigError) -> ConnectError {
    let path = path.to_owned();
    match error {
        KubeconfigError::ReadConfig(error, _) => {
            ConnectError::KubeconfigUnreadable { path, detail: error.kind().to_string() }
        }
        // The parser's text quotes the file, which holds credentials: only the place is told.
        KubeconfigError::Parse(error) => {
            let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
            let detail = format!("not a valid kubeconfig{}", place.unwrap_or_default());
            ConnectError::KubeconfigBroken { path, detail }
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            ConnectError::KubeconfigBroken {
                path,
                detail: "its kind or apiVersion differs from that of the files before it".to_owned(),
            }
        }
        _ => ConnectError::KubeconfigBroken { path, detail: "not a valid kubeconfig".to_owned() },
    }
}

fn pick(config: &Kubeconfig, wanted: Option<&str>) -> Result<Context, ConnectError> {
    let current = config.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(name) = wanted.or(current) else {
        return Err(ConnectError::NoCurrentContext { contexts: names(config) });
    };
    let context =
        config.contexts.iter().find(|named| named.name == name).and_then(|named| named.context.as_ref());
    let Some(context) = context else {
        return Err(ConnectError::ContextUnknown { context: name.to_owned(), contexts: names(config) });
    };
    let cluster = config.clusters.iter().find(|named| named.name == context.cluster);
    let Some(cluster) = cluster.and_then(|named| named.cluster.clone()) else {
        return Err(ConnectError::ClusterUnknown {
            context: name.to_owned(),
            cluster: context.cluster.clone(),
        });
    };
    let user = match context.user.as_deref().filter(|user| !user.is_empty()) {
        None => AuthInfo::default(),
        Some(user) => match config.auth_infos.iter().find(|named| named.name == user) {
            Some(named) => named.auth_info.clone().unwrap_or_default(),
            None => {
                return Err(ConnectError::UserUnknown { context: name.to_owned(), user: user.to_owned() });
            }
        },
    };
    let namespace = context.namespace.clone().filter(|namespace| !namespace.is_empty());
    Ok(Context { name: name.to_owned(), namespace, cluster, user })
}

fn names(config: &Kubeconfig) -> Vec<String> {
    let mut names: Vec<String> = config.contexts.iter().map(|named| named.name.clone()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
clusters:
- {name: one, cluster: {server: 'https://one:6443'}}
users:
- {name: me, user: {token: hunter2}}
contexts:
- {name: b, context: {cluster: one, user: me, namespace: shop}}
- {name: a, context: {cluster: gone, user: me}}
- {name: c, context: {cluster: one, user: nobody}}
current-context: b
";

    struct Files(tempfile::TempDir);

    impl Files {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("folder");
            for (name, text) in files {
                std::fs::write(folder.path().join(name), text).expect("file");
            }
            Self(folder)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn environment(&self, list: &[&str]) -> Environment {
            let paths = list.iter().map(|name| self.path(name));
            Environment {
                kubeconfig: Some(std::env::join_paths(paths).expect("paths")).filter(|_| !list.is_empty()),
                home: Some(self.0.path().to_owned()),
                ..Environment::default()
            }
        }
    }

    fn fails(source: Result<Source, ConnectError>) -> ConnectError {
        source.expect_err("no context")
    }

    #[test]
    fn the_current_context_is_resolved() {
        let files = Files::new(&[("one", TWO)]);
        let source = resolve(Some(&files.path("one")), None, &Environment::default()).expect("context");
        let Source::Context(context) = source else { panic!("in cluster") };
        assert_eq!((context.name.as_str(), context.namespace.as_deref()), ("b", Some("shop")));
        assert_eq!(context.cluster.server.as_deref(), Some("https://one:6443"));
        let (names, current) = contexts(Some(&files.path("one")), &Environment::default()).expect("contexts");
        assert_eq!((names.join(" ").as_str(), current.as_deref()), ("a b c", Some("b")));
    }

    #[test]
    fn an_unknown_context_lists_the_known_ones() {
        let files = Files::new(&[("one", TWO)]);
        let error = fails(resolve(Some(&files.path("one")), Some("prod"), &Environment::default()));
        assert_eq!(error.message(), "the kubeconfig has no context \"prod\"; it has: a, b, c");
    }

    #[test]
    fn dangling_references_are_named() {
        let files = Files::new(&[("one", TWO)]);
        let at = |context| resolve(Some(&files.path("one")), Some(context), &Environment::default());
        assert!(matches!(fails(at("a")), ConnectError::ClusterUnknown { cluster, .. } if cluster == "gone"));
        assert!(matches!(fails(at("c")), ConnectError::UserUnknown { user, .. } if user == "nobody"));
    }

    #[test]
    fn a_broken_file_is_located_but_not_quoted() {
        let files = Files::new(&[("broken", "users:\n- name: me\n  user: {token: hunter2\ncontexts: ]\n")]);
        let error = fails(resolve(Some(&files.path("broken")), None, &Environment::default()));
        assert!(matches!(error, ConnectError::KubeconfigBroken { .. }), "{error:?}");
        assert!(error.message().contains("at line "), "{error}");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }

    #[test]
    fn missing_and_empty_files_are_told_apart() {
        let files = Files::new(&[("empty", ""), ("other", "kind: Deployment\nmetadata: {name: x}\n")]);
        let at = |name| fails(resolve(Some(&files.path(name)), None, &Environment::default()));
        assert!(matches!(at("missing"), ConnectError::KubeconfigUnreadable { .. }));
        assert!(matches!(at("."), ConnectError::KubeconfigUnreadable { .. }));
        assert!(matches!(at("empty"), ConnectError::KubeconfigEmpty { .. }));
        assert!(matches!(at("other"), ConnectError::KubeconfigEmpty { .. }));
        let nowhere = files.environment(&[]);
        assert!(matches!(fails(resolve(None, None, &nowhere)), ConnectError::NoKubeconfig { .. }));
    }

    #[test]
    fn the_files_of_the_variable_are_merged_and_missing_ones_skipped() {
        let second = TWO.replace("https://one:6443", "https://two:6443").replace("current-context: b", "");
        let files = Files::new(&[("one", TWO), ("two", &second)]);
        let environment = files.environment(&["missing", "two", "one"]);
        let Source::Context(context) = resolve(None, None, &environment).expect("context") else {
            panic!("in cluster")
        };
        assert_eq!(
            (context.name.as_str(), context.cluster.server.as_deref()),
            ("b", Some("https://two:6443"))
        );
    }

    #[test]
    fn a_pod_uses_its_service_account_unless_a_file_is_there() {
        let files = Files::new(&[("one", TWO), ("empty", "")]);
        let pod = |list: &[&str]| Environment { in_cluster: true, ..files.environment(list) };
        assert!(matches!(resolve(None, None, &pod(&[])), Ok(Source::InCluster)));
        assert!(matches!(resolve(None, None, &pod(&["empty"])), Ok(Source::InCluster)));
        assert!(matches!(resolve(None, None, &pod(&["one"])), Ok(Source::Context(_))));
        assert!(matches!(
            resolve(Some(&files.path("empty")), None, &pod(&[])),
            Err(ConnectError::KubeconfigEmpty { .. })
        ));
        assert!(matches!(resolve(None, Some("b"), &pod(&[])), Err(ConnectError::ContextUnknown { .. })));
    }
}
