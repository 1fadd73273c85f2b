//! What happens in a history, and to whom.

use std::collections::BTreeSet;

use mesh_core::Instant;
use proptest::prelude::*;

use crate::bucket::Bucket;
use crate::hall::MemberId;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Somebody new joins; whether it speaks our extension.
    Join(bool),
    /// The connection of the nth member breaks.
    Cut(usize),
    /// The nth member shows its token on another connection, whether or not it is connected.
    Resume(usize),
    Leave(usize),
    /// The server is killed, and started again.
    Restart,
    Wait(u64),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Join),
        4 => any::<usize>().prop_map(Step::Cut),
        5 => any::<usize>().prop_map(Step::Resume),
        1 => any::<usize>().prop_map(Step::Leave),
        1 => Just(Step::Restart),
        3 => (1..70_u64).prop_map(Step::Wait),
    ]
}

/// Somebody, over all its connections. Honest: once it has been sent away it forgets its token.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) is_ours: bool,
    pub(super) socket: Option<MemberId>,
    pub(super) id: Option<u32>,
    pub(super) token: Option<(String, Instant)>,
    /// Its lobby, by number of our own.
    pub(super) lobby: usize,
    /// Until when its seat is kept.
    pub(super) kept: Option<Instant>,
    /// How often it may come back to its seat.
    pub(super) returns: Bucket,
    /// Who is there, as it was told.
    pub(super) seen: BTreeSet<u32>,
}
