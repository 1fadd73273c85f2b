//! The figures of a link, kept fresh for whoever looks at them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mesh_core::platform::PairWatch;
use mesh_core::{Duration, LinkEvent, LinkStats};
use tokio::time::Instant;

use super::Link;
use crate::carried::Carried;
use crate::connection::Connection;

/// How old they may get.
const AGE: Duration = Duration::from_secs(1);

/// The latest figures of a link. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    state: Arc<Mutex<State>>,
    carried: Carried,
}

#[derive(Debug, Default)]
struct State {
    latest: LinkStats,
    pairs: PairWatch,
}

impl Figures {
    /// As they are now.
    pub(crate) fn latest(&self) -> LinkStats {
        self.state().latest
    }

    /// What counts the bytes of its messages.
    pub(super) const fn carried(&self) -> &Carried {
        &self.carried
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// What is known of the link at this moment. Tells of another pair of addresses.
    pub(super) async fn measure(&self, connection: &Connection) -> LinkStats {
        let pair = connection.pair_in_use().await;
        let pair = pair.map(|pair| pair.as_told(&self.relay));
        let mut stats = connection.stats().await;
        (stats.bytes_sent, stats.bytes_received) = self.figures.carried.so_far();
        let channels = self.channels.iter();
        stats.messages_dropped = channels.map(|(_, channel)| channel.given_up()).sum();
        let mut state = self.figures.state();
        let selected = state.pairs.look(pair, &mut stats);
        state.latest = stats;
        drop(state);
        if let Some(path) = selected {
            let link = self.id;
            self.report(LinkEvent::PairSelected { link, path });
        }
        stats
    }

    /// Measures now if that is due soon: the link is awake in any case.
    pub(super) async fn measure_early(&mut self, connection: &Connection) {
        let soon = Instant::now() + AGE / 4;
        if self.timers.figures.is_some_and(|due| due <= soon) {
            self.keep_measuring(connection).await;
        }
    }

    /// Measures from now on, again and again.
    pub(super) async fn keep_measuring(&mut self, connection: &Connection) {
        self.measure(connection).await;
        self.timers.figures = Some(Instant::now() + AGE);
    }
}
