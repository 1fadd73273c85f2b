//! Tests of the module above.

use tokio::time::advance;

use super::*;

const PATIENCE: Duration = Duration::from_secs(3);
const PACE: Duration = Duration::from_millis(500);

/// The number of our socket.
const SOCKET: u64 = 7;

/// How often a check without an answer is repeated in quiet.
const REPEAT_AT_MOST: Duration = Duration::from_millis(100);

/// An attribute of 5 bytes, and that of a side that is controlling.
const CONTROLLING: [u8; 24] = [
    0x00, 0x06, 0x00, 0x05, 1, 2, 3, 4, 5, 0, 0, 0, 0x80, 0x2a, 0x00, 0x08, 1, 2, 3, 4, 5, 6, 7, 8,
];

const DATA: &[u8] = b"\x17data";

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 1))
}

fn peer() -> SocketAddr {
    address(1)
}

fn message(kind: [u8; 2], id: u8) -> [u8; 20] {
    let mut message = [0; 20];
    message[..2].copy_from_slice(&kind);
    message[8..].fill(id);
    message
}

/// It has sent check 1.
fn watching() -> PathClock {
    let mut clock = PathClock::new(|_| false);
    clock.watch(PATIENCE, PACE);
    clock.sent(SOCKET, peer(), &message(BINDING_REQUEST, 1));
    clock
}

fn answer(clock: &mut PathClock) {
    clock.heard(peer(), &message(BINDING_SUCCESS, 1));
}

fn seconds(clock: &PathClock, since: Instant) -> f64 {
    (clock.now() - since).as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn it_stands_still_in_silence_and_leaps_soon_after_an_answer() {
    let mut clock = watching();
    let start = clock.now();
    advance(PATIENCE).await;
    assert!(!clock.is_still());
    advance(Duration::from_secs(20)).await;
    assert!(clock.is_still());
    assert_eq!(seconds(&clock, start), 3.0);
    answer(&mut clock);
    assert!(!clock.is_still());
    assert_eq!(seconds(&clock, start), 3.0, "what is late comes first");
    advance(GRACE).await;
    clock.heard(peer(), DATA);
    assert_eq!(seconds(&clock, start), 3.05, "ICE does not notice data");
    clock.heard(peer(), &message(BINDING_REQUEST, 9));
    // The time that it stood still, which is more than twice the time since the last answer.
    assert_eq!(seconds(&clock, start), 23.05);
    advance(Duration::from_secs(1)).await;
    clock.heard(peer(), DATA);
    assert_eq!(seconds(&clock, start), 24.05);
}

#[tokio::test(start_paused = true)]
async fn timers_that_have_doubled_expire_after_a_silence_in_which_it_went_on() {
    let mut clock = watching();
    let start = clock.now();
    advance(Duration::from_secs(2)).await;
    answer(&mut clock);
    assert_eq!(seconds(&clock, start), 2.0);
    advance(GRACE).await;
    answer(&mut clock);
    // Twice the time since the last answer.
    assert_eq!(seconds(&clock, start), 2.05 + 4.0);
    advance(Duration::from_secs(1)).await;
    answer(&mut clock);
    advance(GRACE).await;
    answer(&mut clock);
    assert_eq!(seconds(&clock, start), 2.05 + 4.0 + 1.05 + 2.0);
}

#[tokio::test(start_paused = true)]
async fn it_goes_with_time_while_checks_are_answered() {
    let mut clock = watching();
    let start = clock.now();
    for _ in 0..100 {
        advance(Duration::from_millis(500)).await;
        answer(&mut clock);
    }
    assert_eq!(seconds(&clock, start), 50.0);
    // A stranger changes nothing.
    advance(Duration::from_secs(8)).await;
    clock.heard(address(9), &message(BINDING_SUCCESS, 9));
    assert_eq!(seconds(&clock, start), 53.0);
    // Data by another path lets it go on, and soon makes up for the time.
    clock.heard(address(9), DATA);
    assert_eq!(seconds(&clock, start), 53.0);
    advance(GRACE).await;
    clock.heard(peer(), &message(BINDING_REQUEST, 9));
    assert_eq!(seconds(&clock, start), 58.05);
    assert!(!clock.is_still());
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_another_pair_is_none() {
    let mut clock = watching();
    clock.select(Some((SOCKET, peer())));
    let start = clock.now();
    for id in 2..100 {
        advance(Duration::from_millis(500)).await;
        // The far side checks another pair all the time, and we answer with checks of our own.
        clock.sent(SOCKET, address(2), &message(BINDING_REQUEST, id));
        clock.heard(address(2), &message(BINDING_SUCCESS, id));
    }
    assert!(clock.is_still());
    assert_eq!(seconds(&clock, start), 3.0);
    let check = clock.repeat(SOCKET).expect("a check");
    assert_eq!(check.destination, peer());
    assert!(clock.is_pair_silent());
}

#[tokio::test(start_paused = true)]
async fn it_stands_still_while_the_far_side_is_heard_and_does_not_hear_us() {
    let mut clock = watching();
    let start = clock.now();
    for _ in 0..900 {
        advance(Duration::from_millis(100)).await;
        clock.heard(peer(), DATA);
    }
    assert!(clock.is_still());
    assert_eq!(seconds(&clock, start), ONE_WAY.as_secs_f64());
    answer(&mut clock);
    advance(GRACE).await;
    answer(&mut clock);
    assert_eq!(seconds(&clock, start), 90.05);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_the_crate_does_not_know_of_makes_up_for_the_time_too() {
    let mut clock = watching();
    let start = clock.now();
    advance(Duration::from_secs(23)).await;
    assert!(!clock.heard_elsewhere());
    assert!(!clock.is_still());
    advance(Duration::from_millis(250)).await;
    assert!(clock.heard_elsewhere());
    assert_eq!(seconds(&clock, start), 23.25);
}

#[tokio::test(start_paused = true)]
async fn another_path_makes_timers_expire_although_the_far_side_is_heard() {
    let mut clock = watching();
    let start = clock.now();
    for _ in 0..15 {
        advance(Duration::from_millis(100)).await;
        clock.heard(peer(), DATA);
    }
    assert!(!clock.heard_elsewhere());
    advance(Duration::from_millis(250)).await;
    assert!(clock.heard_elsewhere());
    assert_eq!(seconds(&clock, start), 1.75 + 3.0);
}

#[tokio::test(start_paused = true)]
async fn it_never_goes_back() {
    let mut clock = watching();
    let mut last = clock.now();
    for step in 0_u64..5000 {
        advance(Duration::from_millis(step * 7919 % 1500)).await;
        match step * 31 % 11 {
            0 | 1 => drop(clock.heard(peer(), DATA)),
            2 => answer(&mut clock),
            3 => clock.owe(Duration::from_secs(1)),
            4 => _ = clock.heard_elsewhere(),
            5 if step % 100 == 0 => clock.unwatch(),
            _ => clock.watch(PATIENCE, PACE),
        }
        assert!(clock.now() >= last);
        last = clock.now();
    }
}

#[tokio::test(start_paused = true)]
async fn a_leap_that_is_owed_comes_with_the_next_datagram_once() {
    let mut clock = PathClock::new(|_| false);
    let start = clock.now();
    clock.owe(Duration::from_secs(2));
    assert_eq!(seconds(&clock, start), 0.0);
    for _ in 0..2 {
        clock.heard(peer(), DATA);
        assert_eq!(seconds(&clock, start), 2.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_is_repeated_without_an_answer_and_once_more_for_the_leap() {
    let mut clock = watching();
    let start = Instant::now();
    assert_eq!(clock.repeat_at(8), None);
    assert_eq!(clock.repeat_at(SOCKET), Some(start + DOUBT));
    advance(DOUBT).await;
    let check = clock.repeat(SOCKET);
    assert_eq!(check.map(|check| check.destination), Some(peer()));
    let wait = clock.repeat_at(SOCKET).expect("a moment") - Instant::now();
    assert_eq!(wait, Duration::from_millis(200));
    answer(&mut clock);
    assert_eq!(clock.repeat_at(SOCKET), Some(Instant::now() + GRACE));
    advance(GRACE).await;
    answer(&mut clock);
    assert_eq!(clock.repeat_at(SOCKET), Some(Instant::now() + DOUBT));
}

fn asked_by_the_far_side(clock: &mut PathClock) {
    clock.heard(peer(), &message(BINDING_REQUEST, 9));
}

#[tokio::test(start_paused = true)]
async fn in_quiet_the_sides_take_turns() {
    let mut clock = watching();
    clock.select(Some((SOCKET, peer())));
    clock.be_quiet(true);
    advance(REPEAT_AT_MOST).await;
    answer(&mut clock);
    // Ours was the last one.
    let due = |clock: &PathClock| clock.repeat_at(SOCKET).map(|due| due - Instant::now());
    let [_, controlled] = COURTESY;
    assert_eq!(due(&clock), Some(TURN + controlled));
    advance(TURN).await;
    asked_by_the_far_side(&mut clock);
    assert_eq!(due(&clock), Some(TURN));
    // Other datagrams are signs of life, too, and do not replace all checks of ours.
    for _ in 0..20 {
        advance(Duration::from_millis(30)).await;
        clock.heard(peer(), DATA);
    }
    let rest = OWN_PACE - TURN - Duration::from_millis(600);
    assert_eq!(due(&clock), Some(rest));
    advance(rest).await;
    assert!(clock.repeat(SOCKET).is_some());
    assert_eq!(due(&clock), Some(REPEAT_AT_MOST), "if it has no answer");
}

#[tokio::test(start_paused = true)]
async fn in_quiet_two_sides_hear_each_other_often_and_ask_seldom() {
    for ways in [1, 20, 48] {
        let mut sides = [watching(), watching()];
        let check = [&message(BINDING_REQUEST, 1)[..], &CONTROLLING].concat();
        sides[0].sent(SOCKET, peer(), &check);
        for side in &mut sides {
            side.select(Some((SOCKET, peer())));
            side.be_quiet(true);
        }
        let start = Instant::now();
        let (mut asked, mut longest) = ([0_u32; 2], Duration::ZERO);
        // What is under way: when it comes, to whom, and whether it is an answer.
        let mut under_way: Vec<(Instant, usize, bool)> = Vec::new();
        while start.elapsed() < Duration::from_secs(60) {
            let now = Instant::now();
            let later = now + Duration::from_millis(ways);
            for at in 0..2 {
                if sides[at].repeat_at(SOCKET).is_some_and(|due| due <= now) {
                    assert!(sides[at].repeat(SOCKET).is_some());
                    asked[at] += 1;
                    under_way.push((later, 1 - at, false));
                }
            }
            let (here, rest) = under_way.into_iter().partition(|(when, ..)| *when <= now);
            under_way = rest;
            let here: Vec<(Instant, usize, bool)> = here;
            for (_, to, is_answer) in here {
                let [heard, _] = sides[to].signs_of_life().expect("it stands");
                longest = longest.max(now - heard);
                if is_answer {
                    answer(&mut sides[to]);
                } else {
                    asked_by_the_far_side(&mut sides[to]);
                    under_way.push((later, 1 - to, true));
                }
            }
            advance(Duration::from_millis(1)).await;
        }
        let [one, other] = asked;
        let round_trip = Duration::from_millis(2 * ways);
        let bound = TURN + COURTESY[1] + round_trip + Duration::from_millis(5);
        assert!(longest <= bound, "{longest:?}");
        // They take turns: alone each would ask 50 times, and they would hear each other less often.
        assert!((100..=122).contains(&(one + other)), "{asked:?}");
        assert!(one.abs_diff(other) <= 2, "{asked:?}");
        assert!(sides.iter().all(|side| !side.is_pair_silent()));
    }
}

#[test]
fn the_role_is_read_from_any_bytes() {
    assert!(is_controlling(&CONTROLLING));
    for length in 0..14 {
        assert!(!is_controlling(&CONTROLLING[..length]));
    }
    assert!(!is_controlling(&[0x00, 0x06, 0xff, 0xff, 0x80, 0x2a]));
}

#[tokio::test(start_paused = true)]
async fn where_the_pair_is_not_known_there_is_no_quiet() {
    let mut clock = watching();
    clock.be_quiet(true);
    answer(&mut clock);
    let due = clock.repeat_at(SOCKET).map(|due| due - Instant::now());
    assert_eq!(due, Some(DOUBT));
    assert_eq!(clock.signs_of_life(), None);
}

#[tokio::test(start_paused = true)]
async fn a_pair_speaks_for_the_far_side_that_is_in_use_and_checked_often() {
    let selected = |patience, pace| {
        let mut clock = PathClock::new(|_| false);
        clock.watch(patience, pace);
        clock.select(Some((SOCKET, peer())));
        clock
    };
    let mut clock = selected(PATIENCE, PACE);
    assert_eq!(clock.signs_of_life(), Some([Instant::now(); 2]));
    let rare = selected(Duration::from_secs(30), Duration::from_secs(5));
    let impatient = selected(Duration::from_secs(2), PACE);
    assert_eq!(
        [rare, impatient].map(|clock| clock.signs_of_life()),
        [None; 2]
    );
    let start = Instant::now();
    clock.sent(SOCKET, peer(), &message(BINDING_REQUEST, 1));
    advance(Duration::from_millis(700)).await;
    // From an address that nobody has checked.
    clock.heard(address(9), DATA);
    assert_eq!(clock.signs_of_life(), Some([start; 2]));
    clock.heard_elsewhere();
    assert_eq!(clock.signs_of_life(), None, "another path is used");
    advance(ELSEWHERE).await;
    answer(&mut clock);
    assert_eq!(clock.signs_of_life(), Some([Instant::now(); 2]));
}
