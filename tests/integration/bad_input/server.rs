//! API servers that are not there, are none, or refuse; and what is not in a cluster that answers.

use routecause::tools::FailureCode::{self, Forbidden, NotFound, Unreachable};
use routecause::tools::Source;
use serde_json::{Value, json};

use super::asking::{self, Case};
use crate::support::api_server::{ApiServer, Reply, Seen};

const INGRESSES: &str = "/apis/networking.k8s.io/v1/ingresses";

fn source(server: &ApiServer) -> Source {
    Source::Cluster { kubeconfig: Some(server.kubeconfig("token: t0ken")), context: None }
}

fn about_web(name: &str, code: FailureCode, seen: &'static str, next: &'static str) -> Case {
    Case { tool: "get_ingress", arguments: json!({"name": name}), code, seen, next }
}

async fn check(
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    code: FailureCode,
    seen: &'static str,
    next: &'static str,
) {
    let server = ApiServer::start(answer).await;
    asking::check(&source(&server), &[about_web("shop/web", code, seen, next)]).await;
}

fn object(api: &str, kind: &str, namespace: &str, name: &str) -> Value {
    json!({"apiVersion": api, "kind": kind, "metadata": {"namespace": namespace, "name": name}})
}

/// A cluster with two namespaces and one Ingress; what `deny` names is refused.
fn cluster(seen: &Seen, deny: fn(&str) -> bool) -> Reply {
    let path = seen.path.as_str();
    if path == "/version" {
        return Reply::Json(200, json!({"major": "1", "minor": "36", "gitVersion": "v1.36.2"}));
    }
    if deny(path) {
        let resource = path.rsplit('/').next().unwrap_or_default();
        let message = format!("{resource} is forbidden: User \"u\" cannot list resource \"{resource}\"");
        return Reply::status(403, "Forbidden", &message);
    }
    let items = match path {
        INGRESSES => vec![object("networking.k8s.io/v1", "Ingress", "shop", "web")],
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses" => {
            vec![object("networking.k8s.io/v1", "Ingress", "shop", "web")]
        }
        "/api/v1/namespaces" => {
            vec![object("v1", "Namespace", "", "shop"), object("v1", "Namespace", "", "empty")]
        }
        _ => Vec::new(),
    };
    Reply::Json(200, json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_or_is_none_is_told_as_what_it_is() {
    const PROXY: &str = "whether a proxy wants a login first";
    const HEALTH: &str = "look at the API server's health";
    let none = "this address is not a Kubernetes API (login page or proxy?)";
    let page = "<!DOCTYPE html><html><title>Sign in</title></html>";
    let text = |code, text: &'static str| move |_: &Seen| Reply::Text(code, "text/html", text.to_owned());
    check(text(200, page), Unreachable, none, PROXY).await;
    check(text(502, page), Unreachable, none, PROXY).await;
    check(text(200, "\u{1b}[31mgarbage\u{202e}"), Unreachable, none, PROXY).await;
    check(text(200, ""), Unreachable, none, PROXY).await;
    check(text(500, "it \u{1b}[31mburns\u{202e}"), Unreachable, "HTTP 500: it", HEALTH).await;
    let bytes = |_: &Seen| Reply::Pieces(vec![Some(vec![0, 0xff, 0xfe, 0x1b, b'{'])]);
    check(bytes, Unreachable, none, PROXY).await;
    check(|_: &Seen| Reply::Broken(b"{\"major\": ".to_vec()), Unreachable, "", "").await;
    let rejected = |_: &Seen| Reply::status(401, "Unauthorized", "Unauthorized");
    check(rejected, Forbidden, "rejected the credentials of context \"here\" (401)", "get fresh credentials")
        .await;

    let closed = ApiServer::start(|_| Reply::Silence).await;
    let kubeconfig = closed.kubeconfig_with("server: 'http://127.0.0.1:1'", "token: t");
    let source = Source::Cluster { kubeconfig: Some(kubeconfig), context: None };
    let case = about_web(
        "shop/web",
        Unreachable,
        "the API server 127.0.0.1:1 of context \"here\": ",
        "check that the cluster runs",
    );
    asking::check(&source, &[case]).await;
}

/// Answers the version like a server, and lists like nothing of the kind.
fn lists_as(reply: fn() -> Reply) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| if seen.path == "/version" { cluster(seen, |_| false) } else { reply() }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_none_are_unseen_and_not_empty() {
    let none = "Not seen: ingresses in all namespaces: ";
    for reply in [
        (|| Reply::Text(200, "text/html", "<html>Sign in</html>".to_owned())) as fn() -> Reply,
        || Reply::Text(200, "application/json", "garbage".to_owned()),
        || Reply::Text(500, "text/plain", "\u{1b}[31mno\u{202e}".to_owned()),
        || Reply::Json(200, json!({"kind": "IngressList"})),
        || Reply::Json(200, json!({"items": {"a": 1}})),
        || Reply::Json(200, json!({"items": [{"spec": 7}]})),
        || Reply::Text(200, "application/json", format!("{{\"items\": {}", "[".repeat(100_000))),
    ] {
        check(lists_as(reply), Unreachable, none, "").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_end_ends() {
    // Every page promises another: the same one, or ever new ones.
    let same = ApiServer::start(|seen| match seen.path.as_str() {
        "/version" => cluster(seen, |_| false),
        _ => Reply::Json(200, json!({"metadata": {"continue": "again"}, "items": []})),
    })
    .await;
    let case = about_web("shop/web", Unreachable, "the list does not go on", "");
    asking::check(&source(&same), &[case]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_empty_and_forbidden_are_told_apart() {
    let server = ApiServer::start(|seen| cluster(seen, |_| false)).await;
    let cases = [
        about_web(
            "shop/wbe",
            NotFound,
            "there is no Ingress wbe in namespace shop; nearest: shop/web",
            "one of these names",
        ),
        about_web(
            "empty/web",
            NotFound,
            "there is no Ingress web in namespace empty; nearest: shop/web",
            "one of these names",
        ),
        about_web(
            "nowhere/web",
            NotFound,
            "there is no namespace nowhere; nearest: ",
            "one of the namespaces that exist",
        ),
    ];
    asking::check(&source(&server), &cases).await;

    let server = ApiServer::start(|seen| cluster(seen, |path| path == "/api/v1/namespaces")).await;
    let case = about_web("nowhere/web", NotFound, "there is no Ingress web in namespace nowhere", "");
    asking::check(&source(&server), &[case]).await;

    let server = ApiServer::start(|seen| cluster(seen, |path| path.ends_with("/ingresses"))).await;
    let case = about_web(
        "shop/web",
        Forbidden,
        "this identity may not list ingresses in",
        "grant this identity to list ingresses",
    );
    asking::check(&source(&server), &[case]).await;

    let only_shop = |path: &str| path.ends_with("/ingresses") && !path.contains("/namespaces/shop/");
    let server = ApiServer::start(move |seen| cluster(seen, only_shop)).await;
    let case = about_web("empty/web", Forbidden, "this identity may not list ingresses in", "");
    asking::check(&source(&server), &[case]).await;
}
