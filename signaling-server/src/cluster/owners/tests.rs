//! What an instance tells the broker, and when.

use std::io;

use futures_util::FutureExt;

use super::*;
use crate::cluster::Group;

/// An instance whose broker nobody asks.
fn alone() -> Cluster {
    let nobody = ([127, 0, 0, 1], 9).into();
    let config = ClusterConfig::new("redis://127.0.0.1:9", nobody);
    let cluster = Cluster::new(&config, nobody, &ResumeKey::fixed(), Duration::ZERO);
    cluster.expect("a broker is asked later")
}

fn is_told_early(cluster: &Cluster) -> bool {
    cluster.early.notified().now_or_never().is_some()
}

#[tokio::test]
async fn the_broker_hears_early_of_a_lobby_that_members_can_come_back_to() {
    let now = Instant::from_micros(1);
    let lobby = Key::lobby("demo");
    let group = Key::Group(Group {
        name: "demo".into(),
        size: 2,
        is_mesh: true,
    });
    for (key, is_ours, is_news) in [
        (&lobby, true, true),
        (&lobby, false, false),
        // Its members come back to a lobby.
        (&group, true, false),
    ] {
        let cluster = alone();
        cluster.lock().granted(now, key.clone(), 7, false, false);
        cluster.seated(key, is_ours);
        assert_eq!(is_told_early(&cluster), is_news, "{key} {is_ours}");
        let early = cluster.renewals(now, Round::Early, |_| true).concat();
        let early = early.into_iter().map(|renewal| renewal.key);
        assert!(early.eq(is_news.then(|| key.clone())), "{key} {is_ours}");
        // It has heard it.
        cluster.seated(key, is_ours);
        assert!(!is_told_early(&cluster), "{key} {is_ours}");
    }
}

#[tokio::test]
async fn a_lobby_that_was_given_again_is_not_lost_with_its_earlier_number() {
    let cluster = alone();
    let (now, key) = (Instant::from_micros(1), Key::lobby("demo"));
    let lease = |fence| Renewal {
        key: key.clone(),
        fence,
        keeps_seats: false,
    };
    cluster.lock().granted(now, key.clone(), 7, false, false);
    // The question was about 6, and the answer is late.
    assert!(!cluster.lost(&lease(6)));
    assert!(cluster.may_seat(now, &key, 7, false));
    assert!(cluster.lost(&lease(7)));
    assert!(!cluster.may_seat(now, &key, 7, false));
    assert!(!cluster.lost(&lease(7)), "it is gone already");
}

#[tokio::test]
async fn what_is_to_be_said_early_does_not_put_off_the_others() {
    let cluster = alone();
    let later = Clock::now() + Duration::from_secs(600);
    cluster.early.notify_one();
    assert_eq!(cluster.due(later).await, Round::Early);
    cluster.early.notify_one();
    assert_eq!(cluster.due(Clock::now()).await, Round::All);
}

#[tokio::test]
async fn all_leases_are_renewed_often_enough_whatever_is_said_early() {
    let cluster = alone();
    let begun = Clock::now();
    let told = begun + Duration::from_millis(1);
    let after = |round, has_failed| cluster.after(round, told, begun, has_failed);
    for has_failed in [false, true] {
        assert_eq!(after(Round::Early, has_failed), told);
    }
    let [next, sooner] = [false, true].map(|has_failed| after(Round::All, has_failed));
    // Two rounds may be missed before a lease ends, and one that has failed is made good sooner.
    assert_eq!(next - begun, ClusterConfig::DEFAULT_LEASE / 3);
    assert!(begun < sooner && sooner < next);
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_operator_reads_of_leases_that_the_broker_was_not_told_are_free() {
    let (log, cluster) = (Log::default(), alone());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let _log = tracing::subscriber::set_default(subscriber.finish());
    cluster.free(Vec::new()).await;
    assert_eq!(log.text(), "", "there was nothing to tell");
    let lease = Renewal {
        key: Key::lobby("demo"),
        fence: 7,
        keeps_seats: false,
    };
    cluster.free(vec![vec![lease]]).await;
    let text = log.text();
    assert!(text.contains("the broker was not told in time"), "{text}");
}
