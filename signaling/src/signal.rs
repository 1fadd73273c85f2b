//! A [`Signal`] as the `data` of a message: a description is its text, a candidate three lines.

use mesh_core::{IceCandidate, SdpType, SessionDescription, Signal};
use thiserror::Error;

use crate::MessageType;

/// Which of the three messages a server passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignalType {
    /// An offer.
    Offer,
    /// An answer.
    Answer,
    /// A candidate.
    Candidate,
}

impl From<SignalType> for MessageType {
    fn from(kind: SignalType) -> Self {
        match kind {
            SignalType::Offer => Self::Offer,
            SignalType::Answer => Self::Answer,
            SignalType::Candidate => Self::Candidate,
        }
    }
}

/// The number of a signal between two members that speak our extension, so that none is lost or taken twice where a
/// connection with the server breaks.
///
/// A sender numbers all its signals from 1, whomever they are for. Its receiver takes a signal if it has had `previous` and
/// not `this`. A signal that comes too early will come again, together with those that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignalNumber {
    /// Its own number.
    pub this: u32,
    /// The number of the signal before it for the same receiver that the sender would still send again, 0 if there is none.
    pub previous: u32,
}

/// Why a signal and its text do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignalError {
    /// Not a media id, an index and a candidate, each on its line and none empty.
    #[error("a candidate is a media id, an index and a candidate on one line each, none empty")]
    Candidate,
}

/// What goes on the wire for a signal.
///
/// # Errors
///
/// [`SignalError::Candidate`] for a candidate that no reader of this protocol could take: an empty part, or one of more
/// than one line.
pub fn signal_data(signal: &Signal) -> Result<(SignalType, String), SignalError> {
    match signal {
        Signal::Description(SessionDescription { sdp_type, sdp }) => {
            let kind = match sdp_type {
                SdpType::Offer => SignalType::Offer,
                SdpType::Answer => SignalType::Answer,
            };
            Ok((kind, sdp.clone()))
        }
        Signal::Candidate(IceCandidate {
            sdp_mid,
            sdp_m_line_index,
            candidate,
        }) => {
            let one_line = |part: &str| !part.is_empty() && !part.contains('\n');
            if !one_line(sdp_mid) || !one_line(candidate) {
                return Err(SignalError::Candidate);
            }
            let data = format!("\n{sdp_mid}\n{sdp_m_line_index}\n{candidate}");
            Ok((SignalType::Candidate, data))
        }
    }
}

/// The signal that was put on the wire.
///
/// A candidate is read as Godot's demo reads it: split at newlines, empty parts skipped, exactly three left, the second a
/// number.
///
/// # Errors
///
/// [`SignalError::Candidate`] when that fails.
pub fn signal_from_data(kind: SignalType, data: String) -> Result<Signal, SignalError> {
    let sdp_type = match kind {
        SignalType::Offer => SdpType::Offer,
        SignalType::Answer => SdpType::Answer,
        SignalType::Candidate => return candidate_from_data(&data).map(Signal::Candidate),
    };
    Ok(Signal::Description(SessionDescription {
        sdp_type,
        sdp: data,
    }))
}

fn candidate_from_data(data: &str) -> Result<IceCandidate, SignalError> {
    let mut parts = data.split('\n').filter(|part| !part.is_empty());
    let (Some(sdp_mid), Some(index), Some(candidate), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SignalError::Candidate);
    };
    Ok(IceCandidate {
        sdp_mid: sdp_mid.to_owned(),
        sdp_m_line_index: index.parse().map_err(|_| SignalError::Candidate)?,
        candidate: candidate.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(sdp_mid: &str, candidate: &str) -> Signal {
        Signal::Candidate(IceCandidate {
            sdp_mid: sdp_mid.to_owned(),
            sdp_m_line_index: 0,
            candidate: candidate.to_owned(),
        })
    }

    #[test]
    fn candidates_are_three_lines() {
        let line = "candidate:1 1 udp 2130706431 10.0.0.1 5000 typ host";
        assert_eq!(
            signal_data(&candidate("0", line)),
            Ok((SignalType::Candidate, format!("\n0\n0\n{line}")))
        );
        for data in [format!("\n0\n0\n{line}"), format!("0\n\n\n0\n{line}\n")] {
            assert_eq!(
                signal_from_data(SignalType::Candidate, data),
                Ok(candidate("0", line))
            );
        }
    }

    #[test]
    fn candidates_that_godot_would_drop_are_refused_both_ways() {
        for data in [
            "",
            "\n0\n0\n",
            "\n\n0\nc",
            "\n0\nx\nc",
            "\n0\n-1\nc",
            "\n0\n0\nc\nd",
            "\n0\n70000\nc",
        ] {
            assert_eq!(
                signal_from_data(SignalType::Candidate, data.to_owned()),
                Err(SignalError::Candidate),
                "{data:?}"
            );
        }
        for (mid, line) in [("", "c"), ("0", ""), ("0", "a\nb"), ("0\n1", "c")] {
            assert_eq!(
                signal_data(&candidate(mid, line)),
                Err(SignalError::Candidate)
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_is_received(sdp in any::<String>(), mid in "[^\n]{0,4}", line in "[^\n]{0,40}", index: u16, pick in 0..3) {
            let signal = match pick {
                0 => Signal::Description(SessionDescription { sdp_type: SdpType::Offer, sdp }),
                1 => Signal::Description(SessionDescription { sdp_type: SdpType::Answer, sdp }),
                _ => Signal::Candidate(IceCandidate { sdp_mid: mid, sdp_m_line_index: index, candidate: line }),
            };
            if let Ok((kind, data)) = signal_data(&signal) {
                prop_assert_eq!(signal_from_data(kind, data), Ok(signal));
            }
        }

        #[test]
        fn no_text_panics(data in any::<String>()) {
            let _ = signal_from_data(SignalType::Candidate, data);
        }
    }
}
