//! The server's process is killed and started again under those who play: they play on, come back, and somebody new comes in.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::Options;
use crate::bot::Bot;
use crate::game::{DEADLINE, Game, LOOK, here, is_without_server, named, others_move};
use crate::lines::Lines;
use crate::print::say;

/// The lobby.
const LOBBY: &str = "again";

/// Plays with Ada's browser and two bots.
pub(crate) fn check(options: &Options, ada: &Game) -> Result<(), String> {
    let key = Key::new().map_err(|error| format!("a folder for the server's key: {error}"))?;
    let server = Server::start(options, "127.0.0.1:0", &key)?;
    let url = &server.url.clone();
    let pages = options.pages.to_string_lossy();
    let joining = |name, more: &[&str]| {
        let arguments = ["--url", url, "--lobby", LOBBY, "--name", name];
        Bot::start(&options.arena, &[&arguments[..], more].concat())
    };
    // It serves the page, too.
    let hertz = joining("Hertz", &["--page", &*pages, "--page-at", "127.0.0.1:0"])?;
    let address = format!("{}&name=Ada", hertz.line("page ")?);
    hertz.wait("in the lobby", |it| it["server"] == "joined")?;
    ada.visit(&address)?;
    let what = "in the lobby with a moving bot";
    let before = ada.wait_joined(what, || ada.visit(&address), |it| others_move(it, 2))?;
    drop(server);
    ada.wait("told that the server is away", is_without_server)?;
    hertz.wait("told that the server is away", is_without_server)?;
    ada.plays_on("Hertz", "playing on without the server")?;

    let address = url.trim_start_matches("ws://");
    let deadline = Instant::now() + DEADLINE;
    let _server = loop {
        // Somebody may have the port for a moment.
        match Server::start(options, address, &key) {
            Err(_) if Instant::now() < deadline => std::thread::sleep(LOOK),
            started => break started?,
        }
    };
    let is_back = |it: &serde_json::Value| it["server"] == "joined";
    let after = ada.wait("with the new server", is_back)?;
    hertz.wait("with the new server", is_back)?;
    if after["own"] != before["own"] || named(&after, "Hertz").is_none() {
        return Err(format!(
            "the new server has changed who plays; before: {before}; after: {after}"
        ));
    }
    let joule = joining("Joule", &[])?;
    ada.wait("seeing the newcomer move", |it| {
        named(it, "Joule").is_some() && others_move(it, 3)
    })?;
    joule.wait("seeing the others", |it| {
        named(it, "Ada").is_some() && named(it, "Hertz").is_some()
    })?;
    hertz.wait("seeing the newcomer", |it| here(it).count() == 3)?;
    say!("[ci] a server that is killed and started again has its players back, and takes new ones");
    Ok(())
}

/// A signaling server in a process of its own; killed when dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(options: &Options, address: &str, key: &Key) -> Result<Self, String> {
        let program = &options.server;
        let child = Command::new(program)
            .args(["--bind", address, "--key-file"])
            .arg(key.file())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let mut server = Self {
            child,
            url: String::new(),
        };
        let lines = Lines::of(server.child.stdout.take());
        let url = |line: &str| line.strip_prefix("listening on ").map(str::to_owned);
        let url = lines.find(DEADLINE, url);
        server.url = url.ok_or_else(|| format!("no server listens on {address}"))?;
        lines.forget();
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder of the key that both servers have; deleted when dropped.
struct Key(PathBuf);

impl Key {
    fn new() -> io::Result<Self> {
        let name = format!("examples-check-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn file(&self) -> PathBuf {
        self.0.join("key")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let _already_gone = std::fs::remove_dir_all(&self.0);
    }
}
