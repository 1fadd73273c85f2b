//! When a connection is opened: the first time, after a failure, and when a place becomes free.

use alloc::vec::Vec;

use super::{Roster, calls};
use crate::{DisconnectReason, Duration, Instant, LinkId, Mesh, PeerId};

/// How much later than the other side the one offers a replacement that does not call else.
const OUT_OF_TURN: Duration = Duration::from_secs(1);

/// Why no connection was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotOpened {
    /// Nobody may come for now, or all places are taken.
    NoPlace,
    /// The game does not accept this peer.
    Declined,
}

impl Roster {
    /// Takes in that it is `now`, and what has become of the mesh's connections: opens those that are due, and plans the next
    /// attempt to connect to those who have none.
    ///
    /// Call it at the end of every poll, after [`Mesh::handle_timeout`] and [`handle_sent`](Self::handle_sent): what has
    /// ended there is to be tried again. And whenever [`poll_timeout`](Self::poll_timeout) has passed.
    pub fn handle_timeout(&mut self, now: Instant, mesh: &mut Mesh) {
        self.give_up_severed(mesh);
        self.give_up_replacements(now, mesh);
        self.take_held(now, mesh);
        self.plan(now, mesh);
        self.open_due(now, mesh);
        self.members.retain(|_, member| !member.is_forgotten(now));
        self.looked_at = Some(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let members = self.members.values().filter(|member| member.present);
        let due = members.flat_map(|member| {
            // What was due before waits for a place; the end that makes one is noticed in the same poll.
            let due = member.due.filter(|due| Some(*due) > self.looked_at);
            let held = member.held.as_ref().map(|held| held.until);
            [due, held, member.gives_up_at()]
        });
        due.chain([self.waiting_until()]).flatten().min()
    }

    /// Whoever is here, wanted, to be called by us and not connected gets a time for the next attempt.
    fn plan(&mut self, now: Instant, mesh: &mut Mesh) {
        let retry_after = self.config.retry_after;
        let (away, topology, own) = (&self.away, self.topology, mesh.unique_id());
        for (&peer, member) in &mut self.members {
            if !member.present {
                continue;
            }
            let connected = mesh.is_connected(peer);
            member.note_connected(now, connected, retry_after.unwrap_or_default());
            if connected {
                self.has_doubts |= member.note_broken(mesh.is_interrupted(peer));
            }
            let is_linked = own.is_some_and(|own| topology.links(own, peer));
            let wanted = is_linked && !away.contains_key(&peer);
            // One whose link has closed calls, whoever would else: the other side may not know that it has. Nor may it know of a path
            // that is broken in one direction.
            let is_ours = calls(mesh, peer) || mesh.is_not_to_heal(peer);
            let wait = if is_ours { Duration::ZERO } else { OUT_OF_TURN };
            let replacement = mesh.replacement_due(peer).filter(|_| wanted);
            if let Some(due) = replacement.map(|due| due + wait) {
                member.due = Some(due.max(member.may_open_at(now)));
            } else if mesh.has_peer(peer) || !wanted {
                member.due = None;
            } else if member.due.is_none() && calls(mesh, peer) && retry_after.is_some() {
                member.try_later(now);
            }
            if peer.is_server() && member.due.is_some() {
                mesh.await_server();
            }
        }
    }

    /// Ends peers whose link has closed and that have left the lobby, too: nobody is there who could go on.
    fn give_up_severed(&self, mesh: &mut Mesh) {
        // A handshake in which both have described themselves needs no lobby any more.
        let is_left = |peer| !self.is_present(peer) && mesh.successor(peer).is_none();
        let gone = mesh.severed_peers().filter(|(peer, _)| is_left(*peer));
        let gone: Vec<_> = gone.collect();
        for (_, link) in gone {
            mesh.end_connection(link, DisconnectReason::Closed);
        }
    }

    /// Ends the replacements of broken links that have found no route in time, so that the next one is tried: a connection
    /// that was offered while the path was still broken may search ever more slowly.
    fn give_up_replacements(&mut self, now: Instant, mesh: &mut Mesh) {
        for (&peer, member) in &mut self.members {
            let successor = mesh
                .successor(peer)
                .filter(|link| !mesh.is_taking_over(*link));
            if successor.is_none() {
                member.answered_at = None;
                member.offered_at = None;
            }
            if member.gives_up_at().is_some_and(|due| due <= now) {
                member.note_replacement_failed();
                if let Some(link) = successor {
                    mesh.end_connection(link, DisconnectReason::Removed);
                }
            }
        }
    }

    fn take_held(&mut self, now: Instant, mesh: &mut Mesh) {
        let members = self.members.iter();
        let held = members.filter_map(|(peer, member)| Some((*peer, member.held.as_ref()?)));
        let due = held.filter(|(_, held)| held.until <= now);
        let due: Vec<_> = due.map(|(peer, held)| (peer, held.answers)).collect();
        for (peer, answers) in due {
            if answers.is_some() {
                let attempt = mesh.attempt(peer).filter(|link| answers == Some(*link));
                self.apply_held(mesh, peer, attempt);
            } else {
                self.answer(now, mesh, peer);
            }
        }
    }

    /// Opens what is due; who has waited longest comes first.
    fn open_due(&mut self, now: Instant, mesh: &mut Mesh) {
        if self.is_interrupted {
            return;
        }
        let mut due: Vec<(Instant, PeerId)> = self
            .members
            .iter()
            .filter_map(|(peer, member)| Some((member.due.filter(|due| *due <= now)?, *peer)))
            .filter(|(_, peer)| self.wants(mesh, *peer))
            .collect();
        due.sort_unstable();
        for (_, peer) in due {
            let Some(member) = self.members.get_mut(&peer) else {
                continue;
            };
            let from = member.may_open_at(now);
            if from > now {
                member.due = Some(from);
                continue;
            }
            let replaces = mesh.replacement_due(peer).is_some();
            match self.open(now, mesh, peer, replaces) {
                Ok(link) => {
                    if replaces || calls(mesh, peer) {
                        // Cannot fail: the connection is new.
                        let _ = mesh.create_offer(link);
                        if let Some(member) = self.members.get_mut(&peer) {
                            member.open_offers = member.open_offers.saturating_add(1);
                            member.offered_at = replaces.then_some(now);
                        }
                    }
                }
                // A replacement takes no place, and may come behind this one.
                Err(NotOpened::NoPlace) => {}
                Err(NotOpened::Declined) => {
                    let is_again = calls(mesh, peer) && self.config.retry_after.is_some();
                    if let Some(member) = self.members.get_mut(&peer) {
                        member.due = None;
                        if is_again {
                            member.try_later(now);
                        }
                    }
                }
            }
        }
    }

    /// Opens a connection to a member: its only one, the successor of one that stands, or one that `replaces` a broken one. What
    /// was under way has come to nothing, and ends unheard.
    pub(super) fn open(
        &mut self,
        now: Instant,
        mesh: &mut Mesh,
        peer: PeerId,
        replaces: bool,
    ) -> Result<LinkId, NotOpened> {
        let has_place = mesh.has_peer(peer) || mesh.peer_count() < self.config.max_peers;
        // Who comes back over another link is nobody new.
        if !replaces {
            if mesh.refuses_new_connections() || !has_place {
                return Err(NotOpened::NoPlace);
            }
            if self.accept.as_mut().is_some_and(|accept| !accept(peer)) {
                return Err(NotOpened::Declined);
            }
        }
        if let Some(attempt) = mesh.attempt(peer) {
            mesh.end_connection(attempt, DisconnectReason::Removed);
        }
        let link = mesh.create_connection(self.config.link.clone());
        let added = if replaces {
            mesh.add_replacement(now, link, peer, None)
        } else if mesh.has_peer(peer) {
            mesh.add_successor(now, link, peer, None)
        } else {
            mesh.add_peer(now, link, peer, None)
        };
        if added.is_err() {
            // Only if the mesh has been changed behind our back.
            mesh.close_connection(link);
            return Err(NotOpened::Declined);
        }
        if let Some(member) = self.members.get_mut(&peer) {
            member.note_opened(now);
        }
        Ok(link)
    }

    /// Ends an attempt that cannot succeed and plans another one for as soon as the peer may open a connection.
    pub(super) fn start_anew(&mut self, now: Instant, mesh: &mut Mesh, peer: PeerId) {
        if let Some(attempt) = mesh.attempt(peer) {
            if mesh.is_taking_over(attempt) {
                return;
            }
            mesh.end_connection(attempt, DisconnectReason::Removed);
        }
        if let Some(member) = self.members.get_mut(&peer) {
            member.held = None;
            member.due = Some(now);
        }
    }
}
