//! Network peers without WebRTC under them, for tests of the layers above.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

use crate::{
    AddPeerError, ChannelIndex, ConnectionStatus, DisconnectReason, Duration, Event, Incarnation,
    Instant, Packet, Payload, PeerId, Refused, RefusedReason, SendError, Sent, Target,
    TransferMode,
};

mod peer;

/// Events that wait for a peer's next pump; what is sent to one that has more is refused.
const WAITING: usize = 65_536;

/// Where [`MockPeer`]s meet, without a network between them: what one does, the others have at their next pump. A cheap
/// handle: clones are the same table.
///
/// For tests of a layer above that cares for who says what to whom, and not for loss, delay or handshakes; those are
/// [`Network`](super::Network)'s.
///
/// ```
/// use mesh_core::mock::Table;
/// use mesh_core::{Event, MultiplayerPeer, PeerId, Target, TransferMode};
///
/// let table = Table::new();
/// let mut server = table.server()?;
/// let mut client = table.client(PeerId::MAX)?;
/// server.pump();
/// assert_eq!(server.take_event(), Some(Event::PeerConnected(PeerId::MAX)));
/// let reliable = TransferMode::Reliable.channel();
/// let sent = server.send_on(Target::All, reliable, "hello".into());
/// assert!(sent.is_ok_and(|sent| sent.accepted == 1));
/// client.pump();
/// assert_eq!(client.take_event(), Some(Event::PeerConnected(PeerId::SERVER)));
/// assert!(matches!(client.take_event(), Some(Event::Packet(_))));
/// # Ok::<(), mesh_core::AddPeerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    state: Arc<Mutex<State>>,
}

/// A [`MultiplayerPeer`](crate::MultiplayerPeer) at a [`Table`]. Dropping it closes it.
#[derive(Debug)]
pub struct MockPeer {
    table: Table,
    id: PeerId,
    /// Its seat's, while it has one.
    incarnation: Incarnation,
    channel_modes: Vec<TransferMode>,
}

#[derive(Debug)]
struct State {
    now: Instant,
    channel_modes: Vec<TransferMode>,
    seats: BTreeMap<PeerId, Seat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Mesh,
    Server,
    Client,
}

#[derive(Debug)]
struct Seat {
    incarnation: Incarnation,
    role: Role,
    status: ConnectionStatus,
    refuses: bool,
    /// Whom it is linked with, whether it has heard of it or not.
    links: BTreeSet<PeerId>,
    /// Who is connected as far as it has heard.
    known: BTreeSet<PeerId>,
    incoming: VecDeque<Event>,
    events: VecDeque<Event>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// A table whose peers have the three built-in channels.
    #[must_use]
    pub fn new() -> Self {
        Self::with_custom_channels(&[])
    }

    /// A table whose peers have these channels, too.
    #[must_use]
    pub fn with_custom_channels(custom: &[TransferMode]) -> Self {
        let state = State {
            // As odd as the start of the network's clock.
            now: Instant::from_micros(1_000_003),
            channel_modes: [&TransferMode::ALL, custom].concat(),
            seats: BTreeMap::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A new peer of a mesh, linked with all others of the mesh that do not refuse it.
    ///
    /// # Errors
    ///
    /// [`AddPeerError::Duplicate`] if the id is taken.
    pub fn mesh(&self, id: PeerId) -> Result<MockPeer, AddPeerError> {
        self.sit_down(id, Role::Mesh)
    }

    /// Peer 1, linked with all clients that do not refuse it.
    ///
    /// # Errors
    ///
    /// [`AddPeerError::Duplicate`] if there is a peer 1 already.
    pub fn server(&self) -> Result<MockPeer, AddPeerError> {
        self.sit_down(PeerId::SERVER, Role::Server)
    }

    /// A client, linked with the server as soon as there is one, unless that refuses it.
    ///
    /// # Errors
    ///
    /// [`AddPeerError::Duplicate`] if the id is taken.
    pub fn client(&self, id: PeerId) -> Result<MockPeer, AddPeerError> {
        self.sit_down(id, Role::Client)
    }

    /// Lets time pass on the clock of all peers.
    pub fn advance(&self, span: Duration) {
        self.with(|state| state.now += span);
    }

    /// Breaks a link: both lose each other. `false` if there is none.
    pub fn cut(&self, one: PeerId, other: PeerId) -> bool {
        self.with(|state| {
            let was_linked = state.unlink(one, other);
            if was_linked {
                state.tell_end(one, other, DisconnectReason::Lost);
                state.tell_end(other, one, DisconnectReason::Lost);
            }
            was_linked
        })
    }

    fn sit_down(&self, id: PeerId, role: Role) -> Result<MockPeer, AddPeerError> {
        self.with(|state| {
            if state.seats.contains_key(&id) {
                return Err(AddPeerError::Duplicate { id });
            }
            let mut links = BTreeSet::new();
            for (&other, seat) in &mut state.seats {
                if seat.role.links_with(role) && !seat.refuses {
                    links.insert(other);
                    seat.links.insert(id);
                    seat.incoming.push_back(Event::PeerConnected(id));
                }
            }
            let incoming = links.iter().copied().map(Event::PeerConnected).collect();
            let status = match role {
                Role::Mesh | Role::Server => ConnectionStatus::Connected,
                Role::Client => ConnectionStatus::Connecting,
            };
            let incarnation = Incarnation::begin();
            let seat = Seat {
                incarnation,
                role,
                status,
                refuses: false,
                links,
                known: BTreeSet::new(),
                incoming,
                events: VecDeque::new(),
            };
            state.seats.insert(id, seat);
            Ok(MockPeer {
                table: self.clone(),
                id,
                incarnation,
                channel_modes: state.channel_modes.clone(),
            })
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Role {
    const fn links_with(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Mesh, Self::Mesh) | (Self::Server, Self::Client) | (Self::Client, Self::Server)
        )
    }
}

impl State {
    /// Takes a link away without a word.
    fn unlink(&mut self, one: PeerId, other: PeerId) -> bool {
        let mut was_linked = false;
        for (id, far) in [(one, other), (other, one)] {
            if let Some(seat) = self.seats.get_mut(&id) {
                was_linked |= seat.links.remove(&far);
            }
        }
        was_linked
    }

    fn tell_end(&mut self, to: PeerId, peer: PeerId, reason: DisconnectReason) {
        if let Some(seat) = self.seats.get_mut(&to) {
            let gone = Event::PeerDisconnected { peer, reason };
            seat.incoming.push_back(gone);
        }
    }

    fn leave(&mut self, id: PeerId) {
        let Some(seat) = self.seats.remove(&id) else {
            return;
        };
        for other in seat.links {
            self.unlink(id, other);
            self.tell_end(other, id, DisconnectReason::Closed);
        }
    }

    fn send(
        &mut self,
        from: PeerId,
        target: Target,
        channel: ChannelIndex,
        payload: &Payload,
    ) -> Result<Sent, SendError> {
        let seat = self.seats.get(&from).ok_or(SendError::NotInitialized)?;
        if seat.status == ConnectionStatus::Disconnected {
            return Err(SendError::NotInitialized);
        }
        let mode = *self
            .channel_modes
            .get(usize::from(channel.0))
            .ok_or(SendError::UnknownChannel { channel: channel.0 })?;
        if payload.is_text() && payload.text().is_none() {
            return Err(SendError::InvalidText);
        }
        let recipients: Vec<PeerId> = match target {
            Target::All => seat.known.iter().copied().collect(),
            Target::One(peer) if seat.known.contains(&peer) => [peer].into(),
            Target::One(peer) => return Err(SendError::UnknownPeer { peer }),
            Target::AllExcept(except) => {
                let others = seat.known.iter().copied();
                others.filter(|peer| *peer != except).collect()
            }
        };
        let links = seat.links.clone();
        let mut sent = Sent::default();
        for peer in recipients {
            let reason = match self.seats.get_mut(&peer) {
                Some(to) if links.contains(&peer) && to.incoming.len() < WAITING => {
                    to.incoming.push_back(Event::Packet(Packet {
                        from,
                        mode,
                        channel,
                        payload: payload.clone(),
                    }));
                    sent.accepted += 1;
                    continue;
                }
                Some(_) if links.contains(&peer) => RefusedReason::Full,
                Some(_) | None => RefusedReason::NotConnected,
            };
            sent.refused.push(Refused { peer, reason });
        }
        Ok(sent)
    }
}

impl Seat {
    fn take_in(&mut self) {
        while let Some(event) = self.incoming.pop_front() {
            self.note(&event);
            self.events.push_back(event);
        }
    }

    fn note(&mut self, event: &Event) {
        if let Event::PeerConnected(peer) = event {
            self.known.insert(*peer);
            self.status = ConnectionStatus::Connected;
        } else if let Event::PeerDisconnected { peer, .. } = event {
            self.forget(*peer);
        }
    }

    fn forget(&mut self, peer: PeerId) {
        self.known.remove(&peer);
        if self.role == Role::Client {
            self.status = ConnectionStatus::Disconnected;
        }
    }
}
