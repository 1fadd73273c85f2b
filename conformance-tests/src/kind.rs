//! The kinds of participant, as far as a case may know them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which implementation a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// mesh-core's network in memory.
    Mock,
    /// backend-native.
    Native,
    /// backend-web in Chromium.
    Chromium,
    /// backend-web in Firefox.
    Firefox,
}

impl Kind {
    /// A window in which a peer may come back, for a case that does not want to wait for the default of 25 s.
    pub const SHORT_WINDOW: Duration = Duration::from_secs(2);

    /// Whether it is a page of a browser.
    #[must_use]
    pub const fn is_page(self) -> bool {
        matches!(self, Self::Chromium | Self::Firefox)
    }

    /// How long it may take to tell that a peer of ours has vanished, on every platform. The pulse needs 2.5 s for one
    /// that says nothing any more.
    pub const INTERRUPTION_LIMIT: Duration = Duration::from_secs(3);

    /// How far a backend's alarm may lag behind a timer of its platform for the same moment. Whatever delays timers delays both,
    /// so this is only what a busy machine puts between the two.
    #[must_use]
    pub const fn alarm_slack(self) -> Duration {
        match self {
            Self::Mock => Duration::ZERO,
            Self::Native | Self::Chromium | Self::Firefox => Duration::from_millis(500),
        }
    }

    /// How far a wake-up may lag behind its deadline: a loaded machine, or a page whose timers are throttled.
    #[must_use]
    pub const fn timer_slack(self) -> Duration {
        match self {
            Self::Mock => Duration::ZERO,
            Self::Native => Duration::from_millis(500),
            Self::Chromium | Self::Firefox => Duration::from_millis(1500),
        }
    }
}
