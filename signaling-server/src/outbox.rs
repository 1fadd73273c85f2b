//! What waits to be written to one socket: in order, ended by a close, bounded by a share for each sender.

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mesh_core::PeerId;
use tokio::sync::Notify;

use crate::goodbye::Goodbye;
use crate::hall::{About, Fact, MemberId};

/// What a text costs besides its bytes.
const TEXT_COST: usize = 64;

/// One sender may take so many parts of the whole.
const PARTS: usize = 16;

/// Filled by the hall and by other members, emptied by the socket's writer.
///
/// A member's texts are refused once that member has its share waiting: a sixteenth of the whole, or, when the whole is taken
/// up, an equal part for every member that a lobby may have. So a slow receiver is cut off by nobody, and a sender is held up
/// by nobody but itself: what the others send does not take its part. A member is known here by the id of its seat, so it has one
/// share over all its connections. What the hall says is always taken; of what can be told again and again only the latest state
/// waits, and when much waits, at most one leaving and one coming of each member are kept. So those cannot grow without end either.
#[derive(Debug)]
pub(crate) struct Outbox {
    limit: usize,
    members: usize,
    queue: Mutex<Queue>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    texts: VecDeque<Waiting>,
    /// The latest of what can be told again and again, each with the number of its place among the texts.
    states: BTreeMap<Fact, (u64, Arc<str>)>,
    /// How many places such states have had.
    placed: u64,
    /// What all texts cost, and those of each sender.
    cost: usize,
    costs: BTreeMap<PeerId, usize>,
    /// Members whose texts with a number were dropped: they are to be told once there is room for them.
    /// By seat, with the connection that its last one came over.
    thwarted: BTreeMap<PeerId, MemberId>,
    /// How many texts have gone, written or dropped.
    taken: u64,
    goodbye: Option<Goodbye>,
}

#[derive(Debug)]
enum Waiting {
    Text {
        text: Arc<str>,
        from: From,
    },
    /// The place of a state. Nothing is told there if the state has got another place since.
    State(Fact, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Hall(About),
    Member(PeerId),
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Text(Arc<str>),
    /// The last one.
    Close(Goodbye),
}

/// The sender has its share waiting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// How many texts had been taken then.
    taken: u64,
}

impl Outbox {
    /// `limit` is the whole in bytes, to be shared by at most `members`.
    pub(crate) fn new(limit: usize, members: usize) -> Self {
        Self {
            limit,
            members: members.max(1),
            queue: Mutex::default(),
            filled: Notify::new(),
            emptied: Notify::new(),
        }
    }

    /// Adds what the hall tells; nothing is added to a closed one.
    pub(crate) fn tell(&self, text: Arc<str>, about: About) {
        let mut queue = self.lock();
        if queue.goodbye.is_some() {
            return;
        }
        if let About::Left(id) = about {
            // It sends nothing again, and its data are of no use.
            queue.thwarted.remove(&id);
            queue.void(Fact::Member(id));
        }
        if queue.cost > self.limit / 2 && queue.is_settled(about) {
            return;
        }
        match about {
            About::State(fact) => queue.set(fact, text),
            About::Lobby | About::Came { .. } | About::Left(_) => {
                queue.push(text, From::Hall(about));
            }
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Adds a text of a member, if its share allows; nothing is added to a closed one.
    pub(crate) fn relay(&self, from: PeerId, text: Arc<str>) -> Result<(), Full> {
        let mut queue = self.lock();
        if queue.goodbye.is_some() {
            return Ok(());
        }
        let cost = text.len() + TEXT_COST;
        let own = queue.costs.get(&from).copied().unwrap_or(0);
        let is_crowded = queue.cost.saturating_add(cost) > self.limit;
        let share = match is_crowded {
            true => self.limit / self.members.max(PARTS),
            false => self.limit / PARTS,
        };
        // One text alone always has room while there is some: a share below a message's size must not cut a sender off.
        let is_alone = own == 0 && !is_crowded || queue.texts.is_empty();
        if own.saturating_add(cost) > share && !is_alone {
            let taken = queue.taken;
            return Err(Full { taken });
        }
        queue.push(text, From::Member(from));
        drop(queue);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until something has been taken from it, or was since it was full. Cancel-safe; wakes everybody who waits.
    pub(crate) async fn emptied(&self, full: &Full) {
        let mut emptied = pin!(self.emptied.notified());
        // First listen, then look, so that nothing is missed between the two.
        emptied.as_mut().enable();
        if self.lock().taken == full.taken {
            emptied.await;
        }
    }

    /// A text of a member was dropped, which counts on being told: see [`relieved`](Self::relieved).
    pub(crate) fn thwart(&self, from: MemberId, id: PeerId) {
        let mut queue = self.lock();
        if queue.goodbye.is_none() {
            queue.thwarted.insert(id, from);
        }
    }

    /// Whether somebody is to be told when there is room.
    pub(crate) fn is_thwarting(&self) -> bool {
        !self.lock().thwarted.is_empty()
    }

    /// Those whose texts were dropped and for whom there is room now: nothing of theirs waits, and not much of others.
    pub(crate) fn relieved(&self) -> Vec<MemberId> {
        let mut queue = self.lock();
        if queue.cost > self.limit / 2 {
            return Vec::new();
        }
        let Queue {
            thwarted, costs, ..
        } = &mut *queue;
        let relieved = thwarted.extract_if(.., |id, _| !costs.contains_key(id));
        Vec::from_iter(relieved.map(|(_, member)| member))
    }

    /// Ends it, after what waits or instead of it. The first reason stays.
    pub(crate) fn close(&self, goodbye: Goodbye) {
        let mut queue = self.lock();
        if goodbye.is_impatient() {
            queue.clear();
        }
        queue.goodbye.get_or_insert(goodbye);
        drop(queue);
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    /// Waits for the next thing to write. Cancel-safe.
    pub(crate) async fn next(&self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.pop() {
                return outgoing;
            }
            self.filled.notified().await;
        }
    }

    fn pop(&self) -> Option<Outgoing> {
        let mut queue = self.lock();
        match queue.pop() {
            Some(text) => {
                drop(queue);
                self.emptied.notify_waiters();
                Some(Outgoing::Text(text))
            }
            None => queue.goodbye.clone().map(Outgoing::Close),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing in here can panic half-way, so a poisoned queue is a whole one.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, text: Arc<str>, from: From) {
        let cost = text.len() + TEXT_COST;
        self.cost += cost;
        if let From::Member(member) = from {
            *self.costs.entry(member).or_default() += cost;
        }
        self.texts.push_back(Waiting::Text { text, from });
    }

    /// Puts a state in the place of an earlier one that waits, or behind everything.
    fn set(&mut self, fact: Fact, text: Arc<str>) {
        let cost = text.len() + TEXT_COST;
        if let Some((_, earlier)) = self.states.get_mut(&fact) {
            self.cost = self.cost.saturating_sub(earlier.len() + TEXT_COST) + cost;
            *earlier = text;
            return;
        }
        self.cost += cost;
        self.placed += 1;
        self.states.insert(fact, (self.placed, text));
        self.texts.push_back(Waiting::State(fact, self.placed));
    }

    /// Drops a state that waits.
    fn void(&mut self, fact: Fact) {
        if let Some((_, text)) = self.states.remove(&fact) {
            self.cost = self.cost.saturating_sub(text.len() + TEXT_COST);
        }
    }

    /// The state of a place, unless it has got another one.
    fn take_state(&mut self, fact: Fact, place: u64) -> Option<Arc<str>> {
        let (now, _) = self.states.get(&fact)?;
        if *now != place {
            return None;
        }
        let (_, text) = self.states.remove(&fact)?;
        self.cost = self.cost.saturating_sub(text.len() + TEXT_COST);
        Some(text)
    }

    fn pop(&mut self) -> Option<Arc<str>> {
        loop {
            let waiting = self.texts.pop_front()?;
            let text = match waiting {
                Waiting::State(fact, place) => self.take_state(fact, place),
                Waiting::Text { ref text, .. } => {
                    self.pay_back(&waiting);
                    Some(Arc::clone(text))
                }
            };
            if text.is_some() {
                self.taken += 1;
                return text;
            }
        }
    }

    /// Whether a news of a member needs not be added, because of what waits about it. What a leaving makes void is dropped.
    fn is_settled(&mut self, about: About) -> bool {
        match about {
            About::Lobby | About::State(_) => false,
            About::Came { id, .. } => {
                let latest = self.news_of(id).last();
                // Who hears that it came, hears it after all that it has sent so far.
                matches!(latest, Some(About::Came { .. }))
            }
            About::Left(id) => {
                let Some(oldest) = self.news_of(id).next() else {
                    return false;
                };
                self.forget(id);
                let is_unknown = About::Came {
                    id,
                    is_known: false,
                };
                oldest == is_unknown
            }
        }
    }

    /// What waits of a member's comings and leavings, the oldest first.
    fn news_of(&self, id: PeerId) -> impl Iterator<Item = About> {
        let news = self.texts.iter().filter_map(|waiting| match waiting {
            Waiting::Text {
                from: From::Hall(about),
                ..
            } => Some(*about),
            Waiting::Text { .. } | Waiting::State(..) => None,
        });
        news.filter(move |about| about.is_of(id))
    }

    /// Drops a member's comings and leavings and what it sent.
    fn forget(&mut self, id: PeerId) {
        let is_void = |waiting: &Waiting| match waiting {
            Waiting::Text { from, .. } => match from {
                From::Hall(about) => about.is_of(id),
                From::Member(member) => *member == id,
            },
            Waiting::State(fact, _) => *fact == Fact::Member(id),
        };
        let (gone, texts): (VecDeque<_>, _) = std::mem::take(&mut self.texts)
            .into_iter()
            .partition(is_void);
        self.texts = texts;
        for waiting in &gone {
            self.pay_back(waiting);
        }
    }

    fn pay_back(&mut self, waiting: &Waiting) {
        let Waiting::Text { text, from } = waiting else {
            return;
        };
        let cost = text.len() + TEXT_COST;
        self.cost = self.cost.saturating_sub(cost);
        let From::Member(member) = from else {
            return;
        };
        if let Some(own) = self.costs.get_mut(member) {
            *own = own.saturating_sub(cost);
            if *own == 0 {
                self.costs.remove(member);
            }
        }
    }

    fn clear(&mut self) {
        self.taken += 1;
        self.thwarted.clear();
        self.texts.clear();
        self.states.clear();
        self.costs.clear();
        self.cost = 0;
    }
}
