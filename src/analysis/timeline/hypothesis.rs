//! The six hypotheses of the runbook: their windows, and which changes bear on them.

use chrono::Duration;

use crate::model::change::{Act, Aspect, Change, ChangeSource};
use crate::model::object::Kind;

/// In the fixed order of the runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hypothesis {
    IngressRules,
    IngressPaths,
    BackendService,
    ControllerRestart,
    ClassOrAnnotation,
    Rollout,
}

impl Hypothesis {
    pub const ALL: [Self; 6] = [
        Self::IngressRules,
        Self::IngressPaths,
        Self::BackendService,
        Self::ControllerRestart,
        Self::ClassOrAnnotation,
        Self::Rollout,
    ];

    /// 1 to 6, as the runbook counts.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::IngressRules => 1,
            Self::IngressPaths => 2,
            Self::BackendService => 3,
            Self::ControllerRestart => 4,
            Self::ClassOrAnnotation => 5,
            Self::Rollout => 6,
        }
    }

    /// The hypothesis with this number.
    #[must_use]
    pub fn parse(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|hypothesis| hypothesis.id() == id)
    }

    /// How far before the onset such a change is a suspect, before any widening.
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::minutes(match self {
            Self::IngressRules | Self::IngressPaths | Self::BackendService | Self::ClassOrAnnotation => 30,
            Self::ControllerRestart => 5,
            Self::Rollout => 60,
        })
    }
}

/// How a change bears on a hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Bearing {
    /// It is such a change.
    Proof,
    /// It may be one, or the effect of one.
    Hint,
}

impl Hypothesis {
    /// What a source must cover for its silence to refute the hypothesis.
    pub(super) const fn aspect(self) -> Aspect {
        match self {
            Self::IngressRules => Aspect::IngressRules,
            Self::IngressPaths => Aspect::IngressPaths,
            Self::BackendService => Aspect::Service,
            Self::ControllerRestart => Aspect::Controller,
            Self::ClassOrAnnotation => Aspect::ClassOrAnnotation,
            Self::Rollout => Aspect::Rollout,
        }
    }

    /// How a change bears on this hypothesis, if at all.
    pub(super) fn bearing(self, change: &Change) -> Option<Bearing> {
        // An Ingress that somebody wrote, without a word on which part.
        let unknown_part =
            change.object.kind == Kind::Ingress && change.field.is_empty() && change.act == Act::Written;
        match (self, change.aspect) {
            (Self::IngressRules, Aspect::IngressRules) if change.act == Act::Reported => Some(Bearing::Hint),
            // `spec.rules` is one field to managedFields: that it was written may mean its paths.
            (Self::IngressPaths, Aspect::IngressRules)
                if unknown_part || (change.act == Act::Written && change.field == "spec.rules") =>
            {
                Some(Bearing::Hint)
            }
            (Self::ClassOrAnnotation, Aspect::IngressRules) if unknown_part => Some(Bearing::Hint),
            // Members of a Service come and go with every rollout.
            (Self::BackendService, Aspect::Service)
                if change.via == ChangeSource::EndpointSlices && change.act == Act::Written =>
            {
                Some(Bearing::Hint)
            }
            // The leader only writes status.
            (Self::ControllerRestart, Aspect::Controller) if change.via == ChangeSource::Leases => {
                Some(Bearing::Hint)
            }
            // Pods come and go, and workloads are scaled, without any rollout.
            (Self::Rollout, Aspect::Rollout)
                if change.object.kind == Kind::Pod
                    || change.field == "spec.replicas"
                    || (change.act == Act::Written && change.field.is_empty()) =>
            {
                Some(Bearing::Hint)
            }
            // A controller's rollout is a rollout too: it may have begun long before it bit.
            (Self::Rollout, Aspect::Controller) if change.field.starts_with("spec.template") => {
                Some(Bearing::Proof)
            }
            (
                Self::IngressRules | Self::IngressPaths | Self::BackendService | Self::ClassOrAnnotation,
                Aspect::Decision,
            ) => Some(Bearing::Hint),
            (_, aspect) => (aspect == self.aspect()).then_some(Bearing::Proof),
        }
    }
}
