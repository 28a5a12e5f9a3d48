//! Watch replay.

use std::time::{Duration, Instant};

use routecause::evidence::live::RawReplay;
use routecause::model::change::VersionOp;
use routecause::model::gap::Why;
use routecause::model::object::Kind;
use serde_json::{Value, json};

use super::live;
use crate::support::api_server::{Reply, Seen};

fn event(kind: &str, version: u64) -> Vec<u8> {
    let mut line = json!({"type": kind, "object": {"kind": "Ingress", "metadata": {"name": "shop", "resourceVersion": version.to_string()}}})
        .to_string()
        .into_bytes();
    line.push(b'\n');
    line
}

fn too_old(oldest: u64) -> Value {
    json!({"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
           "message": format!("too old resource version: 1 ({oldest})")})
}

fn too_old_event(oldest: u64) -> Reply {
    let mut line = json!({"type": "ERROR", "object": too_old(oldest)}).to_string().into_bytes();
    line.push(b'\n');
    Reply::Pieces(vec![Some(line)])
}

async fn replay(
    connections: u8,
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Result<RawReplay, Why>, Vec<Seen>) {
    let (server, live) = live(answer).await;
    let replay = live.replay(Kind::Ingress, Some("shop"), connections).await;
    (replay, server.seen())
}

fn versions(replay: &RawReplay) -> Vec<(VersionOp, &'static str)> {
    let version = |object: &'_ Value| {
        object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned)
    };
    replay.events().map(|(op, object)| (op, version(&object).unwrap_or_default().leak() as &str)).collect()
}

#[tokio::test]
async fn a_whole_buffer_is_read_with_its_deletions() {
    let before = Instant::now();
    let (outcome, seen) = replay(1, |_| {
        let mut second = event("MODIFIED", 231);
        second.extend(event("DELETED", 243));
        let cut = second.split_off(30);
        // In pieces that are no lines, and left open as a watch is.
        Reply::Endless(vec![Some(event("ADDED", 230)), Some(second), None, Some(cut)])
    })
    .await;
    let replay = outcome.expect("replay");
    assert_eq!(
        versions(&replay),
        [(VersionOp::Added, "230"), (VersionOp::Modified, "231"), (VersionOp::Deleted, "243")]
    );
    assert_eq!(replay.oldest_rv, None);
    assert!(before.elapsed() < Duration::from_secs(2), "silence ends a replay");
    assert_eq!(seen[0].path, "/apis/networking.k8s.io/v1/namespaces/shop/ingresses");
    for (key, value) in [("watch", "true"), ("resourceVersion", "1"), ("timeoutSeconds", "1")] {
        assert_eq!(seen[0].asked(key), Some(value));
    }
    assert_eq!(seen[0].asked("allowWatchBookmarks"), None);
}

#[tokio::test]
async fn a_buffer_that_begins_later_is_read_from_there() {
    for as_status in [false, true] {
        let (outcome, seen) = replay(1, move |seen| match seen.asked("resourceVersion") {
            Some("1") if as_status => Reply::Json(410, too_old(438)),
            Some("1") => too_old_event(438),
            // It moved on meanwhile.
            Some("438") => too_old_event(440),
            Some("440") => Reply::Endless(vec![Some(event("MODIFIED", 441))]),
            other => panic!("{other:?}"),
        })
        .await;
        let replay = outcome.expect("replay");
        assert_eq!((versions(&replay).len(), replay.oldest_rv), (1, Some(440)));
        assert_eq!(seen.len(), 3);
    }
}

/// Pauses that are longer than silence after events may be.
fn late() -> Vec<Option<Vec<u8>>> {
    vec![None; 9]
}

#[tokio::test]
async fn silence_before_the_first_event_means_nothing() {
    let (outcome, _) = replay(1, |_| {
        let mut pieces = late();
        pieces.push(Some(event("DELETED", 7)));
        Reply::Endless(pieces)
    })
    .await;
    let told = outcome.expect("replay");
    assert_eq!((versions(&told), told.is_cut), (vec![(VersionOp::Deleted, "7")], false));
    let (outcome, _) = replay(1, |_| Reply::Endless(Vec::new())).await;
    assert!(matches!(outcome, Err(Why::TimedOut { .. })), "{outcome:?}");
    // The server itself ended a watch of which there was nothing to tell, in time or before.
    for (pauses, is_cut) in [(10, false), (1, true)] {
        let (outcome, _) = replay(1, move |_| Reply::Pieces(vec![None; pauses])).await;
        let told = outcome.expect("replay");
        assert_eq!((versions(&told), told.is_cut), (Vec::new(), is_cut));
    }
}

#[tokio::test]
async fn a_watch_that_ends_among_events_is_asked_for_again_and_for_longer() {
    let answer = |bookmark: bool| {
        move |seen: &Seen| {
            let mut pieces = vec![Some(event("ADDED", 5))];
            if seen.asked("allowWatchBookmarks") == Some("true") {
                pieces.push(Some(event("DELETED", 6)));
                pieces.extend(bookmark.then(|| Some(event("BOOKMARK", 9))));
            }
            Reply::Pieces(pieces)
        }
    };
    for bookmark in [true, false] {
        let (outcome, seen) = replay(1, answer(bookmark)).await;
        let told = outcome.expect("replay");
        assert_eq!((told.events().count(), told.is_cut), (2, !bookmark));
        assert_eq!((seen.len(), seen[1].asked("timeoutSeconds")), (2, Some("5")));
    }
}

#[tokio::test]
async fn a_window_that_keeps_moving_is_given_up() {
    let (outcome, seen) = replay(1, |seen| too_old_event(10 + seen.before as u64)).await;
    assert!(matches!(outcome, Err(Why::Unreachable { .. })), "{outcome:?}");
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn of_several_servers_the_longest_memory_is_kept() {
    let (outcome, seen) = replay(3, |seen| {
        let oldest = [300, 100, 200][seen.connection % 3];
        match seen.asked("resourceVersion") {
            Some("1") => too_old_event(oldest),
            _ => Reply::Endless(vec![Some(event("ADDED", oldest + 1))]),
        }
    })
    .await;
    let replay = outcome.expect("replay");
    assert_eq!(replay.oldest_rv, Some(100));
    assert_eq!(versions(&replay), [(VersionOp::Added, "101")]);
    let connections: std::collections::BTreeSet<usize> = seen.iter().map(|seen| seen.connection).collect();
    assert!(connections.len() >= 3, "{connections:?}");
}

#[tokio::test]
async fn one_server_that_answers_is_enough() {
    let (outcome, _) = replay(2, |seen| match seen.connection {
        0 => Reply::status(500, "InternalError", "broken"),
        _ => Reply::Endless(vec![Some(event("ADDED", 5))]),
    })
    .await;
    assert_eq!(outcome.expect("replay").events().count(), 1);
}

#[tokio::test]
async fn half_a_buffer_is_no_replay() {
    let (outcome, _) = replay(1, |_| Reply::Broken(event("ADDED", 5))).await;
    assert!(matches!(outcome, Err(Why::Unreachable { .. })), "{outcome:?}");
    let (outcome, _) = replay(1, |_| Reply::Text(200, "text/html", "<html>\n".to_owned())).await;
    assert!(matches!(outcome, Err(Why::Malformed { .. })), "{outcome:?}");
    let (outcome, _) = replay(1, |_| Reply::Text(404, "text/plain", "404 page not found\n".to_owned())).await;
    assert_eq!(outcome, Err(Why::NotInstalled));
    let (outcome, _) = replay(2, |_| {
        Reply::status(
            403,
            "Forbidden",
            "ingresses is forbidden: User \"u\" cannot watch resource \"ingresses\"",
        )
    })
    .await;
    assert!(matches!(outcome, Err(Why::Forbidden { verb: "watch", .. })), "{outcome:?}");
}
