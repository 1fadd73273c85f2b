//! One lobby: its seats, who sees whom, whether it is sealed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mesh_core::{Instant, PeerId, Topology};
use signaling::Notice;

use super::member::MemberId;
use super::news::News;
use crate::bucket::Bucket;
use crate::cluster::Group;
use crate::door::{Dialect, Network};
use crate::resume::Claim;

/// How many ended seats are remembered of those that an earlier server gave, and of those that the host has ended. It takes a very large
/// lobby to have more. Further ones can come back by their tokens.
const MAX_GONE: usize = 4096;

/// How many members are remembered that came to a lobby which another instance had, and have left it. Anybody can come and leave, so
/// they have no part in the number above. With more the oldest is forgotten.
const MAX_LEFT: usize = 4096;

/// How many addresses a host can ban; with more the oldest is forgotten.
const MAX_BANNED: usize = 256;

/// Of how many members that were sent away it is remembered why, for those that are away at that moment.
const MAX_REMOVED: usize = 32;

/// How many times a member may come back at once, and after how many seconds it may once more.
const RETURNS: u32 = 4;
const RETURN_SECONDS: u32 = 5;

/// Seats by the id they are shown under; who made the lobby has the id 1, so a signal for 1 finds it.
#[derive(Debug)]
pub(super) struct Lobby {
    pub(super) topology: Topology,
    /// Which protocol all its members speak.
    pub(super) dialect: Dialect,
    /// Whether it goes on when its host leaves.
    pub(super) migrates: bool,
    /// The id of its host: of who made it, until that one leaves and the lobby goes on.
    pub(super) host: PeerId,
    /// Tells it from every other lobby of the same name, also from those of an earlier server.
    pub(super) number: u64,
    /// Set once it is sealed: when its sockets are closed.
    pub(super) ends: Option<Instant>,
    /// Which group it is filled for, if it is for one.
    pub(super) group: Option<Group>,
    /// How many members it may have, as who made it wanted.
    pub(super) capacity: usize,
    /// Whether its host lets nobody new in.
    pub(super) is_locked: bool,
    /// Whether it is on the public list.
    pub(super) is_listed: bool,
    /// The data that its host has set: a JSON object, or nothing.
    pub(super) data: String,
    /// What has changed and is not told yet.
    pub(super) news: News,
    /// The addresses of members that its host has banned, the oldest first.
    banned: VecDeque<Network>,
    /// Who was sent away while somebody else was away, the latest last.
    removed: VecDeque<Removed>,
    /// The address that made it, if it is known.
    pub(super) made_by: Option<Network>,
    /// Where an earlier server had it, and as long as there may be tokens of that server: whom they no longer bring back.
    pub(super) gone: Option<BTreeSet<PeerId>>,
    /// The same of members that another instance did not have, the oldest first.
    pub(super) left: VecDeque<PeerId>,
    /// Until when there may be tokens of an earlier owner, in a lobby that another instance had.
    pub(super) heirs_until: Option<Instant>,
    seats: BTreeMap<PeerId, Seat>,
    /// Counts who sits down and who is cut off, to tell what was first.
    steps: u64,
}

/// A place in a lobby.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) presence: Presence,
    /// Whether its member speaks our extension.
    pub(super) is_ours: bool,
    /// The address it is counted for.
    pub(super) network: Option<Network>,
    /// Whether an earlier server gave it, so that there may be a token of that server for it.
    is_inherited: bool,
    /// The lobby's step at which it was taken.
    taken: u64,
    /// How often its member may come back: everybody else sends again what may be lost then, and pays for it.
    returns: Bucket,
    /// The highest attempt to come back that has been seen.
    attempt: u32,
    /// The data that its member has set: a JSON object, or nothing. `None` if it has never set any. Nothing is told, too: whoever
    /// comes back may still have what there was before.
    pub(super) data: Option<String>,
}

/// Somebody whom the host has sent away.
#[derive(Debug)]
struct Removed {
    /// The lobby's steps at which it had sat down and was sent away.
    taken: u64,
    at: u64,
    /// What the others are told of it.
    notice: Notice,
}

/// Why a member does not get its seat back for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseated {
    /// A later attempt of it has come already.
    Late,
    /// It has come back too often.
    TooOften,
}

impl Seat {
    fn new(now: Instant, presence: Presence, is_ours: bool, taken: u64) -> Self {
        Self {
            presence,
            is_ours,
            network: None,
            is_inherited: false,
            taken,
            // One return costs as many tokens as there are seconds between two.
            returns: Bucket::new(now, 1, RETURNS * RETURN_SECONDS),
            attempt: 0,
            data: None,
        }
    }
}

/// Whether a member can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Here(MemberId),
    /// Its socket is gone.
    Away {
        /// How long its seat is kept.
        until: Instant,
        /// The lobby's step at which it went. Those who came later have not been told of it.
        since: u64,
    },
}

/// A member that can be reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present {
    pub(super) id: PeerId,
    pub(super) member: MemberId,
    pub(super) is_ours: bool,
    taken: u64,
}

impl Present {
    /// Whether it was there already when a member went away at that step, and so has been told of that member.
    pub(super) const fn knows(&self, since: u64) -> bool {
        self.taken < since
    }
}

impl Lobby {
    pub(super) const fn new(topology: Topology, number: u64, made_by: Option<Network>) -> Self {
        Self {
            topology,
            dialect: Dialect::Godot4,
            migrates: false,
            host: PeerId::SERVER,
            number,
            ends: None,
            group: None,
            capacity: usize::MAX,
            is_locked: false,
            is_listed: false,
            data: String::new(),
            news: News::new(),
            banned: VecDeque::new(),
            removed: VecDeque::new(),
            made_by,
            gone: None,
            left: VecDeque::new(),
            heirs_until: None,
            seats: BTreeMap::new(),
            steps: 0,
        }
    }

    /// Whether it was made again by a token of an earlier server, and that server has had a later one of its name.
    pub(super) fn is_older(&self, claim: &Claim) -> bool {
        self.gone.is_some() && self.number < claim.number
    }

    /// Whether somebody here speaks our extension.
    pub(super) fn has_ours(&self) -> bool {
        self.seats.values().any(|seat| seat.is_ours)
    }

    /// How many seats are taken, also by those who are away.
    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub(super) fn is_taken(&self, id: PeerId) -> bool {
        self.seats.contains_key(&id)
    }

    pub(super) fn seat(&self, id: PeerId) -> Option<&Seat> {
        self.seats.get(&id)
    }

    pub(super) fn sit(
        &mut self,
        now: Instant,
        id: PeerId,
        member: MemberId,
        is_ours: bool,
        network: Option<Network>,
    ) {
        let taken = self.step();
        let mut seat = Seat::new(now, Presence::Here(member), is_ours, taken);
        seat.network = network;
        self.seats.insert(id, seat);
    }

    /// Gives a member the seat that it had on an earlier server.
    pub(super) fn inherit(
        &mut self,
        now: Instant,
        id: PeerId,
        member: MemberId,
        network: Option<Network>,
    ) {
        self.sit(now, id, member, true, network);
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.is_inherited = true;
            // Those that were there may still have what it had set.
            seat.data = Some(String::new());
        }
    }

    /// Whether the seat that a member had on an earlier server is still its own.
    pub(super) fn is_heir(&self, id: PeerId) -> bool {
        let gone = self.gone.as_ref();
        gone.is_some_and(|gone| !gone.contains(&id) && !self.left.contains(&id))
    }

    /// Keeps a seat of an earlier server for a member that nobody here has been told of.
    pub(super) fn reserve(&mut self, now: Instant, id: PeerId, until: Instant) {
        let taken = self.step();
        let since = 0;
        let presence = Presence::Away { until, since };
        let mut seat = Seat::new(now, presence, true, taken);
        seat.is_inherited = true;
        seat.data = Some(String::new());
        self.seats.insert(id, seat);
    }

    /// Counts an attempt of a member to come back, if it may.
    pub(super) fn admit(&mut self, now: Instant, id: PeerId, attempt: u32) -> Result<(), Unseated> {
        let Some(seat) = self.seats.get_mut(&id) else {
            return Ok(());
        };
        if attempt < seat.attempt {
            return Err(Unseated::Late);
        }
        if !seat.returns.take(now, RETURN_SECONDS.into()) {
            return Err(Unseated::TooOften);
        }
        seat.attempt = attempt;
        Ok(())
    }

    /// Keeps the seat of a member whose socket is gone.
    pub(super) fn set_away(&mut self, id: PeerId, until: Instant) {
        if self.away().next().is_none() {
            // Everybody was there and has been told of these removals.
            self.removed.clear();
        }
        let since = self.step();
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.presence = Presence::Away { until, since };
        }
    }

    /// Gives a seat back to its member, on another socket.
    pub(super) fn set_here(&mut self, id: PeerId, member: MemberId, network: Option<Network>) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.presence = Presence::Here(member);
            seat.network = network;
        }
    }

    pub(super) fn remove(&mut self, id: PeerId) {
        let Some(seat) = self.seats.remove(&id) else {
            return;
        };
        if seat.is_inherited {
            self.refuse_heir(id);
        } else if seat.is_ours && self.heirs_until.is_some() {
            // Our own tokens cannot be told from those of the instance that had the lobby.
            if self.left.len() >= MAX_LEFT {
                self.left.pop_front();
            }
            self.left.push_back(id);
        }
    }

    /// The seat that a member had on an earlier server is its own no more.
    pub(super) fn refuse_heir(&mut self, id: PeerId) {
        if let Some(gone) = &mut self.gone
            && gone.len() < MAX_GONE
        {
            gone.insert(id);
        }
    }

    /// Remembers what is told of the member of that seat, which is sent away, for those that are away.
    pub(super) fn note_removal(&mut self, id: PeerId, notice: Notice) {
        let is_missed = self.away().any(|(away, ..)| away != id);
        let Some(taken) = self.seat(id).map(|seat| seat.taken).filter(|_| is_missed) else {
            return;
        };
        if self.removed.len() >= MAX_REMOVED {
            self.removed.pop_front();
        }
        let at = self.step();
        self.removed.push_back(Removed { taken, at, notice });
    }

    /// Who was sent away since that step, of those that a member knows which went away then.
    pub(super) fn removed_since(&self, since: u64) -> impl Iterator<Item = Notice> {
        let removed = self.removed.iter();
        let missed = removed.filter(move |removed| removed.taken < since && since < removed.at);
        missed.map(|removed| removed.notice.clone())
    }

    /// Bans the address of that seat, unless it is the host's, too: it would keep the host's own friends out, or, behind a proxy
    /// that is not known as one, everybody.
    pub(super) fn ban(&mut self, id: PeerId) {
        let network = |id| self.seats.get(&id).and_then(|seat| seat.network);
        let Some(banned) = network(id).filter(|_| network(id) != network(self.host)) else {
            return;
        };
        if self.is_banned(Some(banned)) {
            return;
        }
        if self.banned.len() >= MAX_BANNED {
            self.banned.pop_front();
        }
        self.banned.push_back(banned);
    }

    /// Lifts the ban of the host's own address: somebody there has become the host since.
    pub(super) fn lift_ban_of_host(&mut self) {
        let network = self.seats.get(&self.host).and_then(|seat| seat.network);
        self.banned.retain(|banned| Some(*banned) != network);
    }

    /// Sets the data of a seat; whether they are others than before.
    pub(super) fn set_data(&mut self, id: PeerId, data: String) -> bool {
        let Some(seat) = self.seats.get_mut(&id) else {
            return false;
        };
        let has_changed = seat.data.as_deref().unwrap_or_default() != data;
        seat.data = Some(data);
        has_changed
    }

    pub(super) fn is_banned(&self, network: Option<Network>) -> bool {
        network.is_some_and(|network| self.banned.contains(&network))
    }

    /// The member of that id, if it can be reached.
    pub(super) fn present(&self, id: PeerId) -> Option<Present> {
        let seat = self.seats.get(&id)?;
        let Presence::Here(member) = seat.presence else {
            return None;
        };
        Some(Present {
            id,
            member,
            is_ours: seat.is_ours,
            taken: seat.taken,
        })
    }

    /// Everybody who can be reached, ascending by id.
    pub(super) fn members(&self) -> impl Iterator<Item = Present> {
        self.seats.keys().filter_map(|id| self.present(*id))
    }

    /// Who becomes the host when it has left: of those that can be reached and speak our extension, which has most of what a
    /// host can do, the one that has been there longest. Others only if there is no such member.
    pub(super) fn successor(&self) -> Option<PeerId> {
        let rank = |seat: &Seat| {
            let is_away = !matches!(seat.presence, Presence::Here(_));
            (is_away, !seat.is_ours, seat.taken)
        };
        let seats = self.seats.iter();
        let first = seats.min_by_key(|(_, seat)| rank(seat));
        first.map(|(id, _)| *id)
    }

    /// Everybody who is away, and until when.
    pub(super) fn away(&self) -> impl Iterator<Item = (PeerId, Instant, Option<Network>)> {
        self.seats
            .iter()
            .filter_map(|(id, seat)| match seat.presence {
                Presence::Away { until, .. } => Some((*id, until, seat.network)),
                Presence::Here(_) => None,
            })
    }

    /// Whether two members are told of each other.
    pub(super) fn links(&self, a: PeerId, b: PeerId) -> bool {
        a != b && (self.topology == Topology::Mesh || a.is_server() || b.is_server())
    }

    /// Those who can be reached and are told of `id` and of whom it is told.
    ///
    /// Clients of a host need not know each other. Godot's Node server announces them all the same (`announce_all`); its
    /// clients then fail to add each other, which is harmless.
    pub(super) fn seen_by(&self, id: PeerId, announce_all: bool) -> impl Iterator<Item = Present> {
        self.members()
            .filter(move |other| other.id != id && (announce_all || self.links(id, other.id)))
    }

    fn step(&mut self) -> u64 {
        self.steps += 1;
        self.steps
    }
}
