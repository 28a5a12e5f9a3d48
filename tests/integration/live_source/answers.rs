//! What the answers to single requests become, good and bad.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Pod, Service};
use routecause::evidence::live::Live;
use routecause::model::gap::Why;
use routecause::model::log::LogStream;
use routecause::model::object::Kind;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::{live, options};
use crate::support::api_server::{ApiServer, Reply};

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop", "namespace": "shop"}})
}

fn forbidden() -> Reply {
    Reply::status(
        403,
        "Forbidden",
        "services \"shop\" is forbidden: User \"u\" cannot get resource \"services\" in API group \"\" in the namespace \"shop\"",
    )
}

async fn get(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<Option<Service>, Why> {
    let (_server, live) = live(move |_| reply()).await;
    live.get::<Service>(Kind::Service, "shop", "shop").await
}

#[tokio::test]
async fn an_object_is_read_from_its_path() {
    let (server, live) = live(|_| Reply::Json(200, service())).await;
    let found = live.get::<Service>(Kind::Service, "shop", "shop").await.expect("answer").expect("found");
    assert_eq!(found.metadata.name.as_deref(), Some("shop"));
    assert_eq!(server.seen()[0].path, "/api/v1/namespaces/shop/services/shop");
}

#[tokio::test]
async fn absent_forbidden_and_not_installed_are_three_things() {
    assert_eq!(get(|| Reply::not_found("services", "shop")).await, Ok(None));
    let missing = Why::Forbidden {
        verb: "get",
        group: "",
        resource: "services".to_owned(),
        namespace: Some("shop".to_owned()),
    };
    assert_eq!(get(forbidden).await, Err(missing));
    let unserved = || Reply::Text(404, "text/plain", "404 page not found\n".to_owned());
    assert_eq!(get(unserved).await, Err(Why::NotInstalled));
}

#[tokio::test]
async fn an_answer_of_another_shape_is_not_absence() {
    assert!(matches!(
        get(|| Reply::Json(200, json!({"kind": "Pod", "apiVersion": "v1"}))).await,
        Err(Why::Malformed { .. })
    ));
    assert!(matches!(
        get(|| Reply::Text(200, "application/json", "{\"kind\":".to_owned())).await,
        Err(Why::Malformed { .. })
    ));
    let page = || Reply::Text(200, "text/html", "<html>Sign in, token=s3cret</html>".to_owned());
    let why = get(page).await.expect_err("no service");
    let Why::Unreachable { detail } = &why else { panic!("{why:?}") };
    assert!(detail.contains("not a Kubernetes API (login page or proxy?)"), "{detail}");
    assert!(!detail.contains("s3cret"));
}

#[tokio::test]
async fn passing_troubles_are_tried_again() {
    for code in [429, 503, 504] {
        let (server, live) = live(move |seen| match seen.before {
            0 | 1 => Reply::Text(code, "text/plain", "busy".to_owned()),
            _ => Reply::Json(200, service()),
        })
        .await;
        assert!(live.get::<Value>(Kind::Service, "shop", "shop").await.expect("answer").is_some(), "{code}");
        assert_eq!(server.seen().len(), 3, "{code}");
    }
}

#[tokio::test]
async fn lasting_trouble_ends_after_three_tries() {
    let (server, live) = live(|_| Reply::Text(503, "text/plain", "no endpoints available".to_owned())).await;
    let before = Instant::now();
    let why = live.get::<Value>(Kind::Service, "shop", "shop").await.expect_err("busy");
    assert_eq!(
        why,
        Why::Unreachable { detail: format!("{}: HTTP 503: no endpoints available", server.address) }
    );
    assert_eq!(server.seen().len(), 3);
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_server_that_asks_for_long_patience_is_not_waited_for() {
    let (server, live) = live(|_| {
        Reply::With(
            vec![("retry-after", "30".to_owned())],
            Box::new(Reply::Text(429, "text/plain", "slow down".to_owned())),
        )
    })
    .await;
    let before = Instant::now();
    assert!(matches!(live.get::<Value>(Kind::Service, "shop", "shop").await, Err(Why::Unreachable { .. })));
    assert_eq!(server.seen().len(), 1);
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_servers_own_error_is_not_tried_again() {
    let (server, live) = live(|_| Reply::status(500, "InternalError", "etcdserver: leader changed")).await;
    assert!(matches!(live.get::<Value>(Kind::Service, "shop", "shop").await, Err(Why::Unreachable { .. })));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let (server, live) = live(|seen| match seen.before {
        0 => Reply::Broken(b"{\"kind\": \"Serv".to_vec()),
        _ => Reply::Json(200, service()),
    })
    .await;
    assert!(live.get::<Value>(Kind::Service, "shop", "shop").await.expect("answer").is_some());
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let piece = vec![b' '; 1 << 20];
    let server = ApiServer::start(move |_| Reply::Pieces(vec![Some(piece.clone()); 70])).await;
    let mut options = options(server.kubeconfig("token: t"));
    options.read = Duration::from_secs(15);
    let live = Live::connect(&options).await.expect("live");
    let why = live.get::<Value>(Kind::Service, "shop", "shop").await.expect_err("too much");
    assert_eq!(why, Why::TooMuch { limit: "64 MiB in one answer".to_owned() });
}

#[tokio::test]
async fn secrets_and_impossible_names_are_not_even_asked_for() {
    let (server, live) = live(|_| Reply::Json(200, json!({"kind": "Secret"}))).await;
    assert!(matches!(live.get::<Value>(Kind::Secret, "shop", "tls").await, Err(Why::Unsupported { .. })));
    let mut each = |_: Value| panic!("a secret");
    assert!(matches!(
        live.list(Kind::Secret, None, None, None, &mut each).await,
        Err(Why::Unsupported { .. })
    ));
    assert!(matches!(
        live.get::<Pod>(Kind::Pod, "shop", "../../secrets/tls").await,
        Err(Why::Unsupported { .. })
    ));
    assert_eq!(server.seen().len(), 0);
    assert_eq!(live.requests().0, 0);
}

#[tokio::test]
async fn rights_are_asked_for_once_a_minute() {
    let asked = AtomicUsize::new(0);
    let (server, live) = live(move |seen| {
        assert_eq!(seen.method, "POST");
        let allowed = asked.fetch_add(1, Ordering::SeqCst) == 0;
        Reply::Json(201, json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed}}))
    })
    .await;
    for _ in 0..3 {
        assert_eq!(live.allowed("get", "", "pods", Some("log"), Some("shop")).await, Ok(true));
        assert_eq!(live.allowed("get", "", "pods", None, Some("shop")).await, Ok(false));
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_unanswered_review_is_neither_yes_nor_no() {
    let (_server, live) =
        live(|_| Reply::Json(201, json!({"kind": "SelfSubjectAccessReview", "status": {}}))).await;
    assert!(matches!(live.allowed("get", "", "pods", None, None).await, Err(Why::Malformed { .. })));
}

#[tokio::test]
async fn a_dropped_call_hangs_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let server = ApiServer::start(|_| Reply::Silence).await;
    let cluster = format!("server: 'http://{}'", listener.local_addr().expect("address"));
    let live = Live::connect(&options(server.kubeconfig_with(&cluster, "token: t"))).await.expect("live");
    let stream = LogStream {
        namespace: "shop".to_owned(),
        pod: "a".to_owned(),
        container: "b".to_owned(),
        previous: false,
    };
    let mut on_line = |_: &[u8]| ();
    for number in 0..3 {
        let accepted = async {
            let (mut connection, _) = listener.accept().await.expect("connection");
            let mut request = vec![0; 64 << 10];
            assert!(connection.read(&mut request).await.expect("request") > 0);
            connection
        };
        let mut connection = tokio::select! {
            connection = accepted => connection,
            _ = live.version(), if number == 0 => panic!("answered"),
            _ = live.read_log(&stream, None, 1, &mut on_line), if number == 1 => panic!("answered"),
            _ = live.replay(Kind::Ingress, None, 1), if number == 2 => panic!("answered"),
        };
        let hung_up =
            tokio::time::timeout(Duration::from_secs(1), connection.read_to_end(&mut Vec::new())).await;
        assert!(hung_up.is_ok(), "call {number} goes on upstream");
    }
}
