use rand::seq::SliceRandom;

use super::worlds::{Broken, CASES, Case, Scene, brief};
use routecause::analysis::routing::RouteTable;

#[test]
fn the_order_of_objects_decides_nothing() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        let shuffled = Scene::of(case.kind, &case.shuffled());
        let mut taken = shuffled.adopted();
        taken.shuffle(&mut case.random());
        compare(&mut broken, case, &*case.scene.table(), &*shuffled.compile(&taken));
    }
    broken.settle();
}

#[test]
fn the_same_objects_make_the_same_table() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        compare(&mut broken, case, &*case.scene.table(), &*case.scene.table());
    }
    broken.settle();
}

fn compare(broken: &mut Broken, case: &Case, one: &dyn RouteTable, other: &dyn RouteTable) {
    let (before, after) = (one.refused(), other.refused());
    if before != after {
        broken.add(case, "what is refused", &format!("\n{before:?}\n{after:?}"));
    }
    let (before, after) = (one.reload_failures(), other.reload_failures());
    if before != after {
        broken.add(case, "what keeps all from being loaded", &format!("\n{before:?}\n{after:?}"));
    }
    for ask in &case.asks {
        let (before, after) = (one.decide(ask), other.decide(ask));
        if before != after {
            broken.at(case, ask, "what is decided", &format!("{}{}", brief(&before), brief(&after)));
        }
        let (before, after) = (one.explain(ask, 8), other.explain(ask, 8));
        if before != after {
            broken.at(case, ask, "what is explained", &format!("\n{before:?}\n{after:?}"));
        }
    }
}
