//! Getting a seat: a new one, or one's own again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mesh_core::{Instant, PeerId, Topology};
use signaling::Notice;

use super::lobby::{Lobby, Presence, Unseated};
use super::{About, Action, Fact, Hall, MemberId, Standing, Ticket, Timer, Wish, tell, text};
use crate::door::{Dialect, Network};
use crate::entropy;
use crate::goodbye::{Goodbye, Removal};
use crate::resume::{Claim, Proved, Vault};

/// How long a client that comes back only to leave may take to say so.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a member comes to its seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coming {
    New,
    /// It was there before. Those who came after this step have not been told of it.
    Back(u64),
}

impl Hall {
    /// Takes a member into the lobby of that name, which is made if need be, or gives it back the seat that its token is for.
    pub(crate) fn join(
        &mut self,
        now: Instant,
        member: MemberId,
        wish: Wish<'_>,
    ) -> Result<Standing, Goodbye> {
        if self.seats.contains_key(&member) {
            return Err(Goodbye::AlreadyInLobby);
        }
        let is_ours = wish.is_ours && self.vault.is_some();
        if let Some(token) = wish.token.filter(|_| is_ours) {
            let id = self.resume(now, member, wish, token)?;
            let is_back = true;
            return Ok(Standing {
                id,
                is_ours,
                is_back,
            });
        }
        let entry = wish.entry.map_err(Clone::clone);
        entry
            .and_then(|pass| pass.check(wish.name))
            .map_err(|why| Goodbye::NotAdmitted { why })?;
        let (name, made) = match wish
            .group_of
            .filter(|size| *size > 0 && !self.config.strict)
        {
            Some(size) => self.group(now, wish, size)?,
            None => self.enterable(now, wish)?,
        };
        let lobby = made.as_ref().or_else(|| self.lobbies.get(&name));
        let id = match lobby {
            None => return Err(Goodbye::UnknownLobby),
            Some(lobby) if lobby.is_empty() => PeerId::SERVER,
            Some(lobby) => {
                let entropy = &mut self.entropy;
                entropy::id(entropy, |id| lobby.is_taken(id)).ok_or(Goodbye::NoEntropy)?
            }
        };
        if let Some(lobby) = made {
            self.add_lobby(&name, lobby);
        }
        if let Some(lobby) = self.lobbies.get_mut(&name) {
            lobby.sit(now, id, member, is_ours, wish.network);
        }
        self.enter(now, member, &name, id, Coming::New);
        self.seal_if_complete(now, &name);
        let is_back = false;
        Ok(Standing {
            id,
            is_ours,
            is_back,
        })
    }

    /// Gives a member the seat that its token is for.
    ///
    /// Whoever shows the token last has the seat: a member notices that its connection is dead long before the server does.
    fn resume(
        &mut self,
        now: Instant,
        member: MemberId,
        wish: Wish<'_>,
        token: &str,
    ) -> Result<PeerId, Goodbye> {
        let network = wish.network;
        let vault = self.vault.as_ref();
        let proved = vault.and_then(|vault| vault.read(now, token));
        let Proved {
            claim,
            is_inherited,
        } = proved.ok_or(Goodbye::NoSeat)?;
        let id = claim.id;
        let name: Arc<str> = claim.lobby.as_str().into();
        let inherits = match wish.grant {
            Some(grant) => grant.inherits.is_some() || self.has_heirs(&name),
            None => is_inherited && self.inherits(now),
        };
        match self.lobbies.get(&name) {
            Some(lobby) if lobby.number == claim.number => {}
            // It has ended, and somebody else has made one of the same name.
            Some(lobby) if !lobby.is_older(&claim) => return Err(Goodbye::NoSeat),
            _ if !inherits => return Err(Goodbye::NoSeat),
            _ => self.make_again(now, &name, &claim, wish)?,
        }
        let Some(lobby) = self.lobbies.get_mut(&name) else {
            return Err(Goodbye::NoSeat);
        };
        lobby
            .admit(now, id, wish.attempt)
            .map_err(|why| match why {
                Unseated::Late => Goodbye::Replaced,
                Unseated::TooOften => Goodbye::TooManyReturns,
            })?;
        let since = match lobby.seat(id).map(|seat| (seat.presence, seat.network)) {
            Some((Presence::Here(old), _)) => {
                lobby.set_here(id, member, network);
                self.forget(old);
                let goodbye = Goodbye::Replaced;
                let member = old;
                self.actions.push_back(Action::Close { member, goodbye });
                u64::MAX
            }
            Some((Presence::Away { until, since }, counted)) => {
                lobby.set_here(id, member, network);
                self.away.discount(counted);
                let timer = Timer::Seat(Arc::clone(&name), id);
                self.timers.remove(&(until, timer));
                since
            }
            // Of the earlier server, and not here yet.
            None if inherits && lobby.is_heir(id) && !lobby.is_banned(network) => {
                // Its seat was its own all the time, so those who are new do not stand in its way.
                let limit = self.config.max_lobby_peers.saturating_mul(2);
                if lobby.len() >= limit {
                    return Err(Goodbye::LobbyFull { limit });
                }
                lobby.inherit(now, id, member, network);
                let _ = lobby.admit(now, id, wish.attempt);
                0
            }
            None => return Err(Goodbye::NoSeat),
        };
        self.enter(now, member, &name, id, Coming::Back(since));
        if self.is_complete_group(&name) {
            // A client that leaves while its connection is broken comes back only to say that.
            let due = now + GOODBYE;
            self.timers.insert((due, Timer::Group(name)));
        }
        Ok(id)
    }

    /// Writes down a seat that has been taken, and tells its member and the others.
    fn enter(
        &mut self,
        now: Instant,
        member: MemberId,
        name: &Arc<str>,
        id: PeerId,
        coming: Coming,
    ) {
        let ticket = Ticket {
            lobby: Arc::clone(name),
            id,
            renewal: None,
        };
        self.seats.insert(member, ticket);
        let Some(lobby) = self.lobbies.get(name) else {
            return;
        };
        let (topology, is_sealed) = (lobby.topology, lobby.ends.is_some());
        let switches = [
            lobby.is_locked.then_some(Notice::Locked(true)),
            lobby.is_listed.then_some(Notice::Listed(true)),
            (!lobby.host.is_server()).then_some(Notice::Host(lobby.host)),
        ];
        let is_ours = lobby.seat(id).is_some_and(|seat| seat.is_ours);
        // Others may have missed its data: they came, or were away, while it was away.
        let own_data = match coming {
            Coming::New => None,
            Coming::Back(_) => lobby.seat(id).and_then(|seat| seat.data.clone()),
        };
        let own_data = own_data.map(|data| {
            let witnesses = lobby.seen_by(id, false).chain(lobby.present(id));
            let ours = witnesses.filter(|present| present.is_ours);
            (data, Vec::from_iter(ours.map(|present| present.member)))
        });
        // Members that were sent away while this one was away: it is told the reason now. In a client/server lobby clients know
        // nothing of each other.
        let missed = match coming {
            Coming::Back(since)
                if is_ours && (id.is_server() || lobby.topology == Topology::Mesh) =>
            {
                Vec::from_iter(lobby.removed_since(since))
            }
            Coming::New | Coming::Back(_) => Vec::new(),
        };
        let lobby_data = lobby.data.clone();
        let data_of = |other| lobby.seat(other)?.data.clone();
        let others = lobby.seen_by(id, self.config.strict);
        let others = others.map(|other| (other, data_of(other.id).filter(|_| is_ours)));
        let others: Vec<_> = others.collect();
        let actions = &mut self.actions;
        tell(actions, [member], About::Lobby, Notice::Id { id, topology });
        if is_ours {
            self.welcome(now, member);
            for notice in switches.into_iter().flatten() {
                tell(&mut self.actions, [member], About::Lobby, notice);
            }
            for notice in missed {
                tell(&mut self.actions, [member], About::Lobby, notice);
            }
            if !lobby_data.is_empty() {
                let notice = Notice::Data(lobby_data);
                tell(&mut self.actions, [member], About::Lobby, notice);
            }
        }
        let actions = &mut self.actions;
        let came = |is_ours| text(Notice::PeerConnect { peer: id, is_ours });
        // What a member of Godot's protocol is told has nothing of ours.
        let (plain, ours) = match coming {
            Coming::New => (came(false), came(is_ours)),
            Coming::Back(_) => (came(false), text(Notice::PeerResumed(id))),
        };
        for (other, data) in others {
            let text = match coming {
                _ if other.is_ours => Some(&ours),
                Coming::Back(since) if other.knows(since) => None,
                Coming::New | Coming::Back(_) => Some(&plain),
            };
            let is_known = match coming {
                Coming::New => false,
                Coming::Back(since) => other.knows(since),
            };
            actions.extend(text.map(|text| Action::Tell {
                to: other.member,
                text: Arc::clone(text),
                about: About::Came { id, is_known },
            }));
            let notice = Notice::PeerConnect {
                peer: other.id,
                is_ours: is_ours && other.is_ours,
            };
            let about = About::Came {
                id: other.id,
                is_known: false,
            };
            tell(actions, [member], about, notice);
            if let Some(data) = data {
                let peer = other.id;
                let notice = Notice::MemberData { peer, data };
                tell(actions, [member], About::Lobby, notice);
            }
        }
        if let Some((data, witnesses)) = own_data {
            let notice = Notice::MemberData { peer: id, data };
            tell(actions, witnesses, About::State(Fact::Member(id)), notice);
        }
        let lobby = name.to_string();
        tell(actions, [member], About::Lobby, Notice::Joined { lobby });
        if is_sealed {
            tell(actions, [member], About::Lobby, Notice::Sealed);
        }
    }

    /// The name of the lobby that may be entered, and the lobby if it has to be made.
    pub(super) fn enterable(
        &mut self,
        now: Instant,
        wish: Wish<'_>,
    ) -> Result<(Arc<str>, Option<Lobby>), Goodbye> {
        let config = &self.config;
        let name = wish.name;
        if let Some((name, lobby)) = self.lobbies.get_key_value(name) {
            self.may_enter(lobby, wish)?;
            return Ok((Arc::clone(name), None));
        }
        let vault = self.vault.as_ref();
        if !name.is_empty()
            && wish.grant.is_none()
            && let Some(within) = vault.and_then(|vault| vault.inherits_for(now))
        {
            // It may be one of the earlier server's, whose members are on their way back.
            return Err(Goodbye::TryLater { within });
        }
        if let Some(until) = wish.grant.and_then(|grant| grant.inherits) {
            // It has come here for a member of its earlier owner, who did not get its seat. Others are on their way back.
            let within = until - now;
            return Err(Goodbye::Orphaned { within });
        }
        if (config.strict || config.no_create) && !name.is_empty() {
            return Err(Goodbye::UnknownLobby);
        }
        if name.chars().count() > config.max_lobby_name {
            let limit = config.max_lobby_name;
            return Err(Goodbye::LobbyNameTooLong { limit });
        }
        self.can_add_lobby(wish.network)?;
        let fresh = wish.grant.and_then(|grant| grant.fresh.clone());
        let name: Arc<str> = if name.is_empty() {
            let name = fresh.or_else(|| entropy::name(&mut self.entropy).map(Arc::from));
            name.filter(|name| !self.lobbies.contains_key(name))
                .ok_or(Goodbye::NoEntropy)?
        } else {
            name.into()
        };
        let number = self.number(now, wish.grant.map_or(0, |grant| grant.fence));
        let mut lobby = Lobby::new(wish.topology, number, wish.network);
        lobby.dialect = wish.dialect;
        lobby.is_listed = wish.is_listed && !self.config.strict;
        let is_mesh = wish.topology == Topology::Mesh;
        lobby.migrates = wish.host_migration && is_mesh && !self.config.strict;
        if let Some(max_players) = wish.max_players.filter(|_| !self.config.strict) {
            lobby.capacity = usize::try_from(max_players).unwrap_or(usize::MAX).max(1);
        }
        Ok((name, Some(lobby)))
    }

    /// Whether a lobby takes somebody who is new.
    pub(super) fn may_enter(&self, lobby: &Lobby, wish: Wish<'_>) -> Result<(), Goodbye> {
        if lobby.is_banned(wish.network) {
            return Err(Goodbye::Removed(Removal {
                is_banned: true,
                reason: String::new(),
                is_ours: wish.is_ours && self.vault.is_some(),
            }));
        }
        if lobby.dialect != wish.dialect {
            let is_godot3 = lobby.dialect == Dialect::Godot3;
            return Err(Goodbye::OtherProtocol { is_godot3 });
        }
        self.closed(lobby).map_or(Ok(()), Err)
    }

    /// Why a lobby takes nobody new, whoever it is.
    pub(super) fn closed(&self, lobby: &Lobby) -> Option<Goodbye> {
        // The number may be chosen by the host; the server's own limit stands above it.
        let limit = lobby.capacity.min(self.config.max_lobby_peers);
        if lobby.ends.is_some() {
            Some(Goodbye::Sealed)
        } else if lobby.is_locked {
            Some(Goodbye::Locked)
        } else {
            (lobby.len() >= limit).then_some(Goodbye::LobbyFull { limit })
        }
    }

    /// Makes a lobby of an earlier server again, for the first of its members that has come back. Its host has as long to come
    /// back as if it had only just gone. One that was made again before is ended if that server has had this later one of its name.
    fn make_again(
        &mut self,
        now: Instant,
        name: &Arc<str>,
        claim: &Claim,
        wish: Wish<'_>,
    ) -> Result<(), Goodbye> {
        let network = wish.network;
        if self.ended.contains(&claim.number) {
            return Err(Goodbye::NoSeat);
        }
        // It had its place on the earlier server, so those that are new do not stand in its way.
        let config = &self.config;
        if self.lobbies.len() >= config.max_lobbies.saturating_mul(2) {
            return Err(Goodbye::TooManyLobbies);
        }
        // Whoever is back first makes it again, and an address has one player for each of its sockets.
        let limit = config.address.sockets.max(config.address.lobbies);
        let made = network.and_then(|network| self.made.get(&network));
        if made.is_some_and(|made| *made >= limit) {
            return Err(Goodbye::TooManyOwnLobbies { limit });
        }
        // Nothing stands in its way any more.
        if self.lobbies.contains_key(name) {
            self.close_lobby(name, &Goodbye::HostLeft);
        }
        let mut lobby = Lobby::new(claim.topology, claim.number, network);
        let vault = self.vault.as_ref();
        if wish.grant.is_some() {
            lobby.heirs_until = vault.map(|vault| now + vault.validity());
            let heirs = lobby
                .heirs_until
                .map(|until| (until, Timer::Heirs(Arc::clone(name))));
            self.timers.extend(heirs);
        } else {
            let until = vault.and_then(Vault::inherits_until);
            self.timers
                .extend(until.map(|until| (until, Timer::Inheritance)));
        }
        lobby.gone = Some(BTreeSet::new());
        lobby.migrates = claim.host.is_some();
        lobby.host = claim.host.unwrap_or(PeerId::SERVER);
        let host = lobby.host;
        if let Some(vault) = self.vault.as_ref().filter(|_| claim.id != host) {
            let until = now + vault.term();
            lobby.reserve(now, host, until);
            self.away.count(None);
            let timer = Timer::Seat(Arc::clone(name), host);
            self.timers.insert((until, timer));
        }
        self.add_lobby(name, lobby);
        Ok(())
    }

    fn can_add_lobby(&self, network: Option<Network>) -> Result<(), Goodbye> {
        let config = &self.config;
        if self.lobbies.len() >= config.max_lobbies {
            return Err(Goodbye::TooManyLobbies);
        }
        let made = network.and_then(|network| self.made.get(&network));
        if made.is_some_and(|made| *made >= config.address.lobbies) {
            let limit = config.address.lobbies;
            return Err(Goodbye::TooManyOwnLobbies { limit });
        }
        Ok(())
    }

    fn add_lobby(&mut self, name: &Arc<str>, lobby: Lobby) {
        if let Some(network) = lobby.made_by {
            *self.made.entry(network).or_default() += 1;
        }
        if lobby.is_listed {
            self.listed.insert(lobby.number, Arc::clone(name));
        }
        if let Some(group) = &lobby.group {
            self.groups.add(group.clone(), name);
        }
        self.lobbies.insert(Arc::clone(name), lobby);
    }

    /// A number that no lobby has had, here or on an earlier server. It is `least` or more.
    fn number(&mut self, now: Instant, least: u64) -> u64 {
        let clock = self
            .vault
            .as_ref()
            .map_or(0, |vault| vault.unix_micros(now));
        let next = self.last_number.saturating_add(1);
        self.last_number = clock.max(next).max(least);
        self.last_number
    }
}
