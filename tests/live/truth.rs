//! What may be said when not everything could be seen: the truth, or that it was not seen. Never that
//! something is not there.
//!
//! Each tool is asked about a shop while all is well. Asked again under trouble (rights missing, the API
//! server failing), an answer without gaps must come to the same result, and one with gaps, or a
//! failure, must claim nothing that contradicts it.

use std::time::{Duration, Instant};

use routecause::model::controller::ControllerKind;
use routecause::tools::{FailureCode, Reply, ToolFailure, Toolbox, compare, doctor};
use serde_json::{Value, json};

use crate::ask::{LONGEST, try_ask};
use crate::plane::Plane;
use crate::shop::{Shop, ingress, path};
use crate::suite::Skip;

/// A question to a tool or to a command that is none, as often as wanted.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
}

impl Question {
    pub(crate) async fn ask(&self, toolbox: &Toolbox) -> Result<Reply, ToolFailure> {
        let started = Instant::now();
        let reply = match self.tool {
            compare::NAME => {
                // A command has a toolbox of its own, for one namespace.
                let mut settings = toolbox.settings().clone();
                settings.namespace = self.arguments["namespace"].as_str().map(str::to_owned);
                let asked = compare::Asked { to: ControllerKind::Traefik, from: None };
                // Boxed like the tools' own: the stack of a test's thread is small.
                Box::pin(compare::examine(&Toolbox::new(settings), asked)).await.map(|(reply, _)| reply)
            }
            doctor::NAME => Box::pin(doctor::examine(toolbox)).await.map(|(reply, _)| reply),
            tool => return try_ask(toolbox, tool, self.arguments.clone()).await,
        };
        let took = started.elapsed();
        assert!(took < LONGEST + Duration::from_secs(1), "{self:?} took {took:?}");
        reply
    }
}

/// A shop in which every tool has something to tell: the application answers 404 for `/api/missing`
/// since a moment ago, and a second Ingress has a class that is not there.
pub(crate) async fn shop<'p>(plane: &'p Plane, name: &str) -> Result<Shop<'p>, Skip> {
    let shop = Shop::open(plane, name).await?;
    let mut stray = ingress(name, &format!("stray.{name}.example.com"), &json!([path("/", "web")]));
    stray["metadata"]["name"] = json!("stray");
    stray["spec"]["ingressClassName"] = json!("nobodys");
    plane.apply(&stray.to_string()).await;
    assert_eq!(shop.get("/api/v1").await, 200);
    for _ in 0..3 {
        assert_eq!(shop.get(&missing(name)).await, 404);
    }
    Ok(shop)
}

/// The path of a shop that its application does not know. The access log names no host, so each shop has
/// its own.
fn missing(name: &str) -> String {
    format!("/api/missing-{name}")
}

/// One question to every tool about such a shop.
pub(crate) fn questions(shop: &Shop<'_>) -> Vec<Question> {
    let (namespace, url) = (&shop.namespace, shop.url(&missing(&shop.namespace)));
    [
        ("get_ingress", json!({"namespace": namespace, "name": "shop"})),
        ("controller_logs_filtered", json!({"url": url})),
        ("match_path", json!({"url": url})),
        ("check_backend", json!({"namespace": namespace, "ingress": "shop"})),
        ("find_conflicts", json!({"namespace": namespace, "min_severity": "low"})),
        ("exec_probe", json!({"url": url, "via": "port_forward"})),
        ("correlate_changes", json!({"url": url})),
        ("diagnose", json!({"url": url})),
    ]
    .map(|(tool, arguments)| Question { tool, arguments })
    .to_vec()
}

/// The questions of two commands that are no tools.
pub(crate) fn commands(shop: &Shop<'_>) -> Vec<Question> {
    [compare::NAME, doctor::NAME]
        .map(|tool| Question { tool, arguments: json!({"namespace": shop.namespace}) })
        .to_vec()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What an answer comes to.
pub(crate) fn gist(tool: &str, answer: &Value) -> Value {
    match tool {
        "get_ingress" => {
            let told = &answer["ingresses"][0];
            let behind: Vec<&Value> = list(told, "rules").iter().map(|rule| &rule["behind"]).collect();
            json!([told["adoption"][0]["taken"], behind])
        }
        "controller_logs_filtered" => {
            list(answer, "groups").iter().map(|group| json!([group["voice"], group["upstream"]])).collect()
        }
        "match_path" => list(answer, "decisions")
            .iter()
            .map(|decision| json!([decision["outcome"], decision["winner"]["backend"]]))
            .collect(),
        "check_backend" => list(answer, "backends").iter().map(|one| one["first_broken"].clone()).collect(),
        "find_conflicts" => list(answer, "conflicts").iter().map(|one| one["rule"].clone()).collect(),
        "exec_probe" => json!([answer["probes"][0]["status"], answer["expected"]]),
        "correlate_changes" => list(answer, "hypotheses").iter().map(|one| one["outcome"].clone()).collect(),
        "diagnose" => answer["verdict"]["code"].clone(),
        compare::NAME => {
            let causes: Vec<&Value> = list(answer, "groups").iter().map(|group| &group["cause"]).collect();
            json!([causes, answer["differing"], answer["undecided"], answer["not_compared"]])
        }
        doctor::NAME => {
            let rights: Vec<Value> = list(answer, "rights")
                .iter()
                .map(|right| json!([right["right"], right["missing_verbs"], right["state"]]))
                .collect();
            let controllers: Vec<&Value> =
                list(answer, "controllers").iter().map(|controller| &controller["product"]).collect();
            json!([answer["connection"]["ok"], controllers, rights])
        }
        other => panic!("no gist of {other}"),
    }
}

/// What is wrong with an answer under trouble, given the answer while all was well.
pub(crate) fn faults(question: &Question, well: &Value, reply: &Result<Reply, ToolFailure>) -> Vec<String> {
    let tool = question.tool;
    let answer = match reply {
        Ok(reply) => &reply.structured,
        Err(failure) => {
            return match failure.code {
                FailureCode::NotFound | FailureCode::Internal | FailureCode::BadArguments => {
                    vec![format!("{tool}: fails with {failure}")]
                }
                _ => Vec::new(),
            };
        }
    };
    let (now, then) = (gist(tool, answer), gist(tool, well));
    if now == then {
        return Vec::new();
    }
    // Of these two, what was not seen is said where it counts: in the link, and in the coverage.
    let said = match tool {
        "check_backend" => true,
        "correlate_changes" => answer["coverage"].to_string().contains("not read"),
        doctor::NAME => true,
        _ => false,
    };
    if list(answer, "gaps").is_empty() && !said {
        return vec![format!("{tool}: without a gap, {now} instead of {then}: {answer:#}")];
    }
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{tool}: {what}: {answer:#}"));
    let text = answer.to_string();
    if text.contains("\"absent\":{") {
        fault("cites something as absent".to_owned());
    }
    match tool {
        "get_ingress" => {
            if now[0] == "no" {
                fault("says that nobody takes the Ingress".to_owned());
            }
            for behind in now[1].as_array().into_iter().flatten() {
                let says = behind.as_str().unwrap_or_default();
                if ["does not exist", "no ready", "no Service", "0 ready"].iter().any(|no| says.contains(no))
                {
                    fault(format!("says {says:?}"));
                }
            }
        }
        "match_path" => {
            for decision in list(answer, "decisions") {
                let outcome = decision["outcome"].as_str().unwrap_or_default();
                let known = decision["controller"] == "ingress-nginx" || list(answer, "decisions").len() == 1;
                if known && !["routed", "undefined"].contains(&outcome) {
                    fault(format!("decides {outcome}"));
                }
            }
        }
        "check_backend" => {
            for backend in list(answer, "backends") {
                for link in list(backend, "links") {
                    if link["state"] == "broken" {
                        fault(format!("calls a link broken: {link}"));
                    }
                }
            }
        }
        "find_conflicts" => {
            let known: Vec<&Value> = then.as_array().into_iter().flatten().collect();
            for rule in now.as_array().into_iter().flatten().filter(|rule| !known.contains(rule)) {
                fault(format!("finds {rule}"));
            }
        }
        "correlate_changes" => {
            let outcomes = now.as_array().into_iter().flatten().zip(then.as_array().into_iter().flatten());
            for (id, (now, then)) in (1..).zip(outcomes) {
                if now != then && now != "cannot_see" {
                    fault(format!("hypothesis {id} is {now}, not {then}"));
                }
            }
        }
        "diagnose" if now != "INSUFFICIENT_EVIDENCE" && answer["verdict"]["confidence"] != "possible" => {
            fault(format!("is sure of {now}"));
        }
        compare::NAME => {
            if now[1].as_u64() > then[1].as_u64() {
                fault("finds differences".to_owned());
            }
            let none = |told: &Value| told.to_string().contains("that no controller takes");
            if none(&now[3]) && !none(&then[3]) || text.contains("no controller of today") {
                fault("says that no controller takes an Ingress".to_owned());
            }
        }
        doctor::NAME => {
            let rights =
                now[2].as_array().into_iter().flatten().zip(then[2].as_array().into_iter().flatten());
            for (now, then) in rights.filter(|(now, then)| now != then && now[2] != "unknown") {
                fault(format!("a right is {now}, not {then}"));
            }
            let said = reply.as_ref().map(|reply| reply.text.as_str()).unwrap_or_default();
            let missing = now[2].as_array().into_iter().flatten().any(|right| right[2] == "missing");
            if said.contains("are missing") && !missing {
                fault(format!("calls rights missing that nobody refused: {said}"));
            }
            if said.contains("No ingress controller was recognised") {
                fault("says that there is no controller".to_owned());
            }
        }
        // Fewer lines, or an answer that did not come, with the gap that says so.
        _ => {}
    }
    faults
}

/// Every gap, failure and broken link of an answer, as text: to find out what it says was not seen.
pub(crate) fn unseen(reply: &Result<Reply, ToolFailure>) -> String {
    match reply {
        Ok(reply) => {
            let links: Vec<&Value> =
                list(&reply.structured, "backends").iter().flat_map(|one| list(one, "links")).collect();
            format!("{} {}", reply.structured["gaps"], json!(links))
        }
        Err(failure) => failure.to_string(),
    }
}

/// The answers while all is well: each without a gap.
pub(crate) async fn when_well(questions: &[Question], toolbox: &Toolbox) -> Vec<Value> {
    let mut answers = Vec::new();
    for question in questions {
        let reply = question.ask(toolbox).await.unwrap_or_else(|failure| panic!("{question:?}: {failure}"));
        assert_eq!(list(&reply.structured, "gaps"), &[] as &[Value], "{question:?}: {:#}", reply.structured);
        answers.push(reply.structured);
    }
    answers
}
