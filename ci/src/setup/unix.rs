//! Links and scripts, which the way of Debian is made of.

use std::fs;
use std::io;
use std::path::Path;

/// Makes `link` lead to `to`.
#[cfg(unix)]
pub(super) fn link(to: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, link)
}

/// Writes a program of the shell.
#[cfg(unix)]
pub(super) fn script(path: &Path, body: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, format!("#!/bin/sh\n{body}\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// No Debian, no need.
#[cfg(not(unix))]
pub(super) fn link(_to: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// No Debian, no need.
#[cfg(not(unix))]
pub(super) fn script(path: &Path, body: &str) -> io::Result<()> {
    let _unused = (path, body, fs::exists::<&Path>);
    Err(io::ErrorKind::Unsupported.into())
}
