//! Our side: `Multiplayer` over `PlatformBackend`, through the public API alone.

use std::future::{Future, poll_fn};
use std::task::Poll;

use backend_web::{PlatformBackend, PlatformConfig};
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, TryFutureExt, TryStreamExt};
use mesh_core::{
    ChannelLimits, ConnectionId, Event, LinkConfig, MeshConfig, ModeLimits, Multiplayer, Packet,
    PeerId, SendLimits, Signal, TransferMode,
};
use wasm_bindgen::JsValue;

use crate::pair::{GAME_MESSAGE, HIGH_WATER, LOW_WATER, Pair, failure};
use crate::time::Clock;

/// Two peers in this page.
pub(crate) struct OurPair {
    a: End,
    b: End,
}

struct End {
    multiplayer: Multiplayer<PlatformBackend>,
    connection: ConnectionId,
    /// The far side.
    other: PeerId,
}

impl Pair for OurPair {
    async fn open() -> Result<Self, JsValue> {
        let (mut a, mut b) = (End::new(1, 2)?, End::new(2, 1)?);
        let offered = a.multiplayer.create_offer(a.connection);
        offered.map_err(words)?;
        let mut connected = 0;
        while connected < 2 {
            let (event, to) = either(&mut a, &mut b).await;
            connected += usize::from(matches!(event, Event::PeerConnected(_)));
            if let Some(signal) = signal(event)? {
                to.take(signal)?;
            }
        }
        Ok(Self { a, b })
    }

    async fn flood(&mut self, size: usize, messages: u32) -> Result<(), JsValue> {
        let message = Bytes::from(vec![0x5a; size]);
        let (a, b) = (&mut self.a, &mut self.b);
        let sending = async {
            for _ in 0..messages {
                a.send(message.clone()).await?;
            }
            Ok(())
        };
        let receiving = async {
            for _ in 0..messages {
                if b.receive().await?.payload.len() != size {
                    return Err(failure("a message was cut"));
                }
            }
            Ok(())
        };
        beside(receiving, sending).await
    }

    async fn round_trips(&mut self, clock: &Clock, count: usize) -> Result<Vec<f64>, JsValue> {
        let (a, b) = (&mut self.a, &mut self.b);
        let message = Bytes::from_static(&[0x5a; GAME_MESSAGE]);
        let pinging = async {
            let mut trips = Vec::with_capacity(count);
            for _ in 0..count {
                let start = clock.now();
                a.send(message.clone()).await?;
                a.receive().await?;
                trips.push(clock.now() - start);
            }
            Ok(trips)
        };
        let answering = async {
            loop {
                let packet = b.receive().await?;
                let sent = b.multiplayer.send(b.other, packet.mode, packet.payload);
                if !sent.map_err(words)?.is_complete() {
                    return Err(failure("an answer was refused"));
                }
            }
        };
        beside(pinging, answering).await
    }

    fn close(mut self) {
        self.a.multiplayer.close();
        self.b.multiplayer.close();
    }
}

impl End {
    fn new(own: u32, other: u32) -> Result<Self, JsValue> {
        let backend = PlatformBackend::new(PlatformConfig::default()).map_err(words)?;
        let config = MeshConfig {
            send_limits: ModeLimits {
                reliable: ChannelLimits {
                    bytes: HIGH_WATER,
                    backend: SendLimits {
                        high_water: HIGH_WATER,
                        low_water: LOW_WATER,
                        ..SendLimits::default()
                    },
                    ..ChannelLimits::RELIABLE
                },
                ..ModeLimits::default()
            },
            ..MeshConfig::default()
        };
        let mut multiplayer = Multiplayer::new(backend, config);
        let other = PeerId::new(other).map_err(words)?;
        let own = PeerId::new(own).map_err(words)?;
        multiplayer.create_mesh(own, &[]).map_err(words)?;
        let connection = multiplayer.create_connection(LinkConfig::default());
        let added = multiplayer.add_peer(connection, other, None);
        added.map_err(words)?;
        Ok(Self {
            multiplayer,
            connection,
            other,
        })
    }

    fn take(&mut self, signal: Signal) -> Result<(), JsValue> {
        let (multiplayer, connection) = (&mut self.multiplayer, self.connection);
        match signal {
            Signal::Description(description) => {
                multiplayer.set_remote_description(connection, description)
            }
            Signal::Candidate(candidate) => multiplayer.add_ice_candidate(connection, candidate),
        }
        .map_err(words)
    }

    /// Hands a reliable message over; waits while the channel is full.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nothing else matters to a measurement"
    )]
    async fn send(&mut self, message: Bytes) -> Result<(), JsValue> {
        let mode = TransferMode::Reliable;
        loop {
            let sent = self.multiplayer.send(self.other, mode, message.clone());
            if sent.map_err(words)?.is_complete() {
                return Ok(());
            }
            match self.multiplayer.next_event().await {
                Event::PeerDisconnected { reason, .. } => return Err(words(reason)),
                Event::Packet(_) => return Err(failure("a message that nobody sent")),
                _ => {}
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nothing else matters to a measurement"
    )]
    async fn receive(&mut self) -> Result<Packet, JsValue> {
        loop {
            match self.multiplayer.next_event().await {
                Event::Packet(packet) => return Ok(packet),
                Event::PeerDisconnected { reason, .. } => return Err(words(reason)),
                _ => {}
            }
        }
    }
}

/// Does both, each woken for itself alone, as two tasks are; ends with the first.
async fn beside<T>(
    first: impl Future<Output = Result<T, JsValue>>,
    second: impl Future<Output = Result<(), JsValue>>,
) -> Result<T, JsValue> {
    let mut both = FuturesUnordered::new();
    both.push(first.map_ok(Some).left_future());
    both.push(second.map_ok(|()| None).right_future());
    while let Some(ended) = both.try_next().await? {
        if let Some(result) = ended {
            return Ok(result);
        }
    }
    Err(failure("nothing was measured"))
}

/// The next event of one end, and the other end.
async fn either<'a>(a: &'a mut End, b: &'a mut End) -> (Event, &'a mut End) {
    let mut ends = Some((a, b));
    poll_fn(move |cx| {
        let Some((a, b)) = ends.take() else {
            return Poll::Pending;
        };
        if let Poll::Ready(event) = a.multiplayer.poll_next(cx) {
            return Poll::Ready((event, b));
        }
        if let Poll::Ready(event) = b.multiplayer.poll_next(cx) {
            return Poll::Ready((event, a));
        }
        ends = Some((a, b));
        Poll::Pending
    })
    .await
}

/// What is to be told the far side; an error if the measurement cannot go on.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else is to be signaled"
)]
fn signal(event: Event) -> Result<Option<Signal>, JsValue> {
    match event {
        Event::Description { description, .. } => Ok(Some(Signal::Description(description))),
        Event::Candidate { candidate, .. } => Ok(Some(Signal::Candidate(candidate))),
        Event::PeerFailed { reason, .. } => Err(words(reason)),
        _ => Ok(None),
    }
}

fn words(error: impl ToString) -> JsValue {
    failure(&error.to_string())
}
