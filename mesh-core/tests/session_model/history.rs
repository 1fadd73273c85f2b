//! What can happen to the members of a lobby. They are numbered from 0.

use std::fmt;
use std::ops::RangeInclusive;

use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Nothing, for so many milliseconds.
    Wait(u64),
    /// The process ends without a word.
    Crash(usize),
    /// The process leaves the lobby and closes its connections.
    Quit(usize),
    /// A process that has ended starts again, under its former id.
    Restart(usize),
    /// A process that has ended starts again, under a new id.
    Rename(usize),
    /// The signaling of the first is lost.
    LoseSignaling(usize),
    /// It comes back, under the same id.
    RestoreSignaling(usize),
    /// Nothing goes from the first to the second.
    Cut(usize, usize),
    /// All goes between the two again.
    Heal(usize, usize),
    /// The first one's backend ends its connections with the second.
    GiveUp(usize, usize, Reason),
    Refuse(usize, bool),
    Kick(usize, usize),
    Ban(usize, usize),
    Allow(usize, usize),
    /// Whether the accept hook of the first says no to all.
    Decline(usize, bool),
    /// Signals take up to so many milliseconds.
    Slow(u64),
    /// Whether each signal arrives a second time, late.
    Double(bool),
    /// Whether the signaling of a member has no room.
    Full(usize, bool),
}

/// How a backend ends a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    Failed,
    InboxFull,
    Protocol,
}

/// A whole evening. Prints as one step a line.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) members: usize,
    pub(crate) steps: Vec<Step>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} members", self.members)?;
        for step in &self.steps {
            write!(f, "\n    {step:?}")?;
        }
        Ok(())
    }
}

pub(crate) fn history(members: RangeInclusive<usize>) -> impl Strategy<Value = History> {
    members.prop_flat_map(|members| {
        proptest::collection::vec(step(members), 1..24)
            .prop_map(move |steps| History { members, steps })
    })
}

fn step(members: usize) -> impl Strategy<Value = Step> {
    let one = move || 0..members;
    let two = move || (0..members, 1..members).prop_map(move |(a, by)| (a, (a + by) % members));
    let reason = prop_oneof![
        Just(Reason::Failed),
        Just(Reason::InboxFull),
        Just(Reason::Protocol)
    ];
    prop_oneof![
        4 => prop_oneof![1_u64..500, 500_u64..5000, 5000_u64..40_000].prop_map(Step::Wait),
        1 => one().prop_map(Step::Crash),
        1 => one().prop_map(Step::Quit),
        3 => one().prop_map(Step::Restart),
        1 => one().prop_map(Step::Rename),
        1 => one().prop_map(Step::LoseSignaling),
        2 => one().prop_map(Step::RestoreSignaling),
        2 => two().prop_map(|(a, b)| Step::Cut(a, b)),
        2 => two().prop_map(|(a, b)| Step::Heal(a, b)),
        2 => (two(), reason).prop_map(|((a, b), reason)| Step::GiveUp(a, b, reason)),
        1 => (one(), any::<bool>()).prop_map(|(a, on)| Step::Refuse(a, on)),
        1 => two().prop_map(|(a, b)| Step::Kick(a, b)),
        1 => two().prop_map(|(a, b)| Step::Ban(a, b)),
        2 => two().prop_map(|(a, b)| Step::Allow(a, b)),
        1 => (one(), any::<bool>()).prop_map(|(a, on)| Step::Decline(a, on)),
        1 => prop_oneof![20_u64..500, 500_u64..20_000].prop_map(Step::Slow),
        1 => any::<bool>().prop_map(Step::Double),
        1 => (one(), any::<bool>()).prop_map(|(a, on)| Step::Full(a, on)),
    ]
}
