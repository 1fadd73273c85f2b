//! A signaling server for webrtc-multiplayer and for Godot games.
//!
//! It speaks the JSON protocol of Godot's official 4.x demo: peers join a lobby by name, learn of each other, and have it
//! pass on what they need to connect directly. It never sees game traffic.
//!
//! ```no_run
//! # async fn example() -> Result<(), signaling_server::BindError> {
//! let server = signaling_server::Server::bind(([127, 0, 0, 1], 0).into(), Default::default()).await?;
//! println!("ws://{}", server.local_addr());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! - Joining a lobby that does not exist makes it, and its first member is its host, peer 1. No name: a random one is given.
//! - When the host leaves, the lobby's sockets are closed with code 4000 and words, unless the lobby was made with host
//!   migration: then another member becomes the host. Connected peers need not care.
//! - Who joins with a number of players is put into a group of so many, whose lobby is sealed when it is complete. `GET /lobbies`
//!   lists the lobbies whose hosts want that. Clients of Godot 3's demo have lobbies of their own.
//! - When the host seals the lobby nobody is taken any more, and after [`Config::seal_duration`] its sockets are closed with
//!   code 1000, whether or not the host waits for that.
//! - In a client/server lobby the host is announced to the clients and they to it; clients do not learn of each other.
//! - A signal for somebody who is not there is dropped: it may have crossed their leaving.
//! - A member that speaks our extension of the protocol (`docs/signaling.md`) keeps its seat for [`Config::resume_term`] when its
//!   connection breaks, as host, too, and comes back to it with a token. Members of Godot's protocol see nothing of that.
//! - A message of an unknown type is passed over, and so are unknown fields: a newer peer may send them.
//! - Whoever breaks a rule or a limit of [`Config`] is closed with a code and a reason. Nobody is closed for what others send
//!   to it: a sender that sends more than its receiver takes is slowed, and pays.
//!
//! # Strict
//!
//! [`Config::strict`] answers as Godot's Node demo server does: joining an unknown lobby is an error, a join takes at most a
//! second, everybody is announced in client/server lobbies, a signal for nobody and an unknown type are errors, the host's
//! leaving ends a sealed lobby, and errors have the demo's words alone.

mod admission;
mod bucket;
mod cluster;
mod config;
mod door;
mod entropy;
mod files;
mod forward;
mod fuzz;
mod goodbye;
mod hall;
mod handshaking;
mod metrics;
mod outbox;
mod relay;
mod resume;
mod routes;
mod sender;
mod server;
mod socket;
mod tls;
mod turn;
mod wire;

pub use admission::{Admission, Arrival, Pass, Refusal, TicketKeyError, TicketKeys};
pub use cluster::{BrokerError, ClusterConfig};
pub use config::{AddressLimits, Config, ForwardedHeader, TlsFiles};
pub use files::raise_file_limit;
pub use resume::{KeyError, ResumeKey};
pub use routes::router;
pub use server::{BindError, Server};
pub use tls::TlsError;
pub use turn::{TurnAccess, TurnSecretError};

/// What the project's own fuzz targets need, and nobody else. No part of the library as it ships.
#[doc(hidden)]
pub mod testing {
    pub use crate::fuzz::hall;
}
