//! A game of tag among three players, in typed messages with a handler each.
//!
//! The players are in one process and their network is the mock, so that this shows the game alone. With the facade's
//! `join(url, lobby)` in place of `Session::new` the same game runs over the internet.
//!
//! `cargo run -p webrtc-multiplayer-api --features typed --example tag`.
#![expect(clippy::print_stdout, reason = "its output is what it shows")]

use std::collections::BTreeMap;
use std::error::Error;

use mesh_core::mock::{MockBackend, MockSignaling, Network};
use mesh_core::{Duration, PeerId, Session, SessionConfig, Target, TransferMode};
use multiplayer_api::{
    ApiEvent, Message, Messages, MessagesEvent, RegisterError, SendMessageError,
};
use serde::{Deserialize, Serialize};

const FRAME: Duration = Duration::from_millis(16);

/// Everybody tells often where it is. Only the latest place counts.
#[derive(Serialize, Deserialize)]
struct Moved {
    x: i32,
    y: i32,
}

impl Message for Moved {
    const ID: u16 = 1;
    const MODE: TransferMode = TransferMode::UnreliableOrdered;
}

/// The player who is it tells whom it has caught. Everybody must know.
#[derive(Serialize, Deserialize)]
struct Caught(u32);

impl Message for Caught {
    const ID: u16 = 2;
}

/// Who is caught says so to the one who has caught it.
#[derive(Serialize, Deserialize)]
struct Ouch;

impl Message for Ouch {
    const ID: u16 = 3;
}

/// What a player knows.
#[derive(Default)]
struct Field {
    places: BTreeMap<PeerId, (i32, i32)>,
    it: Option<u32>,
    log: Vec<String>,
    /// How many of those that this player has caught have answered.
    ouches: usize,
}

impl Field {
    fn caught(&mut self, who: u32, whom: u32) {
        self.log.push(format!("{who} caught {whom}"));
        self.it = Some(whom);
    }
}

struct Player {
    messages: Messages<Field, Session<MockBackend, MockSignaling>>,
    field: Field,
}

impl Player {
    fn new(network: &Network) -> Result<Self, RegisterError> {
        let (backend, signaling) = (network.backend(), network.signaling("playground"));
        let session = Session::new(backend, signaling, SessionConfig::default());
        let mut messages = Messages::new(session);
        messages.register(|field: &mut Field, from, Moved { x, y }, _| {
            field.places.insert(from, (x, y));
        })?;
        messages.register(|field: &mut Field, from, Caught(whom), outbox| {
            field.caught(from.get(), whom);
            if outbox.api().unique_id().map(PeerId::get) == Some(whom)
                && let Err(error) = outbox.reply(&Ouch)
            {
                field.log.push(format!("no reply to {from}: {error}"));
            }
        })?;
        messages.register(|field: &mut Field, _, Ouch, _| field.ouches += 1)?;
        Ok(Self {
            messages,
            field: Field::default(),
        })
    }

    /// What a game does in a frame.
    fn frame(&mut self, number: i32) -> Result<(), SendMessageError> {
        while let Some(event) = self.messages.poll(&mut self.field) {
            if let MessagesEvent::Api(ApiEvent::PeerDisconnected { peer, .. }) = event {
                self.field.places.remove(&peer);
            }
        }
        if self.messages.api().peers().count() == 0 {
            return Ok(());
        }
        let own = self.messages.peer().unique_id().map_or(0, PeerId::get);
        let place = Moved {
            x: number,
            y: -number,
        };
        self.messages.send(Target::All, &place)?;
        // The host is it first, and catches whom it has seen.
        let victims: Vec<PeerId> = self.field.places.keys().copied().collect();
        if let [one, other] = victims[..]
            && self.field.it.unwrap_or(1) == own
        {
            let victim = if number % 2 == 0 { one } else { other };
            self.field.caught(own, victim.get());
            let caught = Caught(victim.get());
            let sent = self.messages.send(Target::All, &caught)?;
            assert!(sent.is_complete(), "three small messages fill no channel");
        }
        Ok(())
    }
}

/// Plays until everybody has heard of `catches`, and gives what the player that came last has heard, and how many of those
/// that it has caught have answered.
fn play(catches: usize) -> Result<(Vec<String>, usize), Box<dyn Error>> {
    let network = Network::new(3);
    let players: Result<Vec<Player>, _> = (0..3).map(|_| Player::new(&network)).collect();
    let mut players = players?;
    let mut number = 0;
    while players
        .iter()
        .any(|player| player.field.log.len() < catches)
    {
        number += 1;
        network.advance(FRAME);
        for player in &mut players {
            player.frame(number)?;
        }
    }
    let last = players.pop().map(|player| player.field);
    let last = last.unwrap_or_default();
    Ok((last.log, last.ouches))
}

fn main() -> Result<(), Box<dyn Error>> {
    let (log, ouches) = play(5)?;
    for line in log {
        println!("{line}");
    }
    println!("{ouches} said ouch");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::play;

    #[test]
    fn it_goes_around() {
        let (log, ouches) = play(8).unwrap();
        assert!(log[0].starts_with("1 caught "), "{log:?}");
        // Whoever is caught is the next to catch.
        for pair in log.windows(2) {
            let caught = pair[0].rsplit(' ').next();
            let catches = pair[1].split(' ').next();
            assert_eq!(caught, catches, "{log:?}");
        }
        assert!(ouches > 0, "{log:?}");
    }
}
