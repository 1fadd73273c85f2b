//! Tests of the module above.

use std::sync::mpsc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use mesh_core::ConnectionState;
use tokio::runtime::Builder;

use super::*;

const SENDERS: u32 = 4;
const EVENTS: u32 = 250_000;

/// A frame inside a task of `block_on`, while links report: whoever woke that task meanwhile has woken it.
#[test]
fn polling_takes_no_wake_up_of_anybody_else() {
    let (done, is_done) = mpsc::channel();
    // By itself, so that one that is never woken again fails the test instead of holding it.
    thread::spawn(move || {
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let mut backend = PlatformBackend::with_handle(handle, PlatformConfig::default());
        let event = LinkEvent::State {
            link: LinkId {
                slot: 0,
                generation: 0,
            },
            state: ConnectionState::Connecting,
        };
        for _ in 0..SENDERS {
            let (events, event) = (backend.events.clone(), event.clone());
            thread::spawn(move || {
                for _ in 0..EVENTS {
                    events.send(Incoming::Event(event.clone())).ok().unwrap();
                }
            });
        }
        let mut missing = SENDERS * EVENTS;
        runtime.block_on(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            let mut frame = Context::from_waker(Waker::noop());
            while missing > 0 && backend.poll_event(&mut frame).is_ready() {
                missing -= 1;
            }
            if missing == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        done.send(()).unwrap();
    });
    let minute = Duration::from_secs(60);
    assert!(is_done.recv_timeout(minute).is_ok(), "the task is asleep");
}
