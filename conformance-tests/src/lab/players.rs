//! Participants in namespaces: native puppets, and pages in browsers that stay up while the network around them changes.
//!
//! A player reaches the suite over the loopback of its own namespace, where the coordinator listens, too: whatever is done
//! to the network touches only what the players have with each other.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_channel::Receiver;
use futures_util::future::LocalBoxFuture;
use nix::sys::signal::Signal;

use super::netns::{Files, Namespace};
use crate::browser::{Browser, Hidden, Hub, Show};
use crate::conduit::Conduit;
use crate::coordinator::{Coordinator, Remote};
use crate::environment::{Ask, Environment, Told};
use crate::native::Puppet;
use crate::{Failure, Kind, Outcome, Participant};

/// One player, in one namespace. Dropping it ends its process or its browser.
pub(super) struct Player {
    pub(super) kind: Kind,
    conduit: Rc<dyn Conduit>,
    trouble: Receiver<String>,
    place: Place,
}

enum Place {
    Process(Puppet),
    Page(#[expect(dead_code, reason = "it lives as long as this")] Hub),
}

/// What a native player's process is given beside its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Belongings {
    /// Files that it sees in place of the machine's.
    pub(super) files: Files,
    /// A file of root certificates that it trusts besides the platform's.
    pub(super) roots: Option<PathBuf>,
}

/// Lets players in a namespace reach the suite. To be called once a namespace.
pub(super) async fn reach(namespace: &Namespace) -> Outcome {
    let coordinator = Coordinator::shared().await?;
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", namespace.name()));
    let address = coordinator.address();
    let listener = namespace
        .inside(|| std::net::TcpListener::bind(address))?
        .map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    coordinator.serve(tokio::net::TcpListener::from_std(listener).map_err(failed)?);
    Ok(())
}

impl Player {
    /// A native one.
    pub(super) async fn native(namespace: &Namespace, with: &Belongings) -> Outcome<Self> {
        let coordinator = Coordinator::shared().await?;
        let (url, address) = (coordinator.url(), fresh_address("native"));
        let trouble = coordinator.boxes().watch(&address);
        let start = || Puppet::start_with(&url, &address, with.roots.as_deref());
        let puppet = namespace.inside_with(&with.files, start)??;
        Ok(Self {
            kind: Kind::Native,
            conduit: remote(coordinator, &address),
            trouble,
            place: Place::Process(puppet),
        })
    }

    /// A page in a browser of its own.
    pub(super) async fn page(namespace: &Namespace, kind: Kind, hidden: Hidden) -> Outcome<Self> {
        let coordinator = Coordinator::shared().await?;
        let address = fresh_address("page");
        let trouble = coordinator.boxes().watch(&address);
        let hub = Hub::of(|url| namespace.inside(|| Browser::start(kind, hidden, url))?).await?;
        hub.open(&address, Show::Frame).await?;
        Ok(Self {
            kind,
            conduit: remote(coordinator, &address),
            trouble,
            place: Place::Page(hub),
        })
    }

    /// A handle on it for one meeting, as the participant at this place of the cast.
    pub(super) fn participant(&self, index: u32) -> Outcome<Participant> {
        let conduit = Rc::clone(&self.conduit);
        Participant::new(index, self.kind, Rc::new(Elsewhere), |_| Ok(conduit))
    }

    /// Stops its process where it is, as a debugger does.
    pub(super) fn stop(&self) -> Outcome {
        self.process()?.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) -> Outcome {
        self.process()?.signal(Signal::SIGCONT)
    }

    fn process(&self) -> Outcome<&Puppet> {
        match &self.place {
            Place::Process(puppet) => Ok(puppet),
            Place::Page(_) => Err(Failure::new("a page has no process of its own")),
        }
    }

    /// Ends when something is wrong with its page.
    pub(super) async fn trouble(&self) -> Failure {
        match self.trouble.recv().await {
            Ok(what) => Failure::new(format!("{:?}: {what}", self.kind)),
            Err(_) => std::future::pending().await,
        }
    }
}

fn remote(coordinator: &Coordinator, address: &str) -> Rc<dyn Conduit> {
    Rc::new(Remote::new(Rc::new(coordinator.boxes().clone()), address))
}

/// A mailbox that nobody else of this process has.
fn fresh_address(kind: &str) -> String {
    static PLACED: AtomicU64 = AtomicU64::new(0);
    format!("lab-{kind}-{}", PLACED.fetch_add(1, Ordering::Relaxed))
}

/// The lab grants its cases' wishes itself.
struct Elsewhere;

impl Environment for Elsewhere {
    fn ask(&self, _: Ask) -> LocalBoxFuture<'_, Outcome<Told>> {
        Box::pin(std::future::ready(Ok(Told::NotHere)))
    }
}
