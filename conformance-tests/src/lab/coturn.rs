//! A STUN and TURN server in a namespace: coturn with UDP, TCP and TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mesh_core::IceServer;
use rcgen::{CertificateParams, KeyPair};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::netns::{Namespace, Run};
use crate::coturn::{PASSWORD, USER};
use crate::{Failure, Outcome, coturn};

const PORT: u16 = 3478;
const TLS_PORT: u16 = 5349;

/// How long it may take to answer for the first time.
const START: Duration = Duration::from_secs(20);

/// How often it is asked in that time.
const ASK: Duration = Duration::from_millis(50);

/// A running server; dropping it ends it.
pub(super) struct Coturn {
    _process: Child,
    address: String,
    /// The certificate that its own one is signed with: itself.
    pub(super) certificate: PathBuf,
}

impl Coturn {
    /// Starts one at this address of a namespace, and waits until it answers there.
    pub(super) async fn start(run: &Run, place: &Namespace, address: &str) -> Outcome<Self> {
        let failed = |what: String| Failure::new(format!("no TURN server: {what}"));
        let (certificate, key) = certificate(address).map_err(|error| failed(error.to_string()))?;
        let name = |what: &str| format!("{}-{what}", place.name());
        let certificate = run.file(&name("turn.pem"), &certificate)?;
        let key = run.file(&name("turn.key"), &key)?;
        let ip = address
            .parse()
            .map_err(|_| failed(format!("{address} is no address")))?;
        let folder = certificate.parent().unwrap_or_else(|| Path::new("."));
        let command = coturn::command(SocketAddr::new(ip, PORT), folder, place.name());
        let mut command = Command::from(command);
        command
            .arg(format!("--tls-listening-port={TLS_PORT}"))
            .arg(format!("--cert={}", certificate.display()))
            .arg(format!("--pkey={}", key.display()))
            .kill_on_drop(true);
        let process = place
            .inside(|| command.spawn())?
            .map_err(|error| failed(error.to_string()))?;
        let until = Instant::now() + START;
        let target = format!("{address}:{PORT}");
        loop {
            let connecting = place.inside(|| std::net::TcpStream::connect(&target))?;
            if let Ok(stream) = connecting {
                drop(stream);
                break;
            }
            if Instant::now() > until {
                return Err(failed(format!("nobody listens at {target}")));
            }
            tokio::time::sleep(ASK).await;
        }
        Ok(Self {
            _process: process,
            address: address.to_owned(),
            certificate,
        })
    }

    /// As STUN servers know it.
    pub(super) fn stun(&self) -> IceServer {
        IceServer::stun(format!("stun:{}:{PORT}", self.address))
    }

    /// With UDP between the player and the server.
    pub(super) fn udp(&self) -> IceServer {
        self.turn(&format!("turn:{}:{PORT}?transport=udp", self.address))
    }

    /// With TCP between the player and the server.
    pub(super) fn tcp(&self) -> IceServer {
        self.turn(&format!("turn:{}:{PORT}?transport=tcp", self.address))
    }

    /// With TLS between the player and the server.
    pub(super) fn tls(&self) -> IceServer {
        self.turn(&format!("turns:{}:{TLS_PORT}?transport=tcp", self.address))
    }

    fn turn(&self, url: &str) -> IceServer {
        IceServer::turn(url, USER, PASSWORD)
    }
}

/// A certificate for this address and its key, both as PEM.
pub(super) fn certificate(address: &str) -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![address.to_owned()])?.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
