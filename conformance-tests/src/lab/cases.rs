//! The lab's cases beyond the matrix: one list, each with its deadline.

mod addresses;
mod all_of_them;
mod bulk;
mod cuts;
mod handshake;
mod interfaces;
mod killed;
mod local_names;
mod losses;
mod names;
mod paths;
mod relayed;
mod resume;
mod reunion;
mod routers;
mod talk;

use std::time::{Duration, Instant};

use futures_util::future::{LocalBoxFuture, join_all};

use super::Options;
use super::ledger::Ledger;
use super::meet::{Met, Way};
use super::netns::Run;
use crate::{Failure, Outcome};

/// What is to be seen in one situation.
pub(super) struct Case {
    pub(super) name: &'static str,
    deadline: Duration,
    when: When,
    /// What it has found, in figures.
    play: for<'a> fn(&'a Run) -> LocalBoxFuture<'a, Outcome<String>>,
}

/// When a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// In every run, alone: it looks at the clock closely.
    Alone,
    /// In every run, beside others: most of its time it waits.
    Beside,
    /// With `--long`: it takes minutes.
    Long,
}

/// The list.
macro_rules! cases {
    ($($kind:ident $module:ident::$case:ident within $seconds:literal s;)+) => {
        &[$(Case {
            name: concat!("case::", stringify!($case)),
            deadline: Duration::from_secs($seconds),
            when: cases!(@ $kind),
            play: |run| Box::pin($module::$case(run)),
        }),+]
    };
    (@ alone) => { When::Alone };
    (@ beside) => { When::Beside };
    (@ long) => { When::Long };
}

const CASES: &[Case] = cases! {
    alone killed::a_killed_run_leaves_nothing within 30 s;
    alone names::a_lan_with_a_silent_name_server within 60 s;
    alone names::a_lan_with_a_slow_name_server within 60 s;
    alone names::an_ipv6_black_hole_before_the_signaling_server within 30 s;
    alone relayed::turn_over_tcp_where_udp_is_blocked within 90 s;
    alone relayed::turn_over_tls_where_udp_is_blocked within 90 s;
    alone relayed::turn_over_tls_with_a_certificate_that_nobody_trusts within 20 s;
    alone addresses::link_local_addresses_alone within 30 s;
    alone addresses::no_default_route within 20 s;
    alone addresses::ipv6_alone within 20 s;
    alone addresses::no_address_at_all within 20 s;
    alone addresses::an_interface_with_1280_bytes within 30 s;
    alone addresses::two_interfaces_and_one_that_leads_nowhere within 30 s;
    alone addresses::a_round_trip_of_two_seconds within 40 s;
    alone routers::a_public_address_and_every_translator within 60 s;
    alone routers::two_translators_in_a_row within 30 s;
    alone routers::two_behind_one_router_that_turns_round within 30 s;
    alone local_names::a_firewall_and_names_of_chromium within 60 s;
    alone local_names::a_firewall_and_names_of_firefox within 60 s;
    beside handshake::each_datagram_dropped_once_between_natives within 240 s;
    beside handshake::each_datagram_dropped_once_with_chromium within 240 s;
    beside handshake::each_datagram_dropped_once_with_firefox within 240 s;
    alone paths::a_path_that_reorders_between_natives within 60 s;
    alone paths::a_path_that_reorders_with_chromium within 60 s;
    alone paths::a_path_that_reorders_with_firefox within 60 s;
    alone paths::a_narrow_path_between_natives within 60 s;
    alone paths::a_narrow_path_with_chromium within 60 s;
    alone paths::a_narrow_path_with_firefox within 60 s;
    alone interfaces::an_interface_goes_between_natives within 60 s;
    long interfaces::an_interface_loses_its_address_between_natives within 60 s;
    long interfaces::an_interface_goes_with_chromium within 60 s;
    long interfaces::another_interface_comes_between_natives within 60 s;
    long interfaces::another_interface_comes_with_chromium within 60 s;
    alone reunion::a_cut_beyond_a_short_window within 40 s;
    long reunion::a_cut_of_40_seconds within 150 s;
    long reunion::a_process_that_stands_still within 240 s;
    long reunion::one_that_is_deaf within 180 s;
    long cuts::cuts_between_natives within 180 s;
    long cuts::cuts_with_chromium within 180 s;
    long cuts::cuts_with_firefox within 180 s;
    long resume::cuts_are_resumed_between_natives within 180 s;
    long resume::cuts_are_resumed_with_chromium within 180 s;
    long resume::cuts_are_resumed_with_firefox within 180 s;
    long resume::cuts_are_resumed_between_chromiums within 180 s;
    long resume::cuts_are_resumed_between_firefoxes within 180 s;
    long resume::cuts_are_resumed_between_chromium_and_firefox within 180 s;
    long resume::a_cut_is_resumed_when_the_signaling_is_back_between_natives within 60 s;
    long resume::a_cut_is_resumed_when_the_signaling_is_back_between_browsers within 60 s;
    long resume::a_hosts_network_is_gone_for_15_seconds_natively within 60 s;
    long resume::a_hosts_network_is_gone_for_15_seconds_in_chromium within 90 s;
    long resume::a_hosts_network_is_gone_for_15_seconds_in_firefox within 90 s;
    long resume::another_address_is_resumed_between_natives within 60 s;
    long resume::another_address_is_resumed_with_chromium within 60 s;
    long resume::another_address_is_resumed_with_firefox within 60 s;
    long resume::another_address_is_resumed_between_firefox_and_chromium within 60 s;
    long all_of_them::all_of_them_arrive_between_natives within 400 s;
    long all_of_them::all_of_them_arrive_with_chromium within 400 s;
    long all_of_them::all_of_them_arrive_with_firefox within 400 s;
    long all_of_them::all_of_them_arrive_between_chromiums within 600 s;
    long all_of_them::all_of_them_arrive_between_firefoxes within 600 s;
    long all_of_them::all_of_them_arrive_between_firefox_and_chromium within 600 s;
    long bulk::a_transfer_beside_the_game_between_natives within 120 s;
    long bulk::a_transfer_far_away_beside_the_game_between_natives within 120 s;
    long bulk::a_transfer_beside_the_game_from_chromium within 120 s;
    long bulk::a_transfer_far_away_beside_the_game_from_chromium within 120 s;
    long bulk::a_transfer_beside_the_game_from_firefox within 120 s;
    long bulk::a_transfer_far_away_beside_the_game_from_firefox within 120 s;
    long bulk::a_kick_does_not_wait_behind_a_transfer within 60 s;
    long losses::native_connections_at_5_percent_loss within 300 s;
    long losses::native_connections_at_10_percent_loss within 300 s;
    long losses::chromium_connections_at_5_percent_loss within 300 s;
    long losses::chromium_connections_at_10_percent_loss within 300 s;
};

/// Those that are wanted.
pub(super) fn cases(options: &Options) -> Vec<&'static Case> {
    CASES
        .iter()
        .filter(|case| options.wants(case.name) && (options.long || case.when != When::Long))
        .collect()
}

/// Runs them: first those that need the machine for themselves.
pub(super) async fn run(run: &Run, cases: Vec<&'static Case>, ledger: &Ledger<'_>) {
    let (beside, alone): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|case| case.when == When::Beside);
    for case in alone {
        play(run, case, ledger).await;
    }
    join_all(beside.into_iter().map(|case| play(run, case, ledger))).await;
}

async fn play(run: &Run, case: &Case, ledger: &Ledger<'_>) {
    let begun = Instant::now();
    let outcome = tokio::time::timeout(case.deadline, (case.play)(run)).await;
    let outcome = outcome
        .unwrap_or_else(|_| Err(Failure::new(format!("not done after {:?}", case.deadline))));
    ledger.case(case.name, begun.elapsed(), outcome);
}

/// How often two meet where the time counts.
const MEETINGS: usize = 5;

/// Fails unless two met directly within this time.
fn directly(met: &Met, within: Duration) -> Outcome<String> {
    let seen = reached(met, Way::Direct)?;
    if met.took <= within {
        return Ok(seen);
    }
    Err(Failure::new(format!(
        "{within:?} were expected, and it is {seen}"
    )))
}

/// Fails unless two met this way.
fn reached(met: &Met, way: Way) -> Outcome<String> {
    let seen = format!("{:?} ({}) after {:.2?}", met.way, met.how, met.took);
    if met.way == way {
        return Ok(seen);
    }
    Err(Failure::new(format!(
        "{way:?} was expected, and it is {seen}"
    )))
}

/// Fails unless the median is within this time: what else the machine does makes one meeting slow, and not most of them.
fn in_time(what: &str, mut times: Vec<Duration>, within: Duration) -> Outcome<String> {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied();
    let slowest = times.last().copied();
    let (Some(median), Some(slowest)) = (median, slowest) else {
        return Err(Failure::new(format!("{what}: nothing was measured")));
    };
    let seen = format!(
        "{what}: median {median:.2?} of {}, slowest {slowest:.2?}",
        times.len()
    );
    if median <= within {
        return Ok(seen);
    }
    Err(Failure::new(format!(
        "{within:?} were expected, and it is {seen}"
    )))
}
