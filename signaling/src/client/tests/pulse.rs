//! Whether the server is still there.

use mesh_core::{Duration, LostReason, Signaling};

use super::resuming::{back, interrupted, ours};
use super::*;

#[test]
fn a_dead_server_is_noticed_within_ten_seconds() {
    let mut client = ours(7, &[1]);
    let asked = client.poll_timeout().expect("a pulse");
    assert_eq!(drain_at(&mut client, asked), []);
    assert_eq!(client.transport.sent, [r#"{"type":32,"id":0,"data":""}"#]);
    let dead = client.poll_timeout().expect("a pulse");
    assert!(dead - START < Duration::from_secs(10));
    let why = "the server does not answer any more".to_owned();
    let reason = LostReason::Unreachable(why);
    assert_eq!(drain_at(&mut client, dead), [interrupted(reason)]);
    // It is abandoned, not left.
    assert!(!client.transport.closed);
    assert_eq!(client.transport.sent.len(), 1);
    back(&mut client, 7, &[1]);
}

#[test]
fn a_server_that_is_doubted_is_asked_at_once() {
    let mut client = ours(7, &[1]);
    client.doubt(START);
    assert_eq!(client.poll_timeout(), Some(START));
    assert_eq!(drain(&mut client), []);
    assert_eq!(client.transport.sent, [r#"{"type":32,"id":0,"data":""}"#]);
}

#[test]
fn a_server_that_answers_is_asked_for_ever() {
    let mut client = ours(7, &[1]);
    for _ in 0..50 {
        let due = client.poll_timeout().expect("a pulse");
        assert_eq!(drain_at(&mut client, due), []);
        assert_eq!(
            client.transport.sent.pop().as_deref(),
            Some(r#"{"type":32,"id":0,"data":""}"#)
        );
        client
            .transport
            .incoming
            .push_back(text(r#"{"type":33,"id":0,"data":""}"#));
        assert_eq!(drain_at(&mut client, due), []);
    }
}
