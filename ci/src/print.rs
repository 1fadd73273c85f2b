//! Standard output; a reader who went away must not end the run with a panic.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static MUTED: AtomicBool = AtomicBool::new(false);

/// Nothing is printed from now on: whoever has interrupted us need not read what fails for that reason.
pub(crate) fn mute() {
    MUTED.store(true, Ordering::Relaxed);
}

/// Writes one line and flushes it, so that a stuck stage is visible.
pub(crate) fn line(text: Arguments<'_>) {
    if MUTED.load(Ordering::Relaxed) {
        return;
    }
    let mut out = io::stdout().lock();
    let _reader_gone = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// `println!` that survives a closed pipe.
macro_rules! say {
    ($($arg:tt)*) => { $crate::print::line(format_args!($($arg)*)) };
}
pub(crate) use say;
