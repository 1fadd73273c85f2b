//! The migration example: everything by hand, in a lobby with chats that leave it to a session.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "chat/process.rs"]
#[expect(dead_code, reason = "the chat's own tests need more of it")]
mod process;

use signaling_server::{Config, Server};

use crate::process::Chat;

/// In a lobby of this name on that server.
fn by_hand(url: &str) -> Chat {
    let mut chat = Chat::start_example("godot_demo", &[url, "demo"]);
    chat.joined();
    chat
}

/// Both ways between two.
fn talk(one: &mut Chat, other: &mut Chat) {
    let (first, second) = (one.id.clone(), other.id.clone());
    one.wait_for(&format!("connected {second}"));
    other.wait_for(&format!("connected {first}"));
    one.type_line("Grüße");
    other.wait_for(&format!("{first} reliable: Grüße"));
    other.type_line("hello");
    one.wait_for(&format!("{second} reliable: hello"));
}

#[test]
fn the_demo_by_hand_talks_with_itself_and_with_the_chat() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime
        .block_on(Server::bind(
            "127.0.0.1:0".parse().unwrap(),
            Config::default(),
        ))
        .unwrap();
    let url = format!("ws://{}", server.local_addr());
    // Each offers once and answers once: the second member offers to the host, and so does the third to both.
    let mut host = by_hand(&url);
    assert_eq!((host.id.as_str(), host.lobby.as_str()), ("1", "demo"));
    let mut chat = Chat::join(&url, &[]);
    talk(&mut host, &mut chat);
    let mut guest = by_hand(&url);
    talk(&mut host, &mut guest);
    talk(&mut guest, &mut chat);

    guest.type_line("the last word");
    guest.close_input();
    assert_eq!(guest.exit_code(), Some(0));
    for other in [&mut host, &mut chat] {
        other.wait_for(&format!("{} reliable: the last word", guest.id));
        let line = other.wait_for_start(&format!("disconnected {}: ", guest.id));
        assert!(line.contains("Closed"), "{line}");
    }

    // The server is needed to meet, not to stay.
    runtime.block_on(server.shutdown());
    host.wait_for_start("signaling lost: ");
    chat.wait_for_start("signaling interrupted: ");
    host.type_line("still here?");
    chat.wait_for("1 reliable: still here?");
}
