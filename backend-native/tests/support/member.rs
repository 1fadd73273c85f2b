//! A backend and a hostile member of its mesh.

use std::task::Context;

use hostile_member::Member;
use mesh_core::{CloseReason, LinkConfig, SdpType, SessionDescription};

use super::{INBOX, PATIENCE, Peer, link, specs, unpark_me, wait_until};

/// An open link of `peer` with a hostile member.
pub(crate) fn besiege(peer: &mut Peer, generation: u32) -> Member {
    peer.open(link(generation), LinkConfig::default(), INBOX, &specs());
    peer.offer();
    peer.wait("an offer", |peer| !peer.descriptions.is_empty());
    let (mut member, answer) = Member::answer(&peer.descriptions[0].sdp).expect("a member");
    peer.set_remote(SessionDescription {
        sdp_type: SdpType::Answer,
        sdp: answer,
    });
    assert!(member.open(PATIENCE), "the member is let in");
    peer.wait("the channels", |peer| peer.opened.len() >= 3);
    member
}

/// Sends this again and again until `peer` has ended the link; the reason.
pub(crate) fn until_the_end(
    peer: &mut Peer,
    member: &mut Member,
    mut send: impl FnMut(&mut Member),
) -> CloseReason {
    let waker = unpark_me();
    let mut cx = Context::from_waker(&waker);
    wait_until("the end of the link", || {
        send(member);
        member.turn();
        peer.poll(&mut cx);
        waker.wake_by_ref();
        peer.closed.is_some()
    });
    peer.closed.clone().expect("an end")
}
