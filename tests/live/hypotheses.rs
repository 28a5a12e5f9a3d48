//! The six hypotheses, each made to happen for real: a change at a known time, 404s in the controller's
//! log right after it, and answers before. The change is found under its hypothesis, dated within what
//! its source states, with what stood before and after, by `correlate_changes`, and cited as such by
//! `diagnose`; 404s that began while all was quiet, and what happened to others, are held against no change
//! by either.

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use routecause::tools::Toolbox;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::plane::Plane;
use crate::shop::{CONTROLLER, Shop, path, service};
use crate::suite::{Case, Skip, Suite};
use controller::a_controller_that_is_restarted_or_reconfigured;

mod controller;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        rules_that_are_edited,
        paths_that_are_edited,
        a_backend_service_that_is_deleted_or_modified,
        a_controller_that_is_restarted_or_reconfigured,
        a_class_or_an_annotation_that_is_flipped,
        an_application_that_is_rolled_out,
    ]
}

const REWRITE: &str = "nginx.ingress.kubernetes.io/rewrite-target";

/// A write to the cluster.
#[derive(Debug)]
enum Write {
    /// A merge patch of a kind's object by its name, as `kubectl edit` sends it.
    Patch(&'static str, &'static str, Value),
    Delete(&'static str, &'static str),
    Apply(Value),
}

/// What is written to a shop, and how the change is told.
#[derive(Debug)]
struct Made<'a> {
    /// The namespace, and so the host.
    name: &'static str,
    /// Before the 404s and before the change that matters.
    given: Vec<Write>,
    writes: Vec<Write>,
    /// Kind and name of what changed.
    object: [&'a str; 2],
    /// How the field begins.
    field: &'static str,
    /// What the values before and after contain; empty: nothing is told.
    before: &'static str,
    after: &'static str,
    via: &'static str,
    /// What the request met before and after, where that differs.
    decisions: Option<[&'static str; 2]>,
    /// Who answers 404 then: a Service, or nobody's rule.
    answers: Option<&'static str>,
    /// The verdict that cites it.
    verdict: &'static str,
    /// What the verdict cites instead where it knows better: field, before, after.
    cites: Option<[&'static str; 3]>,
}

/// An API version by its kind.
fn api(kind: &str) -> &'static str {
    match kind {
        "Ingress" => "networking.k8s.io/v1",
        "Deployment" => "apps/v1",
        _ => "v1",
    }
}

async fn write(plane: &Plane, namespace: &str, write: &Write) {
    match write {
        Write::Patch(kind, name, patch) => {
            plane.patch("kubectl-edit", [api(kind), kind, namespace, name], patch).await;
        }
        Write::Delete(kind, name) => plane.delete(api(kind), kind, namespace, name).await,
        Write::Apply(object) => plane.apply_as("kubectl-create", &object.to_string()).await,
    }
}

/// The moments between which a change was made.
#[derive(Debug, Clone, Copy)]
struct Between(DateTime<Utc>, DateTime<Utc>);

impl Between {
    /// Whether what is told as `at` within `precision_s` may be in between.
    fn dates(self, change: &Value) -> bool {
        let at = change["at"].as_str().and_then(|at| at.parse::<DateTime<Utc>>().ok()).expect("a time");
        let precision = TimeDelta::seconds(change["precision_s"].as_i64().expect("a precision"));
        at - precision <= self.1 && self.0 <= at + precision
    }
}

/// The hypothesis with this number, in the answer for a path that began to fail.
async fn tested(toolbox: &Toolbox, url: &str, id: u8) -> (Value, Value) {
    let question = json!({"url": url, "hypotheses": [id], "max_widenings": 0, "detail": "detailed"});
    let answer = ask(toolbox, "correlate_changes", question).await;
    let tested = answer["hypotheses"][0].clone();
    assert_eq!(tested["id"], id, "{answer:#}");
    (tested, answer)
}

fn changes(tested: &Value) -> &[Value] {
    tested["changes"].as_array().map(Vec::as_slice).expect("changes")
}

/// No change of somebody else's is held against the request: all the other cases make theirs meanwhile.
fn is_its_own(shop: &Shop<'_>, change: &Value) -> bool {
    // The class and the controller are everybody's.
    let namespace = change["object"]["namespace"].as_str().unwrap_or(CONTROLLER);
    change["touches_request"] == false || [&shop.namespace, CONTROLLER].contains(&namespace)
}

/// Whether a change is the one that was made, and what came of it.
fn is(made: &Made<'_>, namespace: &str, between: Between, change: &Value) -> bool {
    let decisions = made.decisions.is_none_or(|[before, after]| {
        change["decision_before"] == before && change["decision_after"] == after
    });
    let values = [made.field, made.before, made.after];
    change["touches_request"] == true
        && decisions
        && tells(made.object, values, made.via, namespace, between, change)
}

/// Whether a change is told as the one that was made.
fn tells(
    [kind, name]: [&str; 2],
    [field, before, after]: [&str; 3],
    via: &str,
    namespace: &str,
    between: Between,
    change: &Value,
) -> bool {
    let says = |value: &Value, wanted: &str| match value.as_str() {
        Some(text) => !wanted.is_empty() && text.contains(wanted),
        None => wanted.is_empty(),
    };
    change["object"] == json!({"kind": kind, "namespace": namespace, "name": name})
        && change["field"].as_str().is_some_and(|told| told.starts_with(field))
        && says(&change["before"], before)
        && says(&change["after"], after)
        && change["via"] == via
        && between.dates(change)
}

/// 404s of a path that begin at a moment, with answers before it.
async fn fails_from(shop: &Shop<'_>, path: &str, onset: DateTime<Utc>, answers: Option<&str>) {
    for seconds in [600, 90, 20] {
        shop.answered(onset - TimeDelta::seconds(seconds), path, 200, Some("api")).await;
    }
    for seconds in [0, 1, 2] {
        shop.answered(onset + TimeDelta::seconds(seconds), path, 404, answers).await;
    }
}

/// The 404s of a path began while there was nothing of all this yet: no change explains them, and that
/// is said only by who would have seen one.
async fn is_quiet(shop: &Shop<'_>, toolbox: &Toolbox, id: u8) {
    let onset = Utc::now() - TimeDelta::minutes(40);
    let path = format!("/api/quiet-{}", shop.namespace);
    fails_from(shop, &path, onset, None).await;
    let (tested, answer) = tested(toolbox, &shop.url(&path), id).await;
    assert_eq!(answer["onset"]["at"], json!(seconds(onset)), "{answer:#}");
    assert_ne!(tested["outcome"], "found", "{answer:#}");
    assert!(changes(&tested).iter().all(|change| change["touches_request"] == false), "{answer:#}");
    assert!(tested["because"].as_str().is_some_and(|why| !why.is_empty()), "{answer:#}");
    let diagnosis = ask(toolbox, "diagnose", json!({"url": shop.url(&path), "detail": "detailed"})).await;
    assert_eq!(diagnosis["verdict"]["since"], json!(seconds(onset)), "{diagnosis:#}");
    assert_eq!(cited(&diagnosis), Vec::<Value>::new(), "{diagnosis:#}");
}

/// The changes that a verdict rests on.
fn cited(diagnosis: &Value) -> Vec<Value> {
    let evidence = diagnosis["verdict"]["evidence"].as_array().expect("evidence").iter();
    evidence.map(|one| one["source"]["change"].clone()).filter(|change| !change.is_null()).collect()
}

/// The diagnosis has its verdict since that moment, and cites the change that was made.
async fn diagnoses(toolbox: &Toolbox, url: &str, made: &Made<'_>, namespace: &str, between: Between) {
    let diagnosis = ask(toolbox, "diagnose", json!({"url": url, "detail": "detailed"})).await;
    let verdict = &diagnosis["verdict"];
    assert_eq!(verdict["since"], json!(seconds(between.1)), "{diagnosis:#}");
    assert_eq!(verdict["code"], made.verdict, "{}: {diagnosis:#}", made.name);
    let [field, before, after] = made.cites.unwrap_or([made.field, made.before, made.after]);
    let found = cited(&diagnosis)
        .iter()
        .any(|change| tells(made.object, [field, before, after], made.via, namespace, between, change));
    assert!(found, "{}: {made:#?}, {between:?}: {diagnosis:#}", made.name);
}

fn seconds(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Makes a change in a shop of its own, and holds the answers to it.
async fn happens(plane: &'static Plane, id: u8, made: &Made<'_>) -> Result<(), Skip> {
    let shop = Shop::open(plane, made.name).await?;
    let reader = plane.reader(made.name).await;
    let toolbox = plane.toolbox(&reader, &[]);
    for one in &made.given {
        write(plane, made.name, one).await;
    }
    is_quiet(&shop, &toolbox, id).await;
    let start = Utc::now();
    for one in &made.writes {
        write(plane, made.name, one).await;
    }
    if id == 6 {
        plane.settle(made.name).await;
    }
    let between = Between(start, Utc::now());
    let path = format!("/api/{}", made.name);
    fails_from(&shop, &path, between.1, made.answers).await;
    let url = shop.url(&path);
    let (tested, answer) = tested(&toolbox, &url, id).await;
    assert_eq!(answer["onset"]["at"], json!(seconds(between.1)), "{answer:#}");
    assert_eq!(tested["outcome"], "found", "{}: {answer:#}", made.name);
    let found = changes(&tested).iter().any(|change| is(made, made.name, between, change));
    assert!(found, "{made:#?}, {between:?}: {tested:#}\n{}", answer["coverage"]);
    let others: Vec<&Value> = changes(&tested).iter().filter(|change| !is_its_own(&shop, change)).collect();
    assert!(others.is_empty(), "{}: {others:#?}", made.name);
    diagnoses(&toolbox, &url, made, made.name, between).await;
    Ok(())
}

async fn all_happen(suite: &'static Suite, id: u8, all: Vec<Made<'static>>) -> Result<(), Skip> {
    let plane = suite.plane().await;
    join_all(all.iter().map(|made| happens(plane, id, made))).await.into_iter().collect()
}

/// An edit of the Ingress.
fn edit(name: &'static str, patch: Value, field: &'static str) -> Made<'static> {
    Made {
        name,
        given: Vec::new(),
        writes: vec![Write::Patch("Ingress", "shop", patch)],
        object: ["Ingress", "shop"],
        field,
        before: "",
        after: "",
        via: "watch_replay",
        decisions: None,
        answers: None,
        verdict: "",
        cites: None,
    }
}

fn rules(host: &str, paths: &[Value]) -> Value {
    json!({"spec": {"rules": [{"host": host, "http": {"paths": paths}}]}})
}

async fn rules_that_are_edited(suite: &'static Suite) -> Result<(), Skip> {
    let both = [path("/api", "api"), path("/", "web")];
    let made = vec![
        Made {
            before: "h1-host.example.com",
            after: "h1-other.example.com",
            decisions: Some(["routed h1-host/api:80", "no_route 404"]),
            verdict: "HOST_MISMATCH",
            ..edit("h1-host", rules("h1-other.example.com", &both), "spec.rules")
        },
        Made {
            writes: vec![Write::Delete("Ingress", "shop")],
            decisions: Some(["routed h1-deleted/api:80", "no_route 404"]),
            verdict: "INGRESS_ABSENT_REJECTED",
            ..edit("h1-deleted", Value::Null, "")
        },
    ];
    all_happen(suite, 1, made).await
}

async fn paths_that_are_edited(suite: &'static Suite) -> Result<(), Skip> {
    let made = vec![
        Made {
            before: "/api",
            after: "/v2",
            decisions: Some(["routed h2-path/api:80", "no_route 404"]),
            given: vec![Write::Patch(
                "Ingress",
                "shop",
                rules("h2-path.example.com", &[path("/api", "api")]),
            )],
            verdict: "NO_RULE_FOR_PATH",
            ..edit("h2-path", rules("h2-path.example.com", &[path("/v2", "api")]), "spec.rules")
        },
        Made {
            before: "Prefix",
            after: "Exact",
            decisions: Some(["routed h2-type/api:80", "routed h2-type/web:80"]),
            verdict: "PATHTYPE_MISMATCH",
            answers: Some("web"),
            ..edit(
                "h2-type",
                rules(
                    "h2-type.example.com",
                    &[
                        json!({"path": "/api", "pathType": "Exact",
                               "backend": {"service": {"name": "api", "port": {"number": 80}}}}),
                        path("/", "web"),
                    ],
                ),
                "spec.rules",
            )
        },
    ];
    all_happen(suite, 2, made).await
}

async fn a_backend_service_that_is_deleted_or_modified(suite: &'static Suite) -> Result<(), Skip> {
    let of = |name, answers, writes, field, before, after| Made {
        answers,
        writes,
        object: ["Service", "api"],
        before,
        after,
        verdict: "APP_ROUTE_MISSING",
        ..edit(name, Value::Null, field)
    };
    let mut again = service("h3-again", "api");
    again["spec"]["ports"][0]["targetPort"] = json!(9999);
    let port = json!({"spec": {"ports": [{"name": "http", "port": 80, "targetPort": 9999}]}});
    let selector = json!({"spec": {"selector": {"app": "client"}}});
    let made = vec![
        Made {
            verdict: "SERVICE_REF_INVALID",
            ..of("h3-gone", None, vec![Write::Delete("Service", "api")], "", "", "")
        },
        Made {
            cites: Some(["spec.ports", "http", "9999"]),
            ..of(
                "h3-again",
                Some("api"),
                vec![Write::Delete("Service", "api"), Write::Apply(again)],
                "",
                "",
                "",
            )
        },
        of("h3-port", Some("api"), vec![Write::Patch("Service", "api", port)], "spec.ports", "http", "9999"),
        of(
            "h3-selector",
            Some("api"),
            vec![Write::Patch("Service", "api", selector)],
            "spec.selector",
            "api",
            "client",
        ),
    ];
    all_happen(suite, 3, made).await
}

async fn a_class_or_an_annotation_that_is_flipped(suite: &'static Suite) -> Result<(), Skip> {
    let note = |value: Value| json!({"metadata": {"annotations": {REWRITE: value}}});
    let made = vec![
        Made {
            before: "nginx",
            after: "h5-other",
            decisions: Some(["routed h5-class/api:80", "no_route 404"]),
            verdict: "CLASS_NOT_FOUND",
            ..edit("h5-class", json!({"spec": {"ingressClassName": "h5-other"}}), "spec.ingressClassName")
        },
        Made {
            after: "/nowhere",
            answers: Some("api"),
            verdict: "REWRITE_WRONG",
            ..edit("h5-set", note(json!("/nowhere")), "metadata.annotations")
        },
        Made {
            given: vec![Write::Patch("Ingress", "shop", note(json!("/")))],
            before: "/",
            answers: Some("api"),
            verdict: "PREFIX_NOT_STRIPPED",
            ..edit("h5-removed", note(Value::Null), "metadata.annotations")
        },
    ];
    all_happen(suite, 5, made).await
}

async fn an_application_that_is_rolled_out(suite: &'static Suite) -> Result<(), Skip> {
    let of = |name, container, field, before, after| Made {
        writes: vec![Write::Patch(
            "Deployment",
            "api",
            json!({"spec": {"template": {"spec": {"containers": [container]}}}}),
        )],
        object: ["Deployment", "api"],
        before,
        after,
        via: "revisions",
        answers: Some("api"),
        verdict: "APP_ROUTE_MISSING",
        ..edit(name, Value::Null, field)
    };
    let container = |image: &str, env: Value| {
        json!({"name": "api", "image": format!("registry.example.com/api:{image}"), "env": env,
               "ports": [{"name": "http", "containerPort": 8080}]})
    };
    let base = json!([{"name": "BASE_PATH", "value": "/v2"}]);
    let made = vec![
        of("h6-image", container("2.0", json!([])), "spec.template.spec.containers[0].image", "1.0", "2.0"),
        of("h6-env", container("1.0", base), "spec.template.spec.containers[0].env", "", "/v2"),
    ];
    all_happen(suite, 6, made).await
}
