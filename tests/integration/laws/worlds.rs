use std::collections::BTreeMap;
use std::sync::LazyLock;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use routecause::analysis::adoption;
use routecause::analysis::routing::{
    Decision, Input, Nearest, RouteTable, Target, Winner, model_for, proposed,
};
use routecause::model::controller::{Controller, ControllerKind};
use routecause::model::ingress::Ingress;
use routecause::model::object::{Kind, ObjectKey};
use routecause::model::request::Request;
use routecause::model::snapshot::{Coverage, Snapshot};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::dialect::{self, Dialect};
use crate::generate;
use crate::judging::{capture_of, request_of, snapshot};
use crate::world::World;

/// A world of one model.
pub(super) struct Case {
    pub(super) kind: ControllerKind,
    pub(super) number: u64,
    pub(super) objects: Vec<Value>,
    pub(super) scene: Scene,
    pub(super) asks: Vec<Request>,
}

/// Objects as they were read, and the controller among them.
pub(super) struct Scene {
    kind: ControllerKind,
    pub(super) snapshot: Snapshot,
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(format!("ROUTECAUSE_LAWS_{name}")).ok().map_or(usual, |text| {
        text.parse().unwrap_or_else(|_| panic!("ROUTECAUSE_LAWS_{name}: {text} is no number"))
    })
}

pub(super) fn seed() -> u64 {
    number("SEED", 1)
}

/// Every world of every model, made once.
pub(super) static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let (first, worlds) = (number("FIRST", 0), number("WORLDS", 3));
    let asks = usize::try_from(number("ASKS", 60)).expect("a number of requests");
    let only = std::env::var("ROUTECAUSE_LAWS_MODEL").ok();
    let wanted = |dialect: &&&Dialect| only.as_deref().is_none_or(|slug| slug == dialect.kind.slug());
    let case = |dialect: &Dialect, number: u64| {
        let World { mut objects, controller, asks, .. } = generate::world(dialect, seed(), number, asks);
        objects.extend(controller);
        let asks = asks.iter().map(|ask| request_of(&ask.vector())).collect();
        Case { kind: dialect.kind, number, scene: Scene::of(dialect.kind, &objects), objects, asks }
    };
    let dialects = dialect::ALL.iter().filter(wanted);
    dialects.flat_map(|dialect| (first..first + worlds).map(|number| case(dialect, number))).collect()
});

impl Scene {
    /// Reads the objects the way the program reads a capture.
    pub(super) fn of(kind: ControllerKind, objects: &[Value]) -> Self {
        static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
        let mut snapshot = RUNTIME.block_on(snapshot(capture_of(objects)));
        if !snapshot.controllers.iter().any(|controller| controller.kind == kind) {
            snapshot.controllers.push(unseen(kind));
        }
        Self { kind, snapshot }
    }

    /// The same with one object as it is now.
    pub(super) fn with(&self, object: &Value) -> Self {
        let read = Self::of(self.kind, std::slice::from_ref(object)).snapshot;
        let mut snapshot = self.snapshot.clone();
        snapshot.ingresses.extend(read.ingresses.items().to_vec(), Coverage::default());
        snapshot.http_routes.extend(read.http_routes.items().to_vec(), Coverage::default());
        Self { kind: self.kind, snapshot }
    }

    fn controller(&self) -> &Controller {
        let mut controllers = self.snapshot.controllers.iter();
        controllers.find(|controller| controller.kind == self.kind).expect("a controller")
    }

    /// What the controller takes.
    pub(super) fn adopted(&self) -> Vec<&Ingress> {
        adoption::adopted(self.controller(), &self.snapshot)
    }

    /// The model of what it takes.
    pub(super) fn table(&self) -> Box<dyn RouteTable> {
        self.compile(&self.adopted())
    }

    /// The edits that are told.
    pub(super) fn tried(&self, ask: &Request, proposed: Vec<Nearest>) -> Vec<Nearest> {
        let (ingresses, settings) = (self.adopted(), self.controller().settings());
        let input = Input { ingresses: &ingresses, snapshot: &self.snapshot, settings: &settings };
        proposed::tried(model_for(self.kind).expect("a model"), &input, ask, proposed)
    }

    pub(super) fn compile(&self, ingresses: &[&Ingress]) -> Box<dyn RouteTable> {
        let settings = self.controller().settings();
        let input = Input { ingresses, snapshot: &self.snapshot, settings: &settings };
        model_for(self.kind).expect("a model").compile(&input)
    }
}

/// A controller that runs where nobody sees it, or a text that runs nowhere.
fn unseen(kind: ControllerKind) -> Controller {
    Controller {
        kind,
        workload: ObjectKey::new(Kind::Deployment, "edge", kind.slug()),
        container_index: 0,
        container: String::new(),
        image: String::new(),
        version: None,
        command: Vec::new(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        pods: Vec::new(),
        config_map: None,
        services: Vec::new(),
    }
}

impl Case {
    /// The same objects in another order.
    pub(super) fn shuffled(&self) -> Vec<Value> {
        let mut objects = self.objects.clone();
        objects.shuffle(&mut self.random());
        objects
    }

    /// Chance that is the same every time.
    pub(super) fn random(&self) -> StdRng {
        StdRng::seed_from_u64(self.number ^ 0x5EED)
    }
}

/// Violations by model and kind, with the first of each, and its objects in a file.
#[derive(Default)]
pub(super) struct Broken(BTreeMap<(ControllerKind, String), (usize, String)>);

impl Broken {
    /// `how` is what two violations have in common, `what` the rest of one.
    pub(super) fn add(&mut self, case: &Case, how: &str, what: &str) {
        let first = || {
            let folder = std::env::temp_dir().join("routecause-laws");
            let file = folder.join(format!("{}-{}-{}.json", case.kind, seed(), case.number));
            let written = std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::write(&file, json!(case.objects).to_string()));
            written.expect("a file for what is broken");
            (0, format!("{}{what}", file.display()))
        };
        self.0.entry((case.kind, how.to_owned())).or_insert_with(first).0 += 1;
    }

    /// The same of one request.
    pub(super) fn at(&mut self, case: &Case, ask: &Request, how: &str, what: &str) {
        let Request { scheme, method, headers, .. } = ask;
        let url = format!("{}://{}{}", scheme.as_str(), ask.authority(), ask.target());
        self.add(case, how, &format!(": {method} {url} {headers:?}{what}"));
    }

    /// Fails where there is any.
    pub(super) fn settle(self) {
        let told = |((kind, how), (count, first)): (&(ControllerKind, String), &(usize, String))| {
            format!("{kind}: {how}, {count} times; {first}")
        };
        let all: Vec<String> = self.0.iter().map(told).collect();
        assert!(all.is_empty(), "laws are broken\n{}", all.join("\n"));
    }
}

/// A decision in one line.
pub(super) fn brief(decision: &Decision) -> String {
    let target = |target: &Target| format!("{}:{}", target.service, target.port);
    let mut text = format!("\n      {:?} {:?}", decision.outcome, decision.status);
    if let Some(Winner { ingress, place, host, path, path_type, backend, .. }) = &decision.winner {
        let backend = backend.as_ref().map(target);
        text.push_str(&format!(" {ingress} {place:?} {host}{path} {path_type:?} {backend:?}"));
    }
    let of: Vec<String> = decision.one_of.iter().map(target).collect();
    text.push_str(&format!(" of {of:?} to {:?} gets {:?}", decision.location, decision.upstream_path));
    format!("{text} {:?}", decision.notes)
}
