//! Where the links run: on the caller's runtime if that has threads enough, or on one of ours.

mod roll;
mod stop;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use mesh_core::{ConnectFailure, Duration};
use thiserror::Error;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::sleep;

use self::roll::{LOOK, Membership, TooManyStuck};
use self::stop::{Sentinel, Stop, Stopper};
use crate::guard::{Oversight, Pulse, Workers};
use crate::link::{self, Start};

pub(crate) use self::roll::{Parting, Roll};

/// Why a backend could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system gave no threads, or no event queue.
    #[error("the network threads could not be started: {0}")]
    Runtime(#[source] io::Error),
}

/// How long the links and signaling sockets of a dropped backend have to say goodbye, and how long dropping it waits for them.
const FAREWELL: Duration = Duration::from_millis(250);

/// Runs the links.
pub(crate) struct Executor {
    handle: Handle,
    /// Where the links run, or why they cannot.
    links: io::Result<Handle>,
    owned: Option<Runtime>,
    workers: Option<Workers>,
    roll: Arc<Roll>,
    stopper: Stopper,
    stop: Stop,
    /// Whether dropping it may block.
    may_wait: bool,
}

impl Executor {
    /// Starts threads.
    pub(crate) fn start() -> Result<Self, StartError> {
        let (runtime, workers) = start_threads().map_err(StartError::Runtime)?;
        let mut executor = Self::shared(runtime.handle().clone());
        executor.owned = Some(runtime);
        executor.workers = Some(workers);
        executor.may_wait = true;
        Ok(executor)
    }

    /// Uses the runtime that `handle` belongs to. Where it has one thread alone, which any link could hold, the links run on
    /// threads of ours, but end with that runtime.
    pub(crate) fn given(handle: Handle) -> Self {
        let mut executor = Self::shared(handle);
        if executor.handle.metrics().num_workers() > 1 {
            // Without a watchdog the links are as safe as they can be.
            executor.workers = Workers::given(&executor.handle).ok();
            return executor;
        }
        match start_threads() {
            Ok((runtime, workers)) => {
                executor.links = Ok(runtime.handle().clone());
                executor.owned = Some(runtime);
                executor.workers = Some(workers);
            }
            Err(error) => executor.links = Err(error),
        }
        executor
    }

    /// Uses the runtime that `handle` belongs to, where links may hold all its threads.
    pub(crate) fn shared(handle: Handle) -> Self {
        let (stopper, stop) = stop::stop();
        Self {
            links: Ok(handle.clone()),
            handle,
            owned: None,
            workers: None,
            roll: Arc::default(),
            stopper,
            stop,
            may_wait: false,
        }
    }

    /// The runtime of what the links share.
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where a signaling socket says that it is to be waited for.
    pub(crate) const fn roll(&self) -> &Arc<Roll> {
        &self.roll
    }

    /// What watches over a new link.
    pub(crate) fn oversight(&self) -> Oversight {
        Oversight {
            pulse: Pulse::default(),
            workers: self.workers.clone(),
        }
    }

    /// Runs a link to its end.
    pub(crate) fn spawn_link(&self, link: Start) {
        let handle = match &self.links {
            Ok(handle) => handle,
            Err(error) => {
                let why = format!("the network threads could not be started: {error}");
                return link.fail(ConnectFailure::Platform(why));
            }
        };
        let pulse = link.oversight.pulse.clone();
        match self.roll.join(Arc::clone(&link.inbox), pulse) {
            Ok((member, must_watch)) => {
                if must_watch {
                    let sentinel = self.stopper.sentinel();
                    self.handle.spawn(watch(Arc::clone(&self.roll), sentinel));
                }
                handle.spawn(run(link, member, self.stop.clone()));
            }
            Err(TooManyStuck) => {
                let why = "hostile members keep this machine busy; try again in a minute";
                link.fail(ConnectFailure::Platform(why.into()));
            }
        }
    }
}

/// As many threads as there are processors, and one that is kept free.
fn start_threads() -> io::Result<(Runtime, Workers)> {
    let processors = thread::available_parallelism().map_or(2, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(processors.max(2) + 1)
        .thread_name("webrtc-net")
        .enable_all()
        .build()?;
    let workers = Workers::own(runtime.handle())?;
    Ok((runtime, workers))
}

/// A link that has not ended a moment after it was told to is dropped as it is.
async fn run(link: Start, member: Membership, stop: Stop) {
    let late = async {
        stop.told().await;
        sleep(FAREWELL).await;
    };
    tokio::select! {
        biased;
        () = link::run(link) => {}
        () = late => {}
    }
    drop(member);
}

/// Looks at the links as long as there are any. Where its runtime ends before, the links are told to end.
async fn watch(roll: Arc<Roll>, sentinel: Sentinel) {
    loop {
        tokio::select! {
            () = sleep(LOOK) => roll.look(Instant::now()),
            () = roll.emptied.notified() => {}
        }
        if roll.is_done() {
            return sentinel.put_away();
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.stopper.stop();
        let Some(runtime) = self.owned.take() else {
            // The caller's runtime goes on without us, and waiting could block the very thread the links need.
            return;
        };
        if self.may_wait {
            return end(&self.roll, runtime);
        }
        // Through a queue: a thread that cannot be started would not give the runtime back.
        let roll = Arc::clone(&self.roll);
        let (give, take) = sync_channel(1);
        let ending = thread::Builder::new().spawn(move || {
            if let Ok(runtime) = take.recv() {
                end(&roll, runtime);
            }
        });
        match ending {
            Ok(_) => drop(give.send(runtime)),
            Err(_) => runtime.shutdown_background(),
        }
    }
}

/// Waits for the goodbyes.
fn end(roll: &Roll, runtime: Runtime) {
    roll.wait(FAREWELL);
    // The only way to end a runtime that is allowed inside another one.
    runtime.shutdown_background();
}
