//! Messages of the pulse.

use mesh_core::platform::pulse::{Checks, Life, Pulse, Signs};
use mesh_core::{Duration, Instant, LinkStats};

/// Messages, each after a byte that says how long it is and one that says how many 64ths of a second later it comes. Between
/// them the pulse is polled when it wants to be.
pub(crate) fn messages(input: &[u8]) {
    exchange(input, false);
    exchange(input, true);
}

fn exchange(mut input: &[u8], are_checks_answered: bool) {
    let mut now = Instant::from_micros(0);
    let mut pulse = Pulse::default();
    let line = if are_checks_answered {
        "a=webrtc-multiplayer:2\r\na=webrtc-multiplayer-pulse:ice\r\n"
    } else {
        "a=webrtc-multiplayer:2\r\n"
    };
    pulse.described(now, line);
    pulse.opened(now);
    while let Some((&[length, later], rest)) = input.split_first_chunk() {
        let (message, rest) = rest.split_at(rest.len().min(length.into()));
        now += Duration::from_micros(15_625) * later.into();
        while let Some(due) = pulse.poll_timeout().filter(|due| *due <= now) {
            let checks = are_checks_answered.then_some(Checks {
                heard: now,
                answered: now,
            });
            let signs = Signs {
                checks,
                ..Signs::default()
            };
            let _ = pulse.poll(now, signs);
            assert!(pulse.poll_timeout().is_some_and(|next| next > due));
        }
        match pulse.take(now, message) {
            Ok(answer) => {
                let is_ping = message.first() == Some(&1);
                assert!(answer.is_none() || is_ping);
                // Heard just now.
                assert!(!is_ping || are_checks_answered || pulse.life() == Life::Answers);
            }
            Err(_) => return,
        }
        let mut stats = LinkStats::default();
        pulse.measured(&mut stats);
        for loss in [stats.loss_sent, stats.loss_received] {
            assert!(loss.is_none_or(|percent| percent <= 100));
        }
        input = rest;
    }
}
