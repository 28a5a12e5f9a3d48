//! Runs a login plugin (`exec` of a kubeconfig user: aws, gke-gcloud-auth-plugin, kubelogin, …) and
//! takes its credential.
//!
//! The plugin is run here and not by kube, which runs it inside the building of a client: on the
//! caller's thread, without a deadline, and by default with this program's own stdin, which in an MCP
//! server is the protocol. Here its stdin is empty, it is told that nobody can answer
//! (`interactive: false`), and it is killed when it takes too long or the caller goes away.
//!
//! Invariant: its stdout is a credential and is seen by the decoder alone; of its stderr only the first
//! line leaves, redacted.
//!
//! Source: the `ExecCredential` contract, k8s.io/client-go/plugin/pkg/client/auth/exec/exec.go.

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, Cluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::connect_error::ConnectError;
use super::redact;

const LARGEST_CREDENTIAL: u64 = 1 << 20;
const STDERR_KEPT: u64 = 16 << 10;

/// What a plugin answered, ready to stand in the user's entry.
pub(super) struct Credential {
    pub user: AuthInfo,
    pub expires: Option<DateTime<Utc>>,
}

/// The plugin's name for people: its command without folders.
pub(super) fn name(plugin: &ExecConfig) -> Option<String> {
    let command = plugin.command.as_deref().filter(|command| !command.is_empty())?;
    Some(command.rsplit('/').next().unwrap_or(command).to_owned())
}

/// Runs the plugin of a context's user.
pub(super) async fn run(
    context: &str,
    plugin: &ExecConfig,
    cluster: &Cluster,
    deadline: Duration,
) -> Result<Credential, ConnectError> {
    let context = context.to_owned();
    let Some(command) = name(plugin) else {
        return Err(ConnectError::PluginUnnamed { context });
    };
    if plugin.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(ConnectError::PluginInteractive { context, command });
    }
    let mut child = match prepare(plugin, cluster).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let hint = plugin.install_hint.as_deref().map(redact::clean).filter(|hint| !hint.is_empty());
            return Err(ConnectError::PluginMissing { context, command, hint });
        }
        Err(error) => {
            let stderr = Some(format!("it cannot be started: {}", error.kind()));
            return Err(ConnectError::PluginFailed { context, command, exit: None, stderr });
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        let (stdout, stderr) = tokio::join!(read(stdout, LARGEST_CREDENTIAL), read(stderr, STDERR_KEPT));
        (stdout, stderr, child.wait().await)
    };
    let Ok((stdout, stderr, status)) = tokio::time::timeout(deadline, whole).await else {
        let seconds = u32::try_from(deadline.as_secs()).unwrap_or(u32::MAX);
        return Err(ConnectError::PluginTimedOut { context, command, seconds });
    };
    let status = status.ok();
    if !status.is_some_and(|status| status.success()) {
        let stderr = redact::first_line(&String::from_utf8_lossy(&stderr));
        let exit = status.and_then(|status| status.code());
        return Err(ConnectError::PluginFailed { context, command, exit, stderr });
    }
    decode(&stdout).map_err(|detail| ConnectError::PluginGarbage { context, command, detail })
}

fn prepare(plugin: &ExecConfig, cluster: &Cluster) -> Command {
    let mut command = Command::new(plugin.command.as_deref().unwrap_or_default());
    command
        .args(plugin.args.iter().flatten())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .env("KUBERNETES_EXEC_INFO", exec_info(plugin, cluster).to_string());
    for variable in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command
}

fn exec_info(plugin: &ExecConfig, cluster: &Cluster) -> serde_json::Value {
    let mut seen = serde_json::Value::Null;
    if plugin.provide_cluster_info {
        let config = cluster
            .extensions
            .iter()
            .flatten()
            .find(|extension| extension.name == "client.authentication.k8s.io/exec")
            .map(|extension| extension.extension.clone());
        let authority = cluster.certificate_authority_data.clone().or_else(|| {
            let pem = std::fs::read(cluster.certificate_authority.as_deref()?).ok()?;
            serde_json::to_value(ByteString(pem)).ok()?.as_str().map(str::to_owned)
        });
        let mut known = json!({
            "server": cluster.server,
            "tls-server-name": cluster.tls_server_name,
            "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
            "certificate-authority-data": authority,
            "proxy-url": cluster.proxy_url,
            "config": config,
        });
        if let Some(known) = known.as_object_mut() {
            known.retain(|_, value| !value.is_null());
        }
        seen = known;
    }
    let mut spec = json!({"interactive": false, "cluster": seen});
    if let Some(spec) = spec.as_object_mut() {
        spec.retain(|_, value| !value.is_null());
    }
    json!({"kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec})
}

/// Reads to the end, keeping the head: a child must never block on a full pipe.
async fn read(pipe: Option<impl AsyncRead + Unpin>, keep: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = (&mut pipe).take(keep).read_to_end(&mut kept).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    kept
}

#[derive(Deserialize)]
struct ExecCredential {
    kind: Option<String>,
    status: Option<CredentialStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// The credential in a plugin's output; else what is wrong with it, quoting nothing.
fn decode(stdout: &[u8]) -> Result<Credential, String> {
    // YAML is accepted as client-go's decoder does; JSON is YAML too, but far faster to read as JSON.
    let credential: ExecCredential = match serde_json::from_slice(stdout) {
        Ok(credential) => credential,
        Err(_) => serde_saphyr::from_slice(stdout)
            .map_err(|_| format!("{} bytes that are no ExecCredential", stdout.len()))?,
    };
    if credential.kind.as_deref() != Some("ExecCredential") {
        return Err(format!("{} bytes that are no ExecCredential", stdout.len()));
    }
    let status = credential.status.ok_or("an ExecCredential without a status")?;
    let expires = match status.expiration_timestamp.as_deref() {
        None | Some("") => None,
        Some(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Some(at.to_utc()),
            Err(_) => return Err("an ExecCredential with an unreadable expirationTimestamp".to_owned()),
        },
    };
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let base64 = |pem: String| serde_json::to_value(ByteString(pem.into_bytes())).ok();
    let mut user = AuthInfo::default();
    let certificate = given(status.client_certificate_data).and_then(base64);
    let key = given(status.client_key_data).and_then(base64);
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            user.client_certificate_data = certificate.as_str().map(str::to_owned);
            user.client_key_data = key.as_str().map(|key| key.to_owned().into());
        }
        (None, None) => {}
        _ => return Err("an ExecCredential with a certificate but no key, or a key alone".to_owned()),
    }
    user.token = given(status.token).map(Into::into);
    if user.token.is_none() && user.client_certificate_data.is_none() {
        return Err("an ExecCredential with neither a token nor a client certificate".to_owned());
    }
    Ok(Credential { user, expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> ExecConfig {
        ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            ..ExecConfig::default()
        }
    }

    async fn outcome(plugin: &ExecConfig) -> Result<Credential, ConnectError> {
        run("prod", plugin, &Cluster::default(), Duration::from_millis(500)).await
    }

    async fn failure(plugin: &ExecConfig) -> ConnectError {
        outcome(plugin).await.err().expect("no credential")
    }

    const GOOD: &str = r#"{"kind":"ExecCredential","status":{"token":"t0ken","expirationTimestamp":"2030-01-01T00:00:00Z"}}"#;

    #[tokio::test]
    async fn a_token_is_taken_with_its_end() {
        let credential = outcome(&plugin(&format!("echo '{GOOD}'"))).await.expect("credential");
        assert!(credential.user.token.is_some());
        assert_eq!(credential.expires.expect("end").timestamp(), 1_893_456_000);
    }

    #[tokio::test]
    async fn a_certificate_and_yaml_are_taken_too() {
        let yaml = "kind: ExecCredential\nstatus:\n  clientCertificateData: CERT\n  clientKeyData: KEY\n";
        let credential = outcome(&plugin(&format!("printf '{yaml}'"))).await.expect("credential");
        assert_eq!(credential.user.client_certificate_data.as_deref(), Some("Q0VSVA=="));
        assert!(credential.user.token.is_none() && credential.expires.is_none());
    }

    #[tokio::test]
    async fn a_plugin_sees_an_empty_stdin_and_that_nobody_answers() {
        let script = format!(
            "read -r line && exit 9; case \"$KUBERNETES_EXEC_INFO\" in *'\"interactive\":false'*) echo '{GOOD}';; esac"
        );
        assert!(outcome(&plugin(&script)).await.is_ok());
    }

    #[tokio::test]
    async fn cluster_information_is_given_where_it_is_asked_for() {
        let mut plugin = plugin(&format!(
            "case \"$KUBERNETES_EXEC_INFO\" in *'\"server\":\"https://one\"'*) echo '{GOOD}';; esac"
        ));
        let cluster = Cluster { server: Some("https://one".to_owned()), ..Cluster::default() };
        let deadline = Duration::from_secs(5);
        assert!(run("prod", &plugin, &cluster, deadline).await.is_err());
        plugin.provide_cluster_info = true;
        assert!(run("prod", &plugin, &cluster, deadline).await.is_ok());
    }

    #[tokio::test]
    async fn a_hanging_plugin_is_stopped_at_the_deadline() {
        let folder = tempfile::tempdir().expect("folder");
        let alive = folder.path().join("alive");
        let script = format!("exec sh -c 'sleep 1.5; echo late > {}'", alive.display());
        let before = std::time::Instant::now();
        let error = failure(&plugin(&script)).await;
        assert!(matches!(error, ConnectError::PluginTimedOut { .. }), "{error:?}");
        assert!(before.elapsed() < Duration::from_millis(1400));
        tokio::time::sleep(Duration::from_millis(1700)).await;
        assert!(!alive.exists(), "the plugin went on after its deadline");
    }

    #[tokio::test]
    async fn what_a_failing_plugin_prints_stays_secret() {
        let script =
            "echo s3cret-stdout; echo 'refused: password=s3cret-stderr' >&2; echo s3cret-more >&2; exit 3";
        let error = failure(&plugin(script)).await;
        assert_eq!(
            error.message(),
            "the login plugin \"sh\" of context \"prod\" ended with exit status 3; it said: refused: password=[hidden]"
        );
        assert!(!format!("{error:?}{}{}", error.message(), error.next()).contains("s3cret"));
    }

    #[tokio::test]
    async fn garbage_is_measured_but_not_quoted() {
        for (script, part) in [
            ("echo s3cret", "bytes that are no ExecCredential"),
            ("printf 's3cret: [valid'", "bytes that are no ExecCredential"),
            ("true", "0 bytes that are no ExecCredential"),
            ("echo '{\"kind\":\"ExecCredential\"}'", "without a status"),
            ("echo '{\"kind\":\"ExecCredential\",\"status\":{}}'", "neither a token nor"),
            ("echo '{\"kind\":\"ExecCredential\",\"status\":{\"clientKeyData\":\"s3cret\"}}'", "a key alone"),
        ] {
            let error = failure(&plugin(script)).await;
            assert!(matches!(error, ConnectError::PluginGarbage { .. }), "{script}: {error:?}");
            assert!(error.message().contains(part), "{error}");
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_missing_plugin_brings_its_hint() {
        let missing = ExecConfig {
            command: Some("/nowhere/aws-login".to_owned()),
            install_hint: Some("brew install\naws".to_owned()),
            ..ExecConfig::default()
        };
        let error = failure(&missing).await;
        assert!(matches!(&error, ConnectError::PluginMissing { command, .. } if command == "aws-login"));
        assert!(error.next().ends_with("brew install aws"), "{}", error.next());
    }

    #[tokio::test]
    async fn a_plugin_that_always_asks_is_not_started() {
        let mut asking = plugin("true");
        asking.interactive_mode = Some(ExecInteractiveMode::Always);
        assert!(failure(&asking).await.next().starts_with("log in with \"sh\" in a terminal first"));
    }
}
