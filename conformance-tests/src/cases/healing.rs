//! A signaling server that goes and comes back under a mesh.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use std::ops::Range;
use std::time::Duration;

use futures_util::future::{try_join, try_join_all};
use mesh_core::{LostReason, TransferMode};

use super::steps;
use crate::environment::{Ask, Told};
use crate::failure::{ensure, ensure_eq};
use crate::figures::figure;
use crate::observed::Seen;
use crate::request::{MeshRequest, To};
use crate::{Content, Outcome, Participant};

/// How soon after the server is up again everybody is back in the lobby.
const BACK: Duration = Duration::from_secs(5);

/// How long a server stands before it dies, and how long it is away then.
const STANDS: Duration = Duration::from_secs(12);
const AWAY: Duration = Duration::from_secs(20);

/// How soon after that everybody is back: the longest pause between two attempts (docs/signaling.md) and as much for the attempt.
const FOUND: Duration = Duration::from_secs(4);

/// Of so many unreliable words in a row at least one arrives, also on a machine that is too busy for most of them.
const SPARSE: u64 = 10;

/// The server is killed and started again while four talk without a pause: nobody misses a reliable word, unreliable ones go on, too, everybody is
/// back in the lobby under its own id, the host as the host, and a fifth meets all of them.
pub async fn a_server_that_starts_again_takes_everybody_back(cast: [Participant; 5]) -> Outcome {
    let [a, b, c, d, late] = &cast;
    let talkers = [a, b, c, d];
    let meeting = a.meeting().await?;
    a.join(&meeting).await?;
    try_join_all([b, c, d].map(|guest| guest.join(&meeting))).await?;
    try_join_all(talkers.map(|talker| talker.connected_peers(3))).await?;

    let ears = talkers.map(Ear::new);
    let is_over = Cell::new(false);
    let said = talkers.map(|_| Cell::new(0));
    let talks = talkers.iter().zip(&said);
    let talks = try_join_all(talks.map(|(talker, said)| talk(talker, said, &is_over)));
    let so_far = || {
        Vec::from_iter(
            talkers
                .iter()
                .zip(&said)
                .map(|(who, said)| (who.id(), said.get())),
        )
    };
    let healing = async {
        let before = so_far();
        let told = a.wish(Ask::KillSignaling).await?;
        ensure_eq!(told, Told::Done, "the death of the server");
        let told = a.wish(Ask::StartSignaling).await?;
        ensure_eq!(told, Told::Done, "the new start of the server");
        let is_up = a.now().await?;
        let all_back = ears.iter().map(|ear| ear.listen(|| ear.is_back.get()));
        try_join_all(all_back).await?;
        for talker in talkers {
            let (id, _) = talker.status().await?;
            ensure_eq!(id, Some(talker.id()), "the id of one that is back");
        }
        let took = a.now().await? - is_up;
        figure("server up again to all back", took);
        ensure!(took <= BACK, "all were back after {took:?}");
        let after = so_far();
        late.join(&meeting).await?;
        let mut met = late.connected_peers(4).await?;
        met.sort_unstable();
        let mut there = talkers.map(Participant::id);
        there.sort_unstable();
        ensure_eq!(met, there, "whom the new one meets");
        let all_met = ears.iter().map(|ear| ear.listen(|| ear.has_met(late)));
        try_join_all(all_met).await?;
        figure("server up again to a fifth met", a.now().await? - is_up);
        let mut silent: BTreeSet<_> = there.into();
        while !silent.is_empty() {
            let (from, ..) = late.packet().await?;
            silent.remove(&from);
        }
        // What was said on the unreliable channel since all were back, too.
        let go_on = ears
            .iter()
            .map(|ear| ear.listen(|| ear.hears_beyond(&after)));
        try_join_all(go_on).await?;
        is_over.set(true);
        let away = before.into_iter().zip(after);
        Ok(Vec::from_iter(
            away.map(|((id, from), (_, to))| (id, from..to)),
        ))
    };
    let (told, away) = try_join(talks, healing).await?;
    let told: BTreeMap<u32, u64> = talkers.map(Participant::id).into_iter().zip(told).collect();
    let all_heard = ears.iter().map(|ear| ear.listen(|| ear.has_heard(&told)));
    try_join_all(all_heard).await?;
    // The host has come back as the host: nobody else may seal.
    a.mesh(MeshRequest::Seal).await?;
    try_join_all(ears.iter().map(|ear| ear.listen(|| ear.is_sealed.get()))).await?;
    ears.iter().try_for_each(|ear| ear.was_reached(&away))
}

/// A server refuses everybody for a while. Once it is up it is found at once, also by a browser that by itself waits longer and longer.
pub async fn a_server_that_was_away_is_found_at_once(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    let meeting = a.meeting().await?;
    a.join(&meeting).await?;
    b.join(&meeting).await?;
    try_join_all(cast.iter().map(|one| one.connected_peers(1))).await?;
    a.sleep(STANDS).await?;
    let told = a.wish(Ask::KillSignaling).await?;
    ensure_eq!(told, Told::Done, "the death of the server");
    a.sleep(AWAY).await?;
    let told = a.wish(Ask::StartSignaling).await?;
    ensure_eq!(told, Told::Done, "the new start of the server");
    let is_up = a.now().await?;
    let back = cast.iter().map(|one| {
        one.find("to be back in the lobby", |seen| {
            matches!(seen, Seen::SignalingResumed).then_some(())
        })
    });
    try_join_all(back).await?;
    let took = a.now().await? - is_up;
    figure("server up after 20 s to all back", took);
    ensure!(took <= FOUND, "all were back after {took:?}");
    Ok(())
}

/// Says numbered things until it is over, each fourth one on the unreliable channel, too; gives how many. `said` has it meanwhile.
async fn talk(talker: &Participant, said: &Cell<u64>, is_over: &Cell<bool>) -> Outcome<u64> {
    while !is_over.get() {
        let number = said.get();
        let modes: &[_] = match number % 4 {
            0 => &[TransferMode::Reliable, TransferMode::Unreliable],
            _ => &[TransferMode::Reliable],
        };
        for mode in modes {
            let content = Content::numbered(number, 64);
            let sent = talker.try_send(To::All, *mode, content, 1).await?;
            let report = sent.map_err(|refusal| talker.fail(format!("refused: {refusal}")))?;
            ensure!(
                report.full.is_empty() && report.accepted >= 3,
                "{} told {number} to {report:?}",
                talker.name()
            );
        }
        said.set(number + 1);
        talker.sleep(Duration::from_millis(5)).await?;
    }
    Ok(said.get())
}

/// What one of them has heard and seen.
struct Ear<'a> {
    listener: &'a Participant,
    /// The number of the next word of each.
    next: RefCell<BTreeMap<u32, u64>>,
    /// The numbers of the unreliable words of each.
    unreliable: RefCell<BTreeMap<u32, BTreeSet<u64>>>,
    met: RefCell<BTreeSet<u32>>,
    is_back: Cell<bool>,
    is_sealed: Cell<bool>,
}

impl<'a> Ear<'a> {
    const fn new(listener: &'a Participant) -> Self {
        Self {
            listener,
            next: RefCell::new(BTreeMap::new()),
            unreliable: RefCell::new(BTreeMap::new()),
            met: RefCell::new(BTreeSet::new()),
            is_back: Cell::new(false),
            is_sealed: Cell::new(false),
        }
    }

    /// Takes in what happens, until that is so. Whatever else than words, the signaling and new peers comes is wrong.
    async fn listen(&self, is_enough: impl Fn() -> bool) -> Outcome {
        while !is_enough() {
            match self.listener.seen().await? {
                Seen::Packet {
                    from, body, mode, ..
                } => {
                    let number = steps::number(self.listener, &body)?;
                    if mode != TransferMode::Reliable {
                        let mut heard = self.unreliable.borrow_mut();
                        let is_new = heard.entry(from).or_default().insert(number);
                        ensure!(is_new, "{number} of {from} came twice");
                        continue;
                    }
                    let mut next = self.next.borrow_mut();
                    let next = next.entry(from).or_default();
                    ensure_eq!(number, *next, "the next word of {from}");
                    *next += 1;
                }
                // A server that is killed says nothing.
                Seen::SignalingInterrupted(LostReason::Closed | LostReason::Unreachable(_)) => {}
                Seen::SignalingResumed => self.is_back.set(true),
                Seen::Sealed => self.is_sealed.set(true),
                Seen::Connected(peer) => _ = self.met.borrow_mut().insert(peer),
                seen => return Err(self.listener.fail(format!("saw {seen:?}"))),
            }
        }
        Ok(())
    }

    fn has_met(&self, other: &Participant) -> bool {
        self.met.borrow().contains(&other.id())
    }

    /// Whether it has heard all that the others have said.
    fn has_heard(&self, told: &BTreeMap<u32, u64>) -> bool {
        let next = self.next.borrow();
        let mut others = told.iter().filter(|(id, _)| **id != self.listener.id());
        others.all(|(id, total)| next.get(id).copied().unwrap_or_default() == *total)
    }

    /// Whether an unreliable word of each other one has come that was said after these.
    fn hears_beyond(&self, said: &[(u32, u64)]) -> bool {
        let heard = self.unreliable.borrow();
        let mut others = said.iter().filter(|(id, _)| *id != self.listener.id());
        others.all(|(id, said)| heard.get(id).and_then(BTreeSet::last) >= Some(said))
    }

    /// Unreliable words came also while the server was away.
    fn was_reached(&self, away: &[(u32, Range<u64>)]) -> Outcome {
        let heard = self.unreliable.borrow();
        for (id, away) in away.iter().filter(|(id, _)| *id != self.listener.id()) {
            let came = heard
                .get(id)
                .map_or(0, |heard| heard.range(away.clone()).count());
            let came = u64::try_from(came).unwrap_or(u64::MAX);
            let said = (away.end - away.start) / 4;
            ensure!(
                came >= said / SPARSE,
                "{} heard {came} of {said} unreliable words of {id} while the server was away",
                self.listener.name()
            );
        }
        Ok(())
    }
}
