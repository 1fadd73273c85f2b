//! The clauses of the contract of [`mesh_core::Backend`] about waking, full buffers and being dropped: 8 to 10.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select, try_join};
use mesh_core::{
    BackendSendError, CloseReason, Command, Instant, LinkId, MeshConfig, SendLimits, TransferMode,
};

use super::steps;
use crate::failure::{ensure, ensure_eq};
use crate::{Content, Matchmaker, Outcome, Participant};

/// The last waker given is the one that is woken, by an alarm in time and by an event.
pub async fn clause_08_the_last_waker_is_woken(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let patience = Duration::from_secs(4);
    matchmaker
        .relaying(async {
            let (near, far) = steps::link(&matchmaker, &cast, 0, 1).await?;
            // Something may still happen to a new link, and wakes as well.
            let woken = loop {
                let woken = a.wake(Some(Duration::from_millis(50)), patience).await?;
                if !woken.by_event {
                    break woken;
                }
            };
            let late =
                Instant::from_micros(woken.at_micros) - Instant::from_micros(woken.timer_at_micros);
            ensure!(woken.last, "the alarm did not wake the last waker");
            ensure!(
                late <= a.kind().alarm_slack(),
                "the alarm rang {late:?} after a timer for the same moment"
            );
            // Again and again: the first may arrive before anybody waits.
            let woken = match select(pin!(a.wake(None, patience)), pin!(tick(b, far))).await {
                Either::Left((woken, _)) => woken?,
                Either::Right((Err(failure), _)) => return Err(failure),
                Either::Right((Ok(never), _)) => match never {},
            };
            ensure!(woken.last, "a message did not wake the last waker");
            a.message(near).await.map(drop)
        })
        .await
}

/// Without end: a message every 20 ms.
async fn tick(from: &Participant, link: LinkId) -> Outcome<Infallible> {
    loop {
        from.send_on(link, TransferMode::Reliable, Content::numbered(0, 8))
            .await?;
        from.sleep(Duration::from_millis(20)).await?;
    }
}

/// A channel takes no more at its high-water mark, says so, and says when there is room; what it took arrives.
pub async fn clause_09_full_and_then_low(cast: [Participant; 2]) -> Outcome {
    let [a, b] = &cast;
    steps::start_backends(&cast).await?;
    let limits = SendLimits {
        high_water: 256 * 1024,
        low_water: 64 * 1024,
        ..SendLimits::default()
    };
    let (many, len) = (4096, 4 * 1024);
    let inbox_bytes = MeshConfig::default().inbox_bytes;
    let near = a.open_with(limits, inbox_bytes).await?;
    let far = b.open_with(limits, inbox_bytes).await?;
    let matchmaker = Matchmaker::new(&cast);
    matchmaker.connect((0, near), (1, far));
    let mode = TransferMode::Reliable;
    matchmaker
        .relaying(async {
            matchmaker.offer(0, near).await?;
            try_join(a.opened(near), b.opened(far)).await?;
            let content = Content::numbered(0, len);
            let report = match a.try_send_on(near, mode.channel(), content, many).await? {
                Ok(report) => report,
                Err(error) => return Err(a.fail(format!("the first message: {error}"))),
            };
            let taken = report.messages;
            ensure!(
                taken < many,
                "all of {many} messages were taken, {len} bytes each"
            );
            // It drains meanwhile, so the high-water mark itself may not be seen.
            let bounds = limits.low_water..=limits.high_water;
            ensure!(
                bounds.contains(&report.most_buffered),
                "it became full with {} bytes buffered at most",
                report.most_buffered
            );
            steps::room_on(a, near, mode.channel()).await?;
            a.send_on(near, mode, Content::numbered(taken, len)).await?;
            for expected in 0..=taken {
                let (_, body) = b.message(far).await?;
                ensure_eq!(steps::number(b, &body)?, expected, "the next message");
            }
            Ok(())
        })
        .await
}

/// A backend that is dropped closes all its links, and the far sides notice; a channel that is not there takes nothing.
pub async fn clause_10_dropping_closes_every_link(cast: [Participant; 3]) -> Outcome {
    let [a, b, c] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    // Relayed no longer than that: who is dropped takes no late candidates.
    let (to_b, to_c, (between, and_back)) = matchmaker
        .relaying(async {
            let (_, to_b) = steps::link(&matchmaker, &cast, 0, 1).await?;
            let (_, to_c) = steps::link(&matchmaker, &cast, 0, 2).await?;
            Ok((to_b, to_c, steps::link(&matchmaker, &cast, 1, 2).await?))
        })
        .await?;
    a.drop_all().await?;
    for (participant, link) in [(b, to_b), (c, to_c)] {
        participant.closed_by_far(link).await?;
        let channel = TransferMode::Reliable.channel();
        let refused = participant
            .try_send_on(link, channel, Content::numbered(0, 8), 1)
            .await?;
        ensure_eq!(
            refused.err(),
            Some(BackendSendError::NotOpen),
            "sending on a link that has ended"
        );
    }
    b.send_on(between, TransferMode::Reliable, Content::numbered(1, 8))
        .await?;
    c.message(and_back).await.map(drop)
}

/// A close waits for what was accepted, but no longer than its linger: the far side may be gone for good.
pub async fn a_linger_has_an_end(cast: [Participant; 2]) -> Outcome {
    let [a, victim] = &cast;
    steps::start_backends(&cast).await?;
    let matchmaker = Matchmaker::new(&cast);
    let (link, _) = matchmaker
        .relaying(steps::link(&matchmaker, &cast, 0, 1))
        .await?;
    victim.kill().await?;
    a.send_on(link, TransferMode::Reliable, Content::numbered(0, 10_000))
        .await?;
    let linger = Duration::from_millis(400);
    let began = a.now().await?;
    a.execute(Command::Close { link, linger }).await?;
    ensure_eq!(a.closed(link).await?, CloseReason::Local, "how it ended");
    let took = a.now().await? - began;
    ensure!(
        took <= linger + a.kind().timer_slack(),
        "a linger of {linger:?} took {took:?}"
    );
    Ok(())
}
