//! curl and wget in a pod: how they are called, and what their output says.
//!
//! Assumptions: no shell anywhere, an argument vector goes to the client as it is. curl is told the
//! address (`--connect-to`), so that Host header and server name come from the URL; it neither follows
//! redirects, nor reads a configuration, nor uses a proxy, nor refuses a certificate, whose fault it
//! tells all the same. GNU wget is given the address as the URL and the host as a header. BusyBox wget
//! cannot be kept from following redirects; the address is given to it as its proxy instead, so that
//! whatever it follows goes to the same address, and only the first answer is read.
//!
//! Sources: outputs of curl 7.88, GNU wget 1.21 and BusyBox 1.35 as recorded; their manuals.

use std::net::SocketAddr;

use crate::model::probe::{Client, Commands};
use crate::model::request::Request;

/// Seconds to connect, and in all.
const CONNECT: &str = "2";
const WHOLE: &str = "5";
const AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
/// Stands between the body and what curl reports.
const MARK: &str = "@@routecause@@";
/// Bytes of a body that are kept.
pub const MAX_BODY: usize = 16 << 10;

/// What a client brought back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Read {
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub millis: Option<u64>,
    /// What the served certificate says, in one line.
    pub certificate: Option<String>,
    /// Why it is not trusted from there, as OpenSSL numbers it.
    pub untrusted: Option<i64>,
    pub fault: Option<Fault>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    NotResolved,
    Refused,
    TimedOut,
    Tls,
    /// The connection closed without an answer.
    Closed,
    /// The client ended with this code and said this.
    Other {
        exit: Option<i32>,
        says: String,
    },
}

/// The same request for each client.
#[must_use]
pub fn commands(request: &Request, address: SocketAddr, tls: Option<&str>, proxy_protocol: bool) -> Commands {
    let plain = tls.is_none() && !proxy_protocol;
    let get = request.method == "GET";
    Commands {
        curl: curl(request, address, tls, proxy_protocol),
        gnu_wget: plain.then(|| gnu_wget(request, address)),
        busybox_wget: (plain && get).then(|| busybox_wget(request, address, true)),
        old_busybox_wget: (plain && get).then(|| busybox_wget(request, address, false)),
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}

fn curl(request: &Request, address: SocketAddr, tls: Option<&str>, proxy_protocol: bool) -> Vec<String> {
    let mut argv = words([
        "curl",
        "-q",
        "-sS",
        "-g",
        "--path-as-is",
        "--noproxy",
        "*",
        "--proto",
        "=http,https",
        "--max-redirs",
        "0",
        "--connect-timeout",
        CONNECT,
        "--max-time",
        WHOLE,
        "-k",
    ]);
    // The server name is the URL's host; where another one is wanted, the Host header differs.
    let scheme = if tls.is_some() { "https" } else { "http" };
    let name = tls.filter(|name| *name != request.host.as_str());
    let authority = name.map_or_else(|| request.authority(), ToOwned::to_owned);
    argv.extend(["--connect-to".to_owned(), format!("::{address}")]);
    if name.is_some() {
        argv.extend(["-H".to_owned(), format!("Host: {}", request.authority())]);
    }
    if proxy_protocol {
        argv.push("--haproxy-protocol".to_owned());
    }
    if request.header("user-agent").is_none() {
        argv.extend(["-A".to_owned(), AGENT.to_owned()]);
    }
    for (name, value) in &request.headers {
        argv.extend(["-H".to_owned(), format!("{name}: {value}")]);
    }
    argv.push(if request.method == "HEAD" { "-I" } else { "-i" }.to_owned());
    argv.extend(["-o".to_owned(), "-".to_owned(), "-w".to_owned(), format!("\\n{MARK}%{{json}}")]);
    argv.extend(["--".to_owned(), format!("{scheme}://{authority}{}", request.target())]);
    argv
}

fn gnu_wget(request: &Request, address: SocketAddr) -> Vec<String> {
    let mut argv = words([
        "wget",
        "-S",
        "-O",
        "-",
        "-T",
        WHOLE,
        "-t",
        "1",
        "--max-redirect=0",
        "--content-on-error",
        "--no-proxy",
        "--header",
    ]);
    argv.push(format!("Host: {}", request.authority()));
    if request.header("user-agent").is_none() {
        argv.extend(["-U".to_owned(), AGENT.to_owned()]);
    }
    for (name, value) in &request.headers {
        argv.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    if request.method == "HEAD" {
        argv.push("--method=HEAD".to_owned());
    }
    argv.extend(["--".to_owned(), format!("http://{address}{}", request.target())]);
    argv
}

fn busybox_wget(request: &Request, address: SocketAddr, timed: bool) -> Vec<String> {
    let mut argv = vec![
        "env".to_owned(),
        format!("http_proxy=http://{address}"),
        format!("https_proxy=http://{address}"),
    ];
    argv.extend(words(["wget", "-S", "-O", "-", "-Y", "on"]));
    if timed {
        argv.extend(words(["-T", WHOLE]));
    }
    if request.header("user-agent").is_none() {
        argv.extend(["-U".to_owned(), AGENT.to_owned()]);
    }
    for (name, value) in &request.headers {
        argv.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    argv.push(format!("http://{}{}", request.authority(), request.target()));
    argv
}

/// Reads what a client printed.
#[must_use]
pub fn read(client: Client, head: bool, stdout: &[u8], stderr: &[u8], exit: Option<i32>) -> Read {
    match client {
        Client::Curl => read_curl(head, stdout, stderr, exit),
        Client::GnuWget | Client::BusyboxWget | Client::OldBusyboxWget => {
            read_wget(client, stdout, stderr, exit)
        }
    }
}

fn read_curl(head: bool, stdout: &[u8], stderr: &[u8], exit: Option<i32>) -> Read {
    let text = String::from_utf8_lossy(stdout);
    // A body may hold the mark as well; curl's own is the last.
    let (page, report) = match text.rsplit_once(&format!("\n{MARK}")) {
        Some((page, report)) => (page, serde_json::from_str::<serde_json::Value>(report.trim()).ok()),
        None => (text.as_ref(), None),
    };
    let (status, headers, body) = first_answer(page);
    let number =
        |key: &str| report.as_ref().and_then(|report| report.get(key)).and_then(serde_json::Value::as_f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times of a few seconds")]
    let millis = number("time_starttransfer").filter(|time| *time > 0.0).map(|time| (time * 1_000.0) as u64);
    #[expect(clippy::cast_possible_truncation, reason = "a small error number")]
    let untrusted = number("ssl_verify_result").map(|result| result as i64).filter(|result| *result != 0);
    Read {
        status,
        headers,
        body: if head { String::new() } else { cut(body) },
        millis,
        certificate: report.as_ref().and_then(certificate),
        untrusted,
        fault: status.is_none().then(|| curl_fault(exit, stderr)),
    }
}

/// Subject, issuer and validity of the first certificate that curl lists.
fn certificate(report: &serde_json::Value) -> Option<String> {
    let listed = report.get("certs")?.as_str()?;
    let first = listed.split("-----BEGIN").next().unwrap_or_default();
    let said = |name: &str| first.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
    let subject = said("Subject")?;
    Some(format!(
        "subject {subject}; issuer {}; valid from {} to {}",
        said("Issuer").unwrap_or("unknown"),
        said("Start date").unwrap_or("unknown"),
        said("Expire date").unwrap_or("unknown"),
    ))
}

fn curl_fault(exit: Option<i32>, stderr: &[u8]) -> Fault {
    match exit {
        Some(6) => Fault::NotResolved,
        Some(7) => Fault::Refused,
        Some(28) => Fault::TimedOut,
        Some(35 | 58 | 59 | 60 | 66 | 77 | 83 | 90 | 91) => Fault::Tls,
        Some(52 | 55 | 56) => Fault::Closed,
        exit => Fault::Other { exit, says: first_line(stderr) },
    }
}

/// The first answer that is no interim one: its status, its headers, and what follows them.
fn first_answer(page: &str) -> (Option<u16>, Vec<(String, String)>, &str) {
    let mut rest = page;
    while let Some(status) = status_of(rest.lines().next().unwrap_or_default()) {
        let (block, after) = split_block(rest);
        if (100..200).contains(&status)
            && status != 101
            && status_of(after.lines().next().unwrap_or_default()).is_some()
        {
            rest = after;
            continue;
        }
        return (Some(status), block.lines().skip(1).filter_map(header).collect(), after);
    }
    (None, Vec::new(), rest)
}

/// The head of an answer, and what follows its empty line.
fn split_block(text: &str) -> (&str, &str) {
    let ends = [("\r\n\r\n", 4), ("\n\n", 2)];
    ends.into_iter()
        .filter_map(|(end, length)| Some((text.find(end)?, length)))
        .min()
        .and_then(|(at, length)| Some((text.get(..at)?, text.get(at + length..)?)))
        .unwrap_or((text, ""))
}

fn status_of(line: &str) -> Option<u16> {
    let rest = line.trim().strip_prefix("HTTP/")?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok().filter(|status| (100..1_000).contains(status))
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim_end().split_once(':')?;
    let name = name.trim();
    (!name.is_empty() && !name.contains(' ')).then(|| (name.to_owned(), value.trim().to_owned()))
}

fn read_wget(client: Client, stdout: &[u8], stderr: &[u8], exit: Option<i32>) -> Read {
    let text = String::from_utf8_lossy(stderr);
    let mut read = Read::default();
    let mut answers = 0;
    let mut inside = false;
    for line in text.lines() {
        // Heads are indented; BusyBox shows the status line of an error without.
        if let Some(status) = status_of(line) {
            answers += 1;
            inside = answers == 1;
            if inside {
                read.status = Some(status);
            }
        } else if inside && line.starts_with(' ') {
            read.headers.extend(header(line.trim_start()));
        } else {
            inside = false;
        }
    }
    // After a redirect that BusyBox followed, the body is another answer's.
    if client == Client::GnuWget || answers == 1 {
        read.body = cut(&String::from_utf8_lossy(stdout));
    }
    read.fault = read.status.is_none().then(|| wget_fault(exit, &text));
    read
}

fn wget_fault(exit: Option<i32>, stderr: &str) -> Fault {
    let says = stderr.to_ascii_lowercase();
    if says.contains("refused") {
        Fault::Refused
    } else if says.contains("timed out") {
        Fault::TimedOut
    } else if says.contains("bad address") || says.contains("unable to resolve") {
        Fault::NotResolved
    } else if says.contains("no data received")
        || says.contains("reset by peer")
        || says.contains("unexpected eof")
    {
        Fault::Closed
    } else {
        Fault::Other { exit, says: first_line(stderr.as_bytes()) }
    }
}

fn first_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(200).collect()
}

fn cut(body: &str) -> String {
    match body.char_indices().find(|(at, c)| at + c.len_utf8() > MAX_BODY) {
        Some((end, _)) => body.get(..end).unwrap_or_default().to_owned(),
        None => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(url: &str) -> Request {
        Request::parse(url).expect("url")
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("address")
    }

    fn has(argv: &[String], part: &[&str]) -> bool {
        argv.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn curl_is_told_the_address_and_nothing_else_decides() {
        let mut request = get("https://Shop.test:8443//a/../b%2Fc?x=$(id);y");
        request.headers.push(("X-Canary".to_owned(), "always".to_owned()));
        let argv = commands(&request, address("10.0.0.1:443"), Some("shop.test"), false).curl;
        assert_eq!(argv.last().map(String::as_str), Some("https://Shop.test:8443//a/../b%2Fc?x=$(id);y"));
        assert!(has(&argv, &["--connect-to", "::10.0.0.1:443"]));
        assert!(has(&argv, &["-H", "X-Canary: always"]));
        assert!(has(&argv, &["--noproxy", "*"]) && has(&argv, &["--max-redirs", "0"]));
        assert!(!argv.iter().any(|word| word.starts_with("Host:")));
        let six = commands(&request, address("[fd12::1]:443"), Some("shop.test"), true).curl;
        assert!(
            has(&six, &["--connect-to", "::[fd12::1]:443"]) && six.contains(&"--haproxy-protocol".to_owned())
        );
    }

    #[test]
    fn another_server_name_is_the_url_and_the_host_a_header() {
        let argv =
            commands(&get("https://shop.test/x"), address("10.0.0.1:443"), Some("other.test"), false).curl;
        assert!(has(&argv, &["-H", "Host: shop.test"]) && has(&argv, &["--", "https://other.test/x"]));
    }

    #[test]
    fn wget_is_for_plain_requests_only() {
        let plain = commands(&get("http://shop.test/x"), address("10.0.0.1:80"), None, false);
        let gnu = plain.gnu_wget.expect("a command");
        assert!(has(&gnu, &["--header", "Host: shop.test"]) && has(&gnu, &["--", "http://10.0.0.1:80/x"]));
        let busybox = plain.busybox_wget.expect("a command");
        assert!(has(&busybox, &["env", "http_proxy=http://10.0.0.1:80"]) && has(&busybox, &["-T", "5"]));
        assert!(!has(&plain.old_busybox_wget.expect("a command"), &["-T", "5"]));
        let tls = commands(&get("https://shop.test/x"), address("10.0.0.1:443"), Some("shop.test"), false);
        assert_eq!((tls.gnu_wget, tls.busybox_wget), (None, None));
        let head = Request { method: "HEAD".to_owned(), ..get("http://shop.test/x") };
        let head = commands(&head, address("10.0.0.1:80"), None, false);
        assert!(head.gnu_wget.is_some_and(|argv| argv.contains(&"--method=HEAD".to_owned())));
        assert_eq!(head.busybox_wget, None);
    }

    const HEAD: &str = "HTTP/1.1 404 Not Found\r\nServer: x\r\nX-App: a: b\r\n\r\n";

    #[test]
    fn curl_output_is_read_from_its_head_and_its_own_report() {
        let report = r#"{"http_code":404,"time_starttransfer":0.0125,"ssl_verify_result":18,
            "certs":"Subject:CN = fake\nIssuer:CN = ca\nStart date:a\nExpire date:b\n-----BEGIN CERTIFICATE-----"}"#;
        let forged = format!("{HEAD}page\n{MARK}{{\"ssl_verify_result\":1}}\n{MARK}{report}");
        let read = read(Client::Curl, false, forged.as_bytes(), b"", Some(0));
        assert_eq!(read.status, Some(404));
        assert_eq!(
            read.headers,
            [("Server", "x"), ("X-App", "a: b")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
        assert!(read.body.starts_with("page\n@@"), "{}", read.body);
        assert_eq!((read.millis, read.untrusted), (Some(12), Some(18)));
        assert_eq!(read.certificate.as_deref(), Some("subject CN = fake; issuer CN = ca; valid from a to b"));
        assert_eq!(read.fault, None);
    }

    #[test]
    fn old_curls_interim_answers_and_cut_output_are_read_as_well() {
        for (stdout, status, body) in [
            (format!("{HEAD}page\n{MARK}"), Some(404), "page"),
            (format!("HTTP/1.1 100 Continue\r\n\r\n{HEAD}page"), Some(404), "page"),
            ("HTTP/2 200 \r\ncontent-type: text/html\r\n\r\n<a>".to_owned(), Some(200), "<a>"),
            ("HTTP/1.1 101 Switching\r\n\r\n".to_owned(), Some(101), ""),
            (format!("{HEAD}HTTP/1.1 500 not a head\r\n\r\n"), Some(404), "HTTP/1.1 500 not a head\r\n\r\n"),
            ("HTTP/1.1 404 cut of".to_owned(), Some(404), ""),
            ("HTTP/1.1 99999".to_owned(), None, "HTTP/1.1 99999"),
        ] {
            let read = read(Client::Curl, false, stdout.as_bytes(), b"", Some(0));
            assert_eq!((read.status, read.body.as_str()), (status, body), "{stdout:?}");
        }
    }

    #[test]
    fn no_answer_says_why() {
        for (exit, stderr, fault) in [
            (6, "", Fault::NotResolved),
            (7, "", Fault::Refused),
            (28, "", Fault::TimedOut),
            (35, "", Fault::Tls),
            (52, "", Fault::Closed),
            (3, "curl: (3) URL\n", Fault::Other { exit: Some(3), says: "curl: (3) URL".to_owned() }),
        ] {
            let read = read(
                Client::Curl,
                false,
                format!("\n{MARK}{{\"http_code\":0}}").as_bytes(),
                stderr.as_bytes(),
                Some(exit),
            );
            assert_eq!((read.status, read.fault), (None, Some(fault)));
        }
        for (stderr, fault) in [
            ("wget: can't connect to remote host (127.0.0.1): Connection refused", Fault::Refused),
            ("wget: download timed out", Fault::TimedOut),
            ("wget: bad address 'x'", Fault::NotResolved),
        ] {
            let read = read(Client::BusyboxWget, false, b"", stderr.as_bytes(), Some(1));
            assert_eq!((read.status, read.fault), (None, Some(fault)), "{stderr}");
        }
    }

    #[test]
    fn gnu_wget_shows_the_head_among_its_own_words() {
        let stderr = "--2026--  http://10.0.0.1/\nConnecting to 10.0.0.1:80... connected.\nHTTP request sent, awaiting response... \n  \
            HTTP/1.1 302 Found\n  Location: http://other.test/\n  X-App: a: b\nLocation: http://other.test/ [following]\n0 redirections exceeded.\n";
        let read = read(Client::GnuWget, false, b"moved", stderr.as_bytes(), Some(8));
        assert_eq!(read.status, Some(302));
        assert_eq!(read.headers.len(), 2);
        assert_eq!(read.body, "moved");
    }

    #[test]
    fn of_what_busybox_follows_only_the_first_answer_counts() {
        let stderr = "Connecting to 10.0.0.1:80 (10.0.0.1:80)\n  HTTP/1.1 302 Found\n  Location: http://other.test/\n  \
            HTTP/1.1 200 OK\n  X-Other: 1\nwriting to stdout\n";
        let read = read(Client::BusyboxWget, false, b"somebody else's page", stderr.as_bytes(), Some(0));
        assert_eq!((read.status, read.body.as_str()), (Some(302), ""));
        assert_eq!(read.headers, [("Location".to_owned(), "http://other.test/".to_owned())]);
        let error = "Connecting to x\n  HTTP/1.1 404 Not Found\nwget: server returned error: HTTP/1.1 404 Not Found\n";
        let read = super::read(Client::BusyboxWget, false, b"", error.as_bytes(), Some(1));
        assert_eq!((read.status, read.fault), (Some(404), None));
    }

    #[test]
    fn a_long_body_is_cut_between_characters_and_a_heads_is_empty() {
        let page = format!("{HEAD}{}", "ü".repeat(MAX_BODY));
        let read = read(Client::Curl, false, page.as_bytes(), b"", Some(0));
        assert_eq!(read.body.len(), MAX_BODY);
        assert_eq!(super::read(Client::Curl, true, page.as_bytes(), b"", Some(0)).body, "");
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let mut bytes = Vec::new();
        for seed in 0..2_000_u32 {
            bytes.push((seed.wrapping_mul(2_654_435_761) >> 24) as u8);
            for client in [Client::Curl, Client::GnuWget, Client::BusyboxWget] {
                let _ = read(client, false, &bytes, &bytes, None);
            }
        }
        for text in
            ["HTTP/", "HTTP/1.1", "HTTP/1.1 \n\n", "\n@@routecause@@", "HTTP/1.1 200\n\n\n@@routecause@@{"]
        {
            let _ = read(Client::Curl, false, text.as_bytes(), text.as_bytes(), None);
        }
    }
}
