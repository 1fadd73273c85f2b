//! Tests of links on which the checks of ICE speak for the far side.

use super::*;

fn pings(world: &World) -> [u32; 2] {
    world.sides.each_ref().map(|side| side.pings)
}

#[test]
fn few_pings_are_enough_where_checks_are_answered() {
    for tick in [None, Some(MILLI * 20)] {
        let mut world = World::with_checks();
        world.run(Duration::from_secs(10));
        assert!(world.sides[0].pulse.is_quiet());
        world.tick = [tick, None];
        let before = pings(&world);
        world.run(Duration::from_mins(1));
        assert_eq!(world.seen(world.now), []);
        let [idle, gets] = [0, 1].map(|side| pings(&world)[side] - before[side]);
        assert!((11..=13).contains(&idle), "{idle}");
        // Who gets messages measures more often.
        let expected = if tick.is_some() { 55..=62 } else { 11..=13 };
        assert!(expected.contains(&gets), "{gets}");
        let stats = measured(&world);
        assert_eq!(stats.round_trip, Some(MILLI * 40));
        assert_eq!((stats.loss_sent, stats.loss_received), (Some(0), Some(0)));
    }
}

#[test]
fn checks_speak_for_no_side_that_has_not_said_so_and_for_none_far_away() {
    for is_announced in [false, true] {
        let mut world = World::with_checks();
        if is_announced {
            world.latency = MILLI * 60;
        } else {
            let sdp = control::announce("v=0\r\nm=application\r\n");
            world.sides[0].pulse.described(world.now, &sdp);
        }
        world.run(Duration::from_mins(1));
        assert!(!world.sides[0].pulse.is_quiet());
        assert!((100..=121).contains(&pings(&world)[0]));
    }
}

#[test]
fn an_unknown_word_says_nothing() {
    let mut world = World::with_checks();
    let sdp = control::announce("v=0\r\nm=application\r\n");
    let sdp = announce(&sdp).replace(":ice\r\n", ":icy\r\n");
    world.sides[0].pulse.described(world.now, &sdp);
    world.run(Duration::from_secs(10));
    assert!(!world.sides[0].pulse.is_quiet() && world.sides[1].pulse.is_quiet());
}

#[test]
fn one_that_vanishes_in_quiet_is_silent_within_its_time_and_comes_back() {
    for moment in 0..120 {
        let mut world = World::with_checks();
        (world.latency, world.jitter) = (MILLI * 30, MILLI * 10);
        world.run(Duration::from_secs(12) + STEP * moment);
        assert!(world.sides[0].pulse.is_quiet());
        let vanished = world.now;
        world.cut = [true; 2];
        world.run(Duration::from_secs(10));
        let [(at, Life::Silent)] = world.seen(vanished)[..] else {
            panic!("not silent");
        };
        assert!((1300..=2100).contains(&at), "after {at} ms");
        assert!(!world.sides[0].pulse.is_quiet());
        let back = world.now;
        world.cut = [false; 2];
        world.run(Duration::from_secs(2));
        let seen = world.seen(back);
        assert!(
            matches!(seen.last(), Some((..=2000, Life::Answers))),
            "{seen:?}"
        );
    }
}

#[test]
fn a_cut_of_a_second_in_quiet_is_nothing() {
    for moment in 0..120 {
        let mut world = World::with_checks();
        world.latency = MILLI * 45;
        world.run(Duration::from_secs(12) + STEP * moment);
        world.cut = [true; 2];
        world.run(Duration::from_secs(1));
        world.cut = [false; 2];
        world.run(Duration::from_secs(5));
        assert_eq!(world.seen(world.now), []);
    }
}

#[test]
fn a_way_that_is_gone_in_quiet_is_noticed_as_soon_as_otherwise() {
    for moment in 0..60 {
        let mut world = World::with_checks();
        world.run(Duration::from_secs(12) + STEP * moment);
        let cut = world.now;
        world.cut = [true, false];
        world.run(Duration::from_secs(12));
        let seen = world.seen(cut);
        assert!(
            matches!(
                seen[..],
                [(2500..=4600, Life::Unheard), (8500..=10_600, Life::Deaf)]
            ),
            "{seen:?}"
        );
        assert!(world.lives_since(1, cut).contains(&Life::Silent));
    }
}

/// The next ping finds it out, which comes within five seconds.
#[test]
fn sctp_that_stops_in_quiet_is_noticed_though_checks_are_answered() {
    for stopped in [[true, false], [false, true], [true; 2]] {
        for moment in 0..60 {
            let mut world = World::with_checks();
            world.run(Duration::from_secs(12) + STEP * moment * 10);
            let stop = world.now;
            world.is_stopped = stopped;
            world.run(Duration::from_secs(17));
            let seen = world.seen(stop);
            let noticed = seen.iter().find(|(_, life)| {
                let state = judge(ConnectionState::Connected, *life);
                *life == Life::Stalled || state == ConnectionState::Disconnected
            });
            assert!(matches!(noticed, Some((..=16_100, _))), "{seen:?}");
        }
    }
}

#[test]
fn a_path_that_loses_a_little_in_quiet_is_no_silence() {
    let mut quiet = 0;
    for seed in 0..20 {
        let mut world = World::with_checks();
        world.rng = Rng::new(seed);
        world.loss = 0.01;
        world.latency = MILLI * 30;
        world.jitter = MILLI * 15;
        for _ in 0..60 {
            world.run(Duration::from_secs(10));
            quiet += u32::from(world.sides[0].pulse.is_quiet());
        }
        let seen = world.seen(world.now);
        let is_silent = seen.iter().any(|(_, life)| *life == Life::Silent);
        assert!(!is_silent, "seed {seed}: {seen:?}");
    }
    assert!(quiet >= 600, "{quiet} of 1200");
}

#[test]
fn where_much_is_lost_there_is_no_quiet() {
    let mut world = World::with_checks();
    world.loss = 0.1;
    let mut quiet = 0;
    for _ in 0..60 {
        world.run(Duration::from_secs(10));
        quiet += u32::from(world.sides[0].pulse.is_quiet());
    }
    assert!(quiet <= 6, "{quiet} of 60");
}

/// Only the port must be known for that.
#[test]
fn datagrams_of_strangers_do_not_hide_that_the_far_side_is_gone() {
    for moment in 0..100 {
        let mut world = World::with_checks();
        world.run(Duration::from_secs(12) + STEP * moment);
        world.sides[1].thread = Thread::Gone;
        let gone = world.now;
        while world.now - gone < Duration::from_secs(3) {
            world.run(MILLI * 50);
            let signs = &mut world.sides[0].signs;
            signs.path = signs.path.map(|path| path + 50);
            signs.checks = signs.checks.map(|checks| Checks {
                heard: world.now,
                ..checks
            });
        }
        let seen = world.seen(gone);
        assert!(matches!(seen[..], [(..=2600, Life::Stalled)]), "{seen:?}");
    }
}

#[test]
fn a_message_now_and_then_disturbs_nothing() {
    let mut world = World::with_checks();
    world.tick = [Some(Duration::from_secs(3)); 2];
    world.run(Duration::from_secs(10));
    let before = pings(&world);
    world.run(Duration::from_mins(1));
    assert_eq!(world.seen(world.now), []);
    let [one, _] = [0, 1].map(|side| pings(&world)[side] - before[side]);
    assert!((11..=45).contains(&one), "{one}");
}

#[test]
fn a_pulse_that_is_closed_is_not_quiet() {
    let mut world = World::with_checks();
    world.run(Duration::from_secs(10));
    let pulse = &mut world.sides[0].pulse;
    assert!(pulse.is_quiet());
    pulse.closed();
    assert!(!pulse.is_quiet());
}
