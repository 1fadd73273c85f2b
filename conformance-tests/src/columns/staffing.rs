//! Finds each participant of a case its place: here, in a process, in a frame or a tab of browsers that cases share, or in a
//! browser of its own.

use std::cell::RefCell;
use std::rc::Rc;

use backend_native::PlatformConfig;
use futures_util::future::LocalBoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::browser::{Hidden, Hub, Show};
use crate::conduit::{Conduit, Local};
use crate::coordinator::{Coordinator, Remote};
use crate::host::Host;
use crate::list::{Case, Staff};
use crate::native::{Native, Puppet, Threads};
use crate::{Failure, Kind, Outcome};

/// Where a participant lives.
pub(super) enum Place {
    /// In this process, with the test.
    Here,
    /// In a process of its own.
    Process(Puppet),
    /// In a frame of the browser that cases share.
    Frame(&'static Hub),
    /// In a tab in front, of the browser whose tabs cases have in turn.
    Tab(Tab),
    /// In a browser of its own.
    Browser(Hub),
    /// It has been killed, or its page closed.
    Gone,
}

/// A participant in its place.
pub(super) struct Member {
    pub(super) kind: Kind,
    /// Its mailbox; nobody else of this process has one of that name.
    pub(super) address: String,
    pub(super) place: RefCell<Place>,
    pub(super) conduit: Rc<dyn Conduit>,
    /// What plays it, if that lives here.
    pub(super) host: Option<LocalBoxFuture<'static, ()>>,
}

impl Member {
    /// Finds a place for the participant at this position of the cast.
    pub(super) async fn place(
        case: &Case,
        index: u32,
        kind: Kind,
        hidden: Hidden,
        address: &str,
    ) -> Outcome<Self> {
        let address = address.to_owned();
        let is_last = index + 1 == case.participants;
        match (kind, case.staff) {
            (Kind::Mock, _) => Err(Failure::new("a mock has no place among the real ones")),
            (Kind::Native, Staff::Together) => Ok(Self::here(index, address)),
            (Kind::Native, Staff::Apart | Staff::LastIsKilled | Staff::FirstInTab) => {
                let url = Coordinator::shared().await?.url();
                let place = Place::Process(Puppet::start(&url, &address)?);
                Self::elsewhere(kind, address, place).await
            }
            (Kind::Chromium | Kind::Firefox, staff) => {
                let place = match staff {
                    Staff::FirstInTab if index == 0 => {
                        let tab = Tab::of(kind).await?;
                        tab.hub.open(&address, Show::Tab).await?;
                        Place::Tab(tab)
                    }
                    Staff::LastIsKilled if is_last => {
                        let hub = Hub::start(kind, Hidden::Unthrottled).await?;
                        hub.open(&address, Show::Frame).await?;
                        Place::Browser(hub)
                    }
                    Staff::Together | Staff::Apart | Staff::LastIsKilled | Staff::FirstInTab => {
                        let hub = shared(kind, hidden).await?;
                        hub.open(&address, Show::Frame).await?;
                        Place::Frame(hub)
                    }
                };
                Self::elsewhere(kind, address, place).await
            }
        }
    }

    fn here(index: u32, address: String) -> Self {
        let (conduit, calls) = Local::new();
        // Both ways of running a backend are in every case of two.
        let threads = [Threads::Own, Threads::Given][index as usize % 2];
        let host = Host::new(Native::new(
            &Handle::current(),
            threads,
            false,
            PlatformConfig::default(),
        ));
        Self {
            kind: Kind::Native,
            address,
            place: RefCell::new(Place::Here),
            conduit: Rc::new(conduit),
            host: Some(Box::pin(host.run(calls))),
        }
    }

    async fn elsewhere(kind: Kind, address: String, place: Place) -> Outcome<Self> {
        let mailbox = Rc::new(Coordinator::shared().await?.boxes().clone());
        Ok(Self {
            kind,
            conduit: Rc::new(Remote::new(mailbox, &*address)),
            address,
            place: RefCell::new(place),
            host: None,
        })
    }

    /// Takes it out of its place.
    pub(super) fn remove(&self) -> Place {
        self.place.replace(Place::Gone)
    }
}

/// A tab of a browser that slows down what nobody sees, as it does for everybody.
pub(super) struct Tab {
    pub(super) hub: &'static Hub,
    /// A tab in front hides all others: one case at a time.
    _turn: MutexGuard<'static, ()>,
}

impl Tab {
    /// Waits for its turn.
    async fn of(kind: Kind) -> Outcome<Self> {
        static CHROMIUM: Tabs = Tabs::new();
        static FIREFOX: Tabs = Tabs::new();
        let tabs = if kind == Kind::Firefox {
            &FIREFOX
        } else {
            &CHROMIUM
        };
        let turn = tabs.turn.lock().await;
        let hub = tabs
            .hub
            .get_or_try_init(|| Hub::start(kind, Hidden::Throttled));
        Ok(Self {
            hub: hub.await?,
            _turn: turn,
        })
    }
}

/// One such browser.
struct Tabs {
    turn: Mutex<()>,
    hub: OnceCell<Hub>,
}

impl Tabs {
    const fn new() -> Self {
        Self {
            turn: Mutex::const_new(()),
            hub: OnceCell::const_new(),
        }
    }
}

/// The browser of this kind that cases share, begun by whoever needs it first.
async fn shared(kind: Kind, hidden: Hidden) -> Outcome<&'static Hub> {
    static CHROMIUM: OnceCell<Hub> = OnceCell::const_new();
    static FIREFOX: OnceCell<Hub> = OnceCell::const_new();
    static OPEN_FIREFOX: OnceCell<Hub> = OnceCell::const_new();
    let cell = match (kind, hidden) {
        (Kind::Firefox, Hidden::Open) => &OPEN_FIREFOX,
        (Kind::Firefox, _) => &FIREFOX,
        _ => &CHROMIUM,
    };
    cell.get_or_try_init(|| Hub::start(kind, hidden)).await
}
