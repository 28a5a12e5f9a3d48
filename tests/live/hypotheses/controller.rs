//! The fourth hypothesis: a controller whose pod ends, starts again, or is told something else.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Between, Made, api, changes, diagnoses, edit, is, is_quiet, seconds, tested};
use crate::plane::Options;
use crate::shop::{CONTAINER, CONTROLLER, Shop};
use crate::suite::{Skip, Suite};

const CONTROLLER_NAME: &str = "ingress-nginx-controller";

/// What is done to the controller's pod by its name: kind, name and patch, or without a patch its end.
type Shake = fn(pod: &str) -> (&'static str, String, Option<Value>);

/// A change of the controller, and how it is told.
struct Shaken {
    /// The last segment of the path that fails then.
    name: &'static str,
    shake: Shake,
    kind: &'static str,
    field: &'static str,
    before: &'static str,
    after: &'static str,
    via: &'static str,
}

pub(super) async fn a_controller_that_is_restarted_or_reconfigured(
    suite: &'static Suite,
) -> Result<(), Skip> {
    // Who shakes a controller has one of his own.
    let plane = suite.own_plane(Options::default()).await;
    let mut shop = Shop::open(&plane, "h4").await?;
    let toolbox = plane.toolbox(&plane.reader("h4").await, &[]);
    is_quiet(&shop, &toolbox, 4).await;
    // A write within the second of the creation cannot be told from it.
    let config = plane.get("v1", "ConfigMap", CONTROLLER, CONTROLLER_NAME).await.expect("a ConfigMap");
    let created = config["metadata"]["creationTimestamp"].as_str().expect("a time");
    let created: DateTime<Utc> = created.parse().expect("a time");
    let grown = || async { (created + TimeDelta::seconds(2) < Utc::now()).then_some(()) };
    plane.until("the ConfigMap is older than its first writes", grown).await;
    let all = [
        Shaken {
            name: "config",
            shake: |_| {
                let data = json!({"data": {"strict-validate-path-type": "false"}});
                ("ConfigMap", CONTROLLER_NAME.to_owned(), Some(data))
            },
            kind: "ConfigMap",
            field: "data",
            before: "",
            after: "false",
            via: "managed_fields",
        },
        Shaken {
            name: "restarted",
            shake: |pod| {
                let notes = json!({"metadata": {"annotations": {"routecause.test/restarts": "1"}}});
                ("Pod", pod.to_owned(), Some(notes))
            },
            kind: "Pod",
            field: "status.containerStatuses[0].lastState.terminated",
            before: "",
            after: "Error (1)",
            via: "pod_starts",
        },
        Shaken {
            name: "args",
            shake: |_| {
                let container = json!({
                    "name": CONTAINER, "image": "registry.k8s.io/ingress-nginx/controller:v1.12.1",
                    "args": ["/nginx-ingress-controller", "--controller-class=k8s.io/ingress-nginx",
                             "--watch-ingress-without-class=true"],
                    "ports": [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}],
                });
                let spec = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
                ("Deployment", CONTROLLER_NAME.to_owned(), Some(spec))
            },
            kind: "Deployment",
            field: "spec.template.spec.containers[0].args",
            before: "--election-id",
            after: "--watch-ingress-without-class",
            via: "revisions",
        },
        Shaken {
            name: "ended",
            shake: |pod| ("Pod", pod.to_owned(), None),
            kind: "Pod",
            field: "",
            before: "",
            after: "",
            via: "pod_starts",
        },
    ];
    for shaken in &all {
        let (kind, name, patch) = (shaken.shake)(&shop.controller);
        let path = format!("/api/h4-{}", shaken.name);
        let start = Utc::now();
        shop.answered(start - TimeDelta::seconds(20), &path, 200, Some("api")).await;
        let old = shop.controller.clone();
        match &patch {
            Some(patch) => {
                plane.patch("kubectl-edit", [api(kind), kind, CONTROLLER, &name], patch).await;
            }
            None => plane.delete(api(kind), kind, CONTROLLER, &name).await,
        }
        let restarted = kind == "Pod" && patch.is_some();
        shop.controller = plane
            .until("the controller runs", || async {
                let mut pods = plane.pods_of(CONTROLLER, CONTROLLER_NAME).await;
                pods.retain(|pod| kind == "ConfigMap" || restarted || *pod != old);
                let pod = plane.get("v1", "Pod", CONTROLLER, pods.first()?).await.ok()?;
                let status = &pod["status"]["containerStatuses"][0];
                (status["ready"] == true && (!restarted || status["restartCount"] == 1))
                    .then(|| pods.remove(0))
            })
            .await;
        plane.settle(CONTROLLER).await;
        let between = Between(start, Utc::now());
        for seconds in [0, 1, 2] {
            shop.answered(between.1 + TimeDelta::seconds(seconds), &path, 404, None).await;
        }
        let (tested, answer) = tested(&toolbox, &shop.url(&path), 4).await;
        let told = (&answer["onset"]["at"], &answer["onset"]["last_success"]);
        // With its pod, a log is gone.
        let success = (shop.controller == old).then(|| seconds(start - TimeDelta::seconds(20)));
        assert_eq!(told, (&json!(seconds(between.1)), &json!(success)), "{}: {answer:#}", shaken.name);
        assert_eq!(tested["outcome"], "found", "{}: {answer:#}", shaken.name);
        let object = if shaken.kind == "Pod" { &shop.controller } else { CONTROLLER_NAME };
        let made = Made {
            object: [shaken.kind, object],
            before: shaken.before,
            after: shaken.after,
            via: shaken.via,
            verdict: "SYNC_RACE",
            ..edit("h4", Value::Null, shaken.field)
        };
        let found = changes(&tested).iter().any(|change| is(&made, CONTROLLER, between, change));
        assert!(found, "{}, {between:?}: {tested:#}\n{}", shaken.name, answer["coverage"]);
        diagnoses(&toolbox, &shop.url(&path), &made, CONTROLLER, between).await;
    }
    Ok(())
}
