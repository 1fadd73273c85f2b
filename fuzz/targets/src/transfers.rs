//! Transfers of a peer, and what it says of ours.

use std::collections::BTreeMap;

use mesh_core::{Event, Instant, Payload, TransferEvent, TransferId};

use crate::mesh::Duo;

/// So many bytes a unit of a large part has.
const UNIT: usize = 256;

/// Messages of the channel of transfers, each after a byte that says how long it is and one that says what it is: a string, bytes, or so
/// many [units](UNIT) of zeros. Other values of that byte mean something that our game does.
pub(crate) fn messages(mut input: &[u8]) {
    let duo = Duo::connected("a=webrtc-multiplayer-transfers:1048576 65536");
    assert!(duo.is_some(), "a mesh with a peer");
    let Some(mut duo) = duo else {
        return;
    };
    let now = Instant::from_micros(2);
    let mut game = Game::default();
    while let Some((&[length, kind], rest)) = input.split_first_chunk() {
        let (message, rest) = rest.split_at(rest.len().min(length.into()));
        match kind % 6 {
            0 => duo.transfers(Payload::Text(bytes::Bytes::copy_from_slice(message))),
            1 => game.came(&mut duo, message.to_vec()),
            2 => game.came(&mut duo, vec![0; UNIT * usize::from(length)]),
            3 => {
                let _ = duo
                    .mesh
                    .send_transfer(now, duo.peer, "ours", message.to_vec());
            }
            4 => {
                if let Some(transfer) = game.newest {
                    let _ = duo.mesh.refuse_transfer(now, duo.peer, transfer);
                }
            }
            _ => game.hears(&duo.told()),
        }
        game.hears(&duo.told());
        if duo.is_over() {
            return;
        }
        input = rest;
    }
}

/// What our game knows.
#[derive(Default)]
struct Game {
    /// The bytes of parts that have come, and of transfers that are whole.
    came: usize,
    whole: usize,
    newest: Option<TransferId>,
    /// How many bytes each of the peer's transfers is to have.
    expected: BTreeMap<TransferId, usize>,
}

impl Game {
    fn came(&mut self, duo: &mut Duo, part: Vec<u8>) {
        self.came += part.len();
        duo.transfers(Payload::from(part));
    }

    fn hears(&mut self, told: &[Event]) {
        for event in told {
            let Event::Transfer {
                transfer, event, ..
            } = event
            else {
                continue;
            };
            match event {
                TransferEvent::Begun { name, bytes } => {
                    assert!(name.len() <= mesh_core::MAX_TRANSFER_NAME);
                    assert!(*bytes <= 1 << 20, "more than we take");
                    assert!(self.newest.is_none_or(|newest| newest < *transfer));
                    self.newest = Some(*transfer);
                    self.expected.insert(*transfer, *bytes);
                }
                TransferEvent::Progress { received, bytes } => {
                    assert!(received <= bytes);
                    assert_eq!(self.expected.get(transfer), Some(bytes));
                }
                TransferEvent::Received(payload) => {
                    assert_eq!(self.expected.remove(transfer), Some(payload.len()));
                    self.whole += payload.len();
                    assert!(self.whole <= self.came, "bytes that never came");
                }
                TransferEvent::Cancelled => {
                    assert!(self.expected.remove(transfer).is_some());
                }
                // Of ours, or of a later version.
                TransferEvent::Sent | TransferEvent::Refused | _ => {}
            }
        }
    }
}
