//! What a peer at a table can do.

use super::{MockPeer, Role, Seat, State};
use crate::{
    ChannelIndex, ConnectionStatus, DisconnectReason, Event, Incarnation, Instant, MultiplayerPeer,
    Payload, PeerId, SendError, Sent, Target, TransferMode,
};

impl MockPeer {
    fn seat<T>(&self, work: impl FnOnce(&mut Seat) -> T) -> Option<T> {
        self.seated(|state| state.seats.get_mut(&self.id).map(work))?
    }

    /// Does something if it has not been closed; another peer may have its id since.
    fn seated<T>(&self, work: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.table.with(|state| {
            let seat = state.seats.get(&self.id)?;
            (seat.incarnation == self.incarnation).then(|| work(state))
        })
    }
}

impl MultiplayerPeer for MockPeer {
    fn pump(&mut self) {
        self.seat(Seat::take_in);
    }

    fn take_event(&mut self) -> Option<Event> {
        self.seat(|seat| seat.events.pop_front()).flatten()
    }

    fn send_on(
        &mut self,
        target: Target,
        channel: ChannelIndex,
        payload: Payload,
    ) -> Result<Sent, SendError> {
        self.seated(|state| state.send(self.id, target, channel, &payload))
            .unwrap_or(Err(SendError::NotInitialized))
    }

    fn channel_modes(&self) -> &[TransferMode] {
        &self.channel_modes
    }

    fn now(&self) -> Instant {
        self.table.with(|state| state.now)
    }

    fn unique_id(&self) -> Option<PeerId> {
        self.seat(|_| self.id)
    }

    fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    fn connection_status(&self) -> ConnectionStatus {
        self.seat(|seat| seat.status).unwrap_or_default()
    }

    fn is_server_relay_supported(&self) -> bool {
        self.seat(|seat| seat.role != Role::Mesh).unwrap_or(false)
    }

    fn disconnect_peer(&mut self, peer: PeerId, force: bool) -> bool {
        self.seated(|state| {
            if !state.unlink(self.id, peer) {
                return false;
            }
            state.tell_end(peer, self.id, DisconnectReason::Closed);
            let Some(seat) = state.seats.get_mut(&self.id) else {
                return false;
            };
            // What it said before still counts, unless it is to be forgotten.
            seat.take_in();
            seat.forget(peer);
            if force {
                seat.events.retain(|event| about(event) != Some(peer));
            } else {
                let reason = DisconnectReason::Removed;
                let gone = Event::PeerDisconnected { peer, reason };
                seat.events.push_back(gone);
            }
            true
        })
        .unwrap_or(false)
    }

    fn refuses_new_connections(&self) -> bool {
        self.seat(|seat| seat.refuses).unwrap_or(false)
    }

    fn set_refuse_new_connections(&mut self, refuse: bool) {
        self.seat(|seat| seat.refuses = refuse);
    }

    fn close(&mut self) {
        self.seated(|state| state.leave(self.id));
        self.incarnation = Incarnation::begin();
    }
}

impl Drop for MockPeer {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whose event it is, of those that happen here.
fn about(event: &Event) -> Option<PeerId> {
    if let Event::PeerConnected(peer) | Event::PeerDisconnected { peer, .. } = event {
        Some(*peer)
    } else if let Event::Packet(packet) = event {
        Some(packet.from)
    } else {
        None
    }
}
