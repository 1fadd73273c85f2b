//! One work of one contestant, in a process of its own.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use bench::ours::Ours;
use bench::tuned::Tuned;
use clap::ValueEnum;
use tokio::runtime::Builder;

use crate::matchbox::Matchbox;
use crate::print;
use crate::sans_io::SansIo;
use crate::work::Work;

/// Threads of the runtime, the same for all. matchbox_socket brings another one, which has a thread of its own.
const THREADS: usize = 2;

/// Seconds that no work takes.
const PATIENCE: &str = "40";

/// Which contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contestant {
    Ours,
    Tuned,
    Matchbox,
    Str0m,
}

impl Contestant {
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}

/// In the child: measures and prints the figures.
pub(crate) fn carry_out(work: Work, contestant: Contestant) -> Result<()> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    let measuring = runtime.spawn(async move {
        match contestant {
            Contestant::Ours => work.run::<Ours>().await,
            Contestant::Tuned => work.run::<Tuned>().await,
            Contestant::Matchbox => work.run::<Matchbox>().await,
            Contestant::Str0m => work.run::<SansIo>().await,
        }
    });
    let figures = runtime.block_on(measuring)??;
    print::line(&serde_json::to_string(&figures)?);
    runtime.shutdown_background();
    Ok(())
}

/// In the parent: starts the child and waits for its figures.
pub(crate) fn delegate(work: Work, contestant: Contestant) -> Result<Vec<f64>> {
    let output = Command::new("timeout")
        .arg(PATIENCE)
        .arg(std::env::current_exe()?)
        .args(["--work", &work.name(), "--contestant", &contestant.name()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("timeout, of coreutils")?;
    ensure!(output.status.success(), "it failed ({})", output.status);
    let figures: Vec<f64> = serde_json::from_slice(&output.stdout)?;
    ensure!(
        figures.len() == work.figures().len(),
        "as many figures as names"
    );
    Ok(figures)
}
