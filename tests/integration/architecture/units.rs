//! One unit, one file, one name: a tool, verdict, routing model, conflict rule or change source is
//! called what its file is called, and stands in the list that is asked.

use std::collections::BTreeSet;

use routecause::analysis::conflicts::RULES;
use routecause::analysis::routing::model_for;
use routecause::analysis::verdicts::VERDICTS;
use routecause::model::change::ChangeSource;
use routecause::model::controller::ControllerKind;
use routecause::tools::registry;

use super::none;
use super::source::{Source, all};

/// The files directly in a folder that implement a trait, by stem.
fn implementations<'a>(sources: &'a [Source], folder: &str, of: &str) -> BTreeSet<&'a str> {
    sources
        .iter()
        .filter(|source| source.path.rsplit_once('/').is_some_and(|(parent, _)| parent == folder))
        .filter(|source| source.has(&["impl", of, "for"]))
        .map(Source::stem)
        .collect()
}

/// The files that implement the trait are exactly those that the list holds.
fn check(folder: &str, of: &str, listed: impl IntoIterator<Item = String>) {
    let sources = all();
    let files = implementations(&sources, folder, of);
    let listed: Vec<String> = listed.into_iter().collect();
    let names: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(names.len(), listed.len(), "{folder}: something is listed twice: {listed:?}");
    assert!(!names.is_empty(), "{folder}: the list is empty");
    assert_eq!(names, files, "{folder}: what is listed (left) and what is there (right)");
}

#[test]
fn every_verdict_has_a_file_of_its_name_and_is_asked() {
    let codes = VERDICTS.iter().map(|verdict| verdict.code().as_str().to_lowercase());
    check("src/analysis/verdicts", "Verdict", codes);
}

#[test]
fn every_conflict_rule_has_a_file_of_its_name_and_is_asked() {
    check("src/analysis/conflicts", "ConflictRule", RULES.iter().map(|rule| rule.id().to_owned()));
}

#[test]
fn every_tool_has_a_file_of_its_name_and_is_registered() {
    check("src/tools", "Tool", registry().iter().map(|tool| tool.name.to_owned()));
}

#[test]
fn every_routing_model_has_a_file_of_its_name_and_is_dispatched_to() {
    let slugs = ControllerKind::ALL
        .into_iter()
        .filter_map(|kind| model_for(kind).map(|model| (kind, model.kind())))
        .map(|(asked, answered)| {
            assert_eq!(asked, answered, "the model of {asked} says that it is {answered}");
            asked.slug().replace('-', "_")
        });
    check("src/analysis/routing", "RoutingModel", slugs);
}

#[test]
fn every_change_source_has_a_file_of_its_name_and_is_asked() {
    let sources = all();
    let list = sources.iter().find(|source| source.path == "src/analysis/changes.rs").expect("the list");
    let files: BTreeSet<&str> = sources
        .iter()
        .filter(|source| source.path.starts_with("src/analysis/changes/"))
        .map(Source::stem)
        .filter(|stem| list.has(&[stem, "::", "changes"]))
        .collect();
    let names: BTreeSet<&str> = ChangeSource::ALL.into_iter().map(ChangeSource::as_str).collect();
    if !files.is_empty() {
        assert_eq!(names, files, "the sources by name (left) and the files that are asked (right)");
    }
}

#[test]
fn the_server_knows_no_tool_by_name() {
    let names: Vec<String> = registry().iter().map(|tool| format!("\"{}\"", tool.name)).collect();
    let mut complaints = Vec::new();
    for source in all().iter().filter(|source| source.module.first().is_some_and(|top| top == "server")) {
        let named = source.tokens.iter().filter(|token| names.contains(&token.text));
        complaints.extend(named.map(|token| format!("{}:{}: {}", source.path, token.line, token.text)));
    }
    none(&complaints);
}
