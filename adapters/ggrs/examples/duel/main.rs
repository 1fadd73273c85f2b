//! A duel for two, with rollback: `cargo run --example duel -- URL LOBBY`, in two terminals. `adapters/ggrs/page` is the same
//! game in a browser, and the two can play against each other.
//!
//! `a` and Enter goes left, `d` right, `s` stops, `f` fires. `b` lets a bot play, `q` leaves.
//!
//! It wants a signaling server: `cargo run -p webrtc-multiplayer-server -- --bind 127.0.0.1:9080` in the folder of webrtc-multiplayer.
#![expect(clippy::print_stdout, reason = "it shows the game in the terminal")]

mod bot;
mod game;
mod round;
mod show;

use std::io::BufRead;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::game::{Buttons, FIRE, LEFT, RIGHT};
use crate::round::{End, Round};

const FRAME: Duration = Duration::from_micros(16_667);

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = words.next().unwrap_or_else(|| "duel".to_owned());
    println!("waiting for another player in the lobby {lobby} at {url}");
    match play(Round::join(&url, &lobby)?) {
        Err(end @ End::Gone(..)) => println!("{end}"),
        end => end?,
    }
    Ok(())
}

fn play(mut round: Round) -> Result<(), End> {
    let typed = keyboard();
    let (mut held, mut is_bot) = (0, false);
    let mut next = Instant::now();
    for frame in 0_u64.. {
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
        let is_new = round.seats().is_none();
        round.frame(|player, frame| match is_bot {
            true => bot::buttons(player, frame),
            false => Buttons(held),
        })?;
        if let Some(seats) = round.seats() {
            if is_new {
                println!("the players are {:?}", seats.players());
            }
            if frame % 30 == 0 {
                println!("{}", show::line(&round.game));
            }
        }
        next += FRAME;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok(())
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
