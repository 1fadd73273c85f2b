//! The bytes of packets. Integers are little-endian.

use alloc::vec::Vec;

use bytes::Bytes;
use mesh_core::{PeerId, Target};

use crate::{Generation, IgnoredReason};

const RAW_3: u8 = 4;
const RAW_4: u8 = 3;
const SYS: u8 = 7;

const AUTH: u8 = 0;
const ADD_PEER: u8 = 1;
const DEL_PEER: u8 = 2;
const RELAY: u8 = 3;

/// 4.x keeps the command in three bits and flags of its own in the upper four.
const COMMAND_BITS: u8 = 0b111;

/// The length of every system command but AUTH: command, sub-command, four bytes of peer.
const SYS_LENGTH: usize = 6;

/// The length of what goes before the game's own data.
pub(crate) const RAW_LENGTH: usize = 1;

/// Game data of this size, with all that goes before it, fits a message of 64 KiB. Every peer takes that much unless it says
/// otherwise.
pub(crate) const DATA_BYTES: usize = 60_000;

/// A packet, as far as this crate understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The game's own data, never empty.
    Raw(Bytes),
    /// For a scene tree.
    Scene,
    /// Authentication data; empty data completes the sender's side.
    Auth(Bytes),
    /// The server announces a peer.
    AddPeer(i32),
    /// The server announces the end of a peer.
    DelPeer(i32),
    /// To the server: pass this on to that target. From the server: that peer sent this.
    Relay {
        /// Target or sender.
        peer: i32,
        /// A packet, never empty.
        inner: Bytes,
    },
}

/// Reads a packet.
pub(crate) fn decode(generation: Generation, packet: &Bytes) -> Result<Frame, IgnoredReason> {
    let first = *packet.first().ok_or(IgnoredReason::Empty)?;
    match generation {
        Generation::Godot3 => match first {
            RAW_3 => raw(packet),
            0..RAW_3 => Ok(Frame::Scene),
            command => Err(IgnoredReason::UnknownCommand { command }),
        },
        Generation::Godot4 => match first & COMMAND_BITS {
            RAW_4 => raw(packet),
            SYS => system(packet),
            _ => Ok(Frame::Scene),
        },
    }
}

fn raw(packet: &Bytes) -> Result<Frame, IgnoredReason> {
    if packet.len() < 2 {
        return Err(IgnoredReason::TooShort);
    }
    Ok(Frame::Raw(packet.slice(1..)))
}

fn system(packet: &Bytes) -> Result<Frame, IgnoredReason> {
    let command = *packet.get(1).ok_or(IgnoredReason::TooShort)?;
    if command == AUTH {
        return Ok(Frame::Auth(packet.slice(2..)));
    }
    let peer = packet
        .get(2..SYS_LENGTH)
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_le_bytes)
        .ok_or(IgnoredReason::TooShort)?;
    match command {
        ADD_PEER => Ok(Frame::AddPeer(peer)),
        DEL_PEER => Ok(Frame::DelPeer(peer)),
        RELAY if packet.len() == SYS_LENGTH => Err(IgnoredReason::TooShort),
        RELAY => Ok(Frame::Relay {
            peer,
            inner: packet.slice(SYS_LENGTH..),
        }),
        command => Err(IgnoredReason::UnknownSystemCommand { command }),
    }
}

/// What goes before the game's own data.
pub(crate) const fn raw_header(generation: Generation) -> [u8; RAW_LENGTH] {
    match generation {
        Generation::Godot3 => [RAW_3],
        Generation::Godot4 => [RAW_4],
    }
}

/// What goes before a packet that the server is to pass on to `target`.
pub(crate) const fn relay_header(target: Target) -> [u8; SYS_LENGTH] {
    system_command(RELAY, number_of(target))
}

/// A packet of `from`, as the server passes it on.
pub(crate) fn relayed(from: PeerId, inner: &[u8]) -> Bytes {
    let mut packet = Vec::with_capacity(SYS_LENGTH + inner.len());
    packet.extend_from_slice(&system_command(RELAY, signed(from)));
    packet.extend_from_slice(inner);
    packet.into()
}

/// The announcement of a peer by the server.
pub(crate) fn add_peer(peer: PeerId) -> Bytes {
    Bytes::copy_from_slice(&system_command(ADD_PEER, signed(peer)))
}

/// The announcement of a peer's end by the server.
pub(crate) fn del_peer(peer: PeerId) -> Bytes {
    Bytes::copy_from_slice(&system_command(DEL_PEER, signed(peer)))
}

/// Authentication data; empty data completes the sender's side.
pub(crate) fn auth(data: &[u8]) -> Bytes {
    let mut packet = Vec::with_capacity(2 + data.len());
    packet.extend_from_slice(&[SYS, AUTH]);
    packet.extend_from_slice(data);
    packet.into()
}

const fn system_command(command: u8, peer: i32) -> [u8; SYS_LENGTH] {
    let [a, b, c, d] = peer.to_le_bytes();
    [SYS, command, a, b, c, d]
}

/// Godot's number of a target.
const fn number_of(target: Target) -> i32 {
    match target {
        Target::All => 0,
        Target::One(peer) => signed(peer),
        Target::AllExcept(peer) => -signed(peer),
    }
}

/// An id is at most `i32::MAX`.
const fn signed(peer: PeerId) -> i32 {
    peer.get().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(generation: Generation, packet: &'static [u8]) -> Result<Frame, IgnoredReason> {
        decode(generation, &Bytes::from_static(packet))
    }

    fn four(packet: &'static [u8]) -> Result<Frame, IgnoredReason> {
        read(Generation::Godot4, packet)
    }

    fn three(packet: &'static [u8]) -> Result<Frame, IgnoredReason> {
        read(Generation::Godot3, packet)
    }

    fn peer(id: u32) -> PeerId {
        PeerId::new(id).unwrap()
    }

    #[test]
    fn every_system_command_is_godots() {
        assert_eq!(&auth(b"")[..], [0x07, 0x00]);
        assert_eq!(&auth(b"\x2a\x2b")[..], [0x07, 0x00, 0x2a, 0x2b]);
        let id = peer(0x0403_0201);
        assert_eq!(&add_peer(id)[..], [0x07, 0x01, 0x01, 0x02, 0x03, 0x04]);
        assert_eq!(&del_peer(id)[..], [0x07, 0x02, 0x01, 0x02, 0x03, 0x04]);
        assert_eq!(
            &relayed(id, b"\x03x")[..],
            [0x07, 0x03, 0x01, 0x02, 0x03, 0x04, 0x03, b'x']
        );
        assert_eq!(raw_header(Generation::Godot4), [0x03]);
        assert_eq!(raw_header(Generation::Godot3), [0x04]);
    }

    #[test]
    fn a_relay_header_holds_godots_number_of_the_target() {
        let header = |target| relay_header(target);
        assert_eq!(header(Target::All), [0x07, 0x03, 0, 0, 0, 0]);
        assert_eq!(header(Target::One(peer(5))), [0x07, 0x03, 5, 0, 0, 0]);
        assert_eq!(
            header(Target::AllExcept(peer(5))),
            [0x07, 0x03, 0xfb, 0xff, 0xff, 0xff]
        );
        assert_eq!(
            header(Target::AllExcept(PeerId::SERVER)),
            [0x07, 0x03, 0xff, 0xff, 0xff, 0xff]
        );
        assert_eq!(
            header(Target::One(PeerId::MAX)),
            [0x07, 0x03, 0xff, 0xff, 0xff, 0x7f]
        );
        assert_eq!(
            header(Target::AllExcept(PeerId::MAX)),
            [0x07, 0x03, 0x01, 0x00, 0x00, 0x80]
        );
    }

    #[test]
    fn every_shape_of_4_is_read() {
        assert_eq!(four(b"\x03hi"), Ok(Frame::Raw(Bytes::from_static(b"hi"))));
        assert_eq!(four(b"\x07\x00"), Ok(Frame::Auth(Bytes::new())));
        assert_eq!(
            four(b"\x07\x00pw"),
            Ok(Frame::Auth(Bytes::from_static(b"pw")))
        );
        assert_eq!(four(b"\x07\x01\x02\x00\x00\x00"), Ok(Frame::AddPeer(2)));
        assert_eq!(four(b"\x07\x02\x00\x01\x00\x00"), Ok(Frame::DelPeer(256)));
        assert_eq!(
            four(b"\x07\x03\xfe\xff\xff\xff\x03x"),
            Ok(Frame::Relay {
                peer: -2,
                inner: Bytes::from_static(b"\x03x")
            })
        );
        for scene in [b"\x00", b"\x01", b"\x02", b"\x04", b"\x05", b"\x06"] {
            assert_eq!(four(scene), Ok(Frame::Scene));
        }
    }

    #[test]
    fn the_flags_of_4_do_not_count() {
        assert_eq!(four(b"\xfbhi"), Ok(Frame::Raw(Bytes::from_static(b"hi"))));
        assert_eq!(four(b"\xf7\x00"), Ok(Frame::Auth(Bytes::new())));
    }

    #[test]
    fn what_is_too_short_is_named() {
        assert_eq!(four(b""), Err(IgnoredReason::Empty));
        for short in [
            b"\x03".as_slice(),
            b"\x07",
            b"\x07\x01\x02\x00\x00",
            b"\x07\x02",
            b"\x07\x03\x01\x00\x00\x00",
            b"\x07\x09",
        ] {
            assert_eq!(four(short), Err(IgnoredReason::TooShort), "{short:?}");
        }
        assert_eq!(
            four(b"\x07\x09\x00\x00\x00\x00"),
            Err(IgnoredReason::UnknownSystemCommand { command: 9 })
        );
    }

    #[test]
    fn in_3_the_whole_byte_is_the_command() {
        assert_eq!(three(b"\x04hi"), Ok(Frame::Raw(Bytes::from_static(b"hi"))));
        assert_eq!(three(b"\x04"), Err(IgnoredReason::TooShort));
        assert_eq!(three(b""), Err(IgnoredReason::Empty));
        for scene in [b"\x00", b"\x01", b"\x02", b"\x03"] {
            assert_eq!(three(scene), Ok(Frame::Scene));
        }
        for command in [5, 7, 0x14, 0xff] {
            let packet = Bytes::copy_from_slice(&[command, 0, 0, 0, 0, 0, 0]);
            assert_eq!(
                decode(Generation::Godot3, &packet),
                Err(IgnoredReason::UnknownCommand { command })
            );
        }
    }
}
