//! What can be measured.

use clap::ValueEnum;

/// One measurement program, run in a process of its own for each side and repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Two peers, start to three channels open on both ends, ten times
    Connect,
    /// Eight peers, start to all channels of all 28 connections open
    MeshOpen,
    /// Reliable messages of 1 KiB
    #[value(name = "bulk-1k")]
    Bulk1K,
    /// Reliable messages of 16 KiB
    #[value(name = "bulk-16k")]
    Bulk16K,
    /// Reliable messages of 64 KiB
    #[value(name = "bulk-64k")]
    Bulk64K,
    /// Reliable messages of 64 bytes
    Small,
    /// Unreliable messages of 64 bytes, 60,000 a second offered
    Unreliable,
    /// Round trips back to back, unreliable
    RttUnreliable,
    /// Round trips back to back, reliable
    RttReliable,
    /// Round trips at 60 Hz
    #[value(name = "rtt-60hz")]
    Rtt60Hz,
    /// Eight connected peers with nothing to say
    MeshIdle,
    /// Eight peers at 60 Hz, a 64-byte unreliable message to each other peer a tick; woken by each message
    #[value(name = "mesh-60hz")]
    Mesh60Hz,
    /// The same in plain threads that take what has arrived once a frame, as games do
    MeshFrames,
    /// 16 MiB each way at the same time, in one piece for the application: a transfer; on the crate alone, reliable messages of 16 KiB
    Transfer,
    /// Two peers through a TURN server on loopback (coturn)
    Relay,
}

impl Scenario {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }
}
