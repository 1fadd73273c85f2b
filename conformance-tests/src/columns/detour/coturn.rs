//! The TURN server behind the forwarders: one coturn for all cases of this process.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

use crate::browser::Guarded;
use crate::{Failure, Outcome, coturn};

/// How long it may take to answer for the first time.
const START: Duration = Duration::from_secs(20);

/// How often it is asked in that time.
const ASK: Duration = Duration::from_millis(50);

/// How often it is started: another process may take the port before it does.
const TRIES: usize = 5;

/// STUN's Binding request without attributes: type, length, magic cookie, a transaction id.
const BINDING_REQUEST: [u8; 20] = [
    0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
];

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A running server.
pub(super) struct Coturn {
    address: SocketAddr,
    /// Ends it together with this process.
    _process: Guarded,
}

impl Coturn {
    /// The one of this process; begun by whoever needs it first. `None` where it is not installed.
    pub(super) async fn shared() -> Outcome<Option<&'static Self>> {
        static SHARED: OnceCell<Option<Coturn>> = OnceCell::const_new();
        let shared = SHARED.get_or_try_init(Self::start).await?;
        Ok(shared.as_ref())
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn start() -> Outcome<Option<Self>> {
        let mut trouble = String::new();
        for number in 0..TRIES {
            match Self::try_start(number).await {
                Ok(server) => return Ok(Some(server)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => trouble = error.to_string(),
            }
        }
        Err(Failure::new(format!("no TURN server: {trouble}")))
    }

    async fn try_start(number: usize) -> io::Result<Self> {
        let machine = machine().await;
        let asking = UdpSocket::bind((machine, 0)).await?;
        // A port where nobody listened a moment ago.
        let address = UdpSocket::bind((machine, 0)).await?.local_addr()?;
        asking.connect(address).await?;
        let folder = fresh_folder(number)?;
        let mut command = coturn::command(address, &folder, "suite");
        command.args(["--no-tcp", "--no-tls"]);
        let process = Guarded::spawn(&mut command, &folder).inspect_err(|_| {
            let _ = fs::remove_dir_all(&folder);
        })?;
        let until = Instant::now() + START;
        while Instant::now() < until {
            // Refused as long as nobody listens, and at once.
            let _ = asking.send(&BINDING_REQUEST).await;
            let mut answer = [0; 1500];
            if let Ok(Ok(_)) = timeout(ASK, asking.recv(&mut answer)).await {
                return Ok(Self {
                    address,
                    _process: process,
                });
            }
            sleep(ASK).await;
        }
        Err(io::Error::other(format!("nobody answers at {address}")))
    }
}

/// The address of this machine towards others. Firefox does not take a relay on loopback; on a machine without another address
/// it has no candidate anyway, and loopback is good enough for Chromium.
async fn machine() -> IpAddr {
    let towards_others = async {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        // Sends nothing: the kernel only chooses an address. This one is for documentation (RFC 5737).
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).await?;
        socket.local_addr()
    };
    let address: io::Result<SocketAddr> = towards_others.await;
    address.map_or(LOOPBACK, |address| address.ip())
}

fn fresh_folder(number: usize) -> io::Result<PathBuf> {
    let name = format!("conformance-turn-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    // Of an earlier process with the same id.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder)?;
    Ok(folder)
}
