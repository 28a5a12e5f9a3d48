use routecause::analysis::routing::{Decision, Note, Outcome};

use routecause::model::controller::ControllerKind;

use super::worlds::{Broken, CASES, brief};

#[test]
fn an_answer_is_of_its_outcome() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        let table = case.scene.table();
        for ask in &case.asks {
            let decision = table.decide(ask);
            if let Some(what) = odd(case.kind, &decision) {
                broken.at(case, ask, what, &brief(&decision));
            }
        }
    }
    broken.settle();
}

/// What about a decision cannot be.
pub(super) fn odd(kind: ControllerKind, decision: &Decision) -> Option<&'static str> {
    let Decision { outcome, status, winner, one_of, location, upstream_path, notes, .. } = decision;
    // A page of errors has a status of its own.
    let is_page = notes.iter().any(|note| match note {
        Note::Config { key } | Note::Annotation { key, .. } => key.ends_with("custom-http-errors"),
        _ => false,
    });
    let expected = match outcome {
        Outcome::Routed | Outcome::Undefined => status.is_none(),
        Outcome::Redirect => status.is_some_and(|status| (300..400).contains(&status)),
        Outcome::NoRoute => status.is_none_or(|status| (200..600).contains(&status)),
        Outcome::Refused => status.is_none_or(|status| (400..500).contains(&status)),
        Outcome::Unavailable => is_page || status.is_none_or(|status| (500..600).contains(&status)),
    };
    if !expected {
        return Some("a status of another outcome");
    }
    if *outcome == Outcome::Routed && winner.is_none() {
        return Some("routed by nobody");
    }
    // Rewrites by pattern put what they are told in the place of what they match, a slash or not.
    let has_head = matches!(kind, ControllerKind::TraefikIngressNginx | ControllerKind::IngressNginx);
    if upstream_path.as_ref().is_some_and(|path| !path.starts_with('/') && !has_head) {
        return Some("a path that does not begin with a slash");
    }
    if upstream_path.is_some() && !matches!(outcome, Outcome::Routed | Outcome::Undefined) {
        return Some("a path for nobody");
    }
    if location.is_some() != (*outcome == Outcome::Redirect) {
        return Some("a redirect without location, or a location without redirect");
    }
    if location.as_deref().is_some_and(|location| !is_reference(location)) {
        return Some("a location that is no reference");
    }
    if *outcome != Outcome::Undefined && !one_of.is_empty() {
        return Some("a choice where nothing is open");
    }
    // Where several load balancers answer by themselves, there is nobody to choose.
    if *outcome == Outcome::Undefined && one_of.len() == 1 && decision.notes.is_empty() && winner.is_none() {
        return Some("open without a choice or a reason");
    }
    (!one_of.is_sorted() || one_of.windows(2).any(|two| two[0] == two[1]))
        .then_some("a choice that is no set")
}

/// Whether a text is a URL or a reference to one, of characters that can be sent. What an annotation says is
/// sent as it is, without a server too.
fn is_reference(text: &str) -> bool {
    let head = text.split_once("://").map_or("", |(head, _)| head);
    let is_scheme = head.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    // A pair of slashes that stands behind the first one is a part of the path.
    let is_path = head.contains(['/', '?']);
    !text.is_empty() && !text.chars().any(char::is_control) && (is_scheme || is_path)
}
