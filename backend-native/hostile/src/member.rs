//! The member itself: a socket, a DTLS client, and as much of an SCTP association as keeps the far side listening.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::crypto::{HashAlgorithm, RTCCryptoProvider, default_provider};
use rtc::dtls::config::{ConfigBuilder, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::shared::error::Error;
use thiserror::Error as ThisError;

use crate::chance::Chance;
use crate::ice;
use crate::packet::{chunk, data, packet};

/// How long one turn waits for a datagram.
const TURN: Duration = Duration::from_millis(5);

/// How often the association is asked for again.
const REPEAT: Duration = Duration::from_millis(200);

/// Our verification tag. The far side's packets carry it.
const TAG: u32 = 0x0bad_cafe;

/// The number of our first message.
const FIRST_TSN: u32 = 1_000_000;

/// Why a member could not begin.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum MemberError {
    /// No socket.
    #[error("no socket: {0}")]
    Socket(#[from] io::Error),
    /// No certificate, or no DTLS client.
    #[error("no DTLS: {0}")]
    Dtls(#[from] Error),
    /// No cryptography.
    #[error("no cryptography: {0}")]
    Crypto(#[from] rtc::crypto::CryptoError),
}

/// Where the association is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// DTLS is not there yet.
    Handshake,
    /// Our INIT was not answered yet.
    Asked,
    /// The far side's cookie goes back until it is acknowledged.
    Cookie(Vec<u8>),
    Open,
}

/// One hostile peer.
pub struct Member {
    socket: UdpSocket,
    /// Who asked us last.
    peer: Option<SocketAddr>,
    crypto: Arc<dyn RTCCryptoProvider>,
    config: Arc<HandshakeConfig>,
    dtls: Endpoint,
    stage: Stage,
    repeat_at: Instant,
    /// The tag that the far side wants to see.
    tag: u32,
    /// Of our next message.
    tsn: u32,
    /// Of the next message of each stream.
    sequences: BTreeMap<u16, u16>,
    /// The far side's highest.
    received: u32,
    /// What the far side sends is not acknowledged.
    takes_no_more: bool,
    is_over: bool,
    /// Changes some of what is sent.
    fuzz: Option<Chance>,
}

impl Member {
    /// Answers an offer of the far side. Returns the description to give to it; it holds the one candidate, on loopback.
    ///
    /// # Errors
    ///
    /// [`MemberError`] where there is no socket or no cryptography.
    pub fn answer(offer: &str) -> Result<(Self, String), MemberError> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(TURN))?;
        let local = socket.local_addr()?;
        let crypto = default_provider()?;
        let certificate =
            Certificate::generate_self_signed(vec![String::from("hostile")], crypto.crypto())?;
        let mut fingerprint = Vec::new();
        for part in &certificate.certificate {
            let hash = crypto.crypto().hash(HashAlgorithm::Sha256, part.as_ref())?;
            fingerprint.extend(hash.iter().map(|byte| format!("{byte:02X}")));
        }
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&crypto))
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])
            .with_insecure_skip_verify(true)
            .with_insecure_verification(true)
            .build(true, None)?;
        let member = Self {
            socket,
            peer: None,
            crypto,
            config: Arc::new(config),
            dtls: Endpoint::new(local, TransportProtocol::UDP, None),
            stage: Stage::Handshake,
            repeat_at: Instant::now(),
            tag: 0,
            tsn: FIRST_TSN,
            sequences: BTreeMap::new(),
            received: 0,
            takes_no_more: false,
            is_over: false,
            fuzz: None,
        };
        let description = ice::description(offer, local, &fingerprint.join(":"));
        Ok((member, description))
    }

    /// From now on, every other packet of [`send_packet`](Self::send_packet) is changed at random. Its checksum is right.
    pub fn fuzz(&mut self, chance: Chance) {
        self.fuzz = Some(chance);
    }

    /// Whether the channels are open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether the far side has ended it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The number that the next message would have.
    #[must_use]
    pub const fn next_tsn(&self) -> u32 {
        self.tsn
    }

    /// The far side's verification tag.
    #[must_use]
    pub const fn tag(&self) -> u32 {
        self.tag
    }

    /// Numbers that the far side knows are used up.
    pub const fn skip_tsn(&mut self, count: u32) {
        self.tsn = self.tsn.wrapping_add(count);
    }

    /// From now on nothing that the far side sends is acknowledged.
    pub const fn take_no_more(&mut self) {
        self.takes_no_more = true;
    }

    /// Waits a few milliseconds for a datagram, and answers what must be answered.
    pub fn turn(&mut self) {
        let mut buffer = [0; 2048];
        // At most this many, so that a flood does not hold the caller.
        for _ in 0..64 {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => self.take(&buffer[..length], from),
                Err(_) => break,
            }
        }
        let now = Instant::now();
        if let Some(peer) = self.peer {
            let _ = self.dtls.handle_timeout(peer, now);
        }
        if now >= self.repeat_at {
            self.repeat_at = now + REPEAT;
            match self.stage.clone() {
                Stage::Asked => self.send_packet(0, &init()),
                Stage::Cookie(cookie) => self.send_chunks(&chunk(10, 0, &cookie)),
                Stage::Handshake | Stage::Open => {}
            }
        }
        self.flush();
    }

    /// Takes turns until the channels are open, or for `patience`. Returns whether they are.
    pub fn open(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !self.is_open() && !self.is_over && Instant::now() < deadline {
            self.turn();
        }
        self.is_open()
    }

    /// Sends a message of one chunk.
    pub fn send_message(&mut self, stream: u16, sequence: u16, protocol: u32, payload: &[u8]) {
        let data = data(self.tsn, stream, sequence, protocol, payload);
        self.tsn = self.tsn.wrapping_add(1);
        self.send_chunks(&data);
    }

    /// A message of one chunk for [`send_chunks`](Self::send_chunks), the next one of its stream if all of the stream are made
    /// in this way. Its number is used up.
    pub fn message(&mut self, stream: u16, protocol: u32, payload: &[u8]) -> Vec<u8> {
        let sequence = self.sequences.entry(stream).or_default();
        let data = data(self.tsn, stream, *sequence, protocol, payload);
        *sequence = sequence.wrapping_add(1);
        self.tsn = self.tsn.wrapping_add(1);
        data
    }

    /// Sends chunks in a packet that the far side takes for one of this association.
    pub fn send_chunks(&mut self, chunks: &[u8]) {
        self.send_packet(self.tag, chunks);
    }

    /// Sends chunks with another verification tag.
    pub fn send_packet(&mut self, tag: u32, chunks: &[u8]) {
        let is_open = self.is_open();
        let fuzz = self.fuzz.as_mut().filter(|_| is_open);
        match fuzz.and_then(|chance| mutated(chunks, chance)) {
            Some(changed) => self.send_record(&packet(tag, &changed)),
            None => self.send_record(&packet(tag, chunks)),
        }
    }

    /// Ends the association, so that the far side knows that this member is gone.
    pub fn leave(&mut self) {
        self.fuzz = None;
        self.send_chunks(&chunk(6, 0, &[]));
    }

    /// Sends bytes that need not be SCTP, encrypted.
    pub fn send_record(&mut self, bytes: &[u8]) {
        if let Some(peer) = self.peer {
            let _ = self.dtls.write(Instant::now(), peer, bytes);
            self.flush();
        }
    }

    /// Sends bytes as they are.
    pub fn send_datagram(&mut self, bytes: &[u8]) {
        if let Some(peer) = self.peer {
            let _ = self.socket.send_to(bytes, peer);
        }
    }

    fn take(&mut self, datagram: &[u8], from: SocketAddr) {
        if let Some(answer) = ice::answer(datagram, from, self.crypto.crypto()) {
            let _ = self.socket.send_to(&answer.datagram, from);
            // Before that nobody listens, and DTLS begins again after a second only.
            if answer.is_nominated && self.peer.is_none() {
                self.peer = Some(from);
                let config = Arc::clone(&self.config);
                let _ = self.dtls.connect(Instant::now(), from, config, None);
            }
            return;
        }
        if Some(from) != self.peer {
            return;
        }
        let now = Instant::now();
        let read = self.dtls.read(now, from, None, BytesMut::from(datagram));
        for event in read.unwrap_or_default() {
            match event {
                EndpointEvent::HandshakeComplete => {
                    self.stage = Stage::Asked;
                    self.repeat_at = now;
                }
                EndpointEvent::ApplicationData(bytes) => self.read_packet(&bytes),
                EndpointEvent::PeerClosed => self.is_over = true,
                _ => {}
            }
        }
    }

    fn flush(&mut self) {
        while let Some(transmit) = self.dtls.poll_transmit() {
            let _ = self
                .socket
                .send_to(&transmit.message, transmit.transport.peer_addr);
        }
    }

    fn read_packet(&mut self, packet: &[u8]) {
        let mut rest = packet.get(12..).unwrap_or_default();
        while let [kind, _, high, low, ..] = *rest {
            let length = usize::from(u16::from_be_bytes([high, low])).max(4);
            let body = rest.get(4..length).unwrap_or_default();
            self.read_chunk(kind, body);
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    fn read_chunk(&mut self, kind: u8, body: &[u8]) {
        match kind {
            // DATA
            0 => {
                if let Some(tsn) = number(body, 0)
                    && tsn.wrapping_sub(self.received) < 1 << 31
                {
                    self.received = tsn;
                }
                self.acknowledge();
            }
            // INIT ACK
            2 => {
                let cookie = cookie(body.get(16..).unwrap_or_default());
                if let (Stage::Asked, Some(cookie)) = (&self.stage, cookie) {
                    self.tag = number(body, 0).unwrap_or(0);
                    self.received = number(body, 12).unwrap_or(0).wrapping_sub(1);
                    self.stage = Stage::Cookie(cookie.to_vec());
                    self.repeat_at = Instant::now();
                }
            }
            // HEARTBEAT
            4 => self.send_chunks(&chunk(5, 0, body)),
            // ABORT
            6 => self.is_over = true,
            // COOKIE ACK
            11 => self.stage = Stage::Open,
            _ => {}
        }
    }

    /// So that the far side goes on sending.
    fn acknowledge(&mut self) {
        if self.takes_no_more {
            return;
        }
        let mut body = self.received.to_be_bytes().to_vec();
        body.extend((1_u32 << 20).to_be_bytes());
        body.extend([0; 4]);
        self.send_chunks(&chunk(3, 0, &body));
    }
}

/// Every other time: the bytes with some of them changed, cut short, or with others behind them.
fn mutated(bytes: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    if chance.below(2) == 0 {
        return None;
    }
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        let at = chance.below(bytes.len());
        let any = chance.bytes(1)[0];
        match (chance.below(8), bytes.get_mut(at)) {
            (0, _) => bytes.truncate(at),
            (1, _) => {
                let count = chance.below(40);
                bytes.extend(chance.bytes(count));
            }
            // Numbers at the edges find more than others.
            (2, Some(byte)) => *byte = [0, 1, 0x7f, 0x80, 0xff][chance.below(5)],
            (3, Some(byte)) => *byte ^= 1 << chance.below(8),
            (_, Some(byte)) => *byte = any,
            (_, None) => {}
        }
    }
    Some(bytes)
}

/// Asks for an association, with forward TSN (RFC 3758) and RE-CONFIG (RFC 6525).
fn init() -> Vec<u8> {
    let mut body = TAG.to_be_bytes().to_vec();
    body.extend((1_u32 << 20).to_be_bytes());
    body.extend([0xff; 4]);
    body.extend(FIRST_TSN.to_be_bytes());
    body.extend([0xc0, 0, 0, 4]);
    body.extend([0x80, 8, 0, 6, 130, 192, 0, 0]);
    chunk(1, 0, &body)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The state cookie among the parameters of an INIT ACK.
fn cookie(mut parameters: &[u8]) -> Option<&[u8]> {
    loop {
        let [k0, k1, high, low, ..] = *parameters else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low])).max(4);
        if [k0, k1] == [0, 7] {
            return parameters.get(4..length);
        }
        parameters = parameters.get(length.next_multiple_of(4)..)?;
    }
}
