//! A TURN server of our own: coturn on loopback, gone with the test.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mesh_core::IceServer;

/// How the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    Tcp,
    Tls,
}

const USER: &str = "player";
const PASSWORD: &str = "secret";

/// What it has in common with whoever gives credentials for it.
pub(crate) const SECRET: &str = "north";

/// Whom it serves.
#[derive(Clone, Copy)]
enum Serves {
    /// One player, by its password.
    Player,
    /// Those who have a credential that was made with the secret.
    Credentials,
}

/// How long the server may take to answer for the first time.
const START: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Coturn {
    process: Child,
    address: SocketAddr,
    directory: PathBuf,
    over: Over,
    /// Of the server's own making; in PEM.
    pub(crate) certificate: String,
}

/// Whether there is a server to start.
pub(crate) fn is_installed() -> bool {
    let found = Command::new("turnserver")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok()
}

impl Coturn {
    /// Starts one; with long-term credentials, over UDP alone.
    pub(crate) fn start() -> Self {
        Self::start_over(Over::Udp)
    }

    /// Starts one that is reached in this way alone.
    pub(crate) fn start_over(over: Over) -> Self {
        Self::start_for(over, Serves::Player)
    }

    /// Starts one that takes credentials which were made with [`SECRET`], over UDP alone.
    pub(crate) fn start_for_credentials() -> Self {
        Self::start_for(Over::Udp, Serves::Credentials)
    }

    fn start_for(over: Over, serves: Serves) -> Self {
        // Another process may take the port before the server does.
        for _ in 0..5 {
            if let Some(server) = Self::try_start(over, serves) {
                return server;
            }
        }
        panic!("turnserver ended five times instead of serving");
    }

    fn try_start(over: Over, serves: Serves) -> Option<Self> {
        let address = free_address();
        let directory =
            std::env::temp_dir().join(format!("coturn-{}-{}", std::process::id(), address.port()));
        fs::create_dir_all(&directory).expect("a directory for the server's files");
        let file = |name: &str| directory.join(name).display().to_string();
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
        let certified = certified.expect("a certificate");
        let certificate = certified.cert.pem();
        fs::write(file("cert"), &certificate).expect("a file");
        fs::write(file("key"), certified.signing_key.serialize_pem()).expect("a file");
        let port = if over == Over::Tls {
            "--tls-listening-port"
        } else {
            "--listening-port"
        };
        let without: &[&str] = match over {
            Over::Udp => &["--no-tcp", "--no-tls", "--no-dtls"],
            Over::Tcp => &["--no-udp", "--no-tls", "--no-dtls"],
            Over::Tls => &["--no-udp", "--no-tcp", "--no-dtls"],
        };
        let process = Command::new("turnserver")
            .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1"])
            .arg(format!("{port}={}", address.port()))
            .args(without)
            .args(["--allow-loopback-peers", "--no-tcp-relay"])
            .args(["--no-cli", "--no-rfc5780"])
            .arg(format!("--cert={}", file("cert")))
            .arg(format!("--pkey={}", file("key")))
            .arg("--realm=test")
            .args(match serves {
                Serves::Player => [
                    String::from("--lt-cred-mech"),
                    format!("--user={USER}:{PASSWORD}"),
                ],
                Serves::Credentials => [
                    String::from("--use-auth-secret"),
                    format!("--static-auth-secret={SECRET}"),
                ],
            })
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
            over,
            certificate,
        };
        server.answers().then_some(server)
    }

    /// Waits until it serves; false if the process ended.
    fn answers(&mut self) -> bool {
        if self.over == Over::Udp {
            return self.answers_over_udp();
        }
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if TcpStream::connect(self.address).is_ok() {
                return true;
            }
            if let Ok(Some(_)) = self.process.try_wait() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("turnserver does not listen at {}", self.address);
    }

    /// Waits for the answer to a binding request; false if the process ended.
    fn answers_over_udp(&mut self) -> bool {
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
        match self.over {
            Over::Udp => format!("turn:{}?transport=udp", self.address),
            Over::Tcp => format!("turn:{}?transport=tcp", self.address),
            Over::Tls => format!("turns:{}", self.address),
        }
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
