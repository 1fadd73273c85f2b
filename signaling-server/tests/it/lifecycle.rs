//! Health, an end in good order, and the server inside other programs.

use std::time::Duration;

use signaling_server::{Config, Server};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::peer::*;

#[tokio::test]
async fn health_has_figures() {
    let server = server(quick()).await;
    let (_host, _, _) = Peer::join(&server).await;
    let (_guest, _, _) = Peer::join(&server).await;
    let answer = get(server.local_addr(), "/health").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-type: application/json\r\n"),
        "{answer}"
    );
    let body = r#"{"status":"ok","peers":2,"lobbies":1}"#;
    assert!(answer.ends_with(body), "{answer}");
}

#[tokio::test]
async fn nothing_of_those_who_left_is_left_behind() {
    let server = server(quick()).await;
    for round in 0..50 {
        let (host, _, _) = Peer::join(&server).await;
        let (guest, _, _) = Peer::join(&server).await;
        let idle = Peer::connect(&server).await;
        match round % 2 {
            0 => guest.leave().await,
            _ => drop(guest),
        }
        drop(idle);
        host.leave().await;
        let gone = async {
            while !get(server.local_addr(), "/health")
                .await
                .ends_with(r#""peers":0,"lobbies":0}"#)
            {}
        };
        timeout(DEADLINE, gone).await.expect("in time");
    }
    // Sockets that would still live would hold this up until its own deadline.
    let shutdown = timeout(Config::default().shutdown_deadline / 2, server.shutdown());
    shutdown.await.expect("nobody is left");
}

#[tokio::test]
async fn a_request_that_is_no_websocket_is_told_so() {
    let server = server(quick()).await;
    let answer = get(server.local_addr(), "/").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test]
async fn a_shutdown_closes_every_socket_and_frees_the_address() {
    let server = server(quick()).await;
    let addr = server.local_addr();
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, _, _) = Peer::join(&server).await;
    let mut idle = Peer::connect(&server).await;
    let goodbye = "1001 The server is shutting down";
    let ((), ()) = tokio::join!(server.shutdown(), async {
        assert_eq!(host.close().await, goodbye);
        assert_eq!(guest.close().await, goodbye);
        assert_eq!(idle.close().await, goodbye);
    });
    assert!(TcpStream::connect(addr).await.is_err());
    let again = Server::bind(addr, quick())
        .await
        .expect("the address is free");
    let (_host, id, _) = Peer::join(&again).await;
    assert_eq!(id, 1);
}

#[tokio::test]
async fn a_shutdown_waits_for_nobody_for_ever() {
    let server = server(Config {
        close_deadline: Duration::from_secs(3600),
        shutdown_deadline: Duration::from_millis(100),
        ..quick()
    })
    .await;
    let (_deaf, _, _) = Peer::join(&server).await;
    timeout(DEADLINE, server.shutdown()).await.expect("in time");
}

#[tokio::test]
async fn a_dropped_server_lets_go() {
    let server = server(quick()).await;
    let (mut peer, _, _) = Peer::join(&server).await;
    drop(server);
    assert_eq!(peer.close().await, "1001 The server is shutting down");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_with_words() {
    let first = server(quick()).await;
    let addr = first.local_addr();
    let error = Server::bind(addr, quick()).await.expect_err("it is taken");
    let words = error.to_string();
    assert!(
        words.starts_with(&format!("cannot listen on {addr}: ")),
        "{words}"
    );
}

#[tokio::test]
async fn two_servers_in_a_process_do_not_know_each_other() {
    let (one, two) = (server(quick()).await, server(quick()).await);
    for server in [&one, &two] {
        let (peer, id, _) = Peer::join(server).await;
        assert_eq!(id, 1);
        peer.leave().await;
    }
}

#[tokio::test]
async fn it_runs_inside_an_axum_application() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "a game" }))
        .nest("/signaling", signaling_server::router(quick()));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut peer = Peer::connect_to(&format!("ws://{addr}/signaling")).await;
    peer.send(JOIN).await;
    assert_eq!(peer.text().await, notice(1, 1, "true"));
    let health = get(addr, "/signaling/health").await;
    assert!(health.contains(r#""peers":1"#), "{health}");
    assert!(get(addr, "/").await.ends_with("a game"));
    serving.abort();
}

#[tokio::test]
async fn a_server_that_drains_finishes_what_it_has_begun() {
    let server = server(quick()).await;
    let addr = server.local_addr();
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, id, ""));
    let draining = server.drain(DEADLINE);
    let leaving = async {
        while !get(addr, "/health").await.starts_with("HTTP/1.1 503") {}
        let body = r#"{"status":"draining","peers":2,"lobbies":1}"#;
        assert!(get(addr, "/health").await.ends_with(body));
        let mut late = Peer::connect(&server).await;
        late.send(JOIN).await;
        assert_eq!(late.close().await, "1001 The server is shutting down");
        drop(late);
        guest.send(&notice(4, 1, "v=0")).await;
        assert_eq!(host.text().await, notice(4, id, "v=0"));
        guest.leave().await;
        assert_eq!(host.text().await, notice(3, id, ""));
        host.leave().await;
    };
    // It ends with the last of them, long before it has to.
    timeout(DEADLINE / 2, async { tokio::join!(draining, leaving) })
        .await
        .expect("in time");
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_drains_no_longer_than_it_may() {
    let server = server(quick()).await;
    let (mut host, _, _) = Peer::join(&server).await;
    server.drain(Duration::from_millis(10)).await;
    let ((), close) = tokio::join!(server.shutdown(), host.close());
    assert_eq!(close, "1001 The server is shutting down");
}

#[tokio::test]
async fn operators_have_figures_on_an_address_of_their_own() {
    let server = server(Config {
        admin_addr: Some(([127, 0, 0, 1], 0).into()),
        ..quick()
    })
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, id, ""));
    guest.send(&notice(4, 1, "v=0")).await;
    assert_eq!(host.text().await, notice(4, id, "v=0"));
    guest
        .send(r#"{"type":99,"id":0,"data":"of a newer protocol"}"#)
        .await;
    guest.send(JOIN).await;
    assert_eq!(guest.close().await, "4000 Already in a lobby");
    assert_eq!(host.text().await, notice(3, id, ""));

    let addr = server.admin_addr().expect("an address");
    let page = get(addr, "/metrics").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for line in [
        "signaling_peers 1",
        "signaling_members 1",
        "signaling_lobbies 1",
        "signaling_sockets_total 2",
        "signaling_joins_total 2",
        "signaling_relayed_total 1",
        "signaling_unknown_total 1",
        "signaling_closed_total{reason=\"already_in_lobby\"} 1",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} in {page}");
    }
    assert!(!page.contains("demo"), "the name of a lobby is a secret");
    assert!(get(addr, "/health").await.starts_with("HTTP/1.1 200 OK"));
    // Players do not see it.
    let public = get(server.local_addr(), "/metrics").await;
    assert!(public.starts_with("HTTP/1.1 400"), "{public}");
}
