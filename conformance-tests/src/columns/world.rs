//! What is around a case of real participants.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_channel::Receiver;
use futures_util::future::{LocalBoxFuture, join_all, select_all};
use signaling_server::Config;

use super::detour::Detour;
use super::staffing::{Member, Place};
use crate::browser::Hidden;
use crate::coordinator::{Boxes, Coordinator};
use crate::environment::{Ask, Environment, Told};
use crate::killable::{self, Signaling};
use crate::list::Case;
use crate::notes::shows_addresses;
use crate::participant::name;
use crate::request::Meeting;
use crate::stream::Weather;
use crate::{Failure, Kind, Outcome, Participant};

/// The cast in their places, and what they need besides each other.
pub(super) struct World {
    members: Vec<Member>,
    /// Where it is said what is wrong with one that lives elsewhere, by its place in the cast.
    troubles: Vec<(usize, Receiver<String>)>,
    boxes: Boxes,
    signaling: RefCell<Option<Signaling>>,
    /// Where it was, once it has been killed.
    signaling_place: RefCell<Option<killable::Place>>,
    detour: RefCell<Option<Detour>>,
}

/// What plays the participants that live in this process.
pub(super) type Hosts = Vec<LocalBoxFuture<'static, ()>>;

impl World {
    /// Brings a cast of these kinds, in turn.
    pub(super) async fn staffed(case: &Case, kinds: &[Kind]) -> Outcome<(Self, Hosts)> {
        let boxes = Coordinator::shared().await?.boxes().clone();
        let hidden = if shows_addresses(case, kinds) {
            Hidden::Open
        } else {
            Hidden::Unthrottled
        };
        let count = usize::try_from(case.participants).unwrap_or(usize::MAX);
        let addresses: Vec<_> = (0..count).map(|_| fresh_address(case)).collect();
        // From before there is anybody: what is wrong with a page from the beginning is said once.
        let troubles = addresses.iter().map(|address| boxes.watch(address));
        let troubles = troubles.enumerate().collect();
        let places = (0..)
            .zip(&addresses)
            .zip(kinds.iter().cycle())
            .map(|((index, address), kind)| Member::place(case, index, *kind, hidden, address));
        let (mut members, mut failures) = (Vec::new(), Vec::new());
        for placed in join_all(places).await {
            match placed {
                Ok(member) => members.push(member),
                Err(failure) => failures.push(failure),
            }
        }
        let hosts = members
            .iter_mut()
            .filter_map(|member| member.host.take())
            .collect();
        let world = Self {
            members,
            troubles,
            boxes,
            signaling: RefCell::new(None),
            signaling_place: RefCell::new(None),
            detour: RefCell::new(None),
        };
        let Some(failure) = failures.into_iter().next() else {
            return Ok((world, hosts));
        };
        world.clear().await;
        for address in &addresses {
            world.boxes.forget(address);
        }
        Err(failure)
    }

    /// Handles on everybody.
    pub(super) fn cast(self: &Rc<Self>) -> Outcome<Vec<Participant>> {
        (0..)
            .zip(&self.members)
            .map(|(index, member)| {
                let environment = Rc::clone(self) as Rc<dyn Environment>;
                let conduit = Rc::clone(&member.conduit);
                Participant::new(index, member.kind, environment, |_| Ok(conduit))
            })
            .collect()
    }

    /// Ends when something is wrong with a page: a panic, or that it is gone.
    pub(super) async fn trouble(&self) -> Failure {
        let each = self.troubles.iter().map(|(place, trouble)| {
            Box::pin(async move {
                match trouble.recv().await {
                    Ok(what) => (place, what),
                    // It was to go.
                    Err(_) => std::future::pending().await,
                }
            })
        });
        let ((place, what), ..) = select_all(each).await;
        Failure::new(format!("{}: {what}", named(*place)))
    }

    /// Closes the pages; all else ends when it is dropped.
    pub(super) async fn clear(&self) {
        for member in &self.members {
            self.boxes.forget(&member.address);
            // A browser that does not obey fails the next case by itself.
            match member.remove() {
                Place::Frame(hub) => drop(hub.close(&member.address).await),
                Place::Tab(tab) => drop(tab.hub.close(&member.address).await),
                Place::Here | Place::Process(_) | Place::Browser(_) | Place::Gone => {}
            }
        }
    }

    fn member(&self, name: &str) -> Outcome<&Member> {
        (0..)
            .zip(&self.members)
            .find_map(|(place, member)| (named(place) == name).then_some(member))
            .ok_or_else(|| Failure::new(format!("there is no {name}")))
    }

    fn kill(&self, name: &str) -> Outcome<Told> {
        let member = self.member(name)?;
        self.boxes.unwatch(&member.address);
        match member.remove() {
            Place::Process(puppet) => puppet.kill()?,
            Place::Browser(hub) => hub.kill(),
            Place::Here | Place::Frame(_) | Place::Tab(_) | Place::Gone => {
                return Err(Failure::new(format!("{name} does not live alone")));
            }
        }
        Ok(Told::Done)
    }

    async fn close(&self, name: &str) -> Outcome<Told> {
        let member = self.member(name)?;
        self.boxes.unwatch(&member.address);
        // Out of its cell meanwhile: nobody else may be let in while this waits.
        let place = member.remove();
        let hub = match &place {
            Place::Browser(hub) => hub,
            Place::Tab(tab) => tab.hub,
            Place::Frame(hub) => hub,
            Place::Here | Place::Process(_) | Place::Gone => {
                member.place.replace(place);
                return Ok(Told::NotHere);
            }
        };
        let closed = hub.close(&member.address).await;
        member.place.replace(place);
        closed.map(|()| Told::Done)
    }

    async fn hide(&self, name: &str) -> Outcome<Told> {
        let member = self.member(name)?;
        let place = member.remove();
        let told = match &place {
            Place::Tab(tab) => tab.hub.cover().await.map(|()| Told::Done),
            Place::Here | Place::Process(_) | Place::Frame(_) | Place::Browser(_) | Place::Gone => {
                Ok(Told::NotHere)
            }
        };
        member.place.replace(place);
        told
    }

    async fn meet(&self) -> Outcome<Told> {
        let signaling = Signaling::new(Config::default()).await?;
        let url = format!("ws://{}", signaling.address());
        self.signaling.replace(Some(signaling));
        let lobby = "suite".to_owned();
        Ok(Told::Meeting(Meeting { url, lobby }))
    }

    async fn lay_a_detour(&self) -> Outcome<Told> {
        let Some(detour) = Detour::new().await? else {
            return Ok(Told::NotHere);
        };
        let relay = detour.relay();
        self.detour.replace(Some(detour));
        Ok(Told::Detour(relay))
    }

    fn spoil_the_detour(&self, weather: Weather) -> Told {
        match &*self.detour.borrow() {
            Some(detour) => {
                detour.set(weather);
                Told::Done
            }
            None => Told::NotHere,
        }
    }

    async fn kill_signaling(&self) -> Outcome<Told> {
        let signaling = self.signaling.take();
        let signaling = signaling.ok_or_else(|| Failure::new("there is no signaling server"))?;
        let place = signaling.kill().await?;
        self.signaling_place.replace(Some(place));
        Ok(Told::Done)
    }

    async fn start_signaling(&self) -> Outcome<Told> {
        let place = self.signaling_place.take();
        let place = place.ok_or_else(|| Failure::new("no signaling server was killed"))?;
        let signaling = place.start_again().await?;
        self.signaling.replace(Some(signaling));
        Ok(Told::Done)
    }
}

/// A mailbox that nobody else of this process has.
fn fresh_address(case: &Case) -> String {
    static PLACED: AtomicU64 = AtomicU64::new(0);
    let number = PLACED.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}", case.name)
}

fn named(place: usize) -> String {
    name(u32::try_from(place).unwrap_or(u32::MAX))
}

impl Environment for World {
    fn ask(&self, ask: Ask) -> LocalBoxFuture<'_, Outcome<Told>> {
        Box::pin(async move {
            match ask {
                Ask::Meeting => self.meet().await,
                Ask::EndSignaling => {
                    let signaling = self.signaling.take();
                    if let Some(signaling) = signaling {
                        signaling.shut_down().await?;
                    }
                    Ok(Told::Done)
                }
                Ask::KillSignaling => self.kill_signaling().await,
                Ask::StartSignaling => self.start_signaling().await,
                Ask::Kill { participant } => self.kill(&participant),
                Ask::ClosePage { participant } => self.close(&participant).await,
                Ask::Hide { participant } => self.hide(&participant).await,
                Ask::Detour => self.lay_a_detour().await,
                Ask::Weather(weather) => Ok(self.spoil_the_detour(weather)),
                Ask::Spoilt { len } => Ok(match &*self.detour.borrow() {
                    Some(detour) => Told::Spoilt(detour.spoilt(len)),
                    None => Told::NotHere,
                }),
            }
        })
    }
}
