//! A signaling server of Godot's 4.x demo, as its protocol is written down and nothing else. It has no code of ours, and takes nothing
//! that the protocol does not have.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const JOIN: u64 = 0;
const ID: u64 = 1;
const PEER_CONNECT: u64 = 2;
const PEER_DISCONNECT: u64 = 3;
const OFFER: u64 = 4;
const CANDIDATE: u64 = 6;
const SEAL: u64 = 7;

/// How long a client may take to join.
const JOIN_DEADLINE: Duration = Duration::from_secs(1);

pub(crate) struct GodotServer {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    lobbies: BTreeMap<String, Lobby>,
    made: u32,
    /// What came that the protocol does not have.
    faults: Vec<String>,
    /// The types of what was passed on.
    relayed: Vec<u64>,
}

#[derive(Default)]
struct Lobby {
    is_mesh: bool,
    is_sealed: bool,
    members: BTreeMap<u64, UnboundedSender<Message>>,
}

/// A message as it came.
struct Said {
    kind: u64,
    id: u64,
    data: String,
}

impl GodotServer {
    pub(crate) async fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state }
    }

    /// The types of all that it has passed on, if nothing has come that the protocol does not have.
    pub(crate) fn relayed(&self) -> Vec<u64> {
        let state = lock(&self.state);
        assert_eq!(state.faults, [""; 0]);
        state.relayed.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no task has panicked")
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut socket = tokio_tungstenite::accept_async(stream)
        .await
        .expect("a client");
    let first = timeout(JOIN_DEADLINE, socket.next()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else {
        return close(&mut socket, "Have not joined lobby yet").await;
    };
    let said = read(&text, true).expect("a message of the demo");
    let (own, told) = unbounded_channel();
    let joined = lock(&state).join(&said, own);
    let (lobby, id) = match joined {
        Ok(place) => place,
        Err(words) => return close(&mut socket, words).await,
    };
    carry(socket, told, &state, &lobby, id).await;
    lock(&state).leave(&lobby, id);
}

async fn close(socket: &mut WebSocketStream<TcpStream>, words: &'static str) {
    let frame = CloseFrame {
        code: 4000.into(),
        reason: words.into(),
    };
    // The client may have gone.
    let _ = socket.close(Some(frame)).await;
    while let Some(Ok(_)) = socket.next().await {}
}

async fn carry(
    mut socket: WebSocketStream<TcpStream>,
    mut told: UnboundedReceiver<Message>,
    state: &Mutex<State>,
    lobby: &str,
    id: u64,
) {
    loop {
        tokio::select! {
            text = told.recv() => match text {
                Some(text) => if socket.send(text).await.is_err() {
                    return;
                },
                None => return close(&mut socket, "Room host has disconnected").await,
            },
            came = socket.next() => match came {
                Some(Ok(Message::Text(text))) => {
                    let mut state = lock(state);
                    let done = read(&text, false).and_then(|said| state.hear(lobby, id, &said));
                    if let Err(fault) = done {
                        state.faults.push(format!("{fault}: {text}"));
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => panic!("no text"),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        }
    }
}

/// All three fields are there. The first message may have others, which the demo passes over: an offer to speak more.
fn read(text: &str, is_first: bool) -> Result<Said, &'static str> {
    let value: Value = serde_json::from_str(text).map_err(|_| "no JSON")?;
    let fields = value.as_object().ok_or("no object")?;
    if !is_first && fields.len() != 3 {
        return Err("a field that the demo does not have");
    }
    let kind = fields.get("type").and_then(Value::as_u64);
    let id = fields.get("id").and_then(Value::as_u64);
    let data = fields.get("data").and_then(Value::as_str);
    let said = Said {
        kind: kind.ok_or("no type")?,
        id: id.ok_or("no id")?,
        data: data.ok_or("no data")?.to_owned(),
    };
    match (is_first, said.kind) {
        (true, JOIN) | (false, OFFER..=SEAL) => Ok(said),
        _ => Err("a type that has no place here"),
    }
}

fn message(kind: u64, id: u64, data: &str) -> Message {
    Message::text(json!({"type": kind, "id": id, "data": data}).to_string())
}

impl State {
    /// Takes a client in; its lobby and its id.
    fn join(
        &mut self,
        said: &Said,
        own: UnboundedSender<Message>,
    ) -> Result<(String, u64), &'static str> {
        let name = if said.data.is_empty() {
            self.made += 1;
            let name = format!("lobby-{}", self.made);
            let lobby = Lobby {
                is_mesh: said.id == 0,
                ..Lobby::default()
            };
            self.lobbies.insert(name.clone(), lobby);
            name
        } else {
            said.data.clone()
        };
        let lobby = self.lobbies.get_mut(&name).ok_or("Lobby does not exists")?;
        if lobby.is_sealed {
            return Err("Lobby is sealed");
        }
        let id = match lobby.members.keys().next_back() {
            None => 1,
            // It is above all others, and one of 31 bits.
            Some(last) => (last * 7919 + 1_000_003) % 2_147_483_648,
        };
        let topology = if lobby.is_mesh { "true" } else { "" };
        let tell = |text| own.send(text).expect("it is there");
        tell(message(ID, id, topology));
        for (other, member) in &lobby.members {
            let _ = member.send(message(PEER_CONNECT, id, ""));
            tell(message(PEER_CONNECT, *other, ""));
        }
        tell(message(JOIN, 0, &name));
        lobby.members.insert(id, own);
        Ok((name, id))
    }

    fn hear(&mut self, lobby: &str, from: u64, said: &Said) -> Result<(), &'static str> {
        let lobby = self.lobbies.get_mut(lobby).ok_or("its lobby has ended")?;
        if said.kind == SEAL {
            if from != 1 || said.id != 0 {
                return Err("only the host seals, with the id 0");
            }
            lobby.is_sealed = true;
            for member in lobby.members.values() {
                let _ = member.send(message(SEAL, 0, ""));
            }
            return Ok(());
        }
        let parts = said.data.split('\n').filter(|part| !part.is_empty());
        let parts = Vec::from_iter(parts);
        let is_candidate = parts.len() == 3 && parts[1].parse::<u16>().is_ok();
        if said.kind == CANDIDATE && !is_candidate {
            return Err("no candidate");
        }
        if said.kind == OFFER && said.id > from {
            return Err("the one with the higher id offers");
        }
        let to = lobby
            .members
            .get(&said.id)
            .ok_or("an invalid destination")?;
        let _ = to.send(message(said.kind, from, &said.data));
        self.relayed.push(said.kind);
        Ok(())
    }

    fn leave(&mut self, name: &str, id: u64) {
        let Some(lobby) = self.lobbies.get_mut(name) else {
            return;
        };
        lobby.members.remove(&id);
        if id == 1 {
            // The ends of their queues tell them.
            self.lobbies.remove(name);
            return;
        }
        for member in lobby.members.values() {
            let _ = member.send(message(PEER_DISCONNECT, id, ""));
        }
    }
}
