//! The same thing many times, and nothing is left of it.

use std::time::Duration;

use backend_web::testing::{Held, held};
use mesh_core::SendLimits;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{Pair, next_turn};

#[wasm_bindgen_test]
async fn nothing_is_left_of_a_hundred_connections() {
    next_turn().await;
    assert_eq!(held(), Held::default(), "what other tests left");
    let mut pair = Pair::new();
    let idle = held();
    for round in 0..100_u64 {
        pair.a.open(SendLimits::default(), 1 << 20);
        pair.b.open(SendLimits::default(), 1 << 20);
        pair.a.offer();
        pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
            .await;
        pair.a.send("hello");
        pair.until("a message", |_, b| b.messages().len() == 1)
            .await;
        let (leaver, linger) = (round % 2 == 0, Duration::from_secs(round % 3));
        if leaver {
            pair.a.close(linger);
            pair.until("a's end", |a, b| {
                a.closed().is_some() && b.channels_closed() == 3
            })
            .await;
            pair.b.close(linger);
        } else {
            pair.b.close(linger);
            pair.until("b's end", |a, b| {
                b.closed().is_some() && a.channels_closed() == 3
            })
            .await;
            pair.a.close(linger);
        }
        pair.until("both ends", |a, b| {
            a.closed().is_some() && b.closed().is_some()
        })
        .await;
        for peer in [&mut pair.a, &mut pair.b] {
            peer.seen.clear();
            peer.link.generation += 1;
        }
        assert_eq!(held(), idle, "after round {round}");
    }
    drop(pair);
    next_turn().await;
    assert_eq!(held(), Held::default());
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_handshakes_cut_short() {
    next_turn().await;
    for steps in 0..12 {
        let mut pair = Pair::new();
        pair.a.open(SendLimits::default(), 1 << 20);
        pair.b.open(SendLimits::default(), 1 << 20);
        pair.a.offer();
        // A promise of the browser is under way, at another point each time.
        pair.pass(Duration::from_millis(steps)).await;
        drop(pair);
        assert_eq!(held().connections, 0);
        next_turn().await;
        assert_eq!(held(), Held::default(), "after {steps} ms");
    }
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_what_nobody_took() {
    next_turn().await;
    let mut pair = Pair::connected().await;
    pair.b.listens = false;
    pair.a.send("hello");
    pair.a.close(Duration::from_secs(1));
    // Delivered, as the end of it tells.
    pair.until("the end", |a, _| a.closed().is_some()).await;
    drop(pair);
    next_turn().await;
    assert_eq!(held(), Held::default());
}
