//! backend-native as a platform of the suite.

use std::cell::{Cell, OnceCell};
use std::time::Duration;

use backend_native::testing::SocketOptions;
use backend_native::{PlatformBackend, PlatformConfig, RootCertificates, WebSocketTransport};
use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, ChannelIndex, ChannelSpec, Instant, LinkId};
use signaling::{Client, JoinRequest, TransportOptions};
use tokio::runtime::Handle;

use super::{faults, vitals};
use crate::platform::Platform;
use crate::reply::Vitals;
use crate::request::Meeting;
use crate::stream::Weather;

/// On whose threads a participant's backends run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// On their own, as without any async runtime.
    Own,
    /// On the runtime of the test or of the puppet.
    Given,
}

/// One participant.
pub(crate) struct Native {
    handle: Handle,
    threads: Threads,
    config: PlatformConfig,
    /// Whether this process is its alone.
    alone: bool,
    /// A backend that only tells the time.
    clock: PlatformBackend,
    /// What its sockets are out in, if a case wants any.
    weather: OnceCell<socket_faults::Weather>,
    /// Whether it has had a backend.
    started: Cell<bool>,
}

impl Native {
    pub(crate) fn new(
        handle: &Handle,
        threads: Threads,
        alone: bool,
        config: PlatformConfig,
    ) -> Self {
        Self {
            handle: handle.clone(),
            threads,
            config,
            alone,
            clock: PlatformBackend::with_handle(handle.clone(), PlatformConfig::default()),
            weather: OnceCell::new(),
            started: Cell::new(false),
        }
    }
}

impl Platform for Native {
    type Backend = PlatformBackend;
    type Signaling = Client<WebSocketTransport>;
    type Transport = WebSocketTransport;

    fn backend(&self) -> Result<PlatformBackend, String> {
        let config = self.config.clone();
        let mut backend = match self.threads {
            Threads::Own => PlatformBackend::new(config).map_err(|error| error.to_string())?,
            Threads::Given => PlatformBackend::with_handle(self.handle.clone(), config),
        };
        self.started.set(true);
        if let Some(weather) = self.weather.get() {
            backend.use_sockets(SocketOptions {
                source: Some(weather.sockets()),
                ..SocketOptions::default()
            });
        }
        Ok(backend)
    }

    fn signaling(
        &self,
        backend: &PlatformBackend,
        meeting: &Meeting,
    ) -> Result<Self::Signaling, String> {
        let transport = self.transport(backend, &meeting.url, TransportOptions::default())?;
        Ok(Client::new(transport, JoinRequest::mesh(&*meeting.lobby)))
    }

    fn transport(
        &self,
        backend: &PlatformBackend,
        url: &str,
        options: TransportOptions,
    ) -> Result<WebSocketTransport, String> {
        let roots = RootCertificates::default();
        WebSocketTransport::connect_with(backend.handle(), url, options, roots)
            .map_err(|error| error.to_string())
    }

    fn weather(&self, weather: Weather) -> Result<bool, String> {
        if self.started.get() && self.weather.get().is_none() {
            return Err("weather is for sockets that are made in it: ask before the start".into());
        }
        faults::set(self.weather.get_or_init(faults::calm), weather);
        Ok(true)
    }

    fn spoilt(&self, len: usize) -> Option<u64> {
        self.weather
            .get()
            .map(|weather| faults::spoilt(weather, len))
    }

    fn create_in_band(
        &self,
        backend: &mut PlatformBackend,
        link: LinkId,
        channel: ChannelIndex,
        spec: ChannelSpec,
    ) {
        backend.create_in_band_channel(link, channel, spec);
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn block(&self, span: Duration) {
        std::thread::sleep(span);
    }

    fn vitals(&self) -> Vitals {
        vitals::read(&self.handle, self.alone)
    }
}
