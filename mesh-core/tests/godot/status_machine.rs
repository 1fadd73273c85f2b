//! Section 2.3: every row of the status machine.

use std::time::Duration;

use mesh_core::ConnectionStatus::{Connected, Connecting, Disconnected};
use mesh_core::{ConnectionStatus, InitializeError};

use self::Step::{
    Add, Close, Deadline, Disconnect, Fail, Force, Go, Open, Remove, Start, StartAgain,
};
use crate::rig::Setup::{Client, Compatible, Mesh, Plain, Server};
use crate::rig::{Rig, Setup, peer};

#[derive(Clone, Copy, Debug)]
enum Step {
    Start(Setup),
    StartAgain(Setup),
    Add(u32),
    Open(u32),
    /// The far side goes.
    Go(u32),
    /// The link cannot be made.
    Fail(u32),
    Remove(u32),
    /// `disconnect_peer` without force.
    Disconnect(u32),
    /// `disconnect_peer` with force.
    Force(u32),
    /// The connect deadline passes.
    Deadline,
    Close,
}

fn take(rig: &mut Rig, step: Step) {
    match step {
        Start(setup) => rig.start(setup).unwrap(),
        StartAgain(setup) => assert!(matches!(
            rig.start(setup),
            Err(InitializeError::AlreadyInitialized { .. })
        )),
        Add(id) => {
            rig.add(id);
        }
        Open(id) => rig.open(id),
        Go(id) => rig.goes(id),
        Fail(id) => rig.fails(id),
        Remove(id) => assert!(rig.mesh.remove_peer(peer(id))),
        Disconnect(id) => assert!(rig.mesh.disconnect_peer(peer(id), false)),
        Force(id) => assert!(rig.mesh.disconnect_peer(peer(id), true)),
        Deadline => rig.passes(Duration::from_secs(16)),
        Close => rig.mesh.close(Duration::ZERO),
    }
}

/// A row: its name, and what happens with what the game is told and the status after it.
type Row = (
    &'static str,
    &'static [(Step, &'static str, ConnectionStatus)],
);

/// Section 2.3, from top to bottom; where one row holds for several setups or events, each has a line.
const ROWS: &[Row] = &[
    (
        "any, mesh or server or 3.x without compatibility: CONNECTED",
        &[
            (Start(Mesh(2)), "", Connected),
            (Close, "", Disconnected),
            (Start(Server), "", Connected),
            (Close, "", Disconnected),
            (Start(Plain(2)), "", Connected),
            (Close, "", Disconnected),
            (Start(Plain(1)), "", Connected),
        ],
    ),
    (
        "compatibility changes nothing for peer 1 itself",
        &[
            (Start(Compatible(1)), "", Connected),
            (Add(3), "", Connected),
            (Open(3), "+3", Connected),
            (Go(3), "-3", Connected),
        ],
    ),
    (
        "any, client or 3.x with compatibility: CONNECTING",
        &[
            (Start(Client(2)), "", Connecting),
            (Close, "", Disconnected),
            (Start(Compatible(2)), "", Connecting),
        ],
    ),
    (
        "a second setup is an error and changes nothing",
        &[
            (Start(Client(2)), "", Connecting),
            (StartAgain(Mesh(2)), "", Connecting),
            (StartAgain(Plain(3)), "", Connecting),
            (StartAgain(Server), "", Connecting),
        ],
    ),
    (
        "CONNECTING, peer 1 fully open: CONNECTED (client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1", Connected),
        ],
    ),
    (
        "CONNECTING, peer 1 fully open: CONNECTED (3.x, alone)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1 succeeded", Connected),
        ],
    ),
    (
        "CONNECTING, peer 1 fully open: CONNECTED, then the others ascending (3.x)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(9), "", Connecting),
            (Open(9), "", Connecting),
            (Add(1), "", Connecting),
            (Add(4), "", Connecting),
            (Open(4), "", Connecting),
            (Add(5), "", Connecting),
            (Open(1), "+1 succeeded +4 +9", Connected),
            (Open(5), "+5", Connected),
        ],
    ),
    (
        "CONNECTED, open peer 1 lost: DISCONNECTED (client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1", Connected),
            (Go(1), "-1", Disconnected),
        ],
    ),
    (
        "CONNECTED, open peer 1 removed: DISCONNECTED (client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1", Connected),
            (Remove(1), "-1", Disconnected),
        ],
    ),
    (
        "CONNECTED, open peer 1 disconnected without force: DISCONNECTED (client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1", Connected),
            (Disconnect(1), "-1", Disconnected),
        ],
    ),
    (
        "CONNECTED, open peer 1 lost: DISCONNECTED (3.x); the others stay, and are lost one by one",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(3), "", Connecting),
            (Add(4), "", Connecting),
            (Add(1), "", Connecting),
            (Open(3), "", Connecting),
            (Open(1), "+1 succeeded +3", Connected),
            (Go(1), "-1 server-gone", Disconnected),
            (Open(4), "", Disconnected),
            (Go(3), "-3", Disconnected),
        ],
    ),
    (
        "CONNECTED, open peer 1 removed: DISCONNECTED (3.x)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1 succeeded", Connected),
            (Remove(1), "-1 server-gone", Disconnected),
        ],
    ),
    (
        "DISCONNECTED, peer 1 comes again: CONNECTED, and those withheld meanwhile (3.x, section 2.1 step 6)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Add(3), "", Connecting),
            (Open(3), "", Connecting),
            (Open(1), "+1 succeeded +3", Connected),
            (Go(1), "-1 server-gone", Disconnected),
            (Add(8), "", Disconnected),
            (Open(8), "", Disconnected),
            (Add(6), "", Disconnected),
            (Open(6), "", Disconnected),
            (Add(1), "", Disconnected),
            // Peer 3 was there all the time, and is told again with the others.
            (Open(1), "+1 succeeded +3 +6 +8", Connected),
        ],
    ),
    (
        "DISCONNECTED, peer 1 comes again: CONNECTED (client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1", Connected),
            (Fail(1), "-1", Disconnected),
            (Add(1), "", Disconnected),
            (Open(1), "+1", Connected),
        ],
    ),
    (
        "any, disconnect_peer(1, force): DISCONNECTED without a word (client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Force(1), "", Disconnected),
            (Add(1), "", Disconnected),
            (Open(1), "+1", Connected),
            (Force(1), "", Disconnected),
        ],
    ),
    (
        "any, disconnect_peer(1, force): DISCONNECTED without a word (3.x has no such call; by the same rule)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1 succeeded", Connected),
            (Force(1), "", Disconnected),
        ],
    ),
    (
        "force is silent about any peer, and touches nothing else",
        &[
            (Start(Mesh(2)), "", Connected),
            (Add(3), "", Connected),
            (Open(3), "+3", Connected),
            (Force(3), "", Connected),
            (Add(3), "", Connected),
            (Force(3), "", Connected),
            (Add(3), "", Connected),
            (Open(3), "+3", Connected),
        ],
    ),
    (
        "CONNECTING, peer 1 lost before opening: told, and DISCONNECTED (Godot waits for ever; client)",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Fail(1), "!1 failed", Disconnected),
        ],
    ),
    (
        "CONNECTING, peer 1 lost before opening: told, and DISCONNECTED (3.x)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Go(1), "!1 failed", Disconnected),
        ],
    ),
    (
        "CONNECTING, the deadline of peer 1 passes: told, and DISCONNECTED",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Deadline, "!1 failed", Disconnected),
            (Close, "", Disconnected),
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Deadline, "!1 failed", Disconnected),
        ],
    ),
    (
        "CONNECTING, peer 1 taken back before opening: stays CONNECTING",
        &[
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Remove(1), "", Connecting),
            (Add(1), "", Connecting),
            (Disconnect(1), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1", Connected),
        ],
    ),
    (
        "CONNECTING, another peer lost before opening: stays CONNECTING (3.x)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(3), "", Connecting),
            (Fail(3), "!3", Connecting),
        ],
    ),
    (
        "CONNECTING, a withheld peer lost: never told (3.x)",
        &[
            (Start(Compatible(2)), "", Connecting),
            (Add(3), "", Connecting),
            (Open(3), "", Connecting),
            (Go(3), "", Connecting),
            (Add(4), "", Connecting),
            (Open(4), "", Connecting),
            (Remove(4), "", Connecting),
        ],
    ),
    (
        "any, close: DISCONNECTED without a word",
        &[
            (Close, "", Disconnected),
            (Start(Mesh(2)), "", Connected),
            (Add(3), "", Connected),
            (Open(3), "+3", Connected),
            (Close, "", Disconnected),
            (Start(Client(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Close, "", Disconnected),
            (Start(Compatible(2)), "", Connecting),
            (Add(1), "", Connecting),
            (Open(1), "+1 succeeded", Connected),
            (Close, "", Disconnected),
        ],
    ),
    (
        "in a mesh, peer 1 is one of many",
        &[
            (Start(Mesh(2)), "", Connected),
            (Add(1), "", Connected),
            (Open(1), "+1", Connected),
            (Go(1), "-1", Connected),
            (Add(1), "", Connected),
            (Fail(1), "!1", Connected),
        ],
    ),
    (
        "a server goes on without its clients",
        &[
            (Start(Server), "", Connected),
            (Add(3), "", Connected),
            (Open(3), "+3", Connected),
            (Add(4), "", Connected),
            (Fail(4), "!4", Connected),
            (Go(3), "-3", Connected),
        ],
    ),
];

#[test]
fn every_row_of_the_status_machine() {
    for (name, steps) in ROWS {
        let mut rig = Rig::new();
        assert_eq!(rig.mesh.connection_status(), Disconnected, "a new object");
        for (number, &(step, told, status)) in steps.iter().enumerate() {
            take(&mut rig, step);
            let at = format!("{name}, step {number}: {step:?}");
            assert_eq!(rig.told(), told, "{at}");
            assert_eq!(rig.mesh.connection_status(), status, "{at}");
        }
    }
}
