//! What the task of a link is made of.

use mesh_core::LinkId;

use super::*;

const LINK: LinkId = LinkId {
    slot: 0,
    generation: 0,
};

#[tokio::test]
async fn the_task_of_a_link_is_small_for_its_life() {
    let (events, _incoming) = tokio::sync::mpsc::unbounded_channel();
    let (_orders, received) = async_channel::unbounded();
    let inbox = LinkInbox::new(LINK, events, 0);
    let task = run(Start {
        config: LinkConfig::default(),
        platform: Arc::default(),
        sockets: SocketOptions::default(),
        end: End::new(&inbox),
        inbox,
        orders: received,
        figures: Figures::default(),
        resolver: Arc::new(Resolver::new(tokio::runtime::Handle::current(), None)),
        oversight: Oversight::default(),
    });
    let size = size_of_val(&task);
    assert!(size <= 8 * 1024, "{size} bytes");
}
