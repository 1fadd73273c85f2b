//! What is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::member::{Failure, Member, field};
use crate::process::Process;
use crate::report::{Report, millis, per_second, percentile};

/// How many sockets are opened at once.
const OPENING: usize = 64;

/// How many joins are timed while the others are idle.
const PROBES: usize = 1000;

/// Members of a lobby.
const SEATS: usize = 4;

/// What is sent to and fro: as long as a candidate is.
const CANDIDATE: usize = 150;

type Outcome = Result<(), Failure>;

/// Opens so many sockets, and joins a lobby with each of them if so wanted.
async fn open(server: &Process, count: usize, joins: bool) -> Result<Vec<Member>, Failure> {
    let (gate, addr) = (Arc::new(Semaphore::new(OPENING)), server.addr);
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let gate = Arc::clone(&gate);
        tasks.spawn(async move {
            let _one_of_few = gate.acquire().await?;
            let mut member = Member::connect(addr).await?;
            if joins {
                member.join(&format!("idle {}", number / SEATS)).await?;
            }
            Ok::<_, Failure>(member)
        });
    }
    let mut members = Vec::with_capacity(count);
    while let Some(member) = tasks.join_next().await {
        members.push(member??);
    }
    Ok(members)
}

/// Idle members, what they cost, and how long a join takes meanwhile.
pub(crate) async fn idle(report: &mut Report, server: &mut Process, count: usize) -> Outcome {
    // What the first ones need stays for all.
    let warm = open(server, OPENING, true).await?;
    drop(warm);
    let before = server.memory()?;
    let begun = Instant::now();
    let mut reading = JoinSet::new();
    for mut member in open(server, count, true).await? {
        reading.spawn(async move { while member.text().await.is_ok() {} });
    }
    let took = begun.elapsed();
    let each = server.memory()?.saturating_sub(before) as f64 / count as f64 / 1024.0;
    let how = format!("opened and joined in {:.1} s", took.as_secs_f64());
    report.row("idle members", &count.to_string(), &how)?;
    report.row(
        "memory of each",
        &format!("{each:.1} KiB"),
        "resident memory of the server",
    )?;
    let (computed, from) = (server.computed()?, Instant::now());
    let mut times = Vec::with_capacity(PROBES);
    for number in 0..PROBES {
        let begun = Instant::now();
        let mut member = Member::connect(server.addr).await?;
        member.join(&format!("probe {number}")).await?;
        times.push(begun.elapsed());
        member.leave().await?;
    }
    times.sort_unstable();
    let how = format!(
        "the half within {}, the worst {}",
        millis(percentile(&times, 50)),
        millis(percentile(&times, 100))
    );
    let name = "99 of 100 joins meanwhile, the connection included, within";
    report.row(name, &millis(percentile(&times, 99)), &how)?;
    let busy =
        (server.computed()?.saturating_sub(computed)).as_secs_f64() / from.elapsed().as_secs_f64();
    report.row(
        "computing time meanwhile",
        &format!("{:.0} %", busy * 100.0),
        "of one core",
    )?;
    if reading.len() < count || reading.try_join_next().is_some() {
        return Err("an idle member was sent away".into());
    }
    Ok(())
}

/// Joins of sockets that are open, all at once.
pub(crate) async fn joins(report: &mut Report, server: &Process, count: usize) -> Outcome {
    let members = open(server, count, false).await?;
    let computed = server.computed()?;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, mut member) in members.into_iter().enumerate() {
        tasks.spawn(async move {
            member.join(&format!("lobby {}", number / SEATS)).await?;
            Ok::<_, Failure>(member)
        });
    }
    let mut joined = Vec::with_capacity(count);
    while let Some(member) = tasks.join_next().await {
        joined.push(member??);
    }
    let took = begun.elapsed();
    let cost = server.computed()?.saturating_sub(computed).as_secs_f64() * 1e6 / count as f64;
    let how = format!(
        "{count} sockets that were open, lobbies of {SEATS}; {cost:.0} µs of computing each"
    );
    report.row("joins", &per_second(count, took), &how)?;
    Ok(())
}

/// Connections with a join and a leave, one after the other in each of a few tasks.
pub(crate) async fn visits(report: &mut Report, server: &Process, period: Duration) -> Outcome {
    let (addr, done) = (server.addr, Arc::new(AtomicUsize::new(0)));
    let (begun, computed) = (Instant::now(), server.computed()?);
    let mut tasks = JoinSet::new();
    for task in 0..OPENING {
        let done = Arc::clone(&done);
        tasks.spawn(async move {
            while begun.elapsed() < period {
                let mut member = Member::connect(addr).await?;
                member.join(&format!("visit {task}")).await?;
                member.leave().await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let (took, count) = (begun.elapsed(), done.load(Ordering::Relaxed));
    let cost =
        server.computed()?.saturating_sub(computed).as_secs_f64() * 1e6 / count.max(1) as f64;
    let how = format!("TCP, HTTP, join, leave, close; {cost:.0} µs of computing each");
    report.row("whole visits", &per_second(count, took), &how)?;
    Ok(())
}

/// Messages between members, each of which has a few under way.
pub(crate) async fn relayed(
    report: &mut Report,
    server: &mut Process,
    pairs: usize,
    period: Duration,
) -> Outcome {
    const UNDER_WAY: usize = 32;
    let received = Arc::new(AtomicUsize::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for pair in 0..pairs {
        let lobby = format!("pair {pair}");
        let mut host = Member::connect(server.addr).await?;
        host.join(&lobby).await?;
        let mut guest = Member::connect(server.addr).await?;
        let id = guest.join(&lobby).await?;
        for (mut member, to) in [(host, id), (guest, 1)] {
            let (received, stop) = (Arc::clone(&received), Arc::clone(&stop));
            tasks.spawn(async move {
                let data = "x".repeat(CANDIDATE);
                let text = format!(r#"{{"type":6,"id":{to},"data":"{data}"}}"#);
                for _ in 0..UNDER_WAY {
                    member.send(text.as_str()).await?;
                }
                // Each one that comes is answered with one.
                while !stop.load(Ordering::Relaxed) {
                    if field(&member.text().await?, "type") == Some(6) {
                        received.fetch_add(1, Ordering::Relaxed);
                        member.send(text.as_str()).await?;
                    }
                }
                Ok::<_, Failure>(member)
            });
        }
    }
    let (begun, computed, before) = (
        Instant::now(),
        server.computed()?,
        received.load(Ordering::Relaxed),
    );
    tokio::time::sleep(period).await;
    let count = received.load(Ordering::Relaxed) - before;
    let took = begun.elapsed();
    let computed = server.computed()?.saturating_sub(computed);
    stop.store(true, Ordering::Relaxed);
    tasks.shutdown().await;
    let cost = computed.as_secs_f64() * 1e6 / count.max(1) as f64;
    let how = format!("{CANDIDATE} bytes, {pairs} pairs; {cost:.1} µs of computing each");
    report.row("relayed messages", &per_second(count, took), &how)?;
    Ok(())
}
