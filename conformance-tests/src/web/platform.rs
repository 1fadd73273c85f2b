//! backend-web as a platform of the suite.

use std::time::Duration;

use backend_web::{PlatformBackend, PlatformConfig, WebSocketTransport};
use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, ChannelIndex, ChannelSpec, Instant, LinkId};
use signaling::{Client, JoinRequest, TransportOptions};

use super::sleep::Sleep;
use super::vitals;
use crate::platform::Platform;
use crate::reply::Vitals;
use crate::request::Meeting;

/// One participant.
pub(super) struct Web {
    /// A backend that only tells the time.
    clock: PlatformBackend,
}

impl Web {
    pub(super) fn new() -> Result<Self, String> {
        Ok(Self { clock: backend()? })
    }
}

fn backend() -> Result<PlatformBackend, String> {
    PlatformBackend::new(PlatformConfig::default()).map_err(|error| error.to_string())
}

impl Platform for Web {
    type Backend = PlatformBackend;
    type Signaling = Client<WebSocketTransport>;
    type Transport = WebSocketTransport;

    fn backend(&self) -> Result<PlatformBackend, String> {
        backend()
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
        _backend: &PlatformBackend,
        url: &str,
        options: TransportOptions,
    ) -> Result<WebSocketTransport, String> {
        WebSocketTransport::connect_with(url, options).map_err(|error| error.to_string())
    }

    fn create_in_band(
        &self,
        backend: &mut PlatformBackend,
        link: LinkId,
        channel: ChannelIndex,
        spec: ChannelSpec,
    ) {
        backend.create_in_band_channel(link, channel, &spec);
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(Sleep::new(span))
    }

    fn block(&self, span: Duration) {
        let end = self.now() + span;
        while self.now() < end {}
    }

    fn vitals(&self) -> Vitals {
        vitals::read()
    }
}
