//! A hundred links leave no memory behind. Alone in its process: it looks at the memory of all of it. What else a link could
//! leave is counted in `leaks`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]

mod support;

use std::time::{Duration, Instant};

use mesh_core::LinkConfig;
use support::{INBOX, PATIENCE, Pair, RELIABLE, link, specs};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux").count()
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("VmRSS");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

fn tasks(pair: &Pair) -> usize {
    [&pair.a, &pair.b]
        .iter()
        .map(|peer| peer.backend.handle().metrics().num_alive_tasks())
        .sum()
}

#[test]
fn a_hundred_links_leave_nothing_behind() {
    let mut pair = Pair::loopback();
    let files = open_files();
    let mut memory_at_50 = 0;
    for cycle in 0..100 {
        for peer in [&mut pair.a, &mut pair.b] {
            peer.open(link(cycle), LinkConfig::default(), INBOX, &specs());
        }
        pair.connect();
        pair.a.send(RELIABLE, vec![0; 10_000]);
        pair.wait("a message", |pair| pair.b.messages(RELIABLE) == 1);
        // By turns: closed by the one, dropped by the other, or closed by both at once.
        pair.a.close(Duration::ZERO);
        if cycle % 2 == 0 {
            pair.wait("the far side hears", |pair| {
                pair.b.has_closed_channel(RELIABLE)
            });
        }
        pair.b.close(Duration::ZERO);
        pair.wait("both closed", |pair| {
            pair.a.closed.is_some() && pair.b.closed.is_some()
        });
        if cycle == 49 {
            memory_at_50 = resident_kib();
        }
    }
    let deadline = Instant::now() + PATIENCE;
    while tasks(&pair) > 0 || open_files() > files {
        assert!(
            Instant::now() < deadline,
            "{} tasks, {} files, {files} at the start",
            tasks(&pair),
            open_files()
        );
        std::thread::yield_now();
    }
    let grown = resident_kib().saturating_sub(memory_at_50);
    assert!(grown < 1024, "{grown} KiB more than after 50 links");
}
