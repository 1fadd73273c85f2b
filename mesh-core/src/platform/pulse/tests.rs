//! What two sides know of each other.

mod quiet;
mod world;

use self::world::{MILLI, STEP, Thread, World};
use super::*;
use crate::ConnectionState;
use crate::rng::Rng;

fn measured(world: &World) -> LinkStats {
    let mut stats = LinkStats::default();
    world.sides[0].pulse.measured(&mut stats);
    stats
}

#[test]
fn a_side_whose_words_do_not_arrive_knows_it() {
    let mut world = World::new();
    world.run(Duration::from_secs(3));
    world.cut[0] = true;
    let cut = world.now;
    world.run(Duration::from_secs(6));
    world.cut[0] = false;
    world.run(Duration::from_secs(2));
    let lives = |side: usize| world.lives_since(side, cut);
    assert_eq!(lives(0), [Life::Unheard, Life::Answers]);
    assert_eq!(lives(1).last(), Some(&Life::Answers));
    assert!(lives(1).contains(&Life::Silent));
}

/// Its end of the path goes on answering, and so does the platform's check of the path.
#[test]
fn a_side_whose_words_never_arrive_is_disconnected_until_they_do() {
    let mut world = World::new();
    world.run(Duration::from_secs(3));
    world.cut[0] = true;
    let cut = world.now;
    world.run(Duration::from_secs(12));
    let pulse = &world.sides[0].pulse;
    let state = judge(ConnectionState::Connected, pulse.life_to_judge());
    assert_eq!(state, ConnectionState::Disconnected);
    world.cut[0] = false;
    world.run(Duration::from_secs(2));
    let lives = world.lives_since(0, cut);
    assert_eq!(lives, [Life::Unheard, Life::Deaf, Life::Answers]);
}

#[test]
fn nothing_is_said_to_a_side_without_a_pulse() {
    let now = Instant::from_micros(0);
    for line in ["", "a=webrtc-multiplayer:1\r\n"] {
        let mut pulse = Pulse::default();
        pulse.described(now, line);
        pulse.opened(now);
        assert_eq!(pulse.life(), Life::Unknown);
        assert_eq!(pulse.poll_timeout(), None);
        assert_eq!(pulse.poll(now, Signs::default()), None);
        assert!(!pulse.wants_look());
        assert_eq!(pulse.take(now, &[1, 0, 0, 0, 0, 0, 0, 0]), Ok(None));
        assert_eq!(pulse.take(now, &[]), Ok(None), "nor is it at fault");
    }
}

#[test]
fn the_pulse_begins_when_both_are_known_and_ends_with_the_channel() {
    let now = Instant::from_micros(0);
    let mut pulse = Pulse::default();
    pulse.opened(now);
    assert_eq!(pulse.poll_timeout(), None);
    pulse.described(now, "a=webrtc-multiplayer:3\r\n");
    assert_eq!(
        (pulse.life(), pulse.poll_timeout()),
        (Life::Answers, Some(now + INTERVAL))
    );
    assert_eq!(pulse.poll(now, Signs::default()), None);
    assert!(pulse.poll(now + INTERVAL, Signs::default()).is_some());
    pulse.closed();
    assert_eq!((pulse.life(), pulse.poll_timeout()), (Life::Unknown, None));
}

#[test]
fn a_quiet_link_pings_twice_a_second_and_measures() {
    let mut world = World::new();
    world.run(Duration::from_mins(1));
    assert_eq!(world.seen(world.now), []);
    assert!(
        (100..=121).contains(&world.sides[0].pings),
        "{}",
        world.sides[0].pings
    );
    let stats = measured(&world);
    assert_eq!(stats.round_trip, Some(MILLI * 40));
    assert_eq!(stats.jitter, Some(Duration::ZERO));
    assert_eq!((stats.loss_sent, stats.loss_received), (Some(0), Some(0)));
    assert!(!stats.stalled);
}

#[test]
fn a_side_that_gets_messages_pings_once_a_second() {
    for latency in [1, 40, 400] {
        let mut world = World::new();
        world.latency = MILLI * latency;
        world.tick = [Some(MILLI * 20), None];
        world.run(Duration::from_mins(1));
        assert_eq!(world.seen(world.now), []);
        let pings = world.sides.each_ref().map(|side| side.pings);
        assert!((100..=121).contains(&pings[0]), "{pings:?}");
        assert!((55..=62).contains(&pings[1]), "{pings:?}");
    }
}

#[test]
fn one_that_stops_playing_is_there_and_one_that_vanishes_meanwhile_is_not() {
    for moment in 0..50 {
        for gone in [false, true] {
            let mut world = World::new();
            world.loss = if gone { 0.0 } else { 0.2 };
            world.rng = Rng::new(moment);
            world.tick = [Some(MILLI * 20); 2];
            world.run(Duration::from_secs(5) + STEP * moment as u32);
            let end = world.now;
            world.tick = [None; 2];
            world.cut = [gone; 2];
            world.run(Duration::from_secs(4));
            let seen = world.seen(end);
            match seen[..] {
                [] if !gone => {}
                [(1500..=2100, Life::Silent)] if gone => {}
                _ => panic!("{moment}: {seen:?}"),
            }
        }
    }
}

/// Messages come, and what we say does not arrive.
#[test]
fn one_that_plays_on_and_does_not_answer_is_unheard_in_time() {
    for moment in 0..50 {
        let mut world = World::new();
        world.tick = [Some(MILLI * 20); 2];
        world.run(Duration::from_secs(5) + STEP * moment);
        let cut = world.now;
        world.cut = [true, false];
        world.run(Duration::from_secs(12));
        let seen = world.seen(cut);
        assert!(
            matches!(
                seen[..],
                [(3000..=4600, Life::Unheard), (9000..=10_600, Life::Deaf)]
            ),
            "{seen:?}"
        );
    }
}

#[test]
fn one_that_vanishes_is_silent_within_its_time_and_comes_back() {
    for moment in 0..50 {
        let mut world = World::new();
        (world.latency, world.jitter) = (MILLI * 250, MILLI * 100);
        world.run(Duration::from_secs(5) + STEP * moment);
        let vanished = world.now;
        world.cut = [true; 2];
        world.run(Duration::from_secs(10));
        let [(at, Life::Silent)] = world.seen(vanished)[..] else {
            panic!("not silent");
        };
        assert!((1500..=2500).contains(&at), "after {at} ms");
        let back = world.now;
        world.cut = [false; 2];
        world.run(Duration::from_secs(2));
        let seen = world.seen(back);
        let (Some((heard, _)), Some((answered, Life::Answers))) = (seen.first(), seen.last())
        else {
            panic!("not back");
        };
        assert!(
            seen.len() <= 2 && *heard <= 1000 && *answered <= 2000,
            "{seen:?}"
        );
    }
}

#[test]
fn a_far_side_that_opens_later_is_waited_for() {
    let mut world = World::new();
    // What it says until then is not heard.
    world.cut = [false, true];
    world.sides[0].signs.path = None;
    world.run(MILLI * 2800);
    // The platform may know better.
    let judged = |world: &World| world.sides[0].pulse.life_to_judge();
    assert_eq!(judged(&world), Life::Unknown);
    world.cut = [false; 2];
    world.run(Duration::from_secs(3));
    assert_eq!(world.seen(world.now), []);
    assert_eq!(judged(&world), Life::Answers);
    let mut world = World::new();
    let opened = world.now;
    world.cut = [true; 2];
    world.run(Duration::from_secs(8));
    let seen = world.seen(opened);
    assert!(
        matches!(seen[..], [(3000..=3500, Life::Silent)]),
        "{seen:?}"
    );
}

#[test]
fn a_bad_path_is_no_silence() {
    for seed in 0..20 {
        let mut world = World::new();
        world.rng = Rng::new(seed);
        world.loss = 0.2;
        // Many, few enough that some polls see none, from one side alone, and none.
        let ticks = [Some(20), Some(700), Some(1300), None];
        let ticks = ticks.map(|tick| tick.map(|tick| MILLI * tick));
        let tick = |number: u64| ticks[(number % 4) as usize];
        world.tick = [tick(seed), tick(seed / 4)];
        if seed % 5 == 0 {
            world.sides[0].signs.path = None;
        }
        (world.latency, world.jitter) = (MILLI * 250, MILLI * 200);
        world.run(Duration::from_mins(10));
        let seen = world.seen(world.now);
        let is_silent = seen.iter().any(|(_, life)| *life == Life::Silent);
        assert!(!is_silent, "seed {seed}: {seen:?}");
        let stats = measured(&world);
        for loss in [stats.loss_sent, stats.loss_received] {
            assert!(loss.is_some_and(|percent| (5..40).contains(&percent)));
        }
        let jitter = stats.jitter.unwrap();
        assert!((MILLI * 20..MILLI * 200).contains(&jitter), "{jitter:?}");
    }
}

#[test]
fn a_busy_thread_is_stalled_and_no_silence() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    let blocked = world.now;
    world.sides[1].thread = Thread::Blocked;
    world.run(Duration::from_secs(8));
    assert!(measured(&world).stalled);
    world.sides[1].thread = Thread::Runs;
    world.run(Duration::from_secs(2));
    let seen = world.seen(blocked);
    let [(stalled, Life::Stalled), (back, Life::Answers)] = seen[..] else {
        panic!("{seen:?}");
    };
    assert!((1500..=2500).contains(&stalled) && back < 8500, "{seen:?}");
    // It has not taken its own time for ours.
    assert_eq!(world.sides[1].changes, []);
    assert!(!measured(&world).stalled);
    // An answer to a ping of then says nothing of the path.
    assert!(measured(&world).round_trip.unwrap() < Duration::from_secs(3));
}

#[test]
fn a_busy_thread_that_vanishes_is_silent_after_all() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    world.sides[1].thread = Thread::Blocked;
    world.run(Duration::from_secs(8));
    world.seen(world.now);
    let gone = world.now;
    world.sides[1].thread = Thread::Gone;
    world.run(Duration::from_secs(4));
    let seen = world.seen(gone);
    assert!(
        matches!(seen[..], [(1000..=2500, Life::Silent)]),
        "{seen:?}"
    );
}

#[test]
fn who_stood_still_asks_before_it_cries() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    for _ in 0..5 {
        world.sides[0].thread = Thread::Blocked;
        world.run(Duration::from_secs(8));
        world.sides[0].thread = Thread::Runs;
        world.run(STEP * 20);
    }
    assert_eq!(world.seen(world.now), []);
    // Asleep, and the other one is gone when it wakes.
    world.sides[0].thread = Thread::Blocked;
    world.sides[1].thread = Thread::Gone;
    world.run(Duration::from_mins(1));
    let woke = world.now;
    world.sides[0].thread = Thread::Runs;
    world.run(Duration::from_secs(4));
    let seen = world.seen(woke);
    assert!(matches!(seen[..], [(500..=2500, Life::Silent)]), "{seen:?}");
}

#[test]
fn what_is_silent_stays_so_though_we_are_late() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    let cut = world.now;
    world.cut = [true; 2];
    world.run(Duration::from_secs(4));
    for _ in 0..3 {
        world.sides[0].thread = Thread::Blocked;
        world.run(MILLI * 800);
        world.sides[0].thread = Thread::Runs;
        world.run(Duration::from_secs(3));
    }
    let seen = world.seen(cut);
    assert!(matches!(seen[..], [(_, Life::Silent)]), "{seen:?}");
}

#[test]
fn a_hidden_page_keeps_and_notices_its_peer() {
    for threads in [[Thread::Runs, Thread::Hidden], [Thread::Hidden; 2]] {
        let mut world = World::new();
        for (side, thread) in world.sides.iter_mut().zip(threads) {
            side.thread = thread;
        }
        world.run(Duration::from_mins(1));
        assert_eq!(world.sides[1].changes, []);
        assert_eq!(world.seen(world.now), []);
        let gone = world.now;
        world.sides[0].thread = Thread::Gone;
        world.run(Duration::from_secs(5));
        let (at, life) = world.sides[1].changes[0];
        assert_eq!(life, Life::Silent);
        assert!(at - gone <= MILLI * 3500, "after {:?}", at - gone);
    }
}

#[test]
fn without_a_look_at_the_path_it_is_waited_a_little_longer() {
    let mut world = World::new();
    world.sides[0].signs.path = None;
    world.run(Duration::from_secs(5));
    let vanished = world.now;
    world.cut = [true; 2];
    world.run(Duration::from_secs(4));
    let seen = world.seen(vanished);
    assert!(
        matches!(seen[..], [(1500..=2500, Life::Silent)]),
        "{seen:?}"
    );
}

/// A pulse of a far side that has just been heard, for the first time.
fn heard_once() -> (Instant, Pulse) {
    let now = Instant::from_micros(0);
    let mut pulse = Pulse::default();
    pulse.described(now, "a=webrtc-multiplayer:2\r\n");
    pulse.opened(now);
    let ping = [1, 0, 0, 0, 0, 0, 0, 0];
    assert!(pulse.take(now, &ping).unwrap().is_some());
    (now, pulse)
}

#[test]
fn one_look_at_the_path_shows_nothing_and_none_is_waited_for_a_little() {
    let looks = [(None, 2400), (Some(1500), 2000), (Some(2000), 2200)];
    for (from, silent) in looks {
        let (heard, mut pulse) = heard_once();
        while pulse.life() != Life::Silent {
            let now = pulse.poll_timeout().unwrap();
            let is_looked_at = from.is_some_and(|from| now - heard >= MILLI * from);
            let path = is_looked_at.then_some(7);
            let signs = Signs {
                path,
                ..Signs::default()
            };
            let _ = pulse.poll(now, signs);
        }
        let polled = pulse.run.as_ref().unwrap().polled;
        assert_eq!(polled - heard, MILLI * silent, "looks from {from:?} on");
    }
}

#[test]
fn what_is_owed_for_ten_seconds_is_minded_no_longer() {
    let (since, mut pulse) = heard_once();
    pulse.owes(since);
    let mut now = since;
    while pulse.life() == Life::Owed {
        now = pulse.poll_timeout().unwrap();
        if let Some(ping) = pulse.poll(now, Signs::default()) {
            assert_eq!(pulse.take(now, &[2, ping[1], ping[2]]), Ok(None));
        }
    }
    assert_eq!((pulse.life(), now - since), (Life::Answers, OWED_FOR));
}

#[test]
fn a_path_is_looked_at_when_it_is_needed() {
    let mut now = Instant::from_micros(0);
    let mut pulse = Pulse::default();
    pulse.described(now, "a=webrtc-multiplayer:2\r\n");
    pulse.opened(now);
    let (mut path, mut looks) = (1000, 0);
    let mut lives = Vec::new();
    while now < Instant::from_micros(6_000_000) {
        now = pulse.poll_timeout().unwrap();
        let _ = pulse.poll(now, Signs::default());
        if pulse.wants_look() {
            looks += 1;
            // Something comes for as long as this.
            path += u64::from(now < Instant::from_micros(4_000_000));
            pulse.look(now, path);
        }
        lives.push(pulse.life());
    }
    lives.dedup();
    assert_eq!(lives, [Life::Answers, Life::Stalled, Life::Silent]);
    assert!((8..25).contains(&looks), "{looks}");
}

#[test]
fn messages_of_the_game_are_signs_of_life() {
    let mut world = World::new();
    world.run(Duration::from_secs(5));
    // Pulses find no room, say.
    world.cut = [true; 2];
    for _ in 0..20 {
        world.run(MILLI * 300);
        world.sides[0].signs.messages += 1;
    }
    // Whether what we say arrives is another question.
    let seen = world.seen(world.now);
    let lives: Vec<_> = seen.iter().map(|(_, life)| *life).collect();
    assert_eq!(lives, [Life::Unheard]);
}

/// SCTP waits for its next try.
#[test]
fn who_is_silent_stays_so_until_it_is_heard_also_on_a_path_that_is_back() {
    for by_the_platform in [true, false] {
        let mut world = World::new();
        world.run(Duration::from_secs(3));
        world.cut = [true; 2];
        world.run(Duration::from_secs(5));
        world.seen(world.now);
        if by_the_platform {
            world.sides[0].pulse.path_is_back(world.now);
        }
        for _ in 0..6 {
            world.checks_of_the_path();
            world.run(INTERVAL);
        }
        assert_eq!(world.seen(world.now), []);
        assert_eq!(world.sides[0].pulse.life(), Life::Silent);
        world.cut = [false; 2];
        world.run(DEAF_AFTER_RETURN);
        let seen = world.seen(world.now);
        let lives: Vec<_> = seen.iter().map(|(_, life)| *life).collect();
        assert_eq!(lives.last(), Some(&Life::Answers));
        assert!(!lives.contains(&Life::Deaf), "{lives:?}");
    }
}

/// Its path broke and came back while its thread was busy.
#[test]
fn who_says_nothing_on_a_path_that_is_back_is_busy_in_the_end() {
    let mut world = World::new();
    world.run(Duration::from_secs(3));
    world.sides[1].thread = Thread::Blocked;
    for _ in 0..2 {
        world.cut = [true; 2];
        world.run(Duration::from_secs(5));
        assert_eq!(world.sides[0].pulse.life(), Life::Silent);
        world.cut = [false; 2];
        let back = world.now;
        world.seen(back);
        world.run(HEARD_WITHIN + INTERVAL * 2);
        let seen = world.seen(back);
        assert!(
            matches!(seen[..], [(4000..=5000, Life::Stalled)]),
            "{seen:?}"
        );
    }
}

/// A far side that plays again answers in time, also on a bad path.
#[test]
fn a_bad_path_that_is_back_is_not_found_deaf() {
    for seed in 0..500 {
        let mut world = World::new();
        world.rng = Rng::new(seed);
        world.latency = MILLI * 450;
        world.tick = [Some(MILLI * 20); 2];
        world.run(Duration::from_secs(3));
        world.cut = [true; 2];
        world.run(Duration::from_secs(4));
        world.loss = 0.2;
        world.cut = [false; 2];
        let back = world.now;
        world.sides[0].pulse.path_is_back(back);
        world.run(DEAF_AFTER_RETURN + Duration::from_secs(1));
        let lives = world.lives_since(0, back);
        assert!(!lives.contains(&Life::Deaf), "seed {seed}: {lives:?}");
    }
}

/// What Chromium's SCTP was seen to do: all comes back but what one side says.
#[test]
fn a_path_that_comes_back_in_one_direction_alone_is_found_out_soon() {
    for outage in [3, 5, 9, 20] {
        let mut world = World::new();
        world.run(Duration::from_secs(3));
        world.cut = [true; 2];
        world.run(Duration::from_secs(outage));
        world.cut[1] = false;
        let back = world.now;
        world.sides[0].pulse.path_is_back(back);
        world.run(DEAF_AFTER_RETURN + INTERVAL);
        assert_eq!(world.sides[0].pulse.life(), Life::Deaf, "{outage} s");
    }
}

#[test]
fn a_far_side_that_is_back_is_owed_what_was_sent_before() {
    for settles in [true, false] {
        let mut world = World::new();
        world.run(Duration::from_secs(3));
        world.cut = [true; 2];
        world.run(Duration::from_secs(3));
        world.cut = [false; 2];
        world.run(MILLI * 500);
        assert_eq!(world.sides[0].pulse.life(), Life::Answers);
        let back = world.now;
        world.sides[0].pulse.owes(back);
        assert_eq!(world.sides[0].pulse.life(), Life::Owed, "at once");
        world.run(OWED_FOR / 2);
        assert_eq!(world.sides[0].pulse.life(), Life::Owed);
        if settles {
            let now = world.now;
            world.sides[0].pulse.is_settled(now);
            assert_eq!(world.sides[0].pulse.life(), Life::Answers, "at once");
        } else {
            // It is slow.
            world.run(OWED_FOR / 2 + INTERVAL);
            assert_eq!(world.sides[0].pulse.life(), Life::Answers);
        }
    }
}

/// Its thread is busy in the middle of it.
#[test]
fn a_busy_far_side_that_is_owed_something_is_not_back_before_it_is_heard() {
    for is_owed_before in [true, false] {
        let mut world = World::new();
        world.run(Duration::from_secs(3));
        world.cut = [true; 2];
        world.run(Duration::from_secs(3));
        world.cut = [false; 2];
        if is_owed_before {
            world.run(MILLI * 500);
            let back = world.now;
            world.sides[0].pulse.owes(back);
        }
        world.sides[1].thread = Thread::Blocked;
        world.run(HEARD_WITHIN + INTERVAL * 2);
        let life = world.sides[0].pulse.life();
        if is_owed_before {
            assert_eq!(life, Life::Owed);
            world.run(OWED_FOR);
            assert_eq!(world.sides[0].pulse.life(), Life::Stalled);
            continue;
        }
        assert_eq!(life, Life::Stalled);
        let now = world.now;
        world.sides[0].pulse.owes(now);
        world.seen(now);
        world.run(Duration::from_secs(1));
        world.sides[1].thread = Thread::Runs;
        world.run(Duration::from_secs(2));
        let seen = world.seen(now);
        assert!(matches!(seen[..], [(_, Life::Answers)]), "{seen:?}");
    }
}

/// A hidden page sees a path come back whose far side is busy.
#[test]
fn late_timers_do_not_make_a_silence_last() {
    let mut world = World::new();
    world.run(Duration::from_secs(3));
    world.sides[0].thread = Thread::Hidden;
    world.sides[1].thread = Thread::Blocked;
    world.run(Duration::from_secs(3));
    world.cut = [true; 2];
    world.run(Duration::from_secs(6));
    assert_eq!(world.sides[0].pulse.life(), Life::Silent);
    world.cut = [false; 2];
    world.run(HEARD_WITHIN + Duration::from_secs(4));
    assert_eq!(world.sides[0].pulse.life(), Life::Stalled);
}

#[test]
fn a_flood_of_pings_gets_few_answers() {
    let now = Instant::from_micros(9);
    let mut world = World::new();
    let pulse = &mut world.sides[0].pulse;
    let mut answers = 0;
    for _ in 0..10_000 {
        let answer = pulse.take(now, &[1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        answers += u32::from(answer.is_some());
    }
    assert_eq!(answers, MAX_ANSWERS);
    assert!(matches!(pulse.take(now, &[1]), Err(LinkFault::Pulse(_))));
}

#[test]
fn platform_and_pulse_make_one_state() {
    use ConnectionState as State;
    let others = [State::New, State::Connecting, State::Failed, State::Closed];
    for life in [
        Life::Unknown,
        Life::Answers,
        Life::Unheard,
        Life::Deaf,
        Life::Owed,
        Life::Stalled,
        Life::Silent,
    ] {
        for state in others {
            assert_eq!(judge(state, life), state);
        }
    }
    for (life, connected, disconnected) in [
        (Life::Unknown, State::Connected, State::Disconnected),
        (Life::Answers, State::Connected, State::Connected),
        (Life::Unheard, State::Connected, State::Disconnected),
        (Life::Deaf, State::Disconnected, State::Disconnected),
        (Life::Owed, State::Connecting, State::Connecting),
        (Life::Stalled, State::Connected, State::Disconnected),
        (Life::Silent, State::Disconnected, State::Disconnected),
    ] {
        assert_eq!(judge(State::Connected, life), connected, "{life:?}");
        assert_eq!(judge(State::Disconnected, life), disconnected, "{life:?}");
    }
}
