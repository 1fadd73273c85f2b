//! Godot's official signaling demo in Rust, with everything by hand: the game owns the signaling, makes each connection and
//! adds each peer itself. `docs/migration.md` puts it beside the demo.
//!
//! `godot_demo [URL [LOBBY]]`: a chat that talks with `examples/chat` and with any Godot game in the same lobby. A line of
//! input goes to all; the end of input leaves.
//!
//! With `Session` all of `godot_demo/client.rs` is one call: `webrtc_multiplayer::join(url, lobby)?`.

#[path = "godot_demo/client.rs"]
mod client;

use std::error::Error;
use std::fmt;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use webrtc_multiplayer::signaling::escape_control;
use webrtc_multiplayer::{Event, Target, TransferMode};

use crate::client::{Client, News};

/// A game has frames of its own.
const FRAME: Duration = Duration::from_millis(10);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next();
    let lobby = arguments.next();
    let result = play(
        url.as_deref().unwrap_or("ws://127.0.0.1:9080"),
        lobby.as_deref().unwrap_or("demo"),
    );
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn play(url: &str, lobby: &str) -> Result<(), Box<dyn Error>> {
    let mut client = Client::new(url, lobby)?;
    let input = input();
    let mut joined = false;
    loop {
        while let Some(news) = client.poll()? {
            joined |= matches!(news, News::Joined { .. });
            tell(news);
        }
        // What is typed before there is a lobby waits for it.
        if joined && !obey(&input, &mut client) {
            client.leave();
            return Ok(());
        }
        std::thread::sleep(FRAME);
    }
}

/// Sends what has been typed; whether more may come.
fn obey(input: &Receiver<Vec<u8>>, client: &mut Client) -> bool {
    loop {
        match input.try_recv() {
            Ok(line) => send(client, line),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
}

/// To everybody who is connected; a fault is the typist's to know.
fn send(client: &mut Client, line: Vec<u8>) {
    let sent = client
        .mesh()
        .send(Target::All, TransferMode::Reliable, line);
    match sent {
        Ok(sent) => {
            for refused in sent.refused {
                say(format_args!("error: peer {} did not take it", refused.peer));
            }
        }
        Err(error) => say(format_args!("error: {error}")),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the rest is of no interest to somebody who chats"
)]
fn tell(news: News) {
    match news {
        News::Joined { id, lobby } => say(format_args!("id {id} lobby {}", escape_control(&lobby))),
        News::Sealed => say(format_args!("sealed")),
        News::SignalingLost(reason) => say(format_args!("signaling lost: {reason}")),
        News::Mesh(event) => match event {
            Event::PeerConnected(peer) => say(format_args!("connected {peer}")),
            Event::PeerDisconnected { peer, reason } => {
                say(format_args!("disconnected {peer}: {reason}"));
            }
            Event::PeerFailed { peer, reason } => say(format_args!("failed {peer}: {reason}")),
            Event::Packet(packet) => say(format_args!(
                "{} {}: {}",
                packet.from,
                packet.mode.label(),
                // A peer must not forge a line.
                escape_control(&String::from_utf8_lossy(packet.payload.bytes()))
            )),
            _ => {}
        },
    }
}

/// The lines of standard input, read on a thread of their own: a game does not block.
fn input() -> Receiver<Vec<u8>> {
    let (sender, receiver) = sync_channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Prints a line at once: whoever reads us through a pipe waits for it.
fn say(line: fmt::Arguments<'_>) {
    let mut output = std::io::stdout().lock();
    // A reader that has gone is no reason to stop being a peer.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
