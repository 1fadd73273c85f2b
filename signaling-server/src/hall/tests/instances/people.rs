//! What happens in a history, and to whom.

use proptest::prelude::*;
use signaling::{MessageType, decode};

use crate::hall::MemberId;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Somebody comes to an instance: with its token, if it has one.
    Come(usize, usize),
    /// Its connection breaks.
    Cut(usize),
    /// It leaves for good.
    Leave(usize),
    /// An instance gives up what it does not use, and renews the rest.
    Renew(usize),
    /// A word under way arrives, or is lost.
    Arrive(usize, bool),
    /// An instance dies, and another one is started.
    Die(usize),
    /// Milliseconds pass.
    Pass(u64),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let (who, person) = (0..3_usize, 0..4_usize);
    prop_oneof![
        6 => (person.clone(), who.clone()).prop_map(|(person, who)| Step::Come(person, who)),
        2 => person.clone().prop_map(Step::Cut),
        1 => person.prop_map(Step::Leave),
        4 => who.clone().prop_map(Step::Renew),
        12 => (any::<usize>(), prop::bool::weighted(0.9)).prop_map(|(word, arrives)| Step::Arrive(word, arrives)),
        1 => who.prop_map(Step::Die),
        4 => (1..4_000_u64).prop_map(Step::Pass),
    ]
}

/// Somebody, over all its connections. Honest: once it has been sent away it forgets its token.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// At which instance it is connected, by number.
    pub(super) socket: Option<(u32, MemberId)>,
    pub(super) token: Option<String>,
    pub(super) id: Option<u32>,
    pub(super) attempts: u32,
}

impl Person {
    pub(super) fn hear(&mut self, text: &str) {
        let message = decode(text, usize::MAX).expect("the hall has written it");
        if message.kind == MessageType::Welcome {
            self.token = Some(message.data);
        } else if message.kind == MessageType::Id {
            let known = self.id.replace(message.id);
            assert!(known.is_none_or(|known| known == message.id), "another id");
        }
    }
}
