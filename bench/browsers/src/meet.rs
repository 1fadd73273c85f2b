//! How long it takes from joining the lobby in which the other waits until both are connected.
//!
//! The clock is the native one. It begins at the call that joins, so the runtime or the order to the page, the WebSocket to the
//! signaling server, all signals and the handshakes are in it, and ends when both ends have all channels open; the page says so
//! over a WebSocket on loopback.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use mesh_core::{Event, MeshConfig};
use signaling_server::Server;
use tokio::time::timeout;

use crate::page::{Conversation, Order, Page};
use crate::player::{Player, join};

/// No connection takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who comes second, and so makes the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offers {
    Native,
    Page,
}

impl Offers {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Native => "native offers",
            Self::Page => "page offers",
        }
    }
}

/// So many fresh connections, one after the other: milliseconds of each.
pub(crate) async fn measure(page: &Page, offers: Offers, connections: u32) -> Result<Vec<f64>> {
    let server = Server::bind(
        ([127, 0, 0, 1], 0).into(),
        signaling_server::Config::default(),
    );
    let server = server.await?;
    let url = format!("ws://{}", server.local_addr());
    let mut milliseconds = Vec::new();
    // The first one is not of the measurement: the browser starts its network process, and compiles.
    for number in 0..=connections {
        let took = once(page, &url, offers).await?;
        if number > 0 {
            milliseconds.push(took.as_secs_f64() * 1e3);
        }
    }
    server.shutdown().await;
    Ok(milliseconds)
}

async fn once(page: &Page, url: &str, offers: Offers) -> Result<Duration> {
    let lobby = fresh_lobby();
    let lobby = &*lobby;
    let order = Order::Meet { url, lobby };
    let mut page = page.conversation().await;
    let (mut native, start) = match offers {
        Offers::Native => {
            page.order(&order).await?;
            page.hear("joined", PATIENCE).await?;
            let start = Instant::now();
            (join(url, lobby, MeshConfig::default())?, start)
        }
        Offers::Page => {
            let mut native = join(url, lobby, MeshConfig::default())?;
            wait(&mut native, |event| matches!(event, Event::Joined { .. })).await?;
            let start = Instant::now();
            page.order(&order).await?;
            (native, start)
        }
    };
    let at_page = connected(&mut page, offers);
    let at_native = wait(&mut native, |event| {
        matches!(event, Event::PeerConnected(_))
    });
    tokio::try_join!(at_page, at_native)?;
    let took = start.elapsed();
    native.leave().await;
    page.hear("done", PATIENCE).await?;
    Ok(took)
}

async fn connected(page: &mut Conversation<'_>, offers: Offers) -> Result<()> {
    if offers == Offers::Page {
        page.hear("joined", PATIENCE).await?;
    }
    page.hear("connected", PATIENCE).await.map(drop)
}

pub(crate) async fn wait(native: &mut Player, is_it: impl Fn(&Event) -> bool) -> Result<()> {
    let found = timeout(PATIENCE, async {
        loop {
            let event = native.next_event().await;
            if is_it(&event) {
                return Ok(());
            }
            if matches!(event, Event::PeerFailed { .. } | Event::SignalingLost(_)) {
                bail!("the native peer sees {event:?}");
            }
        }
    });
    found.await?
}

fn fresh_lobby() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static LOBBIES: AtomicU32 = AtomicU32::new(0);
    format!("bench-{}", LOBBIES.fetch_add(1, Ordering::Relaxed))
}
