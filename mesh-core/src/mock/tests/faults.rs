//! Each planted fault shows through the seam, in one tour of all a backend does; and the same tour is always the same.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::duo::{Duo, LINK, ORDERED, Peer, RELIABLE, UNRELIABLE};
use super::wakes::{Counter, poll};
use crate::mock::{BackendId, Fault, Faulty, MockBackend, Network, Recorder, Trace};
use crate::{
    Backend, Command, Duration, LinkConfig, Payload, Reliability, SdpType, SendLimits,
    SessionDescription,
};

const SECOND: Duration = Duration::from_secs(1);

/// Two backends of a kind, and all that went through their seams.
struct Tour<B> {
    duo: Duo<B>,
    ids: [BackendId; 2],
    trace: Trace,
}

impl<B: Backend> Tour<B> {
    fn note(&self, what: &str, value: impl core::fmt::Debug) {
        let now = self.duo.network.now();
        self.trace.line(now, what, format_args!("{value:?}"));
    }

    fn connect(&mut self) {
        for peer in [&mut self.duo.a, &mut self.duo.b] {
            peer.open(LinkConfig::default(), 100_000);
            peer.create_channels(Reliability::Retransmits(0), SendLimits::default());
        }
        self.duo.a.offer();
        self.duo.run(SECOND);
    }

    fn close(&mut self) {
        self.duo.b.close(Duration::ZERO);
        self.duo.run(SECOND);
        self.duo.a.close(Duration::ZERO);
        self.duo.run(SECOND);
    }

    fn messages(&mut self) {
        let payloads = [
            Payload::from(""),
            Payload::from("text"),
            Payload::from(&[1, 2, 3]),
            Payload::from(vec![9; 2000]),
            Payload::from(vec![9; 70_000]),
        ];
        for channel in [RELIABLE, ORDERED, UNRELIABLE] {
            for payload in &payloads {
                let _ = self.duo.a.send(channel, payload.clone());
            }
            self.duo.run(SECOND);
        }
        self.duo
            .a
            .backend
            .execute(Command::RequestStats { link: LINK });
        self.duo.run(SECOND);
    }

    fn buffers(&mut self) {
        let accepted = (0..2000)
            .take_while(|_| self.duo.a.send(UNRELIABLE, vec![0; 1000]).is_ok())
            .count();
        self.note("accepted", accepted);
        let amount = self.duo.a.backend.buffered_amount(LINK, UNRELIABLE);
        self.note("buffered", amount);
        self.duo.b.polls = false;
        self.duo.run(SECOND);
        self.duo.b.polls = true;
        self.duo.run(SECOND);
    }

    fn wakes(&mut self) {
        let wakers: [Arc<Counter>; 3] = Default::default();
        for waker in &wakers {
            poll(&mut self.duo.b.backend, waker);
        }
        let _ = self.duo.a.send(RELIABLE, "wake");
        let due = self.duo.network.now() + SECOND;
        self.duo.network.run_until_idle();
        self.note("woken", wakers.each_ref().map(|waker| waker.count()));
        self.duo.b.drain();
        poll(&mut self.duo.b.backend, &wakers[2]);
        self.duo.b.backend.set_alarm(Some(due));
        self.duo.network.advance(SECOND);
        self.note("rung", wakers.each_ref().map(|waker| waker.count()));
        self.duo.b.backend.set_alarm(None);
    }

    fn overflow(&mut self) {
        self.duo.b.polls = false;
        for _ in 0..300 {
            let _ = self.duo.a.send(RELIABLE, vec![0; 1000]);
        }
        self.duo.run(SECOND);
        self.duo.b.polls = true;
        self.duo.run(SECOND);
    }

    fn farewell(&mut self) {
        for number in 0..10 {
            let _ = self.duo.a.send(RELIABLE, number.to_string());
        }
        self.duo.a.close(Duration::from_millis(200));
        self.duo.run(SECOND);
        self.duo.b.close(Duration::ZERO);
        self.duo.run(SECOND);
    }

    fn garbage(&mut self) {
        self.duo.a.open(LinkConfig::default(), 1000);
        self.duo.a.backend.execute(Command::SetRemote {
            link: LINK,
            description: SessionDescription {
                sdp_type: SdpType::Offer,
                sdp: "garbage".to_string(),
            },
        });
        self.duo.run(SECOND);
        self.duo.a.close(Duration::ZERO);
        self.duo.run(SECOND);
    }

    /// Everything once; what was seen, as text.
    fn run(mut self) -> String {
        self.connect();
        self.messages();
        self.wakes();
        self.buffers();
        self.overflow();
        self.close();
        self.connect();
        self.farewell();
        self.connect();
        self.duo.network.partition(&self.ids[..1], &self.ids[1..]);
        self.duo.run(SECOND * 10);
        self.duo.network.heal();
        self.close();
        self.garbage();
        self.note("usage", self.duo.network.usage());
        self.connect();
        let Duo { network, a, b, .. } = self.duo;
        let mut b: Peer<B> = b;
        drop(a);
        network.advance(SECOND);
        b.drain();
        self.trace.text()
    }
}

fn tour<B: Backend>(dress: impl Fn(MockBackend) -> B) -> String {
    let network = Network::new(5);
    let trace = Trace::new();
    let (a, b) = (network.backend(), network.backend());
    let ids = [a.id(), b.id()];
    let a = Recorder::new("a", dress(a), trace.clone());
    let b = Recorder::new("b", dress(b), trace.clone());
    let duo = Duo::of(network, a, b);
    Tour { duo, ids, trace }.run()
}

#[test]
fn the_same_tour_gives_the_same_text() {
    let text = tour(|backend| backend);
    assert!(text.lines().count() > 100);
    assert_eq!(text, tour(|backend| backend));
}

#[test]
fn without_a_fault_nothing_changes() {
    assert_eq!(tour(|backend| backend), tour(Faulty::new));
}

#[test]
fn each_fault_shows() {
    let faithful = tour(|backend| backend);
    for fault in Fault::ALL {
        let text = catch_unwind(AssertUnwindSafe(|| {
            tour(|backend| Faulty::new(backend).plant(fault))
        }));
        assert_eq!(text.is_err(), fault == Fault::PanicsOnGarbage, "{fault:?}");
        assert_ne!(text.ok().as_ref(), Some(&faithful), "{fault:?} is not seen");
    }
}
