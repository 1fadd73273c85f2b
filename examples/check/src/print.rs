//! Lines for the report.

/// Prints a line at once, and does not mind if nobody reads it any more.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write;
        let mut output = std::io::stdout().lock();
        let _ = writeln!(output, $($argument)*).and_then(|()| output.flush());
    }};
}

pub(crate) use say;
