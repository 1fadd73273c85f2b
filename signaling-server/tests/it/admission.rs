//! Tickets, a judgement of the application, and TURN credentials, over real sockets.

use std::io::ErrorKind;
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use signaling_server::{Admission, Config, Pass, Refusal, Server, TicketKeys, TurnAccess};

use crate::peer::*;

pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OURS: &str = r#"{"type":0,"id":0,"data":"demo","v":1}"#;
const NEEDED: &str = "4005 A ticket is needed";

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock").as_secs()
}

/// A ticket with these claims.
fn ticket(claims: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(KEY).expect("base64"));
    let parts = [r#"{"alg":"HS256"}"#, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = parts.join(".");
    let mac = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

pub(crate) fn for_an_hour() -> String {
    ticket(&format!(r#"{{"exp":{}}}"#, now() + 3600))
}

fn with_tickets(config: Config) -> Config {
    let keys = TicketKeys::from_base64([KEY]).expect("a key");
    Config {
        admission: Some(Admission::by_tickets(keys)),
        ..config
    }
}

async fn arrive(server: &Server, ticket: &str) -> Peer {
    let url = format!("ws://{}/?ticket={ticket}", server.local_addr());
    Peer::connect_to(&url).await
}

#[tokio::test]
async fn only_a_ticket_lets_in() {
    let server = server(with_tickets(quick())).await;
    let mut stranger = Peer::connect(&server).await;
    stranger.send(JOIN).await;
    assert_eq!(stranger.close().await, NEEDED);

    let mut host = arrive(&server, &for_an_hour()).await;
    host.send(JOIN).await;
    assert_eq!(ids(&host.text().await), (1, 1));

    // The signature is that of another ticket.
    let good = for_an_hour();
    let (_, signature) = good.rsplit_once('.').expect("three parts");
    let other = ticket(r#"{"exp":99999999999}"#);
    let (claims, _) = other.rsplit_once('.').expect("three parts");
    let mut forger = arrive(&server, &format!("{claims}.{signature}")).await;
    forger.send(JOIN).await;
    let words = "4005 The ticket is not signed for this server";
    assert_eq!(forger.close().await, words);

    let elsewhere = ticket(&format!(r#"{{"exp":{},"lobby":"x"}}"#, now() + 3600));
    let mut lost = arrive(&server, &elsewhere).await;
    lost.send(JOIN).await;
    assert_eq!(lost.close().await, "4005 The ticket is for another lobby");
}

#[tokio::test]
async fn a_ticket_in_a_header_is_as_good() {
    let server = server(with_tickets(quick())).await;
    let url = format!("ws://{}/", server.local_addr());
    let value = format!("Bearer {}", for_an_hour()).leak();
    let peer = Peer::request(&url, &[("authorization", value)]).await;
    let mut peer = peer.expect("a socket");
    peer.send(JOIN).await;
    assert_eq!(ids(&peer.text().await), (1, 1));
}

/// The seat was proven when it was given.
#[tokio::test]
async fn who_comes_back_to_a_seat_needs_no_ticket_and_nothing_else_goes_without() {
    let server = server(with_tickets(quick())).await;
    let mut member = arrive(&server, &for_an_hour()).await;
    member.send(OURS).await;
    assert_eq!(ids(&member.text().await), (1, 1));
    let welcome = member.text().await;
    let (_, token) = welcome.split_once(r#""data":""#).expect("a token");
    let token = token.trim_end_matches(r#""}"#).to_owned();
    drop(member);
    let with_token =
        |token: &str| format!(r#"{{"type":0,"id":0,"data":"demo","v":1,"token":"{token}"}}"#);
    let mut back = Peer::connect(&server).await;
    back.send(&with_token(&token)).await;
    assert_eq!(ids(&back.text().await), (1, 1));

    let mut stranger = Peer::connect(&server).await;
    stranger.send(&with_token("guessed")).await;
    let words = "4001 No seat is kept for you any more";
    assert_eq!(stranger.close().await, words);
}

/// A server that keeps no seats does not look at tokens, so one opens nothing.
#[tokio::test]
async fn a_token_is_no_ticket_where_no_seats_are_kept() {
    let config = Config {
        resume_term: Duration::ZERO,
        ..quick()
    };
    let server = server(with_tickets(config)).await;
    let mut stranger = Peer::connect(&server).await;
    stranger
        .send(r#"{"type":0,"id":0,"data":"demo","v":1,"token":"guessed"}"#)
        .await;
    assert_eq!(stranger.close().await, NEEDED);
}

#[tokio::test]
async fn the_application_may_judge() {
    let admission = Admission::by(|arrival| match arrival.request.uri.path() {
        "/friends" => Ok(Pass::to("demo")),
        _ => Err(Refusal::new("Friends only")),
    });
    let server = server(Config {
        admission: Some(admission),
        ..quick()
    })
    .await;
    let mut friend = Peer::connect_to(&format!("ws://{}/friends", server.local_addr())).await;
    friend.send(JOIN).await;
    assert_eq!(ids(&friend.text().await), (1, 1));
    let mut stranger = Peer::connect(&server).await;
    stranger.send(JOIN).await;
    assert_eq!(stranger.close().await, "4005 Friends only");
}

#[tokio::test]
async fn turn_credentials_are_for_those_who_may_join() {
    let urls = ["turn:turn.example:3478".to_owned()];
    let config = Config {
        turn: Some(TurnAccess::new(urls, "north").expect("a secret")),
        ..with_tickets(quick())
    };
    let server = server(config).await;
    let refused = get(server.local_addr(), "/turn").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert!(refused.contains("A ticket is needed"), "{refused}");
    let given = get(
        server.local_addr(),
        &format!("/turn?ticket={}", for_an_hour()),
    )
    .await;
    assert!(given.starts_with("HTTP/1.1 200"), "{given}");
    assert!(given.contains("cache-control: no-store"), "{given}");
    let told = r#"{"iceServers":[{"urls":["turn:turn.example:3478"],"username":""#;
    assert!(given.contains(told), "{given}");
}

#[tokio::test]
async fn who_guesses_for_credentials_is_stopped() {
    let urls = ["turn:turn.example:3478".to_owned()];
    let mut config = Config {
        turn: Some(TurnAccess::new(urls, "north").expect("a secret")),
        ..with_tickets(quick())
    };
    config.address.joins_per_second = 1;
    config.address.join_burst = 3;
    let server = server(config).await;
    let mut guesses = 0;
    let refused = loop {
        let answer = get(server.local_addr(), "/turn?ticket=guess").await;
        if !answer.starts_with("HTTP/1.1 401") {
            break answer;
        }
        assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
        guesses += 1;
        assert!(guesses < 1000, "they are not counted");
    };
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
}

#[tokio::test]
async fn a_page_may_read_its_credentials() {
    let urls = ["turn:turn.example:3478".to_owned()];
    let config = Config {
        turn: Some(TurnAccess::new(urls, "north").expect("a secret")),
        allowed_origins: vec!["https://game.example".to_owned()],
        ..quick()
    };
    let server = server(config).await;
    let of = |origin: &str, method: &str| {
        format!(
            "{method} /turn HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\nconnection: close\r\n\r\n"
        )
    };
    let address = server.local_addr();
    let ours = ask(address, &of("https://game.example", "GET")).await;
    let allows = "access-control-allow-origin: https://game.example";
    assert!(
        ours.starts_with("HTTP/1.1 200") && ours.contains(allows),
        "{ours}"
    );
    let preflight = ask(address, &of("https://game.example", "OPTIONS")).await;
    assert!(preflight.starts_with("HTTP/1.1 204"), "{preflight}");
    assert!(
        preflight.contains("access-control-allow-headers: authorization"),
        "{preflight}"
    );
    let theirs = ask(address, &of("https://evil.example", "GET")).await;
    assert!(
        theirs.starts_with("HTTP/1.1 403") && !theirs.contains("iceServers"),
        "{theirs}"
    );
}

#[tokio::test]
async fn a_strict_server_needs_tickets_too() {
    let config = Config {
        address: quick().address,
        join_deadline: DEADLINE,
        ..Config::strict()
    };
    let server = server(with_tickets(config)).await;
    let mut stranger = Peer::connect(&server).await;
    stranger
        .send(r#"{"type":0,"id":0,"data":"","v":1,"token":"x"}"#)
        .await;
    assert_eq!(stranger.close().await, NEEDED);
}

#[tokio::test]
async fn there_are_no_credentials_where_there_is_no_turn_server() {
    let server = server(quick()).await;
    let answer = get(server.local_addr(), "/turn").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// The issuers of `docs/server.md`, as they stand there.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "it says what it did not try")]
async fn the_documented_issuers_make_tickets() {
    let server = server(with_tickets(quick())).await;
    let page = include_str!("../../../docs/server.md");
    for (language, program, flag) in [("python", "python3", "-c"), ("js", "node", "-e")] {
        let (_, code) = page
            .split_once(&format!("```{language}\n"))
            .expect("an issuer");
        let (code, _) = code.split_once("```").expect("its end");
        let run = Command::new(program)
            .args([flag, code])
            .env("TICKET_KEY", KEY)
            .output();
        let output = match run {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("{program} is not there, so its issuer was not tried");
                continue;
            }
            other => other.expect("a program"),
        };
        let words = String::from_utf8_lossy(&output.stderr);
        // Windows has a program of that name that only says where to get Python.
        assert!(
            cfg!(windows) || output.status.success(),
            "{program}: {words}"
        );
        let ticket = String::from_utf8(output.stdout).expect("text");
        let mut peer = arrive(&server, ticket.trim()).await;
        peer.send(JOIN).await;
        assert_eq!(ids(&peer.text().await).0, 1, "{program}");
    }
}
