//! Bulk transfer that stands still (native.md §2.4): a receiver that is late once lets the window fall to zero, and nothing
//! announces that it is open again, so the sender waits for its retransmission timer of a second.
//!
//! The cure is a window larger than what is under way, and a task that takes messages out of the crate whether the
//! application does or not.

use std::time::Duration;

use backend_native::testing::Cures;
use bytes::BytesMut;
use mesh_core::Payload;
use tokio::time::{Instant, sleep};
use webrtc::data_channel::DataChannelEvent;

use crate::backends::RELIABLE;
use crate::support::{Settings, bare, connected_backends, in_memory, within};

const MESSAGE: usize = 16 * 1024;

/// 10 MiB: more than the crate's window of 1 MiB and its queues of 256 messages, less than our window.
const MESSAGES: usize = 640;

/// The receiver is late by so much: long enough for whatever can arrive without it, shorter than any timer of SCTP.
const LATE: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn on_the_bare_crate_a_late_receiver_costs_a_second() {
    let (_, options) = in_memory(Cures::default());
    let settings = Settings {
        window: None,
        ..Settings::ALL
    };
    let (a, b, _) = bare(settings, options).await;

    let from = a.reliable().clone();
    let sending = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            from.send(BytesMut::zeroed(MESSAGE)).await.unwrap();
        }
    });
    sleep(LATE).await;
    let start = Instant::now();
    let receiving = async {
        for _ in 0..MESSAGES {
            let event = b.reliable().poll().await;
            let Some(DataChannelEvent::OnMessage(message)) = event else {
                panic!("{event:?}");
            };
            assert_eq!(message.data.len(), MESSAGE);
        }
    };
    within(Duration::from_secs(120), receiving).await;
    let time = start.elapsed();
    assert!(time >= Duration::from_millis(900), "{time:?}");
    sending.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn with_the_backend_a_late_application_costs_nothing() {
    let (_, options) = in_memory(Cures::default());
    let mut pair = connected_backends(options.clone(), options).await;
    let message = Payload::from(vec![0; MESSAGE]);
    assert_eq!(pair.a.fill(RELIABLE, &message, MESSAGES), MESSAGES);
    sleep(LATE).await;
    let start = Instant::now();
    pair.wait_async("all messages", |pair| pair.b.messages(RELIABLE) == MESSAGES)
        .await;
    let time = start.elapsed();
    assert!(time < Duration::from_millis(100), "{time:?}");
}
