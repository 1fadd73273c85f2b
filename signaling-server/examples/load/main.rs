//! What one instance of the signaling server carries: idle sockets, joins, relayed messages, and the memory of each.
//!
//! ```text
//! cargo ci load                        everything, as docs/scaling.md has it
//! cargo ci load -- --sockets 1000      with fewer idle sockets
//! ```
//!
//! The server is a process of its own, so that its memory and its computing time can be told from ours. Both share the machine: a
//! server on a machine of its own does more.

mod lobby;
mod member;
mod process;
mod report;

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use signaling_server::{AddressLimits, Config, Server, raise_file_limit};

use lobby::{idle, joins, relayed, visits};
use member::Failure;
use process::Process;
use report::Report;

/// Measures what one instance of the signaling server carries.
#[derive(Debug, Parser)]
struct Args {
    /// How many idle sockets, each a member of a lobby of four
    #[arg(long, default_value_t = 10_000)]
    sockets: usize,
    /// How many sockets join at once
    #[arg(long, default_value_t = 5000)]
    joins: usize,
    /// How many pairs of members send each other messages
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// For how many seconds what is counted in a second is counted
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Be the server, and nothing else
    #[arg(long, hide = true)]
    serve: bool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args = Args::parse();
    if args.serve {
        return serve().await;
    }
    let needed = args.sockets + args.joins + 1024;
    let allowed = raise_file_limit(needed)?;
    if allowed < needed {
        return Err(format!("{needed} files are needed and {allowed} allowed: ulimit -n").into());
    }
    let period = Duration::from_secs(args.seconds);
    let mut report = Report::new()?;
    idle(&mut report, &mut Process::start().await?, args.sockets).await?;
    joins(&mut report, &Process::start().await?, args.joins).await?;
    visits(&mut report, &Process::start().await?, period).await?;
    relayed(
        &mut report,
        &mut Process::start().await?,
        args.pairs,
        period,
    )
    .await?;
    report.end()?;
    Ok(())
}

/// A server that holds nobody to what one address or one member may do, because all of ours have the same one.
async fn serve() -> Result<(), Failure> {
    let config = Config {
        max_peers: 100_000,
        max_lobbies: 100_000,
        max_handshakes: 16_384,
        max_handshakes_per_address: 16_384,
        messages_per_second: u32::MAX,
        message_burst: u32::MAX,
        join_deadline: Duration::from_secs(600),
        handshake_deadline: Duration::from_secs(600),
        address: AddressLimits::unlimited(),
        ..Config::default()
    };
    raise_file_limit(config.files())?;
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), config).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", server.local_addr())?;
    stdout.flush()?;
    // Whoever has started it ends it.
    std::future::pending::<()>().await;
    Ok(())
}
