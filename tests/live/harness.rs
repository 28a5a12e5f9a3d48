//! The harness itself: what it starts answers as a cluster would, and nothing of it is left over.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::plane::{Options, Program};
use crate::shop::Shop;
use crate::suite::{Case, Skip, Suite};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_rollout_ends_with_ready_pods_and_endpoint_slices,
        a_containers_log_is_what_is_written_to_its_file,
        an_identity_has_the_rights_it_is_granted_and_no_other,
        two_planes_run_side_by_side_and_nothing_is_left_of_them,
        nothing_is_left_of_a_suite_that_is_killed_or_panics,
    ]
}

/// Set for a process that has only the cases of [`victims`].
pub(crate) const VICTIM: &str = "ROUTECAUSE_LIVE_VICTIM";

/// Cases that end badly, each in a process of its own.
pub(crate) fn victims() -> Vec<Case> {
    cases![waits_to_be_killed, panics, aborts]
}

/// What a victim says when everything runs.
const READY: &str = "everything runs";

async fn everything(suite: &'static Suite) -> crate::plane::Plane {
    let plane = suite.own_plane(Options::default()).await;
    Shop::open(&plane, "victim").await.unwrap_or_else(|Skip(why)| panic!("{why}"));
    // Also what does not listen to anybody has to go.
    plane.pause(Program::ApiServer);
    println!("{READY}");
    plane
}

async fn waits_to_be_killed(suite: &'static Suite) {
    let _plane = everything(suite).await;
    std::future::pending().await
}

async fn panics(suite: &'static Suite) {
    let _plane = everything(suite).await;
    panic!("as told");
}

async fn aborts(suite: &'static Suite) {
    let _plane = everything(suite).await;
    std::process::abort();
}

/// The programs that were started with a path below a folder, by what `/proc` says.
fn of_folder(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|process| process.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&folder))
        .collect()
}

async fn nothing_is_left_of_a_suite_that_is_killed_or_panics(_: &'static Suite) -> Result<(), Skip> {
    if crate::nginx::program().is_none() || !Path::new("/proc/self/cmdline").exists() {
        return Err(Skip("no nginx, or no /proc to look for processes in"));
    }
    let ends = ["waits_to_be_killed", "panics", "aborts"]
        .map(|end| tokio::task::spawn_blocking(move || nothing_is_left_after(end)));
    for end in ends {
        end.await.expect("a victim");
    }
    Ok(())
}

fn nothing_is_left_after(end: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("harness::{end}")])
        .env(VICTIM, "1")
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a victim");
    let said = BufReader::new(victim.stdout.take().expect("its output"));
    let ready = said.lines().map_while(Result::ok).any(|line| line.contains(READY));
    let running = of_folder(folder.path());
    if end == "waits_to_be_killed" {
        for program in ["etcd", "kube-apiserver", "kube-controller-manager", "kwok", "nginx"] {
            assert!(running.iter().any(|line| line.contains(program)), "no {program}: {running:#?}");
        }
        victim.kill().expect("its end");
    }
    let status = victim.wait().expect("its end");
    assert!(ready && !status.success(), "{end}: {status}");
    let ended = Instant::now();
    loop {
        let left = of_folder(folder.path());
        let files = std::fs::read_dir(folder.path()).expect("the folder").count();
        if left.is_empty() && files == 0 {
            println!("{end}: nothing left after {:?}", ended.elapsed());
            return;
        }
        assert!(ended.elapsed() < Duration::from_secs(10), "{end}: {files} files, {left:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn app(namespace: &str, name: &str) -> String {
    let labels = json!({"app": name});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "app:1"}]},
        }},
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
    });
    format!("{deployment}\n---\n{service}")
}

async fn a_rollout_ends_with_ready_pods_and_endpoint_slices(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.namespace("rollout").await;
    plane.apply(&app("rollout", "web")).await;
    plane.settle("rollout").await;
    assert_eq!(plane.pods_of("rollout", "web").await.len(), 2);
    plane.scale("rollout", "web", 1).await;
    plane.settle("rollout").await;
    let slices = plane.list("discovery.k8s.io/v1", "EndpointSlice", "rollout").await;
    // The pod that goes is told of as not ready until it is gone.
    let endpoints = slices[0]["endpoints"].as_array().expect("endpoints").iter();
    assert_eq!(endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == json!(true)).count(), 1);
}

async fn a_containers_log_is_what_is_written_to_its_file(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.namespace("lines").await;
    plane.apply(&app("lines", "web")).await;
    plane.settle("lines").await;
    let pods = plane.pods_of("lines", "web").await;
    let at = "2026-11-22T22:00:00.6Z".parse().expect("a time");
    plane.write_log("lines", &pods[0], "app", at, "one line").await;
    let log = |pod: &str| format!("/api/v1/namespaces/lines/pods/{pod}/log?timestamps=true");
    let read = |path: String| async move {
        plane.client().request_text(http::Request::get(path).body(Vec::new()).expect("a request")).await
    };
    assert_eq!(read(log(&pods[0])).await.expect("a log"), "2026-11-22T22:00:00.600000000Z one line\n");
    read(log(&pods[1])).await.expect_err("nothing was told of the other pod");
}

async fn an_identity_has_the_rights_it_is_granted_and_no_other(suite: &'static Suite) {
    let plane = suite.plane().await;
    let identity = plane.reader("rights").await;
    let reader = crate::plane::identity::client(&identity.kubeconfig).await;
    let read = |path: &'static str| {
        let reader = reader.clone();
        async move { reader.request_text(http::Request::get(path).body(Vec::new()).expect("a request")).await }
    };
    read("/apis/networking.k8s.io/v1/ingresses").await.expect("Ingresses");
    for path in ["/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces/people/serviceaccounts"] {
        let refused = read(path).await.expect_err(path);
        assert!(matches!(&refused, kube::Error::Api(status) if status.code == 403), "{refused:?}");
    }
}

async fn two_planes_run_side_by_side_and_nothing_is_left_of_them(suite: &'static Suite) {
    let shared = suite.plane().await;
    let plane = suite.own_plane(Options::default()).await;
    assert_ne!(plane.address, shared.address);
    plane.namespace("only-here").await;
    shared.get("v1", "Namespace", "", "only-here").await.expect_err("in one plane only");
    plane.restart(Program::ApiServer).await;
    plane.get("v1", "Namespace", "", "only-here").await.expect("kept over a restart");
    let folder = plane.path("");
    let pids: Vec<u32> = ["etcd", "kube-apiserver", "kube-controller-manager", "kwok"]
        .map(|name| plane.programs.pid(name))
        .to_vec();
    drop(plane);
    assert!(!folder.exists());
    for pid in pids {
        let gone = std::process::Command::new("kill").args(["-0", &pid.to_string()]).output();
        assert!(!gone.expect("kill").status.success(), "{pid} is still there");
    }
}
