//! Getting a connection, and words for why there is none.

use std::time::{Duration, Instant};

use routecause::evidence::live::{ConnectError, Fault, Live, LiveOptions, TlsFault};
use routecause::model::gap::Why;
use serde_json::json;

use super::{live, options};
use crate::support::api_server::{ApiServer, Reply, Seen, base64};

fn version(_: &Seen) -> Reply {
    Reply::Json(200, json!({"major": "1", "minor": "36", "gitVersion": "v1.36.2"}))
}

/// Answers only those who know the token.
fn guarded(token: &'static str) -> impl Fn(&Seen) -> Reply + Send + Sync {
    move |seen| match seen.header("authorization") {
        Some(value) if value == format!("Bearer {token}") => version(seen),
        _ => Reply::status(401, "Unauthorized", "Unauthorized"),
    }
}

async fn failure(options: &LiveOptions) -> ConnectError {
    match Live::connect(options).await {
        Err(error) => error,
        Ok(live) => live.reach().await.expect_err("no connection"),
    }
}

/// What the fault is; it must be told and answered by a next step, and hold no secret.
async fn fault(options: &LiveOptions) -> Fault {
    match failure(options).await {
        ConnectError::Unreachable { fault, context, server } => {
            assert_eq!(context, "here");
            assert!(!server.is_empty());
            fault
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn the_server_is_asked_as_this_program_with_its_token() {
    let (server, live) = live(guarded("t0ken")).await;
    assert_eq!(live.reach().await.as_deref(), Ok("v1.36.2"));
    assert_eq!((live.context(), live.namespace()), ("here", "shop"));
    assert_eq!(live.server(), server.address.to_string());
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("user-agent"), Some(concat!("routecause/", env!("CARGO_PKG_VERSION"))));
    let (requests, bytes) = live.requests();
    assert_eq!(requests, 1);
    assert!(bytes > 40, "{bytes}");
    assert!(!format!("{live:?}").contains("t0ken"));
}

#[tokio::test]
async fn rejected_credentials_are_renewed_once() {
    let server = ApiServer::start(guarded("second")).await;
    let turn = server.path("turn");
    let script = format!(
        "if [ -e {0} ]; then t=second; else t=first; fi; echo x >> {0}\n\
         echo '{{\"kind\":\"ExecCredential\",\"status\":{{\"token\":\"'$t'\"}}}}'\n",
        turn.display()
    );
    let user = format!("exec: {{command: sh, args: ['{}']}}", server.file("plugin", &script).display());
    let live = Live::connect(&options(server.kubeconfig(&user))).await.expect("live");
    assert_eq!(live.version().await.as_deref(), Ok("v1.36.2"));
    assert_eq!(live.version().await.as_deref(), Ok("v1.36.2"));
    assert_eq!(server.seen().len(), 3);
    assert_eq!(std::fs::read_to_string(&turn).expect("turns").lines().count(), 2);
}

#[tokio::test]
async fn credentials_that_stay_rejected_do_not_mean_a_login_per_request() {
    let server = ApiServer::start(|_| Reply::status(401, "Unauthorized", "Unauthorized")).await;
    let turn = server.path("turn");
    let user = format!(
        "exec: {{command: sh, args: [-c, 'echo x >> {}; printf \"kind: ExecCredential\\nstatus: {{token: old}}\\n\"']}}",
        turn.display()
    );
    let live = Live::connect(&options(server.kubeconfig(&user))).await.expect("live");
    for _ in 0..4 {
        assert_eq!(live.version().await, Err(Why::Unauthorized));
    }
    assert_eq!(std::fs::read_to_string(&turn).expect("turns").lines().count(), 2);
    let error = live.reach().await.expect_err("rejected");
    assert_eq!(
        error,
        ConnectError::Unauthorized { context: "here".to_owned(), plugin: Some("sh".to_owned()) }
    );
}

#[tokio::test]
async fn a_rewritten_kubeconfig_is_read_again_after_a_rejection() {
    let server = ApiServer::start(guarded("new")).await;
    let live = Live::connect(&options(server.kubeconfig("token: old"))).await.expect("live");
    server.kubeconfig("token: new");
    assert_eq!(live.version().await.as_deref(), Ok("v1.36.2"));
}

#[tokio::test]
async fn expired_plugin_credentials_are_renewed_before_they_are_used() {
    let server = ApiServer::start(|seen| {
        let token = seen.header("authorization").unwrap_or_default().to_owned();
        Reply::Json(200, json!({"gitVersion": token}))
    })
    .await;
    let turn = server.path("turn");
    // Every token has ended already; it is used for five seconds all the same.
    let user = format!(
        "exec: {{command: sh, args: [-c, 'echo x >> {}; printf \"kind: ExecCredential\\nstatus: {{token: t, expirationTimestamp: 2020-01-01T00:00:00Z}}\\n\"']}}",
        turn.display()
    );
    let live = Live::connect(&options(server.kubeconfig(&user))).await.expect("live");
    for _ in 0..3 {
        live.version().await.expect("version");
    }
    let turns = || std::fs::read_to_string(&turn).expect("turns").lines().count();
    assert_eq!(turns(), 1);
    tokio::time::sleep(Duration::from_millis(5100)).await;
    live.version().await.expect("version");
    assert_eq!(turns(), 2);
}

#[tokio::test]
async fn a_hanging_plugin_costs_its_deadline_and_no_more() {
    let server = ApiServer::start(version).await;
    let mut options = options(server.kubeconfig("exec: {command: sh, args: [-c, 'sleep 60']}"));
    options.plugin = Duration::from_millis(300);
    let before = Instant::now();
    let error = failure(&options).await;
    assert!(matches!(error, ConnectError::PluginTimedOut { .. }), "{error:?}");
    assert!(before.elapsed() < Duration::from_secs(2));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn no_message_holds_what_a_plugin_printed() {
    let server = ApiServer::start(version).await;
    for (script, expected) in [
        ("echo s3cret-token-1234567890abcdef; exit 1", "exit status 1"),
        ("echo token=s3cret >&2; exit 2", "it said: token=[hidden]"),
        ("echo s3cret", "printed no credential"),
        ("echo s3cret; kill -9 $$", "was ended by a signal"),
    ] {
        let user = format!("exec: {{command: sh, args: [-c, '{script}']}}");
        let error = failure(&options(server.kubeconfig(&user))).await;
        assert!(error.message().contains(expected), "{error}");
        let everything = format!("{error:?} {error} {}", error.next());
        assert!(!everything.contains("s3cret"), "{everything}");
    }
}

#[tokio::test]
async fn a_plugin_that_always_asks_is_refused() {
    let server = ApiServer::start(version).await;
    let error =
        failure(&options(server.kubeconfig("exec: {command: kubelogin, interactiveMode: Always}"))).await;
    assert!(error.next().starts_with("log in with \"kubelogin\" in a terminal first"), "{}", error.next());
}

#[tokio::test]
async fn providers_that_no_longer_exist_are_named() {
    let server = ApiServer::start(version).await;
    for (provider, next) in [("gcp", "gke-gcloud-auth-plugin"), ("azure", "kubelogin")] {
        let user = format!("auth-provider: {{name: {provider}, config: {{cmd-path: /bin/false}}}}");
        let error = failure(&options(server.kubeconfig(&user))).await;
        assert!(error.next().contains(next), "{}", error.next());
    }
}

#[tokio::test]
async fn a_kubeconfig_that_is_no_help_is_said_so() {
    let server = ApiServer::start(version).await;
    let missing = failure(&options(server.path("nowhere"))).await;
    assert!(matches!(missing, ConnectError::KubeconfigUnreadable { .. }), "{missing:?}");
    let empty = failure(&options(server.file("empty", ""))).await;
    assert!(matches!(empty, ConnectError::KubeconfigEmpty { .. }), "{empty:?}");
    let broken = failure(&options(server.file("broken", "users: [{token: s3cret\n:"))).await;
    assert!(matches!(broken, ConnectError::KubeconfigBroken { .. }), "{broken:?}");
    assert!(!format!("{broken:?}").contains("s3cret"));
    let mut elsewhere = options(server.kubeconfig("token: t"));
    elsewhere.context = Some("prod".to_owned());
    let unknown = failure(&elsewhere).await;
    assert_eq!(unknown.message(), "the kubeconfig has no context \"prod\"; it has: here");
    let path = server.kubeconfig("token: t");
    assert_eq!(Live::contexts(Some(&path)), Ok((vec!["here".to_owned()], Some("here".to_owned()))));
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_are_told_apart() {
    let server = ApiServer::start(version).await;
    let at = |url: &str| options(server.kubeconfig_with(&format!("server: '{url}'"), "token: t"));
    assert_eq!(fault(&at("http://127.0.0.1:1")).await, Fault::Refused);
    assert_eq!(fault(&at("https://127.0.0.1:1")).await, Fault::Refused);
    assert_eq!(fault(&at("https://no-such-host.invalid:6443")).await, Fault::Dns);
}

#[tokio::test]
async fn a_silent_server_costs_the_read_deadline() {
    let server = ApiServer::start(|_| Reply::Silence).await;
    let mut options = options(server.kubeconfig("token: t"));
    options.read = Duration::from_millis(300);
    let before = Instant::now();
    assert_eq!(fault(&options).await, Fault::TimedOut { seconds: 1 });
    assert!(before.elapsed() < Duration::from_secs(1));
    let live = Live::connect(&options).await.expect("live");
    assert_eq!(live.version().await, Err(Why::TimedOut { seconds: 1 }));
}

#[tokio::test]
async fn a_trickling_server_costs_the_read_deadline_too() {
    let server =
        ApiServer::start(|_| Reply::Pieces((0..100).map(|n| (n % 2 == 0).then(|| b" ".to_vec())).collect()))
            .await;
    let mut options = options(server.kubeconfig("token: t"));
    options.read = Duration::from_millis(300);
    assert_eq!(fault(&options).await, Fault::TimedOut { seconds: 1 });
}

#[tokio::test]
async fn tls_is_verified_against_the_kubeconfigs_authority() {
    let server = ApiServer::start_tls(&["127.0.0.1"], version).await;
    let url = format!("server: 'https://{}'", server.address);
    let trusted = format!("{url}, certificate-authority-data: {}", base64(server.authority()));
    let live = Live::connect(&options(server.kubeconfig_with(&trusted, "token: t"))).await.expect("live");
    assert_eq!(live.reach().await.as_deref(), Ok("v1.36.2"));

    let other = ApiServer::start_tls(&["127.0.0.1"], version).await;
    let distrusted = format!("{url}, certificate-authority-data: {}", base64(other.authority()));
    let fault_of = |cluster: &str| {
        let options = options(server.kubeconfig_with(cluster, "token: t"));
        async move { fault(&options).await }
    };
    assert_eq!(fault_of(&distrusted).await, Fault::Tls(TlsFault::UnknownIssuer));
    let misnamed = format!("{trusted}, tls-server-name: api.example");
    assert_eq!(fault_of(&misnamed).await, Fault::Tls(TlsFault::NotValidForName));
    let careless = format!("{url}, insecure-skip-tls-verify: true");
    let live = Live::connect(&options(server.kubeconfig_with(&careless, "token: t"))).await.expect("live");
    assert_eq!(live.reach().await.as_deref(), Ok("v1.36.2"));
}

#[tokio::test]
async fn a_wrong_scheme_is_recognised_both_ways() {
    let plain = ApiServer::start(version).await;
    let cluster = format!("server: 'https://{}', insecure-skip-tls-verify: true", plain.address);
    assert_eq!(
        fault(&options(plain.kubeconfig_with(&cluster, "token: t"))).await,
        Fault::Tls(TlsFault::NoTls)
    );
    // What Go's server says to HTTP on its TLS port.
    let secure = ApiServer::start(|_| {
        Reply::Text(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n".to_owned())
    })
    .await;
    assert_eq!(fault(&options(secure.kubeconfig("token: t"))).await, Fault::PlainHttp);
}

#[tokio::test]
async fn what_is_no_kubernetes_is_recognised() {
    let page = "<!DOCTYPE html><html><title>Sign in</title></html>".to_owned();
    for (code, kind, body) in [
        (200, "text/html", page.clone()),
        (401, "text/html", page.clone()),
        (403, "text/html", page.clone()),
        (302, "text/html", page),
        (404, "text/plain", "no such page".to_owned()),
        (200, "text/plain", "welcome".to_owned()),
    ] {
        let answer = body.clone();
        let server = ApiServer::start(move |_| Reply::Text(code, kind, answer.clone())).await;
        let found = fault(&options(server.kubeconfig("token: t"))).await;
        assert_eq!(found, Fault::NotKubernetes { status: code }, "{code} {body}");
    }
}

#[tokio::test]
async fn an_identity_without_any_right_is_told_apart() {
    let server = ApiServer::start(|_| {
        Reply::status(403, "Forbidden", "forbidden: User \"system:anonymous\" cannot get path \"/version\"")
    })
    .await;
    let error = failure(&options(server.kubeconfig(""))).await;
    assert!(error.message().ends_with("User \"system:anonymous\" cannot get path \"/version\""), "{error}");
    assert!(matches!(error, ConnectError::Forbidden { .. }));
}

#[tokio::test]
async fn a_proxy_named_in_the_kubeconfig_is_used() {
    let server = ApiServer::start(version).await;
    let proxy = ApiServer::start(|_| Reply::Text(407, "text/plain", String::new())).await;
    let cluster =
        format!("server: 'https://{}', proxy-url: 'http://me:s3cret@{}'", server.address, proxy.address);
    let options = options(server.kubeconfig_with(&cluster, "token: t"));
    let found = fault(&options).await;
    assert!(matches!(found, Fault::Proxy { .. }), "{found:?}");
    let seen = proxy.seen();
    assert_eq!(seen.first().map(|seen| seen.method.as_str()), Some("CONNECT"));
    assert!(server.seen().is_empty());
    assert!(!format!("{found:?}").contains("s3cret"));
}
