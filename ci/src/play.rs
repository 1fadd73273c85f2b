//! The main job in one command: the arena, its page and a signaling server; or a check that plays them and the chat.

use std::env::consts::EXE_SUFFIX;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::build_web;
use crate::command::CommandLine;
use crate::print::say;
use crate::stage::Stage;
use crate::tools::DRIVEN_BROWSERS;
use crate::web::Toolchain;
use crate::workspace::Workspace;

/// From nothing, on a busy machine.
const BUILD: Duration = Duration::from_secs(25 * 60);
const CHECK: Duration = Duration::from_secs(20 * 60);
/// How many ports after the first are tried.
const PORTS: u16 = 20;

/// How to play.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Where the page is served; from 8080 on the first free one if not given
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Where the signaling server listens; from 9080 on the first free one if not given
    #[arg(long, value_name = "PORT")]
    signaling_port: Option<u16>,
    /// Let other machines of the network in, such as a phone
    #[arg(long)]
    lan: bool,
    /// The lobby
    #[arg(long, value_name = "NAME", default_value = "demo")]
    lobby: String,
    /// Let headless browsers, a bot and terminals play, see that it works, and write pictures into target/ci
    #[arg(long)]
    pub(crate) check: bool,
}

/// Builds the arena, and what is beside it: the chat, the server and the check.
pub(crate) fn build() -> Stage {
    // With `--workspace` the features, and so the builds of heavy dependencies, are those of the tests.
    let words =
        "build --workspace --example chat --bin arena --bin signaling-server --bin examples-check";
    let command = CommandLine::cargo(&words.split(' ').collect::<Vec<_>>());
    Stage::check("build of the examples", BUILD, command)
}

/// A program that [`build`] makes.
fn program(workspace: &Workspace, name: &str) -> String {
    let file = workspace.target_directory.join("debug").join(name);
    format!("{}{EXE_SUFFIX}", file.display())
}

/// Plays the arena and the chat without a person. Pages and programs have been built.
pub(crate) fn check(workspace: &Workspace, toolchain: &Toolchain) -> Result<Stage, String> {
    let target = &workspace.target_directory;
    let programs = ["arena", "examples/chat", "signaling-server"];
    let [arena, chat, server] = programs.map(|name| program(workspace, name));
    let pages = build_web::folder(workspace);
    let mut command = CommandLine::new(&program(workspace, "examples-check"), &[])
        .args(&["--arena", &arena, "--chat", &chat, "--server", &server])
        .args(&["--pages", &pages.to_string_lossy()])
        .args(&["--pictures", &target.join("ci").to_string_lossy()]);
    for tool in DRIVEN_BROWSERS {
        let option = format!("--{}", tool.about().name.to_lowercase());
        command = command.arg(option).arg(toolchain.program(*tool)?);
    }
    Ok(Stage::check("play --check", CHECK, command).with_scratch())
}

/// Hands the terminal over to the arena, which serves everything. Where this is one process becoming another, it returns only
/// what kept it from that.
pub(crate) fn run(options: &Options, workspace: &Workspace) -> Result<(), String> {
    let ip = if options.lan {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    let signaling = port(ip, options.signaling_port, 9080)?.to_string();
    let page = port(ip, options.port, 8080)?.to_string();
    let folder = build_web::folder(workspace);
    let command = CommandLine::new(&program(workspace, "arena"), &["--host", &signaling])
        .args(&["--page", &folder.to_string_lossy(), "--page-at", &page])
        .args(&["--lobby", &options.lobby]);
    say!(
        "\n[ci] open the page that is named below in as many tabs as you like; Ctrl-C ends everything\n"
    );
    replace(command)
}

/// The wanted port, which must be free, or the first free one from `first` on.
fn port(ip: Ipv4Addr, wanted: Option<u16>, first: u16) -> Result<SocketAddr, String> {
    let local = |port| SocketAddr::from((ip, port));
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

/// One process fewer that could outlive the other; signals and the terminal are the arena's.
#[cfg(unix)]
fn replace(command: CommandLine) -> Result<(), String> {
    use std::os::unix::process::CommandExt;
    let error = command.to_std().exec();
    Err(format!("`{command}` could not be started: {error}"))
}

/// Elsewhere the arena is a child that gets the terminal's Ctrl-C as well.
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
        let ip = Ipv4Addr::LOCALHOST;
        let busy = TcpListener::bind((ip, 0)).unwrap();
        let taken = busy.local_addr().unwrap().port();
        let refused = port(ip, Some(taken), 1).unwrap_err();
        assert!(refused.contains(&taken.to_string()), "{refused}");
        assert_ne!(port(ip, None, taken).unwrap().port(), taken);
    }
}
