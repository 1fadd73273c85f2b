//! A redis-server of the test's own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::peer::DEADLINE;

/// A broker, which ends with this.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    speaks_tls: bool,
    folder: PathBuf,
}

impl Redis {
    /// A broker; none, in one line, where there is no redis-server.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(false).await
    }

    /// The same, and it speaks TLS.
    pub(crate) async fn start_tls() -> Option<Self> {
        Self::start_with(true).await
    }

    async fn start_with(speaks_tls: bool) -> Option<Self> {
        for _ in 0..20 {
            // Another program may take the port before the broker does; then there is another one.
            let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr());
            let port = port.expect("a free port").port();
            let redis = Self::start_on(port, speaks_tls).await?;
            if redis.is_some() {
                return redis;
            }
        }
        panic!("no redis-server gets a port");
    }

    #[expect(clippy::print_stdout, reason = "it says that a test was not run")]
    /// A broker on that port, or none because the port is taken; nothing where there is no redis-server.
    async fn start_on(port: u16, speaks_tls: bool) -> Option<Option<Self>> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = format!("signaling-redis-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a folder");
        let port_text = port.to_string();
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(&folder)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if speaks_tls {
            certify(&folder);
            command
                .args(["--port", "0", "--tls-port", &port_text])
                .args(["--tls-auth-clients", "no", "--tls-cert-file", "cert.pem"])
                .args([
                    "--tls-key-file",
                    "key.pem",
                    "--tls-ca-cert-file",
                    "cert.pem",
                ])
                .current_dir(&folder);
        } else {
            command.args(["--port", &port_text]);
        }
        let Ok(child) = command.spawn() else {
            let _ = std::fs::remove_dir_all(&folder);
            assert!(
                std::env::var_os("RELAY_REQUIRED").is_none(),
                "`cargo ci setup` installs redis-server"
            );
            println!("not run: there is no redis-server here (`cargo ci setup` installs it)");
            return None;
        };
        let mut redis = Self {
            child,
            port,
            speaks_tls,
            folder,
        };
        Some(redis.answers().await.then_some(redis))
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

    pub(crate) fn url(&self) -> String {
        let scheme = if self.speaks_tls { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Ends it as a failure of its machine would.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.expect("it runs");
    }
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
