//! The edge of the server: where somebody comes from, and what it sends, is counted, priced and judged here, before any lobby
//! is touched.

mod addresses;
mod forwarded;
mod frames;
mod handshakes;
mod letter;
mod meter;
mod origin;
mod visitor;

pub(crate) use addresses::{Account, Addresses, Network, TooMany, Welcome};
pub(crate) use forwarded::client;
pub(crate) use handshakes::{HandshakeId, Handshakes};
pub(crate) use letter::Letter;
pub(crate) use meter::{BYTES_PER_TOKEN, Meter};
pub(crate) use origin::is_allowed;
pub(crate) use visitor::{Ask, Control, Dialect, Visitor};
