//! Groups of so many, over real sockets.

use signaling_server::Server;

use crate::peer::*;

/// Joins with that text, by that path; the peer and its lobby.
async fn join(server: &Server, path: &str, text: &str) -> (Peer, String) {
    let mut peer = Peer::connect_to(&format!("ws://{}{path}", server.local_addr())).await;
    peer.send(text).await;
    loop {
        let told = peer.text().await;
        if ids(&told).0 == 0 {
            return (peer, told);
        }
    }
}

/// Godot's clients say it in the URL, ours in the join.
#[tokio::test]
async fn clients_of_both_kinds_make_a_group() {
    let server = server(quick()).await;
    let ours = r#"{"type":0,"id":0,"data":"demo","v":1,"next":2}"#;
    let (mut one, lobby) = join(&server, "/?next=2", JOIN).await;
    let (mut two, same) = join(&server, "/", ours).await;
    assert_eq!(lobby, same);
    assert_eq!(ids(&one.text().await).0, 2);
    assert_eq!(one.text().await, SEAL);
    assert_eq!(two.text().await, SEAL);
    let (_three, other) = join(&server, "/?next=2", JOIN).await;
    assert_ne!(other, lobby);
}
