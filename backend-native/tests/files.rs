//! A process that may open no more files.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "test code")]

mod support;

use std::fs::File;
use std::process::Command;

use mesh_core::{CloseReason, ConnectFailure, LinkConfig};
use support::{INBOX, Peer, link, specs};

const CHILD: &str = "BACKEND_NATIVE_FEW_FILES";

/// Runs itself again in a process with few files, because the limit is one of a whole process.
#[test]
fn too_many_open_files_are_told() {
    if std::env::var_os(CHILD).is_some() {
        return with_few_files();
    }
    let program = std::env::current_exe().expect("our own path");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$0\" --nocapture"])
        .arg(program)
        .env(CHILD, "1")
        .output()
        .expect("a shell");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
}

fn with_few_files() {
    let mut peer = Peer::loopback();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    peer.open(link(0), LinkConfig::default(), INBOX, &specs());
    peer.wait("the end", |peer| peer.closed.is_some());
    match &peer.closed {
        Some(CloseReason::Failed(ConnectFailure::Platform(why))) => {
            assert!(why.contains("Too many open files"), "{why}");
        }
        other => panic!("{other:?}"),
    }
}
