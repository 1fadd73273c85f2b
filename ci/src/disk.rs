//! How much room there is for what is built.

use std::path::Path;

use crate::print::say;

/// What a whole run leaves in the target folder and in the caches, with some to spare, in MiB: 6,050 of it were measured.
const NEEDED: u64 = 8 * 1024;

/// Says how much is free. A full disk shows in a hundred errors of linkers, none of which says what to do.
pub(crate) fn say_room(folder: &Path) {
    // It may not be there yet.
    let there = folder.ancestors().find(|folder| folder.exists());
    let Some(free) = there.and_then(free) else {
        return;
    };
    say!("[ci] disk: {free} MiB are free at {}", folder.display());
    if free < NEEDED {
        say!(
            "[ci] disk: a run on a fresh clone takes {NEEDED}. Remove old target folders if it ends for want of room."
        );
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(stat.blocks_available() * stat.fragment_size() / (1024 * 1024))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_this_folder_has_a_size() {
        assert!(free(Path::new(".")).is_some());
        assert!(free(Path::new("/no such folder")).is_none());
    }
}
