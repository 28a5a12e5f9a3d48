//! Holds the routing models to what the real controllers did with the same objects and requests.
//!
//! A difference that is not a mistake of ours is listed by name in `KNOWN`.

use std::fmt::Write as _;

use routecause::analysis::adoption::{self, Adoption};
use routecause::analysis::routing::Outcome;
use routecause::model::controller::{Controller, ControllerKind};
use routecause::model::snapshot::Snapshot;

use crate::judging::{self, differs, request_of};
use crate::recorded::{agreement, sets};

/// Lines that differ for a reason that is explained in `docs/controllers/<slug>.md`.
const KNOWN: &[&str] = &[
    // The text leaves it open, and the implementation that was asked differs.
    "hr-s013-30",
    "hr-s013-32",
    "hr-s013-34",
    "hr-s013-38",
    "hr-s043-02",
    // The client's address is not part of a request.
    "tn-s035-11",
    // Which host of an Ingress gets its default backend is chance, anew with every configuration.
    "tn-s019-07",
    "tn-s019-10",
    "tn-s019-12",
    "tn-s019-17",
    "tn-s019-18",
    "tn-s019-22",
    "tn-s019-23",
    "tn-s019-26",
    "tn-s019-29",
    "tn-s019-30",
    "tn-s019-33",
    "tn-s019-35",
    "tn-s019-36",
    "tn-s019-39",
    "tn-s019-42",
    "tn-s019-45",
    "tn-s019-50",
    "tn-s043-01",
    "tn-s043-04",
    "tn-s043-16",
    "tn-s043-17",
    "tn-s043-18",
    "tn-s043-32",
    "tn-s043-34",
    "tn-s043-35",
    "tn-s043-37",
    "tn-s043-40",
];

fn controller_of(snapshot: &Snapshot, kind: ControllerKind) -> &Controller {
    let mut controllers = snapshot.controllers.iter();
    controllers.find(|controller| controller.kind == kind).unwrap_or_else(|| panic!("there is no {kind}"))
}

fn check(kind: ControllerKind, at_least: usize) {
    let (total, mut differences) = agreement(kind);
    assert!(total >= at_least, "only {total} vectors");
    differences.retain(|id, _| !KNOWN.contains(&id.as_str()));
    let mut report = String::new();
    for (id, difference) in &differences {
        let _ = writeln!(report, "{id} {difference}");
    }
    assert!(differences.is_empty(), "{} of {total} differ\n{report}", differences.len());
}

#[test]
fn ingress_nginx_is_predicted_as_recorded() {
    check(ControllerKind::IngressNginx, 2000);
}

#[test]
fn f5_nginx_is_predicted_as_recorded() {
    check(ControllerKind::F5Nginx, 1000);
}

#[test]
fn httproutes_are_predicted_as_the_text_says() {
    check(ControllerKind::HttpRoute, 600);
}

#[test]
fn httproutes_are_predicted_as_traefik_was_recorded() {
    check(ControllerKind::TraefikGateway, 600);
}

#[test]
fn traefik_is_predicted_as_recorded() {
    check(ControllerKind::Traefik, 1200);
}

#[test]
fn traefik_ingress_nginx_is_predicted_as_recorded() {
    check(ControllerKind::TraefikIngressNginx, 1200);
}

#[test]
fn where_chance_decides_the_recorded_answer_is_one_of_the_choices() {
    let mut judged = 0;
    for kind in [ControllerKind::Traefik, ControllerKind::TraefikIngressNginx] {
        for set in sets(kind.slug()) {
            let table = judging::table(kind, &set.snapshot);
            for vector in &set.vectors {
                let request = request_of(vector);
                let decision = table.decide(&request);
                // What was recorded as chance has no answer of its own.
                if decision.outcome == Outcome::Undefined && vector["expect"]["outcome"] != "undefined" {
                    let wrong = differs(&vector["expect"], &request, &decision);
                    assert!(wrong.is_empty(), "{vector}\n{wrong}");
                    judged += 1;
                }
            }
        }
    }
    assert_eq!(judged, 27, "lines that chance decided");
}

/// The controller writes its address into the status of exactly those Ingresses that it loaded.
#[test]
fn ingress_nginx_gave_an_address_to_those_it_is_said_to_load() {
    let mut judged = 0;
    for set in sets(ControllerKind::IngressNginx.slug()) {
        let controller = controller_of(&set.snapshot, ControllerKind::IngressNginx);
        let settings = controller.settings();
        for (ingress, adoption) in adoption::judge_all(controller, &set.snapshot) {
            let adopted = matches!(adoption, Adoption::Adopted(_));
            let loaded = adopted && adoption::annotations::load_refusal(&settings, ingress).is_none();
            assert_eq!(loaded, !ingress.addresses.is_empty(), "{} {}", set.name, ingress.meta.key());
            judged += 1;
        }
    }
    assert!(judged >= 300, "only {judged} Ingresses");
}

#[test]
fn haproxytech_is_predicted_as_recorded() {
    check(ControllerKind::Haproxytech, 1190);
}

#[test]
fn contour_is_predicted_as_recorded() {
    check(ControllerKind::Contour, 790);
}

/// So does Contour, for exactly those that its class selection takes.
#[test]
fn contour_gave_an_address_to_those_it_is_said_to_adopt() {
    let mut judged = 0;
    for set in sets(ControllerKind::Contour.slug()) {
        let controller = controller_of(&set.snapshot, ControllerKind::Contour);
        for (ingress, adoption) in adoption::judge_all(controller, &set.snapshot) {
            let adopted = matches!(adoption, Adoption::Adopted(_));
            assert_eq!(adopted, !ingress.addresses.is_empty(), "{} {}", set.name, ingress.meta.key());
            judged += 1;
        }
    }
    assert!(judged >= 90, "only {judged} Ingresses");
}
