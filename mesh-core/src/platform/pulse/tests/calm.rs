//! Pings are rare where the path shows by itself that it is alive.

use super::world::{MILLI, STEP, Thread, World};
use super::*;

/// How many pings the first side sends in so many seconds.
fn pings_in(world: &mut World, seconds: u64) -> u32 {
    let before = world.sides[0].pings;
    world.run(Duration::from_secs(seconds));
    world.sides[0].pings - before
}

#[test]
fn a_path_that_is_kept_alive_needs_few_pings() {
    let mut world = World::kept(800);
    world.run(Duration::from_secs(6));
    let pings = pings_in(&mut world, 50);
    assert!((20..=25).contains(&pings), "{pings}");
    assert_eq!(world.seen(world.now), []);
}

#[test]
fn whoever_vanishes_while_all_is_calm_is_silent_in_time() {
    for moment in 0..300 {
        for every in [500, 800, 1000] {
            let mut world = World::kept(every);
            world.latency = MILLI * 100;
            world.run(Duration::from_secs(8) + STEP * moment);
            assert!(world.sides[0].pulse.is_calm());
            let vanished = world.now;
            world.cut = [true; 2];
            world.run(Duration::from_secs(10));
            let seen = world.seen(vanished);
            // It may have been asked too long ago to be heard of, which changes nothing.
            let Some((at, Life::Silent)) = seen.last().copied() else {
                panic!("{moment} {every} {seen:?}");
            };
            assert!((500..=2500).contains(&at), "after {at} ms");
        }
    }
}

#[test]
fn a_path_that_loses_something_is_asked_as_often_as_any() {
    let mut world = World::kept(800);
    world.run(Duration::from_secs(10));
    world.loss = 0.2;
    world.run(Duration::from_secs(10));
    let pings = pings_in(&mut world, 20);
    assert!(pings >= 36, "{pings}");
    world.run(Duration::from_secs(600));
    assert!(
        !world
            .lives_since(0, Instant::from_micros(0))
            .contains(&Life::Silent)
    );
}

#[test]
fn a_busy_thread_is_stalled_a_little_later() {
    let mut world = World::kept(800);
    world.run(Duration::from_secs(10));
    world.sides[1].thread = Thread::Blocked;
    let blocked = world.now;
    world.run(Duration::from_secs(6));
    let seen = world.seen(blocked);
    let Some((at, Life::Stalled)) = seen.last().copied() else {
        panic!("{seen:?}");
    };
    assert!(at <= 5000, "after {at} ms");
}

#[test]
fn words_that_do_not_arrive_are_noticed_all_the_same() {
    let mut world = World::kept(800);
    world.run(Duration::from_secs(10));
    world.cut[0] = true;
    let cut = world.now;
    world.run(Duration::from_secs(12));
    let lives = world.lives_since(0, cut);
    assert_eq!(lives, [Life::Unheard, Life::Deaf]);
}
