//! Every routing model over 100,000 rules: compiling them, deciding a request, and saying why the others lost.
//!
//! `cargo bench --bench routing`. The numbers to hold: compile and explain at most 500 ms and linear in the
//! rules, one decision at most 1 ms, whatever shape the cluster has. Where a machine is slow, the yardstick
//! is slow too.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use divan::Bencher;
use routecause::analysis::routing::{Input, Outcome, RouteTable, model_for};
use routecause::model::controller::Settings;
use routecause::model::ingress::Ingress;
use routecause::model::request::Request;
use routecause::model::snapshot::Snapshot;

mod world;

use world::Case;

fn main() {
    divan::main();
}

const RULES: usize = 100_000;
const TWICE: usize = 2 * RULES;

/// Every kind that has a model, in every shape.
fn cases() -> impl Iterator<Item = Case> {
    world::cases(|kind| model_for(kind).is_some())
}

fn table(case: Case, snapshot: &Snapshot) -> Box<dyn RouteTable> {
    let ingresses: Vec<&Ingress> = snapshot.ingresses.items().iter().collect();
    let input = Input { ingresses: &ingresses, snapshot, settings: &Settings::default() };
    model_for(case.kind).expect("a model").compile(&input)
}

#[divan::bench(sample_count = 5)]
fn yardstick_sort(bencher: Bencher<'_, '_>) {
    world::yardstick(bencher, RULES);
}

#[divan::bench(args = cases(), consts = [RULES, TWICE], sample_count = 3)]
fn compile<const RULES: usize>(bencher: Bencher<'_, '_>, case: Case) {
    let snapshot = world::snapshot(case, RULES);
    bencher.bench(|| table(case, &snapshot));
}

/// A request for the last rule that is there, or where its Ingress is not loaded for the first.
#[divan::bench(args = cases(), sample_count = 20)]
fn decide(bencher: Bencher<'_, '_>, case: Case) {
    let table = table(case, &world::snapshot(case, RULES));
    let last = case.shape.ingresses(RULES) - 1;
    let asked = [(last, RULES / (last + 1) - 1), (0, 0)].map(|(number, at)| {
        let url = format!("http://{}{}/part-{at}/x", case.shape.host(number), case.shape.team(number));
        Request::parse(&url).expect("a URL")
    });
    // A benchmark of a table that holds nothing would be quick.
    let taken = |request: &&Request| table.decide(request).outcome != Outcome::NoRoute;
    let request = asked.iter().find(taken).expect("a rule that is loaded");
    bencher.bench(|| table.decide(request));
}

/// A request that no rule of its host takes.
#[divan::bench(args = cases(), consts = [RULES, TWICE], sample_count = 3)]
fn explain<const RULES: usize>(bencher: Bencher<'_, '_>, case: Case) {
    let table = table(case, &world::snapshot(case, RULES));
    let url = format!("http://{}/else", case.shape.host(0));
    let request = Request::parse(&url).expect("a URL");
    assert_eq!(table.explain(&request, 5).eliminated.len(), 5, "{case}");
    bencher.bench(|| table.explain(&request, 5));
}
