//! What came of it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Round trips of the honest two while nobody was hostile, and afterwards.
    pub(crate) quiet: Vec<Duration>,
    pub(crate) besieged: Vec<Duration>,
    /// How often the honest two did not hear of each other for too long.
    pub(crate) interruptions: usize,
    /// Why they were parted, if they were.
    pub(crate) parted: Option<String>,
    /// Messages of the honest two that did not arrive, came twice, or in the wrong order.
    pub(crate) lost: u64,
    /// Whether the last question was answered.
    pub(crate) is_answered: bool,
    /// How many hostile members were let in.
    pub(crate) members: usize,
    /// How many bursts they sent.
    pub(crate) bursts: usize,
    /// How the links with them ended.
    pub(crate) ends: BTreeMap<String, usize>,
    /// How many panics were caught.
    pub(crate) panics: usize,
}

impl Figures {
    /// The time that so many of a hundred round trips did not exceed.
    pub(crate) fn percentile(times: &[Duration], share: usize) -> Duration {
        let mut times = times.to_vec();
        times.sort_unstable();
        let at = (times.len() * share / 100).min(times.len().saturating_sub(1));
        times.get(at).copied().unwrap_or_default()
    }

    /// What the honest two noticed, in words; nothing if all is well.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if let Some(reason) = &self.parted {
            complaints.push(format!("the honest two were parted: {reason}"));
        }
        if self.interruptions > 0 {
            complaints.push(format!("{} interruptions", self.interruptions));
        }
        if self.lost > 0 || !self.is_answered {
            complaints.push(format!("{} messages were lost", self.lost.max(1)));
        }
        complaints
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, times) in [("quiet", &self.quiet), ("besieged", &self.besieged)] {
            let [p50, p99, most] = [50, 99, 100].map(|share| Self::percentile(times, share));
            let count = times.len();
            writeln!(
                f,
                "{name}: {count} round trips, p50 {p50:?}, p99 {p99:?}, at most {most:?}"
            )?;
        }
        writeln!(
            f,
            "interrupted {}, lost {}, panics caught {}; {} members, {} bursts",
            self.interruptions, self.lost, self.panics, self.members, self.bursts
        )?;
        for (reason, count) in &self.ends {
            writeln!(f, "{count:6} {reason}")?;
        }
        Ok(())
    }
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// How many panics were counted.
pub(super) fn panics() -> usize {
    PANICS.load(Ordering::Relaxed)
}

/// Counts the panics in the network's threads instead of printing them; prints those that are new.
pub(crate) fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let seen: Mutex<BTreeMap<String, ()>> = Mutex::default();
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !thread::current()
                .name()
                .is_some_and(|name| name.starts_with("webrtc"))
            {
                return print(info);
            }
            PANICS.fetch_add(1, Ordering::Relaxed);
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let words = format!("{place}: {}", info.payload_as_str().unwrap_or_default());
            let key = words
                .split(|c: char| c.is_ascii_digit())
                .collect::<String>();
            if seen.lock().expect("whole").insert(key, ()).is_none() {
                print(info);
            }
        }));
    });
}
