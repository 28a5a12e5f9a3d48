//! INGRESS_ABSENT_REJECTED: the Ingress that should take the request does not exist: it was deleted, or
//! whoever was to create it was refused.
//!
//! Decisive of a deletion: the last version of the Ingress, put beside those of now, takes the request
//! that no rule takes, and the log shows the request answered until then. Of a refusal: the complaint
//! names an Ingress that is not in the list, and an error says why.

use crate::model::citation::Citation;
use crate::model::object::{Kind, Name, ObjectKey};
use crate::model::snapshot::Lookup;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::lost::{Lost, LostRule, Took, When};
use super::super::facts::symptom::Speaker;
use super::super::routing::{Basis, Outcome};
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct IngressAbsentRejected;

impl Verdict for IngressAbsentRejected {
    fn code(&self) -> Code {
        Code::IngressAbsentRejected
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if !gate::is_404(facts) {
            return Ruling::Silent;
        }
        let deleted = facts.lost.iter().filter_map(|lost| deleted(facts, lost));
        // Of equally sure ones the likeliest, which comes first.
        let deleted = deleted.reduce(|a, b| if a.confidence < b.confidence { b } else { a });
        deleted.or_else(|| refused(facts)).map_or(Ruling::Silent, Ruling::from)
    }
}

/// Whether no rule takes the request, and the controller may have said so.
fn nobody_takes(facts: &Facts<'_>) -> bool {
    (facts.decision.outcome == Outcome::NoRoute || facts.decision.default_backend)
        && gate::controller_may_have_answered(facts)
}

/// Whether the controller was seen to say so, and every Ingress there is was seen.
fn nobody_was_seen_to_take(facts: &Facts<'_>) -> bool {
    gate::seen(facts)
        && facts.symptom.speaker == Speaker::Controller
        && facts.snapshot.ingresses.covers_everything()
}

fn deleted(facts: &Facts<'_>, lost: &Lost) -> Option<Judgement> {
    let name = &lost.change.object.name;
    let worked = cite::worked_before(facts);
    let worked_by = worked.as_ref().and_then(|evidence| match &evidence.point {
        Point::WorkedBefore { service, .. } => service.clone(),
        _ => None,
    });
    let confidence = match &lost.took {
        Took::Rule { rule, basis } => match effect(facts, rule, worked_by.as_ref())? {
            Effect::Nobody | Effect::Another
                if lost.when == When::AtOnset && worked.is_some() && *basis != Basis::SpecOnly =>
            {
                let seen = nobody_was_seen_to_take(facts) || !nobody_takes(facts);
                if seen { Confidence::Certain } else { Confidence::Likely }
            }
            Effect::Nobody if lost.when == When::LongBefore => Confidence::Possible,
            Effect::Nobody | Effect::Another => Confidence::Likely,
        },
        // Nothing ties it to the request but the Service that answered.
        Took::Unknown if !nobody_takes(facts) => return None,
        Took::Unknown if worked_by?.namespace != name.namespace => return None,
        Took::Unknown => Confidence::Possible,
    };
    let mut evidence = vec![cite::change(&lost.change)];
    evidence.push(Evidence {
        point: match &lost.took {
            Took::Rule { rule, .. } => Point::TookBefore {
                host: rule.host.clone(),
                path: rule.path.clone(),
                service: rule.service.clone(),
            },
            Took::Unknown => Point::IngressAbsent,
        },
        source: absent(name),
    });
    evidence.extend(worked);
    evidence.extend(cite::failures(facts));
    let field = match &lost.took {
        Took::Rule { rule, .. } => rule.place.field(""),
        Took::Unknown => String::new(),
    };
    Some(Judgement {
        code: Code::IngressAbsentRejected,
        confidence,
        culprit: Some(Culprit { key: lost.change.object.clone(), field }),
        since: facts.symptom.since.or(Some(lost.change.at)),
        evidence,
        fix: Fix::CreateIngress { ingress: name.clone(), host: facts.request.host.as_str().to_owned() },
    })
}

/// What the request meets without the rule.
enum Effect {
    Nobody,
    /// Another backend, which answers 404.
    Another,
}

/// `None` where the rule is not missed: something else serves the request, as before or well.
fn effect(facts: &Facts<'_>, rule: &LostRule, worked_by: Option<&Name>) -> Option<Effect> {
    if nobody_takes(facts) {
        return Some(Effect::Nobody);
    }
    let now = gate::intended_service(facts)?;
    let another = gate::answering_service(facts) == Some(now)
        && rule.service.as_ref() != Some(now)
        && worked_by.is_some()
        && worked_by == rule.service.as_ref();
    another.then_some(Effect::Another)
}

/// An Ingress that somebody was refused to create.
fn refused(facts: &Facts<'_>) -> Option<Judgement> {
    if !nobody_takes(facts) {
        return None;
    }
    let host = facts.request.host.as_str();
    let by_controller = facts.log.messages.iter().filter_map(|message| {
        let name = message.about.as_ref().filter(|_| said::webhook_refused(&message.kind))?;
        let line = message.sample.as_ref()?;
        (gone(facts, name) && (facts.complaint == Some(name) || line.line.contains(host))).then(|| {
            let point = Point::WebhookRefused { count: message.count };
            (name.clone(), Evidence { point, source: cite::log(line) })
        })
    });
    // A creator's error seldom names the host: only a complaint ties it to the request.
    let complaint = facts.complaint.filter(|name| gone(facts, name));
    let events = facts.snapshot.events.items().iter();
    let by_event = events.filter_map(|event| {
        let name = complaint.filter(|name| names(&event.message, name) || event.about == **name)?;
        event.message.contains("webhook").then(|| {
            let source = cite::field(event, "message", Some(event.message.clone()));
            let point = Point::CreationRefused { by: event.about_kind.clone() };
            (name.clone(), Evidence { point, source })
        })
    });
    let (name, said) = by_controller.chain(by_event).next()?;
    let named = facts.complaint == Some(&name);
    let mut evidence = vec![said, Evidence { point: Point::IngressAbsent, source: absent(&name) }];
    evidence.extend(cite::failures(facts));
    Some(Judgement {
        code: Code::IngressAbsentRejected,
        confidence: if named && nobody_was_seen_to_take(facts) {
            Confidence::Certain
        } else {
            Confidence::Likely
        },
        culprit: Some(Culprit {
            key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
            field: String::new(),
        }),
        since: facts.symptom.since,
        evidence,
        fix: Fix::MendIngress { ingress: name },
    })
}

fn gone(facts: &Facts<'_>, name: &Name) -> bool {
    matches!(facts.snapshot.ingresses.get(&name.namespace, &name.name), Lookup::Absent)
}

/// Whether a text holds the name as a word of its own.
fn names(text: &str, name: &Name) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.')))
        .any(|word| word.trim_matches('.') == name.name)
}

fn absent(name: &Name) -> Citation {
    Citation::Absent {
        key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
        looked_in: format!("ingresses in {}", name.namespace),
    }
}
