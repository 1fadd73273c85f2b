//! What is around a case of real participants.

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::rc::Rc;

use async_channel::Receiver;
use futures_util::future::{LocalBoxFuture, select_all, try_join_all};
use signaling_server::Server;

use super::staffing::{Member, Place};
use crate::browser::Hidden;
use crate::coordinator::{Boxes, Coordinator};
use crate::environment::{Ask, Environment, Told};
use crate::list::Case;
use crate::participant::name;
use crate::request::Meeting;
use crate::{Failure, Kind, Outcome, Participant};

/// Cases of two that make more links a minute than Chromium, which asks for a name once a second, can look up.
const MANY_LINKS: &[&str] = &["nothing_said_in_onopen_is_lost_in_two_hundred"];

/// The cast in their places, and what they need besides each other.
pub(super) struct World {
    members: Vec<Member>,
    /// Where it is said what is wrong with one that lives elsewhere, by its place in the cast.
    troubles: Vec<(usize, Receiver<String>)>,
    boxes: Boxes,
    signaling: RefCell<Option<Server>>,
}

/// What plays the participants that live in this process.
pub(super) type Hosts = Vec<LocalBoxFuture<'static, ()>>;

impl World {
    /// Brings a cast of these kinds, in turn.
    pub(super) async fn staffed(case: &Case, kinds: &[Kind]) -> Outcome<(Self, Hosts)> {
        let boxes = Coordinator::shared().await?.boxes().clone();
        // Many links of two browsers at once are more than their names stand; smaller casts do with them.
        let both = [Kind::Chromium, Kind::Firefox].map(|kind| kinds.contains(&kind));
        let many = case.participants > 3 || MANY_LINKS.contains(&case.name);
        let hidden = if both == [true, true] && many {
            Hidden::Open
        } else {
            Hidden::Unthrottled
        };
        let places = (0..case.participants)
            .zip(kinds.iter().cycle())
            .map(|(index, kind)| Member::place(case, index, *kind, hidden));
        let mut members = try_join_all(places).await?;
        let hosts = members
            .iter_mut()
            .filter_map(|member| member.host.take())
            .collect();
        let troubles = members
            .iter()
            .enumerate()
            .map(|(place, member)| (place, boxes.watch(&member.address)))
            .collect();
        let world = Self {
            members,
            troubles,
            boxes,
            signaling: RefCell::new(None),
        };
        Ok((world, hosts))
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
            if let Place::Frame(hub) = member.remove() {
                // A browser that does not obey fails the next case by itself.
                let _ = hub.close(&member.address).await;
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
            Place::Here | Place::Frame(_) | Place::Gone => {
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
            Place::Browser(hub) => hub.cover().await.map(|()| Told::Done),
            Place::Here | Place::Process(_) | Place::Frame(_) | Place::Gone => Ok(Told::NotHere),
        };
        member.place.replace(place);
        told
    }

    async fn meet(&self) -> Outcome<Told> {
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), Default::default())
            .await
            .map_err(|error| Failure::new(error.to_string()))?;
        let url = format!("ws://{}", server.local_addr());
        self.signaling.replace(Some(server));
        let lobby = "suite".to_owned();
        Ok(Told::Meeting(Meeting { url, lobby }))
    }
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
                    let server = self.signaling.take();
                    if let Some(server) = server {
                        server.shutdown().await;
                    }
                    Ok(Told::Done)
                }
                Ask::Kill { participant } => self.kill(&participant),
                Ask::ClosePage { participant } => self.close(&participant).await,
                Ask::Hide { participant } => self.hide(&participant).await,
            }
        })
    }
}
