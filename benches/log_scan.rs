//! Speed of the log scan, beside a yardstick: counting the lines with ` 404 ` in them, as `grep -c` does.
//!
//! The log is made up in memory from lines of real shape, the same on every run: 404s of many paths,
//! successes, redirects, retries, error-log lines and controller messages.

use std::fmt::Write as _;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::BytesCount;
use routecause::analysis::logs::filter::Filter;
use routecause::analysis::logs::scan::{Asked, Options, Scanner};
use routecause::model::controller::Settings;
use routecause::model::host::HostName;

const SIZE: usize = 200 << 20;

/// One line in twenty is a 404.
static QUIET: LazyLock<String> = LazyLock::new(|| log(50, text_line));
/// One line in three is.
static STORM: LazyLock<String> = LazyLock::new(|| log(330, text_line));
static STAMPED: LazyLock<String> = LazyLock::new(|| log(50, stamped_line));
static JSON: LazyLock<String> = LazyLock::new(|| log(50, json_line));

fn main() {
    divan::main();
}

/// A generator of the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        let at = self.below(of.len() as u64);
        usize::try_from(at).ok().and_then(|at| of.get(at)).copied().unwrap_or_default()
    }
}

struct Sent<'a> {
    second: u64,
    client: u64,
    method: &'a str,
    path: String,
    status: u16,
    agent: &'a str,
    service: &'a str,
    host: &'a str,
    no_rule: bool,
    id: u64,
}

/// A log in which `missing` of a thousand requests end in a 404.
fn log(missing: u64, write: fn(&mut String, &Sent<'_>)) -> String {
    const AGENTS: [&str; 4] = [
        "curl/8.5.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
        "Mozilla/5.0 (compatible; examplebot/2.1; +http://bot.example.org/about)",
        "kube-probe/1.33",
    ];
    const WORDS: [&str; 8] = ["orders", "users", "cart", "invoices", "static", "search", "reports", "api"];
    let mut numbers = Numbers(42);
    let mut out = String::with_capacity(SIZE + 4096);
    let mut count = 0;
    while out.len() < SIZE {
        count += 1;
        let second = count / 500 % 86_400;
        match numbers.below(1000) {
            0 => {
                let _ = writeln!(
                    out,
                    "W1122 {}.123456       7 controller.go:1241] Service \"billing/{}\" does not have any active Endpoint.",
                    clock(second),
                    numbers.pick(&WORDS)
                );
                continue;
            }
            1..=9 => {
                let _ = writeln!(
                    out,
                    "2026/11/22 {} [error] 31#31: *{count} connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.{}, server: shop.example.com, request: \"GET /half/{count} HTTP/1.1\", upstream: \"http://10.42.2.27:8085/half/{count}\", host: \"shop.example.com\"",
                    clock(second),
                    numbers.below(256)
                );
                continue;
            }
            _ => {}
        }
        let is_missing = numbers.below(1000) < missing;
        let sent = Sent {
            second,
            client: numbers.below(256),
            method: numbers.pick(&["GET", "GET", "GET", "POST"]),
            path: match numbers.below(3) {
                0 => format!("/{}/{}", numbers.pick(&WORDS), numbers.below(1_000_000)),
                1 => format!("/{}/{}?page={}", numbers.pick(&WORDS), numbers.pick(&WORDS), numbers.below(9)),
                _ => format!("/{}", numbers.pick(&WORDS)),
            },
            status: match numbers.below(6) {
                _ if is_missing => 404,
                0..3 => 200,
                3 => 304,
                4 => 503,
                _ => 301,
            },
            agent: numbers.pick(&AGENTS),
            service: numbers.pick(&WORDS),
            host: numbers.pick(&["shop.example.com", "billing.example.com", "media.example.com"]),
            no_rule: is_missing && numbers.below(2) == 0,
            id: numbers.below(u64::MAX),
        };
        write(&mut out, &sent);
        out.push('\n');
    }
    out
}

fn clock(second: u64) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

fn text_line(out: &mut String, sent: &Sent<'_>) {
    let Sent { client, method, path, status, agent, service, id, .. } = sent;
    let time = clock(sent.second);
    let (upstream, address) = if sent.no_rule {
        ("upstream-default-backend".to_owned(), "127.0.0.1:8181".to_owned())
    } else {
        (format!("shop-{service}-80"), format!("10.42.1.{client}:8080"))
    };
    let _ = write!(
        out,
        "203.0.113.{client} - - [22/Nov/2026:{time} +0000] \"{method} {path} HTTP/1.1\" {status} 146 \"-\" \"{agent}\" 262 0.004 [{upstream}] [] {address} 146 0.004 {status} {id:032x}"
    );
}

fn stamped_line(out: &mut String, sent: &Sent<'_>) {
    let _ = write!(out, "2026-11-22T{}.123456789Z ", clock(sent.second));
    text_line(out, sent);
}

fn json_line(out: &mut String, sent: &Sent<'_>) {
    let Sent { client, method, path, status, agent, service, host, id, .. } = sent;
    let time = clock(sent.second);
    let upstream =
        if sent.no_rule { "upstream-default-backend".to_owned() } else { format!("shop-{service}-80") };
    let _ = write!(
        out,
        "{{\"time\":\"2026-11-22T{time}+00:00\",\"remote_addr\":\"203.0.113.{client}\",\"request_id\":\"{id:032x}\",\"vhost\":\"{host}\",\"method\":\"{method}\",\"path\":\"{path}\",\"request_uri\":\"{path}\",\"status\":{status},\"bytes\":340,\"user_agent\":\"{agent}\",\"namespace\":\"shop\",\"ingress_name\":\"web\",\"service_name\":\"{service}\",\"proxy_upstream_name\":\"{upstream}\",\"upstream_addr\":\"10.42.1.{client}:8080\",\"upstream_status\":\"{status}\",\"request_time\":\"0.004\"}}"
    );
}

fn scan(bencher: Bencher<'_, '_>, log: &str, asked: Option<Asked>) {
    let mut options = Options::new(Settings::default(), Filter::status(404));
    options.asked = asked;
    bencher.counter(BytesCount::of_str(log)).bench(|| {
        let mut scanner = Scanner::new(options.clone());
        scanner.push_block(0, log.as_bytes());
        scanner.finish()
    });
}

/// Lines that hold the needle.
fn yardstick(bencher: Bencher<'_, '_>, log: &str, needle: &str) {
    let needle = memchr::memmem::Finder::new(needle);
    bencher.counter(BytesCount::of_str(log)).bench(|| {
        let mut rest = log.as_bytes();
        let mut lines = 0u64;
        while let Some(at) = needle.find(rest) {
            lines += 1;
            let tail = rest.get(at..).unwrap_or_default();
            let end = memchr::memchr(b'\n', tail).unwrap_or(tail.len());
            rest = tail.get(end..).unwrap_or_default();
        }
        lines
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn yardstick_quiet(bencher: Bencher<'_, '_>) {
    yardstick(bencher, &QUIET, " 404 ");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn yardstick_storm(bencher: Bencher<'_, '_>) {
    yardstick(bencher, &STORM, " 404 ");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn yardstick_json(bencher: Bencher<'_, '_>) {
    yardstick(bencher, &JSON, "404");
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_quiet(bencher: Bencher<'_, '_>) {
    scan(bencher, &QUIET, None);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_storm(bencher: Bencher<'_, '_>) {
    scan(bencher, &STORM, None);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_stamped(bencher: Bencher<'_, '_>) {
    scan(bencher, &STAMPED, None);
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_json(bencher: Bencher<'_, '_>) {
    scan(bencher, &JSON, None);
}

/// With the history of one URL, which one request in twenty-four asks for.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn scan_quiet_asked(bencher: Bencher<'_, '_>) {
    let host = HostName::parse("shop.example.com").ok();
    scan(bencher, &QUIET, Some(Asked { host, path: "/cart".to_owned(), ..Asked::default() }));
}
