//! A peer of a later version of our wire, which knows more than we do and says so: in plain JavaScript.

use std::time::Duration;

use mesh_core::{Backend, Command, GivenReason, Goodbye, LinkEvent, SendLimits};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stranger::Stranger;
use crate::support::{LINK, Pair};

/// As `docs/wire.md` has it, but for the number.
const ANNOUNCEMENT: &str = "a=webrtc-multiplayer:3\r\n";

/// It has the channels of the wire.
const CHANNELS: &str = "channel => ({
    pulse: channel('pulse', 1000, { ordered: false, maxRetransmits: 0 }),
    control: channel('control', 1001, {}),
})";

/// Says on both channels what we do not know, and then what we do: a longer ping than ours, and a question whether two messages are there,
/// which follow. It answers pings with more bytes than we know, and says goodbye when a message comes. Gives what it hears.
const LATER: &str = "(pc, own, planned) => {
    const heard = { pulse: [], control: [] };
    const say = (channel, bytes) => channel.send(new Uint8Array(bytes));
    const unknown = channel => {
        for (const message of [[0], [6, 1, 2, 3], [255]]) say(channel, message);
        channel.send('of a later version');
    };
    for (const [name, channel] of Object.entries(own)) {
        channel.binaryType = 'arraybuffer';
        channel.onmessage = e => {
            const bytes = [...new Uint8Array(e.data)];
            heard[name].push(bytes.join(' '));
            if (name == 'pulse' && bytes[0] == 1) say(channel, [2, bytes[1], bytes[2], 77]);
        };
    }
    own.pulse.onopen = () => {
        unknown(own.pulse);
        say(own.pulse, [1, 18, 52, 0, 0, 0, 1, 255, 77, 77]);
    };
    own.control.onopen = () => {
        unknown(own.control);
        say(own.control, [1, 0, 7, 0, 1, 0, 0, 0, 2]);
        planned[0].send('one');
        planned[0].send('two');
    };
    planned[0].onmessage = () => say(own.control, [3, 0, 0, 7, 98, 121, 101]);
    return () => Object.entries(heard).map(([name, all]) => all.map(one => `${name} ${one};`).join('')).join('');
}";

/// The reason of both goodbyes.
fn bye() -> Goodbye {
    Goodbye::Left(GivenReason::new(7, "bye"))
}

#[wasm_bindgen_test]
async fn a_peer_of_a_later_version_is_spoken_to_in_what_both_know() {
    let mut pair = Pair::new();
    pair.a.open(SendLimits::default(), 1 << 20);
    // The other peer of the pair has no link: what is meant for it goes to the far side in JavaScript.
    pair.b.backend = None;
    let later = Stranger::with(&mut pair.a, CHANNELS, ANNOUNCEMENT, LATER).await;
    let mut answer = String::new();
    let signal = |signal: &LinkEvent| {
        if let LinkEvent::Description { description, .. } = signal {
            answer.clone_from(&description.sdp);
        }
        later.hear(signal);
    };
    pair.until_signalled("all that is known to both", signal, |a| {
        let heard = later.seen();
        let backend = a.backend.as_ref().expect("it is there");
        // Pings of ours come, and its answers to them give a round trip.
        heard.contains("pulse 1 ")
            && backend.stats(LINK).round_trip.is_some()
            && heard.contains("pulse 2 18 52;")
            && heard.contains("control 2 0 7;")
            && a.messages().len() == 2
    })
    .await;
    assert!(answer.contains("a=webrtc-multiplayer:2\r\n"), "{answer}");
    pair.a.send("say goodbye");
    let goodbye = |event: &LinkEvent| match event {
        LinkEvent::Goodbye { goodbye, .. } => *goodbye == bye(),
        _ => false,
    };
    pair.until_signalled("its goodbye", |_| {}, |a| a.count(goodbye) == 1)
        .await;
    pair.a.execute(Command::Goodbye {
        link: LINK,
        goodbye: bye(),
    });
    pair.a.close(Duration::from_secs(5));
    let heard = |_: &_| later.seen().contains("control 3 0 0 7 98 121 101;");
    pair.until_signalled("ours to be heard", |_| {}, heard)
        .await;
    later.close();
}
