//! An honest pair, each of which also has links with hostile members: what the two lose, and for how long they wait.
//!
//! Used by the test `besieged` and by the example `siege`.

mod figures;
mod honest;
mod seat;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hostile_member::Attack;

pub(crate) use self::figures::{Figures, count_panics};
use self::honest::Honest;

/// How often the honest two ask each other.
const PING: Duration = Duration::from_millis(20);

/// How long the last answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is played.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// How many hostile members each of the honest two is connected with at a time.
    pub(crate) hostile: usize,
    /// What they send, one after the other.
    pub(crate) attacks: Vec<Attack>,
    /// Whether some of their packets are also changed at random.
    pub(crate) fuzz: bool,
    /// Whether the honest two are without the cure for packets that skip many numbers, so that their threads compute for long.
    pub(crate) without_cure: bool,
    /// Decides what they send.
    pub(crate) seed: u64,
    /// How long nobody is hostile.
    pub(crate) quiet: Duration,
    /// How long they attack.
    pub(crate) siege: Duration,
}

/// Plays it. `report` is called once a minute.
pub(crate) fn play(plan: &Plan, mut report: impl FnMut(Duration, &Figures)) -> Figures {
    let over = Arc::new(AtomicBool::new(false));
    let mut figures = Figures::default();
    let [mut a, mut b] = [1, 2].map(|own| Honest::new(own, plan, &over));
    a.begin();
    let mut began = Instant::now();
    let mut next_report = began + Duration::from_secs(60);
    let whole = plan.quiet + plan.siege;
    let is_going_on = |began: Instant, a: &Honest, figures: &Figures| {
        let patience = if a.is_waiting() {
            PATIENCE
        } else {
            Duration::ZERO
        };
        figures.parted.is_none() && began.elapsed() < whole + patience
    };
    while is_going_on(began, &a, &figures) {
        a.poll(&mut figures)
            .into_iter()
            .for_each(|event| b.hear(event));
        b.poll(&mut figures)
            .into_iter()
            .for_each(|event| a.hear(event));
        let is_besieged = began.elapsed() >= plan.quiet;
        if is_besieged {
            a.fill_seats(&mut figures);
            b.fill_seats(&mut figures);
        } else if !(a.is_connected() && b.is_connected()) {
            let is_in_time = Instant::now() < next_report;
            assert!(is_in_time, "the honest two did not connect");
            began = Instant::now();
        }
        if began.elapsed() < whole {
            a.ask(PING, is_besieged);
        }
        if Instant::now() >= next_report {
            next_report += Duration::from_secs(60);
            report(began.elapsed(), &figures);
        }
        thread::sleep(Duration::from_micros(200));
    }
    over.store(true, Ordering::Relaxed);
    figures.lost = a.asked() - b.received();
    figures.is_answered = !a.is_waiting();
    figures.panics = figures::panics();
    figures
}
