//! Reading logs.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use routecause::evidence::live::Live;
use routecause::model::gap::Why;
use routecause::model::log::{LogStream, StreamCoverage};

use super::{live, options};
use crate::support::api_server::{ApiServer, Reply, Seen};

fn stream(previous: bool) -> LogStream {
    LogStream {
        namespace: "ingress".to_owned(),
        pod: "controller-1".to_owned(),
        container: "controller".to_owned(),
        previous,
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("time")
}

async fn read(
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    since: Option<&str>,
    max_bytes: u64,
) -> (Vec<Vec<u8>>, Result<StreamCoverage, Why>, Seen) {
    let (server, live) = live(answer).await;
    let mut lines = Vec::new();
    let mut on_line = |line: &[u8]| lines.push(line.to_vec());
    let coverage = live.read_log(&stream(true), since.map(at), max_bytes, &mut on_line).await;
    (lines, coverage, server.seen().remove(0))
}

#[tokio::test]
async fn a_log_is_asked_for_from_a_second_before_with_the_kubelets_stamps() {
    let (lines, coverage, seen) = read(
        |_| Reply::Text(200, "text/plain", "2026-11-22T22:00:00.1Z a\n2026-11-22T22:00:02.2Z b\n".to_owned()),
        Some("2026-11-22T22:00:00.600Z"),
        u64::MAX,
    )
    .await;
    assert_eq!(seen.path, "/api/v1/namespaces/ingress/pods/controller-1/log");
    for (key, value) in [
        ("container", "controller"),
        ("timestamps", "true"),
        ("previous", "true"),
        // 22:00:00.6 would be rounded up to :01 by the server.
        ("sinceTime", "2026-11-22T21:59:59Z"),
    ] {
        assert_eq!(seen.asked(key), Some(value), "{key}");
    }
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    let coverage = coverage.expect("log");
    assert_eq!((lines.len(), coverage.lines, coverage.bytes), (2, 2, 50));
    assert_eq!(coverage.first, Some(at("2026-11-22T22:00:00.1Z")));
    assert_eq!(coverage.last, Some(at("2026-11-22T22:00:02.2Z")));
    assert_eq!(coverage.cut, None);
}

#[tokio::test]
async fn any_bytes_are_lines() {
    let mut long = b"2026-11-22T22:00:00Z ".to_vec();
    long.extend(vec![b'x'; 3 << 20]);
    let mut body = long.clone();
    body.extend(b"\n2026-11-22T22:00:01Z \xff\xfe\x00 not text\n\n");
    let pieces: Vec<Option<Vec<u8>>> = body.chunks(700_001).map(|piece| Some(piece.to_vec())).collect();
    let (lines, coverage, _) = read(move |_| Reply::Pieces(pieces.clone()), None, u64::MAX).await;
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], long[..1 << 20]);
    assert!(lines[1].ends_with(b"\xff\xfe\x00 not text"));
    let coverage = coverage.expect("log");
    assert_eq!(coverage.bytes, body.len() as u64);
    assert_eq!(coverage.last, Some(at("2026-11-22T22:00:01Z")));
}

#[tokio::test]
async fn reading_stops_at_the_bound() {
    let line = b"2026-11-22T22:00:00Z a line of thirty\n".to_vec();
    let (lines, coverage, _) =
        read(move |_| Reply::Endless(vec![Some(line.repeat(100)); 1000]), None, 5000).await;
    let coverage = coverage.expect("log");
    assert_eq!((lines.len(), coverage.lines, coverage.bytes), (131, 131, 5000));
    assert!(matches!(coverage.cut, Some(Why::TooMuch { .. })));
}

#[tokio::test]
async fn a_log_that_does_not_end_is_read_until_the_deadline() {
    let server = ApiServer::start(|_| {
        Reply::Endless(vec![Some(b"2026-11-22T22:00:00Z a\n2026-11-22T22:00:01Z part".to_vec())])
    })
    .await;
    let mut options = options(server.kubeconfig("token: t"));
    options.stream = Duration::from_millis(300);
    let live = Live::connect(&options).await.expect("live");
    let (before, mut lines) = (Instant::now(), 0);
    let mut on_line = |_: &[u8]| lines += 1;
    let coverage = live.read_log(&stream(false), None, u64::MAX, &mut on_line).await.expect("log");
    assert!(before.elapsed() < Duration::from_secs(1));
    assert_eq!((lines, coverage.cut), (1, Some(Why::TimedOut { seconds: 1 })));
}

#[tokio::test]
async fn a_log_that_breaks_off_is_told_as_far_as_it_came() {
    let (lines, coverage, _) =
        read(|_| Reply::Broken(b"2026-11-22T22:00:00Z a\n".to_vec()), None, u64::MAX).await;
    let coverage = coverage.expect("log");
    assert_eq!((lines.len(), coverage.lines), (1, 1));
    assert!(matches!(coverage.cut, Some(Why::Unreachable { .. })), "{:?}", coverage.cut);
}

#[tokio::test]
async fn no_log_yet_is_an_empty_log() {
    for reply in [
        || Reply::Text(204, "text/plain", String::new()),
        || {
            Reply::status(
                400,
                "BadRequest",
                "container \"controller\" in pod \"controller-1\" is waiting to start: ContainerCreating",
            )
        },
    ] {
        let (lines, coverage, _) = read(move |_| reply(), None, u64::MAX).await;
        let coverage = coverage.expect("log");
        assert_eq!((lines.len(), coverage.lines, coverage.cut), (0, 0, None));
    }
}

#[tokio::test]
async fn logs_that_cannot_be_read_say_why() {
    let check = |reply: fn() -> Reply, expected: fn(&Why) -> bool| async move {
        let (_, coverage, _) = read(move |_| reply(), None, u64::MAX).await;
        let why = coverage.expect_err("no log");
        assert!(expected(&why), "{why:?}");
    };
    check(
        || {
            Reply::status(
                400,
                "BadRequest",
                "previous terminated container \"controller\" in pod \"controller-1\" not found",
            )
        },
        |why| *why == Why::Rotated,
    )
    .await;
    check(|| Reply::not_found("pods", "controller-1"), |why| *why == Why::Rotated).await;
    check(
        || {
            Reply::status(
                400,
                "BadRequest",
                "a container name must be specified for pod p, choose one of: [a b]",
            )
        },
        |why| matches!(why, Why::Unsupported { detail } if detail.contains("[a b]")),
    )
    .await;
    check(
        || Reply::status(500, "InternalError", "Get \"https://10.0.0.7:10250/containerLogs/ingress/controller-1/controller\": dial tcp 10.0.0.7:10250: connect: connection refused"),
        |why| matches!(why, Why::Unreachable { detail } if detail.starts_with("the node's kubelet: dial tcp 10.0.0.7:10250")),
    )
    .await;
    check(
        || Reply::status(403, "Forbidden", "pods \"controller-1\" is forbidden: User \"u\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"ingress\""),
        |why| matches!(why, Why::Forbidden { verb: "get", resource, .. } if resource == "pods/log"),
    )
    .await;
}
