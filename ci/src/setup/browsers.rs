//! The browsers, and the driver that comes in a package.

use std::path::PathBuf;

use super::apt;
use super::problem::Problem;
use super::site::Site;
use crate::web::tools;

/// Chromium with the driver of its version; says where the driver is.
pub(super) fn chromium(site: &Site) -> Result<PathBuf, Problem> {
    let both = || tools::chromium().and_then(|_| tools::chromedriver());
    if let Some(driver) = both() {
        return Ok(driver);
    }
    let packages = ["chromium", "chromium-driver"];
    apt::install(site, &packages)?;
    both().ok_or_else(|| Problem::NotBrought(packages.join(" with ")))
}

/// Firefox; its driver is compiled.
pub(super) fn firefox(site: &Site) -> Result<PathBuf, Problem> {
    if let Some(browser) = tools::firefox() {
        return Ok(browser);
    }
    // Ubuntu's `firefox` is a snap, which headless tests cannot start; `firefox-esr` is Debian's.
    apt::install(site, &["firefox-esr"])?;
    tools::firefox().ok_or_else(|| Problem::NotBrought("firefox-esr".to_owned()))
}
