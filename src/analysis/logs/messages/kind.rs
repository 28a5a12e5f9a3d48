//! The kinds of messages there are.

use super::super::nginx_error::ProxyError;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// The Ingress is not taken because of its class.
    ClassIgnored(ClassError),
    ClassAccepted,
    /// An IngressClass belongs to another controller.
    IngressClassForeign,
    IngressRemoved,
    IngressCreated,
    CatchAllIgnored,
    /// An annotation group failed its validation, for its risk or for another reason; names no Ingress.
    AnnotationRisky,
    AnnotationInvalid,
    AnnotationBlockedWord,
    SnippetsDisabled,
    /// A location is denied because its annotation cannot be resolved.
    AnnotationUnreadable,
    /// Deep inspection refused the Ingress.
    InspectionRefused,
    IngressSkipped,
    ServiceMissing,
    EndpointsMissing,
    NoActiveEndpoints,
    PortNameMissing,
    UpstreamFailed,
    DefaultBackendMissing,
    ExternalNameForbidden,
    ReloadNeeded,
    ReloadSucceeded,
    /// `detail` is nginx's own reason, once its lines were seen.
    ReloadFailed,
    ReconfigurationFailed,
    InitialSync,
    Started,
    ProxyStarted,
    Stopping,
    CanaryWithoutPrimary,
    CanaryIsPrimaryElsewhere,
    CanaryHostMissing,
    AliasSkipped,
    ServerSnippetSkipped,
    RedirectSkipped,
    CertificateMissing,
    CertificateExpired,
    CertificateExpiring,
    CertificateForOtherHost,
    PassthroughIgnored,
    /// Same host, path and type as an older rule; only at verbosity 3.
    DuplicateLocation,
    WebhookRejected,
    WebhookAccepted,
    ConfigMapChanged,
    /// The controller may not list or watch a kind.
    ListForbidden,
    /// nginx's error log.
    Proxy(ProxyError),
    /// A warning or error of no known meaning, counted by where in the program it was written.
    Unclassified,
}

impl MessageKind {
    /// Said while everything works.
    #[must_use]
    pub const fn is_routine(self) -> bool {
        match self {
            Self::ClassAccepted
            | Self::IngressCreated
            | Self::WebhookAccepted
            | Self::ReloadNeeded
            | Self::ReloadSucceeded
            | Self::InitialSync
            | Self::Started
            | Self::ProxyStarted
            | Self::ConfigMapChanged => true,
            Self::ClassIgnored(_)
            | Self::IngressClassForeign
            | Self::IngressRemoved
            | Self::CatchAllIgnored
            | Self::AnnotationRisky
            | Self::AnnotationInvalid
            | Self::AnnotationBlockedWord
            | Self::SnippetsDisabled
            | Self::AnnotationUnreadable
            | Self::InspectionRefused
            | Self::IngressSkipped
            | Self::ServiceMissing
            | Self::EndpointsMissing
            | Self::NoActiveEndpoints
            | Self::PortNameMissing
            | Self::UpstreamFailed
            | Self::DefaultBackendMissing
            | Self::ExternalNameForbidden
            | Self::ReloadFailed
            | Self::ReconfigurationFailed
            | Self::Stopping
            | Self::CanaryWithoutPrimary
            | Self::CanaryIsPrimaryElsewhere
            | Self::CanaryHostMissing
            | Self::AliasSkipped
            | Self::ServerSnippetSkipped
            | Self::RedirectSkipped
            | Self::CertificateMissing
            | Self::CertificateExpired
            | Self::CertificateExpiring
            | Self::CertificateForOtherHost
            | Self::PassthroughIgnored
            | Self::DuplicateLocation
            | Self::WebhookRejected
            | Self::ListForbidden
            | Self::Proxy(_)
            | Self::Unclassified => false,
        }
    }
}

/// Why a class was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClassError {
    /// Neither field nor annotation.
    NoClass,
    AnnotationDiffers,
    /// No IngressClass of that name belongs to this controller: there is none, or it is another's.
    NotInStore,
    Other,
}
