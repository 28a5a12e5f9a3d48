//! Asks a proxy and a model the same, world by world.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Answer, Entry, ask};
use crate::dialect::Dialect;
use crate::generate::world;
use crate::judge::{Finding, Judge, expectation};
use crate::oracle::Oracle;
use crate::shrink::smaller;
use crate::world::{Ask, World};

/// How much is asked; `ROUTECAUSE_ORACLE_{SEED,FIRST,WORLDS,ASKS}` say otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    seed: u64,
    first: u64,
    worlds: u64,
    asks: usize,
}

impl Plan {
    /// A look at every oracle. A change must pass 51 worlds, 10,200 requests: `.ci/run`.
    pub(crate) fn usual() -> Self {
        let number = |name: &str, usual: u64| {
            std::env::var(format!("ROUTECAUSE_ORACLE_{name}")).ok().map_or(usual, |text| {
                text.parse().unwrap_or_else(|_| panic!("ROUTECAUSE_ORACLE_{name}: {text} is no number"))
            })
        };
        let asks = usize::try_from(number("ASKS", 200)).expect("a number of requests");
        Self { seed: number("SEED", 1), first: number("FIRST", 0), worlds: number("WORLDS", 2), asks }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) cases: usize,
    /// Of them: the model says that the choice is not determined.
    pub(crate) undetermined: usize,
    pub(crate) differing: usize,
    /// Differences, as text; the first few are made small.
    pub(crate) report: Vec<String>,
}

/// Differences that are made small when there are too many, and tries for each.
const SHRUNK: usize = 2;
const TRIES: usize = 80;

/// Whether whoever looks wants to see differences as they come, and whole: `ROUTECAUSE_ORACLE_HASTE`.
fn in_haste() -> bool {
    std::env::var_os("ROUTECAUSE_ORACLE_HASTE").is_some()
}
/// Differences that are shown.
const SHOWN: usize = 20;

/// Runs a plan; with more than `allowed` differences of a thousand, the first are made small.
pub(crate) async fn run(dialect: &Dialect, oracle: &mut impl Oracle, plan: Plan, allowed: usize) -> Tally {
    let mut tally = Tally::default();
    let mut differing = Vec::new();
    // A world that both refuse is one case, and does not count.
    let mut left = plan.worlds;
    for number in (plan.first..).take(usize::try_from(plan.worlds * 4).unwrap_or(usize::MAX)) {
        if left == 0 {
            break;
        }
        let world = world(dialect, plan.seed, number, plan.asks);
        let served = oracle.serve(&world).await;
        let judge = Judge::new(dialect.kind, &served.objects).await;
        let Some(entry) = served.entry else {
            tally.cases += 1;
            if judge.refuses_all().is_none() {
                tally.differing += 1;
                let complaint = oracle.complaint();
                tally.report.push(format!(
                    "world {number}: the proxy refuses what the model would load: {complaint}"
                ));
            }
            continue;
        };
        left -= 1;
        if let Some(cause) = judge.refuses_all() {
            tally.cases += 1;
            tally.differing += 1;
            tally.report.push(format!("world {number}: the proxy loads what the model refuses: {cause}"));
            if in_haste() {
                let name = format!("{}-{}-{number}", dialect.kind.slug(), plan.seed);
                write(&json!({"objects": served.objects}), &name);
            }
            continue;
        }
        for request in &world.asks {
            tally.cases += 1;
            let answer = ask(entry, request).await;
            match judge.judge(request, &answer) {
                Finding::Agrees => {}
                Finding::Undetermined => tally.undetermined += 1,
                Finding::Differs(_) if is_late(&judge, entry, request).await => {}
                Finding::Differs(how) => {
                    tally.differing += 1;
                    let text = format!("world {number}: {request:?}\n{how}");
                    if in_haste() {
                        let name = format!("{}-{}-{number}", dialect.kind.slug(), plan.seed);
                        let vector = request.vector();
                        write(&json!({"vector": vector, "objects": served.objects}), &name);
                        eprintln!("{name} {request:?}\n{how}");
                    }
                    if tally.report.len() < SHOWN {
                        tally.report.push(text);
                    }
                    if differing.len() < SHRUNK {
                        differing.push((World { asks: vec![request.clone()], ..world.clone() }, number));
                    }
                }
            }
        }
    }
    if tally.differing * 1000 <= tally.cases * allowed {
        return tally;
    }
    if in_haste() {
        return tally;
    }
    for (index, (world, number)) in differing.into_iter().enumerate() {
        let name = format!("{}-{number}-{index}", dialect.kind.slug());
        let kept = shrink(dialect, oracle, world, &name).await;
        tally.report.push(format!("made small: {}", kept.display()));
    }
    tally
}

/// Shows every model its worlds, without anybody to compare it with.
pub(crate) async fn reach(dialects: &[&Dialect], plan: Plan) {
    for dialect in dialects {
        for number in 0..plan.worlds {
            let world = world(dialect, plan.seed, number, plan.asks);
            let objects: Vec<Value> = world.objects.iter().chain(&world.controller).cloned().collect();
            let judge = Judge::new(dialect.kind, &objects).await;
            world.asks.iter().for_each(|request| judge.consider(request));
        }
    }
}

/// Whether the proxy only was not ready: it answers as predicted from now on.
async fn is_late(judge: &Judge, entry: Entry, request: &Ask) -> bool {
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..4 {
        if matches!(judge.judge(request, &ask(entry, request).await), Finding::Differs(_)) {
            return false;
        }
    }
    true
}

/// Whether the only request of a world is answered differently; if so, the answer and the objects.
async fn differs(dialect: &Dialect, oracle: &mut impl Oracle, world: &World) -> Option<(Answer, Vec<Value>)> {
    let served = oracle.serve(world).await;
    let judge = Judge::new(dialect.kind, &served.objects).await;
    let (entry, request) = (served.entry?, world.asks.first()?);
    let answer = ask(entry, request).await;
    matches!(judge.judge(request, &answer), Finding::Differs(_)).then_some((answer, served.objects))
}

/// Makes a world small and writes it down, in the form of `tests/oracles/kept`.
async fn shrink(dialect: &Dialect, oracle: &mut impl Oracle, mut world: World, name: &str) -> PathBuf {
    let mut found = differs(dialect, oracle, &world).await;
    let mut tries = 0;
    'again: while tries < TRIES {
        for mut tried in smaller(&world) {
            tried.controller = (dialect.deployed)(&tried.arguments, &tried.config);
            tries += 1;
            if let Some(still) = differs(dialect, oracle, &tried).await {
                (world, found) = (tried, Some(still));
                continue 'again;
            }
            if tries >= TRIES {
                break;
            }
        }
        break;
    }
    let mut vector = world.asks.first().map(Ask::vector).unwrap_or_default();
    vector["controller"] = json!(dialect.kind.slug());
    vector["verified"] = json!(oracle.source());
    if let Some((answer, _)) = &found {
        vector["expect"] = expectation(answer);
    }
    let mut objects = found.map(|(_, objects)| objects).unwrap_or_default();
    for metadata in objects.iter_mut().filter_map(|object| object["metadata"].as_object_mut()) {
        metadata.remove("managedFields");
    }
    write(&json!({"vector": vector, "objects": objects}), name)
}

fn write(kept: &Value, name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join("routecause-oracles");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, serde_json::to_vec_pretty(kept).expect("JSON")).expect("a file");
    file
}
