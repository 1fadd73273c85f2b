//! Clients of Godot's 3.x demo, over real sockets. The client is written from the description of the protocol alone.

use signaling_server::Server;

use crate::peer::*;

/// What the 3.x demo's client does: it makes an offer to each peer with a higher id, and answers those of the others.
struct Godot3 {
    socket: Peer,
    id: u32,
    /// What it was told of peers, in order.
    told: Vec<String>,
}

impl Godot3 {
    async fn join(server: &Server, lobby: &str) -> (Self, String) {
        let mut socket = Peer::connect(server).await;
        socket.send(&format!("J: {lobby}\n")).await;
        let id = socket.text().await;
        let id = id.strip_prefix("I: ").and_then(|id| id.strip_suffix('\n'));
        let id = id.and_then(|id| id.parse().ok()).expect("an id");
        let told = Vec::new();
        let mut client = Self { socket, id, told };
        loop {
            let text = client.socket.text().await;
            if let Some(lobby) = text.strip_prefix("J: ") {
                let lobby = lobby.strip_suffix('\n').expect("a line");
                return (client, lobby.to_owned());
            }
            client.handle(&text).await;
        }
    }

    /// Takes in the next message.
    async fn step(&mut self) {
        let text = self.socket.text().await;
        self.handle(&text).await;
    }

    async fn handle(&mut self, text: &str) {
        let (head, data) = text.split_once('\n').expect("two parts");
        let (letter, id) = head.split_at(3);
        self.told.push(format!("{letter}{id}"));
        let Ok(id) = id.parse::<u32>() else { return };
        match letter {
            "N: " if id > self.id => self.socket.send(&format!("O: {id}\noffer\nof sdp")).await,
            "O: " => {
                assert_eq!(data, "offer\nof sdp");
                self.socket.send(&format!("A: {id}\nanswer")).await;
                self.socket
                    .send(&format!("C: {id}\n\n0\n0\ncandidate:1"))
                    .await;
            }
            "A: " => assert_eq!(data, "answer"),
            "C: " => assert_eq!(data, "\n0\n0\ncandidate:1"),
            "N: " | "D: " | "S: " => assert_eq!(data, ""),
            _ => panic!("a message {text:?}"),
        }
    }
}

#[tokio::test]
async fn the_lower_id_offers() {
    let server = server(quick()).await;
    let (mut host, lobby) = Godot3::join(&server, "demo").await;
    assert_eq!((host.id, &*lobby), (1, "demo"));
    let (mut guest, _) = Godot3::join(&server, "demo").await;
    // The host is told of it and offers, it answers, and each does it once.
    host.step().await;
    guest.step().await;
    host.step().await;
    host.step().await;
    let id = guest.id;
    assert_eq!(
        host.told,
        [format!("N: {id}"), format!("A: {id}"), format!("C: {id}")]
    );
    assert_eq!(guest.told, ["N: 1", "O: 1"]);

    let (mut third, _) = Godot3::join(&server, "demo").await;
    let third_id = third.id;
    host.step().await;
    guest.step().await;
    // Both offer to it if its id is the highest; else it offers to the guest.
    third.step().await;
    match third_id > id {
        true => third.step().await,
        false => guest.step().await,
    }
    let offers = |client: &Godot3| {
        client
            .told
            .iter()
            .filter(|told| told.starts_with('O'))
            .count()
    };
    assert_eq!(offers(&guest) + offers(&third), 3);

    third.socket.leave().await;
    for client in [&mut host, &mut guest] {
        while client.told.last() != Some(&format!("D: {third_id}")) {
            client.step().await;
        }
    }
    host.socket.send("S: \n").await;
    for client in [&mut host, &mut guest] {
        client.step().await;
        assert_eq!(client.told.last().map(String::as_str), Some("S: "));
    }
}

#[tokio::test]
async fn a_lobby_of_one_protocol_is_none_of_the_other() {
    let server = server(quick()).await;
    let (_host, lobby) = Godot3::join(&server, "").await;
    assert_eq!(lobby.len(), 16);
    let mut four = Peer::connect(&server).await;
    four.send(&JOIN.replace("demo", &lobby)).await;
    let words = "4000 Lobby is for clients of Godot 3 alone";
    assert_eq!(four.close().await, words);
    let (_four, _, _) = Peer::join(&server).await;
    let mut three = Peer::connect(&server).await;
    three.send("J: demo\n").await;
    assert_eq!(
        three.close().await,
        "4000 Lobby is not for clients of Godot 3"
    );
}
