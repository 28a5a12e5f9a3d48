//! How many calls run: a few at once, and not faster than anybody drives a runbook.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::failure::{FailureCode, ToolFailure};

/// Calls at work at the same time.
const AT_ONCE: usize = 8;
/// How long a call waits for one of them to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Calls that may come in one burst, and the rate at which that allowance grows back.
const CALLS: Rate = Rate { burst: 200.0, per_second: 50.0 };
/// The same for requests that probes send.
const PROBES: Rate = Rate { burst: 60.0, per_second: 1.0 };

/// Lets calls in, or answers `busy`.
#[derive(Debug)]
pub(super) struct Gate {
    turns: Semaphore,
    patience: Duration,
    bucket: Mutex<Bucket>,
    probes: Mutex<Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: f64,
    per_second: f64,
}

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(rate: Rate) -> Self {
        Self { rate, tokens: rate.burst, filled: Instant::now() }
    }

    fn take(&mut self, count: f64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * self.rate.per_second).min(self.rate.burst);
        self.filled = now;
        let enough = self.tokens >= count;
        if enough {
            self.tokens -= count;
        }
        enough
    }
}

impl Gate {
    /// Waits for a turn; it ends when the returned permit is dropped.
    ///
    /// # Errors
    /// `busy`, when the rate is exceeded or no turn came in time.
    pub(super) async fn enter(&self) -> Result<SemaphorePermit<'_>, ToolFailure> {
        let within_rate =
            self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(1.0, Instant::now());
        if !within_rate {
            return Err(ToolFailure::new(
                FailureCode::Busy,
                "more calls arrived than this server takes",
                "call again in 2 seconds",
            ));
        }
        match tokio::time::timeout(self.patience, self.turns.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(ToolFailure::new(
                FailureCode::Busy,
                format!("{AT_ONCE} calls are at work and none ended within {} s", self.patience.as_secs()),
                "wait for the calls under way to end, then call again",
            )),
        }
    }

    /// Takes so many requests off what probes may send.
    ///
    /// # Errors
    /// `busy`, and nothing taken, when that is more than is left.
    pub(super) fn send(&self, count: u8) -> Result<(), ToolFailure> {
        let mut bucket = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.take(f64::from(count), Instant::now()) {
            return Ok(());
        }
        Err(ToolFailure::new(
            FailureCode::Busy,
            format!("probes may send {} requests and one more a second", PROBES.burst),
            "wait a minute, or ask for fewer",
        ))
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
            patience: PATIENCE,
            bucket: Mutex::new(Bucket::full(CALLS)),
            probes: Mutex::new(Bucket::full(PROBES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let start = Instant::now();
        let mut bucket = Bucket { rate: CALLS, tokens: 200.0, filled: start };
        let taken = (0..1_000).filter(|_| bucket.take(1.0, start)).count();
        assert_eq!(taken, 200);
        assert!(!bucket.take(1.0, start));
        assert!(bucket.take(1.0, start + Duration::from_secs(1)));
    }

    #[test]
    fn probes_are_counted_by_their_requests() {
        let gate = Gate::default();
        assert_eq!((0..3).map(|_| gate.send(20)).filter(Result::is_ok).count(), 3);
        assert_eq!(gate.send(20).expect_err("used up").code, FailureCode::Busy);
    }

    #[tokio::test]
    async fn the_ninth_call_at_once_is_told_to_wait() {
        let gate = Gate { patience: Duration::from_millis(10), ..Gate::default() };
        let mut turns = Vec::new();
        for _ in 0..AT_ONCE {
            turns.push(gate.enter().await.expect("a turn"));
        }
        assert_eq!(gate.enter().await.expect_err("full").code, FailureCode::Busy);
        turns.pop();
        drop(gate.enter().await.expect("a turn again"));
    }
}
