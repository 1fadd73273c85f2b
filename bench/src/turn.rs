//! A TURN server of this process: coturn on loopback.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bench::settings::Relay;

const PROGRAM: &str = "turnserver";
const USER: &str = "bench";
const PASSWORD: &str = "loopback";
const START: Duration = Duration::from_secs(10);

/// Whether coturn is installed.
pub(crate) fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file())
}

/// A running server; dropping it ends it.
pub(crate) struct TurnServer {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl TurnServer {
    /// Starts it on a port that is free, and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        probe.set_read_timeout(Some(Duration::from_millis(50)))?;
        let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let folder = std::env::temp_dir().join(format!("bench-turn-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let process = Command::new(PROGRAM)
            .args(["-n", "--no-cli", "--no-tls", "--no-dtls", "--no-tcp"])
            .args(["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1"])
            .args([
                "--allow-loopback-peers",
                "--lt-cred-mech",
                "--realm",
                "bench",
            ])
            .args(["--listening-port", &address.port().to_string()])
            .args(["--user", &format!("{USER}:{PASSWORD}")])
            .args(["--log-file", "stdout"])
            .arg("--userdb")
            .arg(folder.join("users"))
            .arg("--pidfile")
            .arg(folder.join("pid"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("turnserver (package coturn)")?;
        let server = Self {
            process,
            folder,
            address,
        };
        server.wait(&probe)?;
        Ok(server)
    }

    /// Where it is, and whom it lets in.
    pub(crate) fn relay(&self) -> Relay {
        Relay {
            url: format!("turn:{}?transport=udp", self.address),
            username: USER.to_owned(),
            credential: PASSWORD.to_owned(),
        }
    }

    fn wait(&self, probe: &UdpSocket) -> Result<()> {
        // A STUN binding request (RFC 8489 §5): type, no attributes, magic cookie, transaction id.
        let mut request = [0; 20];
        request[1] = 1;
        request[4..8].copy_from_slice(&0x2112_a442_u32.to_be_bytes());
        let deadline = Instant::now() + START;
        let mut answer = [0; 128];
        while Instant::now() < deadline {
            probe.send_to(&request, self.address)?;
            match probe.recv_from(&mut answer) {
                Ok(_) => return Ok(()),
                Err(error) if is_silence(error.kind()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bail!("turnserver did not answer within {START:?}")
    }
}

/// Whether it only says that nobody has answered yet.
const fn is_silence(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
    )
}

impl Drop for TurnServer {
    fn drop(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
