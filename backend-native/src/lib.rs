//! Placeholder.

mod websocket;

pub use websocket::{CertificateError, WebSocketOptions, WebSocketTransport};
