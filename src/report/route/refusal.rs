//! The words for why an Ingress is not loaded.

use super::quoted;
use crate::analysis::routing::{FieldFault, Refusal};
use crate::report::object_ref::NameRef;
use crate::report::text::Text;

/// Why an Ingress is not loaded, in words.
#[must_use]
pub fn refusal_words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoClass => "it has no class and the controller takes none without".to_owned(),
        Refusal::ClassNotFound { class } => format!("its class {} names no IngressClass", quoted(class)),
        Refusal::ClassOfOther { class, controller } => match controller {
            Some(controller) => {
                format!("its class {} belongs to controller {}", quoted(class), quoted(controller))
            }
            None => format!("its class {} belongs to another controller", quoted(class)),
        },
        Refusal::AnnotationDiffers { value, expected } => {
            format!(
                "its class annotation is {} and the controller expects {}",
                quoted(value),
                quoted(expected)
            )
        }
        Refusal::NamespaceNotWatched { watched } => {
            format!("the controller watches only {}", quoted(watched))
        }
        Refusal::RiskyAnnotation { key, risk, allowed } => format!(
            "annotation {} has risk {risk} and the controller accepts {} at most, so the whole Ingress is dropped",
            Text::new(key),
            Text::new(allowed)
        ),
        Refusal::InvalidAnnotation { key } => {
            format!("the value of annotation {} is invalid, so the whole Ingress is dropped", Text::new(key))
        }
        Refusal::BlockedWord { key, word } => format!(
            "annotation {} holds the blocked word {}, so the whole Ingress is dropped",
            Text::new(key),
            quoted(word)
        ),
        Refusal::CatchAllDisabled => "the controller runs with --disable-catch-all".to_owned(),
        Refusal::DangerousPath { path } => {
            format!(
                "the controller takes its path {} for an attack, so the whole Ingress is dropped",
                quoted(path)
            )
        }
        Refusal::InvalidField { field, fault } => {
            let field = Text::path(field);
            let fault = match fault {
                FieldFault::Missing => "is required by this controller and missing",
                FieldFault::Twice => "repeats another",
                FieldFault::NotSupported => "is not supported by this controller",
                FieldFault::TooMany => "is more than this controller accepts here",
                FieldFault::Invalid => "is not valid for this controller",
            };
            format!("its field {field} {fault}, so the whole Ingress is rejected")
        }
        Refusal::HostsTaken { by } => {
            format!("all its hosts belong to other Ingresses, such as {}", NameRef::from(by))
        }
        Refusal::NoMaster { host } => {
            format!("it is a minion and no valid master has host {}", quoted(host))
        }
        Refusal::LabelsDiffer { selector } => {
            format!("the controller's label selector {} does not take it", quoted(selector))
        }
        Refusal::KindNotRead => "the controller reads no Ingresses at all".to_owned(),
        Refusal::Undecided => "whether the controller takes it cannot be told from what was seen".to_owned(),
    }
}
