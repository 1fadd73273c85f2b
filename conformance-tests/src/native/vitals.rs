//! What this process holds: tasks, files, threads, memory.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Handle;

use crate::reply::Vitals;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Counts every panic of this process from now on; those of a runtime's tasks would go unseen otherwise.
pub(super) fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::Relaxed);
            former(info);
        }));
    });
}

/// What this process holds now. `alone` says whether it is one participant's own, so that the figures are its alone.
pub(super) fn read(handle: &Handle, alone: bool) -> Vitals {
    if !alone {
        return Vitals::default();
    }
    let tasks = u64::try_from(handle.metrics().num_alive_tasks()).unwrap_or(u64::MAX);
    let mut counts = vec![("tasks".to_owned(), tasks)];
    let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count);
    counts.extend(files.ok().map(|files| ("files".to_owned(), files as u64)));
    counts.extend(status("Threads:").map(|threads| ("threads".to_owned(), threads)));
    Vitals {
        counts,
        resident: status("VmRSS:").map(|kib| kib * 1024),
        hidden: None,
        panics: Some(PANICS.load(Ordering::Relaxed)),
    }
}

/// A number of `/proc/self/status`; none on a system without.
fn status(field: &str) -> Option<u64> {
    std::fs::read_to_string("/proc/self/status")
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix(field))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
