//! Where the tasks run: threads of our own, or the caller's runtime.

use std::io;
use std::sync::mpsc;

use mesh_core::Duration;
use thiserror::Error;
use tokio::runtime::{Builder, Handle, Runtime};

/// Why a backend could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system gave no threads, or no event queue.
    #[error("the network threads could not be started: {0}")]
    Runtime(#[source] io::Error),
}

/// How long dropping the backend waits for the closes to go out.
const FAREWELL: Duration = Duration::from_millis(250);

/// Runs the links and knows when the last one has ended.
pub(crate) struct Executor {
    handle: Handle,
    owned: Option<Runtime>,
    // Every link holds a clone of the sender; the receiver is told when the last one is gone.
    living: Option<mpsc::Sender<()>>,
    last_gone: mpsc::Receiver<()>,
}

impl Executor {
    /// Starts `threads` threads.
    pub(crate) fn start(threads: usize) -> Result<Self, StartError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("webrtc-net")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        Ok(Self::new(runtime.handle().clone(), Some(runtime)))
    }

    /// Uses the runtime that `handle` belongs to.
    pub(crate) fn given(handle: Handle) -> Self {
        Self::new(handle, None)
    }

    fn new(handle: Handle, owned: Option<Runtime>) -> Self {
        let (living, last_gone) = mpsc::channel();
        Self {
            handle,
            owned,
            living: Some(living),
            last_gone,
        }
    }

    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a link to its end.
    pub(crate) fn spawn_link(&self, link: impl Future<Output = ()> + Send + 'static) {
        let alive = self.living.clone();
        self.handle.spawn(async move {
            link.await;
            drop(alive);
        });
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.living = None;
        let Some(runtime) = self.owned.take() else {
            // The caller's runtime goes on without us, and waiting could block the very thread the links need.
            return;
        };
        // Nothing is ever sent: this returns when the last link is gone, or when the time is up.
        let _ = self.last_gone.recv_timeout(FAREWELL);
        // The only way to end a runtime that is allowed inside another one.
        runtime.shutdown_background();
    }
}
