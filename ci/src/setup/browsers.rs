//! The browsers, and the driver that comes in a package.

use std::path::PathBuf;

use super::apt;
use super::problem::Problem;
use super::site::Site;
use crate::find::Lack;
use crate::web::tools;

/// Chromium.
pub(super) fn chromium(site: &Site) -> Result<PathBuf, Problem> {
    provide(site, tools::chromium, "chromium")
}

/// Its driver, of the version of the browser in the packages.
pub(super) fn chromedriver(site: &Site) -> Result<PathBuf, Problem> {
    provide(site, tools::chromedriver, "chromium-driver")
}

/// Firefox; its driver is compiled. `firefox-esr` is Debian's, and no package of Ubuntu's could be used.
pub(super) fn firefox(site: &Site) -> Result<PathBuf, Problem> {
    provide(site, tools::firefox, "firefox-esr")
}

fn provide(
    site: &Site,
    find: fn() -> Result<PathBuf, Lack>,
    package: &str,
) -> Result<PathBuf, Problem> {
    match find() {
        Ok(program) => return Ok(program),
        // No package changes what a person has chosen.
        Err(lack @ Lack::Named { .. }) => return Err(lack.into()),
        Err(Lack::Absent | Lack::Snap(_)) => {}
    }
    let installed = apt::install(site, &[package]);
    match find() {
        Ok(program) => Ok(program),
        // That there is one, and why it will not do, says more than that apt knows no other.
        Err(lack @ (Lack::Named { .. } | Lack::Snap(_))) => Err(lack.into()),
        Err(Lack::Absent) => Err(installed
            .err()
            .unwrap_or_else(|| Problem::NotBrought(package.to_owned()))),
    }
}
