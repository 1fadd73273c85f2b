//! One connection of web-sys with the three built-in channels.

use async_channel::Sender;
use js_sys::Uint8Array;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    MessageEvent, RtcDataChannel, RtcDataChannelInit, RtcDataChannelType, RtcPeerConnection,
};

use crate::pair::LOW_WATER;

/// What the browser calls.
pub(super) type Callback = Closure<dyn FnMut(JsValue)>;

pub(super) struct End {
    pub(super) connection: RtcPeerConnection,
    pub(super) channels: [RtcDataChannel; 3],
    _open: Callback,
}

impl End {
    /// Says of each channel when it is open.
    pub(super) fn new(open: &Sender<()>) -> Result<Self, JsValue> {
        let connection = RtcPeerConnection::new()?;
        let channels = [
            channel(&connection, "reliable", 1, true, None),
            channel(&connection, "ordered", 2, true, Some(0)),
            channel(&connection, "unreliable", 3, false, Some(0)),
        ];
        let open = open.clone();
        let opened = Callback::new(move |_| {
            // Fails where nobody waits any more.
            let _ = open.try_send(());
        });
        for channel in &channels {
            channel.set_onopen(Some(opened.as_ref().unchecked_ref()));
        }
        Ok(Self {
            connection,
            channels,
            _open: opened,
        })
    }

    pub(super) const fn reliable(&self) -> &RtcDataChannel {
        let [reliable, ..] = &self.channels;
        reliable
    }

    pub(super) fn close(self) {
        for channel in &self.channels {
            channel.set_onopen(None);
        }
        self.connection.close();
    }
}

fn channel(
    connection: &RtcPeerConnection,
    label: &str,
    id: u16,
    ordered: bool,
    retransmits: Option<u16>,
) -> RtcDataChannel {
    let init = RtcDataChannelInit::new();
    init.set_negotiated(true);
    init.set_id(id);
    init.set_ordered(ordered);
    if let Some(retransmits) = retransmits {
        init.set_max_retransmits(retransmits);
    }
    let channel = connection.create_data_channel_with_data_channel_dict(label, &init);
    channel.set_binary_type(RtcDataChannelType::Arraybuffer);
    channel.set_buffered_amount_low_threshold(LOW_WATER as u32);
    channel
}

/// A message, copied once out of JavaScript.
pub(super) fn bytes(event: &JsValue) -> Vec<u8> {
    let event: &MessageEvent = event.unchecked_ref();
    Uint8Array::new(&event.data()).to_vec()
}
