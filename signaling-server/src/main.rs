//! The server as a program.

mod args;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use signaling_server::{
    Admission, Config, ResumeKey, Server, TicketKeys, TurnAccess, raise_file_limit,
};
use tracing_subscriber::EnvFilter;

use args::{Args, LogFormat};

/// What these log at their finest is what goes over the wire: descriptions, addresses, names of lobbies.
const QUIET: [&str; 4] = [
    "tungstenite=info",
    "tokio_tungstenite=info",
    "hyper=info",
    "rustls=info",
];

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    log(args.log_format);
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be gone, too; the exit code still says it.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn log(format: LogFormat) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = QUIET
        .iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(wanted, EnvFilter::add_directive);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

async fn serve(args: Args) -> Result<(), Box<dyn Error>> {
    let mut stop = Stop::new()?;
    let mut config = args.config();
    config.resume_key = args.key_file.map(ResumeKey::from_file).transpose()?;
    if let Some(path) = args.admission_key_file {
        config.admission = Some(Admission::by_tickets(TicketKeys::from_file(path)?));
    }
    if let Some(path) = args.turn_secret_file {
        let ttl = args.turn_ttl.unwrap_or(TurnAccess::DEFAULT_TTL);
        config.turn = Some(TurnAccess::from_file(args.turn_url, path)?.with_ttl(ttl));
        if config.admission.is_none() {
            tracing::warn!("nobody needs a ticket, so everybody is given TURN credentials");
        }
    }
    fit(&mut config)?;
    let is_secure = config.tls.is_some();
    let server = Server::bind(args.bind, config).await?;
    announce(&server, is_secure);
    stop.wait().await;
    if let Some(at_most) = args.drain {
        tokio::select! {
            () = server.drain(at_most) => {}
            () = stop.wait() => {}
        }
    }
    tokio::select! {
        () = server.shutdown() => Ok(()),
        () = stop.wait() => Err("stopped before every socket was closed".into()),
    }
}

/// Makes the system allow as many sockets as may come, or lets no more come than it allows.
fn fit(config: &mut Config) -> io::Result<()> {
    let needed = config.files();
    let allowed = raise_file_limit(needed)?;
    if config.fit(allowed) {
        let max_peers = config.max_peers;
        tracing::warn!(
            allowed,
            needed,
            max_peers,
            "the system allows too few files, so fewer peers are taken"
        );
    }
    Ok(())
}

/// Tells a script where we are. Whoever closed our standard output does not want to know.
fn announce(server: &Server, is_secure: bool) {
    let mut stdout = io::stdout();
    let scheme = if is_secure { "wss" } else { "ws" };
    let _ = writeln!(stdout, "listening on {scheme}://{}", server.local_addr());
    if let Some(addr) = server.admin_addr() {
        let _ = writeln!(stdout, "metrics on http://{addr}/metrics");
    }
    let _ = stdout.flush();
}

/// The signals that end a program.
struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
