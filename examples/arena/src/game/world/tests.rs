use super::*;

const FRAME: f64 = 1.0 / 60.0;

/// A world whose player has this id, with the peers that it knows.
fn world(own: Id, others: &[Id]) -> World {
    let mut world = World::new(own, format!("own {own}"), 0.0);
    for id in others {
        world.come(*id);
    }
    world.pass(FRAME, Point::default());
    world
}

fn rest(at: Point) -> Body {
    Body {
        at,
        velocity: Point::default(),
    }
}

/// Lets time pass, with `wish`; what has happened.
fn run(world: &mut World, seconds: f64, wish: Point) -> Vec<Happening> {
    let end = world.time() + seconds;
    let mut happened = Vec::new();
    while world.time() < end {
        happened.extend(world.pass(world.time() + FRAME, wish));
    }
    happened
}

#[test]
fn the_lowest_is_it_first_and_again_when_it_has_gone() {
    let mut world = world(5, &[9, 3]);
    assert_eq!(world.it(), 3);
    world.go(3, "closed".to_owned());
    run(&mut world, FRAME, Point::default());
    assert_eq!(world.it(), 5);
}

#[test]
fn a_newcomer_believes_that_somebody_is_it_whom_it_has_not_met() {
    let (mut bot, mut ada) = (world(1, &[9]), world(9, &[1]));
    bot.hear_tag(Tag { number: 1, who: 9 });
    ada.hear_tag(bot.tag());
    let mut grace = world(5, &[1]);
    grace.hear_tag(bot.tag());
    run(&mut grace, 1.0, Point::default());
    assert_eq!(grace.tag(), bot.tag());
    grace.come(9);
    run(&mut grace, 10.0, Point::default());
    assert_eq!(grace.tag(), ada.tag());
}

#[test]
fn all_come_to_know_who_is_it_in_whichever_order_they_meet() {
    // Each pair meets at some time; then each says once a second how the game stands.
    let meetings = [[0, 1], [0, 2], [1, 2]];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    let all = [[1, 9, 5], [1, 5, 9]].map(|ids| orders.map(|order| (ids, order)));
    for (ids, order) in all.into_iter().flatten() {
        let mut worlds = ids.map(|id| world(id, &[]));
        for [one, two] in order.map(|at| meetings[at]) {
            let said = [worlds[one].tag(), worlds[two].tag()];
            worlds[one].come(ids[two]);
            worlds[two].come(ids[one]);
            worlds[one].hear_tag(said[1]);
            worlds[two].hear_tag(said[0]);
            for world in &mut worlds {
                run(world, 0.1, Point::default());
            }
        }
        for _ in 0..2 {
            let said = worlds.each_ref().map(World::tag);
            for world in &mut worlds {
                for tag in said {
                    world.hear_tag(tag);
                }
                run(world, 1.0, Point::default());
            }
        }
        let said = worlds.each_ref().map(World::tag);
        assert!(
            said.iter().all(|tag| *tag == said[0]),
            "{order:?}: {said:?}"
        );
        assert!(ids.contains(&said[0].who), "{order:?}: {said:?}");
    }
}

#[test]
fn somebody_whom_nobody_meets_is_not_it_for_ever() {
    let mut world = world(3, &[9]);
    world.hear_tag(Tag { number: 8, who: 77 });
    run(&mut world, ABSENT * 0.9, Point::default());
    assert_eq!(world.it(), 77);
    run(&mut world, ABSENT, Point::default());
    assert_eq!(world.it(), 3);
}

#[test]
fn who_is_it_tags_by_touching_after_the_grace() {
    let mut world = world(3, &[9]);
    let at = world.own_body().at + Point::new(10.0, 0.0);
    world.hear_move(9, 1.0, rest(at), 4.0);
    assert!(run(&mut world, GRACE * 0.9, Point::default()).is_empty());
    let happened = run(&mut world, GRACE, Point::default());
    let tag = Tag { number: 2, who: 9 };
    assert_eq!(happened, [Happening::Tagged { by: 3, tag }]);
    assert_eq!(world.it(), 9);
}

#[test]
fn who_is_not_it_tags_nobody_and_who_does_not_answer_is_not_tagged() {
    let mut one = world(9, &[3]);
    let at = one.own_body().at;
    one.hear_move(3, 1.0, rest(at), 0.0);
    assert!(run(&mut one, 5.0, Point::default()).is_empty());

    let mut two = world(3, &[9]);
    two.hear_move(9, 1.0, rest(two.own_body().at), 0.0);
    two.set_interrupted(9, true);
    assert!(run(&mut two, 5.0, Point::default()).is_empty());
    two.set_interrupted(9, false);
    assert_eq!(run(&mut two, 0.1, Point::default()).len(), 1);
}

#[test]
fn a_bot_runs_after_those_it_can_tag() {
    let mut world = world(3, &[7, 9]);
    let own = world.own_body().at;
    world.hear_move(7, 1.0, rest(own + Point::new(-60.0, 0.0)), 0.0);
    world.hear_move(9, 1.0, rest(own + Point::new(300.0, 0.0)), 0.0);
    assert!(bot::steer(&world, 3).x < 0.0);
    world.set_interrupted(7, true);
    assert!(bot::steer(&world, 3).x > 0.0);
}

#[test]
fn two_worlds_agree_after_a_split() {
    let (mut one, mut two) = (world(3, &[9]), world(9, &[3]));
    one.hear_tag(Tag { number: 4, who: 3 });
    two.hear_tag(Tag { number: 6, who: 9 });
    two.hear_round(
        3,
        Round {
            number: 7,
            left: 12.0,
        },
    );
    one.hear_tag(two.tag());
    two.hear_tag(one.tag());
    one.hear_round(9, two.round());
    two.hear_round(3, one.round());
    assert_eq!(one.tag(), two.tag());
    assert_eq!(one.round().number, 7);
    assert_eq!(two.round().number, 7);
}

#[test]
fn a_round_ends_with_a_winner_and_scores_begin_anew() {
    let mut world = world(3, &[9]);
    world.set_name(9, "Ada".to_owned());
    world.hear_move(9, 1.0, rest(Point::new(50.0, 50.0)), 17.5);
    let happened = run(&mut world, 31.0, Point::default());
    let over = Happening::RoundOver {
        winner: "Ada".to_owned(),
        score: 17.5,
    };
    assert_eq!(happened, [over]);
    assert_eq!(world.player(9).map(|player| player.score), Some(0.0));
    assert_eq!(world.round().number, 2);
}

#[test]
fn a_round_that_another_one_ends_first_has_a_winner_too() {
    let mut world = world(3, &[9]);
    world.set_name(9, "Ada".to_owned());
    let next = Round {
        number: 2,
        left: 29.9,
    };
    let mut early = world.clone();
    assert_eq!(early.hear_round(9, next), None, "that was a split");
    run(&mut world, 29.0, Point::default());
    world.hear_move(9, 1.0, rest(Point::new(50.0, 50.0)), 28.5);
    let over = Happening::RoundOver {
        winner: "Ada".to_owned(),
        score: 28.5,
    };
    assert_eq!(world.hear_round(9, next), Some(over));
    assert_eq!(world.player(9).map(|player| player.score), Some(0.0));
    assert_eq!(world.hear_round(9, next), None);
}

#[test]
fn a_newcomer_does_not_say_who_has_won_a_round_that_it_has_hardly_seen() {
    let mut world = world(9, &[3]);
    let last_second = Round {
        number: 4,
        left: 1.0,
    };
    assert_eq!(world.hear_round(3, last_second), None);
    assert!(run(&mut world, 1.5, Point::default()).is_empty());
    assert_eq!(world.round().number, 5);
}

#[test]
fn who_has_gone_fades_with_the_reason_and_is_forgotten() {
    let mut world = world(3, &[9]);
    world.go(9, "the page was left".to_owned());
    run(&mut world, 1.0, Point::default());
    let gone = world.player(9).unwrap();
    assert!(!gone.plays());
    run(&mut world, FADE, Point::default());
    assert!(world.player(9).is_none());
}

#[test]
fn nobody_else_can_move_or_remove_our_own_player() {
    let mut world = world(3, &[9]);
    let before = world.own_body();
    world.hear_move(3, 5.0, rest(Point::new(1.0, 1.0)), 99.0);
    world.go(3, "said so".to_owned());
    assert_eq!(world.own_body(), before);
    assert!(world.player(3).unwrap().plays());
}

#[test]
fn bots_play_alone_and_tag_each_other() {
    let mut world = world(3, &[]);
    world.set_bots(true);
    let mut tags = 0;
    for _ in 0..60 * 60 {
        let wish = bot::steer(&world, 3);
        let happened = world.pass(world.time() + FRAME, wish);
        let tagged = happened
            .iter()
            .filter(|it| matches!(it, Happening::Tagged { .. }));
        tags += tagged.count();
    }
    assert!(tags >= 3, "{tags}");
    assert!(world.players().all(|player| player.moved > 500.0));
    world.set_bots(false);
    assert_eq!(world.players().count(), 1);
    run(&mut world, FRAME, Point::default());
    assert_eq!(world.it(), 3);
}

#[test]
fn a_machine_that_has_slept_plays_on() {
    let mut world = world(3, &[9]);
    let happened = world.pass(10_000.0, Point::new(1.0, 0.0));
    assert_eq!(happened.len(), 1, "one round is over: {happened:?}");
    assert!((world.time() - 10_000.0).abs() < 0.001);
}
