//! The NAT lab: what no loopback shows.
//!
//! Networks are made of namespaces, routers of nftables' rules (`nat`), bad paths of a switch in user space; native puppets
//! and both browsers live in them. `matrix` lets every kind of pair meet behind every pair of translators; a browser stays
//! up while the rules change. What is expected follows from theory, and whatever else is seen fails.
//!
//! It takes Linux, root, iproute2, nftables and coturn. Everything is removed afterwards, and after a kill as well.

mod cases;
mod coturn;
mod lan;
mod ledger;
mod matrix;
mod meet;
mod nat;
mod netns;
mod players;
mod report;
mod signaling;
mod switch;
mod wide;

use std::path::PathBuf;

use tokio::runtime::{Builder, Runtime};

use self::ledger::Ledger;
use self::netns::Run;
use crate::results::Results;
use crate::{Failure, Outcome};

/// What is to be run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only what has this in its name.
    pub filter: Option<String>,
    /// Where the tables go.
    pub folder: Option<PathBuf>,
    /// Whether what takes minutes is run, too.
    pub long: bool,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|word| name.contains(word))
    }
}

/// Whether this machine allows the lab: it tries one of each thing that a network is made of.
///
/// # Errors
///
/// Why it does not.
pub fn is_possible() -> Outcome {
    let runtime = runtime()?;
    let _entered = runtime.enter();
    let run = Run::begin()?;
    let one = run.namespace("probe")?;
    one.rules(&nat::Nat::Port.rules("203.0.113.1"))?;
    one.set("ipv6/conf/all/disable_ipv6", "0")?;
    one.set("ipv4/ip_forward", "1")?;
    one.ip_all("link add name wan type bridge\nlink add name lan type veth peer name lan-end\n")?;
    let _switch = switch::Switch::between(&[(&one, "eth0")], 0)?;
    let file = run.file("probe", "")?;
    let files = netns::Files {
        covers: ["/etc/hosts", "/etc/resolv.conf"]
            .map(|place| (file.clone(), place))
            .into(),
    };
    one.inside_with(&files, || {})
}

/// Begins a run with one player in it, says so in a line, and stays until it is killed: to see what is left then.
///
/// # Errors
///
/// Why it could not begin.
pub fn hold() -> Outcome {
    let runtime = runtime()?;
    runtime.block_on(async {
        let run = Run::begin()?;
        let place = run.namespace("held")?;
        players::reach(&place).await?;
        let player = players::Player::native(&place, &Default::default()).await?;
        player.participant(0)?.start_mesh().await?;
        ledger::say("held");
        std::future::pending().await
    })
}

fn runtime() -> Outcome<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no runtime: {error}")))
}

/// Runs what is asked for, prints as libtest does, and writes the tables.
///
/// # Errors
///
/// Why nothing could be run, or that something failed.
pub fn run(options: &Options) -> Outcome {
    let runtime = runtime()?;
    let results = Results::from_environment()
        .map_err(|error| Failure::new(format!("the results cannot be written: {error}")))?;
    let keep = |entries: &[ledger::Entry]| match &options.folder {
        Some(folder) => report::write(folder, entries)
            .map_err(|error| Failure::new(format!("{}: {error}", folder.display()))),
        None => Ok(()),
    };
    runtime.block_on(async {
        let run = Run::begin()?;
        let (cells, cases) = (matrix::cells(options), cases::cases(options));
        let ledger = Ledger::new(cells.len() + cases.len(), results, &keep);
        matrix::run(&run, cells, &ledger).await;
        cases::run(&run, cases, &ledger).await;
        ledger.finish()
    })
}
