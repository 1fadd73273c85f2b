//! A redis-server of the test's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::peer::DEADLINE;

/// A broker, which ends with this.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    speaks_tls: bool,
    folder: PathBuf,
}

impl Redis {
    /// A broker that has been there for a while; none, in one line, where there is no redis-server.
    pub(crate) async fn start() -> Option<Self> {
        let redis = Self::start_with(false).await?;
        // One that has just been started gives nothing at first.
        let info = redis.command("INFO server").await.expect("an answer");
        let mut lines = info.lines();
        let run = lines.find_map(|line| line.strip_prefix("run_id:"));
        let run = run.expect("a run").trim_end();
        let known = redis
            .command(&format!("SET {{signaling}}:opens \"0 {run}\""))
            .await;
        assert_eq!(known.as_deref(), Some(""), "it is written down");
        Some(redis)
    }

    /// A broker that has just been started, and speaks TLS.
    pub(crate) async fn start_tls() -> Option<Self> {
        Self::start_with(true).await
    }

    async fn start_with(speaks_tls: bool) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        for _ in 0..20 {
            let number = STARTED.fetch_add(1, Ordering::Relaxed);
            // No system gives it to those who do not care, so it is still free when the broker is started again.
            let port = 22_000 + (std::process::id() * 37 + number * 101) % 8000;
            let port = u16::try_from(port).expect("a port");
            if TcpListener::bind(("127.0.0.1", port)).is_err() {
                continue;
            }
            let folder = format!("signaling-redis-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir(&folder).expect("a folder");
            if speaks_tls {
                certify(&folder);
            }
            let mut redis = Self {
                child: spawn(&folder, port, speaks_tls)?,
                port,
                speaks_tls,
                folder,
            };
            // Another program may have taken the port.
            if redis.answers().await {
                return Some(redis);
            }
        }
        panic!("no redis-server gets a port");
    }

    /// Ends it as a failure of its machine would, and starts it again; it has kept what was saved by `SAVE`, else nothing.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        self.child = spawn(&self.folder, self.port, self.speaks_tls).expect("it was there");
        assert!(self.answers().await, "it runs again");
    }

    /// The URL of a way to it that takes a twentieth of a second in each direction.
    pub(crate) async fn far_away_url(&self) -> String {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let broker = self.port;
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(("127.0.0.1", broker)).await else {
                    continue;
                };
                let (near, far) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near.0, far.1));
                tokio::spawn(carry(far.0, near.1));
            }
        });
        format!("redis://127.0.0.1:{port}")
    }

    /// Waits until it answers; false if it has ended.
    async fn answers(&mut self) -> bool {
        let asking = async {
            loop {
                if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                    return false;
                }
                let answers = match self.speaks_tls {
                    true => TcpStream::connect(("127.0.0.1", self.port)).await.is_ok(),
                    false => self.command("PING").await.as_deref() == Some("+PONG\r\n"),
                };
                if answers {
                    return true;
                }
            }
        };
        timeout(DEADLINE, asking).await.expect("in time")
    }

    /// The file of the certificate that it shows.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("cert.pem")
    }

    /// The answer to a command, if there is one.
    pub(crate) async fn command(&self, text: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let text = format!("{text}\r\nQUIT\r\n");
        stream.write_all(text.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer.trim_end_matches("+OK\r\n").to_owned())
    }

    /// Has it ask for a password, from those who come later. Commands of ours must not follow.
    pub(crate) async fn protect(&self, password: &str) {
        let set = format!("CONFIG SET requirepass {password}");
        let set = self.command(&set).await;
        assert_eq!(set.as_deref(), Some(""), "it has a password");
    }

    /// The URL for those who know that password.
    pub(crate) fn url_with(&self, password: &str) -> String {
        format!("redis://:{password}@127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.speaks_tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Ends it as a failure of its machine would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }
}

/// A redis-server that writes nothing to its disk by itself; nothing where there is none.
#[expect(clippy::print_stdout, reason = "it says that a test was not run")]
fn spawn(folder: &Path, port: u16, speaks_tls: bool) -> Option<Child> {
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    command
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if speaks_tls {
        command
            .args(["--port", "0", "--tls-port", &port])
            .args(["--tls-auth-clients", "no", "--tls-cert-file", "cert.pem"])
            .args(["--tls-key-file", "key.pem"])
            .args(["--tls-ca-cert-file", "cert.pem"]);
    } else {
        command.args(["--port", &port]);
    }
    if let Ok(child) = command.spawn() {
        return Some(child);
    }
    let _ = std::fs::remove_dir_all(folder);
    assert!(
        std::env::var_os("RELAY_REQUIRED").is_none(),
        "`cargo ci setup` installs redis-server"
    );
    println!("not run: there is no redis-server here (`cargo ci setup` installs it)");
    None
}

/// Carries bytes, each a twentieth of a second later, whatever has come meanwhile.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let reading = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(size @ 1..) = from.read(&mut buffer).await {
            let due = Instant::now() + Duration::from_millis(50);
            if sender.send((due, buffer[..size].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}

/// Writes a certificate and its key.
fn certify(folder: &Path) {
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]);
    let certified = certified.expect("a certificate");
    let write = |name, text| std::fs::write(folder.join(name), text).expect("a file");
    write("cert.pem", certified.cert.pem());
    write("key.pem", certified.signing_key.serialize_pem());
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
