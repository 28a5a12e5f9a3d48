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
const BURST: f64 = 200.0;
const PER_SECOND: f64 = 50.0;

/// Lets calls in, or answers `busy`.
#[derive(Debug)]
pub(super) struct Gate {
    turns: Semaphore,
    patience: Duration,
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * PER_SECOND).min(BURST);
        self.filled = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
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
        let within_rate = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
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
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(AT_ONCE),
            patience: PATIENCE,
            bucket: Mutex::new(Bucket { tokens: BURST, filled: Instant::now() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: BURST, filled: start };
        let taken = (0..1_000).filter(|_| bucket.take(start)).count();
        assert_eq!(taken, 200);
        assert!(!bucket.take(start));
        assert!(bucket.take(start + Duration::from_secs(1)));
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
