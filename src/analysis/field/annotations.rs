//! ingress-nginx's annotations: their prefix, and how its flags read.

use crate::model::controller::Settings;

/// The prefix unless `--annotations-prefix` says otherwise.
const PREFIX: &str = "nginx.ingress.kubernetes.io";

/// The prefix this controller reads.
#[must_use]
pub fn prefix(settings: &Settings) -> &str {
    settings.value("annotations-prefix").unwrap_or(PREFIX)
}

/// Whether a value reads as true, the way Go's `strconv.ParseBool` does.
#[must_use]
pub fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
}
