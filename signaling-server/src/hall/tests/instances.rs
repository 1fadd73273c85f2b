//! Random histories of instances that share a lobby: halls and their leases, a broker as the scripts are, words that are late or lost,
//! instances that die. What the broker's own failures do is in the model of the leases.

mod broker;
mod people;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cluster::{Holding, Key, Leases, Round};
use crate::resume::ResumeKey;

use broker::{Answer, Broker, Word};
use people::{Person, Step, step};

/// How long a seat is kept, and for how long a token is valid.
const TERM: Duration = Duration::from_secs(10);
const KEEP: Duration = Duration::from_secs(15);
const LEASE: Duration = Duration::from_secs(3);

static ANYWHERE: Pass = Pass::anywhere();

/// An instance, under a number that no other one has.
struct Instance {
    number: u32,
    hall: Hall,
    leases: Leases,
}

struct World {
    now: Instant,
    instances: Vec<Instance>,
    people: Vec<Person>,
    broker: Broker,
    under_way: Vec<(Instant, Word)>,
    ids: Arc<AtomicU32>,
    next: u32,
}

fn demo() -> Key {
    Key::lobby("demo")
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            now: Instant::from_micros(1),
            instances: Vec::new(),
            people: (0..4).map(|_| Person::default()).collect(),
            broker: Broker::default(),
            under_way: Vec::new(),
            ids: Arc::new(AtomicU32::new(100)),
            next: 0,
        };
        for _ in 0..3 {
            let instance = world.instance();
            world.instances.push(instance);
        }
        world
    }

    fn instance(&mut self) -> Instance {
        self.next += 1;
        let ids = Arc::clone(&self.ids);
        let entropy: Entropy = Box::new(move || Some(ids.fetch_add(1, Ordering::Relaxed)));
        let vault = Vault::new(
            &ResumeKey::fixed(),
            Duration::from_secs(1_800_000_000),
            TERM,
        );
        Instance {
            number: self.next,
            hall: Hall::new(Config::default(), entropy, Some(vault)),
            leases: Leases::new(LEASE, KEEP),
        }
    }

    /// The place of an instance, if it lives.
    fn find(&self, number: u32) -> Option<usize> {
        let mut instances = self.instances.iter();
        instances.position(|instance| instance.number == number)
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Come(person, who) => self.come(person, who),
            Step::Cut(person) => self.end(person, |hall, now, member| hall.disconnect(now, member)),
            Step::Leave(person) => {
                self.end(person, |hall, _, member| hall.leave(member));
                self.people[person] = Person::default();
            }
            Step::Renew(who) => self.renew(who),
            Step::Arrive(word, arrives) => {
                if let Some(word) = word.checked_rem(self.under_way.len()) {
                    let (asked, word) = self.under_way.swap_remove(word);
                    if arrives {
                        self.arrive(asked, word);
                    }
                }
            }
            Step::Die(who) => {
                let number = self.instances[who].number;
                self.instances[who] = self.instance();
                for person in &mut self.people {
                    person.socket.take_if(|(at, _)| *at == number);
                }
            }
            Step::Pass(millis) => self.pass(Duration::from_millis(millis)),
        }
        self.settle();
        self.check();
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.broker.expire(self.now);
        for instance in &mut self.instances {
            instance.hall.handle_timeout(self.now);
        }
        self.settle();
    }

    fn end(&mut self, person: usize, end: impl FnOnce(&mut Hall, Instant, MemberId)) {
        if let Some((at, member)) = self.people[person].socket.take()
            && let Some(who) = self.find(at)
        {
            end(&mut self.instances[who].hall, self.now, member);
        }
    }

    /// As `relay::owning` does it.
    fn come(&mut self, person: usize, who: usize) {
        if self.people[person].socket.is_some() {
            return;
        }
        match self.held(who) {
            Some((fence, inherits)) => self.seat(person, who, fence, inherits),
            None => {
                let from = self.instances[who].number;
                let is_back = self.people[person].token.is_some();
                let take = Word::Take {
                    from,
                    person,
                    is_back,
                };
                self.under_way.push((self.now, take));
            }
        }
    }

    fn held(&mut self, who: usize) -> Option<(u64, Option<Instant>)> {
        let Instance { hall, leases, .. } = &mut self.instances[who];
        match leases.want(self.now, &demo()) {
            Holding::Valid { fence, inherits } => Some((fence, inherits)),
            Holding::Lapsed { fence, inherits } if hall.is_alive(&demo()) => {
                Some((fence, inherits))
            }
            Holding::Lapsed { .. } | Holding::No => None,
        }
    }

    fn seat(&mut self, index: usize, who: usize, fence: u64, inherits: Option<Instant>) {
        let (now, person) = (self.now, &mut self.people[index]);
        let Instance {
            number,
            hall,
            leases,
        } = &mut self.instances[who];
        let stands = hall.is_alive(&demo());
        if person.socket.is_some() || !leases.may_seat(now, &demo(), fence, stands) {
            return;
        }
        let is_valid = leases.may_seat(now, &demo(), fence, false);
        assert!(
            !is_valid || self.broker.owner() == Some(*number),
            "a lease is good here that the broker has given to another one"
        );
        self.next += 1;
        let member = MemberId(self.next.into());
        person.attempts += 1;
        let extension = Extension {
            version: Extension::VERSION,
            token: person.token.clone(),
            attempt: person.token.as_ref().map(|_| person.attempts),
            ..Extension::default()
        };
        let grant = Grant {
            key: demo(),
            fence,
            inherits,
            fresh: None,
        };
        let mut wish = Wish::new(
            "demo",
            Topology::Mesh,
            None,
            Some(&extension),
            Ok(&ANYWHERE),
        );
        wish.grant = Some(&grant);
        match hall.join(now, member, wish) {
            Ok(standing) => {
                let made = !stands && !standing.is_back;
                assert!(!(made && inherits.is_some()), "a stranger got its name");
                leases.seated(&demo(), true);
                person.socket = Some((*number, member));
            }
            Err(Goodbye::NoSeat | Goodbye::Replaced) => *person = Person::default(),
            Err(_) => {}
        }
    }

    fn renew(&mut self, who: usize) {
        let now = self.now;
        let Instance {
            number,
            hall,
            leases,
        } = &mut self.instances[who];
        leases.sweep(now, |key| hall.is_alive(key));
        let renewals = leases.renewals(now, Round::All, |key| hall.has_tokens(key));
        let keeps = renewals.into_iter().map(|renewal| Word::Keep {
            from: *number,
            renewal,
        });
        let gives = leases.gives(now).into_iter().map(|renewal| Word::Give {
            from: *number,
            renewal,
        });
        self.under_way
            .extend(keeps.chain(gives).map(|word| (now, word)));
    }

    fn arrive(&mut self, asked: Instant, word: Word) {
        match word {
            Word::Take { .. } | Word::Keep { .. } | Word::Give { .. } => {
                let answer = self.broker.hear(self.now, word);
                self.under_way.extend(answer.map(|word| (asked, word)));
            }
            Word::Taken { to, person, answer } => {
                let Some(who) = self.find(to) else { return };
                match answer {
                    Answer::Here { fence, inherits } => {
                        let leases = &mut self.instances[who].leases;
                        leases.granted(asked, demo(), fence, inherits, true);
                        let inherits = inherits.then(|| asked + KEEP);
                        self.seat(person, who, fence, inherits);
                    }
                    // The owner takes it under the number that was found.
                    Answer::There { owner, fence } => {
                        if let Some(owner) = self.find(owner)
                            && let Some((held, inherits)) = self.held(owner)
                            && held == fence
                        {
                            self.seat(person, owner, fence, inherits);
                        }
                    }
                    // One that came later is connected already.
                    Answer::Nobody if self.people[person].socket.is_some() => {}
                    Answer::Nobody => self.people[person] = Person::default(),
                    Answer::Orphan => {}
                }
            }
            Word::Gave { to, renewal } => {
                if let Some(who) = self.find(to) {
                    self.instances[who].leases.gave(&[renewal]);
                }
            }
            Word::Kept { to, renewal, fence } => {
                let Some(who) = self.find(to) else { return };
                let Instance { hall, leases, .. } = &mut self.instances[who];
                match fence {
                    0 if leases.lost(&renewal.key, renewal.fence) => hall.lose(&renewal.key),
                    0 => {}
                    fence => leases.renewed(asked, &renewal, fence, true),
                }
            }
        }
    }

    /// Everybody hears what the halls have to say.
    fn settle(&mut self) {
        for instance in &mut self.instances {
            while let Some(action) = instance.hall.poll_action() {
                let (Action::Tell { to: member, .. } | Action::Close { member, .. }) = &action;
                let socket = Some((instance.number, *member));
                let mut people = self.people.iter_mut();
                let Some(person) = people.find(|person| person.socket == socket) else {
                    continue;
                };
                match action {
                    Action::Tell { text, .. } => person.hear(&text),
                    // It comes back with its token.
                    Action::Close {
                        goodbye: Goodbye::Moved,
                        ..
                    } => person.socket = None,
                    Action::Close { .. } => *person = Person::default(),
                }
            }
        }
    }

    fn check(&self) {
        let valid = self.instances.iter().filter(|instance| {
            let fence = instance.leases.fence(&demo());
            fence.is_some_and(|fence| instance.leases.may_seat(self.now, &demo(), fence, false))
        });
        assert!(valid.count() <= 1, "two owners");
    }

    /// Those whose hall has the lobby.
    fn halls(&self) -> BTreeSet<u32> {
        let alive = self.instances.iter();
        let alive = alive.filter(|instance| instance.hall.is_alive(&demo()));
        alive.map(|instance| instance.number).collect()
    }

    /// Time passes, everybody renews in time, and every word arrives in its order.
    fn heal(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.pass(LEASE / 4);
            for who in 0..self.instances.len() {
                self.renew(who);
            }
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        while !self.under_way.is_empty() {
            let (asked, word) = self.under_way.remove(0);
            self.arrive(asked, word);
            self.settle();
            self.check();
        }
    }

    /// Somebody new, who asks at an instance, makes the lobby.
    fn is_free(&mut self, who: usize) {
        self.people[0] = Person::default();
        self.come(0, who);
        self.settle();
        self.deliver();
        assert_eq!(self.people[0].id, Some(1), "its name is free");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_lobby_is_in_one_hall_and_is_free_again(steps in prop::collection::vec(step(), 1..150)) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
        }
        world.deliver();
        world.heal(LEASE * 2);
        let halls = world.halls();
        prop_assert!(halls.len() <= 1, "two halls have it: {halls:?}");
        for person in &world.people {
            prop_assert!(person.socket.is_none_or(|(at, _)| halls.contains(&at)), "{person:?}");
        }
        // Everybody has left, and those who could have come back have not.
        for person in 0..4 {
            world.run(&Step::Leave(person));
        }
        world.heal(KEEP * 2);
        world.is_free(1);
        // Its owner dies, and all others.
        for who in 0..3 {
            world.run(&Step::Die(who));
        }
        world.pass(LEASE + KEEP);
        world.is_free(2);
    }
}

/// The address of a member that comes back has too many lobbies, so nobody has come back yet. Others still may.
#[test]
fn a_lease_that_waits_for_members_of_an_earlier_owner_gives_nobody_else_the_name() {
    let mut world = World::new();
    world.run(&Step::Come(0, 0));
    world.deliver();
    assert_eq!(world.people[0].id, Some(1));
    world.run(&Step::Die(0));
    world.pass(LEASE);
    world.instances[1].hall.config.max_lobbies = 0;
    world.run(&Step::Come(0, 1));
    world.deliver();
    assert_eq!(world.people[0].socket, None);
    world.instances[1].hall.config.max_lobbies = 1;
    world.run(&Step::Come(1, 1));
    world.deliver();
    assert_eq!(world.people[1].id, None, "a stranger");
    world.run(&Step::Come(0, 1));
    assert!(world.people[0].socket.is_some());
    world.run(&Step::Come(1, 1));
    assert!(world.people[1].id.is_some());
}
