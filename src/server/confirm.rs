//! Asking the person behind the client, in whichever way the client's revision has.
//!
//! A handshake session is asked by a request of ours, while the call waits. A modern client gets the
//! question as the call's result and calls again with the answer and a sealed state; the seal binds the
//! answer to the tool, its arguments and the exact question, for five minutes. Within that time a client
//! may send the same answer again: what is asked for here (a GET or HEAD) may be repeated. A client that
//! cannot ask is nobody; one that dismisses the question has refused.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
    ElicitationSchema, InputRequest, InputRequiredResult, RequestStateCodec, SealOptions,
};
use rmcp::service::{Peer, RequestContext};
use serde_json::Value;

use super::is_modern;
use crate::tools::Confirmation;
use crate::tools::call::{Ask, Pending};

const PATIENCE: Duration = Duration::from_mins(2);
const VALIDITY: Duration = Duration::from_mins(5);
/// The key of the one question in a result.
const QUESTION: &str = "confirm";
const ANSWER: &str = "allow";

/// Whom to ask for one call, and what they answered when the call is a retry.
pub(super) struct Asker {
    seal: RequestStateCodec,
    /// What the seal binds an answer to, besides the question itself.
    call: String,
    way: Way,
    question: Mutex<Option<InputRequiredResult>>,
}

enum Way {
    None,
    Session(Peer<RoleServer>),
    Retry { state: Option<String>, answer: Option<Value> },
}

impl Asker {
    pub(super) fn new(
        seal: &RequestStateCodec,
        ctx: &RequestContext<RoleServer>,
        request: &CallToolRequestParams,
    ) -> Self {
        let can_ask = ctx
            .client_capabilities()
            .and_then(|client| client.elicitation)
            // An empty capability means forms.
            .is_some_and(|ways| ways.form.is_some() || ways.url.is_none());
        let way = if !can_ask {
            Way::None
        } else if is_modern(ctx) {
            let answer = request.input_responses.as_ref().and_then(|answers| answers.get(QUESTION));
            Way::Retry { state: request.request_state.clone(), answer: answer.cloned() }
        } else {
            Way::Session(ctx.peer.clone())
        };
        let arguments = request.arguments.clone().map(Value::Object).unwrap_or_default();
        Self {
            seal: seal.clone(),
            call: format!("{}\n{arguments}", request.name),
            way,
            question: Mutex::new(None),
        }
    }

    /// The question that a tool stopped for.
    pub(super) fn take_question(&self) -> Option<InputRequiredResult> {
        self.question.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    async fn put(&self, what: &str) -> Confirmation {
        match &self.way {
            Way::None => Confirmation::NobodyThere,
            Way::Session(peer) => {
                let Some(form) = form(what) else { return Confirmation::NobodyThere };
                match peer.create_elicitation_with_timeout(form, Some(PATIENCE)).await {
                    Ok(answer) => read(&answer),
                    Err(error) => {
                        tracing::debug!(%error, "the question was not answered");
                        Confirmation::No("the question was not answered")
                    }
                }
            }
            Way::Retry { state, answer } => {
                let bound = format!("{}\n{what}", self.call);
                match state {
                    None => self.keep(what, &bound),
                    Some(state) if self.seal.open_with(state, bound.as_bytes()).is_err() => {
                        Confirmation::No("the answer belongs to another question or came too late")
                    }
                    Some(_) => answer
                        .as_ref()
                        .and_then(|answer| serde_json::from_value::<ElicitResult>(answer.clone()).ok())
                        .map_or(Confirmation::No("the question was not answered"), |answer| read(&answer)),
                }
            }
        }
    }

    fn keep(&self, what: &str, bound: &str) -> Confirmation {
        let Some(form) = form(what) else { return Confirmation::NobodyThere };
        let options = SealOptions::new().associated_data(bound.as_bytes()).ttl(VALIDITY);
        let state = self.seal.seal_with(b"asked", &options);
        let requests = [(QUESTION.to_owned(), InputRequest::Elicitation(ElicitRequest::new(form)))];
        let question = InputRequiredResult::new(Some(requests.into()), Some(state));
        *self.question.lock().unwrap_or_else(PoisonError::into_inner) = Some(question);
        Confirmation::Pending(Pending::kept())
    }
}

impl Ask for std::sync::Arc<Asker> {
    fn ask<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Confirmation> {
        Box::pin(self.put(what))
    }
}

/// One yes-or-no question.
fn form(what: &str) -> Option<ElicitRequestParams> {
    let schema = ElicitationSchema::builder()
        .required_bool_property(ANSWER, |answer| answer.title("Allow").with_default(false))
        .build()
        .ok()?;
    Some(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: what.to_owned(),
        requested_schema: schema,
    })
}

fn read(answer: &ElicitResult) -> Confirmation {
    let allowed = answer.content.as_ref().and_then(|content| content.get(ANSWER)) == Some(&Value::Bool(true));
    match answer.action {
        ElicitationAction::Accept if allowed => Confirmation::Yes,
        ElicitationAction::Accept | ElicitationAction::Decline => Confirmation::No("the answer was no"),
        _ => Confirmation::No("the question was dismissed"),
    }
}
