//! Dots that follow the mice of all players: `cargo run -p macroquad-dots -- URL LOBBY` in the folder `adapters`, twice.
//!
//! No adapter is needed: macroquad has a loop of frames, and the mesh wants a `poll` in each of them. It is native alone: in a browser
//! macroquad loads its program with a JavaScript of its own, without wasm-bindgen, which the mesh is built on there
//! (`docs/support.md`).
#![expect(
    clippy::print_stdout,
    reason = "it tells who comes and goes in the terminal"
)]

use std::collections::BTreeMap;

use macroquad::prelude::{
    BLACK, Conf, RED, WHITE, clear_background, draw_circle, mouse_position, next_frame,
};
use webrtc_multiplayer::prelude::*;

const RADIUS: f32 = 12.0;

fn window() -> Conf {
    Conf {
        window_title: "dots".to_owned(),
        ..Conf::default()
    }
}

#[macroquad::main(window)]
async fn main() {
    if let Err(error) = play().await {
        println!("{error}");
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else is of interest here"
)]
async fn play() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let url = words.next();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = words.next().unwrap_or_else(|| "dots".to_owned());
    let mut session = join(&url, &lobby)?;
    let mut dots = BTreeMap::new();
    loop {
        while let Some(event) = session.poll() {
            match event {
                Event::Packet(packet) => {
                    dots.extend(place(packet.payload.bytes()).map(|place| (packet.from, place)));
                }
                Event::PeerDisconnected { peer, reason } => {
                    println!("{peer} is gone: {reason}");
                    dots.remove(&peer);
                }
                Event::SignalingLost(reason) => println!("the lobby is lost: {reason}"),
                _ => {}
            }
        }
        let (x, y) = mouse_position();
        if session.unique_id().is_some() {
            let place = [x.to_le_bytes(), y.to_le_bytes()].concat();
            session.send(Target::All, TransferMode::UnreliableOrdered, place)?;
        }
        clear_background(BLACK);
        for (x, y) in dots.values() {
            draw_circle(*x, *y, RADIUS, WHITE);
        }
        draw_circle(x, y, RADIUS, RED);
        next_frame().await;
    }
}

/// What a peer has sent, if it is a place.
fn place(bytes: &[u8]) -> Option<(f32, f32)> {
    let (x, y) = bytes.split_first_chunk()?;
    let place = (
        f32::from_le_bytes(*x),
        f32::from_le_bytes(y.try_into().ok()?),
    );
    (place.0.is_finite() && place.1.is_finite()).then_some(place)
}
