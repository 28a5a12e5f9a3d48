//! Asks a tool as any client would, and holds every answer to what is published.

use std::time::{Duration, Instant};

use routecause::tools::{Call, Entry, Reply, ToolFailure, Toolbox, registry};
use serde_json::Value;

/// What no tool may take longer than.
pub(crate) const LONGEST: Duration = Duration::from_secs(45);
/// What no half of an answer may be larger than.
const LARGEST: usize = 10_000;

fn tool(name: &str) -> &'static Entry {
    registry().iter().find(|tool| tool.name == name).unwrap_or_else(|| panic!("no tool {name}"))
}

/// Calls a tool; its answer fits its schema and every bound.
pub(crate) async fn try_ask(toolbox: &Toolbox, name: &str, arguments: Value) -> Result<Reply, ToolFailure> {
    let tool = tool(name);
    let started = Instant::now();
    let reply = tool.call(toolbox, arguments.clone(), &Call::default()).await;
    let took = started.elapsed();
    assert!(took < LONGEST + Duration::from_secs(1), "{name} {arguments} took {took:?}");
    if let Ok(reply) = &reply {
        let validator = jsonschema::validator_for(&tool.output_schema).expect("a schema");
        let faults: Vec<String> = validator
            .iter_errors(&reply.structured)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{name} {arguments}: {faults:#?}\n{:#}", reply.structured);
        let sizes = [reply.structured.to_string(), reply.text.clone()].map(|half| half.chars().count());
        assert!(sizes.iter().all(|size| (1..=LARGEST).contains(size)), "{name}: {sizes:?} characters");
    }
    reply
}

/// The same for a call that must be answered.
pub(crate) async fn ask(toolbox: &Toolbox, name: &str, arguments: Value) -> Value {
    let shown = arguments.to_string();
    match try_ask(toolbox, name, arguments).await {
        Ok(reply) => reply.structured,
        Err(failure) => panic!("{name} {shown}: {failure}"),
    }
}
