//! One controller's view of the cluster: what it adopted, what it refused, and its compiled routes.
//!
//! A controller whose product has no model, or that could not be told, is viewed through the Ingress
//! API's own text and says so (`Basis::SpecOnly`): an Ingress of another product is never judged by
//! the rules of this one.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::controller::{Controller, ControllerKind, Settings};
use crate::model::host::spec_match;
use crate::model::ingress::{Ingress, PathRule, PathType, Place};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

use super::adoption::{self, Adoption, By};
use super::field::hosts::covers;
use super::routing::possible;
use super::routing::{
    Basis, Decision, Eliminated, Explanation, Input, Nearest, Note, Outcome, Reason, Refusal, RouteTable,
    httproute, model_for, proposed, spec,
};

/// How one controller sees the cluster.
pub struct View<'a> {
    /// The product, or `Spec` where none was found.
    pub kind: ControllerKind,
    /// The running controller; `None` for a hypothetical one.
    pub controller: Option<&'a Controller>,
    pub settings: Settings,
    pub basis: Basis,
    pub adopted: Vec<(&'a Ingress, By)>,
    /// Refused by class selection or by the controller's loading rules; sorted by name.
    pub refused: Vec<(&'a Ingress, Refusal)>,
    pub table: Box<dyn RouteTable>,
    /// The same, had the controller taken every Ingress of which that could not be told.
    at_most: Option<Box<dyn RouteTable>>,
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("kind", &self.kind)
            .field("adopted", &self.adopted.len())
            .finish_non_exhaustive()
    }
}

impl View<'_> {
    /// What the controller does; undefined where that hangs on Ingresses of which could not be told
    /// whether it takes them.
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        let at_least = self.table.decide(request);
        match &self.at_most {
            Some(at_most) => either(at_least, &at_most.decide(request)),
            None => at_least,
        }
    }

    /// Why the candidates that did not win lost, nearest first: also the rules of Ingresses that the
    /// controller leaves alone.
    #[must_use]
    pub fn explain(&self, request: &Request, limit: usize, snapshot: &Snapshot) -> Explanation {
        let mut explanation = self.table.explain(request, limit);
        explanation.nearest = self.tried(request, explanation.nearest, snapshot);
        let told: BTreeSet<&Name> = self.table.refused().iter().map(|(name, _)| name).collect();
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for (ingress, why) in &self.refused {
            let name = ingress.meta.key();
            if told.contains(&name) {
                continue;
            }
            for (place, host, rule) in places(ingress) {
                if !spec_match(host, request.host.as_str()) {
                    continue;
                }
                explanation.total += 1;
                let takes = rule.is_none_or(|rule| match rule.path_type {
                    PathType::Exact => rule.path == request.path.as_str(),
                    PathType::Prefix | PathType::ImplementationSpecific => {
                        covers(&rule.path, request.path.as_str())
                    }
                });
                let list = if takes { &mut near } else { &mut far };
                if list.len() < limit {
                    list.push(Eliminated {
                        ingress: name.clone(),
                        place,
                        host: host.to_owned(),
                        path: rule.map(|rule| rule.path.clone()).unwrap_or_default(),
                        path_type: rule.map(|rule| rule.path_type),
                        reason: Reason::NotLoaded(why.clone()),
                    });
                }
            }
        }
        near.append(&mut explanation.eliminated);
        near.append(&mut far);
        near.truncate(limit);
        explanation.eliminated = near;
        explanation
    }

    /// Of edits that were proposed, those that are seen to work.
    #[must_use]
    pub fn tried(&self, request: &Request, proposed: Vec<Nearest>, snapshot: &Snapshot) -> Vec<Nearest> {
        let ingresses: Vec<&Ingress> = self.adopted.iter().map(|(ingress, _)| *ingress).collect();
        let input = Input { ingresses: &ingresses, snapshot, settings: &self.settings };
        match model_for(self.kind) {
            Some(model) => proposed::tried(model, &input, request, proposed),
            None => proposed::tried(&spec::Spec, &input, request, proposed),
        }
    }

    /// Whether what it routes by are HTTPRoutes: then it adopts no Ingress, and its table holds them.
    #[must_use]
    pub fn is_of_gateways(&self) -> bool {
        self.kind.routes_by_gateways()
    }

    #[must_use]
    pub fn adopts(&self, ingress: &Name) -> bool {
        self.adopted.iter().any(|(adopted, _)| adopted.meta.key() == *ingress)
            && !self.refused.iter().any(|(refused, _)| refused.meta.key() == *ingress)
    }

    #[must_use]
    pub fn refusal(&self, ingress: &Name) -> Option<&Refusal> {
        self.refused.iter().find(|(refused, _)| refused.meta.key() == *ingress).map(|(_, why)| why)
    }

    /// The same controller over another set of Ingresses: what it would do if they were all there is.
    #[must_use]
    pub fn what_if(&self, ingresses: &[&Ingress], snapshot: &Snapshot) -> Box<dyn RouteTable> {
        compile(self.kind, ingresses, snapshot, &self.settings).0
    }
}

/// The rules of an Ingress; its default backend where it has none.
fn places(ingress: &Ingress) -> impl Iterator<Item = (Place, &str, Option<&PathRule>)> {
    let rules = ingress.path_rules().map(|(r, p, host, rule)| (Place::Path(r, p), host, Some(rule)));
    let alone = ingress.rules.is_empty() && ingress.default_backend.is_some();
    rules.chain(alone.then_some((Place::DefaultBackend, "", None)))
}

/// The views of all controllers in the snapshot, in the snapshot's order; where there is none, the
/// Ingress API's own. Gateways of implementations that are not among them are viewed through the
/// Gateway API's own text.
#[must_use]
pub fn views(snapshot: &Snapshot) -> Vec<View<'_>> {
    let mut views: Vec<View<'_>> =
        snapshot.controllers.iter().map(|controller| of_controller(controller, snapshot)).collect();
    if views.is_empty() {
        views.push(hypothetical(ControllerKind::Spec, snapshot));
    }
    if httproute::has_unclaimed(snapshot) {
        views.push(hypothetical(ControllerKind::HttpRoute, snapshot));
    }
    views
}

/// The view of a running controller.
#[must_use]
pub fn of_controller<'a>(controller: &'a Controller, snapshot: &'a Snapshot) -> View<'a> {
    let mut adopted = Vec::new();
    let mut refused = Vec::new();
    for ingress in snapshot.ingresses.items() {
        match adoption::judge(controller, ingress, snapshot) {
            Adoption::Adopted(by) => adopted.push((ingress, by)),
            Adoption::Refused(why) => refused.push((ingress, why)),
        }
    }
    build(controller.kind, Some(controller), controller.settings(), adopted, refused, snapshot)
}

/// The view of a controller that does not run here, as if it adopted every Ingress; those that read no
/// Ingresses adopt none here either.
#[must_use]
pub fn hypothetical(kind: ControllerKind, snapshot: &Snapshot) -> View<'_> {
    let ingresses = if kind.routes_by_gateways() { &[] } else { snapshot.ingresses.items() };
    let adopted = ingresses.iter().map(|ingress| (ingress, By::Classless)).collect::<Vec<_>>();
    build(kind, None, Settings::default(), adopted, Vec::new(), snapshot)
}

/// The view of a controller of this kind if it took these Ingresses, and perhaps the doubtful ones.
#[must_use]
pub fn supposed<'a>(
    kind: ControllerKind,
    settings: Settings,
    taken: impl Iterator<Item = &'a Ingress>,
    doubtful: impl Iterator<Item = &'a Ingress>,
    snapshot: &'a Snapshot,
) -> View<'a> {
    let adopted = taken.map(|ingress| (ingress, By::Classless)).collect();
    let refused = doubtful.map(|ingress| (ingress, Refusal::Undecided)).collect();
    build(kind, None, settings, adopted, refused, snapshot)
}

fn build<'a>(
    kind: ControllerKind,
    controller: Option<&'a Controller>,
    settings: Settings,
    adopted: Vec<(&'a Ingress, By)>,
    mut refused: Vec<(&'a Ingress, Refusal)>,
    snapshot: &'a Snapshot,
) -> View<'a> {
    let loaded: Vec<&Ingress> = adopted.iter().map(|(ingress, _)| *ingress).collect();
    let (table, basis) = compile(kind, &loaded, snapshot, &settings);
    // Which release runs is not known: it may be one that nobody has looked at.
    let untold = controller.is_some_and(|controller| controller.version.is_none());
    let basis = if untold { basis.min(Basis::Modelled) } else { basis };
    if !table.refused().is_empty() {
        let by_name: BTreeMap<Name, &Ingress> = loaded.iter().map(|i| (i.meta.key(), *i)).collect();
        for (name, why) in table.refused() {
            refused.extend(by_name.get(name).map(|i| (*i, why.clone())));
        }
    }
    let doubtful = refused.iter().filter(|(_, why)| *why == Refusal::Undecided).map(|(ingress, _)| *ingress);
    let mut possible: Vec<&Ingress> = doubtful.collect();
    let at_most = (!possible.is_empty()).then(|| {
        possible.extend(&loaded);
        possible.sort_by_key(|ingress| ingress.meta.key());
        compile(kind, &possible, snapshot, &settings).0
    });
    refused.sort_by_key(|(a, _)| a.meta.key());
    View { kind, controller, settings, basis, adopted, refused, table, at_most }
}

/// A decision that is one of two.
fn either(one: Decision, other: &Decision) -> Decision {
    let key = |decision: &Decision| {
        (decision.outcome, decision.status, decision.winner.clone(), decision.location.clone())
    };
    if key(&one) == key(other) {
        return one;
    }
    let mut merged = Decision::bare(Outcome::Undefined, None);
    for decision in [&one, other] {
        merged.one_of.extend(decision.one_of.iter().cloned());
        merged.one_of.extend(decision.winner.iter().filter_map(|winner| winner.backend.clone()));
    }
    merged.one_of.sort();
    merged.one_of.dedup();
    let winners = [&one, other].into_iter().filter_map(|decision| decision.winner.as_ref());
    merged.notes.extend(winners.map(|winner| Note::AdoptionUnseen { ingress: winner.ingress.clone() }));
    merged.notes.dedup();
    merged.notes.extend(possible::answers([&one, other].into_iter()));
    merged
}

/// What the Ingress API's own text says of these Ingresses.
#[must_use]
pub fn spec(ingresses: &[&Ingress], snapshot: &Snapshot) -> Box<dyn RouteTable> {
    compile(ControllerKind::Spec, ingresses, snapshot, &Settings::default()).0
}

/// The routes of a controller of this kind.
pub(super) fn compile(
    kind: ControllerKind,
    ingresses: &[&Ingress],
    snapshot: &Snapshot,
    settings: &Settings,
) -> (Box<dyn RouteTable>, Basis) {
    use super::routing::RoutingModel;
    let input = Input { ingresses, snapshot, settings };
    match model_for(kind) {
        Some(model) => (model.compile(&input), model.basis_for(settings.version)),
        None => (spec::Spec.compile(&input), Basis::SpecOnly),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::model::controller::Version;
    use crate::model::ingress::{Backend, PortRef, Rule};
    use crate::model::ingress_class::IngressClass;
    use crate::model::object::{Kind, ObjectKey, ObjectMeta};
    use crate::model::snapshot::Listing;

    fn named(namespace: &str, name: &str) -> ObjectMeta {
        ObjectMeta { namespace: namespace.to_owned(), name: name.to_owned(), ..ObjectMeta::default() }
    }

    /// An ingress-nginx, and an Ingress of class `nginx` for one host.
    fn cluster(classes: Listing<IngressClass>) -> Snapshot {
        let backend = Backend::Service { name: "web".to_owned(), port: PortRef::Number(80) };
        let path = PathRule { path: "/".to_owned(), path_type: PathType::Prefix, backend };
        let ingress = Ingress {
            meta: named("shop", "web"),
            class_name: Some("nginx".to_owned()),
            rules: vec![Rule { host: Some("shop.example".to_owned()), paths: Some(vec![path]) }],
            ..Ingress::default()
        };
        let controller = Controller {
            kind: ControllerKind::IngressNginx,
            workload: ObjectKey::new(Kind::Deployment, "edge", "controller"),
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
        };
        Snapshot {
            ingresses: Listing::complete(Kind::Ingress, vec![ingress]),
            classes,
            controllers: vec![controller],
            ..Snapshot::empty(DateTime::UNIX_EPOCH)
        }
    }

    fn decide(classes: Listing<IngressClass>, url: &str) -> Decision {
        let snapshot = cluster(classes);
        let view = of_controller(&snapshot.controllers[0], &snapshot);
        view.decide(&Request::parse(url).expect(url))
    }

    #[test]
    fn how_far_an_answer_can_be_trusted_hangs_on_the_release() {
        let basis = |kind: ControllerKind, version: Option<&str>| {
            let mut snapshot = cluster(Listing::complete(Kind::IngressClass, Vec::new()));
            snapshot.controllers[0].kind = kind;
            snapshot.controllers[0].version = version.map(|text| Version::parse(text).expect(text));
            of_controller(&snapshot.controllers[0], &snapshot).basis
        };
        use ControllerKind as K;
        for (kind, held, others) in [
            (K::IngressNginx, &["1.12.0", "1.15.1"][..], &["0.49.3", "1.11.5", "1.16.0"][..]),
            (K::Traefik, &["3.7.15"], &["2.11.0", "3.6.5", "3.8.0"]),
            (K::TraefikIngressNginx, &["3.7.15"], &["3.5.0", "3.6.9"]),
            (K::F5Nginx, &["5.5.4", "5.6.0"], &["3.7.0", "5.7.0"]),
            (K::Haproxytech, &["3.2.11"], &["3.1.0", "1.11.0", "3.3.0"]),
            (K::Contour, &["1.33.8"], &["1.32.0", "1.34.0"]),
            (K::AwsAlb, &["3.1.0"], &["2.13.0"]),
        ] {
            for version in held {
                assert_eq!(basis(kind, Some(version)), Basis::Exact, "{kind} {version}");
            }
            for version in others {
                assert_eq!(basis(kind, Some(version)), Basis::Modelled, "{kind} {version}");
            }
            assert_eq!(basis(kind, None), Basis::Modelled, "{kind} of which the release is not known");
            let snapshot = cluster(Listing::complete(Kind::IngressClass, Vec::new()));
            assert_eq!(
                hypothetical(kind, &snapshot).basis,
                Basis::Exact,
                "{kind}, the release that was looked at"
            );
        }
        // What is never exact stays what it is.
        assert_eq!(basis(K::Kong, Some("3.10.0")), Basis::Modelled);
        assert_eq!(basis(K::OpenshiftRouter, Some("4.18.0")), Basis::SpecOnly);
    }

    #[test]
    fn what_the_controller_leaves_alone_is_a_candidate_with_the_reason() {
        let rule = |path: &str| {
            let backend = Backend::Service { name: "other".to_owned(), port: PortRef::Number(80) };
            PathRule { path: path.to_owned(), path_type: PathType::Prefix, backend }
        };
        let of = |name: &str, class: Option<&str>, host: &str, path: &str| Ingress {
            meta: named("shop", name),
            class_name: class.map(str::to_owned),
            rules: vec![Rule { host: Some(host.to_owned()), paths: Some(vec![rule(path)]) }],
            ..Ingress::default()
        };
        let class =
            IngressClass { meta: named("", "nginx"), controller: Some("k8s.io/ingress-nginx".to_owned()) };
        let mut snapshot = cluster(Listing::complete(Kind::IngressClass, vec![class]));
        let mut ingresses = snapshot.ingresses.items().to_vec();
        let mut risky = of("risky", Some("nginx"), "shop.example", "/risky");
        let snippet = "nginx.ingress.kubernetes.io/server-snippet".to_owned();
        risky.meta.annotations.insert(snippet, "return 418;".to_owned());
        let alone = Backend::Service { name: "other".to_owned(), port: PortRef::Number(80) };
        ingresses.extend([
            of("none", None, "shop.example", "/api"),
            of("typo", Some("ngnix"), "*.example", "/api"),
            of("far", Some("ngnix"), "shop.example", "/elsewhere"),
            of("apart", Some("ngnix"), "other.test", "/api"),
            risky,
            Ingress { meta: named("shop", "all"), default_backend: Some(alone), ..Ingress::default() },
        ]);
        snapshot.ingresses = Listing::complete(Kind::Ingress, ingresses);
        let view = of_controller(&snapshot.controllers[0], &snapshot);
        let request = Request::parse("http://shop.example/api/x").expect("url");
        let explanation = view.explain(&request, 10, &snapshot);
        let told: Vec<(String, String)> = explanation
            .eliminated
            .iter()
            .map(|lost| (lost.ingress.name.clone(), format!("{:?}", lost.reason)))
            .collect();
        let not_loaded = |why: &str| format!("NotLoaded({why})");
        let typo = not_loaded("ClassNotFound { class: \"ngnix\" }");
        let expected = [
            ("all", not_loaded("NoClass")),
            ("none", not_loaded("NoClass")),
            ("typo", typo.clone()),
            (
                "risky",
                not_loaded(
                    "RiskyAnnotation { key: \"nginx.ingress.kubernetes.io/server-snippet\", risk: \"Critical\", allowed: \"High\" }",
                ),
            ),
            ("far", typo),
        ];
        assert_eq!(told, expected.map(|(name, why)| (name.to_owned(), why)));
        let few = view.explain(&request, 2, &snapshot);
        assert_eq!((few.eliminated.len(), few.total), (2, explanation.total));
    }

    #[test]
    fn what_hangs_on_an_adoption_that_could_not_be_seen_is_undefined() {
        let unseen = || Listing::unasked(Kind::IngressClass);
        let decision = decide(unseen(), "http://shop.example/");
        assert_eq!((decision.outcome, decision.status), (Outcome::Undefined, None));
        assert_eq!(decision.one_of[0].service, Name::new("shop", "web"));
        let or = Note::OrAnswered { outcome: Outcome::NoRoute, status: Some(404), location: None };
        assert_eq!(decision.notes, [Note::AdoptionUnseen { ingress: Name::new("shop", "web") }, or]);
        // Another host is answered the same either way.
        assert_eq!(decide(unseen(), "http://other.example/").outcome, Outcome::NoRoute);
        let none = Listing::complete(Kind::IngressClass, Vec::new());
        assert_eq!(decide(none, "http://shop.example/").outcome, Outcome::NoRoute);
    }
}
