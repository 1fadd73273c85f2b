//! An honest pair whose backends also have links with hostile members. Alone in its process, because it holds every processor.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod siege;

use std::time::Duration;

use hostile_member::Attack;

/// Each of the honest two has more links with hostile members than this machine has processors, and each of those members has
/// its backend compute for as long as it can, because what would refuse their packets is switched off.
#[test]
fn an_honest_pair_does_not_notice_that_every_processor_is_held() {
    siege::count_panics();
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    let figures = siege::play(
        &siege::Plan {
            hostile: processors.min(4) + 1,
            attacks: vec![
                Attack::SmallForwardTsns,
                Attack::ForwardTsn,
                Attack::FarForwardTsn,
            ],
            fuzz: false,
            without_cure: true,
            seed: 0,
            quiet: Duration::from_millis(500),
            siege: Duration::from_secs(12),
        },
        |_, _| {},
    );
    assert_eq!(figures.complaints(), Vec::<String>::new(), "{figures}");
    assert!(!figures.ends.is_empty(), "{figures}");
    assert!(!figures.besieged.is_empty(), "{figures}");
    let are_caught = |reason: &String| reason.starts_with("Protocol");
    assert!(figures.ends.keys().all(are_caught), "{figures}");
}
