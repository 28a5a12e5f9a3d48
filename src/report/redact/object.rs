//! Takes secrets out of Kubernetes objects, so that what routing depends on stays as it was.
//!
//! Every secret becomes a numbered mark, the same secret the same mark: a password that a rollout changed
//! is still seen to have changed. Numbers are given in the order in which secrets are met, so the same
//! objects in the same order give the same bytes, and nothing can be guessed from a mark.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{names, opaque, redact_with};

/// Members that tell what an object is, and hold nothing that anybody wrote by hand.
const IDENTITY: [&str; 9] = [
    "apiVersion",
    "kind",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generateName",
    "ownerReferences",
    "managedFields",
];

/// Prefixes of annotations that controllers read: there only what is written like a secret is one.
const ROUTING: [&str; 9] = [
    "kubernetes.io/",
    "nginx.org/",
    "nginx.com/",
    "haproxy.org/",
    "traefik.io/",
    "konghq.com/",
    "projectcontour.io/",
    "apisix.apache.org/",
    "cloud.google.com/",
];

/// Takes secrets out of objects, one after the other.
#[derive(Debug, Default)]
pub struct ObjectCleaner {
    numbers: HashMap<String, usize>,
}

impl ObjectCleaner {
    /// The object without its secrets.
    pub fn clean(&mut self, object: &mut Value) {
        match object {
            Value::Object(members) => self.members(members),
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean(item)),
            Value::String(text) => self.text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn members(&mut self, members: &mut Map<String, Value>) {
        if members.get("kind").and_then(Value::as_str) == Some("Secret") {
            // Its name may stay; that it exists is no secret.
            members.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "type"));
        }
        if let Some(Value::String(resource)) = members.get("objectRef").and_then(|at| at.get("resource"))
            && resource == "secrets"
        {
            members.retain(|key, _| !matches!(key.as_str(), "requestObject" | "responseObject"));
        }
        // An environment variable, or a header of a probe.
        if let (Some(Value::String(name)), Some(Value::String(_))) =
            (members.get("name"), members.get("value"))
        {
            let name = name.clone();
            if let Some(Value::String(value)) = members.get_mut("value") {
                self.value(&name, value);
            }
            return;
        }
        for (key, value) in members.iter_mut() {
            match (key.as_str(), value) {
                (key, _) if IDENTITY.contains(&key) => {}
                ("annotations", Value::Object(annotations)) => self.annotations(annotations),
                ("data", Value::Object(data)) => {
                    for (key, value) in data.iter_mut() {
                        if let Value::String(value) = value {
                            self.value(key, value);
                        }
                    }
                }
                ("args" | "command", Value::Array(arguments)) => self.arguments(arguments),
                (key, Value::String(text)) => {
                    if names::is_credential(key, text) {
                        self.whole(text);
                    } else {
                        self.text(text);
                    }
                }
                // The values of a header.
                (key, Value::Array(items)) => {
                    for item in items {
                        match item {
                            Value::String(text) if names::is_credential(key, text) => self.whole(text),
                            other => self.clean(other),
                        }
                    }
                }
                (_, value) => self.clean(value),
            }
        }
    }

    fn annotations(&mut self, annotations: &mut Map<String, Value>) {
        for (key, value) in annotations.iter_mut() {
            let Value::String(value) = value else { continue };
            let (prefix, name) =
                key.split_once('/').map_or(("", key.as_str()), |(prefix, name)| (prefix, name));
            let prefix = format!("{prefix}/");
            if ROUTING.iter().any(|routing| prefix.ends_with(routing)) {
                if names::is_credential(name, value) && !value.contains("$") {
                    self.whole(value);
                } else {
                    self.text(value);
                }
            } else {
                self.value(key, value);
            }
        }
    }

    /// `--password=x` is told by its text; of `--password x` the second word is the secret.
    fn arguments(&mut self, arguments: &mut [Value]) {
        let mut flag: Option<String> = None;
        for argument in arguments {
            let Value::String(text) = argument else { continue };
            match flag.take() {
                Some(flag) if !text.starts_with('-') => self.value(&flag, text),
                Some(_) | None => {
                    if text.starts_with('-') && !text.contains(['=', ' ']) {
                        flag = Some(text.trim_start_matches('-').to_owned());
                    }
                    self.text(text);
                }
            }
        }
    }

    /// A value with the name it is set under.
    fn value(&mut self, name: &str, value: &mut String) {
        if names::is_credential(name, value) {
            return self.whole(value);
        }
        let before = value.clone();
        self.text(value);
        if *value == before && opaque::is_opaque(name, value) {
            self.whole(value);
        }
    }

    fn whole(&mut self, value: &mut String) {
        if !value.starts_with(super::MARK) {
            *value = self.mark(value);
        }
    }

    /// Text, or an object written as text, such as the last applied configuration.
    fn text(&mut self, text: &mut String) {
        if text.starts_with(['{', '['])
            && text.len() > 2
            && let Ok(mut inner) = serde_json::from_str::<Value>(text)
            && matches!(inner, Value::Object(_) | Value::Array(_))
        {
            let before = inner.clone();
            self.clean(&mut inner);
            if inner != before {
                let end = if text.ends_with('\n') { "\n" } else { "" };
                *text = format!("{inner}{end}");
            }
            return;
        }
        let redacted = redact_with(text, &mut |secret| self.mark(secret));
        if redacted != text.as_str() {
            let redacted = redacted.into_owned();
            *text = redacted;
        }
    }

    fn mark(&mut self, secret: &str) -> String {
        let next = self.numbers.len() + 1;
        let number = match self.numbers.get(secret) {
            Some(number) => *number,
            None => {
                self.numbers.insert(secret.to_owned(), next);
                next
            }
        };
        format!("{} {number}]", super::MARK)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(mut object: Value, expected: &Value) {
        ObjectCleaner::default().clean(&mut object);
        assert_eq!(&object, expected);
        let once = object.clone();
        ObjectCleaner::default().clean(&mut object);
        assert_eq!(object, once, "a second time changes nothing");
    }

    #[test]
    fn environment_arguments_and_headers_lose_their_secrets() {
        check(
            json!({"spec": {"containers": [{
                "image": "r.example/app:1",
                "env": [
                    {"name": "DB_PASSWORD", "value": "hunter2"},
                    {"name": "COPY", "value": "x", "unused": 1},
                    {"name": "BASE_PATH", "value": "/shop"},
                    {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "DATABASE_URL", "value": "postgres://u:hunter2@db:5432/x"},
                ],
                "args": ["--token", "abc", "--path-prefix", "/shop", "--password=hunter2", "--v=2"],
                "readinessProbe": {"httpGet": {"path": "/healthz",
                    "httpHeaders": [{"name": "Authorization", "value": "Basic abc"}]}},
            }]}}),
            &json!({"spec": {"containers": [{
                "image": "r.example/app:1",
                "env": [
                    {"name": "DB_PASSWORD", "value": "[redacted 1]"},
                    {"name": "COPY", "value": "x", "unused": 1},
                    {"name": "BASE_PATH", "value": "/shop"},
                    {"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                    {"name": "DATABASE_URL", "value": "postgres://[redacted 2]@db:5432/x"},
                ],
                "args": ["--token", "[redacted 3]", "--path-prefix", "/shop", "--password=[redacted 1]", "--v=2"],
                "readinessProbe": {"httpGet": {"path": "/healthz",
                    "httpHeaders": [{"name": "Authorization", "value": "[redacted 4]"}]}},
            }]}}),
        );
    }

    #[test]
    fn annotations_keep_what_routing_needs() {
        let last = r#"{"spec":{"env":[{"name":"API_TOKEN","value":"abc"}],"path":"/a"}}"#.to_owned() + "\n";
        check(
            json!({"metadata": {"name": "web", "annotations": {
                "nginx.ingress.kubernetes.io/auth-secret": "shop/basic-auth",
                "nginx.ingress.kubernetes.io/rewrite-target": "/$2",
                "nginx.ingress.kubernetes.io/configuration-snippet": "proxy_set_header Authorization \"Bearer abc123\";",
                "ci.example/deploy-token": "abc",
                "ci.example/build": "https://u:p@ci.example/1",
                "kubectl.kubernetes.io/last-applied-configuration": last,
            }}}),
            &json!({"metadata": {"name": "web", "annotations": {
                "nginx.ingress.kubernetes.io/auth-secret": "shop/basic-auth",
                "nginx.ingress.kubernetes.io/rewrite-target": "/$2",
                "nginx.ingress.kubernetes.io/configuration-snippet": "proxy_set_header Authorization \"Bearer [redacted 1]\";",
                "ci.example/deploy-token": "[redacted 2]",
                "ci.example/build": "https://[redacted 3]@ci.example/1",
                "kubectl.kubernetes.io/last-applied-configuration":
                    "{\"spec\":{\"env\":[{\"name\":\"API_TOKEN\",\"value\":\"[redacted 2]\"}],\"path\":\"/a\"}}\n",
            }}}),
        );
    }

    #[test]
    fn of_a_secret_only_the_name_stays() {
        check(
            json!({"kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}, "data": {"a": "YQ=="}}),
            &json!({"kind": "Secret", "metadata": {"name": "db", "namespace": "shop"}}),
        );
        check(
            json!({"verb": "update", "objectRef": {"resource": "secrets", "name": "db"}, "requestObject": {"data": 1}}),
            &json!({"verb": "update", "objectRef": {"resource": "secrets", "name": "db"}}),
        );
    }

    #[test]
    fn headers_of_a_recorded_answer_lose_their_secrets() {
        check(
            json!({"url": "http://a.example/?token=abc", "headers": {"Set-Cookie": ["sid=1", "b=2"], "Server": "nginx"}}),
            &json!({"url": "http://a.example/?token=[redacted 1]",
                    "headers": {"Set-Cookie": ["[redacted 2]", "[redacted 3]"], "Server": "nginx"}}),
        );
    }
}
