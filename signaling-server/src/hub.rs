//! Who is in which lobby, and what goes to whom: the server without its sockets.

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mesh_core::{Instant, PeerId, Topology};
use signaling::{DecodeError, Message, Notice, Request, SignalType, decode, encode};

use crate::Config;
use crate::bucket::Bucket;
use crate::entropy::{self, Entropy};
use crate::goodbye::Goodbye;
use crate::lobby::Lobby;
use crate::socket_id::SocketId;

/// What a message costs: one token for every so many bytes begun.
///
/// So few that one sender's burst fits into an outbox (by default), and none can have another sent away for not reading.
const BYTES_PER_TOKEN: u64 = 256;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send this text.
    Send { to: SocketId, text: Arc<str> },
    /// Close it after what was sent before. The hub has forgotten it already.
    Close { socket: SocketId, goodbye: Goodbye },
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) peers: usize,
    pub(crate) lobbies: usize,
}

/// All lobbies of a server.
///
/// What happens comes in by `connect`, `disconnect`, `refuse`, `shut_down` and `handle_*`; what is to be done is taken with
/// `poll_action` until there is none, after each of them; `poll_timeout` says when `handle_timeout` is due. One call is one
/// step: a socket is in a lobby with everybody told, or not at all, so joins at the same moment cannot miss each other.
pub(crate) struct Hub {
    config: Config,
    entropy: Entropy,
    next_socket: u64,
    shut_down: bool,
    peers: BTreeMap<SocketId, Peer>,
    lobbies: BTreeMap<Arc<str>, Lobby>,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Peer {
    bucket: Bucket,
    /// When it is sent away if it has not joined.
    deadline: Instant,
    seat: Option<Seat>,
}

/// A peer's place.
#[derive(Clone, Debug)]
struct Seat {
    lobby: Arc<str>,
    id: PeerId,
}

impl Hub {
    pub(crate) fn new(config: Config, entropy: Entropy) -> Self {
        Self {
            config,
            entropy,
            next_socket: 0,
            shut_down: false,
            peers: BTreeMap::new(),
            lobbies: BTreeMap::new(),
            actions: VecDeque::new(),
        }
    }

    /// Takes a socket, or says why not.
    pub(crate) fn connect(&mut self, now: Instant) -> Result<SocketId, Goodbye> {
        if self.shut_down {
            return Err(Goodbye::ShuttingDown);
        }
        if self.peers.len() >= self.config.max_peers {
            return Err(Goodbye::TooManyPeers);
        }
        let socket = SocketId(self.next_socket);
        self.next_socket += 1;
        let config = &self.config;
        let peer = Peer {
            bucket: Bucket::new(now, config.messages_per_second, config.message_burst),
            deadline: now + config.join_deadline,
            seat: None,
        };
        self.peers.insert(socket, peer);
        Ok(socket)
    }

    /// A socket has ended. Does nothing for one that is forgotten already.
    pub(crate) fn disconnect(&mut self, socket: SocketId) {
        if let Some(Peer {
            seat: Some(seat), ..
        }) = self.peers.remove(&socket)
        {
            self.leave(&seat);
        }
    }

    /// Sends a socket away.
    pub(crate) fn refuse(&mut self, socket: SocketId, goodbye: Goodbye) {
        if self.peers.contains_key(&socket) {
            self.disconnect(socket);
            self.actions.push_back(Action::Close { socket, goodbye });
        }
    }

    /// A socket's text.
    pub(crate) fn handle_text(&mut self, now: Instant, socket: SocketId, text: &str) {
        if !self.handle_frame(now, socket, text.len()) {
            return;
        }
        if let Err(goodbye) = self.judge(now, socket, text) {
            self.refuse(socket, goodbye);
        }
    }

    /// A frame of so many bytes, of any kind. Whether it may be looked at.
    pub(crate) fn handle_frame(&mut self, now: Instant, socket: SocketId, size: usize) -> bool {
        let Some(peer) = self.peers.get_mut(&socket) else {
            return false;
        };
        let tokens = u64::try_from(size)
            .unwrap_or(u64::MAX)
            .div_ceil(BYTES_PER_TOKEN)
            .max(1);
        if peer.bucket.take(now, tokens) {
            return true;
        }
        let per_second = self.config.messages_per_second;
        self.refuse(socket, Goodbye::TooFast { per_second });
        false
    }

    /// When `handle_timeout` is due for a socket.
    pub(crate) fn poll_timeout(&self, socket: SocketId) -> Option<Instant> {
        let peer = self.peers.get(&socket)?;
        match &peer.seat {
            None => Some(peer.deadline),
            Some(seat) => self.lobbies.get(&seat.lobby)?.ends,
        }
    }

    /// A socket's time may be up.
    pub(crate) fn handle_timeout(&mut self, now: Instant, socket: SocketId) {
        if self.poll_timeout(socket).is_none_or(|due| now < due) {
            return;
        }
        let seat = self.peers.get(&socket).and_then(|peer| peer.seat.clone());
        match seat {
            None => self.refuse(socket, Goodbye::JoinDeadline),
            // All at once: were the host's socket the first to go, the others would be told of that.
            Some(seat) => self.close_lobby(&seat.lobby, &Goodbye::SealComplete),
        }
    }

    /// Sends everybody away, for good.
    pub(crate) fn shut_down(&mut self) {
        self.shut_down = true;
        self.lobbies.clear();
        for socket in std::mem::take(&mut self.peers).into_keys() {
            let goodbye = Goodbye::ShuttingDown;
            self.actions.push_back(Action::Close { socket, goodbye });
        }
    }

    /// What is to be done next.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            peers: self.peers.len(),
            lobbies: self.lobbies.len(),
        }
    }

    fn judge(&mut self, now: Instant, socket: SocketId, text: &str) -> Result<(), Goodbye> {
        let seat = self.peers.get(&socket).and_then(|peer| peer.seat.clone());
        let message = decode(text, self.config.max_message_size)
            .map_err(|error| self.judge_error(error, seat.is_some()))?;
        let request = Request::try_from(message);
        if let Ok(Request::Join { lobby, topology }) = request {
            return match seat {
                None => self.join(socket, lobby, topology),
                Some(_) => Err(Goodbye::AlreadyInLobby),
            };
        }
        let seat = seat.ok_or(Goodbye::NoLobby)?;
        match request {
            Ok(Request::Relay { kind, to, data }) => self.relay(&seat, kind, to, data),
            Ok(Request::Seal) => self.seal(now, &seat),
            Ok(Request::Join { .. }) | Err(_) => Err(Goodbye::InvalidCommand),
        }
    }

    fn judge_error(&self, error: DecodeError, in_lobby: bool) -> Goodbye {
        match error {
            DecodeError::TooLarge { limit, .. } => Goodbye::TooLarge { limit },
            DecodeError::UnknownType(0..) if in_lobby => Goodbye::InvalidCommand,
            DecodeError::InvalidId(0..) if in_lobby => Goodbye::InvalidDestination,
            DecodeError::UnknownType(0..) | DecodeError::InvalidId(0..) => Goodbye::NoLobby,
            why @ (DecodeError::NotAnObject(_)
            | DecodeError::Missing(_)
            | DecodeError::Invalid(_)
            | DecodeError::UnknownType(_)
            | DecodeError::InvalidId(_)
            | _) => Goodbye::Format {
                why: (!self.config.strict).then_some(why),
            },
        }
    }

    fn join(&mut self, socket: SocketId, name: String, topology: Topology) -> Result<(), Goodbye> {
        let name = self.enterable(name, topology)?;
        let Self {
            config,
            entropy,
            peers,
            lobbies,
            actions,
            ..
        } = self;
        let (Some(peer), Some(lobby)) = (peers.get_mut(&socket), lobbies.get_mut(&name)) else {
            return Ok(());
        };
        let id = if lobby.is_empty() {
            PeerId::SERVER
        } else {
            entropy::id(entropy, |id| lobby.is_taken(id)).ok_or(Goodbye::NoEntropy)?
        };
        lobby.insert(id, socket);
        peer.seat = Some(Seat {
            lobby: Arc::clone(&name),
            id,
        });

        let topology = lobby.topology;
        send(actions, [socket], Notice::Id { id, topology });
        for (other, other_socket) in lobby.seen_by(id, config.strict) {
            send(actions, [other_socket], Notice::PeerConnect(id));
            send(actions, [socket], Notice::PeerConnect(other));
        }
        let lobby = name.to_string();
        send(actions, [socket], Notice::Joined { lobby });
        Ok(())
    }

    /// The lobby of that name, if it may be entered; made now if it may be.
    fn enterable(&mut self, name: String, topology: Topology) -> Result<Arc<str>, Goodbye> {
        let config = &self.config;
        if let Some((name, lobby)) = self.lobbies.get_key_value(name.as_str()) {
            if lobby.ends.is_some() {
                return Err(Goodbye::Sealed);
            }
            if lobby.len() >= config.max_lobby_peers {
                let limit = config.max_lobby_peers;
                return Err(Goodbye::LobbyFull { limit });
            }
            return Ok(Arc::clone(name));
        }
        if config.strict && !name.is_empty() {
            return Err(Goodbye::UnknownLobby);
        }
        if name.len() > config.max_lobby_name {
            let limit = config.max_lobby_name;
            return Err(Goodbye::LobbyNameTooLong { limit });
        }
        if self.lobbies.len() >= config.max_lobbies {
            return Err(Goodbye::TooManyLobbies);
        }
        let name: Arc<str> = if name.is_empty() {
            let name = entropy::name(&mut self.entropy).map(Arc::from);
            name.filter(|name| !self.lobbies.contains_key(name))
                .ok_or(Goodbye::NoEntropy)?
        } else {
            name.into()
        };
        self.lobbies.insert(Arc::clone(&name), Lobby::new(topology));
        Ok(name)
    }

    fn relay(
        &mut self,
        seat: &Seat,
        kind: SignalType,
        to: u32,
        data: String,
    ) -> Result<(), Goodbye> {
        let from = seat.id;
        let strict = self.config.strict;
        let found = self.lobbies.get(&seat.lobby).and_then(|lobby| {
            let to = PeerId::new(to).ok()?;
            if strict {
                return lobby.socket(to);
            }
            let mut seen = lobby.seen_by(from, false);
            seen.find_map(|(id, socket)| (id == to).then_some(socket))
        });
        match found {
            Some(socket) => {
                send(
                    &mut self.actions,
                    [socket],
                    Notice::Relayed { kind, from, data },
                );
                Ok(())
            }
            // The demo sends the sender away, though the other may have left while the signal was on its way.
            None if strict => Err(Goodbye::InvalidDestination),
            None => Ok(()),
        }
    }

    fn seal(&mut self, now: Instant, seat: &Seat) -> Result<(), Goodbye> {
        if !seat.id.is_server() {
            return Err(Goodbye::NotHost);
        }
        let Some(lobby) = self.lobbies.get_mut(&seat.lobby) else {
            return Ok(());
        };
        if lobby.ends.is_none() {
            lobby.ends = Some(now + self.config.seal_duration);
            let everybody = lobby.members().map(|(_, socket)| socket);
            send(&mut self.actions, everybody, Notice::Sealed);
        }
        Ok(())
    }

    /// Frees a seat whose peer is gone, and tells those who knew it.
    fn leave(&mut self, seat: &Seat) {
        let Some(lobby) = self.lobbies.get_mut(&seat.lobby) else {
            return;
        };
        lobby.remove(seat.id);
        if lobby.is_empty() {
            self.lobbies.remove(&seat.lobby);
            return;
        }
        let strict = self.config.strict;
        if !seat.id.is_server() {
            let witnesses = lobby.seen_by(seat.id, strict).map(|(_, socket)| socket);
            send(
                &mut self.actions,
                witnesses,
                Notice::PeerDisconnect(seat.id),
            );
        } else if lobby.ends.is_none() || strict {
            self.close_lobby(&seat.lobby, &Goodbye::HostLeft);
        }
        // Otherwise the seal has set the end, and those who are still shaking hands get their time. They are not told that
        // the host has gone: a Godot client would drop its connection to it.
    }

    fn close_lobby(&mut self, name: &Arc<str>, goodbye: &Goodbye) {
        let Some(lobby) = self.lobbies.remove(name) else {
            return;
        };
        for (_, socket) in lobby.members() {
            self.peers.remove(&socket);
            let goodbye = goodbye.clone();
            self.actions.push_back(Action::Close { socket, goodbye });
        }
    }
}

fn send(actions: &mut VecDeque<Action>, to: impl IntoIterator<Item = SocketId>, notice: Notice) {
    let text: Arc<str> = encode(&Message::from(notice)).into();
    actions.extend(to.into_iter().map(|to| Action::Send {
        to,
        text: Arc::clone(&text),
    }));
}
