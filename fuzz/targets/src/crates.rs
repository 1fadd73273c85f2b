//! What goes to the crates underneath `backend-native` as it comes from the network.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rtc::crypto::default_provider;
use rtc::datachannel::message::Message;
use rtc::dtls::config::{ConfigBuilder, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::Endpoint;
use rtc::mdns::{Mdns, MdnsConfig};
use rtc::sansio::Protocol;
use rtc::shared::marshal::Unmarshal;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// One message of DCEP, with the label of a channel.
pub(crate) fn dcep(input: &[u8]) {
    let _ = Message::unmarshal(&mut Bytes::copy_from_slice(input));
}

/// An answer of multicast DNS, while a name is asked for.
pub(crate) fn mdns(input: &[u8]) {
    let now = Instant::now();
    let mut mdns = Mdns::new(now, MdnsConfig::new());
    let _ = mdns.query_now(now, "d2f5-77.local");
    let _ = mdns.handle_read(TaggedBytesMut {
        now,
        transport: TransportContext {
            local_addr: address(5353),
            peer_addr: address(5353),
            ecn: None,
            transport_protocol: TransportProtocol::UDP,
        },
        message: BytesMut::from(input),
    });
    while mdns.poll_event().is_some() || mdns.poll_write().is_some() {}
}

/// The settings of a DTLS server. A certificate takes long to make.
fn settings() -> Option<Arc<HandshakeConfig>> {
    static SETTINGS: OnceLock<Option<Arc<HandshakeConfig>>> = OnceLock::new();
    let make = || {
        let crypto = default_provider().ok()?;
        let names = vec![String::from("fuzz")];
        let certificate = Certificate::generate_self_signed(names, crypto.crypto()).ok()?;
        let config = ConfigBuilder::default()
            .with_crypto_provider(crypto)
            .with_certificates(vec![certificate])
            .with_insecure_skip_verify(true)
            .build(false, None);
        config.ok().map(Arc::new)
    };
    SETTINGS.get_or_init(make).clone()
}

/// Datagrams to a DTLS server, each after two bytes that say how long it is.
pub(crate) fn dtls(mut input: &[u8]) {
    let Some(settings) = settings() else {
        return;
    };
    let now = Instant::now();
    let mut server = Endpoint::new(address(1), TransportProtocol::UDP, Some(settings));
    while let Some((length, rest)) = input.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (datagram, rest) = rest.split_at(rest.len().min(length));
        let _ = server.read(now, address(2), None, BytesMut::from(datagram));
        let _ = server.handle_timeout(address(2), now);
        while server.poll_transmit().is_some() {}
        input = rest;
    }
}
