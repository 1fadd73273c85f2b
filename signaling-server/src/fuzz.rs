//! What fuzzing gives to door and hall: a history of sockets that say anything.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_core::Instant;
use signaling::{Message, MessageType, decode};

use crate::Config;
use crate::entropy::Entropy;
use crate::hall::house::House;
use crate::hall::{Action, MemberId};
use crate::resume::ResumeKey;

/// Sockets at once; each has a digit.
const SOCKETS: u32 = 10;

/// Lines that are read. More would find nothing else.
const LINES: usize = 512;

/// The server's zero, since 1970.
const START: Duration = Duration::from_secs(1_800_000_000);

/// Longer than anything is kept.
const LONG: Duration = Duration::from_secs(1000);

/// Plays a history. Each line is a step: a digit is a socket, and what follows is a text that it sends, `!` if its connection breaks, or `.`
/// if it leaves. `$` in a text stands for the latest token of that digit. `+` and a number is so many seconds.
///
/// # Panics
///
/// Where a text goes to somebody who is not there or is none that a client reads, or where something is left when all have gone.
pub fn hall(input: &[u8]) {
    let Ok(history) = str::from_utf8(input) else {
        return;
    };
    let mut play = Play::new();
    for line in history.lines().take(LINES) {
        play.step(line);
        play.settle();
    }
    for digit in 0..SOCKETS {
        play.leave(digit);
        play.settle();
    }
    play.pass(LONG);
    let left = play.house.counts();
    assert_eq!((left.members, left.away, left.lobbies), (0, 0, 0));
}

struct Play {
    house: House,
    now: Instant,
    sockets: BTreeMap<u32, MemberId>,
    tokens: BTreeMap<u32, String>,
}

/// The same in every run.
fn entropy() -> Entropy {
    let mut last = 0_u32;
    Box::new(move || {
        last = last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(last)
    })
}

impl Play {
    fn new() -> Self {
        let config = Config {
            max_lobbies: 8,
            max_lobby_peers: 8,
            ..Config::default()
        };
        Self {
            house: House::restarted(config, entropy(), &ResumeKey::fixed(), START),
            now: Instant::from_micros(0),
            sockets: BTreeMap::new(),
            tokens: BTreeMap::new(),
        }
    }

    fn step(&mut self, line: &str) {
        let Some(first) = line.chars().next() else {
            return;
        };
        let rest = line.get(first.len_utf8()..).unwrap_or_default();
        if first == '+' {
            let seconds: u16 = rest.parse().unwrap_or_default();
            return self.pass(Duration::from_secs(seconds.into()));
        }
        let Some(digit) = first.to_digit(SOCKETS) else {
            return;
        };
        match rest {
            "!" => {
                if let Some(member) = self.sockets.remove(&digit) {
                    self.house.cut(self.now, member);
                }
            }
            "." => self.leave(digit),
            text => {
                let house = &mut self.house;
                let member = *self.sockets.entry(digit).or_insert_with(|| house.connect());
                let token = self.tokens.get(&digit).map_or("", String::as_str);
                // In Godot 3's protocol lines are a part of a text.
                let text = text.replace('$', token).replace("\\n", "\n");
                house.handle_text(self.now, member, &text);
            }
        }
    }

    fn leave(&mut self, digit: u32) {
        if let Some(member) = self.sockets.remove(&digit) {
            self.house.disconnect(member);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.house.handle_timeout(self.now);
        self.settle();
    }

    /// Looks at what is to be done.
    fn settle(&mut self) {
        while let Some(action) = self.house.poll_action() {
            match action {
                Action::Tell { to, text, .. } => {
                    let digit = self.digit(to);
                    let message = decode(&text, usize::MAX);
                    assert!(message.is_ok(), "a text that nobody reads: {text}");
                    let token = message.ok().and_then(welcome);
                    if let (Some(digit), Some(token)) = (digit, token) {
                        self.tokens.insert(digit, token);
                    }
                }
                Action::Close { member, .. } => {
                    if let Some(digit) = self.digit(member) {
                        self.sockets.remove(&digit);
                    }
                }
            }
        }
    }

    fn digit(&self, member: MemberId) -> Option<u32> {
        let found = self.sockets.iter().find(|(_, other)| **other == member);
        found.map(|(digit, _)| *digit)
    }
}

/// The token that a message brings.
fn welcome(message: Message) -> Option<String> {
    (message.kind == MessageType::Welcome).then_some(message.data)
}
