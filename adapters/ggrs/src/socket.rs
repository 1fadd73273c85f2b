//! What GGRS sends and receives with.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ggrs::{Message, NonBlockingSocket};
use mesh_core::PeerId;

use crate::queues::Queues;

/// The socket for a session of GGRS: `start_p2p_session(bridge.socket())`.
///
/// It is `Send` and `Sync` on every platform, also where the mesh is not. What GGRS sends waits here until the
/// [`Bridge`](crate::Bridge) gives it to the mesh.
#[derive(Debug)]
pub struct GgrsSocket {
    queues: Shared,
}

impl GgrsSocket {
    pub(crate) const fn new(queues: Shared) -> Self {
        Self { queues }
    }
}

impl NonBlockingSocket<PeerId> for GgrsSocket {
    fn send_to(&mut self, msg: &Message, addr: &PeerId) {
        self.queues.lock().send(*addr, msg);
    }

    fn receive_all_messages(&mut self) -> Vec<(PeerId, Message)> {
        self.queues.lock().take_incoming()
    }
}

/// The queues that a bridge and its socket share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Queues>>);

impl Shared {
    /// No panic happens under the lock, and the queues would be whole after one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_may_go_to_another_thread() {
        const fn is_send_and_sync<T: Send + Sync>() {}
        is_send_and_sync::<GgrsSocket>();
    }
}
