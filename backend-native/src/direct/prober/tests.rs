//! Tests of the module above.

use super::*;

const MS: Duration = Duration::from_millis(1);

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn ours() -> SocketAddr {
    at("10.0.0.1:1")
}

fn theirs() -> SocketAddr {
    at("10.0.0.2:2")
}

/// One socket and one address of the far side, and the search has begun.
fn searching(now: Instant) -> Prober {
    let mut prober = Prober::default();
    prober.add_local(ours());
    prober.add_remote(theirs(), CandidateType::Host);
    prober.start(now);
    prober
}

/// All checks that are due, with ids that are told apart by their first byte.
fn probes(prober: &mut Prober, now: Instant) -> Vec<Probe> {
    prober.handle_timeout(now);
    let mut probes = Vec::new();
    while let Some(probe) = prober.poll_probe(now, || {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&rand_like(probes.len(), now).to_be_bytes());
        id
    }) {
        probes.push(probe);
    }
    probes
}

/// Another number for each check and moment.
fn rand_like(n: usize, now: Instant) -> u64 {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
    BuildHasherDefault::<DefaultHasher>::default().hash_one((n, now))
}

/// The answer to it, which takes so long.
fn answer(prober: &mut Prober, probe: Probe, now: Instant) {
    prober.answered(
        now,
        (probe.local, probe.remote),
        probe.id,
        Some(probe.local),
    );
}

/// Runs until `end` with a far side that answers or not; how many checks there were.
fn run(prober: &mut Prober, from: Instant, end: Instant, answers: bool) -> usize {
    let mut now = from;
    let mut count = 0;
    while now < end {
        for probe in probes(prober, now) {
            count += 1;
            if answers {
                answer(prober, probe, now + 5 * MS);
            }
        }
        now = prober.poll_timeout().expect("it goes on").max(now + MS);
    }
    count
}

#[test]
fn nothing_is_checked_before_the_link_is_relayed() {
    let now = Instant::now();
    let mut prober = Prober::default();
    prober.add_local(ours());
    prober.add_remote(theirs(), CandidateType::Host);
    assert_eq!(prober.poll_timeout(), None);
    assert_eq!(probes(&mut prober, now), []);
    prober.checked_by(now, ours(), at("10.0.0.3:3"));
    assert_eq!(prober.pairs.len(), 1);
    prober.start(now);
    assert_eq!(prober.poll_timeout(), Some(now));
    assert_eq!(probes(&mut prober, now).len(), 1);
    prober.stop();
    assert_eq!(prober.poll_timeout(), None);
}

#[test]
fn the_first_pair_to_answer_is_used_and_alone_checked_from_then_on() {
    let now = Instant::now();
    let mut prober = searching(now);
    prober.add_local(at("10.9.0.1:1"));
    prober.add_remote(at("192.0.2.1:7"), CandidateType::ServerReflexive);
    prober.add_remote(at("[2001:db8::1]:7"), CandidateType::Host);
    let first = probes(&mut prober, now);
    assert_eq!(first.len(), 4, "no socket of ours is of the other family");
    let chosen = *first
        .iter()
        .find(|probe| probe.remote == at("192.0.2.1:7") && probe.local == ours())
        .expect("it is checked");
    let mapped = Some(at("198.51.100.1:9"));
    prober.answered(
        now + 30 * MS,
        (chosen.local, chosen.remote),
        chosen.id,
        mapped,
    );
    let path = prober.path().expect("in use");
    assert_eq!((path.local, path.remote), (chosen.local, chosen.remote));
    assert_eq!(path.local_kind, CandidateType::PeerReflexive);
    assert_eq!(path.remote_kind, CandidateType::ServerReflexive);
    assert_eq!(path.round_trip, 30 * MS);
    for probe in &first {
        answer(&mut prober, *probe, now + 40 * MS);
    }
    assert_eq!(prober.path().expect("still").remote, chosen.remote);
    let next = probes(&mut prober, now + 280 * MS);
    assert_eq!(next.len(), 1);
    assert!(next[0].is_path && next[0].remote == chosen.remote);
}

#[test]
fn only_an_answer_to_our_question_from_where_it_went_counts() {
    let now = Instant::now();
    let mut prober = searching(now);
    let probe = probes(&mut prober, now)[0];
    prober.answered(now, (ours(), at("10.0.0.9:2")), probe.id, None);
    prober.answered(now, (at("10.9.0.1:1"), theirs()), probe.id, None);
    prober.answered(now, (ours(), theirs()), [9; 12], None);
    assert_eq!(prober.path(), None);
    assert!(prober.has_asked(probe.id) && !prober.has_asked([9; 12]));
    answer(&mut prober, probe, now);
    assert!(prober.path().is_some());
    assert!(!prober.has_asked(probe.id), "it counts once");
}

#[test]
fn a_path_without_an_answer_is_left_after_a_second_and_a_half() {
    let now = Instant::now();
    let mut prober = searching(now);
    run(&mut prober, now, now + 20_000 * MS, true);
    let path = prober.path().expect("in use");
    let last = path.answered;
    run(&mut prober, last + MS, last + PATIENCE, false);
    assert!(prober.path().is_some());
    let again = probes(&mut prober, last + PATIENCE);
    assert_eq!(prober.path(), None);
    assert_eq!(again.len(), 1, "the search begins anew");
    answer(&mut prober, again[0], last + PATIENCE + 5 * MS);
    assert!(prober.path().is_some());
}

#[test]
fn one_lost_answer_is_no_lost_path() {
    let now = Instant::now();
    let mut prober = searching(now);
    let probe = probes(&mut prober, now)[0];
    answer(&mut prober, probe, now);
    let mut time = now;
    for n in 0..100 {
        time = prober.poll_timeout().expect("it goes on");
        for probe in probes(&mut prober, time) {
            if n % 5 == 0 {
                answer(&mut prober, probe, time);
            }
        }
    }
    assert!(prober.path().is_some());
    prober.lose(time);
    assert_eq!(prober.path(), None);
    assert_eq!(prober.poll_timeout(), Some(time));
}

#[test]
fn the_search_gets_rarer_and_never_ends() {
    let now = Instant::now();
    let mut prober = searching(now);
    let counts = [10, 120, 1120].map(|seconds| now + Duration::from_secs(seconds));
    let mut from = now;
    let counts = counts.map(|end| {
        let count = run(&mut prober, from, end, false);
        from = prober.poll_timeout().expect("it goes on");
        count
    });
    assert_eq!(counts, [50, 55, 100]);
    assert!(prober.pairs[0].asked.len() <= UNANSWERED);
}

#[test]
fn an_address_that_checks_us_is_checked_soon_and_as_peer_reflexive() {
    let now = Instant::now();
    let mut prober = searching(now);
    probes(&mut prober, now);
    let seen = at("203.0.113.1:4");
    prober.checked_by(now + MS, ours(), seen);
    prober.checked_by(now + MS, ours(), theirs());
    let probe = probes(&mut prober, now + MS);
    assert_eq!(probe.len(), 1);
    assert_eq!(probe[0].remote, seen);
    assert_eq!(probes(&mut prober, now + SPACING)[0].remote, theirs());
    answer(&mut prober, probe[0], now + 60 * MS);
    let path = prober.path().expect("in use");
    assert_eq!(path.remote_kind, CandidateType::PeerReflexive);
}

#[test]
fn a_relay_is_never_a_direct_path() {
    let now = Instant::now();
    let relay = at("192.0.2.5:5");
    let mut prober = searching(now);
    prober.add_remote(relay, CandidateType::Relay);
    prober.checked_by(now, ours(), relay);
    prober.add_remote(relay, CandidateType::Host);
    assert!(prober.is_relay(relay) && !prober.is_relay(theirs()));
    assert_eq!(prober.pairs.len(), 1);
    // It checks us before it is named.
    let other = at("192.0.2.5:6");
    prober.checked_by(now, ours(), other);
    let probes = probes(&mut prober, now);
    let probe = probes.iter().find(|probe| probe.remote == other);
    answer(&mut prober, *probe.expect("checked"), now);
    assert!(prober.path().is_some());
    prober.add_remote(other, CandidateType::Relay);
    assert_eq!(prober.path(), None);
    assert_eq!(prober.pairs.len(), 1);
}

#[test]
fn what_a_far_side_names_is_bounded() {
    let now = Instant::now();
    let mut prober = searching(now);
    for n in 1..=1000 {
        prober.add_remote(
            SocketAddr::new([10, 1, 1, 1].into(), n),
            CandidateType::Host,
        );
        prober.add_remote(
            SocketAddr::new([10, 1, 1, 2].into(), n),
            CandidateType::Relay,
        );
        prober.checked_by(now, ours(), SocketAddr::new([10, 1, 1, 3].into(), n));
    }
    for unusable in ["0.0.0.0:1", "224.0.0.1:1", "[fe80::1]:1", "10.0.0.7:0"] {
        prober.add_remote(at(unusable), CandidateType::Host);
    }
    assert_eq!(prober.pairs.len(), MAX_PAIRS);
    assert_eq!(prober.remotes.len(), MAX_REMOTES);
    assert_eq!(prober.relays.len(), MAX_REMOTES);
    assert_eq!(probes(&mut prober, now).len(), MAX_PAIRS);
}
