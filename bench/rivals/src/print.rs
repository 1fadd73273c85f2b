//! The one place that writes to the terminal.

/// A line of the result.
#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// What is going on, beside the result.
#[expect(clippy::print_stderr, reason = "so that the table can be redirected")]
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}
