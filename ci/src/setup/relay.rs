//! The TURN server of the relay cases.

use std::path::PathBuf;

use super::apt;
use super::problem::Problem;
use super::site::Site;
use crate::find::find;

const PACKAGE: &str = "coturn";

/// The program that the cases start.
pub(super) fn turnserver(site: &Site) -> Result<PathBuf, Problem> {
    if let Some(program) = find("turnserver") {
        return Ok(program);
    }
    apt::install(site, &[PACKAGE])?;
    find("turnserver").ok_or_else(|| Problem::NotBrought(PACKAGE.to_owned()))
}
