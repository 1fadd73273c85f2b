//! The server as a process, and what the system says about it.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::member::Failure;

/// What the kernel counts computing time in, in a second.
const TICKS: f64 = 100.0;

/// A server, which ends with this.
pub(crate) struct Process {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Process {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--serve")
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server says nothing")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let addr = line.trim().parse()?;
        Ok(Self { child, addr })
    }

    /// How many bytes of memory it has.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let status = self.file("status")?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// How long it has computed.
    pub(crate) fn computed(&self) -> Result<Duration, Failure> {
        let stat = self.file("stat")?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut next = || fields.next().and_then(|field| field.parse::<f64>().ok());
        let ticks = next().zip(next()).map(|(user, system)| user + system);
        Ok(Duration::from_secs_f64(ticks.ok_or("no times")? / TICKS))
    }

    fn file(&self, name: &str) -> Result<String, Failure> {
        let id = self.child.id().ok_or("the server has ended")?;
        Ok(fs::read_to_string(format!("/proc/{id}/{name}"))?)
    }
}
