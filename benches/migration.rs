//! What would change if 5,000 Ingresses moved from ingress-nginx to each other controller.
//!
//! `cargo bench --bench migration`. The number to hold: at most 10 s, whatever shape the cluster has.
//! Where a machine is slow, the yardstick is slow too.

use divan::Bencher;
use routecause::analysis::migration;
use routecause::model::controller::ControllerKind;

mod world;

use world::Case;

fn main() {
    divan::main();
}

/// Those of 5,000 Ingresses.
const RULES: usize = 50_000;
const TENTH: usize = RULES / 10;

/// Every other controller, in every shape.
fn cases() -> impl Iterator<Item = Case> {
    world::cases(|kind| kind != ControllerKind::IngressNginx)
}

#[divan::bench(sample_count = 5)]
fn yardstick_sort(bencher: Bencher<'_, '_>) {
    world::yardstick(bencher, RULES);
}

#[divan::bench(args = cases(), consts = [TENTH, RULES], sample_count = 1)]
fn compare<const RULES: usize>(bencher: Bencher<'_, '_>, case: Case) {
    // Where HTTPRoutes are compared with, they are there already.
    let is_of_gateways = case.kind.routes_by_gateways();
    let kind = if is_of_gateways { case.kind } else { ControllerKind::IngressNginx };
    let mut snapshot = world::snapshot(Case { kind, ..case }, RULES);
    snapshot.controllers = Vec::new();
    bencher.bench(|| {
        let today = migration::today(Some(ControllerKind::IngressNginx), case.kind, &snapshot);
        let comparison = migration::compare(&today, case.kind, &snapshot, |_| true);
        // A comparison that asks for nothing would be quick.
        assert_eq!(comparison.ingresses, case.shape.ingresses(RULES), "{case}");
        comparison
    });
}
