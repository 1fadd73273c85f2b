//! One list of cases for every backend and every mix of them.
//!
//! A case is an `async fn` over [`Participant`]s, handles on whatever plays the part: the mock network, a backend in this
//! process, another process, a page in a browser. It knows only what it is told, so a new kind of participant changes no
//! case.
//!
//! - [`cases`]: what is shown, each topic in its own file; [`conformance!`] is the only list of them.
//! - [`Participant`]: what a case can ask for. A request goes through a conduit ([`conduit::Conduit`]) to a host, an actor
//!   that plays one participant on its [`platform::Platform`].
//! - [`mock`] and `columns`: the columns. A column brings the participants' platforms and an [`environment::Environment`].
//! - [`web`] and `native`: the platforms of real participants. A native one lives in the process of the test or in its own
//!   (`conformance-puppet`), one in a browser in a page (`conformance-page`), which a coordinator keeps in touch with the
//!   test.
//! - `lab`: networks made of namespaces, with address translators, bad paths and a TURN server, for what no loopback shows.
//! - A page only hosts: cases, the list of them and what runs them are compiled for the test's side alone.
//! - [`expectations`]: known differences, as data; `notes`: what a world is otherwise than a player's.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a case names the answer or the event it waits for; any other, a future one too, is the failure it reports"
)]

#[cfg(not(target_arch = "wasm32"))]
pub mod cases;
pub mod conduit;
mod content;
#[cfg(not(target_arch = "wasm32"))]
pub mod environment;
mod failure;
#[cfg(not(target_arch = "wasm32"))]
mod figures;
mod host;
mod kind;
#[cfg(not(target_arch = "wasm32"))]
pub mod list;
pub mod mailbox;
#[cfg(not(target_arch = "wasm32"))]
mod matchmaker;
mod observed;
#[cfg(not(target_arch = "wasm32"))]
mod participant;
pub mod platform;
mod refusal;
mod reply;
mod request;
#[cfg(not(target_arch = "wasm32"))]
mod runner;
#[cfg(test)]
mod sections;
mod stream;
pub mod web;
mod wire;

#[cfg(not(target_arch = "wasm32"))]
pub mod browser;
#[cfg(not(target_arch = "wasm32"))]
pub mod columns;
#[cfg(not(target_arch = "wasm32"))]
mod coordinator;
#[cfg(not(target_arch = "wasm32"))]
mod coturn;
#[cfg(not(target_arch = "wasm32"))]
pub mod expectations;
#[cfg(not(target_arch = "wasm32"))]
mod killable;
#[cfg(target_os = "linux")]
pub mod lab;
#[cfg(not(target_arch = "wasm32"))]
pub mod mock;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(not(target_arch = "wasm32"))]
mod notes;
pub mod planted;
#[cfg(not(target_arch = "wasm32"))]
mod results;
#[cfg(not(target_arch = "wasm32"))]
mod suite;

pub use content::{Body, Content};
pub use failure::{Failure, Outcome};
pub use kind::Kind;
#[cfg(not(target_arch = "wasm32"))]
pub use list::Case;
#[cfg(not(target_arch = "wasm32"))]
pub use matchmaker::{Matchmaker, deliver};
pub use observed::{Figures, Handshake, Heard, LinkSeen, Observed, Rumour, Seen};
#[cfg(not(target_arch = "wasm32"))]
pub use participant::Participant;
pub use refusal::Refusal;
pub use reply::{ChannelReport, PeerReport, Reply, SentReport, StatesReport, Vitals, Woken};
pub use request::{
    ApiRequest, ApiStart, Log, LurkerRequest, Meeting, MeshRequest, Pace, Request, SeamRequest,
    Settings, Setup, Start, To, TransportRequest,
};
pub use stream::{Arrival, Lane, Stream, StreamRequest, Weather};
