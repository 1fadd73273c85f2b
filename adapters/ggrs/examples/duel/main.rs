//! A duel for two in the terminal, with rollback: `cargo run --example duel -- URL LOBBY`, in two terminals.
//!
//! `a` and Enter goes left, `d` right, `s` stops, `f` fires. `b` lets a bot play, `q` leaves.
//!
//! It wants a signaling server: `cargo run -p webrtc-multiplayer-server -- --bind 127.0.0.1:9080` in the folder of webrtc-multiplayer.
#![expect(clippy::print_stdout, reason = "it shows the game in the terminal")]

mod bot;
mod game;

use std::io::BufRead;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use ggrs::{DesyncDetection, GgrsError, GgrsEvent, P2PSession, SessionBuilder, SessionState};
use ggrs_webrtc_multiplayer::{Bridge, Seats, SeatsError};
use webrtc_multiplayer::{Event, Lobby, LostReason, Session};

use crate::game::{Buttons, Duel, FIRE, Game, LEFT, PLACES, RIGHT};

const FRAME: Duration = Duration::from_micros(16_667);

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = words.next().unwrap_or_else(|| "duel".to_owned());
    println!("waiting for another player in the lobby {lobby} at {url}");

    // A group of two seals itself, and the next two get a lobby of their own.
    let mut session = Lobby::new(url, lobby).group_of(2).join()?;
    let mut bridge = Bridge::new();
    let seats = meet(&mut session, &mut bridge)?;
    println!("the players are {:?}", seats.players());
    let builder = SessionBuilder::<Duel>::new()
        .with_input_delay(2)
        .with_desync_detection_mode(DesyncDetection::On { interval: 60 });
    let rollback = seats.add_to(builder)?.start_p2p_session(bridge.socket())?;
    play(session, bridge, rollback, &seats)
}

/// Waits until both players are there and nobody can join any more.
fn meet(session: &mut Session, bridge: &mut Bridge) -> Result<Seats> {
    loop {
        while let Some(event) = bridge.poll(session) {
            // A lobby that is sealed ends after a while, and who is in it may still be connecting.
            if let Event::SignalingLost(reason) = event
                && reason != LostReason::SealComplete
            {
                bail!("{reason}");
            }
        }
        match bridge.seats(session, 2) {
            Ok(seats) => return Ok(seats),
            Err(error @ SeatsError::TooFew { .. }) => return Err(error.into()),
            Err(_) => std::thread::sleep(FRAME),
        }
    }
}

fn play(
    mut session: Session,
    mut bridge: Bridge,
    mut rollback: P2PSession<Duel>,
    seats: &Seats,
) -> Result<()> {
    let typed = keyboard();
    let mut game = Game::new(seats.players().len());
    let (mut held, mut is_bot) = (0, false);
    let mut next = Instant::now();
    loop {
        while let Some(event) = bridge.poll(&mut session) {
            if let Event::PeerDisconnected { peer, reason } = event {
                println!("player {peer} is gone: {reason}");
                return Ok(());
            }
        }
        rollback.poll_remote_clients();
        for event in rollback.events() {
            if let GgrsEvent::DesyncDetected { frame, .. } = event {
                bail!("the players disagree about frame {frame}");
            }
        }
        for line in typed.try_iter() {
            match line.as_str() {
                "a" => held = LEFT,
                "d" => held = RIGHT,
                "s" => held = 0,
                "f" => held |= FIRE,
                "b" => is_bot = !is_bot,
                "q" => return Ok(()),
                _ => {}
            }
        }
        if rollback.current_state() == SessionState::Running {
            for handle in rollback.local_player_handles() {
                let bot = bot::buttons(handle, rollback.current_frame());
                let buttons = if is_bot { bot } else { Buttons(held) };
                rollback.add_local_input(handle, buttons)?;
            }
            match rollback.advance_frame() {
                Ok(requests) => game.handle(requests),
                // The other player's inputs are late: this frame is tried again.
                Err(GgrsError::PredictionThreshold) => {}
                Err(error) => return Err(error.into()),
            }
            if rollback.current_frame() % 30 == 0 {
                show(&game);
            }
        }
        bridge.flush(&mut session);
        next += FRAME;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

/// One line: the ring from 0 to its end, a letter for each player, and how often each was hit.
fn show(game: &Game) {
    const WIDTH: i32 = 60;
    let mut line: Vec<char> = (0..WIDTH).map(|_| '.').collect();
    let mut hits = String::new();
    for (ship, letter) in game.state.ships.iter().zip('A'..) {
        let column = usize::try_from(ship.place * WIDTH / PLACES).unwrap_or_default();
        if let Some(place) = line.get_mut(column) {
            *place = letter;
        }
        hits.push_str(&format!(" {letter}:{}", ship.hits));
    }
    println!("{} hits{hits}", line.iter().collect::<String>());
}

/// The lines that are typed.
fn keyboard() -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
