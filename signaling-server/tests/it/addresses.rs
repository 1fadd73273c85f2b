//! What one address may have and do, who is believed about it, and which pages may come.

use std::time::{Duration, Instant};

use signaling_server::{AddressLimits, Config, ForwardedHeader};

use crate::peer::*;

fn limited(address: AddressLimits) -> Config {
    Config { address, ..quick() }
}

#[tokio::test]
async fn sockets() {
    let server = server(limited(AddressLimits {
        sockets: 2,
        ..AddressLimits::unlimited()
    }))
    .await;
    let (first, _, _) = Peer::join(&server).await;
    let (_second, _, _) = Peer::join(&server).await;
    let words = "1008 Too many sockets from your address: at most 2";
    let mut third = Peer::connect(&server).await;
    assert_eq!(third.close().await, words);
    drop(third);
    first.leave().await;
    // It makes room, once the server has seen the end of it.
    loop {
        let mut peer = Peer::connect(&server).await;
        peer.send_anyway(JOIN).await;
        if peer.answer().await != words {
            break;
        }
    }
}

#[tokio::test]
async fn sockets_that_are_not_even_told() {
    let server = server(Config {
        close_deadline: DEADLINE * 10,
        ..limited(AddressLimits {
            sockets: 0,
            ..AddressLimits::unlimited()
        })
    })
    .await;
    let url = format!("ws://{}", server.local_addr());
    let mut told = Vec::new();
    let turned_away = loop {
        match Peer::request(&url, &[]).await {
            Ok(peer) => told.push(peer),
            Err(status) => break status,
        }
    };
    assert_eq!(turned_away, 429);
    assert_eq!(told.len(), 8);
}

#[tokio::test]
async fn joins() {
    let server = server(limited(AddressLimits {
        joins_per_second: 0,
        join_burst: 2,
        ..AddressLimits::unlimited()
    }))
    .await;
    for _ in 0..2 {
        let (peer, _, _) = Peer::join(&server).await;
        peer.leave().await;
    }
    let mut peer = Peer::connect(&server).await;
    peer.send(JOIN).await;
    assert_eq!(
        peer.close().await,
        "1008 Too many joins from your address: at most 0 a second"
    );
}

#[tokio::test]
async fn lobbies() {
    let server = server(limited(AddressLimits {
        lobbies: 1,
        ..AddressLimits::unlimited()
    }))
    .await;
    let (_host, _, _) = Peer::join(&server).await;
    let mut second = Peer::connect(&server).await;
    second.send(&notice(0, 0, "another")).await;
    assert_eq!(
        second.close().await,
        "1008 Too many lobbies made from your address: at most 1"
    );
}

#[tokio::test]
async fn bytes_are_slowed() {
    let server = server(limited(AddressLimits {
        bytes_per_second: 10_000,
        byte_burst: 10_000,
        ..AddressLimits::unlimited()
    }))
    .await;
    let (mut host, _, _) = Peer::join(&server).await;
    let (mut guest, id, _) = Peer::join(&server).await;
    assert_eq!(host.text().await, notice(2, id, ""));
    let start = Instant::now();
    let data = "x".repeat(5000);
    for _ in 0..5 {
        guest.send(&notice(6, 1, &data)).await;
    }
    for _ in 0..5 {
        assert_eq!(host.text().await, notice(6, id, &data));
    }
    assert!(start.elapsed() > Duration::from_secs(1));
}

#[tokio::test]
async fn a_trusted_proxy_says_whose_a_socket_is() {
    for (header, name, values) in [
        (
            ForwardedHeader::XForwardedFor,
            "x-forwarded-for",
            ["192.0.2.1", "9.9.9.9, 192.0.2.1", "192.0.2.2"],
        ),
        (
            ForwardedHeader::Forwarded,
            "forwarded",
            [
                "for=192.0.2.1",
                "for=9.9.9.9, for=192.0.2.1",
                "for=192.0.2.2",
            ],
        ),
    ] {
        let address = AddressLimits {
            sockets: 1,
            ..AddressLimits::unlimited()
        };
        let trusting = server(Config {
            trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
            forwarded_header: header,
            ..limited(address.clone())
        })
        .await;
        let words = "1008 Too many sockets from your address: at most 1";
        let url = format!("ws://{}", trusting.local_addr());
        let mut first = Peer::request(&url, &[(name, values[0])])
            .await
            .expect("a place");
        let mut same = Peer::request(&url, &[(name, values[1])])
            .await
            .expect("words");
        assert_eq!(same.close().await, words);
        let mut other = Peer::request(&url, &[(name, values[2])])
            .await
            .expect("a place");
        for peer in [&mut first, &mut other] {
            peer.send(JOIN).await;
            assert_eq!(ids(&peer.text().await).0, 1);
        }

        let wary = server(limited(address)).await;
        let url = format!("ws://{}", wary.local_addr());
        let _first = Peer::request(&url, &[(name, values[0])])
            .await
            .expect("a place");
        let mut other = Peer::request(&url, &[(name, values[2])])
            .await
            .expect("words");
        assert_eq!(other.close().await, words);
    }
}

#[tokio::test]
async fn pages_of_other_origins() {
    let server = server(Config {
        allowed_origins: vec!["https://game.example".to_owned()],
        ..quick()
    })
    .await;
    let url = format!("ws://{}", server.local_addr());
    let evil = Peer::request(&url, &[("origin", "https://evil.example")]).await;
    assert_eq!(evil.err(), Some(403));
    for headers in [&[("origin", "https://game.example")][..], &[]] {
        let mut peer = Peer::request(&url, headers).await.expect("a place");
        peer.send(JOIN).await;
        assert_eq!(ids(&peer.text().await).0, 1);
    }
}

/// A page asks so whether the server is there. Its browser does not hold that against the next WebSocket.
#[tokio::test]
async fn who_wants_no_socket_is_told_so_and_let_go() {
    let server = server(Config {
        allowed_origins: vec!["https://game.example".to_owned()],
        ..quick()
    })
    .await;
    let of = |origin: &str| format!("HEAD / HTTP/1.1\r\nhost: x\r\n{origin}\r\n");
    let asked = async |origin: &str| ask(server.local_addr(), &of(origin)).await;
    // The answers end, because the server closes the connection.
    let ours = asked("origin: https://game.example\r\n").await;
    assert!(ours.starts_with("HTTP/1.1 400"), "{ours}");
    assert!(
        ours.contains("access-control-allow-origin: https://game.example"),
        "{ours}"
    );
    let native = asked("").await;
    assert!(native.starts_with("HTTP/1.1 400"), "{native}");
    let theirs = asked("origin: https://evil.example\r\nconnection: close\r\n").await;
    assert!(theirs.starts_with("HTTP/1.1 403"), "{theirs}");
    assert!(!theirs.contains("access-control"), "{theirs}");
}
