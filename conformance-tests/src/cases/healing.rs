//! A signaling server that goes and comes back under a mesh.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{try_join, try_join_all};
use mesh_core::LostReason;

use super::{lobby, steps};
use crate::environment::{Ask, Told};
use crate::failure::ensure_eq;
use crate::observed::Seen;
use crate::{Outcome, Participant};

/// The server is killed and started again while four talk without a pause: nobody misses a word, everybody is back in the lobby, and a fifth
/// meets all of them.
pub async fn a_server_that_starts_again_takes_everybody_back(cast: [Participant; 5]) -> Outcome {
    let [a, b, c, d, late] = &cast;
    let talkers = [a, b, c, d];
    let meeting = a.meeting().await?;
    a.join(&meeting).await?;
    try_join_all([b, c, d].map(|guest| guest.join(&meeting))).await?;
    try_join_all(talkers.map(|talker| talker.connected_peers(3))).await?;

    let ears = talkers.map(Ear::new);
    let is_over = Cell::new(false);
    let talks = try_join_all(talkers.map(|talker| lobby::talk(talker, &is_over)));
    let healing = async {
        let told = a.wish(Ask::RestartSignaling).await?;
        ensure_eq!(told, Told::Done, "the new start of the server");
        let all_back = ears.iter().map(|ear| ear.listen(|| ear.is_back.get()));
        try_join_all(all_back).await?;
        late.join(&meeting).await?;
        let mut met = late.connected_peers(4).await?;
        met.sort_unstable();
        let mut there = talkers.map(Participant::id);
        there.sort_unstable();
        ensure_eq!(met, there, "whom the new one meets");
        let all_met = ears.iter().map(|ear| ear.listen(|| ear.has_met(late)));
        try_join_all(all_met).await?;
        let mut silent: BTreeSet<_> = there.into();
        while !silent.is_empty() {
            let (from, ..) = late.packet().await?;
            silent.remove(&from);
        }
        is_over.set(true);
        Ok(())
    };
    let (told, ()) = try_join(talks, healing).await?;
    let told: BTreeMap<u32, u64> = talkers.map(Participant::id).into_iter().zip(told).collect();
    let all_heard = ears.iter().map(|ear| ear.listen(|| ear.has_heard(&told)));
    try_join_all(all_heard).await.map(drop)
}

/// What one of them has heard and seen.
struct Ear<'a> {
    listener: &'a Participant,
    /// The number of the next word of each.
    next: RefCell<BTreeMap<u32, u64>>,
    met: RefCell<BTreeSet<u32>>,
    is_back: Cell<bool>,
}

impl<'a> Ear<'a> {
    const fn new(listener: &'a Participant) -> Self {
        Self {
            listener,
            next: RefCell::new(BTreeMap::new()),
            met: RefCell::new(BTreeSet::new()),
            is_back: Cell::new(false),
        }
    }

    /// Takes in what happens, until that is so. Whatever else than words, the signaling and new peers comes is wrong.
    async fn listen(&self, is_enough: impl Fn() -> bool) -> Outcome {
        while !is_enough() {
            match self.listener.seen().await? {
                Seen::Packet { from, body, .. } => {
                    let number = steps::number(self.listener, &body)?;
                    let mut next = self.next.borrow_mut();
                    let next = next.entry(from).or_default();
                    ensure_eq!(number, *next, "the next word of {from}");
                    *next += 1;
                }
                // A server that is killed says nothing.
                Seen::SignalingInterrupted(LostReason::Closed | LostReason::Unreachable(_)) => {}
                Seen::SignalingResumed => self.is_back.set(true),
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
}
