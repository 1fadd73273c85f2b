//! What a host needs of the place it runs in: one small trait a platform.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use mesh_core::{Backend, Instant, Signaling};

use crate::reply::Vitals;
use crate::request::Meeting;

/// Makes backends and signaling clients, and keeps the time.
pub trait Platform {
    /// Its backend.
    type Backend: Backend;
    /// Its signaling client.
    type Signaling: Signaling;

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

    /// Seals the lobby.
    ///
    /// # Errors
    ///
    /// Why it could not.
    fn seal(&self, signaling: &mut Self::Signaling) -> Result<(), String>;

    /// The participant's clock, which its backends go by.
    fn now(&self) -> Instant;

    /// Ends so much later on that clock.
    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()>;

    /// What this participant holds of the platform.
    fn vitals(&self) -> Vitals;
}
