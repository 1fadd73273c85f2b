//! The broker of a build without one: there is none.

use std::time::Duration;

use super::{Answer, BrokerError, Kept, Purpose};
use crate::cluster::key::Key;
use crate::cluster::leases::Renewal;

pub(in crate::cluster) enum Broker {}

#[expect(clippy::unused_async, reason = "as the broker that there is")]
impl Broker {
    pub(in crate::cluster) fn new(_: &str, _: String, _: Duration) -> Result<Self, BrokerError> {
        Err(BrokerError::NotBuilt)
    }

    pub(in crate::cluster) async fn take(
        &self,
        _: &Key,
        _: Purpose,
        _: Duration,
    ) -> Result<Answer, BrokerError> {
        match *self {}
    }

    pub(in crate::cluster) async fn keep(
        &self,
        _: &[Renewal],
        _: Duration,
    ) -> Result<Kept, BrokerError> {
        match *self {}
    }

    pub(in crate::cluster) async fn give(
        &self,
        _: &[Renewal],
        _: Duration,
    ) -> Result<(), BrokerError> {
        match *self {}
    }
}
