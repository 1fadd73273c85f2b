//! What the NAT lab is made of: namespaces and rules. On another system than Linux there is no lab, and nothing to provide.

use std::path::PathBuf;

use super::apt;
use super::problem::Problem;
use super::site::Site;
use crate::find::find;

/// The program that makes namespaces.
pub(super) fn ip(site: &Site) -> Result<PathBuf, Problem> {
    provide(site, "ip", "iproute2")
}

/// The program that makes rules.
pub(super) fn nft(site: &Site) -> Result<PathBuf, Problem> {
    provide(site, "nft", "nftables")
}

fn provide(site: &Site, program: &str, package: &str) -> Result<PathBuf, Problem> {
    if cfg!(not(target_os = "linux")) {
        return Ok(PathBuf::from("not on this system"));
    }
    if let Some(program) = find(program) {
        return Ok(program);
    }
    apt::install(site, &[package])?;
    find(program).ok_or_else(|| Problem::NotBrought(package.to_owned()))
}
