//! The server as a process of its own.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::peer::*;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signaling-server"));
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// A program that listens, and its address.
async fn start(mut command: Command) -> (Child, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("it is piped");
    let mut line = String::new();
    let mut stdout = BufReader::new(stdout);
    timeout(DEADLINE, stdout.read_line(&mut line))
        .await
        .expect("in time")
        .expect("a line");
    let url = line.strip_prefix("listening on ").expect("the address");
    assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
    (child, url.trim_end().to_owned())
}

async fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-s", name, &pid]).status().await;
    assert!(sent.expect("kill starts").success());
}

#[tokio::test]
async fn it_stops_in_good_order() {
    for name in ["TERM", "INT"] {
        let mut command = program();
        command.args(["--bind", "127.0.0.1:0"]);
        let (mut child, url) = start(command).await;
        let mut peer = Peer::connect_to(&url).await;
        peer.send(JOIN).await;
        assert_eq!(peer.text().await, notice(1, 1, "true"));
        signal(&child, name).await;
        assert_eq!(peer.close().await, "1001 The server is shutting down");
        let status = timeout(DEADLINE, child.wait()).await.expect("in time");
        assert!(status.expect("a status").success());
    }
}

#[tokio::test]
async fn it_is_set_by_variables() {
    let mut command = program();
    command
        .env("SIGNALING_BIND", "127.0.0.1:0")
        .env("SIGNALING_STRICT", "true");
    let (_child, url) = start(command).await;
    let mut peer = Peer::connect_to(&url).await;
    peer.send(JOIN).await;
    assert_eq!(peer.close().await, "4000 Lobby does not exists");
}

#[tokio::test]
async fn it_says_why_it_cannot_listen() {
    let taken = server(quick()).await;
    let addr = taken.local_addr().to_string();
    let mut command = program();
    command.args(["--bind", &addr]).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stderr = child.stderr.take().expect("it is piped");
    let mut said = String::new();
    let read = stderr.read_to_string(&mut said);
    timeout(DEADLINE, read)
        .await
        .expect("in time")
        .expect("text");
    let status = timeout(DEADLINE, child.wait()).await.expect("in time");
    assert_eq!(status.expect("a status").code(), Some(1));
    let line = format!("error: cannot listen on {addr}: ");
    assert!(said.contains(&line), "{said}");
}
