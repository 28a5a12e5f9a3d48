//! The API server itself is killed, restarted, paused and slowed down in the middle of every tool, at the
//! same place in the work of each: a proxy lets the first requests of a call pass and holds the next until
//! the thing is done. In between and afterwards the same toolboxes go on.
//!
//! `docs/faults.md` lists every case with what the user sees.

use std::time::{Duration, Instant};

use futures::future::{join, join_all};
use routecause::tools::Toolbox;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::plane::identity::toolbox;
use crate::plane::proxy::{Gate, Proxy, Trouble};
use crate::plane::{Options, Plane, Program};
use crate::suite::{Case, Skip, Suite};
use crate::truth::{Question, commands, faults, questions, shop};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_server_that_is_killed_in_the_middle,
        a_server_that_is_restarted_in_the_middle,
        a_server_that_is_paused_in_the_middle,
        a_server_that_is_paused_for_a_moment,
        a_server_that_is_slow_from_the_middle_on,
    ]
}

/// How far a call is when it happens.
#[derive(Debug, Clone, Copy)]
enum At {
    /// One request has passed.
    Start,
    Half,
    /// One request is left.
    End,
}

/// A question, and its own way to the API server.
struct Asked {
    question: Question,
    proxy: Proxy,
    toolbox: Toolbox,
    /// The answer while all is well, and how many requests it takes.
    well: Value,
    requests: usize,
}

/// A plane of its own, and every question.
struct Stage {
    plane: Plane,
    asked: Vec<Asked>,
}

/// How a round went.
struct Round {
    /// Calls that failed, with a clear reason.
    failures: Vec<String>,
    /// Calls that were answered with gaps.
    partial: usize,
    /// What may not be said.
    wrong: Vec<String>,
    /// From the thing that happened to the last answer.
    took: Duration,
}

impl Stage {
    async fn set(suite: &'static Suite) -> Result<Self, Skip> {
        let plane = suite.own_plane(Options::default()).await;
        let shop = shop(&plane, "stage").await?;
        let questions = [questions(&shop), commands(&shop)].concat();
        let reader = plane.reader("stage").await;
        // From here on the past begins with a restart, whatever happens later.
        plane.restart(Program::ApiServer).await;
        let mut asked = Vec::new();
        for question in questions {
            let proxy = plane.proxy().await;
            let toolbox = toolbox(plane.through(&proxy, &reader), None, &[]);
            let ask = async || {
                proxy.take();
                question.ask(&toolbox).await.unwrap_or_else(|failure| panic!("{question:?}: {failure}"))
            };
            ask().await;
            let well = ask().await.structured;
            assert!(well["gaps"].as_array().is_none_or(Vec::is_empty), "{question:?}: {well:#}");
            let requests = proxy.take().0.len();
            asked.push(Asked { question, proxy, toolbox, well, requests });
        }
        Ok(Self { plane, asked })
    }

    /// Asks everything at once; when every call is that far, `happens` happens, and opens the gate. It is
    /// told when all calls have ended.
    async fn interrupt(&self, at: At, happens: impl AsyncFnOnce(&Gate, &CancellationToken)) -> Round {
        let gates: Vec<Gate> = {
            let first = Gate::new();
            self.asked.iter().map(|_| first.beside()).collect()
        };
        for (asked, gate) in self.asked.iter().zip(&gates) {
            let passed = match at {
                At::Start => 1,
                At::Half => asked.requests / 2,
                At::End => asked.requests - 1,
            };
            let gate = gate.clone();
            asked.proxy.trouble(
                move |number, _| {
                    if number < passed { Trouble::None } else { Trouble::Wait(gate.clone()) }
                },
            );
        }
        let calls = self.asked.iter().map(|asked| asked.question.ask(&asked.toolbox));
        let ended = CancellationToken::new();
        let calls = async {
            let replies = join_all(calls).await;
            ended.cancel();
            (replies, Instant::now())
        };
        let happening = async {
            let waiting = join_all(gates.iter().map(Gate::reached));
            let waiting = tokio::time::timeout(Duration::from_secs(20), waiting).await;
            waiting.unwrap_or_else(|_| panic!("{at:?}: not every call came that far"));
            let began = Instant::now();
            happens(&gates[0], &ended).await;
            began
        };
        let ((replies, end), began) = join(calls, happening).await;
        let mut round = Round {
            failures: Vec::new(),
            partial: 0,
            wrong: Vec::new(),
            took: end.saturating_duration_since(began),
        };
        for (asked, reply) in self.asked.iter().zip(&replies) {
            asked.proxy.trouble(|_, _| Trouble::None);
            round.wrong.extend(faults(&asked.question, &asked.well, reply));
            match reply {
                Ok(reply) if reply.structured["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty()) => {
                    round.partial += 1;
                }
                Ok(_) => {}
                Err(failure) => round.failures.push(format!("{}: {failure}", asked.question.tool)),
            }
        }
        round
    }

    /// The same toolboxes answer everything as before.
    async fn goes_on(&self) {
        let replies = join_all(self.asked.iter().map(|asked| asked.question.ask(&asked.toolbox))).await;
        for (asked, reply) in self.asked.iter().zip(&replies) {
            let reply = reply.as_ref().unwrap_or_else(|failure| panic!("{:?}: {failure}", asked.question));
            let told = Ok(reply.clone());
            assert_eq!(faults(&asked.question, &asked.well, &told), [""; 0]);
            let gaps = &reply.structured["gaps"];
            assert!(gaps.as_array().is_none_or(Vec::is_empty), "{:?}: {gaps:#}", asked.question);
        }
    }
}

impl Round {
    /// Nothing wrong was said, in time.
    fn check(&self, at: At, bound: u64) {
        println!("{at:?}: {} failed, {} partial, {:?}", self.failures.len(), self.partial, self.took);
        assert!(self.wrong.is_empty(), "{at:?}: {}", self.wrong.join("\n\n"));
        assert!(self.took < Duration::from_secs(bound), "{at:?}: {:?}", self.took);
    }

    /// The calls that were not answered whole.
    fn hurt(&self) -> usize {
        self.failures.len() + self.partial
    }
}

async fn a_server_that_is_killed_in_the_middle(suite: &'static Suite) -> Result<(), Skip> {
    let stage = Stage::set(suite).await?;
    for at in [At::Start, At::Half, At::End] {
        let mut recipe = None;
        let round = stage
            .interrupt(at, async |gate, _| {
                recipe = Some(stage.plane.kill(Program::ApiServer));
                gate.open();
            })
            .await;
        stage.plane.start_again(Program::ApiServer, recipe.expect("it was killed")).await;
        round.check(at, 10);
        assert!(round.hurt() >= stage.asked.len() / 2, "{at:?}: {:#?}", round.failures);
        stage.goes_on().await;
    }
    Ok(())
}

async fn a_server_that_is_restarted_in_the_middle(suite: &'static Suite) -> Result<(), Skip> {
    let stage = Stage::set(suite).await?;
    for at in [At::Start, At::Half, At::End] {
        // Some requests find nobody, later ones a server that remembers nothing.
        let round = stage
            .interrupt(at, async |gate, _| {
                let recipe = stage.plane.kill(Program::ApiServer);
                gate.open();
                stage.plane.start_again(Program::ApiServer, recipe).await;
            })
            .await;
        round.check(at, 45);
        stage.goes_on().await;
        // The same while every call waits.
        let round = stage
            .interrupt(at, async |gate, _| {
                stage.plane.restart(Program::ApiServer).await;
                gate.open();
            })
            .await;
        round.check(at, 45);
        stage.goes_on().await;
    }
    Ok(())
}

async fn a_server_that_is_paused_in_the_middle(suite: &'static Suite) -> Result<(), Skip> {
    let stage = Stage::set(suite).await?;
    for at in [At::Half, At::End] {
        let round = stage
            .interrupt(at, async |gate, _| {
                stage.plane.pause(Program::ApiServer);
                gate.open();
            })
            .await;
        stage.plane.resume(Program::ApiServer);
        round.check(at, 46);
        assert!(round.hurt() >= stage.asked.len() / 2, "{at:?}: {:#?}", round.failures);
        stage.goes_on().await;
    }
    Ok(())
}

async fn a_server_that_is_paused_for_a_moment(suite: &'static Suite) -> Result<(), Skip> {
    let stage = Stage::set(suite).await?;
    for at in [At::Start, At::Half, At::End] {
        let round = stage
            .interrupt(at, async |gate, _| {
                stage.plane.pause(Program::ApiServer);
                gate.open();
                tokio::time::sleep(Duration::from_secs(2)).await;
                stage.plane.resume(Program::ApiServer);
            })
            .await;
        round.check(at, 20);
        assert_eq!(round.hurt(), 0, "{at:?}: {:#?}", round.failures);
        stage.goes_on().await;
    }
    Ok(())
}

async fn a_server_that_is_slow_from_the_middle_on(suite: &'static Suite) -> Result<(), Skip> {
    let stage = Stage::set(suite).await?;
    for at in [At::Start, At::Half] {
        let round = stage
            .interrupt(at, async |gate, ended| {
                gate.open();
                while !ended.is_cancelled() {
                    stage.plane.pause(Program::ApiServer);
                    tokio::time::sleep(Duration::from_millis(450)).await;
                    stage.plane.resume(Program::ApiServer);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            })
            .await;
        round.check(at, 45);
        assert_eq!(round.hurt(), 0, "{at:?}: {:#?}", round.failures);
        stage.goes_on().await;
    }
    Ok(())
}
