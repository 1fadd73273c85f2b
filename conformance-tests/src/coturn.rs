//! How the suite starts coturn, its STUN and TURN server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// The one who may use it, and the password.
pub(crate) const USER: &str = "player";
pub(crate) const PASSWORD: &str = "secret";

/// The command that starts one which listens and relays at this address, and keeps its files in this folder under this name.
pub(crate) fn command(address: SocketAddr, folder: &Path, name: &str) -> Command {
    let file = |what: &str| folder.join(format!("{name}-{what}")).display().to_string();
    let mut command = Command::new("turnserver");
    command
        .args(["-n", "--no-cli", "--no-rfc5780"])
        .arg(format!("--listening-ip={}", address.ip()))
        .arg(format!("--relay-ip={}", address.ip()))
        .arg(format!("--listening-port={}", address.port()))
        .args(["--no-dtls", "--lt-cred-mech", "--realm=suite"])
        .arg(format!("--user={USER}:{PASSWORD}"))
        .args(["--log-file=/dev/null", "--no-stdout-log"])
        .arg(format!("--pidfile={}", file("turn.pid")))
        .arg(format!("--userdb={}", file("turn.db")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // Elsewhere it would lead whoever knows the password to what listens on this machine's loopback alone.
    if address.ip().is_loopback() {
        command.arg("--allow-loopback-peers");
    }
    command
}
