//! Who is in which lobby, and who is told of what. No sockets, no clock, no JSON to read, no limits of a sender.

#[cfg(test)]
mod comebacks;
mod control;
mod entering;
mod groups;
pub(crate) mod house;
mod leaving;
mod listing;
mod lobby;
mod member;
mod migration;
#[cfg(test)]
mod model;
mod news;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use mesh_core::{Instant, PeerId, Topology};
use signaling::{Extension, Message, Notice, encode};

use crate::Config;
use crate::admission::{Pass, Refusal};
use crate::cluster::Grant;
use crate::door::{Dialect, Network};
use crate::entropy::Entropy;
use crate::goodbye::Goodbye;
use crate::resume::{Claim, Vault};

use groups::Groups;
use lobby::{Lobby, Present};

pub(crate) use listing::Listing;
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
    /// Another member came, or came back.
    Came {
        /// The id of its seat.
        id: PeerId,
        /// Whether the receiver knew of it, and so has to be told if it leaves.
        is_known: bool,
    },
    /// The member with the seat of that id left.
    Left(PeerId),
    /// What is so now. A later text about the same fact makes an earlier one void.
    State(Fact),
}

/// What can be told of a lobby again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// Whether it is locked.
    Lock,
    /// Whether it is on the public list.
    List,
    /// Who is the host.
    Host,
    /// Its data.
    Data,
    /// The data of the member with that id.
    Member(PeerId),
}

impl About {
    /// Whether it is about the member with the seat of that id.
    pub(crate) fn is_of(self, id: PeerId) -> bool {
        match self {
            Self::Lobby | Self::State(_) => false,
            Self::Came { id: of, .. } | Self::Left(of) => of == id,
        }
    }
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those who can be reached.
    pub(crate) members: usize,
    /// Those whose socket is gone and whose seat is kept.
    pub(crate) away: usize,
    pub(crate) lobbies: usize,
}

/// All lobbies of a server.
///
/// What happens comes in by `join`, `seal`, `control`, `leave`, `disconnect`, `close_all` and `handle_timeout`; what is to be done is taken
/// with `poll_action` until there is none, after each of them; `poll_timeout` says when `handle_timeout` is due. One call is one
/// step: a member is in a lobby with everybody told, or not at all, so joins at the same moment cannot miss each other.
///
/// A member that speaks our extension keeps its seat for a while when its socket is gone, and comes back to it with a token.
/// Nothing is kept of what is sent to it meanwhile: the members that speak the extension are told when it is back, and send
/// again. Those that do not are told nothing unless it stays away.
///
/// An error is the member's own fault, or a limit; the hall has changed nothing then.
pub(crate) struct Hall {
    config: Config,
    entropy: Entropy,
    /// Without one nobody comes back, and our extension is not spoken.
    vault: Option<Vault>,
    seats: BTreeMap<MemberId, Ticket>,
    lobbies: BTreeMap<Arc<str>, Lobby>,
    /// The names of those that are on the public list, by their numbers.
    listed: BTreeMap<u64, Arc<str>>,
    groups: Groups,
    timers: BTreeSet<(Instant, Timer)>,
    /// How many lobbies each address has made.
    made: BTreeMap<Network, usize>,
    away: Away,
    /// The last number that a lobby got.
    last_number: u64,
    /// Lobbies of an earlier server that have ended here, so that no token brings them back again.
    ended: BTreeSet<u64>,
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
    /// Whether the member offers our extension.
    pub(crate) is_ours: bool,
    /// What it shows to get its seat back.
    pub(crate) token: Option<&'a str>,
    /// Whether it is admitted, and where. One that gets its seat back is.
    pub(crate) entry: Result<&'a Pass, &'a Refusal>,
    /// Which of its attempts to come back it is, 0 if it does not say.
    pub(crate) attempt: u32,
    /// How many members the lobby may have, if it is made.
    pub(crate) max_players: Option<u32>,
    /// Whether the lobby is to be on the public list, if it is made.
    pub(crate) is_listed: bool,
    /// How many members make a group, if it wants to be put in one.
    pub(crate) group_of: Option<u32>,
    /// Whether the lobby is to go on when its host leaves, if it is made.
    pub(crate) host_migration: bool,
    /// Which protocol the member speaks.
    pub(crate) dialect: Dialect,
    /// Under which lease it joins, where several instances share their lobbies.
    pub(crate) grant: Option<&'a Grant>,
}

impl<'a> Wish<'a> {
    /// What a join asks for.
    pub(crate) fn new(
        name: &'a str,
        topology: Topology,
        network: Option<Network>,
        extension: Option<&'a Extension>,
        entry: Result<&'a Pass, &'a Refusal>,
    ) -> Self {
        Self {
            name,
            topology,
            network,
            is_ours: extension.is_some(),
            token: extension.and_then(|extension| extension.token.as_deref()),
            entry,
            attempt: extension
                .and_then(|extension| extension.attempt)
                .unwrap_or_default(),
            max_players: extension.and_then(|extension| extension.max_players),
            is_listed: extension.is_some_and(|extension| extension.is_listed),
            group_of: extension.and_then(|extension| extension.group_of),
            host_migration: extension.is_some_and(|extension| extension.host_migration),
            dialect: Dialect::default(),
            grant: None,
        }
    }
}

/// How a member was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: PeerId,
    /// Whether our extension is spoken with it.
    pub(crate) is_ours: bool,
    /// Whether it has come back.
    pub(crate) is_back: bool,
}

/// Who gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addressee {
    /// Whose signal it is.
    pub(crate) from: PeerId,
    pub(crate) member: MemberId,
    pub(crate) is_ours: bool,
}

/// Where a socket's seat is.
#[derive(Clone, Debug)]
struct Ticket {
    lobby: Arc<str>,
    id: PeerId,
    /// When its member gets its next token.
    renewal: Option<Instant>,
}

/// What happens at its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// A sealed lobby ends.
    Seal(Arc<str>),
    /// A member has stayed away for too long.
    Seat(Arc<str>, PeerId),
    /// A member gets its next token.
    Renewal(MemberId),
    /// What has changed of a lobby is told.
    News(Arc<str>),
    /// A group whose last member has come back is sealed, if that member has not left at once.
    Group(Arc<str>),
    /// There are no tokens of a lobby's earlier owner any more.
    Heirs(Arc<str>),
    /// There are no tokens of an earlier server any more.
    Inheritance,
}

/// How many members are away, in all and of each address.
#[derive(Debug, Default)]
struct Away {
    total: usize,
    of: BTreeMap<Network, usize>,
}

impl Hall {
    pub(crate) const fn new(config: Config, entropy: Entropy, vault: Option<Vault>) -> Self {
        Self {
            config,
            entropy,
            vault,
            seats: BTreeMap::new(),
            lobbies: BTreeMap::new(),
            listed: BTreeMap::new(),
            groups: Groups::new(),
            timers: BTreeSet::new(),
            made: BTreeMap::new(),
            away: Away {
                total: 0,
                of: BTreeMap::new(),
            },
            last_number: 0,
            ended: BTreeSet::new(),
            actions: VecDeque::new(),
        }
    }

    /// Who gets what `member` sends to the id `to`: a member that it knows and that can be reached, or nobody.
    pub(crate) fn addressee(
        &self,
        member: MemberId,
        to: u32,
    ) -> Result<Option<Addressee>, Goodbye> {
        let Ticket { lobby, id, .. } = self.seats.get(&member).ok_or(Goodbye::NoLobby)?;
        let strict = self.config.strict;
        let found = self.lobbies.get(lobby).and_then(|lobby| {
            let to = PeerId::new(to).ok()?;
            let found = lobby.present(to)?;
            (strict || lobby.links(*id, to)).then_some(found)
        });
        match found {
            // The demo sends the sender away, though the other may have left while the signal was on its way.
            None if strict => Err(Goodbye::InvalidDestination),
            None => Ok(None),
            Some(Present {
                member, is_ours, ..
            }) => Ok(Some(Addressee {
                from: *id,
                member,
                is_ours,
            })),
        }
    }

    /// The id of a member's seat.
    pub(crate) fn id(&self, member: MemberId) -> Option<PeerId> {
        self.seats.get(&member).map(|ticket| ticket.id)
    }

    /// Takes nobody into the member's lobby any more, and sets its end.
    pub(crate) fn seal(&mut self, now: Instant, member: MemberId) -> Result<(), Goodbye> {
        let Ticket {
            lobby: name, id, ..
        } = self.seats.get(&member).ok_or(Goodbye::NoLobby)?;
        if !self.is_host(name, *id) {
            return Err(Goodbye::NotHost);
        }
        let name = Arc::clone(name);
        self.seal_lobby(now, &name);
        Ok(())
    }

    /// Takes nobody into a lobby any more, and sets its end, if that is not done already.
    fn seal_lobby(&mut self, now: Instant, name: &Arc<str>) {
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return;
        };
        if lobby.ends.is_none() {
            let ends = now + self.config.seal_duration;
            lobby.ends = Some(ends);
            self.timers.insert((ends, Timer::Seal(Arc::clone(name))));
            let everybody = lobby.members().map(|present| present.member);
            tell(&mut self.actions, everybody, About::Lobby, Notice::Sealed);
            if let Some(group) = &lobby.group {
                self.groups.remove(group, name);
            }
        }
    }

    /// When `handle_timeout` is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Does what is due: ends sealed lobbies and seats that nobody has come back to, and gives new tokens.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while self.timers.first().is_some_and(|(due, _)| *due <= now) {
            match self.timers.pop_first() {
                // All members at once: if the host were the first to go, the others would be told of that.
                Some((_, Timer::Seal(name))) => self.close_lobby(&name, &Goodbye::SealComplete),
                Some((_, Timer::Seat(name, id))) => self.vacate(&name, id),
                Some((_, Timer::Renewal(member))) => self.welcome(now, member),
                Some((_, Timer::News(name))) => self.tell_news(now, &name),
                Some((_, Timer::Group(name))) => self.seal_if_complete(now, &name),
                Some((_, Timer::Heirs(name))) => self.end_heirs(&name),
                Some((_, Timer::Inheritance)) => self.end_inheritance(),
                None => return,
            }
        }
    }

    /// What is to be done next.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            members: self.seats.len(),
            away: self.away.total,
            lobbies: self.lobbies.len(),
        }
    }

    /// Gives a member that speaks our extension a token, and plans the next one.
    fn welcome(&mut self, now: Instant, member: MemberId) {
        let Some(vault) = &self.vault else {
            return;
        };
        let Some(ticket) = self.seats.get_mut(&member) else {
            return;
        };
        let Some(lobby) = self.lobbies.get(&ticket.lobby) else {
            return;
        };
        let claim = Claim {
            lobby: ticket.lobby.to_string(),
            number: lobby.number,
            topology: lobby.topology,
            id: ticket.id,
            host: lobby.migrates.then_some(lobby.host),
        };
        let welcome = Notice::Welcome {
            token: vault.issue(now, &claim),
            // An hour at most.
            term: u32::try_from(vault.term().as_secs()).unwrap_or_default(),
        };
        tell(&mut self.actions, [member], About::Lobby, welcome);
        let renewal = now + vault.renewal();
        ticket.renewal = Some(renewal);
        self.timers.insert((renewal, Timer::Renewal(member)));
    }
}

impl Away {
    fn has_room(&self, config: &Config, network: Option<Network>) -> bool {
        let own = network.and_then(|network| self.of.get(&network));
        self.total < config.max_peers && own.is_none_or(|own| *own < config.address.sockets)
    }

    fn count(&mut self, network: Option<Network>) {
        self.total += 1;
        if let Some(network) = network {
            *self.of.entry(network).or_default() += 1;
        }
    }

    fn discount(&mut self, network: Option<Network>) {
        self.total = self.total.saturating_sub(1);
        if let Some(network) = network {
            decrease(&mut self.of, network);
        }
    }
}

/// Counts one less, and forgets who has none.
fn decrease(counts: &mut BTreeMap<Network, usize>, network: Network) {
    if let Some(count) = counts.get_mut(&network) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&network);
        }
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
