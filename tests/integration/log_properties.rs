//! Laws of the log parsers: they never panic, what a format prints is read back, and a scan does not
//! depend on the order in which streams are read.

use proptest::prelude::*;
use routecause::analysis::logs::access::{attempts, unescape};
use routecause::analysis::logs::filter::Filter;
use routecause::analysis::logs::scan::{Asked, Options, Scan, Scanner};
use routecause::analysis::logs::{Line, LogFormat, json, parse, path_template, stamp, upstream_name};
use routecause::analysis::voice::voice_of_line;
use routecause::model::controller::{ConfigSeen, Settings};

fn settings(template: &str) -> Settings {
    let data = [("log-format-upstream".to_owned(), template.to_owned())];
    Settings { config: ConfigSeen::Known(data.into()), ..Settings::default() }
}

/// Bytes that look enough like log lines to get far into the parsers.
fn line_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "2026-11-22T10:15:01.123Z ",
            "203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] ",
            "\"GET /a HTTP/1.1\" ",
            "404 33 ",
            "\"-\" \"-\" 81 0.012 ",
            "[upstream-default-backend] ",
            "[shop-web-80] [] ",
            "10.0.0.1:80, ",
            " : ",
            "502, 404 : 404",
            "I1122 10:15:01.123456 7 x.go:1] ",
            "\"Ignoring ingress\" ingress=\"",
            "a/b\"",
            "2026/11/22 10:15:01 [error] 1#1: *1 ",
            ", client: ",
            ", request: \"",
            "nginx: [emerg] ",
            "{\"status\":404,",
            "\"upstream\":{\"addr\":\"",
            "\\u00",
            "\\",
            "}",
            "]",
            "\"",
            "Service \"",
            "Event(",
            "\n",
            "\r",
            "=",
            "<",
            "annotation group ",
            " contains risky annotation based on ingress configuration",
            "Unexpected failure reloading the backend:",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn scan(template: &str, streams: &[Vec<u8>]) -> Scan {
    let mut options = Options::new(settings(template), Filter::default());
    options.groups = 8;
    options.asked = Some(Asked { path: "/a".to_owned(), ..Asked::default() });
    let mut scanner = Scanner::new(options);
    for (number, stream) in streams.iter().enumerate() {
        scanner.push_block(number, stream);
    }
    scanner.finish()
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(line in line_like(), template in "[ \\[\\]\"${}a-z_]{0,40}") {
        let now = stamp::rfc3339(b"2026-11-22T10:15:01Z");
        for template in ["", r#"{"s":$status,"u":"$request_uri"}"#, "$status $host \"$request\"", template.as_str()] {
            let settings = settings(template);
            let format = LogFormat::of(&settings);
            if let Line::Access(access) = parse(&line, &format, now) {
                let _ = voice_of_line(&access, &settings);
                let _ = attempts(access.addresses.bytes()).count();
            }
            let found = scan(template, std::slice::from_ref(&line));
            let lines = line.split(|b| *b == b'\n').filter(|line| !line.is_empty()).count();
            prop_assert_eq!(found.streams.iter().map(|s| s.lines).sum::<u64>(), lines as u64);
        }
        let _ = stamp::any(&line);
        let _ = unescape(&line);
        let _ = json::parse(&line, None);
        let _ = path_template::of(&line);
        let _ = upstream_name::kind(&line);
    }

    #[test]
    fn what_the_default_format_prints_is_read_back(
        target in "/[a-zA-Z0-9._~%/?=&-]{0,40}",
        agent in "[ -!#-\\[\\]-~]{1,30}",
        status in 100u16..600,
        attempts in prop::collection::vec((0u8..255, 1u16..9999, 100u16..600), 1..4),
        redirected in any::<bool>(),
        stamped in any::<bool>(),
    ) {
        let separator = if redirected { " : " } else { ", " };
        let list = |of: &dyn Fn(&(u8, u16, u16)) -> String| {
            attempts.iter().map(of).collect::<Vec<_>>().join(separator)
        };
        let addresses = list(&|(host, port, _)| format!("10.0.0.{host}:{port}"));
        let lengths = list(&|(_, port, _)| port.to_string());
        let statuses = list(&|(_, _, status)| status.to_string());
        let stamp = if stamped { "2026-11-22T10:15:02.000000001Z " } else { "" };
        let line = format!(
            "{stamp}203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] \"GET {target} HTTP/1.1\" {status} 9 \"-\" \"{agent}\" 81 0.012 [shop-web-80] [] {addresses} {lengths} {lengths} {statuses} 0a1b"
        );
        let Line::Access(access) = parse(line.as_bytes(), &LogFormat::IngressNginx, None) else {
            return Err(TestCaseError::fail(line));
        };
        prop_assert_eq!(access.target.bytes(), target.as_bytes());
        prop_assert_eq!(access.status, Some(status));
        prop_assert_eq!(access.addresses.bytes(), addresses.as_bytes());
        prop_assert_eq!(access.lengths.bytes(), lengths.as_bytes());
        prop_assert_eq!(access.statuses.bytes(), statuses.as_bytes());
    }

    #[test]
    fn what_a_json_template_prints_is_read_back(target in "/[ -!#-\\[\\]-~]{0,40}", status in 100u16..600) {
        let line = format!(
            r#"{{"vhost":"a.b","request_uri":{},"status":{status},"upstream_status":"{status}"}}"#,
            serde_json::Value::from(target.as_str())
        );
        let access = json::parse(line.as_bytes(), None).expect("json");
        prop_assert_eq!(access.target.bytes(), target.as_bytes());
        prop_assert_eq!(access.status, Some(status));
    }

    #[test]
    fn streams_may_be_read_in_any_order(
        lines in prop::collection::vec((0u32..50, 0usize..3, prop::sample::select(vec![200u16, 404, 503])), 1..60),
    ) {
        let line = |second: u32, stream: usize, status: u16| {
            format!(
                "203.0.113.7 - - [22/Nov/2026:10:15:{second:02} +0000] \"GET /a HTTP/1.1\" {status} 9 \"-\" \"{stream}\" 81 0.012 [shop-web-80] [] 10.0.0.1:80 9 0.0 {status} 0a\n"
            )
        };
        let mut streams = [String::new(), String::new(), String::new()];
        let mut sorted = lines;
        sorted.sort_unstable();
        // One outcome a second: within a second the log itself does not tell the order.
        sorted.dedup_by_key(|(second, _, _)| *second);
        for (second, stream, status) in sorted {
            streams[stream].push_str(&line(second, stream, status));
        }
        let run = |order: [usize; 3]| {
            let mut options = Options::new(Settings::default(), Filter::default());
            options.asked = Some(Asked { path: "/a".to_owned(), ..Asked::default() });
            let mut scanner = Scanner::new(options);
            for number in order {
                scanner.push_block(number, streams[number].as_bytes());
            }
            scanner.finish()
        };
        let forward = run([0, 1, 2]);
        for order in [[2, 1, 0], [1, 0, 2]] {
            let other = run(order);
            prop_assert_eq!(&other.requests, &forward.requests);
            prop_assert_eq!(&other.asked, &forward.asked);
        }
    }
}
