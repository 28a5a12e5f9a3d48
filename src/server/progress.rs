//! Progress, told to the client that asked for it.
//!
//! Invariants: every notification's number is greater than the one before, as the protocol demands; none
//! is sent after the result; and a tool that says nothing for a while is reported as still working, so
//! that clients do not give up on it.

use std::convert::Infallible;
use std::time::Duration;

use futures::future::{Either, pending};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use tokio::sync::watch;

use crate::tools::Progress;
use crate::tools::call::Step;

/// Silence after which the client hears that work goes on.
const SILENCE: Duration = Duration::from_secs(2);
/// What silence adds to the number, small enough never to reach the next step.
const TICK: f64 = 0.001;

/// Where a tool reports, and the work of passing it on, which goes on until it is dropped.
pub(super) fn to_client(
    ctx: &RequestContext<RoleServer>,
) -> (Progress, impl Future<Output = Infallible> + use<>) {
    let Some(token) = ctx.meta.get_progress_token() else {
        return (Progress::default(), Either::Left(pending()));
    };
    let (sender, steps) = watch::channel(Step { done: 0, total: None, message: "working" });
    let progress = Progress::new(move |step| {
        sender.send_replace(step);
    });
    (progress, Either::Right(tell(ctx.peer.clone(), token, steps)))
}

async fn tell(peer: Peer<RoleServer>, token: ProgressToken, mut steps: watch::Receiver<Step>) -> Infallible {
    let mut last = 0.0;
    loop {
        let heard = tokio::time::timeout(SILENCE, steps.changed()).await;
        if let Ok(Err(_)) = heard {
            // The tool dropped its end; only the result is still to come.
            return pending().await;
        }
        let step = *steps.borrow_and_update();
        last = following(last, step, heard.is_err());
        let mut note = ProgressNotificationParam::new(token.clone(), last).with_message(step.message);
        if let Some(total) = step.total {
            note = note.with_total(f64::from(total));
        }
        if peer.notify_progress(note).await.is_err() {
            return pending().await;
        }
    }
}

/// The number after `last` for this step; a repeated or lower step moves on by a tick.
fn following(last: f64, step: Step, silent: bool) -> f64 {
    let wanted = f64::from(step.done);
    if !silent && wanted > last { wanted } else { last + TICK }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_only_ever_grow() {
        let step = |done| Step { done, total: None, message: "x" };
        let mut last = 0.0;
        for (done, silent) in
            [(0, false), (1, false), (1, true), (1, false), (3, false), (2, false), (4, false)]
        {
            let next = following(last, step(done), silent);
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        assert!((last - 4.0).abs() < f64::EPSILON);
    }
}
