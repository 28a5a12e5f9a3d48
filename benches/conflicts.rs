//! All conflict rules over 100,000 rules, for every controller that reads Ingresses.
//!
//! `cargo bench --bench conflicts`. The numbers to hold: at most 1 s for 100,000 rules, n log n in their
//! number, whatever shape the cluster has. Where a machine is slow, the yardstick is slow too.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use divan::Bencher;
use routecause::analysis::{conflicts, view};
use routecause::model::controller::ControllerKind;

mod world;

use world::{Case, Shape};

fn main() {
    divan::main();
}

const RULES: usize = 100_000;
const TENTH: usize = RULES / 10;

/// Every product that reads Ingresses, in every shape.
fn cases() -> impl Iterator<Item = Case> {
    world::cases(|kind| !kind.routes_by_gateways() && kind != ControllerKind::Spec)
}

#[divan::bench(args = [TENTH, RULES], sample_count = 5)]
fn yardstick_sort(bencher: Bencher<'_, '_>, rules: usize) {
    world::yardstick(bencher, rules);
}

#[divan::bench(args = cases(), consts = [TENTH, RULES], sample_count = 3)]
fn find<const RULES: usize>(bencher: Bencher<'_, '_>, case: Case) {
    let snapshot = world::snapshot(case, RULES);
    let views = view::views(&snapshot);
    // A benchmark of rules that look at nothing would be quick.
    let adopted = views.first().map(|view| view.adopted.len());
    assert_eq!(adopted, Some(case.shape.ingresses(RULES)), "{case}");
    bencher.bench(|| conflicts::find(&snapshot, &views).len());
}

/// The rules one by one, for whoever looks for the slow one.
#[divan::bench(args = conflicts::RULES.iter().map(|rule| rule.id()), sample_count = 1)]
fn one_rule(bencher: Bencher<'_, '_>, id: &str) {
    let case = Case { kind: ControllerKind::IngressNginx, shape: Shape::Patterns };
    let snapshot = world::snapshot(case, RULES);
    let views = view::views(&snapshot);
    let rule = conflicts::rule(id).expect("a rule");
    bencher.bench(|| conflicts::find_by(&[rule], &snapshot, &views).len());
}
