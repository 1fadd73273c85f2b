//! A game of tag among three players, in typed messages with a handler each.
//!
//! The players are in one process and their network is the mock, so that this shows the game alone; with the facade's
//! `join(url, lobby)` in place of `Session::new` it is the same over the internet:
//! `cargo run -p multiplayer-api --features typed --example tag`.
#![expect(clippy::print_stdout, reason = "its output is what it shows")]

use std::collections::BTreeMap;

use mesh_core::mock::{MockBackend, MockSignaling, Network};
use mesh_core::{Duration, PeerId, Session, SessionConfig, Target, TransferMode};
use multiplayer_api::{ApiEvent, Message, Messages, MessagesEvent, SendMessageError};
use serde::{Deserialize, Serialize};

const FRAME: Duration = Duration::from_millis(16);

/// Everybody tells where it is, often; only the last word counts.
#[derive(Serialize, Deserialize)]
struct Moved {
    x: i32,
    y: i32,
}

impl Message for Moved {
    const ID: u16 = 1;
    const MODE: TransferMode = TransferMode::UnreliableOrdered;
}

/// Who is it tells whom it has caught; all must know.
#[derive(Serialize, Deserialize)]
struct Caught(u32);

impl Message for Caught {
    const ID: u16 = 2;
}

/// What a player knows.
#[derive(Default)]
struct Field {
    places: BTreeMap<PeerId, (i32, i32)>,
    it: Option<u32>,
    log: Vec<String>,
}

impl Field {
    fn caught(&mut self, who: u32, whom: u32) {
        self.log.push(format!("{who} caught {whom}"));
        self.it = Some(whom);
    }
}

struct Player {
    session: Session<MockBackend, MockSignaling>,
    messages: Messages<Field>,
    field: Field,
}

impl Player {
    fn new(network: &Network) -> Self {
        let (backend, signaling) = (network.backend(), network.signaling("playground"));
        let mut messages = Messages::<Field>::default();
        let registered = messages
            .register(|field: &mut Field, from, Moved { x, y }| {
                field.places.insert(from, (x, y));
            })
            .and_then(|()| {
                messages.register(|field: &mut Field, from, Caught(whom)| {
                    field.caught(from.get(), whom)
                })
            });
        assert_eq!(registered, Ok(()), "two messages have one id");
        Self {
            session: Session::new(backend, signaling, SessionConfig::default()),
            messages,
            field: Field::default(),
        }
    }

    /// What a game does in a frame.
    fn frame(&mut self, number: i32) -> Result<(), SendMessageError> {
        while let Some(event) = self.messages.poll(&mut self.session, &mut self.field) {
            if let MessagesEvent::Api(ApiEvent::PeerDisconnected { peer, .. }) = event {
                self.field.places.remove(&peer);
            }
        }
        if self.messages.api().peers().count() == 0 {
            return Ok(());
        }
        let own = self.session.unique_id().map_or(0, PeerId::get);
        let place = Moved {
            x: number,
            y: -number,
        };
        // A place that finds no room is outdated anyway.
        let _sent = self.messages.send(&mut self.session, Target::All, &place)?;
        // The host is it first, and catches whom it has seen.
        let victims: Vec<PeerId> = self.field.places.keys().copied().collect();
        if let [one, other] = victims[..]
            && self.field.it.unwrap_or(1) == own
        {
            let victim = if number % 2 == 0 { one } else { other };
            self.field.caught(own, victim.get());
            let caught = Caught(victim.get());
            let sent = self
                .messages
                .send(&mut self.session, Target::All, &caught)?;
            assert!(sent.is_complete(), "three small messages fill no channel");
        }
        Ok(())
    }
}

/// Plays until everybody has heard of `catches`, and gives what the last one to come has heard.
fn play(catches: usize) -> Result<Vec<String>, SendMessageError> {
    let network = Network::new(3);
    let mut players: Vec<Player> = (0..3).map(|_| Player::new(&network)).collect();
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
    let last = players.pop();
    Ok(last.map_or_else(Vec::new, |player| player.field.log))
}

fn main() -> Result<(), SendMessageError> {
    for line in play(5)? {
        println!("{line}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::play;

    #[test]
    fn it_goes_around() {
        let log = play(5).unwrap();
        assert!(log[0].starts_with("1 caught "), "{log:?}");
        // Whoever is caught is the next to catch.
        for pair in log.windows(2) {
            let caught = pair[0].rsplit(' ').next();
            let catches = pair[1].split(' ').next();
            assert_eq!(caught, catches, "{log:?}");
        }
    }
}
