//! The close codes of our extension. All others are WebSocket's own, or the 4000 of Godot's demo.

/// A server's close code: no seat is kept for the client that wanted to come back. It is final.
pub const CLOSE_NO_SEAT: u16 = 4001;

/// A server's close code: the client's seat was taken by a later connection that showed its token. It is final.
pub const CLOSE_REPLACED: u16 = 4002;

/// A server's close code: the host has kicked the client. The close frame has its words. It is final.
pub const CLOSE_KICKED: u16 = 4003;

/// A server's close code: the host has banned the client, or had banned it before. The close frame has its words. It is final.
pub const CLOSE_BANNED: u16 = 4004;

/// A server's close code: it does not admit the client, and says why. It is final.
pub const CLOSE_NOT_ADMITTED: u16 = 4005;
