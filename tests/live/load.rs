//! What a question costs on a cluster with 5,000 Ingresses: requests and bytes, counted on the wire and
//! held to budgets; time and memory, measured and written down.
//!
//! `cargo build --release && UPDATE_GOLDEN=1 ROUTECAUSE_BIN=$PWD/target/release/routecause cargo test --test live
//! -- load` rewrites `docs/load.md`; without `ROUTECAUSE_BIN` the program of the tests is measured.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use http::Method;
use routecause::evidence::live::{Live, LiveOptions};
use routecause::model::object::Kind;
use serde_json::{Value, json};

use crate::plane::identity::toolbox;
use crate::plane::objects::path as place;
use crate::plane::{Options, Plane};
use crate::shop::{ingress, path, service};
use crate::suite::{Case, Skip, Suite};
use crate::truth::{Question, questions, shop};

pub(crate) fn cases() -> Vec<Case> {
    cases![five_thousand_ingresses_cost_what_is_written_down]
}

const INGRESSES: usize = 5_000;
const NAMESPACES: usize = 50;

/// The most requests a tool may send to the API server with so many Ingresses.
const BUDGETS: [(&str, usize); 8] = [
    ("get_ingress", 25),
    ("controller_logs_filtered", 25),
    ("match_path", 25),
    ("check_backend", 28),
    ("find_conflicts", 25),
    ("exec_probe", 26),
    ("correlate_changes", 40),
    ("diagnose", 40),
];

async fn fill(plane: &Plane) {
    for number in 0..NAMESPACES {
        let namespace = format!("team-{number}");
        plane.namespace(&namespace).await;
        plane.apply(&service(&namespace, "web").to_string()).await;
    }
    let writes = (0..INGRESSES).map(|number| async move {
        let namespace = format!("team-{}", number % NAMESPACES);
        let host = format!("app-{number}.example.com");
        let mut object = ingress(
            &namespace,
            &host,
            &json!([path("/", "web"), path("/api", "web"), path("/static", "web")]),
        );
        object["metadata"]["name"] = json!(format!("app-{number}"));
        object["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/proxy-body-size": "8m"});
        let all = place("networking.k8s.io/v1", "Ingress", &namespace, "");
        plane.request(Method::POST, &all, "application/json", &object).await.expect("an Ingress");
    });
    futures::stream::iter(writes).buffer_unordered(24).collect::<Vec<()>>().await;
}

/// What one question cost.
struct Cost {
    tool: &'static str,
    /// Every request, in order.
    sent: Vec<String>,
    bytes: u64,
    took: Duration,
    /// `None` where the system does not tell.
    peak_kib: Option<u64>,
}

async fn five_thousand_ingresses_cost_what_is_written_down(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.own_plane(Options::default()).await;
    let shop = shop(&plane, "load").await?;
    let started = Instant::now();
    fill(&plane).await;
    println!("{INGRESSES} Ingresses in {:?}", started.elapsed());
    let reader = plane.reader("load").await;

    // All pages of a list are read, each object once.
    let options = LiveOptions { kubeconfig: Some(reader.kubeconfig.clone()), ..LiveOptions::default() };
    let live = Live::connect(&options).await.expect("a connection");
    let mut names = std::collections::BTreeSet::new();
    let mut count = 0;
    live.list::<Value>(Kind::Ingress, None, None, None, &mut |object| {
        count += 1;
        names.insert(format!("{}/{}", object["metadata"]["namespace"], object["metadata"]["name"]));
    })
    .await
    .expect("a list");
    assert_eq!((count, names.len()), (INGRESSES + 2, INGRESSES + 2));

    let proxy = plane.proxy().await;
    let through = plane.through(&proxy, &reader);
    let mut costs = Vec::new();
    for question in questions(&shop) {
        // A session of its own: what a first call costs.
        question
            .ask(&toolbox(through.clone(), None, &[]))
            .await
            .unwrap_or_else(|f| panic!("{question:?}: {f}"));
        let (passed, bytes) = proxy.take();
        let kubeconfig = reader.kubeconfig.clone();
        let asked = question.clone();
        let (took, peak_kib) =
            tokio::task::spawn_blocking(move || run(&kubeconfig, &asked)).await.expect("a run");
        costs.push(Cost {
            tool: question.tool,
            sent: passed.iter().map(|passed| format!("{} {}", passed.method, passed.target)).collect(),
            bytes,
            took,
            peak_kib,
        });
    }
    let page = page(&costs);
    println!("{page}");
    for cost in &costs {
        let (_, most) = BUDGETS.iter().find(|(tool, _)| *tool == cost.tool).expect("a budget");
        assert!(cost.sent.len() <= *most, "{} sends more than {most} requests: {:#?}", cost.tool, cost.sent);
        if let Some(peak) = cost.peak_kib {
            assert!(peak <= 150 * 1024, "{} takes {peak} KiB", cost.tool);
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/load.md"), page).expect("the page");
    }
    Ok(())
}

/// Runs the program as a command: its time, and its peak of resident memory.
fn run(kubeconfig: &Path, question: &Question) -> (Duration, Option<u64>) {
    let started = Instant::now();
    let program = std::env::var("ROUTECAUSE_BIN").unwrap_or(env!("CARGO_BIN_EXE_routecause").to_owned());
    let mut command = Command::new(program);
    command.arg(question.tool.replace('_', "-")).arg("--kubeconfig").arg(kubeconfig);
    for (name, value) in question.arguments.as_object().expect("arguments") {
        command.arg(format!("--{}", name.replace('_', "-")));
        command.arg(value.as_str().expect("text"));
    }
    if question.tool == "exec_probe" {
        command.args(["--allow-probe", "--probe-unattended"]);
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a run");
    let status: PathBuf = format!("/proc/{}/status", child.id()).into();
    let mut peak = None;
    loop {
        let now = std::fs::read_to_string(&status).ok();
        let line = now.as_deref().and_then(|text| text.lines().find(|line| line.starts_with("VmHWM:")));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        peak = peak.max(kib);
        if child.try_wait().expect("a state").is_some() {
            return (started.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn page(costs: &[Cost]) -> String {
    let build = match std::env::var("ROUTECAUSE_BIN") {
        Ok(program) if program.contains("release") => "a release build",
        _ => "a debug build",
    };
    let mut page = format!(
        "# Load\n\nWhat the first call of each tool costs on a real API server with 5,000 Ingresses (15,000 paths) in 50 \
         namespaces, asked about\none of them. Requests and bytes (as the server sends them, compressed) are counted on the \
         wire; time is of the whole command,\nfrom start to exit, and memory its peak, of {build} on two busy cores.\n\n\
         ```sh\ncargo build --release\n\
         UPDATE_GOLDEN=1 ROUTECAUSE_BIN=$PWD/target/release/routecause cargo test --test live -- load   # writes this page\n\
         ```\n\nBudgets for requests and memory are in `tests/live/load.rs`.\n\n\
         | tool | requests | KB read | time, ms | peak memory, MiB |\n|---|---:|---:|---:|---:|\n"
    );
    for Cost { tool, sent, bytes, took, peak_kib } in costs {
        let peak = peak_kib.map_or_else(|| "-".to_owned(), |kib| (kib / 1024).to_string());
        let _ = writeln!(
            page,
            "| `{tool}` | {} | {} | {} | {peak} |",
            sent.len(),
            bytes.div_ceil(1000),
            took.as_millis()
        );
    }
    page
}
