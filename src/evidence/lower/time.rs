//! Times of the API (jiff) into times of the model (chrono): the only place that knows both.

use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};

/// The same instant; `None` only outside chrono's range.
pub fn time(Time(at): Time) -> Option<DateTime<Utc>> {
    instant(at)
}

/// The same instant; `None` only outside chrono's range.
pub fn micro_time(MicroTime(at): MicroTime) -> Option<DateTime<Utc>> {
    instant(at)
}

fn instant(at: jiff::Timestamp) -> Option<DateTime<Utc>> {
    const SECOND: i128 = 1_000_000_000;
    let nanos = at.as_nanosecond();
    let seconds = i64::try_from(nanos.div_euclid(SECOND)).ok()?;
    let rest = u32::try_from(nanos.rem_euclid(SECOND)).ok()?;
    DateTime::from_timestamp(seconds, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_keep_their_fraction_on_both_sides_of_1970() {
        for text in ["2026-11-23T05:37:56Z", "2026-11-23T05:37:56.123456Z", "1969-12-31T23:59:59.250Z"] {
            let from: jiff::Timestamp = text.parse().expect(text);
            let expected: DateTime<Utc> = text.parse().expect(text);
            assert_eq!(time(Time(from)), Some(expected), "{text}");
            assert_eq!(micro_time(MicroTime(from)), Some(expected), "{text}");
        }
    }
}
