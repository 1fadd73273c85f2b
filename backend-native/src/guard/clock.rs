//! For how long a thread has computed, which a busy machine does not add to.

use std::cell::Cell;
#[cfg(target_os = "linux")]
use std::fs::File;
#[cfg(target_os = "linux")]
use std::io::Read as _;
use std::time::{Duration, Instant};

/// An answer of up to this age is used again. Each poll of a driver wants one, and there are tens of thousands of polls a second.
const LATELY: Duration = Duration::from_millis(1);

/// For how long this thread has computed. Asking is a system call.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such clock")]
pub(super) fn thread_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Some(Duration::new(seconds, nanoseconds))
}

/// For how long this thread has computed: not known.
#[cfg(not(unix))]
pub(super) fn thread_time() -> Option<Duration> {
    None
}

/// What names this thread, for [`time_of`]. 0 where that cannot be asked.
#[cfg(target_os = "linux")]
pub(super) fn this_thread() -> u32 {
    thread_local! {
        static ID: u32 = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
    }
    ID.with(|id| *id)
}

/// What names this thread, for [`time_of`]. 0 where that cannot be asked.
#[cfg(not(target_os = "linux"))]
pub(super) const fn this_thread() -> u32 {
    0
}

/// For how long this thread had computed a moment ago, at most [`LATELY`] before `now`, to be compared with what [`time_of`] says
/// later. Zero where nobody says it.
pub(super) fn time_to_compare(now: Instant) -> Duration {
    thread_local! {
        static ASKED: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
    }
    if !cfg!(target_os = "linux") {
        return Duration::ZERO;
    }
    let asked = ASKED.get().filter(|(at, _)| {
        let age = now.checked_duration_since(*at);
        age.is_some_and(|age| age <= LATELY)
    });
    let (_, time) = asked.unwrap_or_else(|| {
        let time = thread_time().unwrap_or_default();
        ASKED.set(Some((now, time)));
        (now, time)
    });
    time
}

/// For how long another thread of this process has computed, as of its last tick: up to 10 ms less than it is. Asking takes some
/// microseconds. `None` where nobody says it.
#[cfg(target_os = "linux")]
pub(super) fn time_of(thread: u32) -> Option<Duration> {
    let mut file = File::open(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    let mut line = [0; 64];
    let read = file.read(&mut line).ok()?;
    let line = std::str::from_utf8(line.get(..read)?).ok()?;
    let nanoseconds = line.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// For how long another thread of this process has computed: not known.
#[cfg(not(target_os = "linux"))]
pub(super) const fn time_of(_thread: u32) -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_waits_does_not_compute() {
        let (tell, told) = channel();
        let (end, ended) = channel::<()>();
        let waiting = thread::spawn(move || {
            tell.send(this_thread()).unwrap();
            let _ = ended.recv();
        });
        let id = told.recv().unwrap();
        let before = time_of(id).unwrap();
        thread::sleep(Duration::from_millis(50));
        let after = time_of(id).unwrap();
        assert!(after - before < Duration::from_millis(20));
        drop(end);
        waiting.join().unwrap();
    }

    #[test]
    fn a_thread_that_computes_is_seen_to() {
        let before = thread_time().unwrap();
        while thread_time().unwrap() - before < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while time_of(this_thread()).unwrap() < before + Duration::from_millis(50) {
            assert!(Instant::now() < deadline);
        }
    }

    #[test]
    fn an_answer_of_a_moment_ago_is_not_asked_for_again() {
        let compute = || {
            let before = thread_time().unwrap();
            while thread_time().unwrap() == before {}
        };
        let now = Instant::now();
        let first = time_to_compare(now);
        compute();
        assert_eq!(time_to_compare(now + LATELY), first);
        let later = time_to_compare(now + LATELY * 2);
        assert!(later > first);
        compute();
        assert!(time_to_compare(now) > later, "of another time");
    }

    #[test]
    fn a_thread_that_is_not_there_has_no_time() {
        assert_eq!(time_of(0), None);
    }
}
