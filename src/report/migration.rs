//! What would change under another controller, for the wire, and the words for each cause.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::gap::GapReport;
use super::limits::{Budget, Truncated};
use super::next::Next;
use super::object_ref::NameRef;
use super::route::{basis_word, edit, outcome_word};
use super::scope::Scope;
use super::text::Text;
use super::{Render, ending};
use crate::analysis::migration::cause::Cause;
use crate::analysis::migration::keep::Keep;
use crate::analysis::migration::{Comparison, Group};
use crate::analysis::routing::{Decision, Edit, ReloadFailure, Winner};
use crate::model::controller::ControllerKind;

/// Groups that one report shows at most.
const MOST_GROUPS: usize = 40;

/// The migration report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MigrationReport {
    pub verdict: String,
    #[serde(flatten)]
    pub comparison: ComparisonReport,
    pub scope: Scope,
    pub gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
    pub next: Vec<Next>,
}

/// What would change under another controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComparisonReport {
    pub to: &'static str,
    pub basis: &'static str,
    /// URLs made from the rules and their edges.
    pub urls: usize,
    pub same: usize,
    pub differing: usize,
    pub undecided: usize,
    pub ingresses: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    pub groups: Vec<GroupReport>,
    /// Whether Ingresses may be taken today of which that could not be seen.
    #[serde(skip)]
    doubtful: bool,
}

/// URLs that end differently for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GroupReport {
    pub cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<Text>,
    pub from: &'static str,
    pub urls: usize,
    pub ingresses: usize,
    pub ingress: Text,
    pub example: Text,
    pub before: String,
    pub after: String,
    pub because: &'static str,
    /// What the controller says that cannot load it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Text>,
    /// The edit that keeps today's behaviour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
}

impl ComparisonReport {
    /// The report within a budget, and what of it did not fit.
    #[must_use]
    pub fn within(budget: &mut Budget, comparison: &Comparison) -> (Self, Option<Truncated>) {
        let Comparison {
            to,
            basis,
            from: _,
            ingresses,
            taken_by_none: _,
            doubtful,
            there_already: _,
            hosts_without_route: _,
            same,
            differing,
            undecided,
            left_out: _,
            groups,
        } = comparison;
        let groups = groups.iter().map(GroupReport::from).collect();
        let narrow = "name one ingress or one namespace";
        let (groups, truncated) = budget.keep(groups, MOST_GROUPS, ToString::to_string, narrow);
        let report = Self {
            to: to.slug(),
            basis: basis_word(*basis),
            urls: comparison.decided(),
            same: *same,
            differing: *differing,
            undecided: *undecided,
            ingresses: *ingresses,
            not_compared: not_compared(comparison),
            groups,
            doubtful: *doubtful > 0,
        };
        (report, truncated)
    }

    /// The answer in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Self { to, urls, differing, undecided, ingresses, doubtful, .. } = self;
        let open = match undecided {
            0 => String::new(),
            open => format!("; of {open} that cannot be told"),
        };
        match differing {
            _ if *urls == 0 && *doubtful => format!(
                "Nothing was compared with {to}: whether a controller of today takes an Ingress here could not be seen"
            ),
            _ if *urls == 0 => {
                format!("Nothing was compared with {to}: no controller of today takes an Ingress here")
            }
            0 => format!("No difference under {to} was found in {urls} URLs of {ingresses} Ingresses{open}"),
            _ => format!(
                "{differing} of {urls} URLs of {ingresses} Ingresses would behave differently under {to}{open}"
            ),
        }
    }
}

fn not_compared(comparison: &Comparison) -> Vec<String> {
    [
        (comparison.taken_by_none, "Ingress(es) that no controller takes today"),
        (comparison.doubtful, "Ingress(es) of which could not be seen whether they are taken today"),
        (comparison.there_already, "Ingress(es) that are there already"),
        (comparison.hosts_without_route, "host(s) that no HTTPRoute is for"),
        (comparison.left_out, "rule(s), because there are too many"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect()
}

impl From<&Group> for GroupReport {
    fn from(group: &Group) -> Self {
        let Group { from, cause, count, ingresses, example, before, after, failure, keep } = group;
        Self {
            cause: cause_word(cause),
            annotation: annotation(cause),
            from: from.slug(),
            urls: *count,
            ingresses: ingresses.len(),
            ingress: Text::new(&ingresses.first().map(ToString::to_string).unwrap_or_default()),
            example: Text::new(&example.url()),
            before: end(before, example.path.as_str()),
            after: end(after, example.path.as_str()),
            because: because(cause),
            refusal: failure.as_ref().map(refusal),
            keep: keep.as_ref().map(kept),
        }
    }
}

/// What makes a controller end a request differently than the first one, its code in front.
#[must_use]
pub fn difference(controller: ControllerKind, than: ControllerKind, cause: &Cause) -> String {
    let annotation = annotation(cause).map(|key| format!(" ({key})")).unwrap_or_default();
    format!("{}{annotation}: {controller} differs from {than}: {}", cause_word(cause), because(cause))
}

fn refusal(failure: &ReloadFailure) -> Text {
    let names: Vec<String> = failure.between.iter().take(2).map(ToString::to_string).collect();
    Text::new(&format!("{} ({})", failure.cause, names.join(", ")))
}

fn annotation(cause: &Cause) -> Option<Text> {
    match cause {
        Cause::ForeignAnnotationIgnored { key }
        | Cause::ForeignAnnotationRead { key }
        | Cause::AnnotationActs { key } => Some(Text::path(key)),
        _ => None,
    }
}

/// How a request ends, and by which rule.
#[must_use]
pub fn end(decision: &Decision, path: &str) -> String {
    let mut words = vec![outcome_word(decision.outcome).to_owned()];
    words.extend(decision.status.map(|status| status.to_string()));
    let backend = decision.winner.as_ref().and_then(|winner| winner.backend.as_ref());
    words.extend(backend.map(|target| {
        let port = Text::new(&target.port.to_string());
        format!("to {}:{port}", NameRef::from(&target.service))
    }));
    words.extend(decision.location.as_ref().map(|location| format!("to {}", Text::new(location))));
    let upstream = decision.upstream_path.as_deref().filter(|upstream| *upstream != path);
    words.extend(upstream.map(|upstream| format!("as {}", Text::new(upstream))));
    if !decision.one_of.is_empty() {
        let names: Vec<String> =
            decision.one_of.iter().take(4).map(|target| NameRef::from(&target.service).to_string()).collect();
        words.push(format!("one of {}", names.join(", ")));
    }
    words.extend(decision.winner.as_ref().map(rule));
    words.join(" ")
}

fn rule(winner: &Winner) -> String {
    let Winner { ingress, place, host, path, path_type, backend: _, rendered: _ } = winner;
    let path_type = path_type.map_or("", |path_type| path_type.as_str());
    let host = if host.is_empty() { "any host" } else { host.as_str() };
    let name = NameRef::from(ingress);
    match path.as_str() {
        "" => format!("by {} of {name}", place.field("")),
        path => format!("by {path_type} {} on {} of {name}", Text::new(path), Text::new(host)),
    }
}

fn kept(keep: &Keep) -> String {
    match keep {
        Keep::Edits { ingress, place, edits } => {
            let told: Vec<String> = edits.iter().map(edit).collect();
            let mut words = format!("Ingress {}: {}", NameRef::from(ingress), told.join(" and "));
            let moves = edits.iter().any(|edit| matches!(edit, Edit::SetPath { .. }));
            if moves || edits.iter().any(|edit| matches!(edit, Edit::SetPathType { .. })) {
                words.push_str(" at ");
                words.push_str(&place.field(""));
            }
            if moves {
                // Today's controller would answer otherwise with it.
                words.push_str(", when it moves");
            }
            words
        }
        Keep::Remove { ingress, place } => {
            format!("Ingress {}: remove {}, which is not used today", NameRef::from(ingress), place.field(""))
        }
        Keep::Argument { flag, value } => format!("give the controller the argument --{flag}={value}"),
    }
}

/// The word for a cause.
#[must_use]
pub const fn cause_word(cause: &Cause) -> &'static str {
    match cause {
        Cause::Undefined => "undefined",
        Cause::ConfigurationRefused => "configuration_refused",
        Cause::NotLoaded => "ingress_not_loaded",
        Cause::MissingServiceStatus => "missing_service_404_vs_503",
        Cause::EntryPoint => "entry_point",
        Cause::TrailingSlashRedirect => "trailing_slash_redirect",
        Cause::ForeignAnnotationIgnored { .. } => "foreign_annotation_ignored",
        Cause::ForeignAnnotationRead { .. } => "foreign_annotation_read",
        Cause::AnnotationActs { .. } => "annotation_acts",
        Cause::HttpsRedirect => "https_redirect",
        Cause::ExactLosesToLongerPrefix => "exact_loses_to_longer_prefix",
        Cause::ExactWinsOverPrefix => "exact_wins_over_prefix",
        Cause::FallthroughToWildcard => "fallthrough_to_wildcard",
        Cause::WildcardLabels => "wildcard_labels",
        Cause::RootRule => "root_rule",
        Cause::TlsHost => "tls_host",
        Cause::HostPrecedence => "host_precedence",
        Cause::DefaultBackendScope => "default_backend_scope",
        Cause::RegexHost => "regex_host",
        Cause::PrefixMatchesCharacters => "prefix_matches_characters",
        Cause::CaseInsensitive => "case_insensitive",
        Cause::PatternRead => "pattern_read_differently",
        Cause::TrailingSlash => "trailing_slash",
        Cause::SpecificRead => "implementation_specific",
        Cause::HostOwner => "host_owner",
        Cause::DuplicateOwner => "duplicate_owner",
        Cause::PathPrecedence => "path_precedence",
        Cause::UpstreamPath => "upstream_path",
        Cause::RedirectTarget => "redirect_target",
        Cause::PathForm => "path_form",
        Cause::NoRouteStatus => "no_route_status",
        Cause::NotInHttpRoutes => "not_in_http_routes",
        Cause::OnlyInHttpRoutes => "only_in_http_routes",
        Cause::OtherBackend => "other_backend",
        Cause::Other => "other",
    }
}

/// The rule of the products that makes the difference.
#[must_use]
pub const fn because(cause: &Cause) -> &'static str {
    match cause {
        Cause::Undefined => {
            "one of the controllers leaves open what it chooses, or what decides was not seen"
        }
        Cause::ConfigurationRefused => {
            "one of them cannot load what would decide it, so its previous configuration stays in force"
        }
        Cause::NotLoaded => "only one of them loads the Ingress of the winning rule",
        Cause::MissingServiceStatus => {
            "a Service that is missing or has nobody ready is answered with another status, or its rule is left out"
        }
        Cause::EntryPoint => "with one of them nothing listens there, or no certificate fits",
        Cause::TrailingSlashRedirect => "only one of them redirects a path without its final slash",
        Cause::ForeignAnnotationIgnored { .. } => "the other controller does not read this annotation",
        Cause::ForeignAnnotationRead { .. } => "the other controller reads this annotation, today's does not",
        Cause::AnnotationActs { .. } => "both read this annotation, and here it acts with one of them only",
        Cause::HttpsRedirect => "only one of them redirects http to https here",
        Cause::ExactLosesToLongerPrefix => "the other controller does not prefer Exact to a prefix",
        Cause::ExactWinsOverPrefix => "the other controller prefers Exact, today's does not",
        Cause::FallthroughToWildcard => {
            "only one of them goes on to rules for a wildcard host or any host when no path of the host matches"
        }
        Cause::WildcardLabels => "a wildcard host takes one label with one of them, several with the other",
        Cause::TlsHost => "TLS for the host decides with one of them which rules it has",
        Cause::RootRule => "with one of them a rule for / answers for every path of its host",
        Cause::HostPrecedence => {
            "rules for a wildcard host or any host come before the host's own with one of them"
        }
        Cause::DefaultBackendScope => "a default backend answers for other hosts",
        Cause::RegexHost => {
            "a host with use-regex or a rewrite has all its paths read as regular expressions by one of them, or its own way by each"
        }
        Cause::PrefixMatchesCharacters => "with one of them a prefix may end within a path element",
        Cause::CaseInsensitive => "only one of them compares the path without case",
        Cause::PatternRead => "the characters of a pattern in the path are read differently",
        Cause::TrailingSlash => "with one of them a rule's final slash decides, with the other it does not",
        Cause::SpecificRead => {
            "an ImplementationSpecific path is a prefix to one of them and something narrower to the other"
        }
        Cause::HostOwner => "with one of them a whole host belongs to its oldest Ingress",
        Cause::DuplicateOwner => "of rules with the same host and path, another one is used",
        Cause::PathPrecedence => "of the paths that match, another one is preferred",
        Cause::UpstreamPath => "the same rule sends another path to the backend",
        Cause::PathForm => "one of them refuses a path of this form, or reads it in another form",
        Cause::RedirectTarget => "both redirect, to different places or with different statuses",
        Cause::NoRouteStatus => "no rule takes it with either; their own answers differ",
        Cause::NotInHttpRoutes => "no HTTPRoute has a rule for what the Ingress takes",
        Cause::OnlyInHttpRoutes => "an HTTPRoute takes what no rule of an Ingress takes",
        Cause::OtherBackend => "the HTTPRoute sends the same path to another Service or port",
        Cause::Other => "no known difference between the two products explains it",
    }
}

impl fmt::Display for GroupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cause,
            annotation,
            from,
            urls,
            ingresses,
            ingress,
            example,
            before,
            after,
            because,
            refusal,
            keep,
        } = self;
        let annotation = annotation.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
        write!(
            f,
            "{cause}{annotation}: {urls} URL(s) of {ingresses} Ingress(es) from {from}, such as {example} of {ingress}\n  \
             before: {before}\n  after: {after}\n  {because}"
        )?;
        if let Some(refusal) = refusal {
            write!(f, ": {refusal}")?;
        }
        match keep {
            Some(keep) => write!(f, "\n  to keep it: {keep}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ComparisonReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} the same; {} is {})", self.verdict(), self.same, self.to, self.basis)?;
        self.not_compared.iter().try_for_each(|words| write!(f, "\nNot compared: {words}"))?;
        self.groups.iter().try_for_each(|group| write!(f, "\n{group}"))
    }
}

impl Render for MigrationReport {
    fn text(&self) -> String {
        let Self { verdict: _, comparison, scope, gaps, truncated, next } = self;
        [comparison.to_string(), scope.to_string(), ending(truncated.as_ref(), gaps, next)].join("\n")
    }
}
