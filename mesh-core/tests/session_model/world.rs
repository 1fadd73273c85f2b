//! The members, the lobby and the network, and what happens to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mesh_core::{CloseReason, ConnectFailure, Duration, Instant, PeerId};

use crate::history::{Reason, Step};
use crate::lobby::Lobby;
use crate::network::{Network, Process};
use crate::player::Player;

/// The longest way back: a silence of 8 s, a handshake of 15 s that began before all was well, a pause of 32 s, and one
/// attempt that meets a signal of old.
const RECOVERY: Duration = Duration::from_secs(90);

/// How long the service takes to notice a process that has ended without a word.
const GHOST: Duration = Duration::from_secs(3);

pub(crate) struct World {
    now: Instant,
    seats: Vec<Seat>,
    processes: Process,
    network: Network,
    lobby: Lobby,
    /// Members that have ended without a word, and when the service notices.
    ghosts: Vec<(Instant, PeerId)>,
}

/// A person: their process, if it runs.
struct Seat {
    id: PeerId,
    player: Option<Player>,
    declines: Arc<AtomicBool>,
}

impl World {
    pub(crate) fn new(members: usize) -> Self {
        let mut world = Self {
            now: Instant::from_micros(77),
            seats: Vec::new(),
            processes: 0,
            network: Network::default(),
            lobby: Lobby::default(),
            ghosts: Vec::new(),
        };
        world.lobby.slow = 20;
        for number in 0..members {
            world.seats.push(Seat {
                id: id(number),
                player: None,
                declines: Arc::default(),
            });
            world.start(number);
        }
        world.run(Duration::from_millis(500));
        world
    }

    pub(crate) fn carry_out(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Wait(millis) => self.run(Duration::from_millis(millis)),
            Step::Crash(a) => self.end(a, false),
            Step::Quit(a) => self.end(a, true),
            Step::Restart(a) => {
                if self.seats[a].player.is_none() {
                    self.start(a);
                }
            }
            Step::Rename(a) => {
                if self.seats[a].player.is_none() {
                    // Above or below the others, who keep their order.
                    self.seats[a].id = id(20 + self.processes * 17 % 60);
                    self.start(a);
                }
            }
            Step::LoseSignaling(a) => {
                let id = self.seats[a].id;
                if self.seats[a].player.is_some() && self.lobby.is_member(id) {
                    self.lobby.leave(now, id);
                    self.with(a, |player, _| player.signaled(now, Lobby::lost()));
                }
            }
            Step::RestoreSignaling(a) => self.restore(a),
            Step::Cut(a, b) => {
                if let [Some(a), Some(b)] = self.processes_of([a, b]) {
                    self.network.cut(now, a, b);
                }
            }
            Step::Heal(a, b) => {
                if let [Some(a), Some(b)] = self.processes_of([a, b]) {
                    self.network.heal(now, a, b);
                }
            }
            Step::GiveUp(a, b, reason) => self.give_up(a, b, reason),
            Step::Refuse(a, refuse) => self.with(a, |player, _| {
                player.mesh.set_refuse_new_connections(refuse);
            }),
            Step::Kick(a, b) => self.with(a, |player, other| {
                player.roster.kick(&mut player.mesh, other[b], b % 2 == 1);
                // With force the game hears nothing more.
                player.forget(other[b]);
            }),
            Step::Ban(a, b) => self.with(a, |player, other| {
                player.roster.ban(&mut player.mesh, other[b]);
            }),
            Step::Allow(a, b) => self.with(a, |player, other| {
                player.roster.allow(now, other[b]);
            }),
            Step::Decline(a, declines) => {
                self.seats[a].declines.store(declines, Ordering::Relaxed);
            }
            Step::Slow(millis) => self.lobby.slow = millis,
            Step::Double(double) => self.lobby.double = double,
            Step::Full(a, full) => {
                let id = self.seats[a].id;
                if full && self.lobby.is_member(id) {
                    self.lobby.full.insert(id);
                } else {
                    self.lobby.full.remove(&id);
                }
            }
        }
    }

    /// All is well again, but for whom somebody has sent away: after a while everybody is connected.
    pub(crate) fn recover(&mut self) {
        self.network.heal_all(self.now);
        self.lobby.slow = 20;
        self.lobby.double = false;
        self.lobby.full.clear();
        for seat in 0..self.seats.len() {
            self.restore(seat);
            self.seats[seat].declines.store(false, Ordering::Relaxed);
            self.with(seat, |player, _| {
                player.mesh.set_refuse_new_connections(false)
            });
        }
        self.run(RECOVERY);
        let players: Vec<&Player> = self
            .seats
            .iter()
            .filter_map(|s| s.player.as_ref())
            .collect();
        for a in &players {
            for b in &players {
                if a.id >= b.id || a.roster.is_away(b.id) || b.roster.is_away(a.id) {
                    continue;
                }
                assert!(a.mesh.is_connected(b.id), "{a:?} is not connected to {b:?}");
                assert!(b.mesh.is_connected(a.id), "{b:?} is not connected to {a:?}");
                let [to_b, to_a] = [a.mesh.connection(b.id), b.mesh.connection(a.id)];
                let ends = ((a.process, to_b.unwrap()), (b.process, to_a.unwrap()));
                assert!(
                    self.network.are_one(ends.0, ends.1),
                    "{a:?} and {b:?} only believe it"
                );
            }
            let open = self.network.open_ends(a.process);
            assert_eq!(
                open,
                a.mesh.peer_count(),
                "{a:?} has left connections behind"
            );
        }
    }

    fn start(&mut self, seat: usize) {
        let (now, id) = (self.now, self.seats[seat].id);
        self.ghosts.retain(|(_, ghost)| *ghost != id);
        self.lobby.leave(now, id);
        self.processes += 1;
        let patience = Duration::from_secs(1 + self.processes as u64 % 5);
        self.network.set_patience(self.processes, patience);
        let mut player = Player::new(self.processes, id);
        let declines = Arc::clone(&self.seats[seat].declines);
        player
            .roster
            .set_accept(move |_| !declines.load(Ordering::Relaxed));
        self.seats[seat].player = Some(player);
        self.lobby.join(now, id);
    }

    fn end(&mut self, seat: usize, goodbye: bool) {
        let Some(player) = self.seats[seat].player.take() else {
            return;
        };
        self.network.end_process(self.now, player.process, goodbye);
        if goodbye {
            self.lobby.leave(self.now, player.id);
        } else {
            self.ghosts.push((self.now + GHOST, player.id));
        }
    }

    fn restore(&mut self, seat: usize) {
        let id = self.seats[seat].id;
        if self.seats[seat].player.is_some() && !self.lobby.is_member(id) {
            self.lobby.join(self.now, id);
        }
    }

    fn give_up(&mut self, a: usize, b: usize, reason: Reason) {
        let other = self.seats[b].id;
        let Some(player) = &self.seats[a].player else {
            return;
        };
        let reason = match reason {
            Reason::Failed => CloseReason::Failed(ConnectFailure::NoRoute),
            Reason::InboxFull => CloseReason::InboxFull,
            Reason::Protocol => CloseReason::Protocol(String::from("nonsense")),
        };
        if let Some(link) = player.mesh.connection(other) {
            self.network.give_up(self.now, player.process, link, reason);
        }
    }

    /// Does something to a player, with the ids of all members; then its poll ends.
    fn with(&mut self, seat: usize, act: impl FnOnce(&mut Player, &[PeerId])) {
        let ids: Vec<PeerId> = self.seats.iter().map(|seat| seat.id).collect();
        if let Some(player) = &mut self.seats[seat].player {
            act(player, &ids);
            player.settle(self.now, &mut self.network, &mut self.lobby);
        }
    }

    fn processes_of(&self, seats: [usize; 2]) -> [Option<Process>; 2] {
        seats.map(|seat| Some(self.seats[seat].player.as_ref()?.process))
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            self.take_all();
            let timeouts = self
                .seats
                .iter()
                .filter_map(|seat| seat.player.as_ref()?.timeout);
            let next = timeouts
                .chain(self.network.next_due())
                .chain(self.lobby.next_due())
                .chain(self.ghosts.iter().map(|(due, _)| *due))
                .min();
            match next {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
        }
        self.now = end;
    }

    /// Everything that has happened by now.
    fn take_all(&mut self) {
        let now = self.now;
        while let Some((process, event)) = self.network.take(now) {
            let is_it = |seat: &Seat| seat.player.as_ref().is_some_and(|p| p.process == process);
            if let Some(seat) = self.seats.iter().position(is_it) {
                self.with(seat, |player, _| player.happened(now, event));
            }
        }
        while let Some(letter) = self.lobby.take(now) {
            let is_it = |seat: &Seat| seat.player.is_some() && seat.id == letter.to;
            if let Some(seat) = self.seats.iter().position(is_it) {
                self.with(seat, |player, _| player.signaled(now, letter.event));
            }
        }
        let (gone, still): (Vec<_>, Vec<_>) = self.ghosts.iter().partition(|(due, _)| *due <= now);
        self.ghosts = still;
        for (_, id) in gone {
            self.lobby.leave(now, id);
        }
        for seat in 0..self.seats.len() {
            let timeout = self.seats[seat].player.as_ref().and_then(|p| p.timeout);
            if timeout.is_some_and(|due| due <= now) {
                self.with(seat, |_, _| {});
            }
        }
    }
}

fn id(number: usize) -> PeerId {
    PeerId::new(u32::try_from(number).unwrap() + 1).unwrap()
}
