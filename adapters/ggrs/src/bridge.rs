//! The way between a session of the mesh and a session of GGRS.

use mesh_core::{
    Backend, ChannelIndex, Event, PeerId, Session, Signaling, Target, Topology, TransferMode,
};

use crate::queues::Dropped;
use crate::seats::{Seats, SeatsError};
use crate::socket::{GgrsSocket, Shared};

/// Carries the messages of GGRS over a channel of a mesh.
///
/// One channel belongs to GGRS alone: the built-in unreliable one, unless [`with_channel`](Self::with_channel) names
/// another. A game may use all other channels as always.
///
/// A frame of a game has these steps:
///
/// 1. [`poll`](Self::poll) until it gives `None`. Packets of GGRS are taken out of the events.
/// 2. What GGRS asks for: `poll_remote_clients`, `add_local_input`, `advance_frame`.
/// 3. [`flush`](Self::flush), so that what GGRS has said goes out in this frame.
#[derive(Debug)]
pub struct Bridge {
    channel: ChannelIndex,
    queues: Shared,
}

impl Default for Bridge {
    fn default() -> Self {
        Self::new()
    }
}

impl Bridge {
    /// A bridge over the built-in unreliable channel.
    #[must_use]
    pub fn new() -> Self {
        Self::with_channel(TransferMode::Unreliable.channel())
    }

    /// A bridge over a channel that all players have set for it, such as a custom one. It should be unreliable: GGRS sends
    /// again by itself what was lost, and what a reliable channel sends again comes late.
    #[must_use]
    pub fn with_channel(channel: ChannelIndex) -> Self {
        Self {
            channel,
            queues: Shared::default(),
        }
    }

    /// The socket for a new session of GGRS. Those that were given before are cut off: they receive nothing any more, and what
    /// is sent with them goes nowhere.
    #[must_use]
    pub fn socket(&mut self) -> GgrsSocket {
        let dropped = self.dropped();
        self.queues = Shared::default();
        self.queues.lock().dropped = dropped;
        GgrsSocket::new(self.queues.clone())
    }

    /// How many messages were dropped.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.queues.lock().dropped
    }

    /// Gives the events of a frame one by one, then `None`, as [`Session::poll`] does. Packets of GGRS are not among them.
    ///
    /// Call it instead of [`Session::poll`]: packets of GGRS that a game takes there are lost to GGRS.
    pub fn poll<B: Backend, S: Signaling>(&mut self, session: &mut Session<B, S>) -> Option<Event> {
        self.flush(session);
        while let Some(event) = session.poll() {
            if let Event::Packet(packet) = &event
                && packet.channel == self.channel
            {
                let mut queues = self.queues.lock();
                queues.receive(packet.from, packet.payload.bytes());
                continue;
            }
            if let Event::PeerDisconnected { peer, .. } = event {
                self.queues.lock().forget(peer);
            }
            return Some(event);
        }
        None
    }

    /// Gives the mesh what GGRS has sent. [`poll`](Self::poll) does it, too, but only in the next frame.
    pub fn flush<B: Backend, S: Signaling>(&mut self, session: &mut Session<B, S>) {
        let packets = self.queues.lock().take_outgoing();
        let mut unsent = 0;
        for (peer, packet) in packets {
            let sent = session.send_on(Target::One(peer), self.channel, packet.into());
            // A peer that is gone or interrupted. GGRS sends it again, or gives the peer up after its own timeout.
            if !sent.is_ok_and(|sent| sent.is_complete()) {
                unsent += 1;
            }
        }
        if unsent > 0 {
            self.queues.lock().dropped.unsent += unsent;
        }
    }

    /// Who plays, once it is certain: the lobby is sealed, and everybody in it is connected with us.
    ///
    /// The `players` lowest ids play, and the others watch. Everybody gets the same answer, because nobody can join a sealed
    /// lobby. Ask again in each frame until it is `Ok`.
    ///
    /// Somebody who leaves the lobby at the very moment may be missing for some and be there for others. Their sessions of GGRS
    /// do not synchronize then. A game gives up after a few seconds of that and joins a lobby anew.
    ///
    /// # Errors
    ///
    /// [`SeatsError`] says what is waited for.
    pub fn seats<B: Backend, S: Signaling>(
        &self,
        session: &Session<B, S>,
        players: usize,
    ) -> Result<Seats, SeatsError> {
        let own = session.unique_id().ok_or(SeatsError::NotJoined)?;
        let roster = session.roster();
        if roster.topology() != Topology::Mesh {
            return Err(SeatsError::NoMesh);
        }
        if !roster.is_sealed() {
            return Err(SeatsError::NotSealed);
        }
        let connected: Vec<PeerId> = session.connected_peers().collect();
        let mut missing = roster.present().filter(|peer| !connected.contains(peer));
        if let Some(peer) = missing.next() {
            return Err(SeatsError::Missing { peer });
        }
        Seats::new(own, connected, players)
    }
}
