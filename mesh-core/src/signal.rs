//! What two peers tell each other before they are connected.

use alloc::string::String;

/// Whether a description asks or answers (W3C: `RTCSdpType`; no provisional answers, no rollback).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SdpType {
    /// The first description.
    Offer,
    /// The reply to an offer.
    Answer,
}

/// An offer or an answer (W3C: `RTCSessionDescription`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    /// Offer or answer.
    pub sdp_type: SdpType,
    /// The session description itself.
    pub sdp: String,
}

/// A trickled candidate (W3C: `RTCIceCandidate`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceCandidate {
    /// The media section's `a=mid`; `0` in a data-only description.
    pub sdp_mid: String,
    /// The media section's index.
    pub sdp_m_line_index: u16,
    /// The `candidate:…` line.
    pub candidate: String,
}

/// One message of the handshake, carried by a [`Signaling`](crate::Signaling).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// An offer or an answer.
    Description(SessionDescription),
    /// A candidate; never before the description it belongs to.
    Candidate(IceCandidate),
}
