//! Asks the API server what this identity may do (SelfSubjectAccessReview). Answers hold a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Live;
use super::failure::Failure;
use super::guard::SELF_REVIEW;
use super::refusal::About;
use super::transport::{self, Call};
use crate::model::gap::Why;

const ANSWER_HOLDS: Duration = Duration::from_mins(1);

/// Verb, group, resource, subresource, namespace, name.
type Right = [String; 6];

/// The answers of the last minute.
#[derive(Default)]
pub(super) struct Reviews(Mutex<HashMap<Right, (Instant, bool)>>);

impl Reviews {
    fn recall(&self, right: &Right) -> Option<bool> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(right).filter(|(at, _)| at.elapsed() < ANSWER_HOLDS).map(|(_, allowed)| *allowed)
    }

    fn remember(&self, right: Right, allowed: bool) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, (at, _)| at.elapsed() < ANSWER_HOLDS);
        answers.insert(right, (Instant::now(), allowed));
    }
}

impl Live {
    /// Whether this identity may do so, in one namespace or (`None`) in all.
    ///
    /// # Errors
    /// When the server does not say.
    pub async fn allowed(
        &self,
        verb: &str,
        group: &str,
        resource: &str,
        subresource: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<bool, Why> {
        self.allowed_for(verb, group, resource, subresource, namespace, None).await
    }

    /// The same for one object.
    ///
    /// # Errors
    /// When the server does not say.
    pub async fn allowed_for(
        &self,
        verb: &str,
        group: &str,
        resource: &str,
        subresource: Option<&str>,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<bool, Why> {
        let subresource = subresource.unwrap_or_default();
        let namespace = namespace.unwrap_or_default();
        let name = name.unwrap_or_default();
        let right: Right = [verb, group, resource, subresource, namespace, name].map(str::to_owned);
        if let Some(allowed) = self.reviews.recall(&right) {
            return Ok(allowed);
        }
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb,
                "group": group,
                "resource": resource,
                "subresource": subresource,
                "namespace": namespace,
                "name": name,
            }},
        });
        let allowed = self.review(&review).await.map_err(|failure| self.why(&failure, &about()))?;
        self.reviews.remember(right, allowed);
        Ok(allowed)
    }

    async fn review(&self, review: &Value) -> Result<bool, Failure> {
        let body = self.transport.fetch(&Call::post(SELF_REVIEW, review.to_string().into_bytes())).await?;
        let answer: Value = transport::decode(&body)?;
        answer
            .pointer("/status/allowed")
            .and_then(Value::as_bool)
            .ok_or(Failure::Undecodable { detail: "an access review without an answer".to_owned() })
    }
}

fn about() -> About {
    About {
        verb: "create",
        group: "authorization.k8s.io",
        resource: "selfsubjectaccessreviews".to_owned(),
        namespace: None,
    }
}
