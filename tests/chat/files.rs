//! Files between chats in processes of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::process::{Chat, DEADLINE};
use crate::{Signaling, connected_with};

/// A folder of a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("chat-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Makes a file there.
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Bytes in which a part that is lost, doubled or moved shows.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(next).collect()
}

fn send(chat: &mut Chat, verb: &str, path: &Path) {
    chat.type_line(&format!("{verb} {}", path.display()));
}

#[test]
fn a_file_arrives_whole_and_overwrites_nothing() {
    let (from, to) = (Folder::new("from"), Folder::new("to"));
    to.file("map.png", b"mine");
    let map = noise(3_000_000);
    let path = from.file("map.png", &map);

    let signaling = Signaling::start();
    let downloads = to.0.to_str().unwrap();
    let [mut host, mut other] = connected_with(&signaling, &["--downloads", downloads]);
    let id = other.id.clone();
    send(&mut host, "/send", &path);
    host.wait_for(&format!("sending \"map.png\" to {id}, 3.0 MB: /cancel 1"));
    other.wait_for("peer 1 sends \"map.png\", 3.0 MB: /save 1 or /refuse 1");
    other.wait_for("received \"map.png\" from 1");
    host.wait_for(&format!("sent \"map.png\" to {id}"));
    assert_eq!(to.names(), ["map.png"], "nothing is stored unasked");
    other.type_line("/save");
    let line = other.wait_for_start("saved ");
    assert!(line.ends_with("map (2).png"), "{line}");
    assert!(to.read("map (2).png") == map, "other bytes have arrived");
    assert_eq!(to.read("map.png"), b"mine");
    other.type_line("/save 1");
    other.wait_for("error: no peer has sent a file 1");
}

#[test]
fn files_are_refused_and_cancelled() {
    let (from, to) = (Folder::new("unwanted"), Folder::new("refusing"));
    let large = from.file("large", &noise(10_000_000));
    let small = from.file("small", b"12345");

    let signaling = Signaling::start();
    let downloads = to.0.to_str().unwrap();
    let [mut host, mut second, mut third] = connected_with(&signaling, &["--downloads", downloads]);
    let (to_second, to_third) = (second.id.clone(), third.id.clone());
    // One peer alone is told.
    send(&mut host, &format!("/send-to {to_second}"), &small);
    second.wait_for("received \"small\" from 1");
    second.type_line("/refuse 1");
    second.wait_for("refused \"small\" from 1");
    host.wait_for(&format!("sent \"small\" to {to_second}"));

    // One wants it and one does not. It is wanted before it is there, or after: it is stored.
    send(&mut host, "/send", &large);
    for (other, line) in [
        (
            &mut second,
            "peer 1 sends \"large\", 10.0 MB: /save 2 or /refuse 2",
        ),
        (
            &mut third,
            "peer 1 sends \"large\", 10.0 MB: /save 1 or /refuse 1",
        ),
    ] {
        other.wait_for(line);
    }
    second.type_line("/refuse 2");
    third.type_line("/save 1");
    second.wait_for("refused \"large\" from 1");
    let line = third.wait_for_start("saved ");
    assert!(line.ends_with("large"), "{line}");
    host.wait_for(&format!("sent \"large\" to {to_third}"));
    assert_eq!(to.names(), ["large"]);
    assert!(to.read("large") == noise(10_000_000));
    assert!(
        !third.seen.iter().any(|line| line.contains("small")),
        "{:?}",
        third.seen
    );

    // What waits behind so much has not begun when it is given up.
    let line = |path: &Path| format!("/send-to {to_third} {}\n", path.display());
    let lines = line(&large).repeat(4) + &line(&small) + "/cancel 8\n/cancel 8\n";
    host.type_bytes(lines.as_bytes());
    host.wait_for(&format!("cancelled \"small\" to {to_third}"));
    host.wait_for("error: no such file of ours is on its way");
}

#[test]
fn who_leaves_at_the_end_of_input_sends_its_files_first() {
    let (from, to) = (Folder::new("leaver"), Folder::new("stayer"));
    let bytes = noise(3_000_000);
    let path = from.file("last words", &bytes);

    let signaling = Signaling::start();
    let arguments = ["--exit-on-eof", "--downloads", to.0.to_str().unwrap()];
    let [mut leaver, mut other] = connected_with(&signaling, &arguments);
    send(&mut leaver, "/send", &path);
    leaver.close_input();
    assert_eq!(leaver.exit_code(), Some(0));
    // What is there is kept when its sender has gone.
    other.wait_for_start("disconnected 1: ");
    other.type_line("/save");
    other.wait_for_start("saved ");
    assert!(to.read("last words") == bytes);
}

#[test]
fn what_cannot_be_sent_is_said() {
    let from = Folder::new("faults");
    let path = from.file("a.txt", b"12345");
    let huge = from.0.join("huge");
    fs::File::create(&huge)
        .unwrap()
        .set_len(16 * 1024 * 1024 + 1)
        .unwrap();

    let signaling = Signaling::start();
    let mut alone = Chat::join(&signaling.url(), &[]);
    send(&mut alone, "/send", &path);
    alone.wait_for("error: nobody is connected");
    send(&mut alone, "/send-to 12345", &path);
    alone.wait_for("error: \"a.txt\" is not sent to 12345: peer 12345 is not connected");
    send(&mut alone, "/send", &huge);
    let path = huge.display();
    alone.wait_for(&format!("error: {path} has more than 16.7 MB"));
    alone.type_line("/send");
    alone.wait_for("error: usage: /send FILE or /send-to ID FILE");
    alone.type_line("/save");
    alone.wait_for("error: no file waits");

    let mut chat = Chat::start(&["--downloads", "no-such-folder"]);
    assert_eq!(chat.exit_code(), Some(1));
    assert_eq!(chat.rest(), ["error: there is no folder no-such-folder"]);
}

#[test]
fn peers_are_listed_with_what_is_measured_of_their_links() {
    let signaling = Signaling::start();
    let [mut host, mut other] = connected_with(&signaling, &[]);
    let line = format!("peer {} connected, ", other.id);
    let begun = Instant::now();
    // Nothing has been measured in the first moments.
    for round in 0.. {
        host.type_line("/peers");
        host.type_line(&format!("round {round}"));
        other.wait_for(&format!("1 reliable: round {round}"));
        other.type_line(&format!("round {round}"));
        host.wait_for(&format!("{} reliable: round {round}", other.id));
        let mut listed = host.seen.iter().filter(|seen| seen.starts_with(&line));
        if listed.any(|seen| seen.ends_with(" ms, direct")) {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{:?}", host.seen.last());
    }
}
