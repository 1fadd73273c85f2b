//! The first example of matchbox, with this library: joins a lobby, greets everybody who comes, and prints what they say.
//!
//! `cargo run -p webrtc-multiplayer-server -- --bind 127.0.0.1:9080`, then `cargo run --example from_matchbox -- [URL] [LOBBY]` in as many
//! terminals as you like. `docs/from-matchbox.md` puts each call of matchbox beside its counterpart.
#![expect(
    clippy::print_stdout,
    reason = "it shows in the terminal what it hears"
)]

use std::error::Error;
use std::time::Duration;

use webrtc_multiplayer::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = words.next().unwrap_or_else(|| "hello".to_owned());

    // There is no message loop to spawn.
    let mut session = join(&url, &lobby)?;
    loop {
        while let Some(event) = session.poll() {
            if let Some(end) = handle(&mut session, event)? {
                println!("{end}");
                return Ok(());
            }
        }
        // The frame of a game.
        std::thread::sleep(Duration::from_millis(16));
    }
}

/// Gives why there is nothing more to wait for, if so.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a first example needs no more of it"
)]
fn handle(session: &mut Session, event: Event) -> Result<Option<String>, Box<dyn Error>> {
    match event {
        Event::Joined { id, lobby, .. } => println!("we are {id} in the lobby {lobby}"),
        Event::PeerConnected(peer) => {
            println!("{peer} is here");
            session.send(peer, TransferMode::Reliable, "hello friend")?;
        }
        Event::Packet(Packet { from, payload, .. }) => {
            // A peer may send anything: escaped, it cannot write over the terminal.
            println!("{from} says {:?}", payload.text().unwrap_or("no text"));
        }
        Event::PeerDisconnected { peer, reason } => println!("{peer} is gone: {reason}"),
        Event::PeerFailed { peer, reason } => println!("no connection with {peer}: {reason}"),
        // Those who are connected would play on.
        Event::SignalingLost(why) if session.connected_peers().next().is_none() => {
            return Ok(Some(why.to_string()));
        }
        _ => {}
    }
    Ok(None)
}
