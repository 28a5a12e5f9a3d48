//! The oracles: what the models say of generated requests, held to what real proxies do with the same
//! objects and the same bytes.
//!
//! ```text
//! bash tests/oracles/fetch                                 # once: the programs, into the cache
//! export $(bash tests/live/controlplane/build)             # once: the API server they read from
//! cargo test --test oracles                                # or: cargo test --test oracles -- traefik
//! ROUTECAUSE_ORACLE_WORLDS=51 cargo test --test oracles    # as many as a change must pass; also _SEED, _ASKS
//! ROUTECAUSE_ORACLE_KEPT=1 cargo test --test oracles         # asks the kept cases of the real thing again
//! bash tests/oracles/report                                # writes docs/oracles.md, with the coverage
//! ```
//!
//! What is missing is skipped with the reason. [`generate`] makes worlds, [`dialect`] holds what is
//! special about a controller, an [`oracle::Oracle`] serves a world, [`judge`] compares, [`shrink`] makes
//! a difference small. Small cases are kept in `kept/<slug>/` and are part of `cargo test`. A world lives
//! in a network of its own ([`net`]): upstreams, controllers and proxies reach nothing else.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed, also in its helpers; what is printed is for a person"
)]

mod again;
mod ask;
mod cluster;
mod dialect;
mod generate;
mod judge;
mod judging;
mod net;
mod oracle;
#[expect(dead_code, reason = "the live suite uses all of it")]
#[path = "../live"]
mod live {
    pub(crate) mod plane;
}
mod programs;
mod recorded;
mod run;
mod shrink;
mod table;
mod upstream;
mod world;

/// The real Contour with Envoy.
mod contour;
/// The real Envoy, also with tables that are written here.
mod envoy;
/// A real HAProxy, configured as a controller would.
mod haproxy;
/// Istio's own discovery server, with Envoy.
mod istiod;
/// The real nginx, for the controllers that run it.
mod nginx;
/// The real Traefik.
mod traefik;

use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use routecause::model::controller::ControllerKind;
use tokio::runtime::Runtime;

use dialect::Dialect;
use live::plane;
use nginx::Nginx;
use oracle::Oracle;
use run::{Plan, Tally};
use table::Row;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
/// The models that are held to recorded answers.
const RECORDED: [ControllerKind; 8] = [
    ControllerKind::IngressNginx,
    ControllerKind::Traefik,
    ControllerKind::TraefikIngressNginx,
    ControllerKind::F5Nginx,
    ControllerKind::Haproxytech,
    ControllerKind::Contour,
    ControllerKind::HttpRoute,
    ControllerKind::TraefikGateway,
];

/// An oracle by name; `allowed` differences of a thousand.
fn oracle<O, F>(dialect: &'static Dialect, allowed: usize, start: impl Fn() -> F + Send + 'static) -> Trial
where
    O: Oracle,
    F: Future<Output = Result<O, String>>,
{
    Trial::ignorable_test(dialect.kind.slug(), move || {
        RUNTIME.block_on(async {
            match start().await {
                Ok(mut oracle) if std::env::var_os("ROUTECAUSE_ORACLE_KEPT").is_some() => {
                    let differences = again::again(dialect, &mut oracle).await;
                    match differences.is_empty() {
                        true => Ok(Completion::Completed),
                        false => Err(Failed::from(differences.join("\n"))),
                    }
                }
                Ok(mut oracle) => {
                    let tally = run::run(dialect, &mut oracle, Plan::usual(), allowed).await;
                    verdict(dialect, oracle.source(), &tally, allowed)
                }
                Err(why) => {
                    eprintln!("oracle {} skipped: {why}", dialect.kind);
                    Ok(Completion::ignored_with(why))
                }
            }
        })
    })
}

fn verdict(dialect: &Dialect, source: String, tally: &Tally, allowed: usize) -> Result<Completion, Failed> {
    let Tally { cases, undetermined, differing, report } = tally;
    let row = Row {
        model: dialect.kind,
        source,
        cases: *cases,
        differing: *differing,
        undetermined: *undetermined,
    };
    row.add();
    for text in report {
        println!("{text}");
    }
    if differing * 1000 > cases * allowed {
        return Err(Failed::from(format!("{differing} of {cases} answers differ")));
    }
    Ok(Completion::Completed)
}

/// The recorded answers, for the table; `cargo test --test integration vectors` judges them.
fn recorded(kind: ControllerKind) -> Trial {
    Trial::test(format!("recorded::{kind}"), move || {
        let (cases, differences) = recorded::agreement(kind);
        let source = "the real controller, recorded".to_owned();
        Row { model: kind, source, cases, differing: differences.len(), undetermined: 0 }.add();
        Ok(())
    })
}

/// The worlds without a proxy, for whoever counts which lines of the models they reach: `coverage`.
fn reach() -> Trial {
    let trial = Trial::test("reach", || {
        RUNTIME.block_on(run::reach(&dialect::ALL, Plan::usual()));
        Ok(())
    });
    trial.with_ignored_flag(true)
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if let Err(why) = net::enter() {
        eprintln!("oracles skipped: {why}");
        let skipped = Trial::ignorable_test("network", move || Ok(Completion::ignored_with(why.clone())));
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    }
    arguments.test_threads.get_or_insert(4);
    if !arguments.list {
        RUNTIME.block_on(upstream::start());
    }
    let mut trials = vec![
        oracle(&dialect::haproxy_ingress::HAPROXY_INGRESS, 10, || async {
            haproxy::HaProxy::haproxy_ingress([127, 0, 1, 21])
        }),
        oracle(&dialect::traefik::TRAEFIK, 1, || {
            traefik::Traefik::start("kubernetesingress", [127, 0, 1, 1])
        }),
        oracle(&dialect::traefik_ingress_nginx::TRAEFIK_INGRESS_NGINX, 1, || {
            traefik::Traefik::start("kubernetesingressnginx", [127, 0, 1, 2])
        }),
        oracle(&dialect::traefik_gateway::TRAEFIK_GATEWAY, 1, || {
            traefik::Traefik::start("kubernetesgateway", [127, 0, 1, 3])
        }),
        oracle(&dialect::contour::CONTOUR, 1, contour::Contour::start),
        oracle(&dialect::istio::ISTIO, 10, || async { istiod::Istiod::start() }),
        oracle(&dialect::cilium::CILIUM, 10, || async {
            envoy::Envoy::start("Cilium's operator", envoy::cilium::tables, [127, 0, 1, 52])
        }),
        oracle(&dialect::ingress_nginx::INGRESS_NGINX, 1, || async { Nginx::ingress_nginx() }),
        oracle(&dialect::f5::F5, 1, || async { Nginx::f5() }),
        oracle(&dialect::haproxytech::HAPROXYTECH, 1, || haproxy::HaProxy::haproxytech([127, 0, 1, 20])),
    ];
    trials.extend(RECORDED.map(recorded));
    trials.push(reach());
    let conclusion = libtest_mimic::run(&arguments, trials);
    table::write();
    conclusion.exit_code()
}
