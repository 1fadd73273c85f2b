//! Where the processor time of a mesh of eight goes: by function with perf, where it works, and by thread.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::print;

/// Samples a second; not a multiple of what ticks.
const RATE: &str = "997";

/// Lines of perf's report that are printed; the files have all of it.
const SHOWN: usize = 30;

/// Of ours and of the crate without a hand-over.
const SIDES: [&str; 2] = ["ours", "tuned"];

/// Measures both sides, writes what was found into a folder and prints the most of it.
pub(crate) fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for side in SIDES {
        print::line(&format!("mesh of 8 at 60 Hz, {side}, with its opening:"));
        let threads = counters(side)?;
        fs::write(folder.join(format!("threads-{side}.txt")), &threads)?;
        threads.lines().for_each(print::line);
        match functions(side, folder) {
            Ok(report) => {
                fs::write(folder.join(format!("functions-{side}.txt")), &report)?;
                let lines = report.lines().filter(|line| is_figure(line));
                lines.take(SHOWN).for_each(print::line);
            }
            Err(why) => print::line(&format!("not by function: {why:#}")),
        }
        print::line("");
    }
    Ok(())
}

/// One run alone: perf would be counted, too.
fn counters(side: &str) -> Result<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(["mesh-60hz", "--side", side, "--counters"])
        .output()?;
    ensure!(output.status.success(), "{side} failed ({})", output.status);
    Ok(String::from_utf8(output.stderr)?)
}

fn functions(side: &str, folder: &Path) -> Result<String> {
    let data = folder.join(format!("{side}.perf"));
    let recorded = Command::new("perf")
        .args(["record", "-q", "-g", "-F", RATE, "-o"])
        .arg(&data)
        .arg("--")
        .arg(std::env::current_exe()?)
        .args(["mesh-60hz", "--side", side])
        .output()
        .context("perf")?;
    let complaint = String::from_utf8_lossy(&recorded.stderr);
    ensure!(
        recorded.status.success(),
        "perf record: {}",
        complaint.trim()
    );
    let report = Command::new("perf")
        .args(["report", "--stdio", "--no-children", "-g", "none"])
        .args(["--percent-limit", "0.3", "--sort", "dso,symbol", "-i"])
        .arg(&data)
        .output()?;
    let complaint = String::from_utf8_lossy(&report.stderr);
    ensure!(report.status.success(), "perf report: {}", complaint.trim());
    Ok(String::from_utf8_lossy(&report.stdout).into_owned())
}

fn is_figure(line: &str) -> bool {
    line.trim_start()
        .starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_no_figures() {
        assert!(is_figure("     3.21%  bench  [.] poll"));
        assert!(!is_figure("# Samples: 3K"));
        assert!(!is_figure(""));
    }
}
