//! Ends of links whose path breaks.

use std::time::Duration;

use backend_native::PlatformConfig;
use mesh_core::ConnectionState;

use crate::stage::{Stage, close, close_one, open};
use crate::support::{Pair, RELIABLE};

/// Notices soon that nothing comes any more.
fn watchful() -> PlatformConfig {
    PlatformConfig {
        disconnected_timeout: Duration::from_millis(300),
        keepalive_interval: Duration::from_millis(100),
        ..PlatformConfig::loopback()
    }
}

fn connect(stage: &mut Stage, number: u32) -> &mut Pair {
    let pair = stage.pair_with(&watchful());
    open(pair, number);
    pair.connect();
    pair
}

/// Both are told, and the core ends the links when its window is over.
pub(crate) fn while_idle(stage: &mut Stage, number: u32) {
    let path = stage.path();
    let pair = connect(stage, number);
    path.cut();
    pair.wait("both to notice", |pair| {
        pair.a.state == ConnectionState::Disconnected
            && pair.b.state == ConnectionState::Disconnected
    });
    close(pair);
    path.mend();
}

/// A leave whose last words never arrive, and a side that notices nothing.
pub(crate) fn under_data(stage: &mut Stage, number: u32) {
    let path = stage.path();
    let pair = connect(stage, number);
    path.cut();
    pair.a.send(RELIABLE, vec![0; 60_000]);
    close_one(&mut pair.a, Duration::from_millis(50));
    close(pair);
    path.mend();
}
