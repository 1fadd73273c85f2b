//! A chat between processes: the main job of this library, and the tool for trying any peer against it.
//!
//! Standard output has one line an event; standard input one line a message or command (see `--help`). The browser has the
//! same chat as a page: `examples/web`.

#[path = "chat/bars.rs"]
mod bars;
#[path = "chat/command.rs"]
mod command;
#[path = "chat/downloads.rs"]
mod downloads;
#[path = "chat/escape.rs"]
mod escape;
#[path = "chat/files.rs"]
mod files;
#[path = "chat/name.rs"]
mod name;
#[path = "chat/peers.rs"]
mod peers;
#[path = "chat/room.rs"]
mod room;
#[path = "chat/sharing.rs"]
mod sharing;
#[path = "chat/site.rs"]
mod site;
#[path = "chat/terminal.rs"]
mod terminal;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use signaling_server::{Config, Server};
use webrtc_multiplayer::{IceServer, Lobby, MeshConfig, PlatformConfig, RootCertificates};

use crate::site::{Site, for_others};
use crate::terminal::{Terminal, say};

/// Chat in a mesh: every process is connected to every other.
///
/// A line of input goes to all. Commands: /to ID TEXT, /except ID TEXT, /mode reliable|ordered|unreliable, /peers, /seal,
/// /flood N SIZE, /quit.
///
/// Files of up to 16 MiB: /send FILE to all, /send-to ID FILE to one, /cancel [N]. A file that comes stays in memory until
/// /save [N] stores it or /refuse [N] drops it; of more than eight the oldest is dropped.
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
    /// Serves this folder, which `cargo ci build-web` has made, as the page of the same chat.
    #[arg(long, value_name = "FOLDER")]
    page: Option<PathBuf>,
    /// Where to serve it.
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        requires = "page"
    )]
    page_at: SocketAddr,
    /// A STUN server, such as stun:stun.example.org:3478; may be given several times.
    #[arg(long, value_name = "URL")]
    stun: Vec<String>,
    /// A TURN server, such as turns:turn.example.org; may be given several times.
    #[arg(long, value_name = "URL", requires = "turn_user")]
    turn: Vec<String>,
    /// The user name and the password for the TURN servers.
    #[arg(long, value_name = "NAME:PASSWORD")]
    turn_user: Option<String>,
    /// A file with certificates (PEM) that are trusted besides the system's: for a server with one of its own.
    #[arg(long, value_name = "FILE")]
    root_certificate: Option<PathBuf>,
    /// How many seconds a player has to come back whose connection broke; 25 if it is not given.
    #[arg(long, value_name = "SECONDS")]
    resume_window: Option<u64>,
    /// Where /save stores files. Nothing is overwritten.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    downloads: PathBuf,
    /// Leaves at the end of input, as soon as no file is being sent any more.
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

fn platform_config(root_certificate: Option<PathBuf>) -> anyhow::Result<PlatformConfig> {
    let Some(file) = root_certificate else {
        return Ok(PlatformConfig::default());
    };
    let name = file.display().to_string();
    let pem = std::fs::read(file).context(name.clone())?;
    Ok(PlatformConfig {
        root_certificates: RootCertificates::from_pem(pem).context(name)?,
        ..PlatformConfig::default()
    })
}

fn mesh_config(resume_window: Option<u64>) -> MeshConfig {
    let mut config = MeshConfig::default();
    if let Some(seconds) = resume_window {
        config.resume_window = Duration::from_secs(seconds);
    }
    config
}

async fn run(options: Options) -> anyhow::Result<()> {
    anyhow::ensure!(
        options.downloads.is_dir(),
        "there is no folder {}",
        options.downloads.display()
    );
    let server = match options.host {
        Some(address) => Some(Server::bind(address, Config::default()).await?),
        None => None,
    };
    let url = server.as_ref().map_or(options.url, |server| {
        format!("ws://{}", for_others(server.local_addr()))
    });
    let site = match &options.page {
        Some(folder) => Some(Site::serve(folder, options.page_at).await?),
        None => None,
    };
    let credential = options.turn_user.unwrap_or_default();
    let (user, password) = credential.split_once(':').unwrap_or((&credential, ""));
    let turn = options
        .turn
        .into_iter()
        .map(|url| IceServer::turn(url, user, password));
    let lobby = options
        .stun
        .into_iter()
        .map(IceServer::stun)
        .chain(turn)
        .fold(Lobby::new(&*url, options.lobby), Lobby::ice_server)
        .mesh_config(mesh_config(options.resume_window))
        .platform_config(platform_config(options.root_certificate)?);
    let invite = |lobby: &str| {
        if let Some(site) = &site {
            say(format_args!("page {}", site.address(lobby, &url)));
        }
    };
    let terminal = Terminal::new(options.downloads);
    let result = terminal::chat(lobby.join()?, terminal, options.exit_on_eof, invite).await;
    drop(site);
    if let Some(server) = server {
        server.shutdown().await;
    }
    result
}
