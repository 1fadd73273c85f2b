//! The rules of tag, without I/O and without a clock: time is an argument.
//!
//! There is no server that knows the truth. Each player is the judge of its own place and its own score. Who is "it" and which
//! round it is are registers: everybody takes the newest value that it has heard of, so that all come to the same one, whoever
//! leaves and in whichever order the messages arrive.

mod body;
pub(crate) mod bot;
mod player;
mod point;
mod registers;
mod track;
mod world;

pub(crate) use body::{Body, RADIUS, SIZE};
pub(crate) use player::{Player, Presence};
pub(crate) use point::Point;
pub(crate) use registers::{ROUND, Round, Tag};
pub(crate) use world::{Happening, World};

/// A player: the id of a peer, or a number above all of them for a bot of this machine.
pub(crate) type Id = u32;

/// The first of the bots that play along while nobody else is there. Ids of peers end one below.
pub(crate) const FIRST_BOT: Id = 1 << 31;

/// A lobby code that can be told over the phone.
pub(crate) fn code(number: u32) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "de", "fi", "go", "ha", "ki", "lo", "mu", "na", "po", "ra", "su", "te", "vi", "wo",
        "zu",
    ];
    let syllable = |at: u32| SYLLABLES[(number >> (4 * at)) as usize % 16];
    [0, 1, 2].map(syllable).concat()
}
