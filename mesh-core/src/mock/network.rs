//! The handle of a network, with which a test controls participants, paths and time.

use alloc::sync::Arc;
use core::mem;
use std::sync::{Mutex, PoisonError};

use super::backend::MockBackend;
use super::conditions::{BackendId, Conditions, MockConfig, Usage};
use super::path::Paths;
use super::world::World;
use crate::{ChannelIndex, ChannelSpec, Duration, Instant, LinkId};

/// A network in memory with a virtual clock. It is a cheap handle; clones are the same network.
///
/// Nothing happens by itself. Time passes only in [`advance`](Self::advance), [`run_until_idle`](Self::run_until_idle),
/// [`step`](Self::step) and [`block_on`](Self::block_on). The same seed and the same calls give the same events at the
/// same moments, byte for byte.
#[derive(Clone, Debug)]
pub struct Network {
    world: Arc<Mutex<World>>,
}

impl Network {
    /// Makes a network whose losses, delays and ids are drawn from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            world: Arc::new(Mutex::new(World::new(seed))),
        }
    }

    /// Adds a participant.
    #[must_use]
    pub fn backend(&self) -> MockBackend {
        self.backend_with(MockConfig::default())
    }

    /// Adds a participant with settings of its own.
    #[must_use]
    pub fn backend_with(&self, config: MockConfig) -> MockBackend {
        let id = BackendId(self.with(|world| world.add_host(config)));
        let network = self.clone();
        MockBackend { network, id }
    }

    /// The time on the network's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.with(|world| world.clock.now)
    }

    /// Lets time pass, and lets happen what is due by then. Participants are woken but not run; poll them afterwards.
    pub fn advance(&self, span: Duration) {
        let target = self.now() + span;
        while self.next_due().is_some_and(|due| due <= target) {
            self.step();
        }
        self.with(|world| world.run(target));
    }

    /// Lets time pass until nothing is on its way any more. Alarms and sleeps of participants are not waited for.
    ///
    /// A link that is cut off reaches its timeouts here, because nothing else is going to happen to it.
    pub fn run_until_idle(&self) {
        while let Some(due) = self.with(|world| world.next_action()) {
            self.advance(due - self.now());
        }
    }

    /// Moves to the next moment at which something is due, including alarms and sleeps. Returns `false` when nothing is.
    pub fn step(&self) -> bool {
        self.with(|world| {
            let due = world.next_due();
            if let Some(due) = due {
                world.run(due);
            }
            due.is_some()
        })
    }

    /// The next moment at which something is due, including alarms and sleeps.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.with(|world| world.next_due())
    }

    /// Sets the conditions of all paths. Messages that are on their way are not affected.
    ///
    /// To give one participant a worse connection than the others, put its backend into a
    /// [`Conditioned`](crate::Conditioned).
    pub fn set_conditions(&self, conditions: Conditions) {
        self.change_paths(|paths| paths.set(conditions));
    }

    /// Cuts every path between a participant of `left` and one of `right`, in both directions.
    ///
    /// Reliable messages wait for [`heal`](Self::heal); others are lost. A link is "disconnected" and then "failed" after
    /// the times in [`MockConfig`]. Two that are parted before they connect find no route, as two behind strict NATs do.
    pub fn partition(&self, left: &[BackendId], right: &[BackendId]) {
        self.change_paths(|paths| {
            for a in left {
                let pairs = right.iter().flat_map(|b| [(a.0, b.0), (b.0, a.0)]);
                paths.parted.extend(pairs);
            }
        });
    }

    /// Ends every partition.
    pub fn heal(&self) {
        self.change_paths(|paths| paths.parted.clear());
    }

    /// Changes the address of a participant, as when a phone leaves the WLAN: the links that it has carry nothing any more, also
    /// after [`heal`](Self::heal), and new ones do. A [`Session`](crate::Session) goes on over a new one by itself.
    pub fn change_address(&self, backend: BackendId) {
        self.with(|world| world.strand(backend.0));
    }

    /// Has the links of a participant go through a TURN server from now on, or not any more, as when ICE selects another pair of
    /// addresses. Nothing else changes: the game is told ([`Event::PeerPathChanged`](crate::Event::PeerPathChanged)) and the figures say
    /// so.
    pub fn set_relayed(&self, backend: BackendId, is_relayed: bool) {
        self.with(|world| world.set_relayed(backend.0, is_relayed));
    }

    fn change_paths(&self, change: impl FnOnce(&mut Paths)) {
        self.with(|world| {
            change(&mut world.paths);
            world.refresh_all();
        });
    }

    /// Makes a channel in-band on a participant's link, as a peer that is not ours may do (DCEP): at this position on its side. The far
    /// side is told of it when it opens. Before the offer or the answer.
    pub fn create_in_band_channel(
        &self,
        backend: BackendId,
        link: LinkId,
        channel: ChannelIndex,
        spec: &ChannelSpec,
    ) {
        self.with(|world| world.create_in_band_channel((backend.0, link), channel, spec));
    }

    /// Ends a participant as if its process had been killed: it says goodbye on no link, and its backend does nothing more.
    pub fn kill(&self, backend: BackendId) {
        self.with(|world| world.end_host(backend.0, false));
    }

    /// Suspends a participant, as a browser does with a page, or a long task with the thread of one: it takes nothing that comes and
    /// answers no pulse until [`wake`](Self::wake). Its end of each path still answers, so nobody is told of an interruption. After
    /// 2 s ([`MockConfig::ice_disconnected`]) the others read that it is [stalled](crate::LinkStats::stalled). A test does not poll
    /// its game meanwhile.
    pub fn suspend(&self, backend: BackendId) {
        self.with(|world| world.suspend(backend.0, true));
    }

    /// Wakes a participant that is suspended. What has come meanwhile is there at its next poll.
    pub fn wake(&self, backend: BackendId) {
        self.with(|world| world.suspend(backend.0, false));
    }

    /// What the network holds at the moment, for tests that nothing is left behind.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.with(|world| world.usage())
    }

    /// How many messages were sent so far and have not come, for good, or have come too late for their channel. Those that waited for a
    /// link that ended do not count.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.with(|world| world.lost)
    }

    /// Works on the world and then wakes those concerned, outside the lock, because a waker may call back at once.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        // A poisoned lock means that an assertion of a test failed in a waker. The world itself is consistent.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut world);
        let wakes = mem::take(&mut world.wakes);
        let _old_wakers = mem::take(&mut world.old_wakers);
        drop(world);
        for waker in wakes {
            waker.wake();
        }
        result
    }
}
