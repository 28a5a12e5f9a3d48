//! What an explanation says is held to the objects: a loser is a rule that there is, told as it is written,
//! once; nobody both wins and loses; a part of the losers is their beginning. A reason that names a rule
//! names one that there is, and none contradicts what can be seen without a model.

use std::collections::{BTreeMap, BTreeSet};

use routecause::analysis::routing::{Decision, Eliminated, Explanation, Outcome, Reason, Winner};
use routecause::model::controller::ControllerKind;
use routecause::model::ingress::{PathType, Place};
use routecause::model::object::{Kind, Name};
use routecause::model::request::Request;

use super::worlds::{Broken, CASES, Case, brief};

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    hosts: Vec<String>,
    path: String,
    /// None for a match of an HTTPRoute.
    path_type: Option<PathType>,
    /// The name of its Service.
    service: Option<String>,
}

/// The rules of a world, by what they stand in.
struct Rules {
    all: BTreeMap<(Kind, Name, Place), Written>,
    /// What they stand in, and what has none.
    objects: BTreeSet<Name>,
}

impl Rules {
    fn of(case: &Case) -> Self {
        let mut all = BTreeMap::new();
        for ingress in case.scene.adopted() {
            for (r, p, host, path) in ingress.path_rules() {
                let written = Written {
                    hosts: vec![host.to_owned()],
                    path: path.path.clone(),
                    path_type: Some(path.path_type),
                    service: path.backend.service().map(|(name, _)| name.to_owned()),
                };
                all.insert((Kind::Ingress, ingress.meta.key(), Place::Path(r, p)), written);
            }
        }
        for route in case.scene.snapshot.http_routes.items().iter().filter(|_| case.kind.routes_by_gateways())
        {
            for (r, rule) in route.rules.iter().enumerate() {
                for (m, one) in rule.matches.iter().enumerate() {
                    let written = Written {
                        hosts: route.hostnames.clone(),
                        path: one.path.value.clone(),
                        path_type: None,
                        service: None,
                    };
                    all.insert((Kind::HttpRoute, route.meta.key(), Place::Match(r, m)), written);
                }
            }
        }
        let ingresses = case.scene.adopted().into_iter().map(|ingress| ingress.meta.key());
        let routes = case.scene.snapshot.http_routes.items().iter().map(|route| route.meta.key());
        Self { all, objects: ingresses.chain(routes).collect() }
    }

    fn get(&self, name: &Name, place: Place) -> Option<&Written> {
        self.all.get(&(place.kind(), name.clone(), place))
    }
}

#[test]
fn winner_and_losers_are_rules_that_there_are() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        let (table, rules) = (case.scene.table(), Rules::of(case));
        for ask in &case.asks {
            let (decision, all) = (table.decide(ask), table.explain(ask, usize::MAX));
            let mut complain = |how: &str, what: String| {
                broken.at(case, ask, how, &format!("\n      {what}{}", brief(&decision)));
            };
            for lost in &all.eliminated {
                if let Some(how) = judge(&rules, ask, &decision, lost) {
                    complain(how, format!("{lost:?}"));
                }
            }
            if let Some(how) = decision.winner.as_ref().and_then(|winner| strange(&rules, winner)) {
                complain(how, String::new());
            }
            if let Some((how, what)) = counted(case, &decision, &all) {
                complain(how, what);
            }
            let some = table.explain(ask, 3);
            let begins =
                all.eliminated.starts_with(&some.eliminated) && all.nearest.starts_with(&some.nearest);
            if !begins || some.total != all.total {
                complain("a part is not the beginning", format!("{some:?}"));
            }
        }
    }
    broken.settle();
}

fn place_of(winner: &Winner) -> (&Name, Place) {
    (&winner.ingress, winner.place)
}

/// What is wrong with how a winner is told.
fn strange(rules: &Rules, winner: &Winner) -> Option<&'static str> {
    let (name, place) = place_of(winner);
    match place {
        Place::DefaultBackend | Place::Rule(_) => None,
        Place::Path(..) | Place::Match(..) => {
            let Some(written) = rules.get(name, place) else { return Some("no such rule wins") };
            // No path is the root to some.
            let is_root = written.path.is_empty() && winner.path == "/";
            let same = (written.path == winner.path || is_root)
                && (written.path_type.is_none() || written.path_type == winner.path_type);
            (!same).then_some("the winner is written otherwise")
        }
    }
}

/// What is wrong with one loser.
fn judge(rules: &Rules, ask: &Request, decision: &Decision, lost: &Eliminated) -> Option<&'static str> {
    let written = match lost.place {
        Place::DefaultBackend | Place::Rule(_) => return None,
        Place::Path(..) | Place::Match(..) => rules.get(&lost.ingress, lost.place),
    };
    let Some(written) = written else { return Some("no such rule lost") };
    let same =
        written.path == lost.path && (written.path_type.is_none() || written.path_type == lost.path_type);
    if !same {
        return Some("the loser is written otherwise");
    }
    let winner = decision.winner.as_ref();
    let is_served = matches!(decision.outcome, Outcome::Routed | Outcome::Unavailable);
    if is_served && winner.map(place_of) == Some((&lost.ingress, lost.place)) {
        return Some("it wins and loses");
    }
    let same_host = written.path_type.is_some() && written.hosts.contains(&ask.host_as_sent);
    // What no proxy reads in another way.
    let plain = |path: &str| path.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '/');
    let same_path = written.path_type == Some(PathType::Exact)
        && plain(&written.path)
        && !written.path.contains("//")
        && written.path == ask.path.as_str()
        // Where nothing is loaded or listens, nothing is compared.
        && !matches!(decision.outcome, Outcome::Refused | Outcome::Undefined);
    match &lost.reason {
        Reason::HostDiffers if same_host => Some("its host is the one that was asked for"),
        Reason::PathDiffers | Reason::PatternDiffers { .. } if same_path => {
            Some("its path is the one that was asked for")
        }
        Reason::LessSpecific { than: other, .. }
        | Reason::OlderWins { older: other }
        | Reason::HostTaken { by: other }
        | Reason::Duplicate { of: other }
            if !rules.objects.contains(other) =>
        {
            Some("what it lost to is not there")
        }
        _ => None,
    }
}

/// Whether everybody is told once: the losers and the winner are all that there are. Two that are untold go
/// to the same Service or are answered by the proxy itself: which of them it is makes no difference. A request that is refused before any rule
/// is looked at is told of nobody.
fn counted(case: &Case, decision: &Decision, all: &Explanation) -> Option<(&'static str, String)> {
    let mut places: Vec<(&Name, Place)> =
        all.eliminated.iter().map(|lost| (&lost.ingress, lost.place)).collect();
    places.sort();
    if places.windows(2).any(|two| two[0] == two[1]) {
        return Some(("somebody lost twice", String::new()));
    }
    if *all == Explanation::default() && decision.winner.is_none() {
        return None;
    }
    let rules = Rules::of(case).all;
    // Routes of namespaces and labels that the controller does not watch are none of its.
    let may_be_fewer = case.kind == ControllerKind::TraefikGateway;
    if all.total > rules.len() || (all.total < rules.len() && !may_be_fewer) {
        return Some(("not every rule is a candidate", format!("{} of {}", all.total, rules.len())));
    }
    let is_malformed = decision.outcome == Outcome::Refused && decision.status == Some(400);
    if decision.outcome == Outcome::Undefined || is_malformed || all.total < rules.len() {
        return None;
    }
    let untold: Vec<_> =
        rules.iter().filter(|((_, name, place), _)| !places.contains(&(name, *place))).collect();
    let winner =
        decision.winner.as_ref().filter(|winner| matches!(winner.place, Place::Path(..) | Place::Match(..)));
    let is_told = match winner {
        // The entry point redirects, whatever it would be.
        None => untold.is_empty() || decision.outcome == Outcome::Redirect,
        Some(winner) => untold.iter().all(|((_, name, place), written)| {
            let target = winner.backend.as_ref().map(|target| target.service.name.as_str());
            (name, *place) == place_of(winner)
                || written.service.as_deref() == target
                || decision.outcome != Outcome::Routed
        }),
    };
    (!is_told).then(|| ("not everybody is told", format!("{untold:?}")))
}
