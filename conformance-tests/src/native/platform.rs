//! backend-native as a platform of the suite.

use std::time::Duration;

use backend_native::{PlatformBackend, PlatformConfig, WebSocketTransport};
use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, Instant};
use signaling::{Client, JoinRequest};
use tokio::runtime::Handle;

use super::vitals;
use crate::platform::Platform;
use crate::reply::Vitals;
use crate::request::Meeting;

/// On whose threads a participant's backends run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Threads {
    /// On their own, as without any async runtime.
    Own,
    /// On the runtime of the test or of the puppet.
    Given,
}

/// One participant.
pub(super) struct Native {
    handle: Handle,
    threads: Threads,
    /// Whether this process is its alone.
    alone: bool,
    /// A backend that only tells the time.
    clock: PlatformBackend,
}

impl Native {
    pub(super) fn new(handle: &Handle, threads: Threads, alone: bool) -> Self {
        Self {
            handle: handle.clone(),
            threads,
            alone,
            clock: PlatformBackend::with_handle(handle.clone(), PlatformConfig::default()),
        }
    }
}

impl Platform for Native {
    type Backend = PlatformBackend;
    type Signaling = Client<WebSocketTransport>;

    fn backend(&self) -> Result<PlatformBackend, String> {
        let config = PlatformConfig::default();
        match self.threads {
            Threads::Own => PlatformBackend::new(config).map_err(|error| error.to_string()),
            Threads::Given => Ok(PlatformBackend::with_handle(self.handle.clone(), config)),
        }
    }

    fn signaling(
        &self,
        backend: &PlatformBackend,
        meeting: &Meeting,
    ) -> Result<Self::Signaling, String> {
        let transport = WebSocketTransport::connect(backend.handle(), &meeting.url)
            .map_err(|error| error.to_string())?;
        Ok(Client::new(transport, JoinRequest::mesh(&*meeting.lobby)))
    }

    fn seal(&self, signaling: &mut Self::Signaling) -> Result<(), String> {
        signaling.seal().map_err(|error| error.to_string())
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn vitals(&self) -> Vitals {
        vitals::read(&self.handle, self.alone)
    }
}
