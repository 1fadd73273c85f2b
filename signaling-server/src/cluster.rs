//! Several instances that share their lobbies: who owns which lobby, and how a member gets to its owner.

mod broker;
mod config;
mod introduction;
mod key;
mod leases;
mod owners;
mod seen;

pub use broker::BrokerError;
pub use config::ClusterConfig;

pub(crate) use broker::Purpose;
pub(crate) use introduction::{HEADER, Introduction};
pub(crate) use key::{Group, Key};
#[cfg(test)]
pub(crate) use leases::Leases;
pub(crate) use leases::{Grant, Holding, Renewal, Round};
pub(crate) use owners::{Cluster, Found, at_once};
