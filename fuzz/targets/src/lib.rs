//! One function for each parser of what comes from outside. A fuzzer calls it with any bytes, the test of the seeds with those
//! in `fuzz/seeds`.
//!
//! A target panics where something of ours is wrong. Where the input goes to a crate that is not ours, a panic is
//! [contained](Outcome::Panicked) as `backend-native` contains it, so that the fuzzer goes on behind faults that are known.

mod batches;
mod crates;
mod godot;
mod lobby;
mod mesh;
mod outcome;
mod pulse;
mod sctp;
mod text;
mod transfers;

use backend_native::testing::fuzz as native;

pub use outcome::Outcome;

/// A parser and what it is given.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: the one of the folder with its seeds, and of the fuzzer's program.
    pub name: &'static str,
    parser: Parser,
}

#[derive(Clone, Copy, Debug)]
enum Parser {
    /// A panic is a fault of ours.
    Ours(fn(&[u8])),
    /// A panic may be a fault of a crate, which is contained.
    Theirs(fn(&[u8])),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    ours("stun", native::stun),
    ours("tunnel", native::tunnel),
    ours("handshake", native::datagrams),
    ours("control", text::control),
    ours("pulse", pulse::messages),
    ours("session_lines", text::session_lines),
    ours("mesh_lines", mesh::lines),
    ours("transfers", transfers::messages),
    ours("batches", batches::messages),
    ours("candidate", text::candidate),
    ours("godot", godot::packets),
    ours("typed", godot::typed),
    ours("signaling", lobby::messages),
    ours("signaling_godot3", lobby::godot3),
    ours("lobby_query", lobby::query),
    ours("hall", signaling_server::testing::hall),
    theirs("checks", native::checks),
    theirs("description", text::description),
    theirs("mdns", crates::mdns),
    theirs("dcep", crates::dcep),
    theirs("dtls", crates::dtls),
    theirs("sctp", sctp::packets),
];

const fn ours(name: &'static str, parse: fn(&[u8])) -> Target {
    let parser = Parser::Ours(parse);
    Target { name, parser }
}

const fn theirs(name: &'static str, parse: fn(&[u8])) -> Target {
    let parser = Parser::Theirs(parse);
    Target { name, parser }
}

impl Target {
    /// Gives an input to the parser.
    ///
    /// # Panics
    ///
    /// Where something of ours is wrong.
    #[must_use]
    pub fn run(&self, input: &[u8]) -> Outcome {
        match self.parser {
            Parser::Ours(parse) => {
                parse(input);
                Outcome::Fine
            }
            Parser::Theirs(parse) => outcome::contained(|| parse(input)),
        }
    }
}

/// What the fuzzer's program of that name does with an input. Of a crate's panics, the first one of each place is printed; with
/// the variable `FUZZ_PANICS`, its input is kept in the folder of that name.
///
/// # Panics
///
/// Where something of ours is wrong, or there is no such target.
#[expect(clippy::panic, reason = "a fuzzer has no other way to say it")]
pub fn fuzz(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let Some(target) = target else {
        panic!("{name} is no target");
    };
    match target.parser {
        Parser::Ours(parse) => parse(input),
        Parser::Theirs(parse) => outcome::noted(input, || parse(input)),
    }
}
