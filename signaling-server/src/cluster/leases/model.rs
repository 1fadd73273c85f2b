//! Random histories of instances that ask a broker for leases: their words are late, overtake each other and get lost, and instances
//! die. The broker is as the scripts are, and may forget everything, or come back with what its disk has.

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
    /// The broker is started again, and has kept nothing.
    Forget,
    /// The broker writes to its disk what it knows.
    Save,
    /// The broker is started again, and knows what its disk has.
    Restore,
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
        1 => Just(Step::Forget),
        1 => Just(Step::Save),
        1 => Just(Step::Restore),
        3 => (1..600_u64).prop_map(Step::Pass),
    ]
}

/// What the broker knows, and loses if it does not write it to a disk.
#[derive(Clone, Debug)]
struct Memory {
    records: BTreeMap<usize, Record>,
    /// In which run it was written from when on the broker knows all leases, and that time.
    opens: Option<(u64, u64)>,
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
    Gave(Renewal),
    Taken(usize, u64),
    /// Under which number, and whether the lease is longer now.
    Kept(Renewal, u64, bool),
}

struct World {
    now: u64,
    /// The broker's clock, which no two scripts find the same.
    micros: u64,
    instances: Vec<(u32, Leases)>,
    next: u32,
    broker: Memory,
    disk: Memory,
    /// How often the broker was started.
    run: u64,
    /// Who said it, or is to hear it, and when it was asked.
    under_way: Vec<(u32, u64, Word)>,
    /// The highest number that was given for each key.
    highest: BTreeMap<usize, u64>,
}

fn at(millis: u64) -> Instant {
    Instant::from_micros(0) + Duration::from_millis(millis)
}

fn new_leases() -> Leases {
    Leases::new(TERM, Duration::from_millis(KEEP))
}

fn index(key: &Key) -> usize {
    let found = KEYS.iter().position(|name| Key::lobby(name) == *key);
    found.expect("a key of ours")
}

impl World {
    fn new() -> Self {
        // It has been there for a while.
        let broker = Memory {
            records: BTreeMap::new(),
            opens: Some((0, 0)),
        };
        Self {
            now: 1,
            micros: 0,
            instances: (0..3).map(|id| (id, new_leases())).collect(),
            next: 3,
            disk: broker.clone(),
            broker,
            run: 0,
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
                for renewal in leases.renewals(at(self.now), Round::All, |_| true) {
                    self.say(id, Word::Keep(renewal));
                }
            }
            Step::Sweep(who) => {
                let (id, leases) = &mut self.instances[who];
                let id = *id;
                leases.sweep(at(self.now), |_| false);
                // Until it knows that the broker has heard it, it says it again.
                for idle in leases.gives(at(self.now)) {
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
                self.instances[who] = (self.next, new_leases());
                self.next += 1;
            }
            Step::Forget => {
                self.run += 1;
                self.broker.records.clear();
                self.broker.opens = None;
            }
            Step::Save => self.disk = self.broker.clone(),
            Step::Restore => {
                self.run += 1;
                self.broker = self.disk.clone();
                self.expire();
            }
            Step::Pass(millis) => {
                self.now += millis;
                self.expire();
            }
        }
    }

    fn expire(&mut self) {
        let now = self.now;
        self.broker.records.retain(|_, record| record.expires > now);
    }

    /// Whether the broker knows all leases.
    fn is_open(&mut self) -> bool {
        let opens = match self.broker.opens {
            Some((run, opens)) if run == self.run => opens,
            _ => self.now + TERM.as_millis() as u64,
        };
        self.broker.opens = Some((self.run, opens));
        self.now >= opens
    }

    fn arrive(&mut self, who: u32, asked: u64, word: Word) {
        let now = self.now;
        self.micros = (now * 1000).max(self.micros + 1);
        let term = TERM.as_millis() as u64;
        match word {
            Word::Take(key, back) => {
                if !self.is_open() {
                    return;
                }
                let record = self.broker.records.get(&key);
                let fence = record.map_or(0, |record| record.fence);
                let may = match record {
                    None => !back,
                    Some(record) => record.owner == who || record.until <= now && back,
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
                self.broker.records.insert(key, record);
                self.under_way.push((who, asked, Word::Taken(key, fence)));
            }
            Word::Keep(renewal) => {
                let key = index(&renewal.key);
                let is_open = self.is_open();
                let fence = match self.broker.records.get(&key) {
                    Some(record) if record.owner != who => {
                        let is_given = is_open && record.until > now;
                        let is_later = record.fence > renewal.fence;
                        if is_given || is_later {
                            0
                        } else {
                            renewal.fence
                        }
                    }
                    Some(record) => record.fence.max(renewal.fence),
                    None => renewal.fence,
                };
                if fence > 0 {
                    let record = Record {
                        owner: who,
                        fence,
                        until: now + term,
                        expires: now + term + KEEP,
                    };
                    self.broker.records.insert(key, record);
                }
                let kept = Word::Kept(renewal, fence, is_open);
                self.under_way.push((who, asked, kept));
            }
            Word::Give(renewal) => {
                let key = index(&renewal.key);
                let is_its = |record: &Record| record.fence == renewal.fence;
                if self.broker.records.get(&key).is_some_and(is_its) {
                    self.broker.records.remove(&key);
                }
                self.under_way.push((who, asked, Word::Gave(renewal)));
            }
            Word::Gave(renewal) => {
                if let Some(leases) = self.leases(who) {
                    leases.gave(&[renewal]);
                }
            }
            Word::Taken(key, fence) => {
                if let Some(leases) = self.leases(who) {
                    leases.granted(at(asked), Key::lobby(KEYS[key]), fence, false, true);
                }
            }
            Word::Kept(renewal, fence, is_longer) => {
                let Some(leases) = self.leases(who) else {
                    return;
                };
                match fence {
                    0 => drop(leases.lost(&renewal.key, renewal.fence)),
                    fence => leases.renewed(at(asked), &renewal, fence, is_longer),
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

    /// The network is well again, and everybody renews until a broker that has forgotten everything gives again, and twice more.
    fn heal(&mut self) {
        for _ in 0..5 {
            self.run(Step::Pass(TERM.as_millis() as u64 / 3 + 1));
            for who in 0..self.instances.len() {
                self.run(Step::Renew(who));
            }
            self.deliver();
        }
    }

    /// Everything arrives, in its order.
    fn deliver(&mut self) {
        while !self.under_way.is_empty() {
            let (who, asked, word) = self.under_way.remove(0);
            self.arrive(who, asked, word);
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
fn an_owner_that_lives_keeps_its_lobby_when_the_broker_forgets_everything() {
    let mut world = World::new();
    world.run(Step::Ask(0, 0, false));
    world.deliver();
    world.run(Step::Pass(300));
    world.run(Step::Forget);
    // Somebody else asks first.
    world.run(Step::Ask(1, 0, false));
    world.deliver();
    assert_eq!(world.holders(0).len(), 1);
    world.run(Step::Renew(0));
    world.run(Step::Ask(1, 0, false));
    world.deliver();
    world.heal();
    let holders = world.holders(0);
    assert!(matches!(&holders[..], [(_, true)]), "{holders:?}");
    let (_, leases) = &world.instances[0];
    assert!(leases.held.contains_key(&Key::lobby(KEYS[0])));
}

#[test]
fn an_owner_that_lives_keeps_its_lobby_when_the_broker_comes_back_with_old_data() {
    let mut world = World::new();
    world.run(Step::Save);
    world.run(Step::Ask(0, 0, false));
    world.deliver();
    world.run(Step::Pass(300));
    world.run(Step::Restore);
    // Somebody else asks first.
    world.run(Step::Ask(1, 0, false));
    world.deliver();
    assert_eq!(world.holders(0).len(), 1);
    world.heal();
    let (_, leases) = &world.instances[0];
    assert!(leases.held.contains_key(&Key::lobby(KEYS[0])));
}
