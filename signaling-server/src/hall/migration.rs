//! The role of the host: who has it, and who gets it.

use std::sync::Arc;

use mesh_core::{Instant, PeerId};
use signaling::Notice;

use super::{About, Fact, Hall, MemberId, Timer, tell};

/// The hall's zero: what is due then is done with the next look at the clock.
const AT_ONCE: Instant = Instant::from_micros(0);

impl Hall {
    /// Whether the member of that id is the host of its lobby.
    pub(super) fn is_host(&self, name: &Arc<str>, id: PeerId) -> bool {
        self.lobbies.get(name).is_some_and(|lobby| lobby.host == id)
    }

    /// Gives the role of a host that has left to another member, and tells those who speak our extension.
    pub(super) fn move_host(&mut self, name: &Arc<str>) {
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return;
        };
        let Some(host) = lobby.successor() else {
            return;
        };
        lobby.host = host;
        lobby.lift_ban_of_host();
        let ours = lobby.members().filter(|present| present.is_ours);
        let ours = Vec::from_iter(ours.map(|present| present.member));
        let about = About::State(Fact::Host);
        tell(
            &mut self.actions,
            ours.iter().copied(),
            about,
            Notice::Host(host),
        );
        // The host is in their tokens, so that the next server knows it, too.
        for member in ours {
            self.renew_at_once(member);
        }
    }

    /// Has a member get its next token now, if it gets any.
    fn renew_at_once(&mut self, member: MemberId) {
        let renewal = self.seats.get_mut(&member);
        let Some(renewal) = renewal.and_then(|ticket| ticket.renewal.as_mut()) else {
            return;
        };
        let earlier = std::mem::replace(renewal, AT_ONCE);
        self.timers.remove(&(earlier, Timer::Renewal(member)));
        self.timers.insert((AT_ONCE, Timer::Renewal(member)));
    }
}
