//! Arguments that are wrong in themselves, and names of what is not there.

use routecause::tools::FailureCode::{BadArguments, NotFound};
use routecause::tools::{FailureCode, Source, registry};
use serde_json::{Value, json};

use super::asking::{self, Case, library};

fn case(
    tool: &'static str,
    arguments: Value,
    code: FailureCode,
    seen: &'static str,
    next: &'static str,
) -> Case {
    Case { tool, arguments, code, seen, next }
}

#[tokio::test]
async fn an_unknown_argument_is_named_with_the_nearest_one() {
    for entry in registry() {
        let known = entry.input_schema["properties"].as_object().expect("properties").keys();
        let longest = known.max_by_key(|name| name.len()).expect("an argument");
        let misspelt = format!("{}x", longest.get(..longest.len() - 1).expect("a name"));
        let failure = library(&Source::Demo, entry.name, json!({&misspelt: 1})).await.expect_err("unknown");
        assert_eq!(failure.code, BadArguments);
        assert!(failure.seen.contains(&format!("unknown argument \"{misspelt}\"")), "{failure}");
        assert!(failure.next.contains(&format!("did you mean `{longest}`?")), "{failure}");
    }
}

#[tokio::test]
async fn values_that_cannot_be_say_what_to_write() {
    let url = "http://shop.example.com/";
    let cases = [
        case(
            "match_path",
            json!({"url": "shop.example.com/x"}),
            BadArguments,
            "is not an absolute URL: write http://HOST/PATH",
            "correct that argument",
        ),
        case("match_path", json!({"url": "ftp://shop.example.com/"}), BadArguments, "use http or https", ""),
        case("match_path", json!({"url": "http:///x"}), BadArguments, "the URL has no host", ""),
        case(
            "match_path",
            json!({"url": "http://shop.example.com:0/"}),
            BadArguments,
            "\"0\" is not a port: use 1 to 65535",
            "",
        ),
        case(
            "match_path",
            json!({"url": "http://shop.example.com:-1/"}),
            BadArguments,
            "\"-1\" is not a port",
            "",
        ),
        case(
            "match_path",
            json!({"url": "http://shop.example.com:65536/"}),
            BadArguments,
            "\"65536\" is not a port",
            "",
        ),
        case(
            "match_path",
            json!({"url": "http://me:secret@shop.example.com/"}),
            BadArguments,
            "leave out the part before '@'",
            "",
        ),
        case(
            "match_path",
            json!({"url": "http://shop.example.com/a b"}),
            BadArguments,
            "percent-encode it",
            "",
        ),
        case(
            "match_path",
            json!({"url": "http://shop.example.com/?a=1\r\nHost: evil"}),
            BadArguments,
            "the query holds the character",
            "",
        ),
        case(
            "match_path",
            json!({"url": "http://sh\u{202e}op.example.com/"}),
            BadArguments,
            "cannot stand in one",
            "",
        ),
        case(
            "match_path",
            json!({"url": format!("{url}{}", "x".repeat(9_000))}),
            BadArguments,
            "longer than the 8192",
            "",
        ),
        case(
            "match_path",
            json!({"host": "http://shop.example.com/x"}),
            BadArguments,
            "pass the whole address as `url` instead",
            "",
        ),
        case("match_path", json!({"host": ""}), BadArguments, "the host is empty", ""),
        case(
            "match_path",
            json!({"host": "shop.example.com", "path": "x"}),
            BadArguments,
            "it must start with '/'",
            "",
        ),
        case(
            "match_path",
            json!({"host": "shop.example.com", "path": "/x?y"}),
            BadArguments,
            "percent-encode it",
            "",
        ),
        case(
            "match_path",
            json!({"path": "/x"}),
            BadArguments,
            "a path without a host decides nothing",
            "pass url, or host and path",
        ),
        case("get_ingress", json!({"name": "a/b/c"}), BadArguments, "use NAME or NAMESPACE/NAME", ""),
        case("get_ingress", json!({"name": "../etc/passwd"}), BadArguments, "use NAME or NAMESPACE/NAME", ""),
        case(
            "get_ingress",
            json!({"name": "web", "host": "shop.example.com"}),
            BadArguments,
            "each say which Ingress",
            "pass one of them",
        ),
        case(
            "controller_logs_filtered",
            json!({"url": url, "since": "yesterday"}),
            BadArguments,
            "is not a time: write 2026-11-22T10:15:00Z",
            "",
        ),
        case(
            "controller_logs_filtered",
            json!({"url": url, "since": "99999999h"}),
            BadArguments,
            "is not a time",
            "",
        ),
        case(
            "controller_logs_filtered",
            json!({"url": url, "since": "-5m"}),
            BadArguments,
            "is not a time",
            "",
        ),
        case("controller_logs_filtered", json!({"url": url, "pattern": "("}), BadArguments, "", ""),
        case("controller_logs_filtered", json!({"url": url, "cursor": "nonsense"}), BadArguments, "", ""),
        case("diagnose", json!({}), BadArguments, "`url` is missing", "give `url`"),
    ];
    asking::check(&Source::Demo, &cases).await;
}

#[tokio::test]
async fn values_of_the_wrong_type_are_told_how_to_be_written() {
    let url = "http://shop.example.com/";
    for (tool, arguments, seen, next) in [
        ("match_path", json!({"url": 7}), "`url` must be a text, not 7", "write \"7\" with quotes"),
        ("match_path", json!({"url": [url]}), "`url` must be a text, not a list", "give url: "),
        ("match_path", json!({"url": url, "headers": "a: b"}), "`headers` must be a list", "[\"a: b\"]"),
        ("match_path", json!({"url": url, "headers": [7]}), "`headers[0]` must be a text", "write \"7\""),
        (
            "match_path",
            json!({"url": url, "controllers": ["nginx"]}),
            "not one of: ingress-nginx, traefik",
            "use one of them",
        ),
        ("match_path", json!({"url": url, "detail": "verbose"}), "concise, detailed", "use one of them"),
        (
            "exec_probe",
            json!({"url": url, "repeat": "3"}),
            "must be a whole number",
            "write 3 without quotes",
        ),
        ("exec_probe", json!({"url": url, "repeat": -1}), "`repeat` is -1, it must be from", "give a number"),
        ("exec_probe", json!({"url": url, "repeat": 1e300}), "`repeat`", ""),
        ("check_backend", json!({"service": "web", "port": {}}), "`port` must be", ""),
        ("diagnose", json!([url]), "the arguments must be an object, not a list", ""),
        ("diagnose", json!("x"), "the arguments must be an object, not the text", ""),
    ] {
        let failure = library(&Source::Demo, tool, arguments.clone()).await.expect_err("wrong");
        assert_eq!(failure.code, BadArguments, "{tool} {arguments}: {failure}");
        assert!(failure.seen.contains(seen), "{tool} {arguments}: {failure}");
        assert!(failure.next.contains(next), "{tool} {arguments}: {failure}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_answered_with_what_is() {
    let cases = [
        case(
            "get_ingress",
            json!({"name": "shop/wbe"}),
            NotFound,
            "there is no Ingress wbe in namespace shop; nearest: shop/",
            "one of these names",
        ),
        case(
            "get_ingress",
            json!({"name": "shpo/web"}),
            NotFound,
            "there is no namespace shpo; nearest: shop",
            "namespaces that exist",
        ),
        case(
            "match_path",
            json!({"ingress": "shpo/web"}),
            NotFound,
            "there is no namespace shpo; nearest: shop",
            "",
        ),
        case(
            "check_backend",
            json!({"ingress": "shop/wbe"}),
            NotFound,
            "there is no Ingress wbe in namespace shop",
            "",
        ),
    ];
    asking::check(&Source::Demo, &cases).await;
}

#[test]
fn an_unknown_tool_is_the_one_protocol_error() {
    // `over_mcp` reads results; an error has none.
    let answers = asking::over_mcp(&Source::Demo, &[("get_ingres", json!({}))]);
    assert_eq!(answers, [Value::Null]);
}

#[test]
fn arguments_that_are_no_object_are_told_so_over_mcp_too() {
    let calls = [("diagnose", json!("x")), ("diagnose", json!([1])), ("diagnose", json!(7))];
    for (answer, what) in
        asking::over_mcp(&Source::Demo, &calls).iter().zip(["the text \"x\"", "a list", "7"])
    {
        let text = answer["content"][0]["text"].as_str().expect("a text");
        let expected = format!("Error bad_arguments: the arguments must be an object, not {what}\nNext: ");
        assert!(answer["isError"] == json!(true) && text.starts_with(&expected), "{answer}");
    }
}
