//! Credentials that the signaling server gives.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use backend_native::testing::Cures;
use mesh_core::IceServer;
use signaling_server::{Config, Server, TurnAccess};

use crate::coturn::{Coturn, SECRET};
use crate::support::RELIABLE;
use crate::{no_relay, relayed_by, round_trip};

/// The whole way: the server makes it, coturn takes it, and a relayed link stands. Nobody makes it last longer.
pub(crate) fn a_credential_of_the_signaling_server_is_taken() {
    let turn = Coturn::start_for_credentials();
    let given = ask(&turn);
    let (mut pair, _) = relayed_by(&given, Cures::default());
    round_trip(&mut pair, RELIABLE, 1);

    let prolonged = IceServer {
        username: format!("9{}", given.username),
        ..given
    };
    let (cause, _) = no_relay(prolonged);
    assert!(cause.contains("401"), "{cause}");
}

/// What a signaling server answers to whoever asks for a credential.
fn ask(turn: &Coturn) -> IceServer {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let access = TurnAccess::new([turn.url()], SECRET).expect("a secret");
    let config = Config {
        turn: Some(access),
        ..Config::default()
    };
    let address = ([127, 0, 0, 1], 0).into();
    let server = runtime.block_on(Server::bind(address, config));
    let answer = get(server.expect("a free port").local_addr(), "/turn");
    IceServer::turn(
        field(&answer, r#"["#),
        field(&answer, r#""username":"#),
        field(&answer, r#""credential":"#),
    )
}

/// The text after this.
fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let (_, rest) = answer.rsplit_once(name).expect(name);
    rest.split('"').nth(1).expect("a text")
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a server");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("room");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
