//! Commands and requests into the cluster.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use routecause::evidence::live::{ExecLimits, ExecOutput, Live, LiveOptions, PodFault, ProbeLimits, Probes};
use routecause::model::gap::Why;
use routecause::model::object::Name;
use routecause::model::request::Request;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{live, options};
use crate::support::api_server::{ApiServer, Certificate, Reply, Step};

fn pod() -> Name {
    Name::new("shop", "client-1")
}

fn argv() -> Vec<String> {
    ["curl", "-sS", "--", "http://shop.example.com/a?b=c&d; rm -rf /"].map(str::to_owned).into()
}

fn success() -> Step {
    Step::Status(json!({"metadata": {}, "status": "Success"}))
}

const LIMITS: ExecLimits = ExecLimits { deadline: Duration::from_millis(1500), max_bytes: 64 << 10 };

async fn exec(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Result<ExecOutput, Why> {
    let (_server, live) = live(move |_| reply()).await;
    live.exec(&pod(), Some("client"), &argv(), LIMITS).await
}

async fn run(steps: Vec<Step>) -> ExecOutput {
    exec(move || Reply::Exec(steps.clone())).await.expect("output")
}

#[tokio::test]
async fn a_command_is_passed_as_it_is_and_both_streams_are_read() {
    let (server, live) = live(|_| {
        Reply::Exec(vec![
            Step::Stdout(b"out".to_vec()),
            Step::Stderr(b"err".to_vec()),
            Step::Stdout(b"put".to_vec()),
            success(),
        ])
    })
    .await;
    let output = live.exec(&pod(), Some("client"), &argv(), LIMITS).await.expect("output");
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"output"[..], &b"err"[..]));
    assert_eq!((output.exit, output.truncated, output.failure), (Some(0), false, None));
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("GET", "/api/v1/namespaces/shop/pods/client-1/exec")
    );
    assert_eq!(seen.raw_query.matches("command=").count(), 4);
    assert!(
        seen.raw_query.contains("rm+-rf+%2F") || seen.raw_query.contains("rm%20-rf%20%2F"),
        "{}",
        seen.raw_query
    );
    assert_eq!(seen.asked("container"), Some("client"));
    assert_ne!(seen.asked("stdin"), Some("true"));
}

#[tokio::test]
async fn a_command_that_fails_tells_its_exit_code() {
    let output = run(vec![
        Step::Stderr(b"curl: (7)".to_vec()),
        Step::Status(json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated with non-zero exit code",
                            "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}})),
    ])
    .await;
    assert_eq!((output.exit, output.failure), (Some(7), None));
    assert_eq!(output.stderr, b"curl: (7)");
}

#[tokio::test]
async fn a_missing_program_is_told_from_a_failing_one() {
    let output = run(vec![Step::Status(json!({"status": "Failure", "reason": "InternalError", "code": 500,
        "message": "Internal error occurred: error executing command in container: exec: \"curl\": executable file not found in $PATH"}))])
    .await;
    assert_eq!((output.exit, output.failure), (None, Some(PodFault::ProgramMissing)));
}

#[tokio::test]
async fn much_output_is_cut_without_waiting_for_its_end() {
    let before = Instant::now();
    let output = run(vec![Step::Stdout(vec![b'x'; 40 << 10]); 100]).await;
    assert_eq!((output.stdout.len(), output.truncated, output.failure), (64 << 10, true, None));
    assert!(before.elapsed() < Duration::from_secs(1));
    let output = run(vec![Step::Stdout(vec![b'x'; 64 << 10]), success()]).await;
    assert_eq!((output.stdout.len(), output.truncated, output.exit), (64 << 10, false, Some(0)));
}

#[tokio::test]
async fn a_command_that_hangs_is_left_at_the_deadline() {
    let before = Instant::now();
    let output = run(vec![Step::Stdout(b"begun".to_vec()), Step::Wait(Duration::from_mins(1))]).await;
    assert_eq!(output.stdout, b"begun");
    assert_eq!(output.failure, Some(PodFault::TimedOut { seconds: 2 }));
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_lost_stream_is_noticed_at_once() {
    let before = Instant::now();
    let output = run(vec![Step::Stdout(b"begun".to_vec()), Step::Drop]).await;
    assert_eq!(output.stdout, b"begun");
    assert!(matches!(output.failure, Some(PodFault::Lost { .. })), "{:?}", output.failure);
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn why_a_stream_was_not_opened_is_told() {
    let failed =
        |reply: fn() -> Reply| async move { exec(reply).await.expect("output").failure.expect("failure") };
    assert_eq!(failed(|| Reply::not_found("pods", "client-1")).await, PodFault::PodMissing);
    assert_eq!(
        failed(|| Reply::status(
            400,
            "BadRequest",
            "a container name must be specified for pod client-1, choose one of: [a b]"
        ))
        .await,
        PodFault::ContainerAmbiguous { containers: vec!["a".to_owned(), "b".to_owned()] }
    );
    assert_eq!(
        failed(|| Reply::Text(200, "text/plain", "upgrade? what upgrade?".to_owned())).await,
        PodFault::NoWebSocket { status: 200 }
    );
    let fault = failed(|| {
        Reply::status(500, "InternalError", "error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout")
    })
    .await;
    assert!(matches!(fault, PodFault::NodeUnreachable { .. }));
}

#[tokio::test]
async fn the_right_that_a_stream_lacks_is_named() {
    let right = |verb| {
        Err(Why::Forbidden {
            verb,
            group: "",
            resource: "pods/exec".to_owned(),
            namespace: Some("shop".to_owned()),
        })
    };
    let none = || {
        Reply::status(
            403,
            "Forbidden",
            "pods \"client-1\" is forbidden: User \"u\" cannot get resource \"pods/exec\" in API group \"\"",
        )
    };
    assert_eq!(exec(none).await, right("get"));
    assert_eq!(exec(|| Reply::status(403, "", "pods \"client-1\" is forbidden: ")).await, right("create"));
}

#[tokio::test]
async fn probes_that_are_off_reach_nothing() {
    let server = ApiServer::start(|_| Reply::Exec(vec![success()])).await;
    let off = LiveOptions { probes: Probes::default(), ..options(server.kubeconfig("token: t")) };
    let live = Live::connect(&off).await.expect("live");
    let disabled = Why::Disabled { flag: "--allow-probe" };
    assert_eq!(live.exec(&pod(), None, &argv(), LIMITS).await, Err(disabled.clone()));
    let request = Request::parse("http://shop.example.com/").expect("url");
    let limits = ProbeLimits { loopback: true, ..ProbeLimits::default() };
    assert_eq!(live.forward_request(&pod(), 80, None, &request, limits).await, Err(disabled.clone()));
    assert_eq!(live.direct_request(server.address, None, &request, limits).await, Err(disabled));
    assert!(server.seen().is_empty());
}

static BODY: [u8; 40_000] = [b'x'; 40_000];

/// A web server that answers with what it was sent.
async fn echo(certificate: Option<Certificate>, answer: &'static [u8]) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = listener.local_addr().expect("address");
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("connection");
            match &certificate {
                None => respond(stream, answer).await,
                Some(certificate) => {
                    if let Ok(stream) = certificate.acceptor.accept(stream).await {
                        respond(stream, answer).await;
                    }
                }
            }
        }
    });
    (address, task)
}

async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend(&buffer[..count]),
        }
    }
    let head = format!(
        "HTTP/1.1 404 Not Found\r\nServer: nginx\r\nX-Name: a\r\nX-Name: bä\r\nContent-Length: {}\r\n\r\n",
        request.len() + answer.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&request).await;
    let _ = stream.write_all(answer).await;
}

#[tokio::test]
async fn a_request_reaches_a_pod_through_the_api_server() {
    let (target, _task) = echo(None, b"").await;
    let (server, live) = live(move |_| Reply::Forward(8080, Ok(target))).await;
    let request = Request::parse("http://Shop.example.com//a/../b?x=%2F").expect("url");
    let answer =
        live.forward_request(&pod(), 8080, None, &request, ProbeLimits::default()).await.expect("answer");
    assert_eq!(answer.status, 404);
    assert!(answer.headers.contains(&("server".to_owned(), "nginx".to_owned())), "{:?}", answer.headers);
    let sent = String::from_utf8_lossy(&answer.body);
    assert!(sent.starts_with("GET //a/../b?x=%2F HTTP/1.1\r\nhost: Shop.example.com\r\n"), "{sent}");
    assert_eq!(answer.certificate, None);
    assert_eq!(server.seen()[0].path, "/api/v1/namespaces/shop/pods/client-1/portforward");
    assert_eq!(server.seen()[0].asked("ports"), Some("8080"));
}

#[tokio::test]
async fn a_certificate_is_told_and_not_judged() {
    let (target, _task) = echo(Some(Certificate::new(&["ingress.local", "10.0.0.1"])), b"").await;
    let (_server, live) = live(move |_| Reply::Forward(443, Ok(target))).await;
    let request = Request::parse("https://shop.example.com/").expect("url");
    let limits = ProbeLimits::default();
    let answer =
        live.forward_request(&pod(), 443, Some("shop.example.com"), &request, limits).await.expect("answer");
    let certificate = answer.certificate.expect("certificate");
    assert!(
        certificate
            .starts_with("subject CN=throw-away; names ingress.local, 10.0.0.1; issuer itself; valid from "),
        "{certificate}"
    );
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_said_so() {
    let (_server, live) = live(|_| {
        Reply::Forward(
            8080,
            Err(
                "error forwarding port 8080 to pod 3f: dial tcp4 127.0.0.1:8080: connect: connection refused",
            ),
        )
    })
    .await;
    let request = Request::parse("http://shop.example.com/").expect("url");
    let before = Instant::now();
    let why = live.forward_request(&pod(), 8080, None, &request, ProbeLimits::default()).await;
    assert_eq!(why, Err(Why::NoAnswer { detail: "nothing listens on port 8080 of the pod".to_owned() }));
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_request_goes_straight_to_an_address() {
    let (target, _task) = echo(None, &BODY).await;
    let (_server, live) = live(|_| Reply::Silence).await;
    let mut request = Request::parse("http://shop.example.com/").expect("url");
    request.headers.push(("X-Canary".to_owned(), "always".to_owned()));
    let limits = ProbeLimits { loopback: true, proxy_protocol: true, ..ProbeLimits::default() };
    let answer = live.direct_request(target, None, &request, limits).await.expect("answer");
    assert_eq!((answer.status, answer.body.len()), (404, 16 << 10));
    let sent = String::from_utf8_lossy(&answer.body);
    assert!(sent.starts_with("PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("\r\nx-canary: always\r\n"), "{sent}");
}

#[tokio::test]
async fn addresses_that_are_no_targets_are_not_asked() {
    let (server, live) = live(|_| Reply::Silence).await;
    let request = Request::parse("http://shop.example.com/").expect("url");
    for address in ["127.0.0.1:80", "169.254.169.254:80", "[::1]:80", "0.0.0.0:80"] {
        let outcome = live
            .direct_request(address.parse().expect("address"), None, &request, ProbeLimits::default())
            .await;
        assert!(matches!(outcome, Err(Why::Unsupported { .. })), "{address}: {outcome:?}");
    }
    let limits = ProbeLimits { loopback: true, ..ProbeLimits::default() };
    let outcome = live.direct_request(server.address, None, &request, limits).await;
    assert!(matches!(outcome, Err(Why::Unsupported { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_target_that_does_not_answer_costs_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let target = listener.local_addr().expect("address");
    let (_server, live) = live(move |_| Reply::Forward(80, Ok(target))).await;
    let request = Request::parse("http://shop.example.com/").expect("url");
    let limits =
        ProbeLimits { deadline: Duration::from_millis(300), loopback: true, ..ProbeLimits::default() };
    let before = Instant::now();
    let late = Err(Why::NoAnswer { detail: "within 1 s".to_owned() });
    assert_eq!(live.direct_request(target, None, &request, limits).await, late);
    assert_eq!(live.forward_request(&pod(), 80, None, &request, limits).await, late);
    assert_eq!(live.forward_request(&pod(), 80, Some("a"), &request, limits).await, late);
    assert!(before.elapsed() < Duration::from_secs(2));
}
