//! Conditions of a rule beyond host and path, and more hosts and paths, from `conditions.<service>`.
//!
//! Source: kubernetes-sigs/aws-load-balancer-controller `pkg/ingress/config_types.go`, v3; values are
//! compared as the load balancer does: `*` and `?` are patterns, headers and query without case,
//! methods with it.

use serde_json::Value;

use crate::model::request::Request;

use super::glob::takes;

/// What is asked of a request besides host and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    Header {
        name: String,
        values: Vec<String>,
    },
    Method(Vec<String>),
    /// Pairs of key, if there is one, and value.
    Query(Vec<(Option<String>, String)>),
    /// The client's address is not known.
    SourceIp,
}

/// What an annotation adds to a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Extra {
    pub(super) hosts: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) conditions: Vec<Condition>,
}

impl Condition {
    /// `None` where it depends on what is not known.
    pub(super) fn holds(&self, request: &Request) -> Option<bool> {
        let fits = |pattern: &str, text: &str| {
            takes(pattern.to_ascii_lowercase().as_bytes(), text.to_ascii_lowercase().as_bytes())
        };
        match self {
            Self::Header { name, values } => {
                Some(request.header(name).is_some_and(|found| values.iter().any(|value| fits(value, found))))
            }
            Self::Method(values) => Some(values.contains(&request.method)),
            Self::Query(values) => {
                let query = request.query.as_deref().unwrap_or_default();
                let pairs = query.split('&').filter(|pair| !pair.is_empty());
                let pairs: Vec<(&str, &str)> =
                    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
                Some(values.iter().any(|(key, value)| {
                    pairs.iter().any(|(found, text)| {
                        key.as_ref().is_none_or(|key| fits(key, found)) && fits(value, text)
                    })
                }))
            }
            Self::SourceIp => None,
        }
    }

    /// The name of its field.
    pub(super) const fn field(&self) -> &'static str {
        match self {
            Self::Header { .. } => "http-header",
            Self::Method(_) => "http-request-method",
            Self::Query(_) => "query-string",
            Self::SourceIp => "source-ip",
        }
    }
}

/// Reads the annotation; `None` when the controller cannot.
pub(super) fn parse(text: &str) -> Option<Extra> {
    let Value::Array(entries) = serde_json::from_str(text).ok()? else { return None };
    let mut extra = Extra::default();
    for entry in &entries {
        let strings = |config: &str| -> Option<Vec<String>> {
            let values = entry.get(config)?.get("values")?.as_array()?;
            let values: Option<Vec<String>> =
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
            values.filter(|values| !values.is_empty())
        };
        match entry.get("field")?.as_str()? {
            "host-header" => {
                let hosts = strings("hostHeaderConfig")?;
                extra.hosts.extend(hosts.iter().map(|host| host.to_ascii_lowercase()));
            }
            "path-pattern" => extra.paths.extend(strings("pathPatternConfig")?),
            "http-header" => {
                let name = entry.get("httpHeaderConfig")?.get("httpHeaderName")?.as_str()?.to_owned();
                extra.conditions.push(Condition::Header { name, values: strings("httpHeaderConfig")? });
            }
            "http-request-method" => {
                extra.conditions.push(Condition::Method(strings("httpRequestMethodConfig")?));
            }
            "query-string" => {
                let values = entry.get("queryStringConfig")?.get("values")?.as_array()?;
                let pair = |value: &Value| {
                    let key = value.get("key").and_then(Value::as_str).map(str::to_owned);
                    let text = value.get("value")?.as_str().filter(|text| !text.is_empty())?;
                    Some((key, text.to_owned()))
                };
                let pairs: Option<Vec<_>> = values.iter().map(pair).collect();
                extra.conditions.push(Condition::Query(pairs.filter(|pairs| !pairs.is_empty())?));
            }
            "source-ip" => {
                strings("sourceIPConfig")?;
                extra.conditions.push(Condition::SourceIp);
            }
            _ => return None,
        }
    }
    Some(extra)
}
