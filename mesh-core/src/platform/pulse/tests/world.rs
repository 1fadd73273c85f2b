//! Two sides and a path between them, on a clock of the test's own.

use alloc::collections::BTreeMap;

use crate::platform::pulse::*;
use crate::rng::Rng;

pub(super) const MILLI: Duration = Duration::from_millis(1);
pub(super) const STEP: Duration = Duration::from_millis(10);

/// How a side's thread and timers are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Thread {
    Runs,
    /// Timers ring at full seconds only.
    Hidden,
    /// Nothing runs, but SCTP acknowledges.
    Blocked,
    /// The process or its network is gone.
    Gone,
}

pub(super) struct Side {
    pub(super) pulse: Pulse,
    pub(super) thread: Thread,
    /// What has come and was not taken yet.
    pub(super) waiting: Vec<Vec<u8>>,
    pub(super) signs: Signs,
    pub(super) last: Life,
    pub(super) changes: Vec<(Instant, Life)>,
    pub(super) pings: u32,
}

/// What a datagram carries.
pub(super) enum Cargo {
    Pulse(Vec<u8>),
    Game,
    Acknowledgement,
    /// A check of ICE, and its answer.
    Check,
    Answer,
}

/// For which side, and what.
type Datagram = (usize, Cargo);

/// Datagrams, by when they arrive.
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) sides: [Side; 2],
    pub(super) on_the_way: BTreeMap<(Instant, u32), Datagram>,
    pub(super) number: u32,
    pub(super) rng: Rng,
    pub(super) loss: f64,
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    /// From which side nothing gets through.
    pub(super) cut: [bool; 2],
    /// From which side nothing of SCTP gets through.
    pub(super) is_stopped: [bool; 2],
    /// How far apart the checks of ICE are, of both sides together, if they are seen.
    pub(super) checks: Option<Duration>,
    /// How far apart the messages of the games are, if they say anything.
    pub(super) tick: [Option<Duration>; 2],
}

impl World {
    /// What a side has thought of the other since then.
    pub(super) fn lives_since(&self, side: usize, then: Instant) -> Vec<Life> {
        let changes = self.sides[side].changes.iter();
        let changes = changes.filter(|(at, _)| *at >= then);
        changes.map(|(_, life)| *life).collect()
    }

    pub(super) fn new() -> Self {
        let now = Instant::from_micros(77_000_000);
        let side = || {
            let mut pulse = Pulse::default();
            pulse.described(now, &control::announce("v=0\r\nm=application\r\n"));
            pulse.opened(now);
            Side {
                pulse,
                thread: Thread::Runs,
                waiting: Vec::new(),
                signs: Signs {
                    messages: 0,
                    path: Some(0),
                    checks: None,
                },
                last: Life::Answers,
                changes: Vec::new(),
                pings: 0,
            }
        };
        Self {
            now,
            sides: [side(), side()],
            on_the_way: BTreeMap::new(),
            number: 0,
            rng: Rng::new(1),
            loss: 0.0,
            latency: MILLI * 20,
            jitter: Duration::ZERO,
            cut: [false; 2],
            is_stopped: [false; 2],
            checks: None,
            tick: [None; 2],
        }
    }

    /// Both sides announce that the checks of ICE speak for them, see the answers, and take turns with them.
    pub(super) fn with_checks() -> Self {
        let mut world = Self::new();
        let sdp = control::announce("v=0\r\nm=application\r\n");
        for side in &mut world.sides {
            side.pulse.described(world.now, &announce(&sdp));
        }
        world.checks = Some(MILLI * 500);
        world
    }

    fn post(&mut self, from: usize, cargo: Cargo) {
        let is_of_ice = matches!(cargo, Cargo::Check | Cargo::Answer);
        let is_cut = self.cut[from] || !is_of_ice && self.is_stopped[from];
        if is_cut || self.rng.happens(self.loss) {
            return;
        }
        let most = u64::try_from(self.jitter.as_micros()).unwrap();
        let late = Duration::from_micros(self.rng.below(most + 1));
        self.number += 1;
        let key = (self.now + self.latency + late, self.number);
        self.on_the_way.insert(key, (1 - from, cargo));
    }

    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += STEP;
            while let Some(first) = self.on_the_way.first_entry()
                && first.key().0 <= self.now
            {
                let (to, cargo) = first.remove();
                let side = &mut self.sides[to];
                if side.thread == Thread::Gone {
                    continue;
                }
                side.signs.path = side.signs.path.map(|path| path + 50);
                if self.checks.is_some() {
                    let before = side.signs.checks.map(|checks| checks.answered);
                    let answered = if matches!(cargo, Cargo::Answer) {
                        self.now
                    } else {
                        before.unwrap_or(Instant::from_micros(0))
                    };
                    let heard = self.now;
                    side.signs.checks = Some(Checks { heard, answered });
                }
                match cargo {
                    Cargo::Check => {
                        self.post(to, Cargo::Answer);
                        continue;
                    }
                    Cargo::Answer => continue,
                    Cargo::Pulse(message) => side.waiting.push(message),
                    Cargo::Game => side.signs.messages += 1,
                    Cargo::Acknowledgement => continue,
                }
                self.post(to, Cargo::Acknowledgement);
            }
            self.check();
            for at in 0..2 {
                let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap();
                let is_tick = |tick| self.now.as_micros().is_multiple_of(micros(tick));
                if self.sides[at].thread == Thread::Runs && self.tick[at].is_some_and(is_tick) {
                    self.post(at, Cargo::Game);
                }
                self.turn(at);
            }
        }
    }

    /// A check of ICE, if it is time for one. That of a side whose thread is busy goes out all the same.
    fn check(&mut self) {
        let Some(pace) = self.checks else {
            return;
        };
        let [now, pace] = [self.now.as_micros(), pace.as_micros() as u64];
        let from = (now / pace % 2) as usize;
        if now % pace < STEP.as_micros() as u64 && self.sides[from].thread != Thread::Gone {
            self.post(from, Cargo::Check);
        }
    }

    fn turn(&mut self, at: usize) {
        let now = self.now;
        let side = &mut self.sides[at];
        let rings = match side.thread {
            Thread::Runs => true,
            Thread::Hidden => now.as_micros().is_multiple_of(1_000_000),
            Thread::Blocked | Thread::Gone => return,
        };
        let mut sent = Vec::new();
        // A timer that is due goes before what has come meanwhile.
        if rings && side.pulse.poll_timeout().is_some_and(|due| due <= now) {
            let ping = side.pulse.poll(now, side.signs);
            side.pings += u32::from(ping.is_some());
            sent.extend(ping);
            side.note(now);
        }
        for message in core::mem::take(&mut side.waiting) {
            sent.extend(side.pulse.take(now, &message).unwrap());
            side.note(now);
        }
        for message in sent {
            self.post(at, Cargo::Pulse(message));
        }
    }

    /// What the platforms say to each other to try the path: it comes through whatever is cut.
    pub(super) fn checks_of_the_path(&mut self) {
        for side in &mut self.sides {
            side.signs.path = side.signs.path.map(|path| path + 50);
        }
    }

    /// What the first side has seen of the second, and when: in milliseconds since then.
    pub(super) fn seen(&mut self, since: Instant) -> Vec<(u64, Life)> {
        let changes = self.sides[0].changes.drain(..);
        let since = |(at, life): (Instant, Life)| ((at - since).as_micros() as u64 / 1000, life);
        changes.map(since).collect()
    }
}

impl Side {
    fn note(&mut self, now: Instant) {
        let life = self.pulse.life();
        if core::mem::replace(&mut self.last, life) != life {
            self.changes.push((now, life));
        }
    }
}
