//! Participants in a browser: backend-web in a page, in touch with the test through the page's WebSocket.
//!
//! It compiles everywhere, so that it is checked with the rest, and runs in browsers.

mod mailbox;
mod platform;
mod puppet;
mod sleep;
mod vitals;

pub use puppet::{Post, play};
