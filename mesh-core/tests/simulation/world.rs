//! Sixteen games, their network, and what befalls them.

use std::fmt::Write;
use std::time::Duration;

use mesh_core::TransferMode;
use mesh_core::mock::{BackendId, Conditions, Network, Usage};

use crate::game::Game;

const GAMES: usize = 16;
const FRAME: Duration = Duration::from_millis(50);

/// The simulation.
pub(crate) struct World {
    network: Network,
    dice: Dice,
    games: Vec<Game>,
    trace: String,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let network = Network::new(seed);
        let mut dice = Dice(seed ^ 0x5eed_5eed_5eed_5eed);
        network.set_conditions(Conditions {
            latency: Duration::from_millis(1 + dice.below(120)),
            jitter: Duration::from_millis(dice.below(60)),
            loss: dice.fraction() * 0.2,
            reorder: dice.fraction() * 0.1,
            ..Conditions::default()
        });
        Self {
            network,
            dice,
            games: Vec::new(),
            trace: String::new(),
        }
    }

    /// They come, some at once, some while others talk already.
    pub(crate) fn gather(&mut self) {
        while self.games.len() < GAMES {
            for _ in 0..=self.dice.below(5) {
                if self.games.len() < GAMES {
                    self.games.push(Game::new(&self.network, "lobby"));
                }
            }
            for _ in 0..self.dice.below(10) {
                self.frame();
            }
        }
    }

    /// Partitions, leaves and a death, while they talk.
    pub(crate) fn suffer(&mut self) {
        let mut healed_in = 0;
        for _ in 0..100 {
            healed_in = match healed_in {
                0 if self.dice.below(20) == 0 => {
                    self.divide();
                    1 + self.dice.below(160)
                }
                0 => 0,
                1 => {
                    self.network.heal();
                    0
                }
                more => more - 1,
            };
            if self.dice.below(50) == 0 && self.games.len() > GAMES - 3 {
                self.lose_one();
            }
            self.frame();
        }
    }

    /// The network is whole again: everybody finds everybody.
    pub(crate) fn recover(&mut self) {
        self.network.heal();
        // The longest way back: a link that has just been cut takes 5 s to fail, a handshake 15 s, and a retry 32 s.
        for _ in 0..2400 {
            if self.is_complete() {
                return;
            }
            self.frame();
        }
        let missing: Vec<_> = self
            .games
            .iter()
            .map(|game| (game.id, game.present.keys()))
            .collect();
        panic!("not everybody is connected: {missing:?}");
    }

    /// All leave, and nothing is left of them.
    pub(crate) fn part(&mut self) {
        for game in &mut self.games {
            game.session.leave();
        }
        for _ in 0..40 {
            self.network.advance(FRAME);
            for game in &mut self.games {
                assert_eq!(game.session.poll(), None, "a game that left hears nothing");
            }
        }
        self.games.clear();
        self.network.run_until_idle();
        assert_eq!(self.network.usage(), Usage::default());
    }

    pub(crate) fn into_trace(self) -> String {
        self.trace
    }

    fn frame(&mut self) {
        self.network.advance(FRAME);
        writeln!(self.trace, "{:?}", self.network.now()).unwrap();
        for game in &mut self.games {
            game.frame(&mut self.trace);
            let mode = TransferMode::ALL[self.dice.index(8).min(2)];
            if self.dice.below(4) == 0 {
                game.speak(mode);
            }
        }
    }

    fn divide(&mut self) {
        let (left, right): (Vec<BackendId>, Vec<BackendId>) = self
            .games
            .iter()
            .map(|game| game.backend)
            .partition(|_| self.dice.below(2) == 0);
        self.network.partition(&left, &right);
    }

    fn lose_one(&mut self) {
        // Not the host: its leaving ends the signaling, and with it all new beginnings.
        let index = 1 + self.dice.index(self.games.len() - 1);
        let mut game = self.games.remove(index);
        if self.dice.below(2) == 0 {
            game.session.leave();
        } else {
            self.network.kill(game.backend);
        }
    }

    fn is_complete(&self) -> bool {
        self.games.iter().all(|game| {
            let others = self.games.iter().filter_map(|other| other.id);
            game.id.is_some()
                && game.present.len() == self.games.len() - 1
                && others
                    .filter(|id| Some(*id) != game.id)
                    .all(|id| game.present.contains_key(&id))
        })
    }
}

/// The simulation's own randomness, so that what happens does not depend on how the network draws (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap()
    }

    fn fraction(&mut self) -> f64 {
        // 53 bits fit a float exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
