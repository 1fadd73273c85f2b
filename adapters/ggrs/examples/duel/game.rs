//! A duel on a ring, as a game that can be rolled back: all numbers are whole, and nothing depends on anything but the inputs.

use std::collections::BTreeMap;

use ggrs::{Config, Frame, GameStateCell, GgrsRequest, InputStatus, PredictRepeatLast};
use mesh_core::PeerId;
use serde::{Deserialize, Serialize};

/// How many places the ring has.
pub(crate) const PLACES: i32 = 6_000;

/// How far a shot reaches, and how many frames pass between two shots.
const REACH: i32 = 400;
const RELOAD: u32 = 20;

pub(crate) const LEFT: u8 = 1;
pub(crate) const RIGHT: u8 = 2;
pub(crate) const FIRE: u8 = 4;

/// The buttons that a player holds down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Buttons(pub(crate) u8);

/// What GGRS must know of the game.
#[derive(Debug)]
pub(crate) struct Duel;

impl Config for Duel {
    type Input = Buttons;
    type InputPredictor = PredictRepeatLast;
    type State = State;
    type Address = PeerId;
}

/// Everything that changes during the game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) ships: Vec<Ship>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ship {
    pub(crate) place: i32,
    speed: i32,
    reload: u32,
    pub(crate) hits: u32,
}

impl State {
    pub(crate) fn new(players: usize) -> Self {
        let count = i32::try_from(players).unwrap_or(i32::MAX);
        let ship = |number| Ship {
            place: PLACES / count * number,
            speed: 0,
            reload: 0,
            hits: 0,
        };
        Self {
            ships: (0..count).map(ship).collect(),
        }
    }

    fn advance(&mut self, inputs: &[(Buttons, InputStatus)]) {
        let mut shots = Vec::new();
        for (number, (ship, (buttons, _))) in self.ships.iter_mut().zip(inputs).enumerate() {
            let is_down = |button| i32::from(buttons.0 & button != 0);
            let push = is_down(RIGHT) - is_down(LEFT);
            ship.speed = (ship.speed + 3 * push).clamp(-60, 60);
            ship.place = (ship.place + ship.speed).rem_euclid(PLACES);
            ship.reload = ship.reload.saturating_sub(1);
            if buttons.0 & FIRE != 0 && ship.reload == 0 {
                ship.reload = RELOAD;
                shots.push((number, ship.place));
            }
        }
        for (shooter, from) in shots {
            let others = self.ships.iter_mut().enumerate();
            for (_, other) in others.filter(|(number, _)| *number != shooter) {
                let way = (other.place - from).rem_euclid(PLACES);
                if way.min(PLACES - way) <= REACH {
                    other.hits += 1;
                    // Thrown to the other side, so that a hit that was predicted wrongly has consequences.
                    other.place = (other.place + PLACES / 2).rem_euclid(PLACES);
                    other.speed = 0;
                }
            }
        }
    }

    /// Over all numbers.
    pub(crate) fn checksum(&self) -> u128 {
        let numbers = |ship: &Ship| {
            let place = [ship.place.cast_unsigned(), ship.speed.cast_unsigned()];
            place.into_iter().chain([ship.reload, ship.hits])
        };
        let bytes = self
            .ships
            .iter()
            .flat_map(numbers)
            .flat_map(u32::to_le_bytes);
        fnv(bytes)
    }
}

/// FNV-1a.
fn fnv(bytes: impl Iterator<Item = u8>) -> u128 {
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.into()
}

/// A game under way: its state, and what GGRS has asked of it.
#[derive(Debug)]
pub(crate) struct Game {
    pub(crate) state: State,
    /// The checksum of each frame that was saved, as it was saved last.
    pub(crate) checksums: BTreeMap<Frame, u128>,
    /// How often GGRS has rolled the game back.
    pub(crate) rollbacks: u32,
}

impl Game {
    pub(crate) fn new(players: usize) -> Self {
        Self {
            state: State::new(players),
            checksums: BTreeMap::new(),
            rollbacks: 0,
        }
    }

    /// The checksums of all frames up to this one, as one number. `None` if that one was not played.
    #[allow(dead_code, reason = "the page and its test compare it")]
    pub(crate) fn digest(&self, last: Frame) -> Option<u128> {
        self.checksums.get(&last)?;
        let checksums = self.checksums.range(..=last);
        let bytes = checksums.flat_map(|(_, checksum)| checksum.to_le_bytes());
        Some(fnv(bytes))
    }

    /// Does what GGRS asks for, in order.
    pub(crate) fn handle(&mut self, requests: Vec<GgrsRequest<Duel>>) {
        for request in requests {
            match request {
                GgrsRequest::SaveGameState { cell, frame } => self.save(&cell, frame),
                GgrsRequest::LoadGameState { cell, .. } => self.load(&cell),
                GgrsRequest::AdvanceFrame { inputs } => self.state.advance(&inputs),
            }
        }
    }

    fn save(&mut self, cell: &GameStateCell<State>, frame: Frame) {
        let checksum = self.state.checksum();
        self.checksums.insert(frame, checksum);
        cell.save(frame, Some(self.state.clone()), Some(checksum));
    }

    fn load(&mut self, cell: &GameStateCell<State>) {
        self.rollbacks += 1;
        if let Some(state) = cell.load() {
            self.state = state;
        }
    }
}
