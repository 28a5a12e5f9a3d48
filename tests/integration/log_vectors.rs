//! Every line of the recorded ingress-nginx logs against who really answered
//! (`tests/vectors/logs/ingress-nginx/README.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use chrono::{DateTime, Utc};
use routecause::analysis::logs::access::AccessLine;
use routecause::analysis::logs::filter::Filter;
use routecause::analysis::logs::history::HostBasis;
use routecause::analysis::logs::ingress_nginx::request_parts;
use routecause::analysis::logs::messages::{ClassError, MessageKind, Subject};
use routecause::analysis::logs::nginx_error::ProxyError;
use routecause::analysis::logs::scan::{Asked, Options, Reach, Scan, Scanner};
use routecause::analysis::logs::{Line, LogFormat, parse, stamp, upstream_name};
use routecause::analysis::routing::Target;
use routecause::analysis::voice::{Expected, Known, Voice, voice_of_line, voice_with};
use routecause::model::controller::Settings;
use routecause::model::host::HostName;
use routecause::model::ingress::PortRef;
use routecause::model::object::Name;
use routecause::model::verdict::Confidence;

/// Access log and what is expected of it.
const RECORDED: [(&str, &str); 3] = [
    ("access.log", "expected.jsonl"),
    ("access-catch-all-logged.log", "expected-catch-all-logged.jsonl"),
    ("access-json.log", "expected-json.jsonl"),
];

fn read(name: &str) -> String {
    let path = format!("{}/tests/vectors/logs/ingress-nginx/{name}.gz", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(&path).expect(&path);
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect(&path);
    text
}

/// What is known of one line.
struct Truth {
    voice: Voice,
    status: u16,
    host: String,
    intended: Option<Name>,
    service: Option<Name>,
}

fn truths(name: &str) -> Vec<Truth> {
    let object = |value: &serde_json::Value| {
        let (namespace, name) = value.as_str()?.split_once('/')?;
        Some(Name::new(namespace, name))
    };
    read(name)
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect(line);
            let slug = value["voice"].as_str().expect(line);
            Truth {
                voice: Voice::ALL.into_iter().find(|voice| voice.slug() == slug).expect(line),
                status: u16::try_from(value["status"].as_u64().expect(line)).expect(line),
                host: value["host"].as_str().expect(line).to_owned(),
                intended: object(&value["intended"]),
                service: object(&value["service"]),
            }
        })
        .collect()
}

fn access<'a>(line: &'a str, format: &LogFormat) -> AccessLine<'a> {
    match parse(line.as_bytes(), format, None) {
        Line::Access(access) => *access,
        other => panic!("{other:?}: {line}"),
    }
}

fn target(service: Name) -> Target {
    Target { service, port: PortRef::Unset }
}

/// Client, method and target of requests whose upstream attempt failed.
fn failed_requests() -> BTreeSet<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let log = read("error.log");
    log.lines()
        .filter_map(|line| match parse(line.as_bytes(), &LogFormat::IngressNginx, None) {
            Line::Error(error) if error.kind.is_upstream_failure() => {
                let (method, target) = request_parts(error.request?)?;
                Some((error.client?.to_vec(), method.to_vec(), target.to_vec()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn the_line_alone_tells_who_answered() {
    let settings = Settings::default();
    let mut lines = 0;
    let mut undecided = 0;
    for (log, expected) in RECORDED {
        for (line, truth) in read(log).lines().zip(truths(expected)) {
            let access = access(line, &LogFormat::IngressNginx);
            let found = voice_of_line(&access, &settings);
            lines += 1;
            if found == Voice::Undecidable {
                // A failed POST is not tried again, and this format logs no length: the Service's own
                // 502 would look the same.
                assert_eq!((truth.status, log), (502, "access-json.log"), "{line}");
                assert_eq!(access.method.bytes(), b"POST", "{line}");
                undecided += 1;
                continue;
            }
            assert_eq!(found.answered(), truth.voice.answered(), "{line}");
            match truth.voice {
                Voice::App | Voice::OtherBackend => {}
                voice => assert_eq!(found, voice, "{line}"),
            }
        }
    }
    assert_eq!((lines, undecided), (3_078, 5));
}

#[test]
fn with_the_intended_service_and_the_error_log_every_voice_is_right() {
    let failed = failed_requests();
    let settings = Settings::default();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (log, expected) in RECORDED {
        for (line, truth) in read(log).lines().zip(truths(expected)) {
            let access = access(line, &LogFormat::IngressNginx);
            let request = (
                access.client.bytes().to_vec(),
                access.method.bytes().to_vec(),
                access.target.bytes().to_vec(),
            );
            let expected = Expected { service: truth.intended.clone().map(target) };
            let known = Known {
                settings: Some(&settings),
                expected: Some(&expected),
                upstream_failed: failed.contains(&request),
            };
            assert_eq!(voice_with(&access, &known), truth.voice, "{line}");
            *counts.entry(truth.voice.slug()).or_default() += 1;
        }
    }
    let expected = [
        ("app", 1_521),
        ("intercepted", 38),
        ("no_rule", 546),
        ("nobody", 25),
        ("other_backend", 335),
        ("proxy_itself", 613),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn status_host_and_upstream_are_what_was_recorded() {
    for (log, expected) in RECORDED {
        for (line, truth) in read(log).lines().zip(truths(expected)) {
            let access = access(line, &LogFormat::IngressNginx);
            assert_eq!(access.status, Some(truth.status), "{line}");
            assert!(access.at.is_some() && access.target.value().is_some(), "{line}");
            if let Some(host) = access.host_name() {
                let asked = HostName::parse(&truth.host).expect(&truth.host);
                assert!(host.eq_ignore_ascii_case(asked.as_str().as_bytes()), "{line}");
            }
            // A canary answers under the name of its main upstream; its own stands in another field,
            // which the JSON template of this recording does not have.
            let main = if access.alternative.is_logged() { None } else { truth.intended };
            if let Some(service) = truth.service {
                let name = access.alternative.value().map_or(access.upstream.bytes(), AsRef::as_ref);
                let found = [Some(service), main]
                    .into_iter()
                    .flatten()
                    .any(|service| upstream_name::stands_for(name, &target(service)) == Some(true));
                assert!(found, "{line}");
            }
        }
    }
}

#[test]
fn a_template_of_ones_own_reads_the_same_lines() {
    let data = [(
        "log-format-upstream".to_owned(),
        r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id"#.to_owned(),
    )];
    let config = routecause::model::controller::ConfigSeen::Known(data.into());
    let format = LogFormat::of(&Settings { config, ..Settings::default() });
    assert!(matches!(format, LogFormat::Custom(_)));
    for line in read("access.log").lines() {
        assert_eq!(access(line, &format), access(line, &LogFormat::IngressNginx), "{line}");
    }
}

/// Puts the kubelet's stamp before each line and merges the logs of one pod by time; continuation lines
/// stay with the line before them.
fn stream(logs: &[&str]) -> String {
    let now = stamp::rfc3339(b"2026-11-23T07:00:00Z");
    let mut lines: Vec<(DateTime<Utc>, String)> = Vec::new();
    for log in logs {
        let mut at = stamp::rfc3339(b"2026-11-23T05:48:00Z").expect("time");
        for line in read(log).lines() {
            let own = match parse(line.as_bytes(), &LogFormat::IngressNginx, now) {
                Line::Access(line) => line.at,
                Line::Error(line) => line.at,
                Line::Controller(line) => line.at,
                Line::Other => None,
            };
            at = own.unwrap_or(at);
            lines.push((at, line.to_owned()));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let stamped =
        |(at, line): &(DateTime<Utc>, String)| format!("{} {line}\n", at.format("%Y-%m-%dT%H:%M:%S%.9fZ"));
    lines.iter().map(stamped).collect::<Vec<_>>().concat()
}

fn scan(options: Options, streams: &[&str]) -> Scan {
    let mut scanner = Scanner::new(options);
    for (number, stream) in streams.iter().enumerate() {
        scanner.push_block(number, stream.as_bytes());
    }
    scanner.finish()
}

#[test]
fn a_scan_of_the_whole_stream_counts_every_404_by_voice() {
    let text = stream(&["controller.log", "error.log", "access.log", "access-json.log"]);
    let found = scan(Options::new(Settings::default(), Filter::status(404)), &[&text]);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for group in &found.requests {
        *counts.entry(group.key.voice.slug()).or_default() += group.count;
        assert!(group.samples.iter().all(|sample| text.contains(&sample.line)), "{group:?}");
        assert_eq!(group.count, group.rate.buckets().map(|b| u64::from(b.counts[0])).sum::<u64>());
    }
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for name in ["expected.jsonl", "expected-json.jsonl"] {
        for truth in truths(name).iter().filter(|truth| truth.status == 404) {
            // Without Ingresses `other_backend` is told only by the name of a default backend.
            *expected.entry(truth.voice.slug()).or_default() += 1;
        }
    }
    let answered = |counts: &BTreeMap<&str, u64>| {
        counts.get("app").copied().unwrap_or(0) + counts.get("other_backend").copied().unwrap_or(0)
    };
    assert_eq!(answered(&counts), answered(&expected));
    for voice in ["no_rule", "intercepted"] {
        assert_eq!(counts.get(voice), expected.get(voice), "{voice}");
    }
    assert_eq!(counts.get("undecidable"), None);
    assert_eq!(found.streams[0].lines, u64::try_from(text.lines().count()).expect("count"));
    assert_eq!(found.requests_folded.lines, 0);
}

#[test]
fn leaving_lines_unread_changes_nothing() {
    for log in ["access.log", "access-catch-all-logged.log", "access-json.log"] {
        let text = read(log);
        let of = |filter: Filter| {
            let mut options = Options::new(Settings::default(), filter);
            options.groups = 10_000;
            options.asked = Some(Asked { path: "/cart".to_owned(), ..Asked::default() });
            scan(options, &[&text])
        };
        let few = of(Filter::status(404));
        let mut all = of(Filter::default());
        all.requests.retain(|group| group.key.status == 404);
        assert_eq!(few, all, "{log}");
    }
}

#[test]
fn a_502_of_the_proxy_is_known_by_the_error_line_before_it() {
    let text = stream(&["error.log", "access-json.log"]);
    let found = scan(Options::new(Settings::default(), Filter::status(502)), &[&text]);
    assert!(!found.requests.is_empty());
    for group in &found.requests {
        assert_eq!(group.key.voice, Voice::ProxyItself, "{group:?}");
    }
}

#[test]
fn the_controllers_messages_are_classified_for_every_object() {
    let text = read("controller.log");
    let mut options = Options::new(Settings::default(), Filter::default());
    options.now = stamp::rfc3339(b"2026-11-23T07:00:00Z");
    let found = scan(options, &[&text]);
    let check = |kind: MessageKind, subject: Subject, detail: Option<&str>, count: usize| {
        let group = found
            .messages
            .iter()
            .find(|g| g.key.kind == kind && g.key.subject == subject && g.key.detail.as_deref() == detail)
            .unwrap_or_else(|| panic!("{kind:?} {subject:?} {detail:?} in {:#?}", found.messages));
        assert_eq!(group.count, u64::try_from(count).expect("count"), "{group:?}");
        assert!(group.samples.iter().all(|sample| text.contains(&sample.line)), "{group:?}");
        assert!(group.first.is_some() && group.first <= group.last, "{group:?}");
    };
    let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
    let ingress = |name: &str| Subject::Ingress(Name::new("media", name));
    let ignored = |name: &str| {
        lines(&format!(
            "\"Ignoring ingress because of error while validating ingress class\" ingress=\"media/{name}\""
        ))
    };
    check(
        MessageKind::ClassIgnored(ClassError::NotInStore),
        ingress("typo-class"),
        Some("ngnix"),
        ignored("typo-class"),
    );
    check(
        MessageKind::ClassIgnored(ClassError::NotInStore),
        ingress("wrong-class"),
        Some("internal"),
        ignored("wrong-class"),
    );
    check(MessageKind::ClassIgnored(ClassError::NoClass), ingress("no-class"), None, ignored("no-class"));
    check(
        MessageKind::AnnotationInvalid,
        ingress("bad-value"),
        Some("rewrite-target"),
        lines("validation error on ingress media/bad-value"),
    );
    for (namespace, name) in [("shop", "ghost"), ("billing", "invoices"), ("media", "nothere")] {
        let count = lines(&format!("Error obtaining Endpoints for Service \"{namespace}/{name}\""));
        check(MessageKind::EndpointsMissing, Subject::Service(Name::new(namespace, name)), None, count);
    }
    for name in ["reports", "ledger", "invoices"] {
        let count = lines(&format!("Service \"billing/{name}\" does not have any active Endpoint."));
        check(MessageKind::NoActiveEndpoints, Subject::Service(Name::new("billing", name)), None, count);
    }
    check(
        MessageKind::CanaryHostMissing,
        Subject::Upstream("media-beta-80".to_owned()),
        Some("lonely.example.com"),
        lines("cannot merge alternative backend media-beta-80"),
    );
    let us = || Subject::Controller;
    check(MessageKind::Started, us(), None, 2);
    check(MessageKind::ReloadSucceeded, us(), None, lines("\"Backend successfully reloaded\""));
    check(
        MessageKind::ReloadFailed,
        us(),
        Some("duplicate location \"/img/\""),
        lines("Unexpected failure reloading the backend:"),
    );
    check(
        MessageKind::ConfigMapChanged,
        Subject::ConfigMap(Name::new("ingress-nginx", "ingress-nginx-controller")),
        Some("UPDATE"),
        lines("reason: 'UPDATE' ConfigMap"),
    );
}

#[test]
fn the_proxys_errors_are_grouped_by_host() {
    let text = read("error.log");
    let found = scan(Options::new(Settings::default(), Filter::status(404)), &[&text]);
    let count = |kind: ProxyError| {
        let of_kind = found.messages.iter().filter(|g| g.key.kind == MessageKind::Proxy(kind));
        usize::try_from(of_kind.map(|g| g.count).sum::<u64>()).expect("count")
    };
    let lines = |part: &str| text.lines().filter(|line| line.contains(part)).count();
    assert_eq!(count(ProxyError::ConnectFailed), lines("connect() failed"));
    assert_eq!(count(ProxyError::ClosedEarly), lines("upstream prematurely closed connection"));
    assert_eq!(count(ProxyError::AccessForbidden), lines("access forbidden by rule"));
    assert_eq!(count(ProxyError::ConfigRefused), lines("[emerg]"));
    assert_eq!(count(ProxyError::Other), 0);
}

/// One request as it is known to have been.
struct Sent {
    host: String,
    path: String,
    at: DateTime<Utc>,
    status: u16,
    answered: bool,
}

fn sent(log: &str, expected: &str) -> Vec<Sent> {
    read(log)
        .lines()
        .zip(truths(expected))
        .map(|(line, truth)| {
            let access = access(line, &LogFormat::IngressNginx);
            Sent {
                host: HostName::parse(&truth.host).expect(&truth.host).as_str().to_owned(),
                path: String::from_utf8_lossy(access.path().unwrap_or_default()).into_owned(),
                at: access.at.expect(line),
                status: truth.status,
                answered: matches!(truth.voice, Voice::App | Voice::OtherBackend),
            }
        })
        .collect()
}

/// The onset by going back over all requests of a URL: first 404 after the last success.
fn onset_by_hand(
    requests: &[Sent],
    host: &str,
    path: &str,
) -> Option<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    let of_url = || requests.iter().filter(|r| r.host == host && r.path == path);
    let success = |r: &&Sent| r.status < 300 || (r.answered && r.status < 400);
    let last_404 = of_url().enumerate().filter(|(_, r)| r.status == 404).last()?.0;
    let before: Vec<&Sent> = of_url().take(last_404 + 1).collect();
    let from = before.iter().rposition(success);
    let first = before[from.map_or(0, |at| at + 1)..].iter().find(|r| r.status == 404)?;
    Some((first.at, from.map(|at| before[at].at)))
}

#[test]
fn the_onset_of_every_url_is_right_where_the_host_is_logged() {
    let requests = sent("access-json.log", "expected-json.jsonl");
    let text = read("access-json.log");
    let urls: BTreeSet<(&str, &str)> = requests.iter().map(|r| (r.host.as_str(), r.path.as_str())).collect();
    let mut found_onsets = 0;
    for (host, path) in urls {
        let mut options = Options::new(Settings::default(), Filter::status(404));
        options.asked =
            Some(Asked { host: HostName::parse(host).ok(), path: path.to_owned(), ..Asked::default() });
        let story = scan(options, &[&text]).asked.expect("asked");
        let expected = onset_by_hand(&requests, host, path);
        let found = story.exact.run.as_ref().map(|run| (run.onset, run.last_success));
        assert_eq!(found, expected, "{host}{path}");
        if let Some(onset) = story.onset.filter(|onset| !onset.by_template) {
            assert_eq!(onset.basis, HostBasis::Logged);
            assert_eq!(onset.confidence == Confidence::Certain, onset.last_success.is_some(), "{host}{path}");
            found_onsets += 1;
        }
    }
    assert!(found_onsets > 20, "{found_onsets}");
}

#[test]
fn without_the_host_upstream_names_tell_hosts_apart() {
    // Two hosts with one path: the line of the other host's Service must not count as a success.
    let line = |second: u32, status: u16, upstream: &str| {
        format!(
            "203.0.113.7 - - [22/Nov/2026:10:15:{second:02} +0000] \"GET /cart HTTP/1.1\" {status} 9 \"-\" \"-\" 81 0.012 [{upstream}] [] 10.42.1.17:8080 9 0.011 {status} 0a\n"
        )
    };
    let text = [
        line(1, 200, "shop-cart-80"),
        line(2, 404, "shop-legacy-80"),
        line(3, 200, "other-cart-80"),
        line(4, 404, "shop-legacy-80"),
    ]
    .concat();
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut options = Options::new(Settings::default(), Filter::status(404));
    options.asked = Some(Asked {
        host: HostName::parse("shop.example.com").ok(),
        path: "/cart".to_owned(),
        reach: Reach {
            here: names(&["shop-cart-80", "shop-legacy-80"]),
            elsewhere: names(&["other-cart-80"]),
            ..Reach::default()
        },
        ..Asked::default()
    });
    let story = scan(options, &[&text]).asked.expect("asked");
    let onset = story.onset.expect("onset");
    assert_eq!(onset.at, stamp::rfc3339(b"2026-11-22T10:15:02Z").expect("time"));
    assert_eq!(onset.last_success, stamp::rfc3339(b"2026-11-22T10:15:01Z"));
    assert_eq!((onset.confidence, onset.basis), (Confidence::Likely, HostBasis::Upstream));
    assert_eq!(story.exact.flips_total, 1);
    let flip = &story.exact.flips[0];
    assert_eq!((flip.from.as_str(), flip.to.as_str()), ("shop-cart-80", "shop-legacy-80"));
}
