//! Tests of the module above.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use futures_util::lock::Mutex as FairMutex;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

/// Polls the tasks once, as a socket does.
async fn poll(aboard: &Aboard) {
    poll_fn(|cx| {
        aboard.poll(cx);
        Poll::Ready(())
    })
    .await;
}

fn aboard() -> (Aboard, async_channel::Receiver<Note>) {
    let (notes, noted) = async_channel::unbounded();
    (Aboard::new(true, notes), noted)
}

#[tokio::test]
async fn a_task_aboard_does_not_keep_the_driver_from_the_lock() {
    let (aboard, _noted) = aboard();
    let lock = Arc::new(FairMutex::new(()));
    let held = lock.lock().await;
    let wanted = Arc::clone(&lock);
    aboard.spawn(async move {
        off_board(async move { drop(wanted.lock().await) }).await;
    });
    poll(&aboard).await;

    // The driver is second in line, and polls nothing aboard until it has its turn.
    let wanted = Arc::clone(&lock);
    let driver = tokio::spawn(async move { drop(wanted.lock().await) });
    tokio::task::yield_now().await;
    drop(held);
    let turn = timeout(PATIENCE, driver).await;
    assert!(turn.is_ok(), "the driver never got its turn");
}

#[tokio::test]
async fn what_can_be_done_at_once_needs_no_task() {
    let before = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(off_board(async { 7 }).await, Some(7));
    let after = tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_round_is_due_after_as_many_messages_as_are_handed_out() {
    let (aboard, _noted) = aboard();
    for _ in 1..MESSAGES_A_ROUND {
        aboard.count_message();
    }
    assert!(!aboard.round_due());
    aboard.count_message();
    assert!(aboard.round_due());
    assert!(!aboard.round_due(), "once");
    assert_eq!(aboard.taken(), MESSAGES_A_ROUND as u64);
    for _ in 0..MESSAGES_A_ROUND {
        aboard.count_pulse();
    }
    assert!(aboard.round_due());
    assert_eq!(
        aboard.taken(),
        MESSAGES_A_ROUND as u64,
        "pulses are no messages"
    );
}

#[tokio::test]
async fn whoever_waits_aboard_is_woken_and_run() {
    let (aboard, _noted) = aboard();
    let (sender, receiver) = async_channel::unbounded();
    let seen = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&seen);
    aboard.spawn(async move {
        while receiver.recv().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let driver = aboard.clone();
    let run = tokio::spawn(poll_fn(move |cx| {
        driver.poll(cx);
        match seen.load(Ordering::SeqCst) {
            0..3 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }));
    for _ in 0..3 {
        sender.send(()).await.expect("it listens");
        tokio::task::yield_now().await;
    }
    timeout(PATIENCE, run)
        .await
        .expect("woken")
        .expect("no panic");
}

#[tokio::test]
async fn the_link_hears_when_the_last_socket_is_gone() {
    let (aboard, noted) = aboard();
    let sockets = AboardSockets {
        aboard,
        source: None,
    };
    let bind = || std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let first = sockets.wrap(bind()).expect("a socket");
    let second = sockets.wrap(bind()).expect("a socket");
    drop(first);
    assert!(noted.try_recv().is_err());
    drop(second);
    assert!(matches!(noted.try_recv(), Ok(Note::Stopped)));
}
