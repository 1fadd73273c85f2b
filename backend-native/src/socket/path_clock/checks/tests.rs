//! Tests of the module above.

use super::*;
use tokio::time::advance;

const ONE: u64 = 1;
const PACE: Duration = Duration::from_millis(500);

fn checks() -> Checks {
    Checks::new(Instant::now(), PACE)
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 1))
}

fn message(id: u8) -> [u8; 20] {
    let mut message = [0; 20];
    message[8..].fill(id);
    message
}

fn sent(checks: &mut Checks, socket: u64, to: u8, id: u8) {
    let way = Way {
        socket,
        destination: address(to),
        channel: None,
    };
    checks.sent(Instant::now(), way, &message(id), &message(id));
}

fn answered(checks: &mut Checks, id: u8) -> bool {
    checks.answered(Instant::now(), &message(id))
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_for_the_check_that_it_names() {
    let mut checks = checks();
    sent(&mut checks, ONE, 1, 1);
    sent(&mut checks, ONE, 2, 2);
    assert!(!answered(&mut checks, 3));
    assert!(answered(&mut checks, 1));
    assert!(answered(&mut checks, 1), "it was repeated");
    checks.select(Some((ONE, address(2))));
    assert!(!answered(&mut checks, 1), "another pair's");
    assert!(answered(&mut checks, 2));
    sent(&mut checks, ONE, 1, 4);
    assert!(!answered(&mut checks, 4));
    assert!(!checks.may_come_from(address(1)));
    assert!(checks.may_come_from(address(2)));
}

#[tokio::test(start_paused = true)]
async fn the_check_of_the_pair_in_use_is_repeated_whatever_was_sent_last() {
    let mut checks = checks();
    sent(&mut checks, ONE, 1, 1);
    checks.select(Some((ONE, address(1))));
    sent(&mut checks, ONE, 2, 2);
    sent(&mut checks, 2, 1, 3);
    advance(DOUBT).await;
    assert_eq!(checks.repeat_at(2, None, None), None);
    assert_eq!(checks.repeat_at(ONE, None, None), Some(Instant::now()));
    let check = checks.repeat(Instant::now(), ONE).expect("a check");
    assert_eq!(check.destination, address(1));
    assert_eq!(check.request, message(1));
    assert_eq!(
        checks.repeat_at(ONE, None, None),
        Some(Instant::now() + REPEAT)
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_within_a_step_of_the_pace_is_left_out_while_the_pair_answers() {
    let mut checks = checks();
    let way = Way {
        socket: ONE,
        destination: address(1),
        channel: None,
    };
    let is_left_out =
        |checks: &mut Checks| checks.leave_out(Instant::now(), way, &message(77), &message(77));
    sent(&mut checks, ONE, 1, 1);
    assert!(!is_left_out(&mut checks), "who knows which pair is used");
    checks.select(Some((ONE, address(1))));
    assert!(answered(&mut checks, 1));
    assert!(is_left_out(&mut checks));
    let elsewhere = Way { socket: 2, ..way };
    assert!(!checks.leave_out(Instant::now(), elsewhere, &message(77), &message(77)));
    advance(PACE * 9 / 10).await;
    assert!(!is_left_out(&mut checks), "it is time for another one");
    sent(&mut checks, ONE, 1, 2);
    assert!(is_left_out(&mut checks));
    advance(PACE / 2).await;
    assert!(!is_left_out(&mut checks), "it has no answer yet");
    assert!(answered(&mut checks, 2) && is_left_out(&mut checks));
}

fn quiet() -> (Checks, Way) {
    let mut checks = checks();
    let way = Way {
        socket: ONE,
        destination: address(1),
        channel: None,
    };
    sent(&mut checks, ONE, 1, 1);
    checks.select(Some((ONE, address(1))));
    assert!(answered(&mut checks, 1));
    checks.be_quiet(true);
    (checks, way)
}

#[tokio::test(start_paused = true)]
async fn in_quiet_a_check_waits_until_one_is_due() {
    let (mut checks, way) = quiet();
    for id in 2..6 {
        let check = message(id);
        assert!(checks.leave_out(Instant::now(), way, &check, &check));
    }
    assert!(!answered(&mut checks, 5), "it was not sent yet");
    let turn = Some(Instant::now());
    assert_eq!(
        checks.repeat_at(ONE, None, turn),
        Some(Instant::now() + REPEAT_IN_QUIET)
    );
    advance(REPEAT_IN_QUIET).await;
    let check = checks.repeat(Instant::now(), ONE).expect("a check");
    assert_eq!(check.request, message(5), "the crate's latest");
    advance(Duration::from_millis(30)).await;
    assert!(answered(&mut checks, 5));
    assert_eq!(checks.round_trip(), Some(Duration::from_millis(30)));
    advance(SILENT).await;
    let check = message(6);
    let is_left_out = checks.leave_out(Instant::now(), way, &check, &check);
    assert!(!is_left_out, "nothing answers");
}

#[tokio::test(start_paused = true)]
async fn only_the_first_answer_to_a_check_that_was_sent_once_measures() {
    let (mut checks, _) = quiet();
    sent(&mut checks, ONE, 1, 2);
    advance(Duration::from_millis(10)).await;
    assert!(answered(&mut checks, 2));
    advance(Duration::from_millis(90)).await;
    assert!(answered(&mut checks, 2), "twice");
    sent(&mut checks, ONE, 1, 3);
    advance(DOUBT).await;
    assert_eq!(
        checks.repeat(Instant::now(), ONE).unwrap().request,
        message(3)
    );
    assert!(answered(&mut checks, 3));
    assert_eq!(checks.round_trip(), Some(Duration::from_millis(10)));
    checks.select(None);
    assert_eq!(checks.round_trip(), None, "of which pair?");
    checks.select(Some((ONE, address(2))));
    assert_eq!(checks.round_trip(), None, "another pair's");
}

#[tokio::test(start_paused = true)]
async fn in_quiet_a_pair_is_not_silent_that_was_asked_too_seldom() {
    let (mut checks, _) = quiet();
    advance(SILENT).await;
    for _ in 0..UNHEEDED {
        assert!(!checks.is_silent());
        checks.repeat(Instant::now(), ONE);
    }
    assert!(checks.is_silent() && !checks.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn a_pace_may_be_as_slow_as_can_be() {
    let mut checks = Checks::new(Instant::now(), Duration::MAX);
    sent(&mut checks, ONE, 1, 1);
    checks.select(Some((ONE, address(1))));
    let way = Way {
        socket: ONE,
        destination: address(1),
        channel: None,
    };
    assert!(checks.leave_out(Instant::now(), way, &message(2), &message(2)));
}

#[tokio::test(start_paused = true)]
async fn all_pairs_take_turns_where_the_one_in_use_is_not_known() {
    let mut checks = checks();
    for to in 0..10 {
        sent(&mut checks, ONE, to, to);
    }
    advance(DOUBT).await;
    let mut repeated = Vec::new();
    for _ in 0..PAIRS {
        let check = checks.repeat(Instant::now(), ONE).expect("a check");
        repeated.push(check.destination);
        advance(REPEAT).await;
    }
    assert_eq!(repeated, [6, 7, 8, 9].map(address));
    assert!(!checks.is_silent(), "it is not known which one is used");
}

#[tokio::test(start_paused = true)]
async fn a_pair_is_silent_until_it_has_answered_for_a_while() {
    let mut checks = checks();
    sent(&mut checks, ONE, 1, 1);
    checks.select(Some((ONE, address(1))));
    advance(DOUBT).await;
    checks.repeat(Instant::now(), ONE);
    assert!(!checks.is_silent());
    advance(SILENT - DOUBT).await;
    checks.repeat(Instant::now(), ONE);
    assert!(checks.is_silent());
    let back = Instant::now();
    while back.elapsed() < STEADY {
        assert!(answered(&mut checks, 1));
        assert!(checks.is_silent());
        advance(Duration::from_millis(500)).await;
    }
    assert!(answered(&mut checks, 1));
    assert!(!checks.is_silent());
}

#[tokio::test(start_paused = true)]
async fn checks_without_an_answer_are_bounded() {
    let mut checks = checks();
    for id in 0..100 {
        sent(&mut checks, ONE, 1, id);
    }
    assert!(!answered(&mut checks, 99 - 8));
    assert!(answered(&mut checks, 99 - 7));
}
