//! What a log must not hold, at whichever level.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::admission::{KEY, for_an_hour};
use crate::broker::Redis;
use crate::cluster::come_back_to;
use crate::peer::*;
use crate::program::{program, signal, start};
use crate::resume::{OURS, enter_at};

const PASSWORD: &str = "PASSWORD-OF-THE-BROKER";
const TURN: &str = "SECRET-OF-THE-TURN-SERVER";
const DESCRIPTION: &str = "DESCRIPTION-WITH-ADDRESSES";
const WORDS: &str = "WORDS-OF-THE-HOST";

/// What a program has logged so far.
struct Log(watch::Receiver<String>);

impl Log {
    fn of(child: &mut Child) -> Self {
        let stderr = child.stderr.take().expect("it is piped");
        let (log, reader) = watch::channel(String::new());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.send_modify(|log| log.extend([&*line, "\n"]));
            }
        });
        Self(reader)
    }

    /// Waits until it says this.
    async fn says(&mut self, words: &str) {
        let said = self.0.wait_for(|log| log.contains(words));
        let said = timeout(DEADLINE, said).await;
        let said = said.expect("in time").is_ok();
        assert!(said, "{words} in {}", *self.0.borrow());
    }

    /// All of it, once the program has ended.
    async fn whole(mut self) -> String {
        let ended = async { while self.0.changed().await.is_ok() {} };
        timeout(DEADLINE, ended).await.expect("in time");
        self.0.borrow().clone()
    }
}

/// The files of secrets.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("signaling-secrets-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_log_at_the_finest_level_holds_no_secret() {
    let Some(mut redis) = Redis::start().await else {
        return;
    };
    redis.protect(PASSWORD).await;
    let folder = Folder::new();
    let mut command = program();
    command
        .args(["--bind", "127.0.0.1:0", "--cluster-bind", "127.0.0.1:0"])
        .args(["--lease", "1s", "--log-format", "json"])
        .args(["--redis", &redis.url_with(PASSWORD)])
        .args(["--turn-url", "turn:turn.example:3478", "--turn-secret-file"])
        .arg(folder.file("turn", TURN))
        .arg("--admission-key-file")
        .arg(folder.file("tickets", KEY))
        .arg("--key-file")
        .arg(folder.0.join("key"))
        .env("RUST_LOG", "trace")
        .stderr(Stdio::piped());
    let (mut child, url) = start(command).await;
    let mut log = Log::of(&mut child);
    let ticket = for_an_hour();
    let with_ticket = format!("{url}/?ticket={ticket}");
    let (mut host, a) = enter_at(&with_ticket, OURS).await;
    let (mut guest, b) = enter_at(&with_ticket, OURS).await;
    assert_eq!(ids(&host.text().await), (2, b.id));
    guest.send(&notice(4, 1, DESCRIPTION)).await;
    assert_eq!(host.text().await, notice(4, b.id, DESCRIPTION));
    // Words that come with an end are told to the member alone.
    host.send(&notice(37, b.id, WORDS)).await;
    assert_eq!(guest.close().await, format!("4003 {WORDS}"));
    // A token that is good, and one that is not.
    drop(host);
    let (host, a) = {
        let (host, back) = come_back_to(&url, &a.token).await;
        (host, [a.token, back.token])
    };
    let forged = format!("{}x", b.token);
    let mut forger = Peer::connect_to(&url).await;
    forger.send(&crate::resume::with_token(&forged)).await;
    assert!(forger.answer().await.starts_with("4001"));
    // A ticket that is good, and one that is not.
    let address = url.strip_prefix("ws://").expect("an address");
    let address = address.parse().expect("an address");
    let page = get(address, &format!("/turn?ticket={ticket}")).await;
    let credential = page
        .split(r#""credential":""#)
        .nth(1)
        .expect("a credential");
    let credential = credential.split('"').next().expect("its end").to_owned();
    let page = get(address, &format!("/turn?ticket={ticket}x")).await;
    assert!(page.starts_with("HTTP/1.1 401"), "{page}");
    // What fails is told, and with which broker is not.
    redis.kill().await;
    log.says("leases are not renewed").await;
    signal(&child, "TERM").await;
    drop(host);
    child.wait().await.expect("it ends");
    let log = log.whole().await;
    let key = std::fs::read_to_string(folder.0.join("key")).expect("it was made");
    let (_, signature) = ticket.rsplit_once('.').expect("three parts");
    let secrets = [
        PASSWORD,
        TURN,
        DESCRIPTION,
        WORDS,
        KEY,
        signature,
        &a[0],
        &a[1],
        &b.token,
        &credential,
        key.trim(),
    ];
    for secret in secrets {
        assert!(secret.len() > 8, "{secret:?}");
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    // It has said something of all that.
    for words in [
        "DEBUG",
        "connected",
        "closed",
        "kicked",
        "no_seat",
        "stopped",
    ] {
        assert!(log.contains(words), "no {words} in {log}");
    }
    for line in log.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
}
