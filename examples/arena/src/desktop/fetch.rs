//! Fetches a short text, in bounded time, and reads no more of it than is wanted.

use std::time::Duration;

use crate::list::{FetchError, MOST_BYTES};

/// The text at an address. This waits for it.
pub(super) fn text(address: &str, within: Duration) -> Result<String, FetchError> {
    let config = ureq::Agent::config_builder().timeout_global(Some(within));
    let agent = ureq::Agent::new_with_config(config.build());
    let text = agent.get(address).call().and_then(|mut response| {
        let body = response.body_mut().with_config();
        body.limit(MOST_BYTES as u64).read_to_string()
    });
    text.map_err(failure)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else went wrong, there is no whole answer"
)]
fn failure(error: ureq::Error) -> FetchError {
    match error {
        ureq::Error::StatusCode(status) => FetchError::Status(status),
        ureq::Error::BodyExceedsLimit(_) => FetchError::TooLong,
        other => FetchError::Broken(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// For busy machines.
    const WITHIN: Duration = Duration::from_secs(60);

    /// What is made of an answer with this head, and spaces without end after it.
    fn answered(head: &'static str) -> Result<String, FetchError> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/lobbies", server.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap()).lines();
            // The head of the request ends with an empty line.
            let _head = request.map_while(Result::ok).find(String::is_empty);
            let mut written = stream.write_all(head.as_bytes());
            while written.is_ok() {
                written = stream.write_all(&[b' '; 4096]);
            }
        });
        text(&address, WITHIN)
    }

    #[test]
    fn an_answer_without_end_is_given_up() {
        assert_eq!(
            answered("HTTP/1.1 200 OK\r\n\r\n"),
            Err(FetchError::TooLong)
        );
        let missing = answered("HTTP/1.1 404 Not Found\r\n\r\n");
        assert_eq!(missing, Err(FetchError::Status(404)));
    }
}
