//! A place that one hostile member after the other takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use hostile_member::{Attack, Chance, Member};
use mesh_core::ConnectionId;

use super::Plan;

/// How long a member attacks before it gives up.
const ATTACK: Duration = Duration::from_secs(4);

/// How long it may take to be let in.
const LET_IN: Duration = Duration::from_secs(10);

/// The seat as its honest member sees it. A thread of its own plays the hostile members.
pub(super) struct Seat {
    /// The offer to the next member, and its number.
    pub(super) offers: Sender<(u64, String)>,
    pub(super) answers: Receiver<String>,
    pub(super) connection: Option<ConnectionId>,
    bursts: Arc<AtomicUsize>,
}

impl Seat {
    pub(super) fn new(plan: &Plan, over: &Arc<AtomicBool>) -> Self {
        let (offers, offered) = channel::<(u64, String)>();
        let (answered, answers) = channel();
        let (plan, over) = (plan.clone(), Arc::clone(over));
        let bursts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&bursts);
        thread::spawn(move || {
            for (number, offer) in offered {
                let (mut member, answer) = Member::answer(&offer).expect("a member");
                if answered.send(answer).is_err() {
                    return;
                }
                let chance = Chance::new(plan.seed.wrapping_add(number));
                if plan.fuzz && number % 2 == 1 {
                    member.fuzz(chance.clone());
                }
                attack(
                    &mut member,
                    attack_of(&plan, number),
                    chance,
                    &over,
                    &counted,
                );
            }
        });
        Self {
            offers,
            answers,
            connection: None,
            bursts,
        }
    }

    /// How many bursts were sent since this was asked last.
    pub(super) fn take_bursts(&self) -> usize {
        self.bursts.swap(0, Ordering::Relaxed)
    }
}

fn attack_of(plan: &Plan, number: u64) -> Attack {
    let at = usize::try_from(number).unwrap_or_default() % plan.attacks.len();
    plan.attacks[at]
}

/// Attacks until the far side ends the link.
fn attack(
    member: &mut Member,
    attack: Attack,
    mut chance: Chance,
    over: &AtomicBool,
    bursts: &AtomicUsize,
) {
    if !member.open(LET_IN) {
        return;
    }
    let end = Instant::now() + ATTACK;
    while !member.is_over() && !over.load(Ordering::Relaxed) && Instant::now() < end {
        attack.burst(member, &mut chance);
        bursts.fetch_add(1, Ordering::Relaxed);
        member.turn();
    }
    // Others are let in when it is gone.
    member.leave();
}
