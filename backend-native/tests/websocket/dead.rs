//! A server that answers no more, though its connections stand.

use std::time::{Duration, Instant};

use mesh_core::{LostReason, SignalingEvent};
use signaling_server::ResumeKey;

use crate::member::{Member, server};
use crate::swallow::Way;

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the figure is of interest")]
async fn a_client_notices_within_10_s_that_its_server_answers_no_more() {
    let key = ResumeKey::generate().expect("a key");
    let server = server(&key, None).await;
    let way = Way::to(server.local_addr()).await;
    let mut member = Member::join(&way.url).await;
    let id = member.id();
    way.swallow(true);
    let begun = Instant::now();
    let event = member.next().await;
    let time = begun.elapsed();
    println!("noticed after {time:?}");
    assert!(
        matches!(
            event,
            SignalingEvent::Interrupted {
                reason: LostReason::Unreachable(_)
            }
        ),
        "{event:?}"
    );
    assert!(time < Duration::from_secs(10), "{time:?}");
    way.swallow(false);
    assert_eq!(member.next().await, SignalingEvent::Resumed);
    assert_eq!(member.id(), id);
}
