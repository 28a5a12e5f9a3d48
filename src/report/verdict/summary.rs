//! A verdict in one sentence.

use super::super::object_ref::ObjectRef;
use super::super::text::Text;
use crate::analysis::verdicts::{Judgement, Point};
use crate::model::verdict::Code;

/// One sentence with the numbers.
pub(super) fn sentence(judgement: &Judgement, url: &str, status: Option<u16>) -> String {
    let url = Text::new(url);
    let culprit = judgement.culprit.as_ref().map(|culprit| ObjectRef::from(&culprit.key).to_string());
    let who = culprit.unwrap_or_else(|| "the application".to_owned());
    let status = status.map_or_else(|| "404".to_owned(), |status| status.to_string());
    match judgement.code {
        Code::ClassMissing => {
            format!("{url} is served by nobody: {who} has no class, so the controller ignores it")
        }
        Code::ClassNotFound => format!("{url} is served by nobody: the class of {who} does not exist"),
        Code::ClassControllerMismatch => {
            format!("{url} is served by nobody: the class of {who} belongs to another controller")
        }
        Code::ControllerCannotSee => {
            format!("{url} is served by nobody: {who} does not watch the Ingress's namespace")
        }
        Code::DroppedByAnnotationPolicy => format!(
            "{url} is served by nobody: an annotation makes the controller drop the whole Ingress; the policy is in {who}"
        ),
        Code::ConfigReloadBlocked => {
            format!("{url}: the proxy refuses the configuration because of {who}; nothing newer is in force")
        }
        Code::HostMismatch => {
            format!("{url}: no rule has this host; the application is served under the host of {who}")
        }
        Code::PathtypeMismatch => format!("{url}: the path type of {who} does not take this path"),
        Code::PathDialect => format!("{url}: the path of {who} is a pattern on a host without regex mode"),
        Code::HostwideRegex => {
            format!("{url}: {who} put the whole host into regex mode, and its requests now go elsewhere")
        }
        Code::NoRuleForPath => format!("{url}: the host is served, no rule takes this path"),
        Code::PrefixNotStripped => {
            format!("{url}: the application receives the prefix of {who} and does not know it")
        }
        Code::RewriteWrong => {
            format!("{url}: the rewrite of {who} sends the application a path it does not have")
        }
        Code::AppRouteMissing => {
            format!("{url} is routed as written, and the application itself answers {status}")
        }
        Code::DuplicateHostPath => {
            format!("{url}: two Ingresses have this host and path; the older one, {who}, wins")
        }
        Code::CanaryConflict => format!("{url}: {who} is a canary of nothing, so nobody serves it"),
        Code::ServiceRefInvalid => format!("{url}: {who} names a Service or port that does not exist"),
        Code::NoReadyEndpoints => format!("{url}: nothing behind {who} is ready"),
        Code::WrongBackend => format!("{url}: {who} was edited and now sends it to another Service"),
        Code::ErrorIntercepted => format!("{url}: an error page replaces what the application answers"),
        Code::AuthSubrequest => format!("{url}: the auth address of {who} is served by nobody on that host"),
        Code::Healthy => format!("{url} answers and has no run of 404s"),
        Code::NotA404 => format!("{url} answers {status}, not 404"),
        Code::InsufficientEvidence => format!("what was seen does not decide why {url} answers {status}"),
        Code::IngressAbsentRejected => {
            let deleted = judgement.evidence.iter().any(|one| matches!(one.point, Point::Deleted { .. }));
            if deleted {
                format!("{url} lost its rule: {who} was deleted")
            } else {
                format!("{url} is served by nobody: {who} was refused, so it does not exist")
            }
        }
        Code::SyncRace => {
            format!(
                "{url}: a rule takes it, and the controller answers that none does since {who} was changed or restarted"
            )
        }
        Code::EntrypointMismatch
        | Code::WrongEntryAddress
        | Code::HostPrecedence
        | Code::SniHostMismatch
        | Code::AssetsOutsidePrefix
        | Code::AppBasePath
        | Code::AnnotationForeign
        | Code::RouteDependencyMissing
        | Code::HostCollision
        | Code::MultiController
        | Code::PassthroughSwallowsPaths
        | Code::SolverConflict
        | Code::SelectorTooBroad
        | Code::UpstreamHostHeader
        | Code::UpstreamMeshRoute
        | Code::NotProgrammedYet => format!("{url}: {} at {who}", judgement.code),
    }
}
