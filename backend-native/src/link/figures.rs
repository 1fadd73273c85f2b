//! The figures of a link, kept fresh for whoever looks at them.

use std::sync::{Arc, Mutex, PoisonError};

use mesh_core::{Duration, LinkStats};
use tokio::time::Instant;

use super::Link;
use crate::connection::Connection;

/// How old they may get.
const AGE: Duration = Duration::from_secs(1);

/// The latest figures of a link. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(Arc<Mutex<LinkStats>>);

impl Figures {
    /// As they are now.
    pub(crate) fn latest(&self) -> LinkStats {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, stats: LinkStats) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stats;
    }
}

impl Link {
    /// What is known of the link at this moment.
    pub(super) async fn measure(&self, connection: &Connection) -> LinkStats {
        let mut stats = connection.stats().await;
        let channels = self.channels.iter();
        stats.messages_dropped = channels.map(|(_, channel)| channel.given_up()).sum();
        self.figures.replace(stats);
        stats
    }

    /// Measures from now on, again and again.
    pub(super) async fn keep_measuring(&mut self, connection: &Connection) {
        self.measure(connection).await;
        self.timers.figures = Some(Instant::now() + AGE);
    }
}
