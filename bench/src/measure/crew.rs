//! The applications that run beside a measurement.

use std::future::Future;

use anyhow::{Context, Result, bail};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Tasks of a measurement; dropping it ends them.
#[derive(Default)]
pub(super) struct Crew(JoinSet<Result<()>>);

impl Crew {
    /// Runs a task on the runtime.
    pub(super) fn spawn(&mut self, task: impl Future<Output = Result<()>> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Runs a loop in a thread of its own; it goes on until the process ends.
    pub(super) fn thread(&mut self, run: impl FnOnce() -> Result<()> + Send + 'static) {
        let (ended, end) = oneshot::channel();
        std::thread::spawn(move || {
            // Fails where nobody waits any more.
            let _ = ended.send(run());
        });
        self.spawn(async move { end.await? });
    }

    /// Measures something; fails as soon as one of the tasks fails.
    pub(super) async fn watch<T>(&mut self, measured: impl Future<Output = T>) -> Result<T> {
        tokio::select! {
            measured = measured => Ok(measured),
            Some(ended) = self.0.join_next() => {
                ended?.context("an application failed")?;
                bail!("an application ended");
            }
        }
    }
}
