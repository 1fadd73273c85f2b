//! Settings that nothing reads (native.md §1): each is set to what would make a connection impossible, and it connects. So
//! the backend chooses the addresses it binds, and offers none of these.

use backend_native::testing::Cures;
use webrtc::peer_connection::{RTCIceCandidateType, SettingEngineBuilder};

use crate::support::{Peer, Settings, connect, in_memory};

async fn connects(engine: fn(SettingEngineBuilder) -> SettingEngineBuilder) {
    let (_, options) = in_memory(Cures::default());
    let a = Peer::with_engine(Settings::ALL, engine, options.clone()).await;
    let b = Peer::with_engine(Settings::ALL, engine, options).await;
    connect(a, b).await;
}

#[tokio::test(start_paused = true)]
async fn include_loopback_candidate() {
    // The peers bind 127.0.0.1.
    connects(|engine| engine.with_include_loopback_candidate(false)).await;
}

#[tokio::test(start_paused = true)]
async fn receive_mtu() {
    connects(|engine| engine.with_receive_mtu(1)).await;
}

#[tokio::test(start_paused = true)]
async fn nat_1to1_ips() {
    const OUTSIDE: &str = "203.0.113.7";
    let (_, options) = in_memory(Cures::default());
    let engine = |engine: SettingEngineBuilder| {
        engine.with_nat_1to1_ips(vec![OUTSIDE.to_owned()], RTCIceCandidateType::Host)
    };
    let mut peer = Peer::with_engine(Settings::ALL, engine, options).await;
    let candidates = peer.gather().await;
    assert!(!candidates.is_empty());
    for candidate in candidates {
        assert!(candidate.contains("127.0.0.1"), "{candidate}");
        assert!(!candidate.contains(OUTSIDE), "{candidate}");
    }
}
