//! std for wasm from the sources in Debian's packages, and a compiler around it: `ci/wasm-sysroot.sh` knows how.

use std::time::Duration;

use super::apt;
use super::problem::Problem;
use super::site::Site;
use crate::command::CommandLine;
use crate::web::Sysroot;

const SCRIPT: &str = "ci/wasm-sysroot.sh";
const BUILD: Duration = Duration::from_secs(15 * 60);

/// Makes the sysroot that [`Sysroot::find`] finds.
pub(super) fn make(site: &Site) -> Result<(), Problem> {
    let script = site.root.join(SCRIPT);
    let script = |words: &[&str]| CommandLine::new(&script.to_string_lossy(), words);
    // What lacks of the second kind is known when the first is there.
    for _ in 0..2 {
        let lacking = site
            .runner
            .capture(&script(&["packages"]), Duration::from_secs(60))
            .map_err(Problem::Script)?;
        let lacking: Vec<&str> = lacking.split_whitespace().collect();
        if !lacking.is_empty() {
            apt::install(site, &lacking)?;
        }
    }
    let is_made = || Sysroot::find(&site.runner, &site.cache).is_some();
    let place = site.cache.place(Sysroot::TOOL);
    site.cache.make(Sysroot::TOOL, is_made, |folder| {
        let words = [&*folder.to_string_lossy(), &*place.to_string_lossy()];
        let command = words.into_iter().fold(script(&["make"]), CommandLine::arg);
        site.run(&command, BUILD)
    })
}
