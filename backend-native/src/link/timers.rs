//! The moments at which a link has something to do although nothing happens.

use core::future::pending;

use tokio::time::{Instant, sleep_until};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Gathering has taken as long as it may.
    Gathering,
    /// Whether the route is relayed must be asked again.
    RelayCheck,
    /// The channels are still not open.
    Hurry,
    /// The search for a direct path has something to do.
    Direct,
    /// The machine may have got another address.
    Addresses,
    /// The pulse has something to say.
    Pulse,
    /// The figures are old.
    Figures,
}

/// A moment for each of [`Due`]. A moment stays until it is due or replaced, whatever else happens in between.
#[derive(Debug, Default)]
pub(super) struct Timers {
    pub(super) gathering: Option<Instant>,
    pub(super) relay_check: Option<Instant>,
    pub(super) hurry: Option<Instant>,
    pub(super) direct: Option<Instant>,
    pub(super) addresses: Option<Instant>,
    pub(super) pulse: Option<Instant>,
    pub(super) figures: Option<Instant>,
}

impl Timers {
    /// Waits for the next moment and forgets it. Never returns where there is none. Cancel-safe.
    pub(super) async fn due(&mut self) -> Due {
        let moments = [
            (self.gathering, Due::Gathering),
            (self.relay_check, Due::RelayCheck),
            (self.hurry, Due::Hurry),
            (self.direct, Due::Direct),
            (self.addresses, Due::Addresses),
            (self.pulse, Due::Pulse),
            (self.figures, Due::Figures),
        ];
        let next = moments
            .into_iter()
            .filter_map(|(moment, due)| Some((moment?, due)))
            .min_by_key(|(moment, _)| *moment);
        let Some((moment, due)) = next else {
            return pending().await;
        };
        sleep_until(moment).await;
        match due {
            Due::Gathering => self.gathering = None,
            Due::RelayCheck => self.relay_check = None,
            Due::Hurry => self.hurry = None,
            Due::Direct => self.direct = None,
            Due::Addresses => self.addresses = None,
            Due::Pulse => self.pulse = None,
            Due::Figures => self.figures = None,
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_earliest_moment_comes_first_and_an_interruption_moves_none() {
        let start = Instant::now();
        let after = |seconds| Some(start + Duration::from_secs(seconds));
        let mut timers = Timers {
            gathering: after(8),
            relay_check: after(2),
            ..Timers::default()
        };
        for _ in 0..3 {
            let interrupted = tokio::time::timeout(Duration::from_millis(500), timers.due()).await;
            assert!(interrupted.is_err());
        }
        assert_eq!(timers.due().await, Due::RelayCheck);
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        timers.hurry = after(3);
        assert_eq!(timers.due().await, Due::Hurry);
        assert_eq!(timers.due().await, Due::Gathering);
        assert_eq!(start.elapsed(), Duration::from_secs(8));
    }
}
