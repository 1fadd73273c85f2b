//! The rules of a session without I/O: who is in the lobby, whom to call, whom to answer, who is not wanted.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use core::fmt;

use self::member::{Away, Member};
use super::config::SessionConfig;
use crate::{Event, GivenReason, Instant, LinkId, Mesh, PeerId, Signal, Topology};

mod attempts;
mod handshake;
mod lobby;
mod member;
mod outgoing;

/// Events of the signaling that wait for the game; with more, nothing is taken from the signaling.
const MAX_EVENTS: usize = 256;

/// The members of a lobby and the attempts to connect to them: the state machine of a [`Session`](crate::Session).
///
/// It does no I/O and has no clock. It knows what the signaling said and what the session was told to do; the connections
/// themselves belong to a [`Mesh`], which is an argument, so that what is connected is written down once.
///
/// **Whoever is in the lobby, wanted and not connected has an attempt under way or one planned**, on the side that calls,
/// whichever side gave up first and however the last connection ended. The member with the higher id calls, as in Godot's
/// official 4.x demo; the other one answers each new call.
///
/// Four families of methods:
///
/// - getters: [`topology`](Self::topology), [`is_present`](Self::is_present), [`is_away`](Self::is_away), …
/// - verbs: [`kick`](Self::kick), [`ban`](Self::ban), [`allow`](Self::allow), [`set_accept`](Self::set_accept),
///   [`clear`](Self::clear);
/// - `handle_*`, for what happened: [`handle_signaling`](Self::handle_signaling),
///   [`handle_timeout`](Self::handle_timeout), which also notices what became of the mesh's connections, and
///   [`handle_sent`](Self::handle_sent);
/// - `poll_*`, for what follows: [`poll_signal`](Self::poll_signal), [`poll_event`](Self::poll_event),
///   [`poll_timeout`](Self::poll_timeout). What a backend is to do is in [`Mesh::poll_command`].
///
/// **After the events of a poll have been handled, call `handle_timeout`**, whatever `poll_timeout` says: connections are
/// opened there.
///
/// ```
/// use mesh_core::*;
///
/// let mut roster = Roster::new(SessionConfig::default());
/// let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
/// let now = Instant::from_micros(1);
/// let (own, other) = (PeerId::new(9).unwrap(), PeerId::new(7).unwrap());
/// let lobby = String::from("demo");
/// let joined = SignalingEvent::Joined { id: own, topology: Topology::Mesh, lobby };
/// roster.handle_signaling(now, &mut mesh, joined);
/// roster.handle_signaling(now, &mut mesh, SignalingEvent::PeerJoined(other));
/// roster.handle_timeout(now, &mut mesh);
///
/// let commands: Vec<_> = std::iter::from_fn(|| mesh.poll_command()).collect();
/// assert!(matches!(commands[0], Command::Open { .. }));
/// assert!(matches!(commands.last(), Some(Command::CreateOffer { .. })), "the higher id calls");
/// ```
#[derive(Default)]
pub struct Roster {
    config: SessionConfig,
    topology: Topology,
    /// Who is in the lobby, and who has just left it.
    members: BTreeMap<PeerId, Member>,
    away: BTreeMap<PeerId, Away>,
    accept: Option<Accept>,
    /// Signals that the signaling had no room for, and those after them.
    waiting: VecDeque<(LinkId, Signal)>,
    events: VecDeque<Event>,
    /// When planned attempts were last looked at: one that was due then waits for a place, not for a time.
    looked_at: Option<Instant>,
    is_over: bool,
    /// Whether the signaling is out of reach for now: a new attempt would only wait for it and grow old.
    is_interrupted: bool,
    /// Whether the path to a peer has broken, so that to the signaling may have, too.
    has_doubts: bool,
    /// Whether all who were in the lobby when we joined have been told.
    is_complete: bool,
    is_sealed: bool,
    is_locked: bool,
    is_listed: bool,
    /// None: peer 1.
    host: Option<PeerId>,
    lobby_data: String,
}

// `Sync` as well, so that a session is whatever its backend is.
type Accept = Box<dyn FnMut(PeerId) -> bool + Send + Sync>;

impl Roster {
    /// The roster of somebody who is in no lobby yet.
    #[must_use]
    pub fn new(config: SessionConfig) -> Self {
        Self {
            config,
            ..Self::default()
        }
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Whether the path to a peer has broken since this was asked last.
    pub(super) fn take_doubts(&mut self) -> bool {
        core::mem::take(&mut self.has_doubts)
    }

    /// The lobby's topology; [`Topology::Mesh`] before we have joined.
    #[must_use]
    pub const fn topology(&self) -> Topology {
        self.topology
    }

    /// Whether the signaling says that this peer is in the lobby.
    #[must_use]
    pub fn is_present(&self, peer: PeerId) -> bool {
        self.members.get(&peer).is_some_and(|member| member.present)
    }

    /// Everybody who is in the lobby as the signaling says, connected or not, ascending. We are not among them.
    pub fn present(&self) -> impl Iterator<Item = PeerId> {
        let present = self.members.iter().filter(|(_, member)| member.present);
        present.map(|(peer, _)| *peer)
    }

    /// Whether everybody who was in the lobby when we joined has been told ([`LobbyEvent::Complete`](crate::LobbyEvent::Complete)).
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether the lobby is sealed: nobody can join it any more ([`Event::Sealed`]). It stays so for who is in it, also once the
    /// signaling is gone.
    #[must_use]
    pub const fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// Whether the host has locked the lobby ([`LobbyEvent::Locked`](crate::LobbyEvent::Locked)).
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// Whether the lobby is on the public list of the signaling ([`LobbyEvent::Listed`](crate::LobbyEvent::Listed)).
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Who has the rights of the host in the lobby: peer 1, unless the signaling has told of another
    /// ([`LobbyEvent::Host`](crate::LobbyEvent::Host)). It may be us.
    #[must_use]
    pub const fn host(&self) -> PeerId {
        match self.host {
            Some(host) => host,
            None => PeerId::SERVER,
        }
    }

    /// The lobby's data as the host has set them, a JSON object as text; empty if there are none
    /// ([`LobbyEvent::Data`](crate::LobbyEvent::Data)).
    #[must_use]
    pub fn lobby_data(&self) -> &str {
        &self.lobby_data
    }

    /// The data of another member that is in the lobby, a JSON object as text; empty if there are none
    /// ([`LobbyEvent::MemberData`](crate::LobbyEvent::MemberData)).
    #[must_use]
    pub fn member_data(&self, peer: PeerId) -> &str {
        let member = self.members.get(&peer).filter(|member| member.present);
        member.map_or("", |member| &member.data)
    }

    /// Whether a peer has been kicked or banned and not allowed again.
    #[must_use]
    pub fn is_away(&self, peer: PeerId) -> bool {
        self.away.contains_key(&peer)
    }

    /// When a member of the lobby that has no connection is called next, as far as a time is planned. A time that has passed
    /// means that it waits for a place: [`SessionConfig::max_peers`], or new connections are refused.
    #[must_use]
    pub fn next_attempt(&self, peer: PeerId) -> Option<Instant> {
        self.members.get(&peer)?.due
    }

    /// How many peers are remembered: those in the lobby, and those who left it within the last second.
    #[must_use]
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// How many signals wait for a signaling that had no room.
    #[must_use]
    pub fn waiting_signals(&self) -> usize {
        self.waiting.len()
    }

    /// Whether the game is so far behind with its events that the signaling should be asked for no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.events.len() >= MAX_EVENTS
    }

    /// Whether the signaling broke its contract and must not be used any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Removes a peer and keeps it away until it is [allowed](Self::allow) again or has left the lobby. One that was
    /// connected gives `PeerDisconnected` with `Removed`; with `force` the game hears nothing more of it, as with
    /// [`Mesh::disconnect_peer`]. `false` if there is no such peer, in the mesh or in the lobby.
    ///
    /// The peer hears that it was kicked, without a reason.
    pub fn kick(&mut self, mesh: &mut Mesh, peer: PeerId, force: bool) -> bool {
        self.kick_with_reason(mesh, peer, force, GivenReason::default())
    }

    /// [Kicks](Self::kick) a peer and tells it why.
    pub fn kick_with_reason(
        &mut self,
        mesh: &mut Mesh,
        peer: PeerId,
        force: bool,
        reason: GivenReason,
    ) -> bool {
        let is_new = self.is_present(peer) && !self.is_away(peer);
        if self.is_present(peer) {
            self.away.entry(peer).or_insert(Away::Kicked);
        } else if !mesh.has_peer(peer) {
            return false;
        }
        self.put_away(mesh, peer, force, is_new, reason);
        true
    }

    /// Removes a peer, if it is there, and keeps it away until it is [allowed](Self::allow) again, also if it leaves the
    /// lobby and comes back under the same id.
    pub fn ban(&mut self, mesh: &mut Mesh, peer: PeerId) {
        let is_new = self.is_present(peer) && !self.is_away(peer);
        self.away.insert(peer, Away::Banned);
        self.put_away(mesh, peer, false, is_new, GivenReason::default());
    }

    /// Lets a peer come again that was kicked or banned. `false` if it was neither.
    ///
    /// If it is in the lobby, it is called at the next [`handle_timeout`](Self::handle_timeout), if the call is ours; else
    /// it comes with its own next attempt.
    pub fn allow(&mut self, now: Instant, peer: PeerId) -> bool {
        let was_away = self.away.remove(&peer).is_some();
        if was_away {
            let first = self.config.retry_after;
            if let Some(member) = self.members.get_mut(&peer).filter(|member| member.present) {
                member.meet(now, first);
            }
        }
        was_away
    }

    /// Sets who may connect: `accept` is asked before each new connection, with the peer's id.
    ///
    /// A peer that it does not accept is asked about again at the next attempt to connect, after the usual pause.
    pub fn set_accept(&mut self, accept: impl FnMut(PeerId) -> bool + Send + Sync + 'static) {
        self.accept = Some(Box::new(accept));
    }

    /// Forgets everybody: the lobby has been left.
    pub fn clear(&mut self) {
        self.members.clear();
        self.away.clear();
        self.waiting.clear();
        self.events.clear();
        self.is_interrupted = false;
        self.forget_lobby();
    }

    /// What is known of the lobby itself is that of another one.
    fn forget_lobby(&mut self) {
        self.is_complete = false;
        self.is_sealed = false;
        self.is_locked = false;
        self.is_listed = false;
        self.host = None;
        self.lobby_data.clear();
    }

    /// The next event for the game; before those of the mesh.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether it `is_new` that the peer is away, though it is in the lobby.
    fn put_away(
        &mut self,
        mesh: &mut Mesh,
        peer: PeerId,
        force: bool,
        is_new: bool,
        reason: GivenReason,
    ) {
        // Nobody need hear of one who is not here, nor of anybody twice.
        if is_new || mesh.has_peer(peer) {
            mesh.announce_kick(peer, &reason);
        }
        self.part(mesh, peer, force);
    }

    /// The host has sent a peer out of the lobby, and everybody knows it.
    fn put_away_for_the_host(&mut self, mesh: &mut Mesh, peer: PeerId, reason: &GivenReason) {
        if self.is_present(peer) {
            self.away.entry(peer).or_insert(Away::Kicked);
        }
        mesh.tell_kicked(peer, reason);
        self.part(mesh, peer, false);
    }

    fn part(&mut self, mesh: &mut Mesh, peer: PeerId, force: bool) {
        if let Some(member) = self.members.get_mut(&peer) {
            member.due = None;
            member.held = None;
        }
        mesh.disconnect_peer(peer, force);
    }

    /// Whether a link between us and this member is wanted: by the lobby's topology, and by the game.
    fn wants(&self, mesh: &Mesh, peer: PeerId) -> bool {
        let own = mesh.unique_id();
        !self.is_away(peer) && own.is_some_and(|own| self.topology.links(own, peer))
    }
}

/// Whether the call is ours: the member with the higher id offers.
fn calls(mesh: &Mesh, peer: PeerId) -> bool {
    mesh.unique_id() > Some(peer)
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("topology", &self.topology)
            .field("members", &self.members)
            .field("away", &self.away)
            .finish_non_exhaustive()
    }
}
