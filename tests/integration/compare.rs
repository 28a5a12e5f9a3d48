//! `routecause compare`, and the comparisons of `match_path`, on the embedded incident.

use routecause::cli::{self, CliError};
use routecause::evidence::demo;
use routecause::model::controller::ControllerKind;
use routecause::tools::compare::{self, Answer, Asked};
use routecause::tools::{Call, Reply, Settings, Source, Toolbox, registry};
use serde_json::{Value, json};

use crate::support::api_server::ApiServer;
use crate::support::served::{everything, served};

fn on_demo(namespace: Option<&str>) -> Toolbox {
    let namespace = namespace.map(str::to_owned);
    Toolbox::new(Settings { source: Source::Demo, namespace, ..Settings::default() })
}

async fn compared(toolbox: &Toolbox, to: ControllerKind) -> (Reply, Answer) {
    compare::examine(toolbox, Asked { to, from: None }).await.expect("an answer")
}

fn group<'v>(report: &'v Value, cause: &str) -> &'v Value {
    let groups = report["groups"].as_array().expect("groups");
    groups.iter().find(|group| group["cause"] == cause).unwrap_or_else(|| panic!("no {cause}: {groups:?}"))
}

async fn asked(arguments: Value) -> Reply {
    let tool = registry().iter().find(|entry| entry.name == "match_path").expect("the tool");
    tool.call(&on_demo(None), arguments, &Call::default()).await.expect("an answer")
}

#[tokio::test]
async fn a_move_to_traefik_is_told_by_cause() {
    let (Reply { structured: report, text, .. }, answer) =
        compared(&on_demo(None), ControllerKind::Traefik).await;
    assert_eq!(answer, Answer::Differs);
    let https = group(&report, "https_redirect");
    assert!(https["before"].as_str().expect("before").starts_with("redirect 308"), "{https}");
    assert!(https["after"].as_str().expect("after").starts_with("routed"), "{https}");
    let characters = group(&report, "prefix_matches_characters");
    assert!(characters["example"].as_str().expect("a URL").ends_with("bar"), "{characters}");
    let keep = characters["keep"].as_str().expect("an edit");
    assert!(keep.contains("strictprefixmatching=true"), "{keep}");
    assert!(text.contains("prefix_matches_characters: "), "{text}");
    let counts: u64 =
        ["same", "differing", "undecided"].iter().map(|key| report[key].as_u64().expect("a count")).sum();
    assert_eq!(report["urls"].as_u64(), Some(counts));
    let grouped: u64 = report["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| group["urls"].as_u64().expect("urls"))
        .sum();
    assert_eq!(
        grouped,
        report["differing"].as_u64().expect("differing") + report["undecided"].as_u64().expect("undecided")
    );
}

#[tokio::test]
async fn every_controller_can_be_compared_within_what_clients_take() {
    for kind in ControllerKind::ALL.into_iter().filter(|kind| !kind.routes_by_gateways()) {
        let (one, _) = compared(&on_demo(None), kind).await;
        let (other, _) = compared(&on_demo(None), kind).await;
        assert_eq!(one, other, "{kind}");
        assert!(one.text.chars().count() <= 10_000 && one.structured.to_string().chars().count() <= 10_000);
        let other_causes = one.structured["groups"].as_array().expect("groups").iter();
        let unexplained: Vec<&Value> = other_causes.filter(|group| group["cause"] == "other").collect();
        let is_known = matches!(kind, ControllerKind::Traefik | ControllerKind::TraefikIngressNginx);
        assert!(!is_known || unexplained.is_empty(), "{kind}: {unexplained:?}");
    }
}

#[tokio::test]
async fn a_namespace_is_compared_alone() {
    let (all, _) = compared(&on_demo(None), ControllerKind::Traefik).await;
    let (one, _) = compared(&on_demo(Some("content")), ControllerKind::Traefik).await;
    assert!(one.structured["ingresses"].as_u64() < all.structured["ingresses"].as_u64());
    for group in one.structured["groups"].as_array().expect("groups") {
        assert!(group["ingress"].as_str().expect("a name").starts_with("content/"), "{group}");
    }
}

#[tokio::test]
async fn the_exit_code_tells_the_answer() {
    for (words, code) in [
        ("--demo compare --to traefik", 1),
        ("--demo compare --to ingress-nginx --from ingress-nginx", 0),
        ("--demo compare --to httproute", 2),
        ("--demo compare --to nonsense", 64),
        ("--demo compare", 64),
    ] {
        let words_given = std::iter::once("routecause").chain(words.split(' ')).map(Into::into);
        let ended: Result<u8, CliError> = match cli::parse(words_given, registry()) {
            Ok(invocation) => invocation.run().await,
            Err(error) => Err(error),
        };
        assert_eq!(ended.unwrap_or_else(|error| error.exit_code()), code, "{words}");
    }
}

#[tokio::test]
async fn a_live_cluster_answers_as_the_capture_does() {
    let server = ApiServer::start(served(demo::open().expect("demo"), everything())).await;
    let settings = Settings {
        source: Source::Cluster { kubeconfig: Some(server.kubeconfig("token: t0ken")), context: None },
        ..Settings::default()
    };
    let (live, answer) = compared(&Toolbox::new(settings), ControllerKind::Traefik).await;
    let (captured, _) = compared(&on_demo(None), ControllerKind::Traefik).await;
    assert_eq!(answer, Answer::Differs);
    for key in ["urls", "same", "differing", "undecided", "groups"] {
        assert_eq!(live.structured[key], captured.structured[key], "{key}");
    }
}

#[tokio::test]
async fn match_path_compares_a_namespace_and_says_why_two_decisions_differ() {
    let all = asked(json!({"namespace": "content", "controllers": ["traefik"]})).await;
    let comparison = all.structured["comparisons"][0].as_str().expect("said");
    assert!(comparison.contains("\nprefix_matches_characters: "), "{comparison}");
    assert!(all.text.contains(comparison), "{}", all.text);
    let (report, _) = compared(&on_demo(Some("content")), ControllerKind::Traefik).await;
    let example = group(&report.structured, "prefix_matches_characters")["example"].as_str().expect("a URL");
    let one = asked(json!({"url": example, "controllers": ["ingress-nginx", "traefik"]})).await;
    assert_eq!(one.structured["decisions"].as_array().map(Vec::len), Some(2));
    let difference = one.structured["differences"][0].as_str().expect("said");
    let wanted = "prefix_matches_characters: traefik differs from ingress-nginx";
    assert!(difference.starts_with(wanted), "{difference}");
    assert!(one.text.contains(difference), "{}", one.text);
}

#[tokio::test]
async fn every_controller_decides_a_url_wherever_it_runs() {
    for kind in ControllerKind::ALL {
        let url = demo::url().expect("a URL");
        let reply = asked(json!({"url": url, "controllers": ["ingress-nginx", kind.slug()]})).await;
        let decisions = reply.structured["decisions"].as_array().expect("decisions");
        let named: Vec<&str> =
            decisions.iter().filter_map(|decision| decision["controller"].as_str()).collect();
        assert!(named.contains(&kind.slug()), "{kind}: {named:?}");
    }
}
