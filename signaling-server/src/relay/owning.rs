//! Lobbies that are shared with other instances: which one a join goes to, and keeping what is ours.

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant as Clock;

use super::{Place, Relay};
use crate::BrokerError;
use crate::admission::unix;
use crate::cluster::{
    Cluster, Found, Grant, Holding, Introduction, Key, Purpose, Renewal, Round, at_once,
};
use crate::entropy;
use crate::goodbye::Goodbye;
use crate::hall::{Hall, Standing, Wish};

/// How often a join is tried when others take the room of a group that was found for it, or its lease is given another number.
const TRIES: usize = 3;

/// Where somebody has got a seat.
pub(crate) enum Seated {
    Here(Standing),
    /// At another instance, if that one takes it.
    Elsewhere(Destination),
}

/// Another instance, and what it is told.
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    pub(crate) introduction: String,
}

/// Where a join goes.
enum Way {
    Here(Grant),
    There(Destination),
}

/// What a join needs an owner of.
struct Errand {
    key: Key,
    purpose: Purpose,
    /// How many members make the group that it is for.
    group_of: Option<u32>,
}

impl Relay {
    /// Renews and gives up leases for ever.
    pub(crate) async fn keep_leases(self) {
        let Some(cluster) = self.0.cluster.clone() else {
            return;
        };
        let mut next = cluster.next(Clock::now(), false);
        loop {
            let round = cluster.due(next).await;
            let begun = Clock::now();
            let kept = self.keep_once(&cluster, round).await;
            next = cluster.after(round, next, begun, kept.is_err());
            if let Err(error) = kept {
                self.0.metrics.broker_error();
                tracing::warn!(%error, "leases are not renewed");
            }
        }
    }

    async fn keep_once(&self, cluster: &Cluster, round: Round) -> Result<(), BrokerError> {
        // The hall is locked meanwhile, so no join comes between the look and the end of a lease.
        let (renewals, gives) = self.with(|hall, now| {
            // What was asked for is swept a whole round later, so a join that is on its way has time.
            if round == Round::All {
                cluster.sweep(now, |key| hall.is_alive(key));
            }
            let renewals = cluster.renewals(now, round, |key| hall.has_tokens(key));
            (renewals, cluster.gives(now))
        });
        at_once(renewals, |batch| self.renew(cluster, batch)).await?;
        at_once(gives, |batch| cluster.give(batch)).await
    }

    async fn renew(&self, cluster: &Cluster, batch: Vec<Renewal>) -> Result<(), BrokerError> {
        let asked = self.now();
        for lost in cluster.renew(asked, batch).await? {
            tracing::warn!(fence = lost.fence, "a lobby is another instance's");
            self.with(|hall, _| {
                if cluster.lost(&lost) {
                    hall.lose(&lost.key);
                }
            });
        }
        Ok(())
    }

    /// Lets other instances have all lobbies.
    pub(super) async fn give_up_leases(&self) {
        if let Some(cluster) = &self.0.cluster {
            // The state is locked before the leases, as everywhere else.
            let held = self.with(|hall, now| cluster.close(now, |key| hall.has_tokens(key)));
            cluster.free(held).await;
        }
    }

    /// What another instance says of a member that it forwards.
    pub(crate) fn introduction(&self, text: &str) -> Option<Arc<Introduction>> {
        self.0.cluster.as_ref()?.read(unix(), text)
    }
}

impl Place {
    /// Takes a seat here or finds the instance that has it.
    pub(super) async fn seat_somewhere(
        &self,
        cluster: &Cluster,
        wish: Wish<'_>,
    ) -> Result<Seated, Goodbye> {
        for _ in 0..TRIES {
            let errand = self.errand(wish)?;
            let grant = match self.way(cluster, &errand, wish.is_ours).await? {
                Way::There(destination) => return Ok(Seated::Elsewhere(destination)),
                Way::Here(grant) => grant,
            };
            if self.hands_over(cluster, &grant.key, &errand, wish) {
                return Err(match self.introduction {
                    Some(_) => Goodbye::Moved,
                    None => Goodbye::ShuttingDown,
                });
            }
            let grant = self.with_fresh(cluster, &errand, grant, wish).await?;
            let wish = Wish {
                grant: Some(&grant),
                ..wish
            };
            let step = |hall: &mut Hall, now| {
                let has_name = grant.fresh.is_some() || !needs_fresh(hall, &errand, wish);
                // The answer about a name may have taken so long that the lease has ended.
                let stands = errand.group_of.is_none() && hall.is_alive(&grant.key);
                if !has_name || !cluster.may_seat(now, &grant.key, grant.fence, stands) {
                    return Ok(None);
                }
                hall.join(now, self.member, wish).map(Some)
            };
            if let Some(standing) = self.relay.with(step)? {
                cluster.seated(&grant.key, standing.is_ours);
                if let Some(name) = &grant.fresh {
                    cluster.seated(&Key::Lobby(Arc::clone(name)), standing.is_ours);
                }
                return Ok(Seated::Here(standing));
            }
        }
        Err(Goodbye::NoBroker)
    }

    /// What a join needs, once it is sure that its sender may ask for that.
    fn errand(&self, wish: Wish<'_>) -> Result<Errand, Goodbye> {
        let state = self.relay.lock();
        let (hall, config) = (&state.hall, self.relay.config());
        if let Some(token) = wish.token.filter(|_| wish.is_ours && hall.keeps_seats()) {
            let claim = hall.claim(self.relay.now(), token);
            return Ok(Errand {
                key: Key::lobby(&claim.ok_or(Goodbye::NoSeat)?.lobby),
                purpose: Purpose::Back,
                group_of: None,
            });
        }
        drop(state);
        let entry = wish.entry.map_err(Clone::clone);
        entry
            .and_then(|pass| pass.check(wish.name))
            .map_err(|why| Goodbye::NotAdmitted { why })?;
        if wish.name.chars().count() > config.max_lobby_name {
            let limit = config.max_lobby_name;
            return Err(Goodbye::LobbyNameTooLong { limit });
        }
        let group_of = wish.group_of.filter(|size| *size > 0 && !config.strict);
        let key = match group_of {
            Some(size) => Key::Group(wish.group(size)),
            None if wish.name.is_empty() => fresh_key()?,
            None => Key::lobby(wish.name),
        };
        let is_named = group_of.is_none() && !wish.name.is_empty();
        let purpose = match (is_named, group_of) {
            (true, _) if config.strict || config.no_create => Purpose::Find,
            (true, _) | (false, Some(_)) => Purpose::Make,
            (false, None) => Purpose::Fresh,
        };
        Ok(Errand {
            key,
            purpose,
            group_of,
        })
    }

    /// Where an errand goes.
    async fn way(&self, cluster: &Cluster, errand: &Errand, is_ours: bool) -> Result<Way, Goodbye> {
        if cluster.is_closed() {
            return Err(Goodbye::ShuttingDown);
        }
        let key = &errand.key;
        let now = self.relay.now();
        let is_alive = self.relay.lock().hall.is_alive(key);
        let held = match cluster.holding(now, key) {
            Holding::Valid { fence, inherits } => Some((fence, inherits)),
            // The broker is down, and so gives it to nobody. What stands goes on, but nothing new is made.
            Holding::Lapsed { fence, inherits } if is_alive && errand.group_of.is_none() => {
                Some((fence, inherits))
            }
            Holding::Lapsed { .. } | Holding::No => None,
        };
        // Nobody is sent on twice: who was sent here by mistake asks again.
        let is_mistaken = |by: &Introduction| match held {
            _ if !by.is_for(key) => true,
            Some((fence, _)) => fence != by.fence,
            // The broker may have given it, and its answer has not come. It is asked again, but by those who take new lobbies only.
            None => self.relay.is_draining(),
        };
        if self.introduction.as_deref().is_some_and(is_mistaken) {
            return Err(Goodbye::Moved);
        }
        if let Some((fence, inherits)) = held {
            return Ok(Way::Here(Grant {
                key: key.clone(),
                fence,
                inherits,
                fresh: None,
            }));
        }
        match self.find(cluster, key, errand.purpose, is_ours).await? {
            Found::Here(grant) => Ok(Way::Here(grant)),
            Found::There { .. } if self.introduction.is_some() => Err(Goodbye::Moved),
            Found::There { address, fence } => {
                let from = self.network.map(crate::door::Network::address);
                let introduction = cluster.introduce(unix(), key, fence, from, self.group_of);
                let introduction = introduction.ok_or(Goodbye::NoEntropy)?;
                Ok(Way::There(Destination {
                    address,
                    introduction,
                }))
            }
            Found::Orphan { within } => Err(Goodbye::Orphaned { within }),
            Found::Closed => Err(Goodbye::ShuttingDown),
            Found::Wait { within } => Err(Goodbye::Settling { within }),
            Found::Nobody if errand.purpose == Purpose::Back => Err(Goodbye::NoSeat),
            Found::Nobody => Err(Goodbye::UnknownLobby),
        }
    }

    /// Whether a lobby would have to be made here that an instance that drains does not make. Another one can have it then.
    fn hands_over(&self, cluster: &Cluster, key: &Key, errand: &Errand, wish: Wish<'_>) -> bool {
        let state = self.relay.lock();
        let stands = match errand.group_of {
            Some(size) => state.hall.has_room(wish, size),
            None => state.hall.is_alive(key),
        };
        let is_left = state.is_draining && !stands;
        if is_left {
            cluster.hand_over(self.relay.now(), key);
        }
        is_left
    }

    /// Adds the name of a lobby, if one has to be made that gets one of the server's.
    async fn with_fresh(
        &self,
        cluster: &Cluster,
        errand: &Errand,
        grant: Grant,
        wish: Wish<'_>,
    ) -> Result<Grant, Goodbye> {
        let needs_fresh = needs_fresh(&self.relay.lock().hall, errand, wish);
        if errand.group_of.is_none() {
            let Key::Lobby(name) = &grant.key else {
                return Ok(grant);
            };
            let fresh = needs_fresh.then(|| Arc::clone(name));
            return Ok(Grant { fresh, ..grant });
        }
        if !needs_fresh {
            return Ok(grant);
        }
        let key = fresh_key()?;
        let found = self
            .find(cluster, &key, Purpose::Fresh, wish.is_ours)
            .await?;
        match (found, key) {
            (Found::Closed, _) => Err(Goodbye::ShuttingDown),
            (Found::Here(_), Key::Lobby(name)) => Ok(Grant {
                fresh: Some(name),
                ..grant
            }),
            _ => Err(Goodbye::NoEntropy),
        }
    }

    async fn find(
        &self,
        cluster: &Cluster,
        key: &Key,
        purpose: Purpose,
        is_ours: bool,
    ) -> Result<Found, Goodbye> {
        let found = cluster.find(self.relay.now(), key, purpose, is_ours).await;
        found.map_err(|error| {
            self.relay.0.metrics.broker_error();
            tracing::debug!(%error, "a lobby was not looked up");
            Goodbye::NoBroker
        })
    }
}

/// Whether a lobby has to be made that gets a name of the server's.
fn needs_fresh(hall: &Hall, errand: &Errand, wish: Wish<'_>) -> bool {
    match errand.group_of {
        Some(size) => !hall.has_room(wish, size),
        None => errand.purpose == Purpose::Fresh,
    }
}

/// A lobby of a name that nobody guesses.
fn fresh_key() -> Result<Key, Goodbye> {
    let name = entropy::name(&mut entropy::system());
    Ok(Key::lobby(&name.ok_or(Goodbye::NoEntropy)?))
}
