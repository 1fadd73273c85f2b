//! Files in the chat: what is sent, what peers send, and what becomes of both.

use webrtc_multiplayer::{MeshConfig, Payload, PeerId, TransferEvent, TransferId};

use crate::escape::escape;
use crate::files::{File, MAX_HELD, Size, State};
use crate::room::{Kind, Output, Room};

/// A file of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Without its folder.
    pub(crate) name: String,
    pub(crate) bytes: Payload,
}

/// How many bytes a file may have, as the mesh says that the chat makes.
pub(crate) fn largest_file() -> usize {
    MeshConfig::default().max_transfer
}

impl<O: Output> Room<O> {
    /// Sends a file to a peer, or to everybody.
    pub(crate) fn share(&mut self, to: Option<PeerId>, document: Document) {
        let Document { name, bytes } = document;
        let bytes = bytes.into_bytes();
        let peers = match to {
            Some(peer) => vec![peer],
            None => self.session.connected_peers().collect(),
        };
        if peers.is_empty() {
            self.error(format_args!("nobody is connected"));
        }
        for peer in peers {
            match self.session.send_transfer(peer, &*name, bytes.clone()) {
                Ok(transfer) => {
                    let state = State::Sending { sent: 0 };
                    let file = self.files.add(peer, transfer, &name, bytes.len(), state);
                    let (size, number) = (Size(file.bytes), file.number);
                    self.news(format_args!("sending {file}, {size}: /cancel {number}"));
                    self.output.show(&file);
                }
                Err(error) => {
                    let name = escape(name.as_bytes());
                    self.error(format_args!("\"{name}\" is not sent to {peer}: {error}"));
                }
            }
        }
    }

    /// Whether a file of ours is on its way: its progress is to be asked for.
    pub(crate) fn is_sharing(&self) -> bool {
        self.files.sent().next().is_some()
    }

    /// Shows how much of our files has arrived. Of those of peers the session says so by itself.
    pub(crate) fn show_progress(&mut self) {
        let sent: Vec<(u32, usize)> = self
            .files
            .sent()
            .filter_map(|file| {
                let mut transfers = self.session.transfers_to(file.peer);
                let info = transfers.find(|info| info.id == file.transfer)?;
                Some((file.number, info.bytes_sent))
            })
            .collect();
        for (number, sent) in sent {
            if let Some(file) = self.files.by_number(number) {
                file.state = State::Sending { sent };
                self.output.show(file);
            }
        }
    }

    /// Tells what has become of a transfer.
    pub(crate) fn tell_transfer(&mut self, peer: PeerId, id: TransferId, event: TransferEvent) {
        match event {
            TransferEvent::Begun { name, bytes } => self.begun(peer, id, &name, bytes),
            TransferEvent::Progress { received: new, .. } => {
                if let Some(file) = self.files.coming(peer, id) {
                    if let State::Coming { received, .. } = &mut file.state {
                        *received = new;
                    }
                    self.output.show(file);
                }
            }
            TransferEvent::Received(bytes) => self.received(peer, id, bytes),
            TransferEvent::Cancelled => {
                let number = self.files.coming(peer, id).map(|file| file.number);
                if let Some(file) = self.forget(number) {
                    self.news(format_args!("{peer} cancelled \"{}\"", file.name));
                }
            }
            TransferEvent::Sent => {
                let number = self.files.sending(peer, id).map(|file| file.number);
                if let Some(file) = self.forget(number) {
                    self.news(format_args!("sent {file}"));
                }
            }
            TransferEvent::Refused => {
                let number = self.files.sending(peer, id).map(|file| file.number);
                if let Some(file) = self.forget(number) {
                    self.news(format_args!("{peer} refused \"{}\"", file.name));
                }
            }
            _ => {}
        }
    }

    /// `/save`: stores a file as soon as all of it is here.
    pub(crate) fn save(&mut self, number: Option<u32>) {
        let Some(number) = self.meant(number) else {
            return;
        };
        let Some(file) = self.files.by_number(number) else {
            return;
        };
        match &mut file.state {
            State::Sending { .. } => {}
            State::Coming { is_wanted, .. } => {
                *is_wanted = true;
                self.output.show(file);
                let line = format_args!("{file} is saved when all of it is here");
                self.output.line(Kind::News, line);
            }
            State::Here(bytes) => match self.output.save(&file.name, bytes) {
                Ok(()) => drop(self.forget(Some(number))),
                Err(error) => {
                    let error = escape(error.as_bytes());
                    self.error(format_args!("file {number} is not saved: {error}"));
                }
            },
        }
    }

    /// `/refuse`: neither what has come of a file is kept, nor what still comes.
    pub(crate) fn refuse(&mut self, number: Option<u32>) {
        let number = self.meant(number);
        if let Some(file) = self.forget(number) {
            if !file.is_here() {
                self.session.refuse_transfer(file.peer, file.transfer);
            }
            self.news(format_args!("refused {file}"));
        }
    }

    /// `/cancel`: gives up a file of ours, or all of them.
    pub(crate) fn cancel(&mut self, number: Option<u32>) {
        let is_meant = |file: &&File| number.is_none_or(|number| file.number == number);
        let meant: Vec<File> = self.files.sent().filter(is_meant).cloned().collect();
        if meant.is_empty() {
            self.error(format_args!("no such file of ours is on its way"));
        }
        for file in meant {
            if self.session.cancel_transfer(file.peer, file.transfer) {
                self.forget(Some(file.number));
                self.news(format_args!("cancelled {file}"));
            } else {
                self.error(format_args!("all of {file} is on its way already"));
            }
        }
    }

    /// A peer has gone, and with it what was on its way.
    pub(crate) fn forget_files_of(&mut self, peer: PeerId) {
        for file in self.files.remove_of(peer) {
            self.output.hide(file.number);
            self.news(format_args!("{file} has not arrived"));
        }
    }

    fn begun(&mut self, peer: PeerId, id: TransferId, name: &str, bytes: usize) {
        let state = State::Coming {
            received: 0,
            is_wanted: false,
        };
        let file = self.files.add(peer, id, name, bytes, state);
        let (name, size, number) = (&file.name, Size(bytes), file.number);
        self.news(format_args!(
            "peer {peer} sends \"{name}\", {size}: /save {number} or /refuse {number}"
        ));
        self.output.show(&file);
    }

    fn received(&mut self, peer: PeerId, id: TransferId, bytes: Payload) {
        let Some(file) = self.files.coming(peer, id) else {
            return;
        };
        let is_wanted = matches!(file.state, State::Coming { is_wanted, .. } if is_wanted);
        file.state = State::Here(bytes);
        let file = file.clone();
        self.output.show(&file);
        self.news(format_args!("received {file}"));
        if is_wanted {
            self.save(Some(file.number));
        }
        if let Some(oldest) = self.files.remove_surplus(peer) {
            self.output.hide(oldest.number);
            self.news(format_args!(
                "dropped {oldest}: more than {MAX_HELD} files waited"
            ));
        }
    }

    /// The file of a peer that a command means; says so if there is none.
    fn meant(&mut self, number: Option<u32>) -> Option<u32> {
        let meant = self.files.meant(number);
        meant
            .map_err(|error| self.error(format_args!("{error}")))
            .ok()
    }

    /// Has neither the file any more nor its place on the screen.
    fn forget(&mut self, number: Option<u32>) -> Option<File> {
        let file = self.files.remove(number?)?;
        self.output.hide(file.number);
        Some(file)
    }
}
