//! How often a connection that has no route yet looks for one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For how long every pair of candidates is checked at the configured interval.
const FIRST: Duration = Duration::from_secs(2);

/// For how long it is then checked every [`SLOWER`]; afterwards every [`SLOWEST`].
const SECOND: Duration = Duration::from_secs(5);

const SLOWER: Duration = Duration::from_millis(100);

/// What the `webrtc` crate does where nothing is set.
const SLOWEST: Duration = Duration::from_millis(200);

/// Slows the connectivity checks down while none of them succeeds.
///
/// The `webrtc` crate checks every pair of candidates at one fixed interval, which must be short so that a connection is
/// quickly made. Pairs are checked until the connect deadline, and a machine with a dozen interfaces has hundreds of them, so
/// the interval must grow. The driver's sleep is the one place where that can be done from outside: its timer
/// is what sends the checks. See docs/upstream.md, "check pacing".
#[derive(Debug)]
pub(super) struct Pace(
    /// When there was news of the far side; `None` once connected.
    Mutex<Option<Instant>>,
);

impl Pace {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Some(Instant::now())))
    }

    /// The far side has said something new: checks are frequent again.
    pub(super) fn restart(&self) {
        if let Some(since) = &mut *self.since() {
            *since = Instant::now();
        }
    }

    /// A route was found. Timers are exact from now on.
    pub(super) fn stop(&self) {
        *self.since() = None;
    }

    /// The shortest sleep of the driver at this moment.
    pub(super) fn shortest_sleep(&self) -> Duration {
        match self.since().map(|since| since.elapsed()) {
            None => Duration::ZERO,
            Some(elapsed) if elapsed < FIRST => Duration::ZERO,
            Some(elapsed) if elapsed < SECOND => SLOWER,
            Some(_) => SLOWEST,
        }
    }

    fn since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn checks_slow_down_until_there_is_news_or_a_route() {
        let pace = Pace::new();
        assert_eq!(pace.shortest_sleep(), Duration::ZERO);
        tokio::time::advance(FIRST).await;
        assert_eq!(pace.shortest_sleep(), SLOWER);
        tokio::time::advance(SECOND - FIRST).await;
        assert_eq!(pace.shortest_sleep(), SLOWEST);
        pace.restart();
        assert_eq!(pace.shortest_sleep(), Duration::ZERO);
        tokio::time::advance(SECOND).await;
        pace.stop();
        pace.restart();
        tokio::time::advance(SECOND).await;
        assert_eq!(pace.shortest_sleep(), Duration::ZERO);
    }
}
