//! Tests of the module above.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use futures_util::lock::Mutex as FairMutex;
use tokio::time::timeout;

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

/// Polls the tasks once, with a driver that has nothing to do itself.
async fn poll(aboard: &Aboard) {
    let mut driver = aboard.clone().drive(Box::pin(std::future::pending()));
    poll_fn(|cx| {
        assert!(driver.as_mut().poll(cx).is_pending());
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
    assert!(!aboard.take_round());
    aboard.count_message();
    assert!(aboard.take_round());
    assert!(!aboard.take_round(), "once");
    assert_eq!(aboard.taken(), MESSAGES_A_ROUND as u64);
    for _ in 0..MESSAGES_A_ROUND {
        aboard.count_pulse();
    }
    assert!(aboard.take_round());
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
    let mut driver = aboard.clone().drive(Box::pin(std::future::pending()));
    let run = tokio::spawn(poll_fn(move |cx| {
        assert!(driver.as_mut().poll(cx).is_pending());
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
async fn what_is_woken_aboard_runs_when_the_driver_looks_at_a_socket() {
    let (aboard, _noted) = aboard();
    let sockets = AboardSockets {
        aboard: aboard.clone(),
        source: None,
    };
    let bound = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    bound.set_nonblocking(true).expect("it can");
    let socket = sockets.wrap(bound).expect("a socket");
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    aboard.spawn(async move {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let look = |cx: &mut Context<'_>| {
        let (mut bytes, mut meta) = ([0; 64], [RecvMeta::default()]);
        let polled = socket.poll_recv(cx, &mut [IoSliceMut::new(&mut bytes)], &mut meta);
        assert!(polled.is_pending());
    };
    look(&mut Context::from_waker(Waker::noop()));
    assert_eq!(runs.load(Ordering::SeqCst), 0, "in the middle of a burst");
    poll_fn(|cx| {
        look(cx);
        Poll::Ready(())
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_round_that_becomes_due_away_from_the_sockets_wakes_one() {
    let (aboard, _noted) = aboard();
    let (count, counted) = async_channel::unbounded::<()>();
    let counting = aboard.clone();
    aboard.spawn(async move {
        while counted.recv().await.is_ok() {
            counting.count_message();
        }
    });
    let (sender, woken) = std::sync::mpsc::channel();
    let waker = futures_util::task::waker(Arc::new(Told(sender)));
    aboard.0.socket.register(&waker);
    for _ in 0..MESSAGES_A_ROUND {
        count.send(()).await.expect("it listens");
    }
    poll(&aboard).await;
    assert_eq!(woken.try_recv(), Ok(()));
}

/// Tells when it is woken.
struct Told(std::sync::mpsc::Sender<()>);

impl futures_util::task::ArcWake for Told {
    fn wake_by_ref(told: &Arc<Self>) {
        let _ = told.0.send(());
    }
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
