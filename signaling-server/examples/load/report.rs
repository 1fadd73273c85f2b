//! The table.

use std::io::{self, Write};
use std::time::Duration;

/// Rows that are printed as soon as they are known.
pub(crate) struct Report;

impl Report {
    pub(crate) fn new() -> io::Result<Self> {
        let mut report = Self;
        report.line("| | | |")?;
        report.line("|---|---:|---|")?;
        report.machine("before")?;
        Ok(report)
    }

    pub(crate) fn row(&mut self, what: &str, value: &str, how: &str) -> io::Result<()> {
        self.line(&format!("| {what} | {value} | {how} |"))
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.machine("after")
    }

    /// How busy the machine is: with other work the figures are worse.
    fn machine(&mut self, when: &str) -> io::Result<()> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split(' ').take(3).collect();
        let load = load.join(" ");
        self.row(
            &format!("load of the machine {when}"),
            &load,
            &format!("{cores} cores"),
        )
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{text}")?;
        stdout.flush()
    }
}

/// The value below which so many of a hundred are.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(last * percent / 100)
        .copied()
        .unwrap_or_default()
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

pub(crate) fn per_second(count: usize, time: Duration) -> String {
    format!("{:.0}/s", count as f64 / time.as_secs_f64())
}
