//! The server as a process of its own.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::peer::*;

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signaling-server"));
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// A program that listens, and its address.
pub(crate) async fn start(mut command: Command) -> (Child, String) {
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

pub(crate) async fn signal(child: &Child, name: &str) {
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
async fn it_lets_its_members_finish_if_it_is_told_to() {
    let mut command = program();
    command.args(["--bind", "127.0.0.1:0", "--drain", "10m"]);
    let (mut child, url) = start(command).await;
    let mut peer = Peer::connect_to(&url).await;
    peer.send(JOIN).await;
    assert_eq!(peer.text().await, notice(1, 1, "true"));
    assert_eq!(peer.text().await, notice(0, 0, "demo"));
    signal(&child, "TERM").await;
    let refused = "1001 The server is shutting down";
    loop {
        let mut late = Peer::connect_to(&url).await;
        late.send_anyway(&notice(0, 0, "another")).await;
        if late.answer().await == refused {
            break;
        }
    }
    peer.send(SEAL).await;
    assert_eq!(peer.text().await, notice(7, 0, ""));
    peer.leave().await;
    let status = timeout(DEADLINE, child.wait()).await.expect("in time");
    assert!(status.expect("a status").success());
}

#[tokio::test]
async fn it_takes_no_more_than_the_system_lets_it() {
    let mut command = Command::new("sh");
    let script = r#"ulimit -n 200 && exec "$0" --bind 127.0.0.1:0"#;
    command.args(["-c", script, env!("CARGO_BIN_EXE_signaling-server")]);
    command.kill_on_drop(true).stdin(Stdio::null());
    let (_child, url) = start(command).await;
    let mut peers = Vec::new();
    loop {
        let mut peer = Peer::connect_to(&url).await;
        peer.send_anyway(&notice(0, 0, &format!("lobby {}", peers.len() / 50)))
            .await;
        if peer.answer().await == "4000 Too many peers connected" {
            break;
        }
        peers.push(peer);
    }
    assert!(peers.len() > 50, "{}", peers.len());
    // It still answers.
    let addr = url.strip_prefix("ws://").expect("an address");
    let health = get(addr.parse().expect("an address"), "/health").await;
    assert!(health.contains(r#""status":"ok""#), "{health}");
}

#[tokio::test]
async fn it_raises_its_limit_of_files_as_far_as_the_system_lets_it() {
    let mut command = Command::new("sh");
    let script =
        r#"ulimit -n 2000 && ulimit -S -n 200 && exec "$0" --bind 127.0.0.1:0 --log-format json"#;
    command.args(["-c", script, env!("CARGO_BIN_EXE_signaling-server")]);
    command.kill_on_drop(true).stdin(Stdio::null());
    command.stderr(Stdio::piped());
    let (mut child, _) = start(command).await;
    let stderr = child.stderr.take().expect("it is piped");
    let mut lines = BufReader::new(stderr).lines();
    // It says how many it has, because even these are too few for its usual settings.
    loop {
        let line = timeout(DEADLINE, lines.next_line()).await.expect("in time");
        let line = line.expect("text").expect("a line about files");
        if line.contains("the system allows too few files") {
            assert!(line.contains(r#""allowed":2000,"#), "{line}");
            break;
        }
    }
}

#[tokio::test]
async fn it_logs_neither_secrets_nor_descriptions() {
    let mut command = program();
    command
        .args(["--bind", "127.0.0.1:0", "--log-format", "json"])
        .env("RUST_LOG", "trace")
        .stderr(Stdio::piped());
    let (mut child, url) = start(command).await;
    let mut stderr = child.stderr.take().expect("it is piped");
    let reading = tokio::spawn(async move {
        let mut log = String::new();
        stderr.read_to_string(&mut log).await.expect("text");
        log
    });
    let join = notice(0, 0, "SECRET-LOBBY");
    let mut host = Peer::connect_to(&url).await;
    host.send(&join).await;
    assert_eq!(host.text().await, notice(1, 1, "true"));
    let mut guest = Peer::connect_to(&url).await;
    guest.send(&join).await;
    let (_, id) = ids(&guest.text().await);
    guest.send(&notice(4, 1, "SECRET-SDP")).await;
    assert_eq!(host.text().await, notice(0, 0, "SECRET-LOBBY"));
    assert_eq!(host.text().await, notice(2, id, ""));
    assert_eq!(host.text().await, notice(4, id, "SECRET-SDP"));
    // What is wrong with a text is told to whoever sent it, not to the log.
    guest.send(r#""SECRET-TEXT""#).await;
    let told = guest.close().await;
    assert!(told.contains("SECRET-TEXT"), "{told}");
    signal(&child, "TERM").await;
    host.close().await;
    let log = timeout(DEADLINE, reading)
        .await
        .expect("in time")
        .expect("no panic");
    assert!(!log.contains("SECRET"), "{log}");
    assert!(log.contains(r#""reason":"format""#), "{log}");
    for line in log.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
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

#[tokio::test]
async fn its_key_outlives_it() {
    let folder = std::env::temp_dir().join(format!("signaling-key-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).expect("a folder");
    let path = folder.join("key");
    let run = async || {
        let mut command = program();
        command.args(["--bind", "127.0.0.1:0"]);
        command.arg("--key-file").arg(&path);
        start(command).await
    };
    let join = r#"{"type":0,"id":0,"data":"demo","v":1}"#;
    let (mut first, url) = run().await;
    let mut peer = Peer::connect_to(&url).await;
    peer.send(join).await;
    assert_eq!(peer.text().await, notice(1, 1, "true"));
    let welcome = peer.text().await;
    let (_, token) = welcome.split_once(r#""data":""#).expect("a token");
    let token = token.trim_end_matches(r#""}"#);
    first.kill().await.expect("it runs");

    let (_second, url) = run().await;
    let mut peer = Peer::connect_to(&url).await;
    let extension = format!(r#""v":1,"token":"{token}""#);
    peer.send(&join.replace(r#""v":1"#, &extension)).await;
    assert_eq!(peer.text().await, notice(1, 1, "true"));
    let _ = std::fs::remove_dir_all(&folder);
}
