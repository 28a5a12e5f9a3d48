//! The times that log lines carry, read from bytes.
//!
//! Assumptions: nginx's error log prints local time without a zone, klog neither zone nor year; both
//! run in UTC in the images. A klog time without a year is placed at most one day after `now`.
//!
//! Sources: nginx `ngx_times.c` (1.27.1), klog `textlogger` header, kubelet log stamps (RFC 3339 with
//! up to nine decimals).

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};

/// Splits off the stamp that the kubelet puts before a line (`kubectl logs --timestamps`).
#[must_use]
pub fn split_stamp(line: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if line.get(4) != Some(&b'-')
        || line.get(10) != Some(&b'T')
        || !line.first().is_some_and(u8::is_ascii_digit)
    {
        return (None, line);
    }
    let end = line.get(19..36.min(line.len())).and_then(|tail| memchr::memchr(b' ', tail));
    let Some(end) = end.map(|at| at + 19) else {
        // A stamp alone is the stamp of an empty line.
        return if rfc3339(line).is_some() { (Some(line), &[]) } else { (None, line) };
    };
    match (line.get(..end), line.get(end + 1..)) {
        (Some(stamp), Some(rest)) if matches!(stamp.last(), Some(b'Z' | b'0'..=b'9')) => (Some(stamp), rest),
        _ => (None, line),
    }
}

/// `2026-11-22T10:15:01.382Z`, `2026-11-22T10:15:01+01:00`.
#[must_use]
pub fn rfc3339(text: &[u8]) -> Option<DateTime<Utc>> {
    let date = date(text.get(..10)?, b'-')?;
    if !matches!(text.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let seconds = clock(text.get(11..19)?)?;
    let mut rest = text.get(19..)?;
    let mut nanos = 0;
    if let Some(tail) = rest.strip_prefix(b".") {
        let digits = tail.iter().take_while(|b| b.is_ascii_digit()).count();
        nanos = fraction(tail.get(..digits)?)?;
        rest = tail.get(digits..)?;
    }
    at(date, seconds, nanos, zone(rest)?)
}

/// `22/Nov/2026:10:15:01 +0000`, nginx's `$time_local`.
#[must_use]
pub fn time_local(text: &[u8]) -> Option<DateTime<Utc>> {
    if text.get(2) != Some(&b'/') || text.get(6) != Some(&b'/') || text.get(11) != Some(&b':') {
        return None;
    }
    let month = match text.get(3..6)? {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    };
    let year = i32::try_from(number(text.get(7..11)?)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, month, number(text.get(..2)?)?)?;
    let seconds = clock(text.get(12..20)?)?;
    if text.get(20) != Some(&b' ') {
        return None;
    }
    at(date, seconds, 0, zone(text.get(21..)?)?)
}

/// `2026/11/22 10:15:01`, the head of nginx's error log.
#[must_use]
pub fn error_log(text: &[u8]) -> Option<DateTime<Utc>> {
    if text.get(10) != Some(&b' ') {
        return None;
    }
    at(date(text.get(..10)?, b'/')?, clock(text.get(11..19)?)?, 0, 0)
}

/// `1122 10:15:01.123456`, the head of a klog line; the year is the latest that is not after `now`.
#[must_use]
pub fn klog(text: &[u8], now: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let latest = now?.checked_add_days(Days::new(1))?;
    let (month, day) = (number(text.get(..2)?)?, number(text.get(2..4)?)?);
    let seconds = clock(text.get(5..13)?)?;
    let nanos = match text.get(13..) {
        Some([b'.', digits @ ..]) => fraction(digits)?,
        _ => 0,
    };
    // 29 February may lie up to eight years back.
    (0..=8)
        .filter_map(|back| NaiveDate::from_ymd_opt(latest.year() - back, month, day))
        .filter_map(|date| at(date, seconds, nanos, 0))
        .find(|time| *time <= latest)
}

/// `1732270501.123`, nginx's `$msec`; plain seconds and milliseconds too.
#[must_use]
pub fn epoch(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() < 9 || whole.len() > 13 || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    if whole > 100_000_000_000 {
        return DateTime::from_timestamp_millis(whole);
    }
    DateTime::from_timestamp(whole, fraction(decimals.as_bytes())?)
}

/// Whatever shape it has.
#[must_use]
pub fn any(text: &[u8]) -> Option<DateTime<Utc>> {
    rfc3339(text).or_else(|| time_local(text)).or_else(|| error_log(text)).or_else(|| epoch(text))
}

fn date(text: &[u8], separator: u8) -> Option<NaiveDate> {
    if text.get(4) != Some(&separator) || text.get(7) != Some(&separator) {
        return None;
    }
    let year = i32::try_from(number(text.get(..4)?)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(text.get(5..7)?)?, number(text.get(8..10)?)?)
}

/// `10:15:01` as seconds of the day; a leap second counts as the one before.
fn clock(text: &[u8]) -> Option<u32> {
    if text.get(2) != Some(&b':') || text.get(5) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) =
        (number(text.get(..2)?)?, number(text.get(3..5)?)?, number(text.get(6..8)?)?);
    (hour < 24 && minute < 60 && second <= 60).then(|| hour * 3600 + minute * 60 + second.min(59))
}

/// Offset in seconds of `Z`, `+0100` or `+01:00`.
fn zone(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        4 => (number(digits.get(..2)?)?, number(digits.get(2..)?)?),
        5 if digits.get(2) == Some(&b':') => (number(digits.get(..2)?)?, number(digits.get(3..)?)?),
        _ => return None,
    };
    Some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

/// Up to nine decimals as nanoseconds; more are cut.
fn fraction(digits: &[u8]) -> Option<u32> {
    let mut nanos = 0;
    for at in 0..9 {
        let digit = match digits.get(at) {
            Some(b) if b.is_ascii_digit() => u32::from(b - b'0'),
            Some(_) => return None,
            None => 0,
        };
        nanos = nanos * 10 + digit;
    }
    Some(nanos)
}

fn at(date: NaiveDate, seconds: u32, nanos: u32, offset: i64) -> Option<DateTime<Utc>> {
    let midnight = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
    DateTime::from_timestamp(midnight + i64::from(seconds) - offset, nanos)
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |sum, b| {
        if !b.is_ascii_digit() {
            return None;
        }
        sum.checked_mul(10)?.checked_add(u32::from(b - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("time").to_utc()
    }

    #[test]
    fn each_shape_reads_as_the_same_moment() {
        let moment = Some(utc("2026-11-22T10:15:01Z"));
        assert_eq!(rfc3339(b"2026-11-22T10:15:01Z"), moment);
        assert_eq!(rfc3339(b"2026-11-22T11:15:01+01:00"), moment);
        assert_eq!(time_local(b"22/Nov/2026:10:15:01 +0000"), moment);
        assert_eq!(time_local(b"22/Nov/2026:05:45:01 -0430"), moment);
        assert_eq!(error_log(b"2026/11/22 10:15:01"), moment);
        assert_eq!(epoch(b"1795342501.000"), moment);
        assert_eq!(klog(b"1122 10:15:01.000000", moment), moment);
    }

    #[test]
    fn decimals_are_kept_to_the_nanosecond() {
        assert_eq!(rfc3339(b"2026-11-22T10:15:01.382Z"), Some(utc("2026-11-22T10:15:01.382Z")));
        assert_eq!(
            rfc3339(b"2026-11-22T10:15:01.123456789+00:00"),
            Some(utc("2026-11-22T10:15:01.123456789Z"))
        );
    }

    #[test]
    fn a_klog_line_of_december_read_in_january_is_last_years() {
        let now = Some(utc("2027-01-01T00:10:00Z"));
        assert_eq!(klog(b"1231 23:59:59.000000", now), Some(utc("2026-12-31T23:59:59Z")));
        assert_eq!(klog(b"0101 00:05:00.000000", now), Some(utc("2027-01-01T00:05:00Z")));
        assert_eq!(klog(b"0229 00:05:00.000000", now), Some(utc("2024-02-29T00:05:00Z")));
        assert_eq!(klog(b"1231 23:59:59.000000", None), None);
    }

    #[test]
    fn the_kubelets_stamp_is_split_off() {
        let check = |line: &str, stamp: Option<&str>, rest: &str| {
            let expected = (stamp.map(str::as_bytes), rest.as_bytes());
            assert_eq!(split_stamp(line.as_bytes()), expected, "{line}");
        };
        check("2026-11-22T10:15:01.123456789Z I1122 x", Some("2026-11-22T10:15:01.123456789Z"), "I1122 x");
        check("2026-11-22T10:15:01Z  two", Some("2026-11-22T10:15:01Z"), " two");
        check("2026-11-22T10:15:01.1+02:00 x", Some("2026-11-22T10:15:01.1+02:00"), "x");
        check("2026-11-22T10:15:01.123456789Z", Some("2026-11-22T10:15:01.123456789Z"), "");
        check("203.0.113.7 - - [x]", None, "203.0.113.7 - - [x]");
        check("2026/11/22 10:15:01 [error]", None, "2026/11/22 10:15:01 [error]");
        check("", None, "");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            "2026-13-22T10:15:01Z",
            "32/Nov/2026:10:15:01 +0000",
            "22/Nov/2026:25:15:01 +0000",
            "22/Nov/2026:10:15:01",
            "2026-11-22T10:15:01",
            "99999999999999999999",
            "0.5",
        ] {
            assert_eq!(any(text.as_bytes()), None, "{text}");
        }
    }
}
