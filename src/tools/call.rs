//! What a tool is given besides its parameters: a place to report progress, a sign that the caller has
//! gone, and somebody who can be asked.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::failure::{FailureCode, ToolFailure};

/// The circumstances of one call.
#[derive(Debug, Clone, Default)]
pub struct Call {
    pub progress: Progress,
    /// Cancelled when the caller gave up or the call ended; hand it to spawned work.
    pub cancelled: CancellationToken,
    pub confirm: Confirmer,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub done: u32,
    pub total: Option<u32>,
    /// Constant text: progress carries nothing from the cluster.
    pub message: &'static str,
}

/// Where steps are told: an MCP client, a spinner on a terminal, or nobody.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(Step) + Send + Sync>>);

impl Progress {
    #[must_use]
    pub fn new(listener: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Tells that `done` of `total` steps are behind us and what is being done now.
    pub fn say(&self, done: u32, total: Option<u32>, message: &'static str) {
        if let Some(listener) = &self.0 {
            listener(Step { done, total, message });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Progress(heard)" } else { "Progress(unheard)" })
    }
}

/// Somebody who can be asked for permission.
pub trait Ask: Send + Sync {
    /// Puts the question; `what` says completely what would be done.
    fn ask<'a>(&'a self, what: &'a str) -> BoxFuture<'a, Confirmation>;
}

/// The answer to a request for permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    Yes,
    /// Refused, and by what: a person, or a client that dismisses questions.
    No(&'static str),
    /// Nobody can be asked over this connection.
    NobodyThere,
    /// The question travels in the result; stop here with `return Err(pending.into())`, and the
    /// client calls again with the answer.
    Pending(Pending),
}

/// Proof that a question is on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending(());

impl Pending {
    /// Only an [`Ask`] that has kept the question may say so.
    #[must_use]
    pub const fn kept() -> Self {
        Self(())
    }
}

impl From<Pending> for ToolFailure {
    fn from(_: Pending) -> Self {
        Self::new(
            FailureCode::ConfirmationPending,
            "this needs a confirmation that has not come",
            "answer the question and call again",
        )
    }
}

/// Asks for permission over whichever way the caller offers.
#[derive(Clone)]
pub struct Confirmer {
    ask: Arc<dyn Ask>,
    waits: Arc<Mutex<Waits>>,
}

/// How long somebody has been waited for: questions answered, and the one that is open.
#[derive(Default)]
struct Waits {
    over: Duration,
    since: Option<Instant>,
}

impl Confirmer {
    #[must_use]
    pub fn new(ask: impl Ask + 'static) -> Self {
        Self { ask: Arc::new(ask), waits: Arc::default() }
    }

    /// Puts the question; `what` says completely what would be done.
    pub async fn confirm(&self, what: &str) -> Confirmation {
        self.waits().since = Some(Instant::now());
        let answer = self.ask.ask(what).await;
        let mut waits = self.waits();
        if let Some(since) = waits.since.take() {
            waits.over += since.elapsed();
        }
        answer
    }

    /// The time spent waiting for answers so far.
    pub(super) fn waited(&self) -> Duration {
        let waits = self.waits();
        waits.over + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Confirmer {
    fn default() -> Self {
        Self::new(Nobody)
    }
}

impl fmt::Debug for Confirmer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmer")
    }
}

struct Nobody;

impl Ask for Nobody {
    fn ask<'a>(&'a self, _what: &'a str) -> BoxFuture<'a, Confirmation> {
        Box::pin(std::future::ready(Confirmation::NobodyThere))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_reach_the_listener_and_nobody_listening_is_fine() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&heard);
        let progress = Progress::new(move |step| sink.lock().expect("lock").push(step));
        progress.say(1, Some(3), "reading logs");
        Progress::default().say(1, None, "unheard");
        assert_eq!(*heard.lock().expect("lock"), [Step { done: 1, total: Some(3), message: "reading logs" }]);
    }

    #[tokio::test]
    async fn without_anybody_to_ask_nobody_is_there() {
        assert_eq!(Confirmer::default().confirm("send GET").await, Confirmation::NobodyThere);
    }
}
