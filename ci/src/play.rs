//! The main job in one command: the page, its server and the signaling server, and the chat in this terminal.

use std::env::consts::EXE_SUFFIX;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use self::check::Check;
use crate::build_web;
use crate::command::CommandLine;
use crate::print::say;
use crate::stage::Stage;
use crate::workspace::Workspace;

mod chat;
mod check;
mod driver;
mod tab;

/// From nothing, on a busy machine.
const BUILD: Duration = Duration::from_secs(25 * 60);
/// How many ports after the first are tried.
const PORTS: u16 = 20;

/// The lobby where nobody names another.
pub(crate) const LOBBY: &str = "demo";

/// How to play.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Where the page is served; from 8080 on the first free one if not given
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Where the signaling server listens; from 9080 on the first free one if not given
    #[arg(long, value_name = "PORT")]
    signaling_port: Option<u16>,
    /// The lobby
    #[arg(long, value_name = "NAME", default_value = LOBBY)]
    pub(crate) lobby: String,
    /// Let two tabs of a headless Chromium and two terminals play, see that it works, and write target/ci/play.png
    #[arg(long)]
    pub(crate) check: bool,
}

/// Builds the chat of the terminal.
pub(crate) fn build() -> Stage {
    // With `--workspace` the features, and so the builds of heavy dependencies, are those of the tests.
    let command = CommandLine::cargo(&["build", "--workspace", "--example", "chat"]);
    Stage::check("build of the chat", BUILD, command)
}

/// The program that [`build`] makes.
fn program(workspace: &Workspace) -> PathBuf {
    let examples = workspace.target_directory.join("debug/examples");
    examples.join(format!("chat{EXE_SUFFIX}"))
}

/// Hands the terminal over to the chat, which serves everything. Where this is one process becoming another, it returns only
/// what kept it from that.
pub(crate) fn run(options: &Options, workspace: &Workspace) -> Result<(), String> {
    let signaling = port(options.signaling_port, 9080)?;
    let page = port(options.port, 8080)?;
    let folder = build_web::folder(workspace);
    let command = CommandLine::new(
        &program(workspace).to_string_lossy(),
        &[
            "--host",
            &signaling.to_string(),
            "--page",
            &folder.to_string_lossy(),
            "--page-at",
            &page.to_string(),
            "--lobby",
            &options.lobby,
        ],
    );
    say!(
        "\n[ci] open the page that is named below; type here to talk; /quit or Ctrl-C ends everything\n"
    );
    replace(command)
}

/// The wanted port, which must be free, or the first free one from `first` on.
fn port(wanted: Option<u16>, first: u16) -> Result<SocketAddr, String> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = wanted {
        return match TcpListener::bind(local(port)) {
            Ok(_) => Ok(local(port)),
            Err(error) => Err(format!("port {port} cannot be had: {error}")),
        };
    }
    let mut candidates = (first..=first.saturating_add(PORTS)).map(local);
    candidates
        .find(|&address| TcpListener::bind(address).is_ok())
        .ok_or_else(|| format!("no port from {first} on is free; name one (cargo ci play --help)"))
}

/// One process fewer that could outlive the other; signals and the terminal are the chat's.
#[cfg(unix)]
fn replace(command: CommandLine) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let error = command.to_std().exec();
    Err(format!("`{command}` could not be started: {error}"))
}

/// Elsewhere the chat is a child that gets the terminal's Ctrl-C as well.
#[cfg(not(unix))]
fn replace(command: CommandLine) -> Result<(), String> {
    match command.to_std().status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{command}`: {status}")),
        Err(error) => Err(format!("`{command}` could not be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_port_is_passed_over_or_refused() {
        let busy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = busy.local_addr().unwrap().port();
        let refused = port(Some(taken), 1).unwrap_err();
        assert!(refused.contains(&taken.to_string()), "{refused}");
        assert_ne!(port(None, taken).unwrap().port(), taken);
    }
}
