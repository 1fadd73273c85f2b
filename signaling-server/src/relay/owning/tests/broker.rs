//! A broker of the test's own: it answers what it was told to answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What makes an answer. Something else may happen before it comes.
type Step = Box<dyn FnOnce() -> String + Send>;

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    asked: Vec<String>,
}

/// As Redis speaks, with answers for scripts alone. One for which it has no answer gets an error, as from a broker that is away.
pub(super) struct Broker {
    script: Arc<Mutex<Script>>,
    port: u16,
}

impl Broker {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let script = Arc::<Mutex<Script>>::default();
        let steps = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&steps)));
            }
        });
        Self { script, port }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Has it answer the next question with a word and a number.
    pub(super) fn says(&self, word: &str, number: u64) {
        let answer = found(word, number, "");
        self.does(move || answer);
    }

    /// Has it do something and answer the next question then.
    pub(super) fn does(&self, step: impl FnOnce() -> String + Send + 'static) {
        let mut script = self.script.lock().expect("no panic");
        script.steps.push_back(Box::new(step));
    }

    /// What it was asked since this was called last: the purpose of each who wants an owner, `keep` or `give`.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.script.lock().expect("no panic").asked)
    }
}

/// What it says about an owner.
pub(super) fn found(word: &str, number: u64, owner: &str) -> String {
    let number = number.to_string();
    let words = [word, &number, owner].map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*3\r\n{}", words.concat())
}

/// What it says about leases that are renewed, when it knows all leases.
pub(super) fn kept(fences: &[u64]) -> String {
    let fences = fences.iter().map(|fence| format!(":{fence}\r\n"));
    let fences = String::from_iter(fences);
    format!("*{}\r\n:1\r\n{fences}", fences.lines().count() + 1)
}

async fn serve(stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut stream = BufReader::new(stream);
    while let Some(words) = command(&mut stream).await {
        let answer = match words.first().map(String::as_str) {
            Some("EVALSHA" | "EVAL") => {
                let mut script = script.lock().expect("no panic");
                script.asked.push(question(&words).to_owned());
                let step = script.steps.pop_front();
                drop(script);
                step.map_or_else(|| "-ERR away\r\n".to_owned(), |step| step())
            }
            _ => "+OK\r\n".to_owned(),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What a script is for. They differ by the place of the marker among their keys.
fn question(words: &[String]) -> &str {
    let is_marker = |at: usize| words.get(at).is_some_and(|key| key.ends_with(":opens"));
    match (is_marker(3), is_marker(4)) {
        (true, _) => "keep",
        (false, true) => words.get(7).map_or("", String::as_str),
        (false, false) => "give",
    }
}

/// The words of a command; nothing when there is no further one.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..number(stream).await? {
        let mut word = vec![0; number(stream).await? + 2];
        stream.read_exact(&mut word).await.ok()?;
        let word = String::from_utf8(word).ok()?;
        words.push(word.trim_end().to_owned());
    }
    Some(words)
}

/// The number in a line that begins with a sign.
async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}
