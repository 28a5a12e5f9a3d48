//! What the annotations of an Ingress make of its requests.
//!
//! Source: apache/apisix-ingress-controller `internal/adc/translator/annotations`, 2.x.

use crate::analysis::routing::Note;
use crate::analysis::routing::nginx::pattern::Pattern;
use crate::model::ingress::Ingress;

#[derive(Debug)]
pub(super) struct Options {
    /// `ImplementationSpecific` paths are patterns.
    pub(super) regex: bool,
    pub(super) to_https: Option<Note>,
    /// Target and status.
    pub(super) redirect: Option<(String, u16, Note)>,
    rewrite: Option<(Rewrite, Note)>,
    /// The namespace of the Services.
    pub(super) namespace: Option<String>,
    /// Lists of addresses that have a say.
    pub(super) lists: Vec<Note>,
}

#[derive(Debug)]
enum Rewrite {
    Whole(String),
    Found(Pattern, String),
}

impl Options {
    pub(super) fn new(ingress: &Ingress) -> Self {
        let get = |name: &str| {
            let key = format!("k8s.apisix.apache.org/{name}");
            let value = ingress.meta.annotation(&key).filter(|value| !value.is_empty())?;
            Some((value.to_owned(), Note::Annotation { ingress: ingress.meta.key(), key }))
        };
        let is = |name: &str| get(name).filter(|(value, _)| value == "true").map(|(_, note)| note);
        let code = get("http-redirect-code").and_then(|(value, _)| value.parse().ok());
        let whole = get("rewrite-target").map(|(value, note)| (Rewrite::Whole(value), note));
        let found = || {
            let (pattern, note) = get("rewrite-target-regex")?;
            let (template, _) = get("rewrite-target-regex-template")?;
            Some((Rewrite::Found(Pattern::new(pattern, false), template), note))
        };
        Self {
            regex: is("use-regex").is_some(),
            to_https: is("http-to-https"),
            redirect: get("http-redirect").map(|(to, note)| (to, code.unwrap_or(302), note)),
            rewrite: whole.or_else(found),
            namespace: get("svc-namespace").map(|(value, _)| value),
            lists: ["allowlist-source-range", "blocklist-source-range"]
                .into_iter()
                .filter_map(|name| get(name).map(|(_, note)| note))
                .collect(),
        }
    }

    /// The path for the upstream, where it can be told: as sent unless it is rewritten.
    pub(super) fn rewritten(&self, path: &str, as_sent: &str) -> (Option<String>, Option<Note>) {
        match &self.rewrite {
            None => (Some(as_sent.to_owned()), None),
            Some((Rewrite::Whole(target), note)) => (Some(target.clone()), Some(note.clone())),
            Some((Rewrite::Found(pattern, template), note)) => match pattern.captures(path.as_bytes()) {
                Err(_) => (None, Some(Note::PatternUndecided { pattern: pattern.text().to_owned() })),
                Ok(None) => (Some(as_sent.to_owned()), None),
                Ok(Some(groups)) => {
                    let group = |number: usize| {
                        groups.get(number).map(|group| String::from_utf8_lossy(group.as_bytes()).into_owned())
                    };
                    let filled = (1..10).rev().fold(template.clone(), |text, number| {
                        text.replace(&format!("${number}"), &group(number).unwrap_or_default())
                    });
                    let rewritten = groups.get(0).and_then(|whole| {
                        let (head, tail) = (path.get(..whole.start())?, path.get(whole.end()..)?);
                        Some(format!("{head}{filled}{tail}"))
                    });
                    (rewritten, Some(note.clone()))
                }
            },
        }
    }
}
