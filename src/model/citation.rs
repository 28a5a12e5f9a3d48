//! What a statement rests on. Every citation names something that exists in the cluster or capture,
//! character for character; analysis builds them only from gathered objects.

use chrono::{DateTime, Utc};

use super::object::ObjectKey;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Citation {
    /// A field of an object; `value` is `None` when the point is that the field is not set.
    Object {
        key: ObjectKey,
        uid: String,
        field: String,
        value: Option<String>,
    },
    /// An object that should exist and does not; the list that was read completely.
    Absent {
        key: ObjectKey,
        looked_in: String,
    },
    Log {
        namespace: String,
        pod: String,
        container: String,
        at: Option<DateTime<Utc>>,
        line: String,
    },
    Probe {
        at: Option<DateTime<Utc>>,
        from: String,
        url: String,
        status: Option<u16>,
    },
    Change(super::change::Change),
}
