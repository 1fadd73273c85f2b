//! How often a peer may make us remember something.

use std::time::Duration;

use tokio::time::Instant;

/// A number of times at once, and one more after each span.
#[derive(Debug)]
pub(super) struct Allowance {
    most: u32,
    span: Duration,
    left: u32,
    /// Up to when what was used has been given back.
    since: Instant,
}

impl Allowance {
    pub(super) fn new(most: u32, span: Duration) -> Self {
        Self {
            most,
            span,
            left: most,
            since: Instant::now(),
        }
    }

    /// Uses one up; false if there is none.
    pub(super) fn take(&mut self) -> bool {
        while self.left < self.most && self.since.elapsed() >= self.span {
            self.left += 1;
            self.since += self.span;
        }
        if self.left == self.most {
            self.since = Instant::now();
        }
        let taken = self.left.checked_sub(1);
        self.left = taken.unwrap_or(0);
        taken.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_used_comes_back_one_by_one() {
        const SPAN: Duration = Duration::from_secs(10);
        let mut allowance = Allowance::new(3, SPAN);
        for _ in 0..2 {
            let taken = [(); 5].map(|()| allowance.take());
            assert_eq!(taken, [true, true, true, false, false]);
            tokio::time::advance(SPAN).await;
            assert!(allowance.take());
            assert!(!allowance.take());
            // No more than there ever was.
            tokio::time::advance(SPAN * 100).await;
        }
    }
}
