//! What the API server keeps no longer: lists that expire between their pages, a watch cache that has moved
//! on, and both after a compaction of etcd. What is gone is never taken for what has not been.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use http::Method;
use routecause::evidence::live::{Live, LiveOptions};
use routecause::model::object::Kind;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::plane::identity::toolbox;
use crate::plane::objects::path as place;
use crate::plane::proxy::{Gate, Trouble};
use crate::plane::{Options, Plane, Program};
use crate::shop::{Shop, ingress, path};
use crate::suite::{Case, Skip, Suite};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_list_that_expires_between_its_pages_loses_nothing,
        a_window_that_has_moved_on_is_not_called_quiet,
        after_compaction_and_a_restart_only_what_came_later_is_told,
        past_versions_that_come_late_are_waited_for,
    ]
}

const INGRESS: &str = "networking.k8s.io/v1";

/// A plane that forgets quickly.
fn compacting() -> Options {
    Options { apiserver: vec!["--etcd-compaction-interval=2s"], ..Options::default() }
}

/// Waits until etcd has forgotten how everything was a moment ago.
async fn compacted(plane: &Plane) {
    let now =
        plane.get("v1", "Namespace", "", "").await.expect("a list")["metadata"]["resourceVersion"].clone();
    let now = now.as_str().expect("a version");
    let all = place(INGRESS, "Ingress", "", "");
    let exact = format!("{all}?resourceVersion={now}&resourceVersionMatch=Exact");
    let write = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tick", "namespace": "default"}});
    plane
        .until("etcd is compacted", || async {
            let mut write = write.clone();
            write["data"] = json!({"at": Utc::now().to_rfc3339()});
            plane.apply(&write.to_string()).await;
            let refused = plane.request(Method::GET, &exact, "", &Value::Null).await.err()?;
            matches!(&refused, kube::Error::Api(status) if status.code == 410).then_some(())
        })
        .await;
}

const MANY: usize = 1_200;

async fn a_list_that_expires_between_its_pages_loses_nothing(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.own_plane(compacting()).await;
    let shop = Shop::open(&plane, "zz-last").await?;
    plane.namespace("many").await;
    let all = place(INGRESS, "Ingress", "many", "");
    let writes = (0..MANY).map(|number| {
        let host = format!("h{number:04}.example.com");
        let mut object = ingress("many", &host, &json!([path("/", "web")]));
        object["metadata"]["name"] = json!(format!("i{number:04}"));
        let (plane, all) = (&plane, &all);
        async move { plane.request(Method::POST, all, "application/json", &object).await.expect("an Ingress") }
    });
    futures::stream::iter(writes).buffer_unordered(24).collect::<Vec<_>>().await;
    let reader = plane.reader("pages").await;
    let proxy = plane.proxy().await;
    let kubeconfig = plane.through(&proxy, &reader);
    let hold = || {
        let gate = Gate::new();
        let held = gate.clone();
        proxy.trouble(move |_, passed| {
            let next_page = passed.target.contains("/ingresses?") && passed.target.contains("continue=");
            if next_page { Trouble::Wait(held.clone()) } else { Trouble::None }
        });
        gate
    };

    // The list itself.
    let options = LiveOptions { kubeconfig: Some(kubeconfig.clone()), ..LiveOptions::default() };
    let live = Live::connect(&options).await.expect("a connection");
    let (mut names, mut count) = (BTreeSet::new(), 0);
    let gate = hold();
    let mut each = |object: Value| {
        count += 1;
        names.insert(format!("{}/{}", object["metadata"]["namespace"], object["metadata"]["name"]));
    };
    let list = live.list::<Value>(Kind::Ingress, None, None, None, &mut each);
    let expire = async {
        gate.reached().await;
        // Both pages change meanwhile.
        plane.delete(INGRESS, "Ingress", "many", "i0000").await;
        plane.delete(INGRESS, "Ingress", "many", "i1100").await;
        compacted(&plane).await;
        gate.open();
    };
    let (listed, ()) = futures::join!(list, expire);
    listed.expect("the list");
    println!("{:#?}", proxy.take().0.iter().map(|one| &one.target).collect::<Vec<_>>());
    // What was read before it was deleted was there; what was deleted before it was read is not.
    assert_eq!((count, names.len()), (MANY, MANY));

    // What is asked about is on the last page.
    for (tool, arguments) in [
        ("get_ingress", json!({"namespace": "zz-last", "name": "shop"})),
        ("match_path", json!({"url": shop.url("/api/v1")})),
        ("find_conflicts", json!({"namespace": "zz-last"})),
        ("diagnose", json!({"url": shop.url("/api/v1")})),
    ] {
        let toolbox = toolbox(kubeconfig.clone(), None, &[]);
        proxy.trouble(|_, _| Trouble::None);
        let well = ask(&toolbox, tool, arguments.clone()).await;
        let gate = hold();
        let expire = async {
            gate.reached().await;
            compacted(&plane).await;
            gate.open();
        };
        let (answer, ()) = futures::join!(ask(&toolbox, tool, arguments), expire);
        assert_eq!(answer["gaps"], json!([]), "{tool}: {answer:#}");
        assert_eq!(crate::truth::gist(tool, &answer), crate::truth::gist(tool, &well), "{tool}: {answer:#}");
    }
    Ok(())
}

/// What `correlate_changes` says of a URL, asked directly.
async fn correlated(plane: &Plane, shop: &Shop<'_>, onset: DateTime<Utc>) -> Value {
    let reader = plane.reader(&shop.namespace).await;
    let asked = json!({"url": shop.url("/api/v1"), "onset": onset.to_rfc3339()});
    ask(&plane.toolbox(&reader, &[]), "correlate_changes", asked).await
}

/// From when on past versions were seen.
fn seen_from(answer: &Value) -> DateTime<Utc> {
    let sources = answer["coverage"].as_array().expect("coverage");
    let replay = sources.iter().find(|one| one["source"] == "watch_replay").expect("the watch cache");
    let from = replay["from"].as_str().unwrap_or_else(|| panic!("no beginning: {replay}"));
    from.parse().expect("a time")
}

/// The outcome of a hypothesis by its number.
fn outcome(answer: &Value, id: usize) -> &str {
    answer["hypotheses"][id - 1]["outcome"].as_str().expect("an outcome")
}

async fn write_often(plane: &Plane, namespace: &str, from: usize, times: usize) {
    for number in from..from + times {
        let mut object =
            ingress(namespace, "often.example.com", &json!([path(&format!("/{number}"), "web")]));
        object["metadata"]["name"] = json!("often");
        plane.apply(&object.to_string()).await;
    }
}

async fn a_window_that_has_moved_on_is_not_called_quiet(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.own_plane(Options::default()).await;
    let shop = Shop::open(&plane, "window").await?;
    // The API server keeps at least 100 events of a kind, and all of the last 75 s.
    plane.delete(INGRESS, "Ingress", "window", "shop").await;
    let deleted = Utc::now();
    write_often(&plane, "window", 0, 100).await;
    tokio::time::sleep(Duration::from_secs(77)).await;
    let early = correlated(&plane, &shop, deleted).await;
    assert_eq!(outcome(&early, 1), "found", "{early:#}");
    write_often(&plane, "window", 100, 150).await;
    let answer = correlated(&plane, &shop, deleted).await;
    for id in [1, 2, 5] {
        assert_eq!(outcome(&answer, id), "cannot_see", "{answer:#}");
    }
    assert!(deleted < seen_from(&answer), "{answer:#}");
    Ok(())
}

async fn after_compaction_and_a_restart_only_what_came_later_is_told(
    suite: &'static Suite,
) -> Result<(), Skip> {
    let plane = suite.own_plane(compacting()).await;
    let shop = Shop::open(&plane, "forgotten").await?;
    plane.delete(INGRESS, "Ingress", "forgotten", "shop").await;
    let deleted = Utc::now();
    compacted(&plane).await;
    plane.restart(Program::ApiServer).await;
    let restarted = Utc::now();
    let answer = correlated(&plane, &shop, deleted).await;
    for id in [1, 2, 5] {
        assert_eq!(outcome(&answer, id), "cannot_see", "{id}: {answer:#}");
    }
    assert!(deleted < seen_from(&answer), "{answer:#}");
    // What comes later is seen, and from when on.
    shop.route("helm", &[("/api", "api"), ("/", "web")]).await;
    plane.delete(INGRESS, "Ingress", "forgotten", "shop").await;
    let answer = correlated(&plane, &shop, Utc::now()).await;
    assert_eq!(outcome(&answer, 1), "found", "{answer:#}");
    let from = seen_from(&answer);
    assert!(
        deleted < from && from <= restarted + chrono::TimeDelta::seconds(5),
        "{deleted} {from} {answer:#}"
    );
    Ok(())
}

async fn past_versions_that_come_late_are_waited_for(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.plane().await;
    let shop = Shop::open(plane, "late").await?;
    plane.delete(INGRESS, "Ingress", "late", "shop").await;
    let onset = Utc::now();
    let reader = plane.reader("late").await;
    let proxy = plane.proxy().await;
    let asked = json!({"url": shop.url("/api/v1"), "onset": onset.to_rfc3339()});
    let toolbox = toolbox(plane.through(&proxy, &reader), None, &[]);
    let well = ask(&toolbox, "correlate_changes", asked.clone()).await;
    assert_eq!(outcome(&well, 1), "found", "{well:#}");
    for (trouble, expected) in
        [(Trouble::Lag(Duration::from_millis(700)), "found"), (Trouble::Stall(0), "cannot_see")]
    {
        let shown = format!("{trouble:?}");
        proxy.trouble(
            move |_, passed| {
                if passed.target.contains("watch=true") { trouble.clone() } else { Trouble::None }
            },
        );
        let answer = ask(&toolbox, "correlate_changes", asked.clone()).await;
        assert_eq!(outcome(&answer, 1), expected, "{shown}: {answer:#}");
        assert_ne!(outcome(&answer, 3), "not_found", "{shown}: {answer:#}");
    }
    Ok(())
}
