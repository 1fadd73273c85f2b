//! The flags for several instances.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use signaling_server::ClusterConfig;

/// What is said about the other instances.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// Redis or Valkey over which several instances share their lobbies, as redis://broker or rediss://user:password@broker/0;
    /// all have the same --key-file
    #[arg(
        long,
        env = "SIGNALING_REDIS",
        hide_env_values = true,
        requires = "cluster_bind",
        requires = "key_file"
    )]
    redis: Option<String>,
    /// Where other instances connect to, in plain HTTP; not to be reached from outside
    #[arg(long, env = "SIGNALING_CLUSTER_BIND", requires = "redis")]
    cluster_bind: Option<SocketAddr>,
    /// The address that they are told; needed where --cluster-bind is 0.0.0.0 or [::] [default: that of --cluster-bind]
    #[arg(long, env = "SIGNALING_CLUSTER_ADVERTISE", requires = "redis")]
    cluster_advertise: Option<SocketAddr>,
    /// How long a lobby is its owner's without a renewal, 1s to 5m [default: 10s]
    #[arg(long, env = "SIGNALING_LEASE", value_parser = lease, requires = "redis")]
    lease: Option<Duration>,
}

impl ClusterArgs {
    /// The settings, if there are to be other instances.
    pub(super) fn config(&self) -> Option<ClusterConfig> {
        let (redis, bind) = self.redis.clone().zip(self.cluster_bind)?;
        Some(ClusterConfig {
            advertise: self.cluster_advertise,
            lease: self.lease.unwrap_or(ClusterConfig::DEFAULT_LEASE),
            ..ClusterConfig::new(redis, bind)
        })
    }
}

/// Reads how long a lease is.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = super::duration(text)?;
    match (ClusterConfig::MIN_LEASE..=ClusterConfig::MAX_LEASE).contains(&lease) {
        true => Ok(lease),
        false => Err(format!("{text:?} is not a time from 1s to 5m")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn parse(flags: &[&str]) -> Result<crate::args::Args, clap::Error> {
        crate::args::Args::try_parse_from([&["signaling-server"], flags].concat())
    }

    #[test]
    fn instances_need_a_broker_an_address_and_a_key() {
        let (broker, bind) = (
            ["--redis", "redis://broker"],
            ["--cluster-bind", "10.0.0.1:9090"],
        );
        let key = ["--key-file", "key"];
        for two in [[broker, bind], [broker, key], [bind, key]] {
            assert!(parse(&two.concat()).is_err(), "{two:?}");
        }
        let lease = |text| parse(&[broker, bind, key, ["--lease", text]].concat());
        assert!(
            ["999ms", "6m", "0s"]
                .into_iter()
                .all(|wrong| lease(wrong).is_err())
        );
        let config = lease("3s").expect("all of them").config();
        let expected = ClusterConfig {
            lease: Duration::from_secs(3),
            ..ClusterConfig::new("redis://broker", ([10, 0, 0, 1], 9090).into())
        };
        assert_eq!(config.cluster, Some(expected.clone()));
        let told = parse(
            &[
                &broker[..],
                &bind,
                &key,
                &["--cluster-advertise", "192.0.2.7:9090", "--lease", "3s"],
            ]
            .concat(),
        );
        let expected = ClusterConfig {
            advertise: Some(([192, 0, 2, 7], 9090).into()),
            ..expected
        };
        assert_eq!(told.expect("all of them").config().cluster, Some(expected));
        assert_eq!(parse(&[]).expect("none of them").config().cluster, None);
    }
}
