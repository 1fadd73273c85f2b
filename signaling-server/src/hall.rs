//! Who is in which lobby, and who is told of what. No sockets, no clock, no JSON to read, no limits of a sender.

#[cfg(test)]
mod house;
mod lobby;
mod member;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use mesh_core::{Instant, PeerId, Topology};
use signaling::{Message, Notice, encode};

use crate::Config;
use crate::door::Network;
use crate::entropy::{self, Entropy};
use crate::goodbye::Goodbye;

use lobby::Lobby;

pub(crate) use member::MemberId;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send a member this text.
    Tell {
        to: MemberId,
        text: Arc<str>,
        about: About,
    },
    /// Close its socket after what it was told before. The hall has forgotten it already.
    Close { member: MemberId, goodbye: Goodbye },
}

/// What a text tells its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Something of the receiver or of its lobby.
    Lobby,
    /// Another member came.
    Came(MemberId),
    /// Another member left.
    Left(MemberId),
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) members: usize,
    pub(crate) lobbies: usize,
}

/// All lobbies of a server.
///
/// What happens comes in by `join`, `seal`, `leave`, `close_all` and `handle_timeout`; what is to be done is taken with
/// `poll_action` until there is none, after each of them; `poll_timeout` says when `handle_timeout` is due. One call is one
/// step: a member is in a lobby with everybody told, or not at all, so joins at the same moment cannot miss each other.
///
/// An error is the member's own fault, or a limit; the hall has changed nothing then.
pub(crate) struct Hall {
    config: Config,
    entropy: Entropy,
    seats: BTreeMap<MemberId, Seat>,
    lobbies: BTreeMap<Arc<str>, Lobby>,
    /// When sealed lobbies end.
    ends: BTreeSet<(Instant, Arc<str>)>,
    /// How many lobbies each address has made.
    made: BTreeMap<Network, usize>,
    actions: VecDeque<Action>,
}

/// What a member wants to join.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// The lobby's name; none makes one that has a name of the server's.
    pub(crate) name: &'a str,
    /// What the lobby becomes if it is made.
    pub(crate) topology: Topology,
    /// The address to whose account a lobby goes that is made, if it is known.
    pub(crate) network: Option<Network>,
}

/// A member's place.
#[derive(Clone, Debug)]
struct Seat {
    lobby: Arc<str>,
    id: PeerId,
}

impl Hall {
    pub(crate) fn new(config: Config, entropy: Entropy) -> Self {
        Self {
            config,
            entropy,
            seats: BTreeMap::new(),
            lobbies: BTreeMap::new(),
            ends: BTreeSet::new(),
            made: BTreeMap::new(),
            actions: VecDeque::new(),
        }
    }

    /// Takes a member into the lobby of that name, which is made if need be; its id there.
    pub(crate) fn join(&mut self, member: MemberId, wish: Wish<'_>) -> Result<PeerId, Goodbye> {
        if self.seats.contains_key(&member) {
            return Err(Goodbye::AlreadyInLobby);
        }
        let (name, mut made) = self.enterable(wish)?;
        let strict = self.config.strict;
        let Some(lobby) = made.as_mut().or_else(|| self.lobbies.get_mut(&name)) else {
            return Err(Goodbye::UnknownLobby);
        };
        let id = if lobby.is_empty() {
            PeerId::SERVER
        } else {
            let entropy = &mut self.entropy;
            entropy::id(entropy, |id| lobby.is_taken(id)).ok_or(Goodbye::NoEntropy)?
        };
        lobby.insert(id, member);

        let actions = &mut self.actions;
        let topology = lobby.topology;
        tell(actions, [member], About::Lobby, Notice::Id { id, topology });
        let joined = text(Notice::PeerConnect(id));
        for (other, other_member) in lobby.seen_by(id, strict) {
            actions.push_back(Action::Tell {
                to: other_member,
                text: Arc::clone(&joined),
                about: About::Came(member),
            });
            let about = About::Came(other_member);
            tell(actions, [member], about, Notice::PeerConnect(other));
        }
        let lobby = name.to_string();
        tell(actions, [member], About::Lobby, Notice::Joined { lobby });

        if let Some(lobby) = made {
            if let Some(network) = lobby.made_by {
                *self.made.entry(network).or_default() += 1;
            }
            self.lobbies.insert(Arc::clone(&name), lobby);
        }
        self.seats.insert(member, Seat { lobby: name, id });
        Ok(id)
    }

    /// Who gets what `member` sends to the id `to`: a member that it knows, or nobody.
    pub(crate) fn addressee(&self, member: MemberId, to: u32) -> Result<Option<MemberId>, Goodbye> {
        let Seat { lobby, id: from } = self.seats.get(&member).ok_or(Goodbye::NoLobby)?;
        let strict = self.config.strict;
        let found = self.lobbies.get(lobby).and_then(|lobby| {
            let to = PeerId::new(to).ok()?;
            if strict {
                return lobby.member(to);
            }
            let mut seen = lobby.seen_by(*from, false);
            seen.find_map(|(id, member)| (id == to).then_some(member))
        });
        match found {
            // The demo sends the sender away, though the other may have left while the signal was on its way.
            None if strict => Err(Goodbye::InvalidDestination),
            found => Ok(found),
        }
    }

    /// Takes nobody into the member's lobby any more, and sets its end.
    pub(crate) fn seal(&mut self, now: Instant, member: MemberId) -> Result<(), Goodbye> {
        let Seat { lobby: name, id } = self.seats.get(&member).ok_or(Goodbye::NoLobby)?;
        if !id.is_server() {
            return Err(Goodbye::NotHost);
        }
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return Ok(());
        };
        if lobby.ends.is_none() {
            let ends = now + self.config.seal_duration;
            lobby.ends = Some(ends);
            self.ends.insert((ends, Arc::clone(name)));
            let everybody = lobby.members().map(|(_, member)| member);
            tell(&mut self.actions, everybody, About::Lobby, Notice::Sealed);
        }
        Ok(())
    }

    /// A member has gone. Does nothing for one that is forgotten already.
    pub(crate) fn leave(&mut self, member: MemberId) {
        let Some(seat) = self.seats.remove(&member) else {
            return;
        };
        let Some(lobby) = self.lobbies.get_mut(&seat.lobby) else {
            return;
        };
        lobby.remove(seat.id);
        if lobby.is_empty() {
            self.remove_lobby(&seat.lobby);
            return;
        }
        let strict = self.config.strict;
        if !seat.id.is_server() {
            let witnesses = lobby.seen_by(seat.id, strict).map(|(_, member)| member);
            let notice = Notice::PeerDisconnect(seat.id);
            tell(&mut self.actions, witnesses, About::Left(member), notice);
        } else if lobby.ends.is_none() || strict {
            self.close_lobby(&seat.lobby, &Goodbye::HostLeft);
        }
        // Otherwise the seal has set the end, and those who are still shaking hands get their time. They are not told that
        // the host has gone: a Godot client would drop its connection to it.
    }

    /// Sends everybody away.
    pub(crate) fn close_all(&mut self, goodbye: &Goodbye) {
        for name in Vec::from_iter(self.lobbies.keys().cloned()) {
            self.close_lobby(&name, goodbye);
        }
    }

    /// When `handle_timeout` is due: at the end of a sealed lobby. It never becomes earlier.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.ends.first().map(|(due, _)| *due)
    }

    /// Ends the lobbies whose time is up.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((due, name)) = self.ends.first() {
            if *due > now {
                return;
            }
            let name = Arc::clone(name);
            // All members at once: if the host were the first to go, the others would be told of that.
            self.close_lobby(&name, &Goodbye::SealComplete);
        }
    }

    /// What is to be done next.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            members: self.seats.len(),
            lobbies: self.lobbies.len(),
        }
    }

    /// The name of the lobby that may be entered, and the lobby if it has to be made.
    fn enterable(&mut self, wish: Wish<'_>) -> Result<(Arc<str>, Option<Lobby>), Goodbye> {
        let config = &self.config;
        let Wish {
            name,
            topology,
            network,
        } = wish;
        if let Some((name, lobby)) = self.lobbies.get_key_value(name) {
            if lobby.ends.is_some() {
                return Err(Goodbye::Sealed);
            }
            if lobby.len() >= config.max_lobby_peers {
                let limit = config.max_lobby_peers;
                return Err(Goodbye::LobbyFull { limit });
            }
            return Ok((Arc::clone(name), None));
        }
        if (config.strict || config.no_create) && !name.is_empty() {
            return Err(Goodbye::UnknownLobby);
        }
        if name.len() > config.max_lobby_name {
            let limit = config.max_lobby_name;
            return Err(Goodbye::LobbyNameTooLong { limit });
        }
        if self.lobbies.len() >= config.max_lobbies {
            return Err(Goodbye::TooManyLobbies);
        }
        let made = network.and_then(|network| self.made.get(&network));
        if made.is_some_and(|made| *made >= config.address.lobbies) {
            let limit = config.address.lobbies;
            return Err(Goodbye::TooManyOwnLobbies { limit });
        }
        let name: Arc<str> = if name.is_empty() {
            let name = entropy::name(&mut self.entropy).map(Arc::from);
            name.filter(|name| !self.lobbies.contains_key(name))
                .ok_or(Goodbye::NoEntropy)?
        } else {
            name.into()
        };
        Ok((name, Some(Lobby::new(topology, network))))
    }

    fn close_lobby(&mut self, name: &Arc<str>, goodbye: &Goodbye) {
        let Some(lobby) = self.remove_lobby(name) else {
            return;
        };
        for (_, member) in lobby.members() {
            self.seats.remove(&member);
            let goodbye = goodbye.clone();
            self.actions.push_back(Action::Close { member, goodbye });
        }
    }

    fn remove_lobby(&mut self, name: &Arc<str>) -> Option<Lobby> {
        let lobby = self.lobbies.remove(name)?;
        if let Some(ends) = lobby.ends {
            self.ends.remove(&(ends, Arc::clone(name)));
        }
        if let Some(network) = lobby.made_by
            && let Some(made) = self.made.get_mut(&network)
        {
            *made -= 1;
            if *made == 0 {
                self.made.remove(&network);
            }
        }
        Some(lobby)
    }
}

fn text(notice: Notice) -> Arc<str> {
    encode(&Message::from(notice)).into()
}

fn tell(
    actions: &mut VecDeque<Action>,
    to: impl IntoIterator<Item = MemberId>,
    about: About,
    notice: Notice,
) {
    let text = text(notice);
    actions.extend(to.into_iter().map(|to| Action::Tell {
        to,
        text: Arc::clone(&text),
        about,
    }));
}
