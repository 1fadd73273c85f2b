//! The signaling of cases that work without one: carries descriptions and candidates between participants by hand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;

use futures_util::future::{Either, select, try_join_all};
use mesh_core::{Command, LinkId};

use crate::observed::Handshake;
use crate::participant::Level;
use crate::{Outcome, Participant};

/// One end of an introduction: which participant, by its place in the cast, and which of its links.
type End = (usize, LinkId);

/// Introduces participants to each other, and relays as long as it runs.
pub struct Matchmaker<'a> {
    cast: &'a [Participant],
    far: RefCell<BTreeMap<End, End>>,
}

impl<'a> Matchmaker<'a> {
    /// One for these participants.
    #[must_use]
    pub const fn new(cast: &'a [Participant]) -> Self {
        Self {
            cast,
            far: RefCell::new(BTreeMap::new()),
        }
    }

    /// Does this while it relays, in order, whatever the participants want to tell each other.
    pub async fn relaying<T>(&self, body: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        let relays = try_join_all((0..self.cast.len()).map(|from| self.relay(from)));
        match select(Box::pin(body), Box::pin(relays)).await {
            Either::Left((result, _)) => result,
            Either::Right((Err(failure), _)) => Err(failure),
            // Relays have no end, unless there is nobody.
            Either::Right((Ok(_), body)) => body.await,
        }
    }

    /// Makes a link between two of the cast, by their places; the first offers. Gives both ends.
    pub async fn introduce(&self, offerer: usize, answerer: usize) -> Outcome<(LinkId, LinkId)> {
        let ends = self.pair(offerer, answerer).await?;
        self.offer(offerer, ends.0).await?;
        Ok(ends)
    }

    /// Makes a link between two of the cast, without an offer.
    pub async fn pair(&self, one: usize, other: usize) -> Outcome<(LinkId, LinkId)> {
        let near = self.prepare(one, other).await?;
        let far = self.prepare(other, one).await?;
        self.connect((one, near), (other, far));
        Ok((near, far))
    }

    /// Takes two links that are there already for the ends of one.
    pub fn connect(&self, one: End, other: End) {
        let mut far = self.far.borrow_mut();
        far.insert(one, other);
        far.insert(other, one);
    }

    /// Has one end make its offer.
    pub async fn offer(&self, place: usize, link: LinkId) -> Outcome {
        let participant = &self.cast[place];
        match participant.level() {
            Level::Mesh => participant.create_offer(link).await,
            Level::Seam => participant.execute(Command::CreateOffer { link }).await,
        }
    }

    async fn prepare(&self, place: usize, other: usize) -> Outcome<LinkId> {
        let participant = &self.cast[place];
        match participant.level() {
            Level::Seam => participant.open().await,
            Level::Mesh => {
                let connection = participant.create_connection().await?;
                participant
                    .add_peer(connection, self.cast[other].id())
                    .await?;
                Ok(connection)
            }
        }
    }

    /// Without end: from one participant to whom it concerns.
    async fn relay(&self, from: usize) -> Outcome {
        loop {
            let handshake = self.cast[from].next_handshake().await?;
            let far = self.far.borrow().get(&(from, handshake.link())).copied();
            if let Some((to, link)) = far {
                deliver(&self.cast[to], link, handshake).await?;
            }
        }
    }
}

/// Hands a description or a candidate to one end of a link.
///
/// A mesh may refuse it, because it has given that link up meanwhile: that is for the case to find out, not for the relay.
pub async fn deliver(to: &Participant, link: LinkId, handshake: Handshake) -> Outcome {
    match (to.level(), handshake) {
        (Level::Mesh, Handshake::Description { description, .. }) => {
            to.try_set_remote(link, description).await.map(drop)
        }
        (Level::Mesh, Handshake::Candidate { candidate, .. }) => {
            to.try_add_candidate(link, candidate).await.map(drop)
        }
        (Level::Seam, Handshake::Description { description, .. }) => {
            to.execute(Command::SetRemote { link, description }).await
        }
        (Level::Seam, Handshake::Candidate { candidate, .. }) => {
            to.execute(Command::AddCandidate { link, candidate }).await
        }
    }
}
