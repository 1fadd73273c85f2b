//! Random histories of members whose connections break, and of servers that are started again.

mod people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use signaling::decode;

use super::house::House;
use super::tests::counting;
use super::*;
use crate::bucket::Bucket;
use crate::resume::ResumeKey;

use people::{Person, Step, step};

const TERM: Duration = Duration::from_secs(60);
const VALIDITY: Duration = Duration::from_secs(90);

struct World {
    house: House,
    /// What the servers make ids of.
    ids: Arc<AtomicU32>,
    key: ResumeKey,
    /// Since the first server was started.
    now: Duration,
    /// When the server was started that runs.
    started: Duration,
    runs: u32,
    people: Vec<Person>,
    lobbies: usize,
    /// The lobby that exists now, if the server that runs knows it.
    lobby: Option<usize>,
    /// Lobbies that have ended for good.
    ended: BTreeSet<usize>,
    /// When the seat of a host ends that has not come back since the start.
    host_due: Option<Instant>,
}

impl World {
    fn new() -> Self {
        let key = ResumeKey::fixed();
        let mut world = Self {
            house: House::new(Config::default(), counting()),
            ids: Arc::default(),
            key,
            now: Duration::ZERO,
            started: Duration::ZERO,
            runs: 0,
            people: Vec::new(),
            lobbies: 0,
            lobby: None,
            ended: BTreeSet::new(),
            host_due: None,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let key = match self.runs {
            0 => self.key.clone(),
            _ => self.key.inherited(),
        };
        let start = Duration::from_secs(1_800_000_000) + self.now;
        // No server gives an id that another has given: that is one in a thousand million.
        let ids = Arc::clone(&self.ids);
        let entropy: Entropy = Box::new(move || Some(ids.fetch_add(1, Ordering::Relaxed)));
        self.house = House::restarted(Config::default(), entropy, &key, start);
        self.started = self.now;
        self.runs += 1;
    }

    /// The server's time.
    fn at(&self) -> Instant {
        Instant::from_micros(0) + (self.now - self.started)
    }

    fn inherits(&self) -> bool {
        self.runs > 1 && self.now - self.started < VALIDITY
    }

    fn pick(&self, n: usize) -> Option<usize> {
        n.checked_rem(self.people.len())
    }

    fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Join(is_ours) => self.join(is_ours)?,
            Step::Cut(n) => self.cut(n)?,
            Step::Resume(n) => self.resume(n)?,
            Step::Leave(n) => self.leave(n)?,
            Step::Restart => self.restart(),
            Step::Wait(seconds) => {
                for _ in 0..seconds {
                    self.pass_second()?;
                }
            }
        }
        self.compare()
    }

    fn join(&mut self, is_ours: bool) -> Result<(), TestCaseError> {
        let socket = self.house.connect();
        let extension = if is_ours { r#","v":1"# } else { "" };
        let text = format!(r#"{{"type":0,"id":0,"data":"demo"{extension}}}"#);
        if self.lobby.is_none() && self.inherits() {
            self.house.handle_text(self.at(), socket, &text);
            let refused = std::iter::from_fn(|| self.house.poll_action()).count();
            prop_assert_eq!(refused, 1, "nobody makes a lobby that may come back");
            return Ok(());
        }
        let lobby = match self.lobby {
            Some(lobby) => lobby,
            None => {
                self.lobbies += 1;
                self.lobbies
            }
        };
        self.lobby = Some(lobby);
        self.people.push(Person {
            is_ours,
            socket: Some(socket),
            id: None,
            token: None,
            lobby,
            kept: None,
            returns: Bucket::new(self.at(), 1, 20),
            seen: BTreeSet::new(),
        });
        self.house.handle_text(self.at(), socket, &text);
        self.deliver()
    }

    fn cut(&mut self, n: usize) -> Result<(), TestCaseError> {
        let Some(index) = self.pick(n) else {
            return Ok(());
        };
        let now = self.at();
        let Some(socket) = self.people[index].socket.take() else {
            return Ok(());
        };
        self.house.cut(now, socket);
        if self.people[index].is_ours {
            self.people[index].kept = Some(now + TERM);
        } else {
            self.vacate(index);
        }
        self.deliver()
    }

    fn leave(&mut self, n: usize) -> Result<(), TestCaseError> {
        let Some(index) = self.pick(n) else {
            return Ok(());
        };
        let Some(socket) = self.people[index].socket.take() else {
            return Ok(());
        };
        self.house.disconnect(socket);
        self.vacate(index);
        self.deliver()
    }

    /// Somebody's seat has ended.
    fn vacate(&mut self, index: usize) {
        let person = self.people.remove(index);
        if self.lobby != Some(person.lobby) {
            return;
        }
        let waits_for_host = self.host_due.is_some();
        let is_empty = !self.people.iter().any(|other| self.has_seat(other));
        if person.id == Some(1) || is_empty && !waits_for_host {
            self.end_lobby();
        }
    }

    /// Whether the server that runs has a seat for somebody.
    fn has_seat(&self, person: &Person) -> bool {
        let is_here = person.socket.is_some() || person.kept.is_some();
        self.lobby == Some(person.lobby) && is_here
    }

    fn end_lobby(&mut self) {
        let lobby = self.lobby.take();
        self.ended.extend(lobby);
        self.host_due = None;
        self.people.retain(|person| Some(person.lobby) != lobby);
    }

    fn resume(&mut self, n: usize) -> Result<(), TestCaseError> {
        let Some(index) = self.pick(n) else {
            return Ok(());
        };
        let person = &self.people[index];
        let Some((token, expires)) = person.token.clone() else {
            return Ok(());
        };
        let has_seat = self.has_seat(person);
        let is_known = self.lobby == Some(person.lobby);
        let can_be_made = self.lobby.is_none() && !self.ended.contains(&person.lobby);
        let may_return = has_seat || self.inherits() && (is_known || can_be_made);
        let may_return = may_return && self.at() < expires;
        let id = person.id;
        let socket = self.house.connect();
        let now = self.at();
        if may_return {
            let returns = &mut self.people[index].returns;
            if !has_seat {
                *returns = Bucket::new(now, 1, 20);
            }
            if !returns.take(now, 5) {
                return self.is_refused(socket, &token, Goodbye::TooManyReturns);
            }
            if !is_known {
                self.lobby = Some(self.people[index].lobby);
                self.host_due = (id != Some(1)).then(|| self.at() + TERM);
            }
            if id == Some(1) {
                self.host_due = None;
            }
            let person = &mut self.people[index];
            person.socket = Some(socket);
            person.kept = None;
            // Those that are not named again have left, or are away, too.
            person.seen.clear();
            self.house.handle_text(now, socket, &with_token(&token));
            return self.deliver();
        }
        self.is_refused(socket, &token, Goodbye::NoSeat)?;
        if self.people[index].socket.is_none() {
            // It gives up.
            let lobby = self.people[index].lobby;
            prop_assert!(self.people[index].kept.is_none() || self.lobby != Some(lobby));
            self.people.remove(index);
        }
        Ok(())
    }

    fn is_refused(
        &mut self,
        member: MemberId,
        token: &str,
        goodbye: Goodbye,
    ) -> Result<(), TestCaseError> {
        let now = self.at();
        self.house.handle_text(now, member, &with_token(token));
        let said = Vec::from_iter(std::iter::from_fn(|| self.house.poll_action()));
        prop_assert_eq!(said, [Action::Close { member, goodbye }]);
        Ok(())
    }

    fn restart(&mut self) {
        let now = self.at();
        self.start();
        let shift = now - Instant::from_micros(0);
        for person in &mut self.people {
            person.socket = None;
            person.kept = None;
            if let Some((_, expires)) = &mut person.token {
                // In the time of the server that runs.
                *expires = Instant::from_micros(expires.as_micros().saturating_sub(micros(shift)));
            }
        }
        // The lobby sleeps until somebody comes back.
        self.people.retain(|person| person.is_ours);
        self.lobby = None;
        self.host_due = None;
    }

    fn pass_second(&mut self) -> Result<(), TestCaseError> {
        self.now += Duration::from_secs(1);
        let now = self.at();
        self.house.handle_timeout(now);
        let is_over = |person: &Person| person.kept.is_some_and(|kept| kept <= now);
        if self.host_due.is_some_and(|due| due <= now) {
            self.end_lobby();
        }
        while let Some(index) = self.people.iter().position(is_over) {
            self.vacate(index);
        }
        self.deliver()
    }

    fn deliver(&mut self) -> Result<(), TestCaseError> {
        let now = self.at();
        while let Some(action) = self.house.poll_action() {
            let (to, text) = match action {
                Action::Tell { to, text, .. } => (to, text),
                Action::Close { member, .. } => {
                    let served = self
                        .people
                        .iter()
                        .any(|person| person.socket == Some(member));
                    prop_assert!(!served, "closed without a cause");
                    continue;
                }
            };
            let Some(person) = self
                .people
                .iter_mut()
                .find(|person| person.socket == Some(to))
            else {
                continue;
            };
            let message =
                decode(&text, usize::MAX).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let extra = message.extra != Default::default();
            prop_assert!(
                person.is_ours || message.kind.is_godots() && !extra,
                "{}",
                text
            );
            match message.kind.number() {
                0 => {}
                1 => {
                    let id = message.id;
                    prop_assert!(person.id.is_none_or(|known| known == id), "another id");
                    person.id = Some(id);
                }
                2 if person.is_ours => _ = person.seen.insert(message.id),
                2 => prop_assert!(person.seen.insert(message.id), "announced twice"),
                3 if person.is_ours => _ = person.seen.remove(&message.id),
                3 => prop_assert!(person.seen.remove(&message.id), "left twice"),
                34 => person.token = Some((message.data, now + VALIDITY)),
                35 => _ = person.seen.insert(message.id),
                41 => prop_assert!(person.is_ours),
                _ => return Err(TestCaseError::fail(text.to_string())),
            }
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let here = |person: &&Person| person.socket.is_some();
        let seats = self.people.iter().filter(|person| self.has_seat(person));
        let (members, away) = seats.fold((0, 0), |(members, away), person| {
            match person.socket.is_some() {
                true => (members + 1, away),
                false => (members, away + 1),
            }
        });
        let counts = Counts {
            members,
            away: away + usize::from(self.host_due.is_some()),
            lobbies: usize::from(self.lobby.is_some()),
        };
        prop_assert_eq!(self.house.counts(), counts);
        let mut ids = BTreeMap::new();
        for person in self.people.iter().filter(here) {
            let id = person.id.ok_or_else(|| TestCaseError::fail("no id"))?;
            prop_assert!(ids.insert(id, person).is_none(), "two with one id");
        }
        for (id, person) in &ids {
            for other in ids.keys().filter(|other| *other != id) {
                prop_assert!(
                    person.seen.contains(other),
                    "{} does not know {}",
                    id,
                    other
                );
            }
        }
        Ok(())
    }
}

fn with_token(token: &str) -> String {
    format!(r#"{{"type":0,"id":0,"data":"x","v":1,"token":"{token}"}}"#)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, rng_seed: RngSeed::Fixed(13), ..ProptestConfig::default() })]
    #[test]
    fn everybody_comes_back_who_may_and_nobody_else(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step)?;
        }
        // And nothing is left behind.
        while !world.people.is_empty() {
            let socket = world.people[0].socket.is_some();
            match socket {
                true => world.leave(0)?,
                false if world.people[0].kept.is_some() => world.run(&Step::Wait(60))?,
                false => _ = world.people.remove(0),
            }
        }
        world.run(&Step::Wait(90))?;
        let nothing = Counts { members: 0, away: 0, lobbies: 0 };
        prop_assert_eq!(world.house.counts(), nothing);
        prop_assert_eq!(world.house.hall.poll_timeout(), None);
    }
}
