//! What a socket has of the server: that it is counted, its place, and what it can do there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mesh_core::{PeerId, Topology};
use signaling::{Extension, Message, Notice, decode, encode, encode_godot3};

use super::{Relay, Seated};
use crate::admission::Entry;
use crate::cluster::Introduction;
use crate::door::{Account, Control, Dialect, Letter, Network};
use crate::goodbye::Goodbye;
use crate::hall::{Addressee, Hall, MemberId, Wish};
use crate::outbox::{Full, Outbox};

/// A socket's place in the server; dropping it frees the place, whatever ended the socket.
pub(crate) struct Place {
    pub(super) relay: Relay,
    pub(super) network: Option<Network>,
    pub(super) member: MemberId,
    pub(super) outbox: Arc<Outbox>,
    /// Whether it is admitted.
    pub(super) entry: Entry,
    /// How many members make a group, if its URL says so.
    pub(super) group_of: Option<u32>,
    /// What the instance says that forwards it, if one does.
    pub(super) introduction: Option<Arc<Introduction>>,
    /// Whether it has joined as a client of Godot's 3.x demo.
    pub(super) is_godot3: AtomicBool,
}

/// Counts a socket, whether it is served or refused; dropping it counts it out.
pub(crate) struct Visit {
    pub(super) relay: Relay,
    pub(super) network: Option<Network>,
    pub(super) account: Option<Account>,
    /// Why it will be refused.
    pub(super) refused: Option<Goodbye>,
    /// Whether it is admitted to a lobby.
    pub(super) entry: Entry,
    /// How many members make a group, if its URL says so.
    pub(super) group_of: Option<u32>,
    /// What the instance says that forwards it, if one does.
    pub(super) introduction: Option<Arc<Introduction>>,
}

/// What became of a text for another member.
pub(crate) enum Relayed {
    /// Nobody is to have it.
    Nobody,
    Taken(MemberId),
    /// It was not taken: our share is waiting there.
    Full(Clogged),
}

/// A receiver that has no room for a sender.
pub(crate) struct Clogged {
    pub(crate) to: MemberId,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) full: Full,
}

impl Place {
    /// The socket's number, for logs.
    pub(crate) const fn number(&self) -> u64 {
        self.member.0
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) async fn join(
        &self,
        name: &str,
        topology: Topology,
        extension: Option<&Extension>,
        dialect: Dialect,
    ) -> Result<Seated, Goodbye> {
        // Before it is told anything.
        let is_godot3 = dialect == Dialect::Godot3;
        self.is_godot3.store(is_godot3, Ordering::Relaxed);
        if !self.may_join(extension) {
            return Err(Goodbye::ShuttingDown);
        }
        self.relay.charge_join(self.network)?;
        let mut wish = Wish::new(name, topology, self.network, extension, self.entry.as_ref());
        wish.group_of = wish.group_of.or(self.group_of);
        wish.dialect = dialect;
        let seated = match &self.relay.0.cluster {
            Some(cluster) => Box::pin(self.seat_somewhere(cluster, wish)).await?,
            None => {
                let join = |hall: &mut Hall, now| hall.join(now, self.member, wish);
                Seated::Here(self.relay.with(join)?)
            }
        };
        let metrics = &self.relay.0.metrics;
        match &seated {
            Seated::Here(standing) if standing.is_back => metrics.resume(),
            Seated::Here(_) => metrics.join(),
            Seated::Elsewhere(_) => metrics.forwarded(),
        }
        if matches!(seated, Seated::Here(_)) {
            self.is_in();
        }
        Ok(seated)
    }

    /// A text as the socket reads it; none if its protocol has no such message.
    pub(crate) fn translate(&self, text: Arc<str>) -> Option<Arc<str>> {
        if !self.is_godot3.load(Ordering::Relaxed) {
            return Some(text);
        }
        // The server has written it itself.
        let message = decode(&text, usize::MAX).ok()?;
        encode_godot3(&message).map(Arc::from)
    }

    /// Answers a ping. Whoever asks faster than it reads gets fewer answers.
    pub(crate) fn pong(&self, id: PeerId) {
        let text = encode(&Message::from(Notice::Pong));
        let _ = self.outbox.relay(id, text.into());
    }

    /// The member has said that it leaves; what becomes of the socket does not matter any more.
    pub(crate) fn leave(&self) {
        self.relay.with(|hall, _| hall.leave(self.member));
    }

    pub(crate) fn seal(&self) -> Result<(), Goodbye> {
        self.relay.with(|hall, now| hall.seal(now, self.member))
    }

    /// How many seats the lobby has.
    pub(crate) fn audience(&self) -> usize {
        self.relay.lock().hall.audience(self.member)
    }

    pub(crate) fn control(&self, control: Control) -> Result<(), Goodbye> {
        let step = |hall: &mut Hall, now| hall.control(now, self.member, control);
        self.relay.with(step)
    }

    /// Gives a signal to the member of that id.
    pub(crate) fn relay(&self, to: u32, letter: &Letter) -> Result<Relayed, Goodbye> {
        let state = self.relay.lock();
        let Some(addressee) = state.hall.addressee(self.member, to)? else {
            return Ok(Relayed::Nobody);
        };
        let Addressee {
            from,
            member: to,
            is_ours,
        } = addressee;
        let Some(outbox) = state.outboxes.get(&to) else {
            return Ok(Relayed::Nobody);
        };
        let text = letter.text(is_ours);
        let size = text.len();
        Ok(match outbox.relay(from, text) {
            Ok(()) => {
                self.relay.0.metrics.relayed(size);
                Relayed::Taken(to)
            }
            Err(full) => {
                let outbox = Arc::clone(outbox);
                Relayed::Full(Clogged { to, outbox, full })
            }
        })
    }

    /// A text with a number was dropped, because its receiver had no room for us. We are told once it has.
    pub(crate) fn thwart(&self, clogged: &Clogged) {
        let state = self.relay.lock();
        if let Some(id) = state.hall.id(self.member) {
            clogged.outbox.thwart(self.member, id);
            // It may have taken everything meanwhile.
            state.relieve(clogged.to, &clogged.outbox);
        }
    }

    /// Something was taken from our outbox: tells those whose texts were dropped that there is room for them.
    pub(crate) fn relieve(&self) {
        if self.outbox.is_thwarting() {
            self.relay.lock().relieve(self.member, &self.outbox);
        }
    }

    /// Sends the socket away. Does nothing if it has been sent away already.
    pub(crate) fn refuse(&self, goodbye: Goodbye) {
        let mut state = self.relay.lock();
        let is_first = state.outboxes.remove(&self.member).is_some();
        if goodbye.keeps_seat() {
            let now = self.relay.now();
            state.hall.disconnect(now, self.member);
        } else {
            state.hall.leave(self.member);
        }
        self.relay.settle(&mut state);
        drop(state);
        if is_first {
            let member = self.member.0;
            tracing::debug!(member, reason = goodbye.name(), "sent away");
            self.relay.0.metrics.goodbye(&goodbye);
            self.outbox.close(goodbye);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.relay.lock();
        state.outboxes.remove(&self.member);
        state.forwarded.remove(&self.member);
        let now = self.relay.now();
        state.hall.disconnect(now, self.member);
        self.relay.settle(&mut state);
    }
}

impl Visit {
    /// Sets how many members make a group, if the socket's URL says so.
    pub(crate) const fn set_group(&mut self, group_of: Option<u32>) {
        self.group_of = group_of;
    }

    /// Sets what the instance says that forwards it.
    pub(crate) fn set_introduction(&mut self, introduction: Arc<Introduction>) {
        self.group_of = introduction.group_of;
        self.introduction = Some(introduction);
    }

    /// What its address may send, if the address is known.
    pub(crate) fn account(&self) -> Option<Account> {
        self.account.clone()
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(network) = self.network {
            self.relay.addresses().leave(network);
        }
        self.relay.0.tasks.send_modify(|tasks| *tasks -= 1);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use futures_util::FutureExt;

    use super::*;
    use crate::Config;
    use crate::admission::Pass;
    use crate::hall::Standing;
    use crate::outbox::Outgoing;

    /// What a socket offers that speaks our extension.
    pub(in crate::relay) fn ours() -> Extension {
        Extension {
            version: Extension::VERSION,
            ..Extension::default()
        }
    }

    /// A socket that has not joined yet.
    pub(in crate::relay) fn connect(relay: &Relay) -> Place {
        let visit = relay.enter(None, || Ok(Pass::anywhere()));
        let visit = visit.expect("there is room");
        relay.connect(&visit).expect("a place")
    }

    /// Takes a seat in `demo`.
    pub(in crate::relay) async fn join(place: &Place, extension: Option<&Extension>) -> Standing {
        let joining = place.join("demo", Topology::Mesh, extension, Dialect::default());
        match joining.await {
            Ok(Seated::Here(standing)) => standing,
            Ok(Seated::Elsewhere(_)) => panic!("there is no other instance"),
            Err(goodbye) => panic!("{goodbye}"),
        }
    }

    /// The texts that wait for a socket.
    pub(in crate::relay) fn told(place: &Place) -> Vec<String> {
        let next = || match place.outbox.next().now_or_never()? {
            Outgoing::Text(text) => Some(text.to_string()),
            Outgoing::Close(_) => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn each_socket_has_a_number_of_its_own() {
        let relay = Relay::new(Config::default(), None);
        let places = [(); 3].map(|()| connect(&relay));
        let numbers = BTreeSet::from(places.each_ref().map(Place::number));
        assert_eq!(numbers.len(), 3, "{numbers:?}");
    }

    #[tokio::test]
    async fn who_comes_back_is_counted_apart_from_who_joins() {
        let relay = Relay::new(Config::default(), None);
        let (host, guest) = (connect(&relay), connect(&relay));
        join(&host, Some(&ours())).await;
        join(&guest, Some(&ours())).await;
        let texts = told(&guest);
        let welcome = texts.iter().find(|text| text.starts_with(r#"{"type":34,"#));
        let welcome = decode(welcome.expect("a welcome"), usize::MAX);
        drop(guest);
        let back = Extension {
            token: Some(welcome.expect("a message").data),
            ..ours()
        };
        let guest = connect(&relay);
        assert!(join(&guest, Some(&back)).await.is_back);
        let page = relay.metrics().page(relay.gauges());
        for line in ["signaling_joins_total 2", "signaling_resumes_total 1"] {
            assert!(page.lines().any(|other| other == line), "{line} in {page}");
        }
    }

    #[tokio::test]
    async fn an_audience_is_everybody_who_has_a_seat_in_the_lobby() {
        let relay = Relay::new(Config::default(), None);
        let [host, guest, other] = [(); 3].map(|()| connect(&relay));
        assert_eq!(host.audience(), 0, "it is in no lobby");
        join(&host, Some(&ours())).await;
        join(&guest, Some(&ours())).await;
        join(&other, None).await;
        assert_eq!(host.audience(), 3);
        // The seat of one is kept, and that of the other is not.
        drop((guest, other));
        assert_eq!(host.audience(), 2);
    }
}
