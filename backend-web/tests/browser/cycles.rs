//! However a link ends, nothing is left of it: no connection, channel, task or function that the browser could call. Timers and
//! listeners have such a function each.
//!
//! Every kind of end that can be had in a page happens twenty times, or a hundred times where these tests are built with the
//! variable `LEAKS` set: then they make so many connections that Chromium would refuse more if one of them were not freed.

use std::time::Duration;

use backend_web::testing::{Held, held};
use mesh_core::{
    CloseReason, Command, ConnectFailure, IceTransportPolicy, LinkConfig, SdpType, SendLimits,
    SessionDescription,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stranger::Stranger;
use crate::support::{Pair, Peer, RELIABLE, UNRELIABLE, next_turn, specs};

/// How often each kind of end happens.
const CYCLES: u64 = match option_env!("LEAKS") {
    Some(value) if !value.is_empty() => 100,
    _ => 20,
};

/// How many turns of the browser's loop something may take to be gone.
const TURNS: usize = 1000;

/// Has the browser free what nobody can reach, where the test's driver allows it. Chromium refuses to make a connection while
/// there are 500, closed ones that are not yet freed included.
fn collect_garbage() {
    let collect = "if (typeof gc === 'function') gc();";
    let collect = js_sys::Function::new_no_args(collect);
    let _ = collect.call0(&wasm_bindgen::JsValue::UNDEFINED);
}

/// Waits until nothing else is held than this.
async fn settle(expected: Held, what: &str) {
    collect_garbage();
    for _ in 0..TURNS {
        if held() == expected {
            return;
        }
        next_turn().await;
    }
    assert_eq!(held(), expected, "{what}");
}

/// Has an end happen to links of one pair. What is not closed then is closed.
async fn again_and_again(mut cycle: impl AsyncFnMut(&mut Pair, u64)) {
    settle(Held::default(), "other tests left something").await;
    let mut pair = Pair::new();
    let idle = held();
    for round in 0..CYCLES {
        cycle(&mut pair, round).await;
        end(&mut pair).await;
        settle(idle, &format!("after round {round}")).await;
        pair.tamper = str::to_owned;
    }
    drop(pair);
    settle(Held::default(), "after all of them").await;
}

/// Has an end happen to backends, which are gone afterwards.
async fn with_new_backends(mut cycle: impl AsyncFnMut(&mut Pair, u64)) {
    settle(Held::default(), "other tests left something").await;
    for round in 0..CYCLES {
        let mut pair = Pair::new();
        cycle(&mut pair, round).await;
        drop(pair);
        assert_eq!(held().connections, 0, "at once");
        settle(Held::default(), &format!("after round {round}")).await;
    }
}

/// Closes what is open, and makes room for the next links.
async fn end(pair: &mut Pair) {
    for peer in [&mut pair.a, &mut pair.b] {
        if peer.is_open && peer.closed().is_none() {
            peer.close(Duration::ZERO);
        }
    }
    let is_over = |peer: &Peer| !peer.is_open || peer.closed().is_some();
    pair.until("both ends", |a, b| is_over(a) && is_over(b))
        .await;
    for peer in [&mut pair.a, &mut pair.b] {
        peer.renew();
    }
}

fn open(pair: &mut Pair) {
    for peer in [&mut pair.a, &mut pair.b] {
        peer.open(SendLimits::default(), 1 << 20);
    }
}

/// Opens a link with one channel.
fn open_with_channel(peer: &mut Peer, config: LinkConfig) {
    peer.open_link(config, 1 << 20);
    let (link, [spec, ..]) = (peer.link, specs(SendLimits::default()));
    peer.execute(Command::CreateChannel {
        link,
        channel: RELIABLE,
        spec,
    });
}

async fn connect(pair: &mut Pair) {
    open(pair);
    pair.a.offer();
    pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
        .await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_links_that_either_side_closes() {
    again_and_again(async |pair, round| {
        connect(pair).await;
        pair.a.send("hello");
        pair.until("a message", |_, b| b.messages().len() == 1)
            .await;
        let linger = Duration::from_secs(round % 3);
        if round.is_multiple_of(2) {
            pair.a.close(linger);
            pair.until("a's end", |a, b| {
                a.closed().is_some() && b.channels_closed() == 3
            })
            .await;
        } else {
            pair.b.close(linger);
            pair.until("b's end", |a, b| {
                b.closed().is_some() && a.channels_closed() == 3
            })
            .await;
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_links_whose_channels_closed_before() {
    again_and_again(async |pair, round| {
        connect(pair).await;
        let link = pair.a.link;
        for channel in [RELIABLE, UNRELIABLE] {
            pair.a.execute(Command::CloseChannel { link, channel });
        }
        pair.a.execute(Command::RequestStats { link });
        pair.until("two channels to close", |a, b| {
            a.channels_closed() == 2 && b.channels_closed() == 2
        })
        .await;
        // By turns both at once, or one that hears of the other.
        if round.is_multiple_of(2) {
            pair.b.close(Duration::ZERO);
            pair.until("the last channel", |a, _| a.channels_closed() == 3)
                .await;
        }
    })
    .await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_links_that_were_refused_or_not_answered() {
    again_and_again(async |pair, round| {
        open(pair);
        pair.a.offer();
        match round % 3 {
            // It is closed before it has begun.
            0 => {}
            // Nobody answers.
            1 => {
                pair.until_signalled("all candidates", |_| {}, |a| a.has_gathered())
                    .await;
            }
            // One side closes when it has answered.
            _ => {
                pair.until("an answer", |_, b| b.has_described()).await;
                pair.b.close(Duration::ZERO);
            }
        }
    })
    .await;
}

/// The far side is not who the description says it is.
#[wasm_bindgen_test]
async fn nothing_is_left_of_links_whose_keys_do_not_match() {
    again_and_again(async |pair, _| {
        pair.tamper = |sdp| {
            let name = "a=fingerprint:sha-256 ";
            let at = sdp.find(name).expect("a fingerprint") + name.len();
            let wrong = if &sdp[at..at + 2] == "00" { "11" } else { "00" };
            format!("{}{wrong}{}", &sdp[..at], &sdp[at + 2..])
        };
        open(pair);
        pair.a.offer();
        pair.until("one to give up", |a, b| {
            a.closed().is_some() || b.closed().is_some()
        })
        .await;
        assert_eq!(pair.a.opened() + pair.b.opened(), 0);
    })
    .await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_links_that_cannot_be() {
    again_and_again(async |pair, round| {
        if round.is_multiple_of(2) {
            let config = LinkConfig {
                ice_transport_policy: IceTransportPolicy::Relay,
                ..LinkConfig::default()
            };
            open_with_channel(&mut pair.a, config);
            pair.a.offer();
        } else {
            open_with_channel(&mut pair.a, LinkConfig::default());
            let link = pair.a.link;
            pair.a.execute(Command::SetRemote {
                link,
                description: SessionDescription {
                    sdp_type: SdpType::Offer,
                    sdp: String::from("v=0\r\nm=application nonsense\r\n"),
                },
            });
        }
        pair.until("the end", |a, _| a.closed().is_some()).await;
        let reason = pair.a.closed();
        let is_failure = matches!(
            reason,
            Some(CloseReason::Failed(
                ConnectFailure::NoRelay { .. } | ConnectFailure::Description(_)
            ))
        );
        assert!(is_failure, "{reason:?}");
    })
    .await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_links_with_a_full_inbox() {
    again_and_again(async |pair, _| {
        pair.a.open(SendLimits::default(), 1 << 20);
        pair.b.open(SendLimits::default(), 64 * 1024);
        pair.a.offer();
        pair.until("three channels", |a, b| a.opened() == 3 && b.opened() == 3)
            .await;
        pair.b.listens = false;
        for _ in 0..20 {
            pair.a.send(vec![0; 4096]);
        }
        pair.until("the far side to end", |a, _| a.channels_closed() == 3)
            .await;
        pair.b.listens = true;
        pair.until("the reason", |_, b| b.closed().is_some()).await;
        assert_eq!(pair.b.closed(), Some(&CloseReason::InboxFull));
    })
    .await;
}

/// More channels than anybody needs.
///
/// Made when the connection is there: Firefox sometimes never opens channels of which so many were made before.
const FLOOD: &str = "(pc, control) => { \
    control.onopen = () => { for (let n = 0; n < 100; n++) pc.createDataChannel('flood'); }; }";

/// A message that breaks the rules of its kind.
const NONSENSE: &str =
    "(pc, control) => { control.onopen = () => control.send(new Uint8Array([1])); }";

#[wasm_bindgen_test]
async fn nothing_is_left_of_links_to_hostile_peers() {
    again_and_again(async |pair, round| {
        let act = if round.is_multiple_of(2) {
            FLOOD
        } else {
            NONSENSE
        };
        pair.a.open(SendLimits::default(), 1 << 20);
        let stranger = Stranger::offer_to(&mut pair.a, act).await;
        pair.until_signalled(
            "the end",
            |signal| stranger.hear(signal),
            |a| a.closed().is_some(),
        )
        .await;
        stranger.close();
        let reason = pair.a.closed();
        let is_fault = matches!(reason, Some(CloseReason::Protocol(_)));
        assert!(is_fault, "{act} gave {reason:?}");
    })
    .await;
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_handshakes_cut_short() {
    with_new_backends(async |pair, round| {
        open(pair);
        pair.a.offer();
        // A promise of the browser is under way, at another point each time.
        pair.pass(Duration::from_millis(round % 25)).await;
    })
    .await;
}

/// By turns with messages that nobody took, while lingering for nothing, and because the page was left.
#[wasm_bindgen_test]
async fn nothing_is_left_of_backends_that_go_first() {
    settle(Held::default(), "other tests left something").await;
    for round in 0..CYCLES {
        let mut pair = Pair::new();
        connect(&mut pair).await;
        match round % 3 {
            0 => {
                pair.b.listens = false;
                pair.a.send("hello");
                pair.a.close(Duration::from_secs(1));
                // Delivered, as the end of it tells.
                pair.until("the end", |a, _| a.closed().is_some()).await;
            }
            1 => {
                pair.a.send(vec![0; 10_000]);
                pair.a.close(Duration::from_secs(60));
                // The far side goes without having taken anything.
                pair.b.backend = None;
            }
            _ => {
                let event = web_sys::Event::new("pagehide").expect("an event");
                let window = web_sys::window().expect("a page");
                window.dispatch_event(&event).expect("somebody listens");
            }
        }
        drop(pair);
        settle(Held::default(), &format!("after round {round}")).await;
    }
}
