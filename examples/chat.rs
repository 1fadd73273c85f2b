//! A chat between processes: the main job of this library, and the tool for trying any peer against it.
//!
//! Standard output has one line an event; standard input one line a message or command (see `--help`).

#[path = "chat/command.rs"]
mod command;
#[path = "chat/escape.rs"]
mod escape;
#[path = "chat/room.rs"]
mod room;

use std::io::BufRead;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use signaling_server::{Config, Server};
use tokio::sync::mpsc;
use webrtc_multiplayer::{IceServer, Lobby};

use crate::room::{Room, say};

/// Chat in a mesh: every process is connected to every other.
///
/// A line of input goes to all. Commands: /to ID TEXT, /except ID TEXT, /mode reliable|ordered|unreliable, /peers, /seal,
/// /flood N SIZE, /quit.
#[derive(Debug, Parser)]
struct Options {
    /// The signaling server.
    #[arg(long, env = "CHAT_URL", default_value = "ws://127.0.0.1:9080")]
    url: String,
    /// The lobby; created if nobody is in it. Empty: the server names a new one.
    #[arg(long, env = "CHAT_LOBBY", default_value = "demo")]
    lobby: String,
    /// Runs the signaling server in this process, and joins it.
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:9080")]
    host: Option<SocketAddr>,
    /// A STUN server, such as stun:stun.example.org:3478; may be given several times.
    #[arg(long, value_name = "URL")]
    stun: Vec<String>,
    /// Leaves at the end of input.
    #[arg(long)]
    exit_on_eof: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> anyhow::Result<()> {
    let server = match options.host {
        Some(address) => Some(Server::bind(address, Config::default()).await?),
        None => None,
    };
    let url = server.as_ref().map_or(options.url, |server| {
        format!("ws://{}", server.local_addr())
    });
    let lobby = options
        .stun
        .into_iter()
        .map(IceServer::stun)
        .fold(Lobby::new(url, options.lobby), Lobby::ice_server);
    let room = Room::new(lobby.join()?, options.exit_on_eof);
    let result = room.run(input()).await;
    if let Some(server) = server {
        server.shutdown().await;
    }
    result
}

/// The lines of standard input, read on a thread of their own: a blocking read cannot be cancelled.
fn input() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let Ok(mut line) = line else { return };
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
