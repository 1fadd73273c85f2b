//! What a hostile member sends.

use crate::chance::Chance;
use crate::member::Member;
use crate::packet::{chunk, chunk_that_says, data, forward_tsn};

/// The protocol identifiers of DCEP (RFC 8832), text and binary.
const DCEP: u32 = 50;
const TEXT: u32 = 51;
const BINARY: u32 = 53;

/// The stream of the control channel (docs/wire.md).
const CONTROL: u16 = 1001;

/// How many requests fit into a packet.
const REQUESTS: u16 = 30;

/// Every kind of chunk that the `rtc-sctp` crate knows, three that it does not, and one of each kind of unknown chunk.
const KINDS: [u8; 20] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 64, 77, 128, 130, 192, 200, 255,
];

/// Every kind of parameter that the `rtc-sctp` crate knows, and two that it does not.
const PARAMETERS: [u16; 20] = [
    1, 5, 7, 9, 11, 12, 13, 14, 15, 16, 17, 18, 0x8000, 0x8002, 0x8003, 0x8004, 0x8008, 0xc000,
    0xc006, 0xffff,
];

/// Lengths around what a chunk has, and such that cannot be.
const LENGTHS: [u16; 12] = [0, 1, 3, 4, 5, 8, 12, 16, 20, 24, 1000, u16::MAX];

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// One zero byte where a DCEP message should be, on a stream of its own.
    EmptyDcep,
    /// DCEP messages that are cut short, lie about their lengths, or are of no known type.
    Dcep,
    /// Each kind of chunk with each of some lengths.
    ChunkLengths,
    /// Each kind of parameter with each of some lengths, in chunks that carry parameters.
    ParameterLengths,
    /// FORWARD-TSN 100,000,000 ahead, four times.
    ForwardTsn,
    /// FORWARD-TSN as far ahead as can be: one packet for which the far side computes for many seconds.
    FarForwardTsn,
    /// FORWARD-TSN so far ahead that one alone is cheap, without pause.
    SmallForwardTsns,
    /// Associations beside the one that stands, without pause.
    Associations,
    /// Requests to reset streams, without pause.
    Resets,
    /// Garbage on the three channels of a mesh, as text and as binary.
    Garbage,
    /// Garbage and messages of unknown kinds on the control channel, and then one that breaks the rules of its kind.
    Control,
    /// Requests on the control channel that can be answered at once, without pause. Ask for them with a member that [takes
    /// no more](Member::take_no_more), and the answers pile up.
    Requests,
    /// Protocol identifiers that mean nothing.
    Protocols,
    /// Channels opened in band, without pause.
    Channels,
    /// Acknowledgements of what was never sent.
    Sacks,
    /// Parts of messages that never end.
    Fragments,
    /// Encrypted bytes that are no SCTP.
    Records,
    /// Datagrams that are no DTLS, and such that begin like it.
    Datagrams,
    /// Valid packets with some bytes changed.
    Mutations,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::EmptyDcep,
        Self::Dcep,
        Self::ChunkLengths,
        Self::ParameterLengths,
        Self::ForwardTsn,
        Self::FarForwardTsn,
        Self::SmallForwardTsns,
        Self::Associations,
        Self::Resets,
        Self::Garbage,
        Self::Control,
        Self::Requests,
        Self::Protocols,
        Self::Channels,
        Self::Sacks,
        Self::Fragments,
        Self::Records,
        Self::Datagrams,
        Self::Mutations,
    ];

    /// Sends one burst of it. Ask again for more; how often is up to the caller.
    pub fn burst(self, member: &mut Member, chance: &mut Chance) {
        match self {
            Self::EmptyDcep => member.send_message(7, 0, DCEP, &[0]),
            Self::Dcep => dcep(member, chance),
            Self::ChunkLengths => {
                let kind = KINDS[chance.below(KINDS.len())];
                let body = chance.bytes(16);
                for length in LENGTHS {
                    let flags = chance.bytes(1)[0];
                    member.send_chunks(&chunk_that_says(length, kind, flags, &body));
                }
            }
            Self::ParameterLengths => parameter_lengths(member, chance),
            Self::ForwardTsn => {
                for _ in 0..4 {
                    member.skip_tsn(100_000_000);
                    member.send_chunks(&forward_tsn(member.next_tsn().wrapping_sub(1)));
                }
            }
            Self::FarForwardTsn => {
                member.skip_tsn((1 << 31) - 2);
                member.send_chunks(&forward_tsn(member.next_tsn().wrapping_sub(1)));
            }
            Self::SmallForwardTsns => {
                for _ in 0..50 {
                    member.skip_tsn(3_000_000);
                    member.send_chunks(&forward_tsn(member.next_tsn().wrapping_sub(1)));
                }
            }
            Self::Associations => {
                for _ in 0..50 {
                    let tag = chance.bytes(4);
                    let body = [&tag[..], &[0, 1, 0, 0, 0, 9, 0, 9], &chance.bytes(4)].concat();
                    member.send_packet(0, &chunk(1, 0, &body));
                }
            }
            Self::Resets => {
                for number in 0..50 {
                    let sequence = (member.next_tsn().wrapping_add(number)).to_be_bytes();
                    let last = member.next_tsn().wrapping_sub(1).to_be_bytes();
                    let streams = chance.bytes(2 * chance.clone().below(40));
                    let body = [&sequence[..], &[0; 4], &last, &streams].concat();
                    member.send_chunks(&chunk(130, 0, &parameter(13, &body)));
                }
            }
            Self::Garbage => {
                for stream in 1..=3 {
                    for protocol in [51, 53, 54, 56, 57] {
                        let sequence = chance.bytes(1)[0].into();
                        let count = chance.below(1000);
                        let bytes = chance.bytes(count);
                        member.send_message(stream, sequence, protocol, &bytes);
                    }
                }
            }
            Self::Control => {
                let count = chance.below(1000);
                let mut unknown = chance.bytes(1 + count);
                // No kind of a message begins with it.
                unknown[0] = 3 + chance.below(250) as u8;
                let malformed = [&[1, 0][..], &[1, 0, 1], &[2], &[2, 0, 0, 0]];
                for (protocol, bytes) in [
                    (BINARY, &unknown[..]),
                    (TEXT, &unknown),
                    (BINARY, malformed[chance.below(4)]),
                ] {
                    let message = member.message(CONTROL, protocol, bytes);
                    member.send_chunks(&message);
                }
            }
            Self::Requests => requests(member),
            Self::Protocols => {
                for _ in 0..20 {
                    let stream = chance.below(usize::from(u16::MAX) + 1) as u16;
                    let protocol = (chance.any() >> 32) as u32 >> chance.below(32);
                    let count = chance.below(40);
                    let bytes = chance.bytes(count);
                    member.send_message(stream, 0, protocol, &bytes);
                }
            }
            Self::Channels => {
                for _ in 0..20 {
                    let stream = chance.below(65536) as u16;
                    member.send_message(stream, 0, DCEP, &open(0, 0, 5, 0, b"flood"));
                }
            }
            Self::Sacks => sacks(member, chance),
            Self::Fragments => {
                for _ in 0..20 {
                    let mut part = data(member.next_tsn(), 1, 0, 53, &chance.bytes(1000));
                    // Neither whole, nor the end.
                    part[1] = [0, 2][chance.below(2)];
                    member.skip_tsn(1 + chance.below(2) as u32);
                    member.send_chunks(&part);
                }
            }
            Self::Records => {
                for _ in 0..20 {
                    let count = chance.below(40);
                    let bytes = chance.bytes(count);
                    member.send_record(&bytes);
                }
            }
            Self::Datagrams => {
                for _ in 0..20 {
                    let count = chance.below(80);
                    let mut bytes = chance.bytes(count);
                    if let Some(first) = bytes.first_mut() {
                        *first = [*first, 0, 1, 20, 21, 22, 23, 64, 128][chance.below(9)];
                    }
                    if let Some(version) = bytes.get_mut(1..3) {
                        version.copy_from_slice(&[254, 253]);
                    }
                    member.send_datagram(&bytes);
                }
            }
            Self::Mutations => mutations(member, chance),
        }
    }
}

/// A message that opens a channel.
fn open(kind: u8, reliability: u32, label: u16, protocol: u16, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![3, kind, 1, 0];
    message.extend(reliability.to_be_bytes());
    message.extend(label.to_be_bytes());
    message.extend(protocol.to_be_bytes());
    message.extend(rest);
    message
}

/// Asks to be told when stream 1000 has had no message, which is so from the beginning.
fn requests(member: &mut Member) {
    for _ in 0..10 {
        let mut chunks = Vec::new();
        for _ in 0..REQUESTS {
            // The number of the request is that of the message.
            let number = (member.next_tsn() as u16).to_be_bytes();
            let request = [&[1][..], &number, &[3, 232, 0, 0, 0, 0]].concat();
            chunks.extend(member.message(CONTROL, BINARY, &request));
        }
        member.send_chunks(&chunks);
    }
}

fn dcep(member: &mut Member, chance: &mut Chance) {
    let whole = open(0, 0, 1, 0, b"x");
    let shapes = [
        Vec::new(),
        vec![2],
        vec![2, 0],
        vec![3],
        vec![3, 0],
        whole[..11].to_vec(),
        open(0, 0, u16::MAX, 0, b"x"),
        open(0, 0, 1, u16::MAX, b"x"),
        open(0xff, u32::MAX, 1, 0, b"x"),
        open(0, 0, 2, 0, &[0xff, 0xfe]),
        vec![0x99; 3],
        chance.bytes(12),
    ];
    for shape in shapes {
        // Also on channels that were agreed on before.
        let stream = [1, 2, 3, 7, 8, 65534, 65535][chance.below(7)];
        member.send_message(stream, 0, DCEP, &shape);
    }
}

fn parameter(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + body.len()).unwrap_or(u16::MAX);
    parameter_that_says(length, kind, body)
}

fn parameter_that_says(length: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut parameter = kind.to_be_bytes().to_vec();
    parameter.extend(length.to_be_bytes());
    parameter.extend(body);
    parameter.resize(parameter.len().next_multiple_of(4), 0);
    parameter
}

fn parameter_lengths(member: &mut Member, chance: &mut Chance) {
    let kind = PARAMETERS[chance.below(PARAMETERS.len())];
    for length in LENGTHS {
        let count = chance.below(20);
        let lie = parameter_that_says(length, kind, &chance.bytes(count));
        let init = [&chance.bytes(16)[..], &lie].concat();
        let cause = [&lie[..], &lie].concat();
        for (chunk_kind, body) in [
            (1, &init),
            (2, &init),
            (4, &lie),
            (5, &lie),
            (9, &cause),
            (130, &cause),
        ] {
            // An INIT has no tag.
            let tag = if chunk_kind == 1 { 0 } else { member.tag() };
            member.send_packet(tag, &chunk(chunk_kind, 0, body));
        }
    }
    // It ends the association, so it comes last, and not always.
    if chance.below(4) == 0 {
        member.send_chunks(&chunk(6, 0, &parameter_that_says(3, 12, b"")));
    }
}

fn sacks(member: &mut Member, chance: &mut Chance) {
    for _ in 0..20 {
        let mut body = chance.bytes(8);
        let (gaps, doubles) = (chance.below(300) as u16, chance.below(300) as u16);
        body.extend(gaps.to_be_bytes());
        body.extend(doubles.to_be_bytes());
        body.extend(chance.bytes(4 * usize::from(gaps + doubles)));
        if chance.below(4) == 0 {
            body.truncate(chance.below(body.len()));
        }
        member.send_chunks(&chunk(3, 0, &body));
    }
}

fn mutations(member: &mut Member, chance: &mut Chance) {
    for _ in 0..20 {
        let tsn = member.next_tsn();
        let mut bytes = match chance.below(6) {
            0 => data(tsn, 1, 0, 53, b"hello"),
            1 => data(tsn, 9, 0, DCEP, &open(0, 0, 1, 0, b"x")),
            2 => forward_tsn(tsn.wrapping_add(1)),
            3 => chunk(3, 0, &[0; 16]),
            4 => chunk(130, 0, &parameter(13, &[0; 16])),
            _ => [
                data(tsn, 1, 0, 51, b"a"),
                chunk(4, 0, &parameter(1, &[1; 8])),
            ]
            .concat(),
        };
        for _ in 0..=chance.below(4) {
            let at = chance.below(bytes.len());
            bytes[at] = chance.bytes(1)[0];
        }
        member.send_chunks(&bytes);
    }
}
