//! One measurement of one side, in a process of its own.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use bench::bare::Bare;
use bench::ours::Ours;
use bench::settings::Relay;
use bench::tuned::Tuned;
use bench::usage;

use crate::scenario::Scenario;
use crate::{print, work};

/// No measurement takes longer, however slow the machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Which contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SideName {
    /// This library
    Ours,
    /// The crate with the same settings and an application task
    Bare,
    /// The crate with its own settings and without a hand-over
    Tuned,
}

impl SideName {
    /// Ours is the first.
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::Bare, Self::Tuned];
}

/// What a child is to do.
pub(crate) struct Order {
    pub(crate) scenario: Scenario,
    pub(crate) side: SideName,
    pub(crate) threads: u32,
    /// A [`Relay`] as JSON.
    pub(crate) relay: Option<String>,
    /// Whether it says what each thread has used
    pub(crate) counters: bool,
}

/// What a child found.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Found {
    /// In the order of [`Scenario::metrics`].
    pub(crate) figures: Vec<f64>,
    /// Processor time of the whole process.
    pub(crate) cpu_seconds: f64,
}

impl Order {
    /// In the child: measures and prints what was found.
    pub(crate) fn carry_out(self) -> Result<()> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(usize::try_from(self.threads)?)
            .enable_all()
            .build()?;
        let relay: Option<Relay> = self
            .relay
            .as_deref()
            .map(serde_json::from_str)
            .transpose()?;
        let (scenario, side) = (self.scenario, self.side);
        // On a worker, as everything else that is measured.
        let measuring = runtime.spawn(async move {
            match side {
                SideName::Ours => work::run::<Ours>(scenario, relay).await,
                SideName::Bare => work::run::<Bare>(scenario, relay).await,
                SideName::Tuned => work::run::<Tuned>(scenario, relay).await,
            }
        });
        let figures = runtime.block_on(measuring)??;
        ensure!(
            figures.len() == scenario.metrics().len(),
            "as many figures as metrics"
        );
        let found = Found {
            figures,
            cpu_seconds: usage::cpu().as_secs_f64(),
        };
        if self.counters {
            for thread in usage::by_thread()? {
                print::progress(&thread.to_string());
            }
        }
        print::line(&serde_json::to_string(&found)?);
        // What still runs must not hold the process up.
        runtime.shutdown_background();
        Ok(())
    }

    /// In the parent: starts the child and waits for what it finds.
    pub(crate) fn delegate(&self) -> Result<Found> {
        let side = self.side.to_possible_value().context("a side")?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(self.scenario.name())
            .args(["--side", side.get_name()])
            .args(["--threads", &self.threads.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(relay) = &self.relay {
            command.args(["--relay", relay]);
        }
        let mut child = command.spawn()?;
        wait(&mut child)?;
        let mut output = String::new();
        child
            .stdout
            .context("the output is piped")?
            .read_to_string(&mut output)?;
        Ok(serde_json::from_str(&output)?)
    }
}

fn wait(child: &mut Child) -> Result<()> {
    // Coarse enough not to disturb what is measured.
    const PERIOD: Duration = Duration::from_millis(50);
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the measurement failed ({status})");
            return Ok(());
        }
        if start.elapsed() > DEADLINE {
            child.kill()?;
            child.wait()?;
            bail!("the measurement took longer than {DEADLINE:?}");
        }
        thread::sleep(PERIOD);
    }
}
