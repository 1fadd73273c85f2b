//! Figures for operators, in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::goodbye::Goodbye;

/// What has happened since the start. Names and reasons are fixed words, so their number is bounded.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    sockets: AtomicU64,
    joins: AtomicU64,
    resumes: AtomicU64,
    relayed: AtomicU64,
    relayed_bytes: AtomicU64,
    dropped: AtomicU64,
    unknown: AtomicU64,
    handshakes_cut: AtomicU64,
    accept_errors: AtomicU64,
    forwarded: AtomicU64,
    broker_errors: AtomicU64,
    goodbyes: Mutex<BTreeMap<&'static str, u64>>,
}

/// How it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gauges {
    pub(crate) peers: usize,
    pub(crate) members: usize,
    pub(crate) away: usize,
    pub(crate) lobbies: usize,
}

impl Metrics {
    pub(crate) fn socket(&self) {
        add(&self.sockets, 1);
    }

    pub(crate) fn join(&self) {
        add(&self.joins, 1);
    }

    pub(crate) fn resume(&self) {
        add(&self.resumes, 1);
    }

    pub(crate) fn relayed(&self, bytes: usize) {
        add(&self.relayed, 1);
        add(&self.relayed_bytes, bytes as u64);
    }

    pub(crate) fn dropped(&self) {
        add(&self.dropped, 1);
    }

    pub(crate) fn unknown(&self) {
        add(&self.unknown, 1);
    }

    pub(crate) fn handshake_cut(&self) {
        add(&self.handshakes_cut, 1);
    }

    pub(crate) fn accept_error(&self) {
        add(&self.accept_errors, 1);
    }

    pub(crate) fn forwarded(&self) {
        add(&self.forwarded, 1);
    }

    pub(crate) fn broker_error(&self) {
        add(&self.broker_errors, 1);
    }

    pub(crate) fn goodbye(&self, goodbye: &Goodbye) {
        let mut goodbyes = self.goodbyes.lock().unwrap_or_else(PoisonError::into_inner);
        *goodbyes.entry(goodbye.name()).or_default() += 1;
    }

    /// How many sockets the server has closed.
    pub(crate) fn closed(&self) -> u64 {
        let goodbyes = self.goodbyes.lock().unwrap_or_else(PoisonError::into_inner);
        goodbyes.values().sum()
    }

    /// The page.
    pub(crate) fn page(&self, now: Gauges) -> String {
        let mut page = String::new();
        for (name, help, value) in [
            ("peers", "Sockets that are served.", now.peers),
            ("members", "Sockets that are in a lobby.", now.members),
            (
                "away",
                "Seats that are kept for members whose socket is gone.",
                now.away,
            ),
            ("lobbies", "Lobbies.", now.lobbies),
        ] {
            family(&mut page, name, "gauge", help);
            line(&mut page, name, "", value as u64);
        }
        for (name, help, value) in [
            ("sockets_total", "Sockets that were opened.", &self.sockets),
            ("joins_total", "Joins of a lobby.", &self.joins),
            (
                "resumes_total",
                "Members that came back to their seat.",
                &self.resumes,
            ),
            ("relayed_total", "Messages passed on.", &self.relayed),
            (
                "relayed_bytes_total",
                "Bytes of the messages passed on.",
                &self.relayed_bytes,
            ),
            (
                "dropped_total",
                "Messages dropped because their receiver had no room for their sender.",
                &self.dropped,
            ),
            (
                "unknown_total",
                "Messages of an unknown type, which were passed over.",
                &self.unknown,
            ),
            (
                "handshakes_cut_total",
                "Connections cut on their way because there were too many.",
                &self.handshakes_cut,
            ),
            (
                "accept_errors_total",
                "Connections that the system could not give us.",
                &self.accept_errors,
            ),
            (
                "forwarded_total",
                "Sockets whose lobby another instance has.",
                &self.forwarded,
            ),
            (
                "broker_errors_total",
                "Questions that the broker has not answered.",
                &self.broker_errors,
            ),
        ] {
            family(&mut page, name, "counter", help);
            line(&mut page, name, "", value.load(Ordering::Relaxed));
        }
        let name = "closed_total";
        family(
            &mut page,
            name,
            "counter",
            "Sockets that the server closed, by reason.",
        );
        let goodbyes = self.goodbyes.lock().unwrap_or_else(PoisonError::into_inner);
        for (reason, value) in goodbyes.iter() {
            line(&mut page, name, &format!("{{reason=\"{reason}\"}}"), *value);
        }
        page
    }
}

fn add(counter: &AtomicU64, value: u64) {
    counter.fetch_add(value, Ordering::Relaxed);
}

fn family(page: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(page, "# HELP signaling_{name} {help}");
    let _ = writeln!(page, "# TYPE signaling_{name} {kind}");
}

fn line(page: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(page, "signaling_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_a_figure_of_its_own() {
        type Event = fn(&Metrics);
        let events: [(Event, &str); 9] = [
            (Metrics::socket, "sockets"),
            (Metrics::join, "joins"),
            (Metrics::resume, "resumes"),
            (Metrics::dropped, "dropped"),
            (Metrics::unknown, "unknown"),
            (Metrics::handshake_cut, "handshakes_cut"),
            (Metrics::accept_error, "accept_errors"),
            (Metrics::forwarded, "forwarded"),
            (Metrics::broker_error, "broker_errors"),
        ];
        let nobody = Gauges {
            peers: 0,
            members: 0,
            away: 0,
            lobbies: 0,
        };
        for (happens, name) in events {
            let metrics = Metrics::default();
            happens(&metrics);
            happens(&metrics);
            let page = metrics.page(nobody);
            let figures = page.lines().filter(|line| !line.starts_with('#'));
            let counted: Vec<_> = figures.filter(|line| !line.ends_with(" 0")).collect();
            assert_eq!(counted, [format!("signaling_{name}_total 2")]);
        }
    }

    #[test]
    fn the_page_is_what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.relayed(300);
        metrics.relayed(20);
        metrics.goodbye(&Goodbye::HostLeft);
        metrics.goodbye(&Goodbye::HostLeft);
        metrics.goodbye(&Goodbye::Binary);
        let page = metrics.page(Gauges {
            peers: 3,
            members: 2,
            away: 0,
            lobbies: 1,
        });
        assert!(page.starts_with(
            "# HELP signaling_peers Sockets that are served.\n# TYPE signaling_peers gauge\nsignaling_peers 3\n"
        ));
        for line in [
            "signaling_relayed_total 2",
            "signaling_relayed_bytes_total 320",
            "signaling_closed_total{reason=\"binary\"} 1",
            "signaling_closed_total{reason=\"host_left\"} 2",
        ] {
            assert!(page.lines().any(|other| other == line), "{line} in {page}");
        }
        let mut families = std::collections::BTreeSet::new();
        for line in page.lines().filter(|line| line.starts_with("# TYPE")) {
            assert!(families.insert(line), "twice: {line}");
        }
    }
}
