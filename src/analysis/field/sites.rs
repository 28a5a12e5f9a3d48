//! What ingress-nginx makes of a host: which rules become locations, in which order they stand, which
//! are ignored, and whether the host is a regex host.
//!
//! On one path only the first location is compared: same type, and the later rule is ignored; another
//! type, and one more is added. Longer paths come first. A `Prefix` that needs neither rewrite nor
//! regular expressions stands twice: with a slash, and exactly without it.
//! Derived apart from the routing model, which tests hold it to. Source: kubernetes/ingress-nginx
//! `internal/ingress/controller/controller.go` (`getBackendServers`), `location.go` @ controller-v1.15.1.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analysis::adoption::annotations::Policy;
use crate::model::ingress::{Ingress, Place};

use super::hosts::{Entry, Host, Hosts};

/// One host as the proxy has it.
#[derive(Debug)]
pub struct Site<'a> {
    /// In the order in which a regex host tries them.
    pub locations: Vec<Location<'a>>,
    /// Rules that became no location, with what stands in their place.
    pub ignored: Vec<(Entry<'a>, Owner<'a>)>,
    left_out: HashSet<(*const Ingress, Place)>,
    /// The Ingress and the annotation that make it a regex host.
    pub regex: Option<(&'a Ingress, &'static str)>,
}

#[derive(Debug, Clone)]
pub struct Location<'a> {
    pub path: Cow<'a, str>,
    pub exact: bool,
    pub owner: Owner<'a>,
}

/// Who brought a location about.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'a> {
    Path(Entry<'a>),
    /// The `/` of a host, made with the host by this Ingress.
    Host(&'a Ingress),
    /// The `/` of the catch-all, by an Ingress of nothing but a default backend.
    CatchAll(&'a Ingress),
    /// The `/` of the catch-all, by nobody.
    Nobody,
}

/// What an Ingress's annotations say of patterns.
#[derive(Debug, Default)]
struct Modes<'a>(HashMap<*const Ingress, (bool, Option<Cow<'a, str>>)>);

impl<'a> Modes<'a> {
    /// The annotation for which a location of this Ingress and path is a pattern.
    fn wants(&mut self, policy: &Policy<'_>, ingress: &'a Ingress, path: &str) -> Option<&'static str> {
        let (regex, target) = self.0.entry(std::ptr::from_ref(ingress)).or_insert_with(|| {
            if !policy.concerns(ingress) {
                return (false, None);
            }
            let target = policy.text(ingress, "rewrite-target");
            (policy.boolean(ingress, "use-regex") == Some(true), target)
        });
        if *regex {
            Some("use-regex")
        } else {
            target.as_deref().is_some_and(|target| target != path).then_some("rewrite-target")
        }
    }
}

/// Every host that has a server and rules.
pub(super) fn sites<'a>(
    hosts: &Hosts<'a>,
    loaded: &[&'a Ingress],
    policy: &Policy<'_>,
) -> BTreeMap<&'a str, Site<'a>> {
    let catch_all = rule_less(loaded, policy).next();
    let mut modes = Modes::default();
    hosts
        .iter()
        .filter_map(|(name, host)| {
            let default = match (name, host.maker()) {
                ("", _) => catch_all.map_or(Owner::Nobody, Owner::CatchAll),
                (_, Some(maker)) => Owner::Host(maker),
                (_, None) => return None,
            };
            Some((name, Site::new(host, default, policy, &mut modes)))
        })
        .collect()
}

/// Ingresses of nothing but a default backend, oldest first.
pub(crate) fn rule_less<'a>(
    loaded: &[&'a Ingress],
    policy: &Policy<'_>,
) -> impl Iterator<Item = &'a Ingress> {
    loaded.iter().copied().filter(|ingress| {
        let backend = ingress.default_backend.as_ref().and_then(|backend| backend.service());
        ingress.rules.is_empty() && backend.is_some() && policy.boolean(ingress, "canary") != Some(true)
    })
}

impl<'a> Site<'a> {
    fn new(host: &Host<'a>, default: Owner<'a>, policy: &Policy<'_>, modes: &mut Modes<'a>) -> Self {
        let (mut locations, ignored) = place(host, default);
        locations.sort_by(|a, b| b.path.len().cmp(&a.path.len()).then_with(|| b.path.cmp(&a.path)));
        let exact: HashSet<&str> =
            locations.iter().filter(|location| location.exact).map(|location| location.plain()).collect();
        let mut expanded = Vec::with_capacity(locations.len() * 2);
        let mut regex = None;
        for location in &locations {
            let ingress = match location.owner {
                Owner::Path(entry) => Some(entry.ingress),
                Owner::Host(maker) => Some(maker),
                Owner::CatchAll(_) | Owner::Nobody => None,
            };
            let wants =
                ingress.and_then(|ingress| Some((ingress, modes.wants(policy, ingress, &location.path)?)));
            regex = regex.or(wants);
            if location.path == "/" || location.exact || wants.is_some() {
                expanded.push(location.clone());
                continue;
            }
            let twin =
                (!exact.contains(location.plain())).then(|| Location { exact: true, ..location.clone() });
            let mut slashed = location.clone();
            if !slashed.path.ends_with('/') {
                slashed.path.to_mut().push('/');
            }
            expanded.push(slashed);
            expanded.extend(twin);
        }
        let left_out =
            ignored.iter().map(|(entry, _)| (std::ptr::from_ref(entry.ingress), entry.place)).collect();
        Self { locations: expanded, ignored, left_out, regex }
    }

    /// Pairs of rules that nginx would have as one and the same location: it refuses the whole file.
    #[must_use]
    pub fn duplicates(&self) -> Vec<(&Location<'a>, Entry<'a>, Entry<'a>)> {
        if self.regex.is_some() {
            return Vec::new();
        }
        let mut seen: HashMap<(&str, bool), &Location<'a>> = HashMap::with_capacity(self.locations.len());
        let mut pairs = Vec::new();
        for location in &self.locations {
            let first = *seen.entry((location.plain(), location.exact)).or_insert(location);
            if !std::ptr::eq(first, location)
                && let (Owner::Path(one), Owner::Path(other)) = (first.owner, location.owner)
            {
                pairs.push((location, one, other));
            }
        }
        pairs
    }

    /// Whether a rule stands in the file.
    #[must_use]
    pub fn has(&self, entry: &Entry<'_>) -> bool {
        !self.left_out.contains(&(std::ptr::from_ref(entry.ingress), entry.place))
    }
}

impl Location<'_> {
    fn plain(&self) -> &str {
        &self.path
    }
}

type Placed<'a> = (Vec<Location<'a>>, Vec<(Entry<'a>, Owner<'a>)>);

fn place<'a>(host: &Host<'a>, default: Owner<'a>) -> Placed<'a> {
    let root = Location { path: Cow::Borrowed("/"), exact: false, owner: default };
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(host.paths.len() + 1);
    first.insert("/", 0);
    let mut locations = Vec::with_capacity(host.paths.len() + 1);
    locations.push(root);
    let mut ignored = Vec::new();
    for entry in &host.paths {
        let location =
            Location { path: Cow::Borrowed(entry.path), exact: entry.is_exact(), owner: Owner::Path(*entry) };
        let Some(known) = first.get(entry.path).and_then(|at| locations.get_mut(*at)) else {
            first.insert(entry.path, locations.len());
            locations.push(location);
            continue;
        };
        if known.exact != location.exact {
            locations.push(location);
            continue;
        }
        match known.owner {
            Owner::Host(_) | Owner::Nobody => *known = location,
            owner @ (Owner::Path(_) | Owner::CatchAll(_)) => ignored.push((*entry, owner)),
        }
    }
    (locations, ignored)
}
