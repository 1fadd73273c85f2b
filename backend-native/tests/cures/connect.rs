//! 400 ms to connect (native.md §2, 1 and 2): ICE checks every 200 ms only, and the SCTP INIT waits for the next timer of
//! the core, because it is made by an event that the driver handles after it has flushed.

use std::time::Duration;

use backend_native::testing::Cures;
use tokio::time::Instant;

use crate::support::{Settings, backends, bare, in_memory};

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// From the first call until six ends of channels are open, in timers of the crate: computing takes no time here.
async fn time_to_open(settings: Settings, cures: Cures) -> Duration {
    let (network, options) = in_memory(cures);
    let (a, b, time) = bare(settings, options).await;
    a.connection.close().await.unwrap();
    b.connection.close().await.unwrap();
    assert_eq!(network.sockets(), 0);
    time
}

/// The second round alone, without reading one at a time.
const SECOND_ROUND: Cures = Cures {
    second_round: true,
    ..Cures::NONE
};

const CHECKS: Settings = Settings {
    check_interval: Settings::ALL.check_interval,
    ..Settings::NONE
};

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_it_takes_400_ms_and_more() {
    for _ in 0..5 {
        let time = time_to_open(Settings::NONE, Cures::NONE).await;
        assert!(time >= ms(400), "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_faster_checks_alone_the_handshake_waits_for_a_timer() {
    for _ in 0..5 {
        let time = time_to_open(CHECKS, Cures::NONE).await;
        assert!(time >= ms(200), "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_second_round_alone_the_checks_are_slow() {
    for _ in 0..5 {
        let time = time_to_open(Settings::NONE, SECOND_ROUND).await;
        assert!(time >= ms(200), "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_both_it_takes_less_than_150_ms() {
    for _ in 0..20 {
        let time = time_to_open(CHECKS, SECOND_ROUND).await;
        assert!(time < ms(150), "{time:?}");
        let time = time_to_open(Settings::ALL, Cures::default()).await;
        assert!(time < ms(150), "{time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_backend_it_takes_less_than_150_ms() {
    for _ in 0..20 {
        let (_, options) = in_memory(Cures::default());
        let mut pair = backends(options.clone(), options);
        let start = Instant::now();
        pair.a.offer();
        pair.wait_async("both connected", |pair| pair.is_connected())
            .await;
        let time = start.elapsed();
        assert!(time < ms(150), "{time:?}");
    }
}
