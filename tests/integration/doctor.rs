//! `routecause doctor` against a loopback API server, without one, and on captures.

use std::path::Path;

use routecause::evidence::demo;
use routecause::model::probe::Via;
use routecause::tools::{ProbePolicy, Reply, Settings, Source, Toolbox, doctor};
use serde_json::Value;

use crate::support::api_server::ApiServer;
use crate::support::served::{May, everything, served};

async fn examined(settings: Settings) -> (Reply, bool) {
    doctor::examine(&Toolbox::new(settings)).await.expect("an answer")
}

async fn of_identity(may: Box<May>, namespace: Option<&str>, probes: ProbePolicy) -> (Value, String, bool) {
    let server = ApiServer::start(served(demo::open().expect("demo"), may)).await;
    let settings = Settings {
        source: Source::Cluster { kubeconfig: Some(server.kubeconfig("token: t0ken")), context: None },
        namespace: namespace.map(str::to_owned),
        probes,
        ..Settings::default()
    };
    let (reply, ok) = examined(settings).await;
    for seen in server.seen() {
        assert!(!seen.path.contains("secrets"), "{}", seen.path);
        assert!(seen.method == "GET" || seen.path.ends_with("/selfsubjectaccessreviews"), "{seen:?}");
    }
    (reply.structured, reply.text, ok)
}

fn right<'v>(report: &'v Value, name: &str) -> &'v Value {
    let rights = report["rights"].as_array().expect("rights");
    rights.iter().find(|right| right["right"] == name).unwrap_or_else(|| panic!("no {name}: {rights:?}"))
}

#[tokio::test]
async fn an_identity_that_may_read_everything_lacks_nothing() {
    let (report, text, ok) = of_identity(everything(), None, ProbePolicy::default()).await;
    assert!(ok, "{text}");
    assert_eq!(right(&report, "pods/log")["state"], "everywhere");
    assert_eq!(report["connection"]["context"], "here");
    assert_eq!(report["connection"]["server_version"], "v1.34.2");
    assert!(report["connection"]["kubeconfig"][0].as_str().expect("a file").ends_with("config"));
    let controller = &report["controllers"][0];
    assert_eq!(controller["product"], "ingress-nginx");
    assert_eq!(controller["config_map_read"], true);
    assert_eq!(controller["logs_404_of_known_hosts"], "yes");
    assert!(
        controller["logs_404_of_unknown_hosts"]
            .as_str()
            .expect("said")
            .contains("enable-access-log-for-default-backend")
    );
    assert!(text.starts_with("This identity has all "), "{text}");
}

#[tokio::test]
async fn each_missing_right_is_named_with_its_rule_and_what_is_lost() {
    let may: Box<May> = Box::new(|verb, _, resource, _| {
        !(resource == "endpointslices" || (resource == "ingresses" && verb == "watch"))
    });
    let (report, text, ok) = of_identity(may, None, ProbePolicy::default()).await;
    assert!(!ok);
    let slices = right(&report, "endpointslices.discovery.k8s.io");
    assert_eq!(slices["state"], "missing");
    assert_eq!(
        slices["rule"],
        r#"- {apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: [get, list, watch]}"#
    );
    assert_eq!(slices["manifest"], "cluster.yaml");
    let ingresses = right(&report, "ingresses.networking.k8s.io");
    assert_eq!(ingresses["missing_verbs"], serde_json::json!(["watch"]));
    assert_eq!(ingresses["without"], "what changed before this was recorded");
    assert!(text.starts_with("2 of "), "{text}");
    assert!(text.contains("whether a backend has ready endpoints"), "{text}");
    assert!(text.contains("routecause doctor --manifest cluster.yaml | kubectl apply"), "{text}");
}

#[tokio::test]
async fn rights_in_a_namespace_are_enough_where_one_is_named() {
    let may = || -> Box<May> {
        Box::new(|_, _, resource, namespace| {
            matches!(resource, "ingressclasses" | "namespaces")
                || matches!(namespace, "shop" | "ingress-nginx")
        })
    };
    let (report, text, ok) = of_identity(may(), Some("shop"), ProbePolicy::default()).await;
    assert!(ok, "{text}");
    assert_eq!(right(&report, "services")["state"], "in_namespaces");
    let (report, text, ok) = of_identity(may(), None, ProbePolicy::default()).await;
    assert!(!ok, "{text}");
    assert_eq!(right(&report, "services")["manifest"], "cluster.yaml");
}

#[tokio::test]
async fn rights_for_probes_are_needed_where_probes_are_on() {
    let may = || -> Box<May> { Box::new(|_, _, resource, _| !resource.starts_with("pods/e")) };
    assert!(of_identity(may(), None, ProbePolicy::default()).await.2);
    let on = ProbePolicy { transports: vec![Via::Exec], ..ProbePolicy::default() };
    let (report, _, ok) = of_identity(may(), None, on).await;
    assert!(!ok);
    assert_eq!(right(&report, "pods/exec")["manifest"], "probe.yaml");
}

async fn without_cluster(kubeconfig: &Path) -> Value {
    let source = Source::Cluster { kubeconfig: Some(kubeconfig.to_owned()), context: None };
    let (reply, ok) = examined(Settings { source, ..Settings::default() }).await;
    assert!(!ok);
    assert!(!reply.text.is_empty());
    reply.structured
}

#[tokio::test]
async fn what_cannot_be_reached_is_explained() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("file");
        path
    };
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("address");
    let dead = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- {{name: a, cluster: {{server: 'http://{address}'}}}}\n\
         users:\n- {{name: u, user: {{}}}}\ncontexts:\n- {{name: here, context: {{cluster: a, user: u}}}}\n"
    );
    for (kubeconfig, told) in [
        (folder.path().join("missing"), "missing"),
        (path("empty", ""), "empty"),
        (path("broken", "apiVersion: [\n"), "broken"),
        (path("dead", &dead), &*address.to_string()),
    ] {
        let report = without_cluster(&kubeconfig).await;
        let fault = report["connection"]["fault"].as_str().expect("a fault");
        assert!(fault.contains(told), "{told}: {fault}");
        assert!(!report["connection"]["remedy"].as_str().expect("a remedy").is_empty());
    }
}

#[tokio::test]
async fn a_capture_tells_what_it_holds_and_lacks() {
    let (reply, ok) = examined(Settings { source: Source::Demo, ..Settings::default() }).await;
    assert!(reply.text.contains("Holds: "), "{}", reply.text);
    let kinds = reply.structured["capture"]["kinds"].as_array().expect("kinds").clone();
    let complete = kinds.iter().all(|kind| kind["lacks"].is_null() || kind["needed"] == false);
    assert_eq!(ok, complete, "{}", reply.text);
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(
        folder.path().join("i.yaml"),
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {}\n",
    )
    .expect("file");
    let source = Source::Capture(folder.path().to_owned());
    let (reply, ok) = examined(Settings { source, ..Settings::default() }).await;
    assert!(!ok);
    assert!(reply.text.contains("Lacks services: "), "{}", reply.text);
    assert!(reply.text.contains("Lacks logs"), "{}", reply.text);
}

#[tokio::test]
async fn what_a_controller_logs_is_told_of_every_product() {
    let workload = |name: &str, image: &str, args: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {name}}}\nspec:\n  \
             selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec: {{containers: [{{name: c, image: '{image}', args: [{args}]}}]}}\n"
        )
    };
    let folder = tempfile::tempdir().expect("folder");
    let objects = [
        workload("traefik", "traefik:v3.7.15", "--providers.kubernetesingress"),
        workload("haproxy", "haproxytech/kubernetes-ingress:3.2.0", "--configmap=haproxy/c"),
        workload("alb", "public.ecr.aws/eks/aws-load-balancer-controller:v2.13.0", "--cluster-name=x"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: haproxy}\ndata:\n  \
         syslog-server: 'address:stdout, format: raw, facility: daemon'\n"
            .to_owned(),
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {}\n"
            .to_owned(),
    ];
    std::fs::write(folder.path().join("o.yaml"), objects.join("---\n")).expect("file");
    let source = Source::Capture(folder.path().to_owned());
    let (reply, _) = examined(Settings { source, ..Settings::default() }).await;
    let told: Vec<(&str, &str)> = reply.structured["controllers"]
        .as_array()
        .expect("controllers")
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().expect(key);
            (text("product"), text("logs_404_of_known_hosts"))
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "aws-alb",
                "not in its log: the load balancer's access log in S3 (off by default) may hold them"
            ),
            ("haproxytech", "yes"),
            ("traefik", "no, unless it is started with --accesslog=true"),
        ]
    );
}
