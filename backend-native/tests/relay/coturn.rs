//! A TURN server of our own: coturn on loopback, gone with the test.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mesh_core::IceServer;

const USER: &str = "player";
const PASSWORD: &str = "secret";

/// How long the server may take to answer for the first time.
const START: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Coturn {
    process: Child,
    address: SocketAddr,
    directory: PathBuf,
}

impl Coturn {
    /// Starts one; with long-term credentials, over UDP alone.
    pub(crate) fn start() -> Self {
        // Another process may take the port before the server does.
        for _ in 0..5 {
            if let Some(server) = Self::try_start() {
                return server;
            }
        }
        panic!("turnserver ended five times instead of serving");
    }

    fn try_start() -> Option<Self> {
        let address = free_address();
        let directory =
            std::env::temp_dir().join(format!("coturn-{}-{}", std::process::id(), address.port()));
        fs::create_dir_all(&directory).expect("a directory for the server's files");
        let file = |name: &str| directory.join(name).display().to_string();
        let process = Command::new("turnserver")
            .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
            .arg(format!("--listening-port={}", address.port()))
            .args(["--allow-loopback-peers", "--no-tcp", "--no-tcp-relay"])
            .args(["--no-tls", "--no-dtls", "--no-cli", "--no-rfc5780"])
            .args(["--lt-cred-mech", "--realm=test"])
            .arg(format!("--user={USER}:{PASSWORD}"))
            .args(["--simple-log", "--no-stdout-log"])
            .arg(format!("--log-file={}", file("log")))
            .arg(format!("--pidfile={}", file("pid")))
            .arg(format!("--userdb={}", file("db")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("turnserver cannot be started ({error}): install coturn (apt-get install coturn)")
            });
        let mut server = Self {
            process,
            address,
            directory,
        };
        server.answers().then_some(server)
    }

    /// Waits for the answer to a binding request; false if the process ended.
    fn answers(&mut self) -> bool {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.connect(self.address).expect("a loopback address");
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("not zero");
        // RFC 8489: Binding request, no attributes, magic cookie, any transaction id.
        let mut request = vec![0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42];
        request.extend([7; 12]);
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            // Refused as long as nobody listens.
            let _ = socket.send(&request);
            if socket.recv(&mut [0; 1500]).is_ok() {
                return true;
            }
            if let Ok(Some(_)) = self.process.try_wait() {
                return false;
            }
        }
        let mut words = String::new();
        let _ = self.process.kill();
        if let Some(stderr) = &mut self.process.stderr {
            let _ = stderr.read_to_string(&mut words);
        }
        panic!("turnserver does not answer at {}: {words}", self.address);
    }

    /// As a client that may use it knows it.
    pub(crate) fn server(&self) -> IceServer {
        IceServer::turn(self.url(), USER, PASSWORD)
    }

    /// As a client that may not.
    pub(crate) fn server_with_a_wrong_password(&self) -> IceServer {
        IceServer::turn(self.url(), USER, "guessed")
    }

    pub(crate) fn url(&self) -> String {
        format!("turn:{}?transport=udp", self.address)
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port of loopback where nobody listened a moment ago.
fn free_address() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.local_addr().expect("it is bound")
}
