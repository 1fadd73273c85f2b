//! Reaches participants outside the process of the test: keeps their mailboxes and serves those that are pages, on loopback.

mod boxes;
pub(crate) mod pages;
mod remote;
mod routes;

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

pub(crate) use self::boxes::Boxes;
use self::pages::Pages;
pub(crate) use self::remote::Remote;
use crate::{Failure, Outcome};

/// A server of mailboxes and pages.
pub(crate) struct Coordinator {
    address: SocketAddr,
    boxes: Boxes,
    router: Router,
}

impl Coordinator {
    /// The one of this process; begun by whoever asks first, on its runtime, which must be the process's.
    pub(crate) async fn shared() -> Outcome<&'static Self> {
        static SHARED: OnceCell<Coordinator> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    async fn start() -> Outcome<Self> {
        let failed = |error: std::io::Error| Failure::new(format!("no coordinator: {error}"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let boxes = Boxes::default();
        let router = routes::router(boxes.clone(), Pages::default());
        let coordinator = Self {
            address,
            boxes,
            router,
        };
        coordinator.serve(listener);
        Ok(coordinator)
    }

    /// Serves what comes in there, too, until the process ends.
    pub(crate) fn serve(&self, listener: TcpListener) {
        let router = self.router.clone();
        tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
    }

    /// Where it listens: a loopback address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn boxes(&self) -> &Boxes {
        &self.boxes
    }
}
