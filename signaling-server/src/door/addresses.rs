//! What each address may have and do: sockets, joins, bytes. One address must not keep the players of all others out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mesh_core::Instant;

use crate::AddressLimits;
use crate::bucket::Bucket;
use crate::goodbye::Goodbye;

/// How many sockets of an address are told that they are too many; more get a plain HTTP error.
const MAX_TOLD: usize = 8;

/// How many addresses are kept before those that matter no more are looked for.
const MIN_SWEEP: usize = 1024;

/// An address as it is counted: a whole one of IPv4, the first 64 bits of one of IPv6, which are one customer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network(IpAddr);

/// The sockets of all addresses, and what those have done.
#[derive(Debug)]
pub(crate) struct Addresses {
    limits: AddressLimits,
    table: BTreeMap<Network, Entry>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Entry {
    sockets: usize,
    joins: Bucket,
    bytes: Account,
}

/// How many bytes an address may send: shared by its sockets, and never locked for long.
#[derive(Clone, Debug)]
pub(crate) struct Account(Arc<Mutex<Bucket>>);

/// What a socket of an address may expect.
#[derive(Debug)]
pub(crate) enum Welcome {
    Served(Account),
    /// There are too many, and it is told so.
    Refused(Goodbye, Account),
}

/// There are too many even to tell it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Network {
    /// The address, or the first one of a network of IPv6.
    pub(crate) const fn address(self) -> IpAddr {
        self.0
    }

    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

impl Addresses {
    pub(crate) const fn new(limits: AddressLimits) -> Self {
        Self {
            limits,
            table: BTreeMap::new(),
            sweep_at: MIN_SWEEP,
        }
    }

    /// A socket comes. `leave` it once it has gone, whatever it was told.
    pub(crate) fn enter(&mut self, now: Instant, network: Network) -> Result<Welcome, TooMany> {
        let limit = self.limits.sockets;
        let entry = self.entry(now, network);
        if entry.sockets >= limit.saturating_add(MAX_TOLD) {
            return Err(TooMany);
        }
        entry.sockets += 1;
        let bytes = entry.bytes.clone();
        Ok(if entry.sockets > limit {
            Welcome::Refused(Goodbye::TooManySockets { limit }, bytes)
        } else {
            Welcome::Served(bytes)
        })
    }

    /// A socket has gone.
    pub(crate) fn leave(&mut self, network: Network) {
        if let Some(entry) = self.table.get_mut(&network) {
            entry.sockets = entry.sockets.saturating_sub(1);
        }
    }

    /// A socket wants to join a lobby.
    pub(crate) fn join(&mut self, now: Instant, network: Network) -> Result<(), Goodbye> {
        let per_second = self.limits.joins_per_second;
        match self.entry(now, network).joins.take(now, 1) {
            true => Ok(()),
            false => Err(Goodbye::TooManyJoins { per_second }),
        }
    }

    fn entry(&mut self, now: Instant, network: Network) -> &mut Entry {
        if self.table.len() >= self.sweep_at {
            self.table.retain(|_, entry| !entry.is_forgettable(now));
            self.sweep_at = MIN_SWEEP.max(self.table.len().saturating_mul(2));
        }
        let limits = &self.limits;
        self.table.entry(network).or_insert_with(|| Entry {
            sockets: 0,
            joins: Bucket::new(now, limits.joins_per_second, limits.join_burst),
            bytes: Account::new(now, limits),
        })
    }
}

impl Entry {
    /// Whether a new entry would be the same.
    fn is_forgettable(&mut self, now: Instant) -> bool {
        self.sockets == 0 && self.joins.is_full(now) && self.bytes.lock().is_full(now)
    }
}

impl Account {
    fn new(now: Instant, limits: &AddressLimits) -> Self {
        let bucket = Bucket::new(now, limits.bytes_per_second, limits.byte_burst);
        Self(Arc::new(Mutex::new(bucket)))
    }

    /// Takes so many bytes; how long the next ones have to wait.
    pub(crate) fn spend(&self, now: Instant, bytes: usize) -> Duration {
        self.lock().owe(now, bytes as u64)
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_micros(99);

    fn network(text: &str) -> Network {
        Network::of(text.parse().expect("an address"))
    }

    fn limits() -> AddressLimits {
        AddressLimits {
            sockets: 2,
            joins_per_second: 1,
            join_burst: 3,
            bytes_per_second: 1000,
            byte_burst: 1000,
            ..AddressLimits::default()
        }
    }

    #[test]
    fn a_customer_of_ipv6_is_one_address() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn sockets_are_counted() {
        let mut addresses = Addresses::new(limits());
        let (one, two) = (network("192.0.2.1"), network("192.0.2.2"));
        for _ in 0..2 {
            let welcome = addresses.enter(START, one);
            assert!(matches!(welcome, Ok(Welcome::Served(_))));
        }
        for _ in 0..MAX_TOLD {
            let welcome = addresses.enter(START, one);
            let limit = 2;
            assert!(
                matches!(welcome, Ok(Welcome::Refused(Goodbye::TooManySockets { limit: l }, _)) if l == limit)
            );
        }
        assert!(addresses.enter(START, one).is_err());
        assert!(matches!(
            addresses.enter(START, two),
            Ok(Welcome::Served(_))
        ));
        for _ in 0..=MAX_TOLD {
            addresses.leave(one);
        }
        assert!(matches!(
            addresses.enter(START, one),
            Ok(Welcome::Served(_))
        ));
    }

    #[test]
    fn joins_have_a_rate_that_a_new_socket_does_not_renew() {
        let mut addresses = Addresses::new(limits());
        let one = network("192.0.2.1");
        for _ in 0..3 {
            assert!(addresses.enter(START, one).is_ok());
            assert_eq!(addresses.join(START, one), Ok(()));
            addresses.leave(one);
        }
        let refused = Err(Goodbye::TooManyJoins { per_second: 1 });
        assert_eq!(addresses.join(START, one), refused);
        assert_eq!(addresses.join(START, network("192.0.2.2")), Ok(()));
        assert_eq!(addresses.join(START + Duration::from_secs(1), one), Ok(()));
    }

    #[test]
    fn bytes_are_slowed_for_all_sockets_of_an_address() {
        let mut addresses = Addresses::new(limits());
        let one = network("192.0.2.1");
        let mut account = || match addresses.enter(START, one) {
            Ok(Welcome::Served(account)) => account,
            other => panic!("{other:?}"),
        };
        let (first, second) = (account(), account());
        assert_eq!(first.spend(START, 1000), Duration::ZERO);
        assert_eq!(second.spend(START, 500), Duration::from_millis(500));
        assert_eq!(first.spend(START, 500), Duration::from_secs(1));
        let later = START + Duration::from_secs(2);
        assert_eq!(second.spend(later, 1000), Duration::ZERO);
    }

    #[test]
    fn addresses_that_matter_no_more_are_forgotten() {
        let mut addresses = Addresses::new(limits());
        let mut now = START;
        for n in 0..100_000_u32 {
            let address = Network::of(IpAddr::V4(n.into()));
            assert!(addresses.enter(now, address).is_ok());
            assert_eq!(addresses.join(now, address), Ok(()));
            addresses.leave(address);
            now += Duration::from_millis(1);
        }
        // A join is paid back in a second: a thousand of these addresses later.
        assert!(
            addresses.table.len() <= 2 * 2048,
            "{}",
            addresses.table.len()
        );
    }

    #[test]
    fn no_address_that_matters_is_forgotten() {
        let mut addresses = Addresses::new(limits());
        let (here, hasty, loud) = (
            network("192.0.2.1"),
            network("192.0.2.2"),
            network("192.0.2.3"),
        );
        assert!(addresses.enter(START, here).is_ok());
        for _ in 0..3 {
            assert_eq!(addresses.join(START, hasty), Ok(()));
        }
        let Ok(Welcome::Served(account)) = addresses.enter(START, loud) else {
            panic!("it has room");
        };
        account.spend(START, 1000);
        addresses.leave(loud);
        for n in 0..MIN_SWEEP {
            let n = u32::try_from(n).expect("few");
            assert!(
                addresses
                    .enter(START, Network::of(IpAddr::V4(n.into())))
                    .is_ok()
            );
            addresses.leave(Network::of(IpAddr::V4(n.into())));
        }
        assert!(addresses.table.len() < MIN_SWEEP, "some were forgotten");

        assert!(matches!(
            addresses.enter(START, here),
            Ok(Welcome::Served(_))
        ));
        assert!(matches!(
            addresses.enter(START, here),
            Ok(Welcome::Refused(..))
        ));
        assert!(addresses.join(START, hasty).is_err());
        let Ok(Welcome::Served(account)) = addresses.enter(START, loud) else {
            panic!("it has room");
        };
        assert_eq!(account.spend(START, 1000), Duration::from_secs(1));
    }

    /// Looking through all of them costs time, so it is not done each time that a socket comes.
    #[test]
    fn few_addresses_are_not_looked_through() {
        let mut addresses = Addresses::new(limits());
        let mut come = |n: u32| {
            let address = Network::of(IpAddr::V4(n.into()));
            assert!(addresses.enter(START, address).is_ok());
            addresses.leave(address);
            addresses.table.len()
        };
        let known = Vec::from_iter((0..1024).map(&mut come));
        assert!(known.into_iter().eq(1..=1024));
        assert_eq!(come(1024), 1, "all others are forgotten");
    }
}
