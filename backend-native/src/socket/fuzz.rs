//! What fuzzing gives to the parsers of this module.

use std::net::SocketAddr;

use super::envelope::content;
use super::handshake::Heard;

/// Datagrams of handshakes, each after a byte that says how long it is, some of them through a TURN server.
pub fn datagrams(mut bytes: &[u8]) {
    let mut heard = Heard::default();
    let from = SocketAddr::from(([192, 0, 2, 1], 9));
    while let Some((&length, rest)) = bytes.split_first() {
        let (datagram, rest) = rest.split_at(rest.len().min(length.into()));
        assert!(content(datagram).len() <= datagram.len());
        let _ = heard.hear(from, datagram);
        bytes = rest;
    }
}
