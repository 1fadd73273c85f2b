//! The benches: our native path against the bare crate, and the core alone.

use std::time::Duration;

use crate::command::CommandLine;
use crate::stage::Stage;

/// The release build of everything is part of it.
const BUDGET: Duration = Duration::from_secs(45 * 60);

/// Both benches; `args` go to the first, which prints its whole table where there are none.
pub(crate) fn stages(args: &[String]) -> Vec<Stage> {
    let network = CommandLine::cargo(&["run", "--release", "--package", "bench", "--"]);
    let network = match args {
        [] => network.arg("all"),
        args => args.iter().fold(network, CommandLine::arg),
    };
    let core = CommandLine::cargo(&["bench", "--package", "mesh-core"]);
    vec![
        Stage::check("bench of the network", BUDGET, network),
        Stage::check("bench of mesh-core", BUDGET, core),
    ]
}
