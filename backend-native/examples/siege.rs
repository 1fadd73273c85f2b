//! An honest pair under attack: counts what the two lose, and for how long they wait.
//!
//! A tool, run by hand. It fails where a message between the honest two is lost or doubled, where they are interrupted or
//! parted, or where 99 of 100 of their round trips take more than three times as long as before the attack.
//!
//! `HOSTILE_SECONDS` says for how long, and `HOSTILE_SEED` which bytes are sent; with `HOSTILE_WITHOUT_CURE` packets that skip
//! many numbers reach the crate, which then computes for long. One hour is
//! `HOSTILE_SECONDS=3600 cargo run --release --package webrtc-multiplayer-native --example siege`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    dead_code,
    reason = "test code, of which this is a part"
)]

#[path = "../tests/siege/mod.rs"]
mod siege;

use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use hostile_member::Attack;
use siege::Figures;

/// How long it takes where nothing is said.
const SECONDS: u64 = 15;

/// The part before it in which nobody is hostile.
const QUIET: Duration = Duration::from_secs(10);

/// How many hostile members are in the mesh: one more than an honest backend had threads once.
const HOSTILE: usize = 3;

/// How much longer a round trip may take under attack.
const SLOWER: u32 = 3;

fn number<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

fn main() -> ExitCode {
    siege::count_panics();
    let seed = number("HOSTILE_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.map_or(0, |now| now.as_secs())
    });
    println!("HOSTILE_SEED={seed}");
    let plan = siege::Plan {
        hostile: number("HOSTILE_MEMBERS").unwrap_or(HOSTILE),
        attacks: Attack::ALL.to_vec(),
        fuzz: true,
        without_cure: std::env::var_os("HOSTILE_WITHOUT_CURE").is_some(),
        seed,
        quiet: QUIET,
        siege: Duration::from_secs(number("HOSTILE_SECONDS").unwrap_or(SECONDS)),
    };
    let figures = siege::play(&plan, |after, figures| {
        println!("{} s\n{figures}", after.as_secs());
    });
    println!("{figures}");
    let mut complaints = figures.complaints();
    let [quiet, besieged] =
        [&figures.quiet, &figures.besieged].map(|times| Figures::percentile(times, 99));
    if besieged > quiet * SLOWER {
        complaints.push(format!("p99 {besieged:?}, which was {quiet:?} before"));
    }
    for complaint in &complaints {
        println!("FAILED: {complaint}");
    }
    if complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
