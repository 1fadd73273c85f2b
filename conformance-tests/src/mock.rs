//! The mock column: mesh-core's network in memory. A case takes no real time, and the same run comes out each time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mesh_core::mock::{BackendId, Conditions, MockBackend, MockSignaling, Network};
use mesh_core::{Backend, ChannelIndex, ChannelSpec, Conditioned, Disturbance, Instant, LinkId};
use signaling::{Transport, TransportError, TransportEvent, TransportOptions};

use crate::conduit::{Conduit, Local};
use crate::environment::{Ask, Environment, Told};
use crate::host::Host;
use crate::list::Case;
use crate::planted::{Fault, WANTED, hunt};
use crate::platform::Platform;
use crate::reply::Vitals;
use crate::request::Meeting;
use crate::runner::{play, traced};
use crate::stream::Weather;
use crate::{Failure, Kind, Outcome, Participant, suite};

/// The column's name.
const NAME: &str = "mock";

/// Every run is the same; a failure that needs another seed belongs into the simulation of mesh-core.
const SEED: u64 = 20_261_123;

/// A test program that runs every case in the mock column.
#[must_use]
pub fn main() -> ExitCode {
    if std::env::var_os(WANTED).is_some() {
        return main_planted();
    }
    let play = Arc::new(|case: &Case| perform(case, |backend| backend, None));
    suite::run(NAME, suite::cases_of(1), play, &|_| None)
}

/// A test program that plants every fault in the mock column, and sees to it that its case finds it.
#[must_use]
pub fn main_planted() -> ExitCode {
    let play = |case: &Case, fault, _: &[Kind]| perform(case, |backend| backend, Some(fault));
    hunt(NAME, &[&[Kind::Mock]], Arc::new(play))
}

/// A test program that runs every case on backends with a slow connection.
#[must_use]
pub fn main_conditioned() -> ExitCode {
    let slow = |backend| {
        let mut backend = Conditioned::new(backend, SEED);
        backend.set_disturbance(Disturbance {
            latency: Duration::from_millis(20),
            ..Disturbance::default()
        });
        backend
    };
    let play = move |case: &Case| perform(case, slow, None);
    suite::run("conditioned", suite::cases_of(1), Arc::new(play), &|_| None)
}

/// Plays a case on backends of the mock, dressed as given.
fn perform<B: Backend + 'static>(
    case: &Case,
    dress: impl Fn(MockBackend) -> B + Copy + 'static,
    fault: Option<Fault>,
) -> Outcome {
    let network = Network::new(SEED);
    let world = Rc::new(World {
        network: network.clone(),
        backends: RefCell::new(BTreeMap::new()),
        meetings: Cell::new(0),
    });
    let mut cast = Vec::new();
    let mut hosts = Vec::new();
    for index in 0..case.participants {
        let environment = Rc::clone(&world) as Rc<dyn Environment>;
        cast.push(Participant::new(index, Kind::Mock, environment, |name| {
            let (conduit, calls) = Local::new();
            let host = Host::new(Mock {
                world: Rc::clone(&world),
                name: name.to_owned(),
                dress,
            });
            hosts.push(Box::pin(host.run(calls)) as LocalBoxFuture<'static, ()>);
            Ok(Rc::new(conduit) as Rc<dyn Conduit>)
        })?);
    }
    let traced = traced(&cast);
    network
        .block_on(play(case, cast, hosts, fault))
        .unwrap_or_else(|stalled| Err(Failure::new(stalled.to_string())))
        .map_err(traced)
}

/// One participant.
struct Mock<F> {
    world: Rc<World>,
    name: String,
    dress: F,
}

impl<B: Backend + 'static, F: Fn(MockBackend) -> B> Platform for Mock<F> {
    type Backend = B;
    type Signaling = MockSignaling;
    type Transport = NoTransport;

    fn backend(&self) -> Result<Self::Backend, String> {
        let backend = self.world.network.backend();
        self.world
            .backends
            .borrow_mut()
            .insert(self.name.clone(), backend.id());
        Ok((self.dress)(backend))
    }

    fn signaling(&self, _: &Self::Backend, meeting: &Meeting) -> Result<MockSignaling, String> {
        Ok(self.world.network.signaling(&meeting.lobby))
    }

    fn transport(
        &self,
        _: &Self::Backend,
        _: &str,
        _: TransportOptions,
    ) -> Result<NoTransport, String> {
        Err("the mock's signaling has no transport".to_owned())
    }

    fn create_in_band(
        &self,
        _: &mut Self::Backend,
        link: LinkId,
        channel: ChannelIndex,
        spec: ChannelSpec,
    ) {
        let backends = self.world.backends.borrow();
        if let Some(backend) = backends.get(&self.name) {
            let network = &self.world.network;
            network.create_in_band_channel(*backend, link, channel, &spec);
        }
    }

    /// That of the whole network.
    fn weather(&self, weather: Weather) -> Result<bool, String> {
        let calm = Conditions::default();
        self.world.network.set_conditions(Conditions {
            loss: weather.loss(),
            reorder: weather.reorder(),
            latency: weather.delay.max(calm.latency),
            jitter: weather.jitter,
            ..calm
        });
        Ok(true)
    }

    /// Its messages are not joined to datagrams, so it knows exactly.
    fn spoilt(&self, _: usize) -> Option<u64> {
        Some(self.world.network.lost())
    }

    fn now(&self) -> Instant {
        self.world.network.now()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(self.world.network.sleep(span))
    }

    /// The whole network's: what one participant left behind is not told apart, and nothing may be left.
    fn vitals(&self) -> Vitals {
        let usage = self.world.network.usage();
        let counts = [
            ("links", usage.links),
            ("on its way or scheduled", usage.scheduled),
        ];
        Vitals {
            counts: counts
                .map(|(name, count)| (name.to_owned(), count as u64))
                .into(),
            resident: None,
            hidden: None,
            panics: None,
        }
    }
}

/// The transport that the mock does not have: its signaling is a lobby in memory.
enum NoTransport {}

impl Transport for NoTransport {
    fn send(&mut self, _: String) -> Result<(), TransportError> {
        match *self {}
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<TransportEvent> {
        match *self {}
    }

    fn close(&mut self) {
        match *self {}
    }
}

/// What is around a mock case.
struct World {
    network: Network,
    /// The backend each participant has now, by the participant's name.
    backends: RefCell<BTreeMap<String, BackendId>>,
    meetings: Cell<u32>,
}

impl Environment for World {
    fn ask(&self, ask: Ask) -> LocalBoxFuture<'_, Outcome<Told>> {
        let told = match ask {
            Ask::Meeting => {
                self.meetings.set(self.meetings.get() + 1);
                Ok(Told::Meeting(Meeting {
                    url: String::new(),
                    lobby: format!("lobby {}", self.meetings.get()),
                }))
            }
            Ask::EndSignaling | Ask::KillSignaling => {
                self.network.interrupt_signaling();
                Ok(Told::Done)
            }
            Ask::StartSignaling => {
                self.network.start_signaling();
                Ok(Told::Done)
            }
            Ask::Kill { participant } => match self.backends.borrow().get(&participant) {
                Some(backend) => {
                    self.network.kill(*backend);
                    Ok(Told::Done)
                }
                None => Err(Failure::new(format!("{participant} is nothing yet"))),
            },
            Ask::Detour
            | Ask::ClosePage { .. }
            | Ask::Hide { .. }
            | Ask::Weather(_)
            | Ask::Spoilt { .. } => Ok(Told::NotHere),
        };
        Box::pin(std::future::ready(told))
    }
}
