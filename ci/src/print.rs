//! Standard output; a reader who went away must not end the run with a panic.

use std::fmt::Arguments;
use std::io::{self, Write};

/// Writes one line and flushes it, so that a stuck stage is visible.
pub(crate) fn line(text: Arguments<'_>) {
    let mut out = io::stdout().lock();
    let _reader_gone = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// `println!` that survives a closed pipe.
macro_rules! say {
    ($($arg:tt)*) => { $crate::print::line(format_args!($($arg)*)) };
}
pub(crate) use say;
