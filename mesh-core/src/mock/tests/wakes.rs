//! Who is woken, and when.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use super::duo::{Duo, RELIABLE};
use crate::mock::Network;
use crate::{Backend, Duration};

#[derive(Default)]
pub(super) struct Counter(AtomicUsize);

impl Counter {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) fn poll(backend: &mut impl Backend, counter: &Arc<Counter>) -> bool {
    let waker = Waker::from(counter.clone());
    matches!(
        backend.poll_event(&mut Context::from_waker(&waker)),
        Poll::Ready(_)
    )
}

#[test]
fn the_last_waker_is_woken_once() {
    let mut duo = Duo::connected(1);
    let (first, last) = (Arc::default(), Arc::default());
    assert!(!poll(&mut duo.b.backend, &first));
    assert!(!poll(&mut duo.b.backend, &last));
    duo.a.send(RELIABLE, "one").unwrap();
    duo.a.send(RELIABLE, "two").unwrap();
    duo.network.run_until_idle();
    assert_eq!((first.count(), last.count()), (0, 1));
    assert!(poll(&mut duo.b.backend, &last));
}

#[test]
fn an_alarm_wakes_at_its_moment_and_only_then() {
    let network = Network::new(1);
    let mut backend = network.backend();
    let counter = Arc::default();
    let start = network.now();
    backend.set_alarm(Some(start + Duration::from_secs(9)));
    backend.set_alarm(Some(start + Duration::from_secs(5)));
    assert!(!poll(&mut backend, &counter));
    assert!(network.step());
    assert_eq!(network.now(), start + Duration::from_secs(5));
    assert_eq!(counter.count(), 1);
    assert!(
        !network.step(),
        "an alarm rings once, and a replaced one never"
    );
}

#[test]
fn an_alarm_that_is_due_already_wakes_at_once() {
    let network = Network::new(1);
    let mut backend = network.backend();
    let counter = Arc::default();
    backend.set_alarm(Some(network.now()));
    assert!(!poll(&mut backend, &counter));
    assert_eq!(counter.count(), 1);
    assert!(!poll(&mut backend, &counter));
    backend.set_alarm(Some(network.now()));
    assert_eq!(counter.count(), 2);
    assert!(!poll(&mut backend, &counter));
    backend.set_alarm(Some(network.now() + Duration::from_secs(1)));
    backend.set_alarm(None);
    assert!(!network.step());
}

#[test]
fn idle_means_nothing_on_its_way() {
    let mut duo = Duo::connected(1);
    let later = duo.network.now() + Duration::from_secs(60);
    duo.a.backend.set_alarm(Some(later));
    duo.a.send(RELIABLE, "one").unwrap();
    let before = duo.network.now();
    duo.network.run_until_idle();
    assert_eq!(
        duo.network.now() - before,
        Duration::from_millis(1),
        "one latency, not the alarm"
    );
}
