//! The clock, the alarm and randomness.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use backend_web::entropy;
use mesh_core::{Backend, Instant};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{Pair, backend};

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

async fn alarm(backend: &mut backend_web::PlatformBackend, deadline: Instant) -> Instant {
    let mut set = false;
    poll_fn(|cx| {
        assert!(backend.poll_event(cx).is_pending());
        if !set {
            set = true;
            backend.set_alarm(Some(deadline));
            return Poll::Pending;
        }
        if backend.now() < deadline {
            return Poll::Pending;
        }
        Poll::Ready(backend.now())
    })
    .await
}

#[wasm_bindgen_test]
async fn an_alarm_rings_at_its_deadline() {
    let mut backend = backend();
    for span in [0, 1, 20, 150].map(Duration::from_millis) {
        let deadline = backend.now() + span;
        let rang = alarm(&mut backend, deadline).await;
        assert!(
            rang - deadline < Duration::from_secs(1),
            "{span:?}: {rang:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn only_the_last_alarm_and_the_last_waker_count() {
    let mut backend = backend();
    let bells: Vec<Arc<Bell>> = (0..2).map(|_| Arc::default()).collect();
    for bell in &bells {
        let waker = Waker::from(Arc::clone(bell));
        let polled = backend.poll_event(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    let now = backend.now();
    backend.set_alarm(Some(now + Duration::from_secs(3600)));
    backend.set_alarm(Some(now + Duration::from_millis(10)));
    backend.set_alarm(Some(now + Duration::from_millis(30)));
    // A timer set in another backend, later than all of them.
    Pair::new().pass(Duration::from_millis(100)).await;
    assert_eq!(bells[0].rung(), 0);
    assert_eq!(bells[1].rung(), 1, "once, however often it was set");
    backend.set_alarm(Some(backend.now() + Duration::from_millis(10)));
    backend.set_alarm(None);
    let waker = Waker::from(Arc::clone(&bells[0]));
    assert!(
        backend
            .poll_event(&mut Context::from_waker(&waker))
            .is_pending()
    );
    Pair::new().pass(Duration::from_millis(50)).await;
    assert_eq!(bells[0].rung(), 0, "taken back");
}

#[wasm_bindgen_test]
async fn an_alarm_that_passed_unheard_wakes_the_next_poll() {
    let mut backend = backend();
    backend.set_alarm(Some(backend.now() + Duration::from_millis(5)));
    Pair::new().pass(Duration::from_millis(50)).await;
    let bell = Arc::<Bell>::default();
    let waker = Waker::from(Arc::clone(&bell));
    assert!(
        backend
            .poll_event(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert_eq!(bell.rung(), 1);
}

#[wasm_bindgen_test]
fn the_clock_starts_somewhere_and_goes_on() {
    let backend = backend();
    let first = backend.now();
    assert!(first > Instant::from_micros(0));
    assert!(backend.now() >= first);
}

#[wasm_bindgen_test]
fn draws_differ() {
    let draws: BTreeSet<u32> = (0..64).map(|_| entropy()).collect();
    assert!(draws.len() > 60, "{draws:?}");
}
