//! The beginning of a drain: nobody new is taken, and the members are told.

use std::sync::Arc;
use std::time::Duration;

use signaling::{Extension, Message, Notice, encode};

use super::{Place, Relay};
use crate::hall::About;

/// The longest time that a message can hold, in seconds.
const LONGEST: u32 = i32::MAX.unsigned_abs();

impl Relay {
    /// Takes nobody new, and tells those who speak our extension where to come back to, once. How many those are.
    ///
    /// Members of lobbies that are here may still come by another instance, which has nowhere else to send them, and those whose
    /// connection was broken come back. They are told when they are in.
    pub(crate) fn begin_to_drain(&self, at_most: Duration) -> usize {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_draining, true) {
            return 0;
        }
        let url = self.config().drain_to.clone().unwrap_or_default();
        let text: Arc<str> = encode(&notice(at_most, url)).into();
        state.drain_notice = Some(Arc::clone(&text));
        let mut told = 0;
        for (member, outbox) in &state.outboxes {
            if state.hall.is_ours(*member) || state.forwarded.contains(member) {
                outbox.tell(Arc::clone(&text), About::Lobby);
                told += 1;
            }
        }
        told
    }
}

impl Place {
    /// Whether it may join: a server that drains takes nobody new. No other instance has the lobbies that are here, as long as there is
    /// somebody in them.
    pub(super) fn may_join(&self, extension: Option<&Extension>) -> bool {
        let is_back = extension.is_some_and(|extension| extension.token.is_some());
        is_back || self.introduction.is_some() || !self.relay.is_draining()
    }

    /// It has joined a lobby that is here: it has not heard yet that the server drains, if it does.
    pub(super) fn is_in(&self) {
        let state = self.relay.lock();
        if state.hall.is_ours(self.member) {
            self.hear_of_drain(state.drain_notice.as_ref());
        }
    }

    fn hear_of_drain(&self, notice: Option<&Arc<str>>) {
        if let Some(text) = notice {
            self.outbox.tell(Arc::clone(text), About::Lobby);
        }
    }

    /// Another instance has the member's lobby, and speaks our extension with it.
    pub(crate) fn is_welcome_elsewhere(&self) {
        let mut state = self.relay.lock();
        if state.outboxes.contains_key(&self.member) {
            state.forwarded.insert(self.member);
            self.hear_of_drain(state.drain_notice.as_ref());
        }
    }
}

/// What members are told. A part of a second counts as a whole one.
fn notice(at_most: Duration, url: String) -> Message {
    let seconds = at_most
        .as_secs()
        .saturating_add(u64::from(at_most.subsec_nanos() > 0));
    let within = u32::try_from(seconds).unwrap_or(LONGEST).min(LONGEST);
    Message::from(Notice::Draining { within, url })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::relay::place::tests::{connect, join, ours, told};

    #[tokio::test]
    async fn those_who_are_told_of_a_drain_are_counted_once() {
        let relay = Relay::new(Config::default(), None);
        let [host, guest, godot, idle] = [(); 4].map(|()| connect(&relay));
        join(&host, Some(&ours())).await;
        join(&guest, Some(&ours())).await;
        join(&godot, None).await;
        let places = [&host, &guest, &godot, &idle];
        for place in places {
            told(place);
        }
        assert_eq!(relay.begin_to_drain(Duration::from_secs(30)), 2);
        let heard = places.map(|place| told(place).len());
        assert_eq!(heard, [1, 1, 0, 0]);
        assert_eq!(relay.begin_to_drain(Duration::from_secs(30)), 0);
    }

    #[test]
    fn the_time_is_told_in_seconds() {
        let told = |at_most| encode(&notice(at_most, String::new()));
        for (at_most, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_millis(1), 1),
            (Duration::from_secs(30), 30),
            (Duration::MAX, LONGEST),
        ] {
            let expected = format!(r#"{{"type":44,"id":{expected},"data":""}}"#);
            assert_eq!(told(at_most), expected);
        }
    }
}
