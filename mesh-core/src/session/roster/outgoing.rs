//! Our own descriptions and candidates, on their way to the signaling.

use alloc::string::{String, ToString};
use core::time::Duration;

use super::Roster;
use crate::{ConnectFailure, Instant, LinkId, Mesh, PeerId, Signal, SignalingError};

/// Signals that wait for a signaling without room; a handshake has a few dozen.
const MAX_WAITING: usize = 1024;

/// How long to wait for a signaling without room: its contract has no word for room again.
const FULL_PAUSE: Duration = Duration::from_millis(20);

impl Roster {
    /// The next signal to hand to the signaling, and for whom.
    ///
    /// **Say with [`handle_sent`](Self::handle_sent) what became of it before the next call**, which gives the same one
    /// otherwise.
    pub fn poll_signal(&mut self, mesh: &mut Mesh) -> Option<(PeerId, Signal)> {
        loop {
            if self.waiting.is_empty() {
                self.waiting.push_back(mesh.poll_signal()?);
            }
            let (link, signal) = self.waiting.front()?;
            // One of a connection that has ended since, or for somebody who has left the lobby, is of no use.
            match mesh.peer_of(*link).filter(|peer| self.is_present(*peer)) {
                Some(peer) => return Some((peer, signal.clone())),
                None => drop(self.waiting.pop_front()),
            }
        }
    }

    /// Takes in whether the signaling has taken the signal that [`poll_signal`](Self::poll_signal) gave last.
    ///
    /// After [`SignalingError::Full`] it is kept, with those behind it, and is to be tried again in the next poll.
    pub fn handle_sent(&mut self, mesh: &mut Mesh, result: Result<(), SignalingError>) {
        if result == Err(SignalingError::Full) {
            self.keep(mesh);
            return;
        }
        let Some((link, signal)) = self.waiting.pop_front() else {
            return;
        };
        match (result, signal) {
            (Ok(()), Signal::Description(_)) => self.note_described(mesh, link),
            // A signaling that is not connected has `Lost` to tell; a handshake may do without this candidate.
            (Ok(()) | Err(SignalingError::NotConnected), Signal::Candidate(_)) => {}
            (Err(error), _) => fail(mesh, link, error.to_string()),
        }
    }

    /// Moves the mesh's signals here, where they keep nothing up: the game's messages must not wait for a signaling.
    fn keep(&mut self, mesh: &mut Mesh) {
        while let Some((link, signal)) = mesh.poll_signal() {
            if mesh.peer_of(link).is_none() {
                continue;
            }
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push_back((link, signal));
            } else {
                let why = String::from("it takes too long to send");
                fail(mesh, link, why);
                self.waiting.retain(|(other, _)| *other != link);
            }
        }
    }

    fn note_described(&mut self, mesh: &Mesh, link: LinkId) {
        let peer = mesh.peer_of(link);
        if let Some(member) = peer.and_then(|peer| self.members.get_mut(&peer)) {
            member.described = Some(link);
        }
    }

    pub(super) fn waiting_until(&self) -> Option<Instant> {
        let now = self.looked_at.filter(|_| !self.waiting.is_empty())?;
        Some(now + FULL_PAUSE)
    }
}

/// Ends a handshake that the signaling cannot carry. A connection that stands needs it no more.
fn fail(mesh: &mut Mesh, link: LinkId, why: String) {
    let attempt = mesh.peer_of(link).and_then(|peer| mesh.attempt(peer));
    if attempt == Some(link) {
        mesh.end_connection(link, ConnectFailure::Signaling(why));
    }
}
