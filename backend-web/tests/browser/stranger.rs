//! A far side in plain JavaScript, which does what no peer of ours does.

use js_sys::{Array, Function, Promise};
use mesh_core::{Command, LinkEvent, SdpType, SessionDescription};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::support::Peer;

/// It has the three built-in channels, as Godot makes them, and those that `more` makes, and runs `act` with the connection, the built-in
/// channels and the others. Its offer has all candidates in it.
const STRANGER: &str = "
    const pc = new RTCPeerConnection();
    const channel = (label, id, init) => pc.createDataChannel(label, { negotiated: true, id, ...init });
    const planned = [channel('reliable', 1, {}), channel('ordered', 2, { maxRetransmits: 0 }),
        channel('unreliable', 3, { ordered: false, maxRetransmits: 0 })];
    const seen = act(pc, more(channel), planned);
    const gathered = new Promise(done => { pc.onicecandidate = e => { if (!e.candidate) done(); }; });
    const offer = pc.createOffer().then(o => pc.setLocalDescription(o)).then(() => gathered)
        .then(() => pc.localDescription.sdp);
    return [offer, sdp => pc.setRemoteDescription({ type: 'answer', sdp }),
        c => pc.addIceCandidate({ candidate: c, sdpMid: '0' }), () => pc.close(), seen];
";

/// It has no other channels.
const NOTHING: &str = "() => {}";

/// It has a control channel.
const CONTROL: &str = "channel => channel('control', 1001, {})";

/// The far side.
pub(crate) struct Stranger {
    answer: Function,
    candidate: Function,
    close: Function,
    seen: JsValue,
}

impl Stranger {
    /// Makes one with a control channel and gives its offer to the open link of `peer`. `act` is a function of the connection and the
    /// control channel.
    pub(crate) async fn offer_to(peer: &mut Peer, act: &str) -> Self {
        Self::with(peer, CONTROL, "", act).await
    }

    /// The same of a peer that says that it knows our wire.
    pub(crate) async fn announced(peer: &mut Peer, act: &str) -> Self {
        Self::with(peer, CONTROL, "a=webrtc-multiplayer:2\r\n", act).await
    }

    /// The same with the three built-in channels alone. `act` is a function of the connection, nothing and the channels.
    pub(crate) async fn with_three_channels(peer: &mut Peer, act: &str) -> Self {
        Self::with(peer, NOTHING, "", act).await
    }

    /// Makes one with the channels that `more` makes, a function of one that makes a channel, and gives its offer, with these lines in
    /// the session part, to the open link of `peer`. `act` is a function of the connection, what `more` returns, and the built-in
    /// channels.
    pub(crate) async fn with(peer: &mut Peer, more: &str, lines: &str, act: &str) -> Self {
        let script = format!("const act = {act}; const more = {more}; {STRANGER}");
        let parts: Array = Function::new_no_args(&script)
            .call0(&JsValue::UNDEFINED)
            .expect("it runs")
            .unchecked_into();
        let part = |at| parts.get(at).unchecked_into::<Function>();
        let offer = parts.get(0).unchecked_into::<Promise>();
        let sdp = JsFuture::from(offer).await.expect("an offer").as_string();
        let sdp = sdp.expect("text");
        let link = peer.link;
        peer.execute(Command::SetRemote {
            link,
            description: SessionDescription {
                sdp_type: SdpType::Offer,
                sdp: sdp.replacen("m=", &format!("{lines}m="), 1),
            },
        });
        Self {
            answer: part(1),
            candidate: part(2),
            close: part(3),
            seen: parts.get(4),
        }
    }

    /// What the function says that `act` has returned.
    pub(crate) fn seen(&self) -> String {
        let seen = self.seen.unchecked_ref::<Function>();
        let seen = seen.call0(&JsValue::UNDEFINED).expect("a function");
        seen.as_string().expect("text")
    }

    /// Takes an answer or a candidate.
    pub(crate) fn hear(&self, signal: &LinkEvent) {
        let (function, text) = match signal {
            LinkEvent::Description { description, .. } => (&self.answer, &description.sdp),
            LinkEvent::Candidate { candidate, .. } => (&self.candidate, &candidate.candidate),
            other => panic!("{other:?}"),
        };
        let told = function.call1(&JsValue::UNDEFINED, &JsValue::from_str(text));
        told.expect("the far side takes it");
    }

    pub(crate) fn close(self) {
        let _ = self.close.call0(&JsValue::UNDEFINED);
    }
}
