//! The codes a diagnosis may end in, and how sure it is. Meanings and examples: `docs/runbook.md`.

use std::fmt;

macro_rules! codes {
    ($($variant:ident => $text:literal),+ $(,)?) => {
        /// A verdict code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($variant),+ }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code as reports print it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

codes! {
    ClassMissing => "CLASS_MISSING",
    ClassControllerMismatch => "CLASS_CONTROLLER_MISMATCH",
    ClassNotFound => "CLASS_NOT_FOUND",
    DroppedByAnnotationPolicy => "DROPPED_BY_ANNOTATION_POLICY",
    ControllerCannotSee => "CONTROLLER_CANNOT_SEE",
    IngressAbsentRejected => "INGRESS_ABSENT_REJECTED",
    ConfigReloadBlocked => "CONFIG_RELOAD_BLOCKED",
    HostMismatch => "HOST_MISMATCH",
    EntrypointMismatch => "ENTRYPOINT_MISMATCH",
    WrongEntryAddress => "WRONG_ENTRY_ADDRESS",
    HostPrecedence => "HOST_PRECEDENCE",
    SniHostMismatch => "SNI_HOST_MISMATCH",
    PathtypeMismatch => "PATHTYPE_MISMATCH",
    PathDialect => "PATH_DIALECT",
    HostwideRegex => "HOSTWIDE_REGEX",
    AssetsOutsidePrefix => "ASSETS_OUTSIDE_PREFIX",
    NoRuleForPath => "NO_RULE_FOR_PATH",
    PrefixNotStripped => "PREFIX_NOT_STRIPPED",
    RewriteWrong => "REWRITE_WRONG",
    AppBasePath => "APP_BASE_PATH",
    AnnotationForeign => "ANNOTATION_FOREIGN",
    RouteDependencyMissing => "ROUTE_DEPENDENCY_MISSING",
    AppRouteMissing => "APP_ROUTE_MISSING",
    DuplicateHostPath => "DUPLICATE_HOST_PATH",
    HostCollision => "HOST_COLLISION",
    CanaryConflict => "CANARY_CONFLICT",
    MultiController => "MULTI_CONTROLLER",
    PassthroughSwallowsPaths => "PASSTHROUGH_SWALLOWS_PATHS",
    SolverConflict => "SOLVER_CONFLICT",
    ServiceRefInvalid => "SERVICE_REF_INVALID",
    NoReadyEndpoints => "NO_READY_ENDPOINTS",
    SelectorTooBroad => "SELECTOR_TOO_BROAD",
    UpstreamHostHeader => "UPSTREAM_HOST_HEADER",
    UpstreamMeshRoute => "UPSTREAM_MESH_ROUTE",
    WrongBackend => "WRONG_BACKEND",
    ErrorIntercepted => "ERROR_INTERCEPTED",
    AuthSubrequest => "AUTH_SUBREQUEST",
    NotProgrammedYet => "NOT_PROGRAMMED_YET",
    SyncRace => "SYNC_RACE",
    Healthy => "HEALTHY",
    NotA404 => "NOT_A_404",
    InsufficientEvidence => "INSUFFICIENT_EVIDENCE",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure a statement is. A verdict without decisive evidence is `Possible` at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    Possible,
    Likely,
    Certain,
}

impl Confidence {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}
