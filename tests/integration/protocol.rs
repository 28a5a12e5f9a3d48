use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mcp::{BOTH, Client, Era};
use crate::support::puppets;

const SERVER: &str = "io.modelcontextprotocol/serverInfo";

async fn connected(era: Era) -> Client {
    Client::connect(puppets::all(), era).await
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().expect("a text half")
}

#[tokio::test]
async fn tools_are_listed_with_every_hint() {
    for era in BOTH {
        let mut client = connected(era).await;
        let list = client.ask("tools/list", json!({})).await.expect("a list");
        let names: Vec<&str> = list["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .filter_map(|tool| tool["name"].as_str())
            .collect();
        assert_eq!(names, ["act", "ask", "crash", "sleep", "work"]);
        let (act, ask) = (&list["tools"][0], &list["tools"][1]);
        assert_eq!(
            act["annotations"],
            json!({"title": "A puppet", "readOnlyHint": true, "destructiveHint": false,
                   "idempotentHint": true, "openWorldHint": false})
        );
        assert_eq!(ask["annotations"]["readOnlyHint"], json!(false));
        assert_eq!(
            act["_meta"],
            json!({"anthropic/alwaysLoad": true, "anthropic/searchHint": "puppet",
                   "ui": {"resourceUri": "ui://routecause/deed"}})
        );
        assert_eq!(ask["_meta"], json!({"anthropic/searchHint": "puppet"}));
        assert!(act["icons"][0]["src"].as_str().expect("an icon").starts_with("data:image/svg+xml,"));
        assert_eq!(act["inputSchema"]["required"], json!(["word"]));
        assert_eq!(act["outputSchema"]["required"], json!(["did"]));
    }
}

#[tokio::test]
async fn a_call_answers_in_both_halves_and_with_pictures() {
    for era in BOTH {
        let mut client = connected(era).await;
        let result = client.call("act", json!({"word": "draw", "times": null})).await.expect("a result");
        assert_eq!(result["structuredContent"], json!({"did": "draw"}));
        assert_eq!(text(&result), "did draw");
        assert_eq!(
            result["content"][1],
            json!({"type": "image", "data": "PHN2Zy8+", "mimeType": "image/svg+xml"})
        );
        assert_eq!(result["isError"], json!(false));
    }
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_that_names_ours() {
    for era in BOTH {
        let error = connected(era).await.call("get_ingres\u{202e}", json!({})).await.expect_err("unknown");
        assert_eq!(error["code"], json!(-32602));
        assert_eq!(
            error["message"],
            json!("unknown tool \"get_ingres<U+202E>\"; this server has: act, ask, crash, sleep, work")
        );
    }
}

#[tokio::test]
async fn bad_arguments_are_results_that_teach() {
    for era in BOTH {
        let mut client = connected(era).await;
        for (arguments, message) in [
            (json!({}), "Error bad_arguments: `word` is missing\nNext: give `word`: What to do."),
            (
                json!({"word": "x", "wrod": 1}),
                "Error bad_arguments: unknown argument \"wrod\": this tool takes word, times\n\
                 Next: did you mean `word`? Rename it and call again",
            ),
            (
                json!({"word": "x", "times": 9}),
                "Error bad_arguments: `times` is 9, it must be from 1 to 3\nNext: give a number from 1 to 3",
            ),
        ] {
            let result = client.call("act", arguments).await.expect("a result");
            assert_eq!((text(&result), &result["isError"]), (message, &json!(true)));
            assert!(result.get("structuredContent").is_none(), "an error has no structure");
        }
    }
}

#[tokio::test]
async fn a_call_of_another_shape_is_answered_in_both_eras() {
    for era in BOTH {
        let mut client = connected(era).await;
        let result = client.call("act", json!("word")).await.expect("a result");
        assert!(
            text(&result).starts_with("Error bad_arguments: the arguments must be an object"),
            "{result}"
        );
        let error = client.call("", json!("word")).await.expect_err("no tool");
        assert_eq!(error["code"], json!(-32602));
        let error = client.ask("tools/nothing", json!({})).await.expect_err("no method");
        assert_eq!(error["code"], json!(-32601));
    }
}

#[tokio::test]
async fn a_panic_answers_its_call_and_harms_no_other() {
    for era in BOTH {
        let mut client = connected(era).await;
        let crash = client.begin("tools/call", json!({"name": "crash", "arguments": {}})).await;
        let act = client.begin("tools/call", json!({"name": "act", "arguments": {"word": "on"}})).await;
        let (crash, act) = if era == Era::Legacy {
            let first = client.answer(crash).await.expect("a result");
            let second = match client.heard.pop() {
                Some(message) => message["result"].clone(),
                None => client.answer(act).await.expect("a result"),
            };
            (first, second)
        } else {
            let again = client.call("crash", json!({})).await.expect("a result");
            (again, client.call("act", json!({"word": "on"})).await.expect("a result"))
        };
        assert!(text(&crash).starts_with("Error internal: crash failed inside this program"), "{crash}");
        assert_eq!((text(&act), &crash["isError"]), ("did on", &json!(true)));
    }
}

#[tokio::test]
async fn progress_is_told_to_those_who_ask_and_grows() {
    for era in BOTH {
        let mut client = connected(era).await;
        client.call("work", json!({})).await.expect("a result");
        assert!(client.heard.is_empty(), "nobody asked for progress");
        let asked = json!({"name": "work", "arguments": {}, "_meta": {"progressToken": "t"}});
        let result = client.ask("tools/call", asked).await.expect("a result");
        assert_eq!(text(&result), "did work");
        let steps: Vec<f64> = client
            .heard
            .iter()
            .map(|note| {
                assert_eq!(note["method"], json!("notifications/progress"));
                assert_eq!(note["params"]["progressToken"], json!("t"));
                assert_eq!(note["params"]["message"], json!("working"));
                note["params"]["progress"].as_f64().expect("a number")
            })
            .collect();
        assert!(!steps.is_empty() && steps.is_sorted_by(|a, b| a < b), "{steps:?}");
        assert!(client.next(Duration::from_millis(100)).await.is_none(), "nothing follows the result");
    }
}

#[tokio::test]
async fn cancelling_stops_the_work_within_a_second_and_sends_no_result() {
    for era in BOTH {
        let mut client = connected(era).await;
        let word = format!("{era:?}");
        let arguments = json!({"word": word});
        let asked = json!({"name": "sleep", "arguments": arguments, "_meta": {"progressToken": 1}});
        let id = client.begin("tools/call", asked).await;
        client.next(Duration::from_secs(5)).await.expect("it sleeps");
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        client.send(&cancel).await;
        puppets::gets_up(&word).await;
        assert!(client.next(Duration::from_millis(200)).await.is_none(), "no result follows");
        client.call("act", json!({"word": "on"})).await.expect("the server lives");
    }
}

#[tokio::test]
async fn modern_results_say_who_answers_and_how_long_it_holds() {
    let mut client = connected(Era::Modern).await;
    let who = json!({"name": "routecause", "version": env!("CARGO_PKG_VERSION")});
    for list in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        let result = client.ask(list, json!({})).await.expect(list);
        assert_eq!(result["_meta"][SERVER], who, "{list}");
        assert_eq!(
            (&result["ttlMs"], &result["cacheScope"]),
            (&json!(3_600_000), &json!("public")),
            "{list}"
        );
        assert_eq!(result["resultType"], json!("complete"), "{list}");
    }
    let discovered = client.ask("server/discover", json!({})).await.expect("discovery");
    assert_eq!((&discovered["ttlMs"], &discovered["cacheScope"]), (&json!(3_600_000), &json!("public")));
    assert_eq!(discovered["_meta"][SERVER]["name"], json!("routecause"));
    for (method, params) in [
        ("tools/call", json!({"name": "act", "arguments": {"word": "x"}})),
        ("tools/call", json!({"name": "act", "arguments": {}})),
        ("prompts/get", json!({"name": "ingress_404", "arguments": {"url": "http://a/"}})),
        ("resources/read", json!({"uri": "routecause://runbook"})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "ingress_404"},
                                       "argument": {"name": "namespace", "value": "s"}}),
        ),
    ] {
        let result = client.ask(method, params).await.expect(method);
        assert_eq!(result["_meta"][SERVER], who, "{method}");
    }
}

#[tokio::test]
async fn handshake_results_carry_nothing_of_the_other_era() {
    let mut client = connected(Era::Legacy).await;
    for list in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        let result = client.ask(list, json!({})).await.expect(list);
        for key in ["_meta", "ttlMs", "cacheScope", "resultType"] {
            assert!(result.get(key).is_none(), "{list} has {key}");
        }
    }
}

#[tokio::test]
async fn the_server_declares_exactly_what_it_has() {
    let mut client = connected(Era::Modern).await;
    let discovered = client.ask("server/discover", json!({})).await.expect("discovery");
    let declared: Vec<&String> =
        discovered["capabilities"].as_object().expect("capabilities").keys().collect();
    assert_eq!(declared, ["extensions", "completions", "prompts", "resources", "tools"]);
    let instructions = discovered["instructions"].as_str().expect("instructions");
    assert!(instructions.matches(". ").count() < 5, "at most five sentences: {instructions}");
}

#[tokio::test]
async fn discovery_then_handshake_on_one_pipe_works() {
    let mut client = connected(Era::Modern).await;
    client.ask("server/discover", json!({})).await.expect("discovery");
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                       "clientInfo": {"name": "lines", "version": "1"}});
    let answer = client.ask("initialize", hello).await.expect("a handshake");
    assert_eq!(answer["protocolVersion"], json!("2025-11-25"));
    client.call("act", json!({"word": "on"})).await.expect("modern calls still work");
}

#[tokio::test]
async fn resources_are_read_and_unknown_ones_are_refused_by_era() {
    for (era, code) in [(Era::Legacy, -32002), (Era::Modern, -32602)] {
        let mut client = connected(era).await;
        let list = client.ask("resources/list", json!({})).await.expect("a list");
        for resource in list["resources"].as_array().expect("resources") {
            let uri = resource["uri"].as_str().expect("a uri");
            let read = client.ask("resources/read", json!({"uri": uri})).await.expect(uri);
            assert_eq!(read["contents"][0]["uri"], json!(uri));
            assert!(!read["contents"][0]["text"].as_str().expect("text").is_empty());
        }
        let page =
            client.ask("resources/read", json!({"uri": "ui://routecause/deed"})).await.expect("a page");
        assert_eq!(page["contents"][0]["mimeType"], json!("text/html;profile=mcp-app"));
        let error = client
            .ask("resources/read", json!({"uri": "routecause://nothing"}))
            .await
            .expect_err("there is none");
        assert_eq!(error["code"], json!(code));
    }
}

#[tokio::test]
async fn a_completion_of_the_unknown_is_refused() {
    let mut client = connected(Era::Modern).await;
    let asked =
        json!({"ref": {"type": "ref/prompt", "name": "other"}, "argument": {"name": "x", "value": ""}});
    let error = client.ask("completion/complete", asked).await.expect_err("unknown prompt");
    assert_eq!(error["code"], json!(-32602));
}

/// A client that can be asked.
async fn asked(era: Era) -> Client {
    Client::with_capabilities(puppets::all(), era, json!({"elicitation": {}})).await
}

#[tokio::test]
async fn who_cannot_be_asked_is_nobody() {
    for era in BOTH {
        let result = connected(era).await.call("ask", json!({})).await.expect("a result");
        assert_eq!(text(&result), "did nothing: nobody there");
    }
}

#[tokio::test]
async fn a_session_is_asked_while_the_call_waits() {
    for (answer, did) in [
        (json!({"action": "accept", "content": {"allow": true}}), "did it"),
        (json!({"action": "accept", "content": {"allow": false}}), "did the answer was no"),
        (json!({"action": "accept"}), "did the answer was no"),
        (json!({"action": "decline"}), "did the answer was no"),
        (json!({"action": "cancel"}), "did the question was dismissed"),
    ] {
        let mut client = asked(Era::Legacy).await;
        let id = client.begin("tools/call", json!({"name": "ask", "arguments": {}})).await;
        let question = client.next(Duration::from_secs(5)).await.expect("a question");
        assert_eq!(question["method"], json!("elicitation/create"));
        assert_eq!(question["params"]["requestedSchema"]["required"], json!(["allow"]));
        client.send(&json!({"jsonrpc": "2.0", "id": question["id"], "result": answer})).await;
        assert_eq!(text(&client.answer(id).await.expect("a result")), did);
    }
}

#[tokio::test]
async fn a_modern_client_gets_the_question_as_result_and_calls_again() {
    let mut client = asked(Era::Modern).await;
    let question = client.call("ask", json!({})).await.expect("a question");
    assert_eq!(question["resultType"], json!("input_required"));
    assert_eq!(question["inputRequests"]["confirm"]["method"], json!("elicitation/create"));
    assert_eq!(question["_meta"][SERVER]["name"], json!("routecause"));
    let state = question["requestState"].as_str().expect("a state").to_owned();
    let yes = json!({"confirm": {"action": "accept", "content": {"allow": true}}});
    for (state, answers, did) in [
        (state.clone(), yes.clone(), "did it"),
        (state.clone(), json!({"confirm": {"action": "decline"}}), "did the answer was no"),
        (state.clone(), json!({}), "did the question was not answered"),
        (
            format!("{}x", state.get(..state.len() - 1).expect("a state")),
            yes,
            "did the answer belongs to another question or came too late",
        ),
    ] {
        let retry = json!({"name": "ask", "arguments": {}, "inputResponses": answers, "requestState": state});
        assert_eq!(text(&client.ask("tools/call", retry).await.expect("a result")), did);
    }
}

#[tokio::test]
async fn the_sdks_own_client_lists_and_calls_in_both_eras() {
    use rmcp::model::CallToolRequestParams;
    use rmcp::service::{ClientLifecycleMode, serve_client_with_lifecycle};
    let modern = vec![rmcp::model::ProtocolVersion::V_2026_07_28];
    for mode in
        [ClientLifecycleMode::Initialize, ClientLifecycleMode::Discover { preferred_versions: modern }]
    {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        tokio::spawn(async move {
            let server = crate::support::mcp::server(puppets::all());
            let running = rmcp::ServiceExt::serve(server, theirs).await.expect("the server starts");
            running.waiting().await.expect("the server ends");
        });
        let client = serve_client_with_lifecycle((), ours, mode).await.expect("connected");
        assert_eq!(client.list_all_tools().await.expect("a list").len(), 5);
        let arguments = json!({"word": "on"}).as_object().cloned().expect("an object");
        let result = client
            .call_tool(CallToolRequestParams::new("act").with_arguments(arguments))
            .await
            .expect("a result");
        assert_eq!(result.structured_content, Some(json!({"did": "on"})));
    }
}
