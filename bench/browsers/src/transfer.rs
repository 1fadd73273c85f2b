//! A native player and a page that send each other 16 MiB at the same time: how long it takes, and in how much memory of the browser.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bench::goal::Goal;
use conformance_tests::Kind;
use mesh_core::{Event, MeshConfig, PeerId, TransferEvent};
use signaling_server::Server;
use tokio::time::{interval, timeout};

use crate::meet::wait;
use crate::page::{Order, Page};
use crate::player::{Player, join};
use crate::site::Site;

const SIZE: usize = 16 * 1024 * 1024;

/// What the two fill it with.
const OURS: u8 = 0xa5;
const OF_PAGE: u8 = 0x5a;

/// However slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often the browser's memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Of the page's program. Memory is counted in transfers: what a page sends and what it receives are two.
pub(crate) const GOAL: Goal = Goal::AtMost { required: 3.0 };

/// What each round gave.
#[derive(Default)]
pub(crate) struct Found {
    /// Megabytes a second, both ways together.
    pub(crate) rate: Vec<f64>,
    /// By how much the memory of the page's program grew, in transfers.
    pub(crate) program: Vec<f64>,
    /// By how much the browser grew.
    pub(crate) browser: Vec<f64>,
}

/// Measures so many rounds, each in a fresh browser: one that has transferred before has kept the memory.
pub(crate) async fn measure(kind: Kind, site: &Site, rounds: u32) -> Result<Found> {
    let address = ([127, 0, 0, 1], 0).into();
    let server = Server::bind(address, signaling_server::Config::default()).await?;
    let url = format!("ws://{}", server.local_addr());
    let mut found = Found::default();
    for _ in 0..rounds {
        let page = Page::open(kind, site).await?;
        let once = once(&page, &url).await?;
        let size = f64::from(u32::try_from(SIZE)?);
        found.rate.push(2.0 * size / 1e6 / once.took.as_secs_f64());
        found.program.push(once.program / size);
        found.browser.push(once.browser / size);
    }
    server.shutdown().await;
    Ok(found)
}

struct Once {
    took: Duration,
    /// Bytes by which the memory of the page's program grew, and that of the browser.
    program: f64,
    browser: f64,
}

async fn once(page: &Page, url: &str) -> Result<Once> {
    let memory = || {
        page.memory()
            .context("the system does not say what memory a process has")
    };
    let lobby = "transfer";
    let bytes = SIZE;
    let mut conversation = page.conversation().await;
    let order = Order::Transfer { url, lobby, bytes };
    conversation.order(&order).await?;
    conversation.hear("joined", PATIENCE).await?;
    let mut native = join(url, lobby, MeshConfig::default())?;
    wait(&mut native, |event| {
        matches!(event, Event::PeerConnected(_))
    })
    .await?;
    conversation.hear("connected", PATIENCE).await?;
    let before = memory()?;
    let begun = Instant::now();
    let mut peak = before;
    {
        let mut exchanged = pin!(timeout(PATIENCE, exchange(&mut native)));
        let mut looks = interval(LOOK);
        loop {
            tokio::select! {
                done = &mut exchanged => break done.context("the transfers do not end")??,
                _ = looks.tick() => peak = peak.max(memory()?),
            }
        }
    }
    let took = begun.elapsed();
    native.leave().await;
    let program = conversation.hear("done", PATIENCE).await?.parse()?;
    let grown = u32::try_from(peak.saturating_sub(before) / 1024)?;
    Ok(Once {
        took,
        program,
        browser: f64::from(grown) * 1024.0,
    })
}

/// Sends the page so much and receives as much.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
async fn exchange(native: &mut Player) -> Result<()> {
    let peers: Vec<PeerId> = native.peers().map(|peer| peer.id).collect();
    let [page] = *peers else {
        bail!("there are {} peers", peers.len());
    };
    native.send_transfer(page, "", vec![OURS; SIZE])?;
    let (mut is_sent, mut is_received) = (false, false);
    while !(is_sent && is_received) {
        match native.next_event().await {
            Event::Transfer { event, .. } => match event {
                TransferEvent::Sent => is_sent = true,
                TransferEvent::Received(payload) => {
                    let bytes = payload.bytes();
                    let is_whole = bytes.len() == SIZE && bytes.iter().all(|byte| *byte == OF_PAGE);
                    ensure!(is_whole, "a byte has changed");
                    is_received = true;
                }
                _ => {}
            },
            Event::PeerDisconnected { reason, .. } => bail!("the page is gone: {reason}"),
            _ => {}
        }
    }
    Ok(())
}
