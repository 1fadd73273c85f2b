//! The public list, over real sockets.

use signaling::{LobbyList, LobbyQuery};
use signaling_server::{Admission, Config, Pass, Refusal, Server};

use crate::peer::*;

/// Makes a lobby that is on the list and has these data.
async fn host(server: &Server, path: &str, name: &str, data: &str) -> Peer {
    let mut host = Peer::connect_to(&format!("ws://{}{path}", server.local_addr())).await;
    let join = format!(r#"{{"type":0,"id":0,"data":"{name}","v":1,"max":4,"list":1}}"#);
    host.send(&join).await;
    while ids(&host.text().await).0 != 0 {}
    let data = data.replace('"', "\\\"");
    host.send(&notice(40, 0, &data)).await;
    assert_eq!(ids(&host.text().await).0, 40);
    host
}

/// The answer to a query.
async fn list(server: &Server, query: &LobbyQuery) -> LobbyList {
    let answer = get(server.local_addr(), &query.path()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    LobbyList::parse(body).expect("a list")
}

fn codes(list: &LobbyList) -> Vec<&str> {
    list.lobbies.iter().map(|lobby| &*lobby.code).collect()
}

#[tokio::test]
async fn the_list_is_paged_and_filtered() {
    let server = server(quick()).await;
    let all = LobbyQuery::default();
    assert_eq!(list(&server, &all).await, LobbyList::default());
    let mut hosts = Vec::new();
    for (name, data) in [
        ("a", r#"{"map":"dust","round":1}"#),
        ("b", r#"{"map":"ice"}"#),
        ("c", r#"{"map":"dust"}"#),
    ] {
        hosts.push(host(&server, "/", name, data).await);
    }
    let whole = list(&server, &all).await;
    assert_eq!(codes(&whole), ["c", "b", "a"]);
    let oldest = &whole.lobbies[2];
    assert_eq!((oldest.players, oldest.max_players), (1, 4));
    assert_eq!(oldest.data, r#"{"map":"dust","round":1}"#);

    let two = LobbyQuery {
        limit: Some(2),
        ..LobbyQuery::default()
    };
    let first = list(&server, &two).await;
    assert_eq!(codes(&first), ["c", "b"]);
    let cursor = first.next;
    let second = list(&server, &LobbyQuery { cursor, ..two }).await;
    assert_eq!((codes(&second), second.next.is_none()), (vec!["a"], true));

    let filter = r#"{"map":"dust"}"#.to_owned();
    let dust = list(&server, &LobbyQuery { filter, ..all }).await;
    assert_eq!(codes(&dust), ["c", "a"]);
    for wrong in ["limit=x", "cursor=x", "filter=x", "filter=%ff"] {
        let answer = get(server.local_addr(), &format!("/lobbies?{wrong}")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{wrong}: {answer}");
    }
}

#[tokio::test]
async fn the_list_is_for_those_who_may_join() {
    let admission = Admission::by(|arrival| match arrival.ticket {
        Some("all") => Ok(Pass::anywhere()),
        Some("a") => Ok(Pass::to("a")),
        _ => Err(Refusal::new("Friends only")),
    });
    let config = Config {
        admission: Some(admission),
        allowed_origins: vec!["https://game.example".to_owned()],
        ..quick()
    };
    let server = server(config).await;
    let _hosts = (
        host(&server, "/?ticket=all", "a", "{}").await,
        host(&server, "/?ticket=all", "b", "{}").await,
    );
    let address = server.local_addr();
    let refused = get(address, "/lobbies").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let some = get(address, "/lobbies?ticket=a").await;
    assert!(
        some.contains(r#""a""#) && !some.contains(r#""b""#),
        "{some}"
    );

    let of = |origin: &str| {
        format!(
            "GET /lobbies?ticket=all HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\nconnection: close\r\n\r\n"
        )
    };
    let ours = ask(address, &of("https://game.example")).await;
    let allows = "access-control-allow-origin: https://game.example";
    assert!(ours.contains(allows) && ours.contains(r#""b""#), "{ours}");
    let theirs = ask(address, &of("https://evil.example")).await;
    assert!(theirs.starts_with("HTTP/1.1 403"), "{theirs}");
}

#[tokio::test]
async fn an_address_asks_no_faster_than_it_may_join() {
    let mut config = quick();
    config.address.joins_per_second = 1;
    config.address.join_burst = 3;
    let server = server(config).await;
    for _ in 0..1000 {
        let answer = get(server.local_addr(), "/lobbies").await;
        if answer.starts_with("HTTP/1.1 429") {
            return;
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    panic!("it is never refused");
}

#[tokio::test]
async fn a_socket_may_be_opened_on_the_path_of_the_list() {
    let server = server(quick()).await;
    let mut peer = Peer::connect_to(&format!("ws://{}/lobbies", server.local_addr())).await;
    peer.send(JOIN).await;
    assert_eq!(ids(&peer.text().await), (1, 1));
}
