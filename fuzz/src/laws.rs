//! Laws of the parsers and matchers over arbitrary bytes: none panics, the same input gives the same
//! answer, and what is read is what was there. The fuzz targets and the property tests both call these.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use routecause::analysis::logs::access::{attempts, unescape};
use routecause::analysis::logs::custom::Template;
use routecause::analysis::logs::filter::Filter;
use routecause::analysis::logs::klog::Structured;
use routecause::analysis::logs::messages::{self, Level};
use routecause::analysis::logs::scan::{Options, Scanner};
use routecause::analysis::logs::{
    Line, LogFormat, json, klog, nginx_error, parse, path_template, stamp, upstream_name,
};
use routecause::analysis::routing::{Input, Outcome, model_for};
use routecause::analysis::voice::voice_of_line;
use routecause::evidence::capture::archive::{self, Limits};
use routecause::evidence::capture::{Capture, Files};
use routecause::evidence::cluster::{Cluster, Source};
use routecause::evidence::gather;
use routecause::model::controller::{ConfigSeen, ControllerKind, Settings};
use routecause::model::host::HostName;
use routecause::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};
use routecause::model::object::ObjectMeta;
use routecause::model::request::{Request, RequestPath};
use routecause::model::snapshot::Snapshot;

fn now() -> Option<DateTime<Utc>> {
    stamp::rfc3339(b"2026-11-22T10:15:00Z")
}

fn settings(template: &str) -> Settings {
    let data = [("log-format-upstream".to_owned(), template.to_owned())];
    Settings { config: ConfigSeen::Known(data.into()), ..Settings::default() }
}

/// A line under one format: the same twice, and with the line end of Windows.
fn line_under(line: &[u8], settings: &Settings) {
    let format = LogFormat::of(settings);
    let read = parse(line, &format, now());
    assert_eq!(read, parse(line, &format, now()));
    if !line.ends_with(b"\r") {
        assert_eq!(read, parse(&[line, b"\r"].concat(), &format, now()));
    }
    if let Line::Access(access) = &read {
        assert_eq!(voice_of_line(access, settings), voice_of_line(access, settings));
        assert!(attempts(access.addresses.bytes()).count() <= line.len() + 1);
        assert!(access.path().is_none_or(|path| path.len() <= access.target.bytes().len()));
    }
}

/// Access lines in every format, and the scan over them: a scan counts each line once and does not
/// depend on how they come.
pub fn access_log(data: &[u8]) {
    static FORMATS: LazyLock<Vec<Settings>> = LazyLock::new(|| {
        let templates = [
            r#"{"time":"$time_iso8601","uri":"$request_uri","host":"$host","status":$status,"up":"$upstream_addr"}"#,
            "$remote_addr [$time_local] \"$request\" $status $host [$proxy_upstream_name] $upstream_addr $upstream_status",
            "$status",
        ];
        std::iter::once(Settings::default()).chain(templates.map(settings)).collect()
    });
    for settings in FORMATS.iter() {
        for line in data.split(|byte| *byte == b'\n') {
            line_under(line, settings);
        }
        let scanner =
            || Scanner::new(Options { now: now(), ..Options::new(settings.clone(), Filter::default()) });
        let (mut whole, mut single) = (scanner(), scanner());
        whole.push_block(0, data);
        for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            single.push(0, line);
        }
        let (whole, single) = (whole.finish(), single.finish());
        assert_eq!(whole.requests, single.requests);
        assert_eq!(whole.messages, single.messages);
        let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
        assert_eq!(whole.streams.iter().map(|stream| stream.lines).sum::<u64>(), lines);
    }
    let _ = stamp::any(data);
    let _ = upstream_name::kind(data);
    assert!(unescape(data).len() <= data.len());
}

/// The controller's own messages.
pub fn controller_message(data: &[u8]) {
    assert_eq!(klog::parse(data, now()), klog::parse(data, now()));
    assert!(klog::is_klog(data) || klog::parse(data, now()).is_none());
    let text = String::from_utf8_lossy(data);
    if let Some(structured) = Structured::read(&text) {
        let _ = structured.get("ingress");
    }
    for level in [Level::Info, Level::Warning, Level::Error] {
        assert_eq!(messages::classify(level, &text), messages::classify(level, &text));
    }
    let within = |part: &str| assert!(text.contains(part));
    messages::emergency(&text).into_iter().for_each(within);
    within(messages::without_place(&text));
}

/// The proxy's error log.
pub fn nginx_error_log(data: &[u8]) {
    let read = nginx_error::parse(data);
    assert_eq!(read, nginx_error::parse(data));
    assert!(nginx_error::is_error_log(data) || read.is_none());
}

/// Access lines in JSON.
pub fn json_log(data: &[u8]) {
    assert_eq!(json::parse(data, None), json::parse(data, None));
    let keys = json::Keys::of_template(r#"{"s":"$status","r":{"u":"$request_uri"},"a":"$upstream_addr"}"#);
    assert!(keys.is_some());
    assert_eq!(json::parse(data, keys.as_ref()), json::parse(data, keys.as_ref()));
    let text = String::from_utf8_lossy(data);
    let _ = json::Keys::of_template(&text);
}

/// A log format of one's own, before the first NUL, and a line in it.
pub fn custom_log_format(data: &[u8]) {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (template, line) = data.split_at(at);
    let template = String::from_utf8_lossy(template);
    let line = line.get(1..).unwrap_or_default();
    for escaped in [true, false] {
        if let Some(template) = Template::compile(&template, escaped) {
            let format = LogFormat::Custom(template);
            assert_eq!(parse(line, &format, None), parse(line, &format, None));
        }
    }
    line_under(line, &settings(&template));
}

/// Paths that fall together.
pub fn path_shape(data: &[u8]) {
    let template = path_template::of(data);
    assert!(template.starts_with(path_template::literal_prefix(&template)));
    assert!(template.len() <= 400, "{}", template.len());
    let mut appended = b"x".to_vec();
    path_template::append(data, &mut appended);
    assert_eq!(appended.get(1..), Some(&template[..]));
}

const SMALL: Limits = Limits { total: 1 << 20, file: 256 << 10, files: 64 };

/// An archive or file: nothing is read beyond the limits or named outside the root.
pub fn capture_archive(data: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), data).expect("written");
    let Ok(contents) = archive::read(file.path(), SMALL) else { return };
    assert!(contents.unpacked <= SMALL.total + 1, "{}", contents.unpacked);
    assert!(contents.files.len() <= SMALL.files);
    for path in contents.files.keys() {
        assert!(
            !path.starts_with('/') && !path.split('/').any(|part| part == ".." || part.is_empty()),
            "{path:?}"
        );
    }
    let _ = Capture::from_files(contents.files, contents.gaps, "fuzz");
}

/// Objects as YAML, or as JSON when the first byte is odd, taken all the way into the model.
pub fn objects(data: &[u8]) {
    let [first, rest @ ..] = data else { return };
    let name = if first % 2 == 1 { "objects.json" } else { "objects.yaml" };
    let files: Files = [(name.to_owned(), Cow::Owned(rest.to_vec()))].into();
    let Ok(capture) = Capture::from_files(files, Vec::new(), "fuzz") else { return };
    let cluster = Cluster::new(Source::Capture(Box::new(capture)), now());
    futures::executor::block_on(async {
        let mut snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
        let namespaces = snapshot.ingresses.items().iter().map(|ingress| ingress.meta.namespace.clone());
        let namespaces: BTreeSet<String> = namespaces.collect();
        gather::backends(&cluster, &mut snapshot, &namespaces).await;
        gather::changes(&cluster, &mut snapshot, &namespaces).await;
    });
}

/// A URL that is read is written as it was read.
pub fn request_url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(request) = Request::parse(&text) {
        assert_eq!(Request::parse(&request.url()).as_ref(), Ok(&request), "{text:?}");
        assert!(!request.target().contains(|c: char| c.is_control() || c == ' '), "{text:?}");
        assert!(!request.authority().contains(|c: char| c.is_control() || c.is_whitespace()), "{text:?}");
    }
    if let Ok(host) = HostName::parse(&text) {
        assert_eq!(HostName::parse(host.as_str()).as_ref(), Ok(&host), "{text:?}");
    }
    if let Ok(path) = RequestPath::parse(&text) {
        assert_eq!(path.as_str(), text);
    }
}

/// Choices out of bytes; once they are used up every choice is the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()].clone()
    }

    fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 24).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    /// One of these words, or any.
    fn word(&mut self, words: &[&str]) -> String {
        if self.byte().is_multiple_of(4) { self.text() } else { self.one(words).to_owned() }
    }

    fn ingress(&mut self, number: usize) -> Ingress {
        let hosts = ["a.example", "*.example", "", "b.example", "A.example"];
        let paths = ["/", "/a", "/a/", "/a/b", "", "/a/(.*)", "/a(/|$)(.*)", "^/a", "/%61", "//a"];
        let keys = [
            "use-regex",
            "rewrite-target",
            "server-alias",
            "permanent-redirect",
            "temporal-redirect",
            "app-root",
            "canary",
            "canary-weight",
            "canary-by-header",
            "default-backend",
            "force-ssl-redirect",
            "from-to-www-redirect",
            "auth-url",
            "custom-http-errors",
            "ssl-passthrough",
            "server-snippet",
        ];
        let values = [
            "true",
            "false",
            "/$2",
            "/$1",
            "b.example,~^w[0-9]+$",
            "https://b.example/",
            "100",
            "404,500",
            "one",
        ];
        let annotations = (0..self.byte() % 4)
            .map(|_| (format!("nginx.ingress.kubernetes.io/{}", self.one(&keys)), self.word(&values)))
            .collect();
        let rules = (0..self.byte() % 4).map(|_| {
            let host = self.word(&hosts);
            let paths = (0..self.byte() % 4).map(|_| PathRule {
                path: self.word(&paths),
                path_type: self.one(&[PathType::Prefix, PathType::Exact, PathType::ImplementationSpecific]),
                backend: self.backend(),
            });
            let paths = paths.collect();
            Rule { host: (!host.is_empty()).then_some(host), paths: Some(paths) }
        });
        Ingress {
            rules: rules.collect(),
            meta: ObjectMeta {
                namespace: "n".to_owned(),
                name: format!("i{number}"),
                created: DateTime::from_timestamp(i64::from(self.byte() % 3), 0),
                annotations,
                ..ObjectMeta::default()
            },
            default_backend: self.byte().is_multiple_of(5).then(|| self.backend()),
            tls: if self.byte().is_multiple_of(3) { vec![Tls::default()] } else { Vec::new() },
            ..Ingress::default()
        }
    }

    fn backend(&mut self) -> Backend {
        match self.byte() % 8 {
            0 => Backend::Missing,
            1 => Backend::Resource { kind: "Bucket".to_owned(), name: self.text() },
            _ => Backend::Service {
                name: self.word(&["one", "two"]),
                port: self.one(&[PortRef::Number(80), PortRef::Name("http".to_owned()), PortRef::Unset]),
            },
        }
    }
}

/// Any Ingresses and any request, under every model: there is one answer, and it does not depend on the
/// order of objects.
pub fn routing(data: &[u8]) {
    let mut choices = Choices(data);
    let count = usize::from(choices.byte() % 5);
    let ingresses: Vec<Ingress> = (0..count).map(|number| choices.ingress(number)).collect();
    let scheme = choices.one(&["http", "https"]);
    let host = choices.word(&["a.example", "b.example", "w1", "x.example", "www.a.example"]);
    let path = choices.word(&["/", "/a", "/a/b", "/A", "/a/../b", "//a", "/%61", "/a%2fb"]);
    let Ok(request) = Request::parse(&format!("{scheme}://{host}{path}")) else { return };
    let snapshot = Snapshot::empty(DateTime::UNIX_EPOCH);
    let (one, other): (Vec<&Ingress>, Vec<&Ingress>) =
        (ingresses.iter().collect(), ingresses.iter().rev().collect());
    for model in ControllerKind::ALL.into_iter().filter_map(model_for) {
        let [one, other] = [&one, &other].map(|ingresses| {
            model.compile(&Input { ingresses, snapshot: &snapshot, settings: &Settings::default() })
        });
        let decision = one.decide(&request);
        assert_eq!(decision, other.decide(&request), "{:?}", model.kind());
        assert!(decision.outcome == Outcome::Undefined || decision.one_of.is_empty(), "{decision:?}");
        let explanation = one.explain(&request, 3);
        assert_eq!(explanation, other.explain(&request, 3), "{:?}", model.kind());
        assert!(explanation.eliminated.len() <= 3 && explanation.nearest.len() <= 3);
        assert_eq!(one.refused(), other.refused());
    }
}
