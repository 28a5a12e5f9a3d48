//! The six hypotheses of the runbook: their windows, and which changes bear on them.

use chrono::Duration;

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
