//! A plane for a person: `cargo test --test live -- --ignored playground` starts one, says how to reach
//! it, and keeps it until ^C.

use crate::suite::{Case, Suite};

pub(crate) fn cases() -> Vec<Case> {
    cases![a_plane_until_interrupted].into_iter().map(|case| Case { by_hand: true, ..case }).collect()
}

async fn a_plane_until_interrupted(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.reader("reader").await;
    println!("\n  export KUBECONFIG={}", plane.kubeconfig("admin").display());
    println!("  export KUBECONFIG={}   # with the shipped rights", plane.kubeconfig("reader").display());
    println!("  pods need `nodeName: node-1`; ^C ends it\n");
    tokio::signal::ctrl_c().await.expect("a signal");
}
