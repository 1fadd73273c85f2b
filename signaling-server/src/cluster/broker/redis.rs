//! Redis or Valkey: three scripts, one hash for each lease.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script, ScriptInvocation};
use tokio::time::timeout;

use super::{Answer, BrokerError, DEADLINE, Kept, Purpose};
use crate::cluster::key::Key;
use crate::cluster::leases::Renewal;

/// What all our keys begin with. The braces keep them in one slot of a Redis Cluster.
const PREFIX: &str = "{signaling}:";

/// The key of the marker: from when on the broker knows all leases, in milliseconds since 1970, and in which run of the broker that was
/// written (`run_id`). It is lost with all the others, and one that was read from a disk names another run.
const OPENS: &str = "{signaling}:opens";

/// A connection that is made when it is needed, and made again when it breaks.
pub(in crate::cluster) struct Broker {
    connection: ConnectionManager,
    owner: String,
    lease: u64,
    take: Script,
    keep: Script,
    give: Script,
}

impl Broker {
    /// `owner` is what others are told of us. Must be called on a runtime.
    pub(in crate::cluster) fn new(
        url: &str,
        owner: String,
        lease: Duration,
    ) -> Result<Self, BrokerError> {
        let wrong = |error: RedisError| BrokerError::Url(error.to_string());
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        Ok(Self {
            connection,
            owner,
            lease: millis(lease),
            take: Script::new(concat!(
                include_str!("../scripts/opens.lua"),
                include_str!("../scripts/take.lua")
            )),
            keep: Script::new(concat!(
                include_str!("../scripts/opens.lua"),
                include_str!("../scripts/keep.lua")
            )),
            give: Script::new(include_str!("../scripts/give.lua")),
        })
    }

    /// Asks who owns a key, and takes it if that is allowed. Members may come back to it for `keep` after its owner has died.
    pub(in crate::cluster) async fn take(
        &self,
        key: &Key,
        purpose: Purpose,
        keep: Duration,
    ) -> Result<Answer, BrokerError> {
        let purpose = match purpose {
            Purpose::Make => "make",
            Purpose::Fresh => "fresh",
            Purpose::Find => "find",
            Purpose::Back => "back",
        };
        let mut script = self.take.prepare_invoke();
        let script = script.key(name(key)).key(OPENS);
        let script = script.arg(&self.owner).arg(self.lease);
        let script = script.arg(purpose).arg(millis(keep));
        let (word, number, owner): (String, String, String) = self.ask(script).await?;
        let number = number
            .parse()
            .map_err(|_| BrokerError::Unavailable("its answer has no number".to_owned()))?;
        let fence = number;
        Ok(match word.as_str() {
            "made" => Answer::Made { fence },
            "again" => Answer::Again { fence },
            "heir" => Answer::Heir { fence },
            "held" => Answer::Held { fence, owner },
            "orphan" => {
                let within = Duration::from_millis(number);
                Answer::Orphan { within }
            }
            "wait" => {
                let within = Duration::from_millis(number);
                Answer::Wait { within }
            }
            _ => Answer::Nobody,
        })
    }

    /// Renews leases.
    pub(in crate::cluster) async fn keep(
        &self,
        renewals: &[Renewal],
        keep: Duration,
    ) -> Result<Kept, BrokerError> {
        let mut script = self.keep.prepare_invoke();
        script.key(OPENS).arg(&self.owner).arg(self.lease);
        for renewal in renewals {
            let keep = if renewal.keeps_seats { millis(keep) } else { 0 };
            script.key(name(&renewal.key)).arg(renewal.fence).arg(keep);
        }
        let mut fences: Vec<u64> = self.ask(&script).await?;
        if fences.len() != renewals.len().saturating_add(1) {
            let why = "it does not answer for each lease".to_owned();
            return Err(BrokerError::Unavailable(why));
        }
        let is_lengthened = fences.remove(0) == 1;
        Ok(Kept {
            is_lengthened,
            fences,
        })
    }

    /// Gives leases up. Where they keep seats, members may come back to another owner for `keep`.
    pub(in crate::cluster) async fn give(
        &self,
        given: &[Renewal],
        keep: Duration,
    ) -> Result<(), BrokerError> {
        let mut script = self.give.prepare_invoke();
        for lease in given {
            let keep = if lease.keeps_seats { millis(keep) } else { 0 };
            script.key(name(&lease.key)).arg(lease.fence).arg(keep);
        }
        let _: i64 = self.ask(&script).await?;
        Ok(())
    }

    async fn ask<T: redis::FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, BrokerError> {
        let mut connection = self.connection.clone();
        match timeout(DEADLINE, script.invoke_async(&mut connection)).await {
            Ok(answer) => {
                answer.map_err(|error: RedisError| BrokerError::Unavailable(error.to_string()))
            }
            Err(_) => Err(BrokerError::Unavailable(
                "it does not answer in time".to_owned(),
            )),
        }
    }
}

fn name(key: &Key) -> String {
    format!("{PREFIX}{key}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// A broker that gives this answer to every script.
    async fn answering(answer: &'static str) -> Broker {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer));
            }
        });
        let url = format!("redis://{address}");
        Broker::new(&url, "me".to_owned(), Duration::from_secs(3)).expect("a URL")
    }

    /// Answers commands until the other side has gone.
    async fn serve(stream: TcpStream, answer: &str) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut command = Vec::new();
            for _ in 0..number(&mut stream).await? {
                let size = number(&mut stream).await?;
                let mut word = vec![0; size + "\r\n".len()];
                stream.read_exact(&mut word).await.ok()?;
                command.push(word);
            }
            let is_script = command.first()?.starts_with(b"EVAL");
            let text = if is_script { answer } else { "+OK\r\n" };
            stream.write_all(text.as_bytes()).await.ok()?;
        }
    }

    /// What a line such as `*3` or `$14` says.
    async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        line.trim_end().get(1..)?.parse().ok()
    }

    #[tokio::test]
    async fn a_renewal_is_told_whether_leases_last_longer_and_under_which_number() {
        let renewals = [Renewal {
            key: Key::lobby("demo"),
            fence: 6,
            keeps_seats: true,
        }];
        for (answer, expected) in [
            ("*2\r\n$1\r\n1\r\n$1\r\n7\r\n", Some((true, 7))),
            ("*2\r\n$1\r\n0\r\n$1\r\n7\r\n", Some((false, 7))),
            // It says nothing of that lease.
            ("*1\r\n$1\r\n1\r\n", None),
        ] {
            let broker = answering(answer).await;
            let kept = broker.keep(&renewals, Duration::from_secs(9)).await;
            let kept = kept.map(|kept| (kept.is_lengthened, kept.fences));
            let expected = expected.map(|(lasts, fence)| (lasts, vec![fence]));
            assert_eq!(kept.ok(), expected, "{answer:?}");
        }
    }
}
