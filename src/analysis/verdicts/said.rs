//! Which controller messages bear on which verdict.

use super::super::logs::messages::MessageKind;
use super::super::logs::nginx_error::ProxyError;

pub(super) fn class_ignored(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::ClassIgnored(_))
}

pub(super) fn annotation_refused(kind: &MessageKind) -> bool {
    matches!(
        kind,
        MessageKind::AnnotationRisky
            | MessageKind::AnnotationInvalid
            | MessageKind::AnnotationBlockedWord
            | MessageKind::SnippetsDisabled
    )
}

pub(super) fn reload_failed(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::ReloadFailed)
}

pub(super) fn reload_succeeded(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::ReloadSucceeded)
}

pub(super) fn canary_unmergeable(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::CanaryWithoutPrimary | MessageKind::CanaryHostMissing)
}

pub(super) fn service_missing(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::ServiceMissing | MessageKind::EndpointsMissing | MessageKind::PortNameMissing)
}

pub(super) fn webhook_refused(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::WebhookRejected)
}

pub(super) fn auth_failed(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::Proxy(ProxyError::AuthUnexpectedStatus))
}
