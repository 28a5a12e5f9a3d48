//! Runs the cases: finds the programs, shares one control plane between all cases that break nothing,
//! and runs every case on one runtime, so that connections outlive the case that made them.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::plane::assets::Assets;
use crate::plane::{Options, Plane};

/// The longest a case may take; the slowest waits for half a dozen deadlines of 15 s.
const DEADLINE: Duration = Duration::from_secs(240);

/// What a case is given.
pub(crate) struct Suite {
    assets: Assets,
    shared: OnceCell<Plane>,
}

impl Suite {
    /// The control plane that the cases share. A case keeps to namespaces of its own, and stops nothing.
    pub(crate) async fn plane(&self) -> &Plane {
        self.shared.get_or_init(|| Plane::start(&self.assets, Options::default())).await
    }

    /// A control plane that may be stopped, flooded and restarted. Starting one takes some seconds.
    pub(crate) async fn own_plane(&self, options: Options) -> Plane {
        Plane::start(&self.assets, options).await
    }
}

/// Why a case did not run.
pub(crate) struct Skip(pub(crate) &'static str);

/// How a case ends when it does not fail.
pub(crate) trait Outcome {
    fn completion(self) -> Completion;
}

impl Outcome for () {
    fn completion(self) -> Completion {
        Completion::Completed
    }
}

impl Outcome for Result<(), Skip> {
    fn completion(self) -> Completion {
        match self {
            Ok(()) => Completion::Completed,
            Err(Skip(why)) => Completion::ignored_with(why),
        }
    }
}

type Run = fn(&'static Suite) -> Pin<Box<dyn Future<Output = Completion> + Send>>;

/// One case by its name: `module::function`.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) run: Run,
    /// Only run when asked for.
    pub(crate) by_hand: bool,
}

/// Lists functions `async fn(&'static Suite)` as cases.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        vec![$($crate::suite::Case {
            name: format!(
                "{}::{}",
                module_path!().rsplit("::").next().unwrap_or_default(),
                stringify!($name)
            ),
            run: |suite| Box::pin(async move { $crate::suite::Outcome::completion($name(suite).await) }),
            by_hand: false,
        }),+]
    };
}

/// Runs the cases that the command line names.
pub(crate) fn run(cases: impl Iterator<Item = Case>) -> ExitCode {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
    let arguments = Arguments::from_args();
    let listing = arguments.list;
    let suite: Option<&'static Suite> = match if listing { Err(String::new()) } else { Assets::find() } {
        Ok(assets) => Some(Box::leak(Box::new(Suite { assets, shared: OnceCell::new() }))),
        Err(why) => {
            if !listing {
                eprintln!("live suite skipped: {why}");
            }
            None
        }
    };
    let trials = cases
        .map(|Case { name, run, by_hand }| {
            let trial = Trial::ignorable_test(name, move || {
                let Some(suite) = suite else { return Ok(Completion::ignored_with("no control plane")) };
                let limit = if by_hand { Duration::MAX } else { DEADLINE };
                RUNTIME
                    .block_on(async { tokio::time::timeout(limit, run(suite)).await })
                    .map_err(|_| Failed::from(format!("did not end within {} s", limit.as_secs())))
            });
            trial.with_ignored_flag(by_hand)
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let Some(plane) = suite.and_then(|suite| suite.shared.get()) {
        plane.end();
    }
    conclusion.exit_code()
}
