//! What this process uses, and what the whole machine is busy with.

use std::fmt;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Processor time of all threads of this process, so far.
pub fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(spent.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(spent.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

/// Resident memory of this process in KiB.
pub fn resident_kib() -> Result<f64> {
    status("VmRSS:")
}

/// The most that it ever was, in KiB.
pub fn peak_kib() -> Result<f64> {
    status("VmHWM:")
}

/// How many threads this process has.
pub fn threads() -> Result<f64> {
    status("Threads:")
}

/// How many file descriptors this process has open.
pub fn descriptors() -> Result<f64> {
    // The listing itself holds one.
    let open = fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
    Ok(f64::from(u32::try_from(open)?))
}

fn status(field: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let value = line.and_then(|line| line.split_whitespace().next());
    let value = value.with_context(|| format!("no {field} in /proc/self/status"))?;
    Ok(value.parse()?)
}

/// Time the machine's processors were busy since boot, all of them together, time taken by other virtual machines included.
pub fn machine_busy() -> Result<Duration> {
    /// The unit of /proc/stat, fixed in the kernel's interface.
    const TICKS_PER_SECOND: u64 = 100;
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks = line
        .split_whitespace()
        .skip(1)
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()?;
    // user nice system idle iowait irq softirq steal; what follows is contained in the first two.
    let busy: u64 = ticks
        .iter()
        .take(8)
        .enumerate()
        .filter(|(at, _)| !matches!(at, 3 | 4))
        .map(|(_, ticks)| ticks)
        .sum();
    Ok(Duration::from_millis(busy * 1000 / TICKS_PER_SECOND))
}

/// What a thread has used since it began.
pub struct Thread {
    name: String,
    cpu: Duration,
    /// How often it went to sleep, and how often it had to give way.
    switches: [u64; 2],
}

impl fmt::Display for Thread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [slept, gave_way] = self.switches;
        let milliseconds = self.cpu.as_secs_f64() * 1e3;
        let name = &self.name;
        write!(
            formatter,
            "{name}: {milliseconds:.1} ms of CPU, slept {slept} times, gave way {gave_way} times"
        )
    }
}

/// All threads of this process.
pub fn by_thread() -> Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for task in fs::read_dir("/proc/self/task")? {
        let folder = task?.path();
        // Nanoseconds on a processor, nanoseconds in the queue, slices.
        let spent = fs::read_to_string(folder.join("schedstat"))?;
        let spent = spent
            .split_whitespace()
            .next()
            .context("schedstat is empty")?;
        let status = fs::read_to_string(folder.join("status"))?;
        let count = |field: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let value = line.with_context(|| format!("no {field} in status"))?;
            Ok(value.trim().parse()?)
        };
        threads.push(Thread {
            name: fs::read_to_string(folder.join("comm"))?.trim().to_owned(),
            cpu: Duration::from_nanos(spent.parse()?),
            switches: [
                count("voluntary_ctxt_switches:")?,
                count("nonvoluntary_ctxt_switches:")?,
            ],
        });
    }
    Ok(threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_is_one_of_them() {
        let threads = by_thread().expect("/proc");
        assert!(threads.iter().any(|thread| thread.cpu > Duration::ZERO));
    }
}
