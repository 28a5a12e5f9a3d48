//! What goes wrong between here and the API server, injected for real, in the middle of every tool:
//! nothing hangs, the answer is a gap or a clear failure, and never that something is not there.
//!
//! `docs/faults.md` lists every case with what the user sees.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use routecause::tools::{Toolbox, doctor};
use serde_json::{Value, json};

use crate::plane::identity::toolbox;
use crate::plane::proxy::Trouble;
use crate::plane::{Options, Plane, Program};
use crate::suite::{Case, Skip, Suite};
use crate::truth::{Question, commands, faults, questions, shop, when_well};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_connection_that_is_reset,
        an_answer_that_is_cut,
        an_answer_that_is_cut_at_once,
        too_many_requests,
        an_internal_error,
        an_unavailable_server,
        a_login_page_instead_of_an_answer,
        a_slow_server,
        an_answer_that_stops_coming,
        a_server_that_is_silent,
        a_server_that_is_stopped_and_comes_back,
        a_server_that_is_restarted_between_calls,
        a_server_that_is_paused,
        every_fault_is_in_the_documentation,
    ]
}

const STATUS_429: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Too many requests, please try again later.","reason":"TooManyRequests","code":429}"#;
const STATUS_500: &str = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"etcdserver: request timed out","code":500}"#;
const PAGE: &str = "<!DOCTYPE html><html><title>Sign in</title></html>";

/// Where in a tool's requests the trouble is.
#[derive(Debug, Clone, Copy)]
enum At {
    /// At one request after another, in a call for each.
    Each,
    /// At every request of the second half.
    SecondHalf,
    /// At the last request alone.
    Last,
}

/// Asks every tool over a proxy of its own that makes this trouble.
async fn trouble(suite: &'static Suite, trouble: Trouble, at: &[At]) -> Result<(), Skip> {
    static SHOPS: AtomicUsize = AtomicUsize::new(0);
    let plane = suite.plane().await;
    let name = format!("faults-{}", SHOPS.fetch_add(1, Ordering::SeqCst));
    let shop = shop(plane, &name).await?;
    let reader = plane.reader(&name).await;
    let questions = questions(&shop);
    let well = when_well(&questions, &plane.toolbox(&reader, &[])).await;
    let work = questions.iter().zip(&well).map(|(question, well)| {
        let (trouble, reader) = (&trouble, &reader);
        async move {
            let proxy = plane.proxy().await;
            let kubeconfig = plane.through(&proxy, reader);
            let ask = || toolbox(kubeconfig.clone(), None, &[]);
            question.ask(&ask()).await.unwrap_or_else(|failure| panic!("{question:?}: {failure}"));
            let count = proxy.take().0.len();
            let mut wrong = Vec::new();
            for at in at {
                let positions: Vec<(usize, usize)> = match at {
                    At::Each => (0..count).map(|number| (number, number + 1)).collect(),
                    At::SecondHalf => vec![(count / 2, usize::MAX)],
                    At::Last => vec![(count.saturating_sub(1), count)],
                };
                for (from, to) in positions {
                    let trouble = trouble.clone();
                    proxy.trouble(
                        move |number, _| {
                            if (from..to).contains(&number) { trouble.clone() } else { Trouble::None }
                        },
                    );
                    let reply = question.ask(&ask()).await;
                    let found = faults(question, well, &reply);
                    wrong.extend(found.into_iter().map(|fault| format!("requests {from}..{to}: {fault}")));
                }
            }
            wrong
        }
    });
    let wrong: Vec<String> = join_all(work).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{trouble:?}: {}", wrong.join("\n\n"));
    Ok(())
}

async fn a_connection_that_is_reset(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Reset, &[At::Each, At::SecondHalf]).await
}

async fn an_answer_that_is_cut(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Cut(200), &[At::Each, At::SecondHalf]).await
}

async fn an_answer_that_is_cut_at_once(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Cut(0), &[At::Each]).await
}

async fn too_many_requests(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Answer(429, "application/json", STATUS_429), &[At::Each, At::SecondHalf]).await
}

async fn an_internal_error(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Answer(500, "application/json", STATUS_500), &[At::Each, At::SecondHalf]).await
}

async fn an_unavailable_server(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Answer(503, "text/plain", "service unavailable"), &[At::Each, At::SecondHalf])
        .await
}

async fn a_login_page_instead_of_an_answer(suite: &'static Suite) -> Result<(), Skip> {
    for status in [200, 404] {
        trouble(suite, Trouble::Answer(status, "text/html", PAGE), &[At::Each, At::SecondHalf]).await?;
    }
    Ok(())
}

async fn a_slow_server(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Delay(Duration::from_millis(700)), &[At::SecondHalf]).await
}

async fn an_answer_that_stops_coming(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Stall(200), &[At::SecondHalf, At::Last]).await
}

async fn a_server_that_is_silent(suite: &'static Suite) -> Result<(), Skip> {
    trouble(suite, Trouble::Silence, &[At::SecondHalf, At::Last]).await
}

/// A plane of its own with a shop, its questions, and the answers while all is well.
async fn own(suite: &'static Suite) -> Result<(Plane, Toolbox, Vec<Question>, Vec<Value>), Skip> {
    let plane = suite.own_plane(Options::default()).await;
    let shop = shop(&plane, "faults").await?;
    let questions = [questions(&shop), commands(&shop)].concat();
    let toolbox = plane.toolbox(&plane.reader("faults").await, &[]);
    let well = when_well(&questions, &toolbox).await;
    Ok((plane, toolbox, questions, well))
}

/// Asks every tool at once; what is wrong with the answers, which come within a bound.
async fn ask_all(
    toolbox: &Toolbox,
    questions: &[Question],
    well: &[Value],
    bound: Duration,
) -> (Vec<String>, Vec<String>) {
    let started = Instant::now();
    let replies = join_all(questions.iter().map(|question| question.ask(toolbox))).await;
    assert!(started.elapsed() < bound, "{:?}", started.elapsed());
    let mut failures = Vec::new();
    let mut wrong = Vec::new();
    for ((question, well), reply) in questions.iter().zip(well).zip(&replies) {
        wrong.extend(faults(question, well, reply));
        failures.extend(reply.as_ref().err().map(|failure| format!("{}: {failure}", question.tool)));
    }
    (failures, wrong)
}

/// How many fail without a server: for `doctor` that is an answer.
fn failing(questions: &[Question]) -> usize {
    questions.iter().filter(|question| question.tool != doctor::NAME).count()
}

/// Everything is answered as before.
async fn all_is_well(toolbox: &Toolbox, questions: &[Question], well: &[Value]) {
    let (failures, wrong) = ask_all(toolbox, questions, well, Duration::from_secs(20)).await;
    assert_eq!((failures, wrong), (Vec::new(), Vec::new()));
}

async fn a_server_that_is_stopped_and_comes_back(suite: &'static Suite) -> Result<(), Skip> {
    let (plane, toolbox, questions, well) = own(suite).await?;
    let recipe = plane.kill(Program::ApiServer);
    let (failures, wrong) = ask_all(&toolbox, &questions, &well, Duration::from_secs(10)).await;
    assert_eq!(wrong, [""; 0]);
    assert_eq!(failures.len(), failing(&questions), "{failures:#?}");
    assert!(failures.iter().all(|failure| failure.contains("unreachable")), "{failures:#?}");
    plane.start_again(Program::ApiServer, recipe).await;
    let (failures, mut wrong) = ask_all(&toolbox, &questions, &well, Duration::from_secs(20)).await;
    wrong.retain(|fault| {
        !(fault.starts_with("correlate_changes: without a gap") && fault.contains("cannot_see"))
    });
    assert_eq!((failures, wrong), (Vec::new(), Vec::new()));
    Ok(())
}

async fn a_server_that_is_restarted_between_calls(suite: &'static Suite) -> Result<(), Skip> {
    let (plane, toolbox, questions, well) = own(suite).await?;
    for _ in 0..2 {
        plane.restart(Program::ApiServer).await;
        let (failures, mut wrong) = ask_all(&toolbox, &questions, &well, Duration::from_secs(20)).await;
        // The past from before the restart is not seen any more, which the coverage says.
        wrong.retain(|fault| {
            !(fault.starts_with("correlate_changes: without a gap") && fault.contains("cannot_see"))
        });
        assert_eq!((failures, wrong), (Vec::new(), Vec::new()));
    }
    Ok(())
}

async fn a_server_that_is_paused(suite: &'static Suite) -> Result<(), Skip> {
    let (plane, toolbox, questions, well) = own(suite).await?;
    plane.pause(Program::ApiServer);
    let (failures, wrong) = ask_all(&toolbox, &questions, &well, Duration::from_secs(46)).await;
    plane.resume(Program::ApiServer);
    assert_eq!(wrong, [""; 0]);
    assert_eq!(failures.len(), failing(&questions), "{failures:#?}");
    all_is_well(&toolbox, &questions, &well).await;
    Ok(())
}

async fn every_fault_is_in_the_documentation(_: &'static Suite) {
    let page = include_str!("../../docs/faults.md");
    let cases = [cases(), crate::interrupted::cases(), crate::expiry::cases()];
    let missing: Vec<String> = cases
        .into_iter()
        .flatten()
        .map(|case| case.name.rsplit("::").next().unwrap_or_default().replace('_', " "))
        .filter(|name| !name.starts_with("every fault") && !page.contains(&format!("| {name} |")))
        .collect();
    assert_eq!(json!(missing), json!([]));
}
