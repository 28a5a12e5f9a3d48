//! The live suite: everything that talks to Kubernetes, against a real etcd, kube-apiserver,
//! kube-controller-manager and kwok (in the kubelet's place), on loopback.
//!
//! ```text
//! export $(bash tests/live/controlplane/build)    # once: builds the four programs from their Go modules,
//!                                                 # and gets the CRDs of the Gateway API from theirs
//! cargo test --test live                          # or: cargo test --test live -- history
//! cargo test --test live -- --ignored             # a plane to play with, until ^C
//! ```
//!
//! Without the programs every case is ignored, and one line says how to get them; so is a case without
//! what it alone needs (nginx, the CRDs). A case is an
//! `async fn(&'static Suite)` that its module lists in `cases()`; see [`suite`] for what it is given,
//! [`plane`] for what a control plane can do, and [`shop`] for the cluster that most cases ask about:
//!
//! ```ignore
//! async fn a_deleted_ingress_is_found(suite: &'static Suite) -> Result<(), Skip> {
//!     let plane = suite.plane().await;                  // shared; `suite.own_plane(..)` to break things
//!     let shop = Shop::open(plane, "gone").await?;      // controller, app, Ingress, in namespace `gone`
//!     let reader = plane.reader("gone").await;          // a ServiceAccount with the shipped rights
//!     assert_eq!(shop.get("/api/v1").await, 200);       // a real request, and a line in the log
//!     plane.delete("networking.k8s.io/v1", "Ingress", "gone", "shop").await;
//!     shop.serve(&[]).await;                            // the controller's part: it follows the Ingress
//!     assert_eq!(shop.get("/api/v1").await, 404);
//!     let toolbox = plane.toolbox(&reader, &[]);
//!     let answer = ask(&toolbox, "diagnose", json!({"url": shop.url("/api/v1")})).await;
//!     assert_eq!(answer["verdict"]["code"], "...");
//!     Ok(())
//! }
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, also in its helpers; what is printed is for a person"
)]
#[macro_use]
mod suite;

mod ask;
mod nginx;
mod plane;
mod shop;
mod truth;

/// Tokens, login plugins, contexts.
mod credentials;
/// What the API server keeps no longer: pages, the watch cache, compaction.
mod expiry;
/// The API server failing in the middle of every tool.
mod faults;
/// The Gateway API: absent, installed, refused.
mod gateways;
/// The harness itself: what it starts answers, and is gone afterwards.
mod harness;
/// What managedFields and the watch cache remember.
mod history;
/// Each of the six hypotheses, made to happen.
mod hypotheses;
/// The API server itself stopped, restarted, paused and slow in the middle of every tool.
mod interrupted;
/// What a question costs on 5,000 Ingresses.
mod load;
/// A plane for a person.
mod playground;
/// Every tool on a cluster in which everything is real.
mod populated;
/// The shipped manifests, and each right missing in turn.
mod rbac;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::var_os(harness::VICTIM).is_some() {
        return suite::run(harness::victims().into_iter());
    }
    let cases = [
        harness::cases(),
        populated::cases(),
        rbac::cases(),
        history::cases(),
        hypotheses::cases(),
        credentials::cases(),
        faults::cases(),
        interrupted::cases(),
        expiry::cases(),
        gateways::cases(),
        load::cases(),
        playground::cases(),
    ];
    suite::run(cases.into_iter().flatten())
}
