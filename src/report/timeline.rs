//! The timeline of a correlation as text of fixed width: what happened, how long before the 404s, to
//! what, and who saw it.
//!
//! Two lines a change: the first names object and field, the second tells values, writer and sources; a
//! third where the request is decided otherwise since. Lines have at most 110 columns.

use std::fmt::Write as _;

use chrono::{DateTime, SubsecRound, Utc};

use super::change::harmless;
use crate::analysis::timeline::{Correlated, OnsetBasis, Suspect};
use crate::model::change::{Act, Change, ChangeSource};

const WIDTH: usize = 110;
/// The widest the column of objects gets.
const OBJECT: usize = 40;
/// The widest one value gets: two of them and the arrow fit a line.
const VALUE: usize = 28;

/// Renders the newest `limit` changes, oldest first, with the onset among them. Every text of the
/// cluster goes through `neutralise`.
#[must_use]
pub fn render(correlated: &Correlated, limit: usize, neutralise: impl Fn(&str) -> String) -> String {
    let onset = correlated.onset.at;
    let left_out = correlated.timeline.len().saturating_sub(limit);
    let shown = correlated.timeline.get(left_out..).unwrap_or_default();
    let times = shown.iter().map(|suspect| suspect.change.at).chain([onset]);
    let one_day = times.clone().all(|at| at.date_naive() == onset.date_naive());
    let stamp = |at: DateTime<Utc>| {
        let format = if one_day { "%H:%M:%S" } else { "%m-%d %H:%M:%S" };
        at.trunc_subsecs(0).format(format).to_string()
    };
    let objects: Vec<String> =
        shown.iter().map(|suspect| cut(&neutralise(&suspect.change.object.to_string()), OBJECT)).collect();
    let width = objects.iter().map(|object| object.chars().count()).max().unwrap_or_default();

    let mut text = format!("{}, times in UTC\n", onset.format("%Y-%m-%d"));
    if 0 < left_out {
        let _ = writeln!(text, "({left_out} earlier changes left out)");
    }
    let mut marked = false;
    for (suspect, object) in shown.iter().zip(&objects) {
        if !marked && onset < suspect.change.at {
            mark(&mut text, correlated, &stamp(onset));
            marked = true;
        }
        let change = &suspect.change;
        let head = format!("{}  {:>9}  ", stamp(change.at), distance(onset, change.at));
        let indent = " ".repeat(head.chars().count());
        let row = format!("{head}{object:width$}  {}", neutralise(&change.field));
        push(&mut text, &row);
        push(&mut text, &format!("{indent}{}", what(suspect, &neutralise)));
        if suspect.decision_differs()
            && let (Some(before), Some(after)) = (&suspect.decision_before, &suspect.decision_after)
        {
            let (before, after) = (cut(&neutralise(before), VALUE), cut(&neutralise(after), VALUE));
            push(&mut text, &format!("{indent}the request: {before} -> {after}"));
        }
    }
    if !marked {
        mark(&mut text, correlated, &stamp(onset));
    }
    text
}

fn mark(text: &mut String, correlated: &Correlated, at: &str) {
    let basis = match correlated.onset.basis {
        OnsetBasis::Given => "the 404s begin, as was said",
        OnsetBasis::AccessLog => "the 404s begin, by the access log",
        OnsetBasis::Assumed => "now; when the 404s began is not known",
    };
    push(text, &format!("{at}  {:>9}  {basis}", "====="));
}

/// `-10m00s` before the onset, `+3s` after it.
fn distance(onset: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let seconds = (at - onset).num_seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (minutes / 60, minutes) {
        (0, 0) => format!("{sign}{rest}s"),
        (0, _) => format!("{sign}{minutes}m{rest:02}s"),
        (hours, _) if hours < 100 => format!("{sign}{hours}h{:02}m", minutes % 60),
        (hours, _) => format!("{sign}{}d", hours / 24),
    }
}

/// The act with its values, who did it, how sure its time is, and who saw it.
fn what(suspect: &Suspect, neutralise: &impl Fn(&str) -> String) -> String {
    let change = &suspect.change;
    let value = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(|| "(none)".to_owned(), |text| cut(&neutralise(&harmless(change, text)), VALUE))
    };
    let mut told = match change.act {
        Act::Created => after("created", change, neutralise),
        Act::Deleted => match &change.before {
            Some(before) => format!("deleted: {}", cut(&neutralise(&harmless(change, before)), VALUE)),
            None => "deleted".to_owned(),
        },
        Act::Recreated => "deleted and created again".to_owned(),
        Act::Changed | Act::Flipped => format!("{} -> {}", value(&change.before), value(&change.after)),
        Act::Written => "written".to_owned(),
        Act::Started => after("started", change, neutralise),
        Act::Ended => after("ended", change, neutralise),
        Act::Reloaded => "reloaded".to_owned(),
        Act::ReloadFailed => after("reload failed", change, neutralise),
        Act::Reported => after("reported", change, neutralise),
    };
    if 1 < change.precision_s {
        let _ = write!(told, "  (up to {} earlier)", span(change.precision_s));
    }
    let via: Vec<&str> = std::iter::once(&change.via)
        .chain(&suspect.also)
        .map(|source: &ChangeSource| source.as_str())
        .collect();
    let _ = write!(told, "  via {}", via.join(", "));
    if let Some(by) = &change.by {
        let _ = write!(told, "  by {}", cut(&neutralise(by), VALUE));
    }
    told
}

fn after(word: &str, change: &Change, neutralise: &impl Fn(&str) -> String) -> String {
    match &change.after {
        Some(after) => format!("{word}: {}", cut(&neutralise(&harmless(change, after)), VALUE)),
        None => word.to_owned(),
    }
}

fn span(seconds: u32) -> String {
    match seconds {
        u32::MAX => "any time".to_owned(),
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn push(text: &mut String, line: &str) {
    text.push_str(cut(line, WIDTH).trim_end());
    text.push('\n');
}

fn cut(text: &str, width: usize) -> String {
    // One line is one line, whatever the text holds.
    let mut flat = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut kept: String = flat.by_ref().take(width).collect();
    if flat.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::timeline::{Onset, Touch};
    use crate::model::change::{Aspect, ChangeSource};
    use crate::model::object::{Kind, ObjectKey};
    use crate::model::verdict::Confidence;

    fn at(time: &str) -> DateTime<Utc> {
        format!("{time}Z").parse().expect("a time")
    }

    fn suspect(time: &str, act: Act, field: &str, before: Option<&str>, after: Option<&str>) -> Suspect {
        Suspect {
            change: Change {
                at: at(time),
                precision_s: 1,
                object: ObjectKey::new(Kind::Ingress, "shop", "web"),
                aspect: Aspect::IngressPaths,
                act,
                field: field.to_owned(),
                rule: None,
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
                by: None,
                via: ChangeSource::WatchReplay,
            },
            also: Vec::new(),
            seconds_to_onset: 0,
            touch: Touch::Exact,
            decision_before: None,
            decision_after: None,
            answered_after: None,
        }
    }

    fn correlated(timeline: Vec<Suspect>) -> Correlated {
        Correlated {
            onset: Onset {
                at: at("2026-11-22T11:00:00"),
                confidence: Confidence::Certain,
                basis: OnsetBasis::AccessLog,
                last_success: None,
            },
            hypotheses: Vec::new(),
            review: Vec::new(),
            coverage: Vec::new(),
            timeline,
            ended: Vec::new(),
        }
    }

    fn check(timeline: Vec<Suspect>, limit: usize, expected: &[&str]) {
        let text = render(&correlated(timeline), limit, str::to_owned);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "\n{text}");
    }

    #[test]
    fn changes_stand_in_order_with_the_onset_among_them() {
        let mut edit = suspect(
            "2026-11-22T10:50:00",
            Act::Changed,
            "spec.rules[0].http.paths[1].path",
            Some("/api"),
            Some("/v2"),
        );
        edit.change.by = Some("kubectl-edit".to_owned());
        edit.also = vec![ChangeSource::ManagedFields];
        edit.decision_before = Some("routed shop/api:80".to_owned());
        edit.decision_after = Some("no_route 404".to_owned());
        let mut gone = suspect("2026-11-22T11:00:03", Act::Deleted, "", None, None);
        gone.change.precision_s = 600;
        check(
            vec![edit, gone],
            10,
            &[
                "2026-11-22, times in UTC",
                "10:50:00    -10m00s  Ingress shop/web  spec.rules[0].http.paths[1].path",
                "                     /api -> /v2  via watch_replay, managed_fields  by kubectl-edit",
                "                     the request: routed shop/api:80 -> no_route 404",
                "11:00:00      =====  the 404s begin, by the access log",
                "11:00:03        +3s  Ingress shop/web",
                "                     deleted  (up to 10 min earlier)  via watch_replay",
            ],
        );
    }

    #[test]
    fn other_days_are_told_with_their_date() {
        check(
            vec![suspect("2026-11-21T09:00:00", Act::Created, "", None, Some("a: / (Prefix) -> w:80"))],
            10,
            &[
                "2026-11-22, times in UTC",
                "11-21 09:00:00    -26h00m  Ingress shop/web",
                "                           created: a: / (Prefix) -> w:80  via watch_replay",
                "11-22 11:00:00      =====  the 404s begin, by the access log",
            ],
        );
    }

    #[test]
    fn the_oldest_changes_are_left_out_first_and_counted() {
        let row = |time: &str| suspect(time, Act::Written, "spec.rules", None, None);
        check(
            vec![row("2026-11-22T10:10:00"), row("2026-11-22T10:20:00"), row("2026-11-22T10:59:58")],
            1,
            &[
                "2026-11-22, times in UTC",
                "(2 earlier changes left out)",
                "10:59:58        -2s  Ingress shop/web  spec.rules",
                "                     written  via watch_replay",
                "11:00:00      =====  the 404s begin, by the access log",
            ],
        );
        check(
            Vec::new(),
            10,
            &["2026-11-22, times in UTC", "11:00:00      =====  the 404s begin, by the access log"],
        );
    }

    #[test]
    fn no_text_breaks_the_lines_or_their_width() {
        let long = "x".repeat(900);
        let evil = "a\nb\tc\u{1b}[31m".repeat(40);
        let mut row = suspect("2026-11-22T10:10:00", Act::Changed, &long, Some(&evil), Some(&long));
        row.change.object = ObjectKey::new(Kind::Ingress, &evil, &long);
        row.change.by = Some(evil.clone());
        row.decision_before = Some(evil.clone());
        row.decision_after = Some(long);
        let text = render(&correlated(vec![row]), 10, str::to_owned);
        assert_eq!(text.lines().count(), 5, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn every_text_of_the_cluster_is_neutralised() {
        let mut row = suspect("2026-11-22T10:10:00", Act::Changed, "evil", Some("evil"), Some("evil"));
        row.change.object = ObjectKey::new(Kind::Ingress, "evil", "evil");
        row.change.by = Some("evil".to_owned());
        row.decision_before = Some("evil".to_owned());
        row.decision_after = Some("evil evil".to_owned());
        let text = render(&correlated(vec![row]), 10, |text| text.replace("evil", "good"));
        assert!(!text.contains("evil"), "{text}");
    }
}
