//! What a host needs of the place it runs in: one small trait a platform.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, ChannelIndex, ChannelSpec, Instant, LinkId, Signaling};
use signaling::{Transport, TransportOptions};

use crate::reply::Vitals;
use crate::request::Meeting;
use crate::stream::Weather;

/// Makes backends and signaling clients, and keeps the time.
pub trait Platform {
    /// Its backend.
    type Backend: Backend + 'static;
    /// Its signaling client.
    type Signaling: Signaling;
    /// The transport under that.
    type Transport: Transport;

    /// A fresh backend.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn backend(&self) -> Result<Self::Backend, String>;

    /// A client that joins this meeting.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn signaling(
        &self,
        backend: &Self::Backend,
        meeting: &Meeting,
    ) -> Result<Self::Signaling, String>;

    /// A connection to the server at this address.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn transport(
        &self,
        backend: &Self::Backend,
        url: &str,
        options: TransportOptions,
    ) -> Result<Self::Transport, String>;

    /// Makes a channel in-band at this position, as a peer that is not ours may do.
    fn create_in_band(
        &self,
        backend: &mut Self::Backend,
        link: LinkId,
        channel: ChannelIndex,
        spec: ChannelSpec,
    );

    /// Makes the path between this participant and all others as bad as this, in both directions, from now on; whether that
    /// is in its power. To be asked once before a backend is made.
    ///
    /// # Errors
    ///
    /// Why it is too late.
    fn weather(&self, weather: Weather) -> Result<bool, String> {
        // A browser's sockets are its own.
        let _ = weather;
        Ok(false)
    }

    /// How many messages of so many bytes can have been in what the weather has lost or held up so far, in both directions. `None`
    /// where it makes none.
    fn spoilt(&self, len: usize) -> Option<u64> {
        let _ = len;
        None
    }

    /// The participant's clock, which its backends go by.
    fn now(&self) -> Instant;

    /// Ends so much later on that clock.
    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()>;

    /// Keeps the thread busy for so long. Does nothing where the time of all participants is one.
    fn block(&self, span: Duration) {
        let _ = span;
    }

    /// What this participant holds of the platform.
    fn vitals(&self) -> Vitals;
}
