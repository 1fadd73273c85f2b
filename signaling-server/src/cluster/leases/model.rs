//! Random histories of instances that ask a broker for leases: their words are late, overtake each other and get lost, and instances
//! die. The broker is as the scripts are.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_core::Instant;
use proptest::prelude::*;

use super::*;

const TERM: Duration = Duration::from_millis(1000);
const KEEP: u64 = 3000;
const KEYS: [&str; 2] = ["a", "b"];

#[derive(Clone, Debug)]
enum Step {
    /// An instance asks for a key; whether it has a token.
    Ask(usize, usize, bool),
    /// An instance renews what it has.
    Renew(usize),
    /// An instance gives up what nobody has asked for.
    Sweep(usize),
    /// A word under way arrives, or is lost.
    Arrive(usize, bool),
    /// An instance dies, and another one is started.
    Die(usize),
    /// Milliseconds pass.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..3_usize;
    prop_oneof![
        3 => (who.clone(), 0..KEYS.len(), any::<bool>()).prop_map(|(who, key, back)| Step::Ask(who, key, back)),
        3 => who.clone().prop_map(Step::Renew),
        1 => who.clone().prop_map(Step::Sweep),
        8 => (any::<usize>(), prop::bool::weighted(0.9)).prop_map(|(word, arrives)| Step::Arrive(word, arrives)),
        1 => who.prop_map(Step::Die),
        3 => (1..600_u64).prop_map(Step::Pass),
    ]
}

#[derive(Clone, Debug)]
struct Record {
    owner: u32,
    fence: u64,
    until: u64,
    expires: u64,
}

#[derive(Clone, Debug)]
enum Word {
    Take(usize, bool),
    Keep(Renewal),
    Give(Renewal),
    Taken(usize, u64),
    Kept(Renewal, u64),
}

struct World {
    now: u64,
    /// The broker's clock, which no two scripts find the same.
    micros: u64,
    instances: Vec<(u32, Leases)>,
    next: u32,
    broker: BTreeMap<usize, Record>,
    /// Who said it, or is to hear it, and when it was asked.
    under_way: Vec<(u32, u64, Word)>,
    /// The highest number that was given for each key.
    highest: BTreeMap<usize, u64>,
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(0) + Duration::from_millis(millis)
}

fn index(key: &Key) -> usize {
    let found = KEYS.iter().position(|name| Key::lobby(name) == *key);
    found.expect("a key of ours")
}

impl World {
    fn new() -> Self {
        Self {
            now: 1,
            micros: 0,
            instances: (0..3).map(|id| (id, Leases::new(TERM))).collect(),
            next: 3,
            broker: BTreeMap::new(),
            under_way: Vec::new(),
            highest: BTreeMap::new(),
        }
    }

    fn say(&mut self, who: u32, word: Word) {
        self.under_way.push((who, self.now, word));
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Ask(who, key, back) => {
                let (id, leases) = &mut self.instances[who];
                let id = *id;
                if let Holding::No | Holding::Lapsed { .. } =
                    leases.want(at(self.now), &Key::lobby(KEYS[key]))
                {
                    self.say(id, Word::Take(key, back));
                }
            }
            Step::Renew(who) => {
                let (id, leases) = &mut self.instances[who];
                let id = *id;
                for renewal in leases.renewals(|_| true) {
                    self.say(id, Word::Keep(renewal));
                }
            }
            Step::Sweep(who) => {
                let (id, leases) = &mut self.instances[who];
                let id = *id;
                for idle in leases.sweep(|_| false) {
                    self.say(id, Word::Give(idle));
                }
            }
            Step::Arrive(word, arrives) => {
                if self.under_way.is_empty() {
                    return;
                }
                let word = word % self.under_way.len();
                let (who, asked, word) = self.under_way.swap_remove(word);
                if arrives {
                    self.arrive(who, asked, word);
                }
            }
            Step::Die(who) => {
                self.instances[who] = (self.next, Leases::new(TERM));
                self.next += 1;
            }
            Step::Pass(millis) => {
                self.now += millis;
                self.broker.retain(|_, record| record.expires > self.now);
            }
        }
    }

    fn arrive(&mut self, who: u32, asked: u64, word: Word) {
        let now = self.now;
        self.micros = (now * 1000).max(self.micros + 1);
        let term = TERM.as_millis() as u64;
        match word {
            Word::Take(key, back) => {
                let fence = self.broker.get(&key).map_or(0, |record| record.fence);
                let may = match self.broker.get(&key) {
                    None => !back,
                    Some(record) if record.until > now => record.owner == who,
                    Some(_) => back,
                };
                if !may {
                    return;
                }
                let fence = self.micros.max(fence + 1);
                let highest = self.highest.entry(key).or_default();
                assert!(fence > *highest, "a number was given twice");
                *highest = fence;
                let record = Record {
                    owner: who,
                    fence,
                    until: now + term,
                    expires: now + term + KEEP,
                };
                self.broker.insert(key, record);
                self.under_way.push((who, asked, Word::Taken(key, fence)));
            }
            Word::Keep(renewal) => {
                let key = index(&renewal.key);
                let stored = self.broker.get(&key);
                let later = stored.filter(|record| record.fence > renewal.fence);
                let fence = match later {
                    Some(record) if record.owner != who => 0,
                    Some(record) => record.fence,
                    None => renewal.fence,
                };
                if fence > 0 {
                    let record = Record {
                        owner: who,
                        fence,
                        until: now + term,
                        expires: now + term + KEEP,
                    };
                    self.broker.insert(key, record);
                }
                self.under_way
                    .push((who, asked, Word::Kept(renewal, fence)));
            }
            Word::Give(renewal) => {
                let key = index(&renewal.key);
                let is_its = |record: &Record| record.fence == renewal.fence;
                if self.broker.get(&key).is_some_and(is_its) {
                    self.broker.remove(&key);
                }
            }
            Word::Taken(key, fence) => {
                if let Some(leases) = self.leases(who) {
                    leases.granted(at(asked), Key::lobby(KEYS[key]), fence, false, true);
                }
            }
            Word::Kept(renewal, fence) => {
                let Some(leases) = self.leases(who) else {
                    return;
                };
                match fence {
                    0 => drop(leases.lost(&renewal.key, renewal.fence)),
                    fence => leases.renewed(at(asked), &renewal, fence),
                }
            }
        }
    }

    fn leases(&mut self, who: u32) -> Option<&mut Leases> {
        let mut instances = self.instances.iter_mut();
        let found = instances.find(|(id, _)| *id == who);
        found.map(|(_, leases)| leases)
    }

    /// Those that hold a key, and whether its lease is good.
    fn holders(&self, key: usize) -> Vec<(u64, bool)> {
        let held = self.instances.iter().filter_map(|(_, leases)| {
            let lease = leases.held.get(&Key::lobby(KEYS[key]))?;
            Some((lease.fence, lease.until > at(self.now)))
        });
        held.collect()
    }

    fn check(&self) {
        for key in 0..KEYS.len() {
            let holders = self.holders(key);
            let valid = holders.iter().filter(|(_, is_valid)| *is_valid).count();
            assert!(valid <= 1, "{key} has {valid} owners: {holders:?}");
            let mut fences = Vec::from_iter(holders.iter().map(|(fence, _)| fence));
            fences.dedup();
            assert_eq!(fences.len(), holders.len(), "two owners with one number");
        }
    }

    /// The network is well again, and everybody renews twice.
    fn heal(&mut self) {
        for _ in 0..2 {
            for who in 0..self.instances.len() {
                self.run(Step::Renew(who));
            }
            while let Some((who, asked, word)) =
                (!self.under_way.is_empty()).then(|| self.under_way.remove(0))
            {
                self.arrive(who, asked, word);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_lobby_has_one_owner(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
            world.check();
        }
        world.under_way.clear();
        world.heal();
        world.check();
        for key in 0..KEYS.len() {
            let holders = world.holders(key);
            prop_assert!(holders.len() <= 1, "who has lost it still thinks that it has it: {holders:?}");
        }
    }
}

#[test]
fn what_is_asked_for_is_not_given_up_before_the_second_sweep() {
    let mut leases = Leases::new(TERM);
    let key = Key::lobby("a");
    leases.granted(at(0), key.clone(), 7, true, true);
    assert_eq!(leases.sweep(|_| false), []);
    let expected = Holding::Valid {
        fence: 7,
        inherits: true,
    };
    assert_eq!(leases.want(at(999), &key), expected);
    assert_eq!(leases.sweep(|_| false), []);
    assert_eq!(leases.sweep(|_| true), []);
    let idle = leases.sweep(|_| false);
    // Nobody has come back under it, so somebody may elsewhere.
    assert!(matches!(
        &idle[..],
        [Renewal {
            fence: 7,
            keeps_seats: true,
            ..
        }]
    ));
    assert_eq!(leases.want(at(999), &key), Holding::No);
}

#[test]
fn a_lease_lasts_from_when_it_was_asked_for() {
    let mut leases = Leases::new(TERM);
    let key = Key::lobby("a");
    leases.granted(at(100), key.clone(), 7, false, false);
    assert!(matches!(leases.want(at(1099), &key), Holding::Valid { .. }));
    assert!(matches!(
        leases.want(at(1100), &key),
        Holding::Lapsed { .. }
    ));
    let [renewal] = &leases.renewals(|_| false)[..] else {
        panic!("one lease");
    };
    leases.renewed(at(900), renewal, 9);
    assert!(matches!(
        leases.want(at(1899), &key),
        Holding::Valid { fence: 9, .. }
    ));
    // The broker is told once that somebody may come back.
    assert!(!leases.seated(&key, false));
    assert!(leases.seated(&key, true));
    assert!(!leases.seated(&key, true));
    assert!(!leases.lost(&key, 7), "that was an earlier number");
    assert!(leases.lost(&key, 9));
    assert_eq!(leases.want(at(1000), &key), Holding::No);
}
