//! The files that are on their way, and those of peers that wait to be stored.

use std::fmt;

use webrtc_multiplayer::{Payload, PeerId, TransferId};

use crate::name::safe_name;

/// How many files of peers are kept in memory until they are stored or refused.
pub(crate) const MAX_HELD: usize = 8;

/// A file between this member and one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// What it is called in commands. Files of both directions are numbered together, from 1 on.
    pub(crate) number: u32,
    pub(crate) peer: PeerId,
    pub(crate) transfer: TransferId,
    /// A safe name, whatever the sender calls it.
    pub(crate) name: String,
    /// How many bytes it has.
    pub(crate) bytes: usize,
    pub(crate) state: State,
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is ours, and the peer has so many bytes.
    Sending { sent: usize },
    /// It is the peer's, and so many bytes are here. If it is wanted, it is stored as soon as all are.
    Coming { received: usize, is_wanted: bool },
    /// It is the peer's, and all of it is here.
    Here(Payload),
}

impl File {
    /// How many bytes have arrived.
    pub(crate) const fn arrived(&self) -> usize {
        match self.state {
            State::Sending { sent } => sent,
            State::Coming { received, .. } => received,
            State::Here(_) => self.bytes,
        }
    }

    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self.state, State::Sending { .. })
    }

    pub(crate) const fn is_here(&self) -> bool {
        matches!(self.state, State::Here(_))
    }

    /// Whether it waits for the word of whoever sits here.
    const fn is_undecided(&self) -> bool {
        match self.state {
            State::Sending { .. } => false,
            State::Coming { is_wanted, .. } => !is_wanted,
            State::Here(_) => true,
        }
    }
}

/// Its name, and the peer.
impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.is_ours() { "to" } else { "from" };
        write!(f, "\"{}\" {way} {}", self.name, self.peer)
    }
}

/// All of them, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Files {
    last: u32,
    list: Vec<File>,
}

impl Files {
    /// A file that begins to be on its way.
    pub(crate) fn add(
        &mut self,
        peer: PeerId,
        transfer: TransferId,
        name: &str,
        bytes: usize,
        state: State,
    ) -> File {
        self.last = self.last.wrapping_add(1);
        let file = File {
            number: self.last,
            peer,
            transfer,
            name: safe_name(name),
            bytes,
            state,
        };
        self.list.push(file.clone());
        file
    }

    /// Ours of this transfer.
    pub(crate) fn sending(&self, peer: PeerId, transfer: TransferId) -> Option<&File> {
        self.sent()
            .find(|file| (file.peer, file.transfer) == (peer, transfer))
    }

    /// All of ours.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &File> {
        self.list.iter().filter(|file| file.is_ours())
    }

    /// The peer's of this transfer, while it is on its way.
    pub(crate) fn coming(&mut self, peer: PeerId, transfer: TransferId) -> Option<&mut File> {
        self.list.iter_mut().find(|file| {
            (file.peer, file.transfer) == (peer, transfer)
                && matches!(file.state, State::Coming { .. })
        })
    }

    pub(crate) fn by_number(&mut self, number: u32) -> Option<&mut File> {
        self.list.iter_mut().find(|file| file.number == number)
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<File> {
        let at = self.list.iter().position(|file| file.number == number)?;
        Some(self.list.remove(at))
    }

    /// If more than [`MAX_HELD`] are here: the oldest of the peer that has most of them, so that no peer pushes out what another one
    /// has sent. Of several such peers it is `newest`, whose file has just come, if that is one of them.
    pub(crate) fn remove_surplus(&mut self, newest: PeerId) -> Option<File> {
        let held: Vec<&File> = self.list.iter().filter(|file| file.is_here()).collect();
        if held.len() <= MAX_HELD {
            return None;
        }
        let count_of = |peer| held.iter().filter(|file| file.peer == peer).count();
        let most = held
            .iter()
            .map(|file| file.peer)
            .max_by_key(|peer| (count_of(*peer), *peer == newest))?;
        let oldest = held.iter().find(|file| file.peer == most)?.number;
        self.remove(oldest)
    }

    /// What was on its way to or from a peer that has gone.
    pub(crate) fn remove_of(&mut self, peer: PeerId) -> Vec<File> {
        self.list
            .extract_if(.., |file| file.peer == peer && !file.is_here())
            .collect()
    }

    /// Which file of a peer is meant: that of the number, or without one the only one that waits for a word.
    ///
    /// # Errors
    ///
    /// What to tell the person who asked.
    pub(crate) fn meant(&self, number: Option<u32>) -> Result<u32, String> {
        let mut theirs = self.list.iter().filter(|file| !file.is_ours());
        if let Some(number) = number {
            let found = theirs.find(|file| file.number == number);
            return found
                .map(|file| file.number)
                .ok_or_else(|| format!("no peer has sent a file {number}"));
        }
        let waiting: Vec<&File> = theirs.filter(|file| file.is_undecided()).collect();
        match *waiting {
            [] => Err(String::from("no file waits")),
            [file] => Ok(file.number),
            _ => {
                let list: Vec<String> = waiting
                    .iter()
                    .map(|file| format!("{} is {file}", file.number))
                    .collect();
                Err(format!("several files wait, name one: {}", list.join(", ")))
            }
        }
    }
}

/// A number of bytes, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        // Rounded down, in tenths.
        match bytes {
            0..1_000 => write!(f, "{bytes} B"),
            1_000..1_000_000 => write!(f, "{}.{} kB", bytes / 1_000, bytes / 100 % 10),
            _ => write!(f, "{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMING: State = State::Coming {
        received: 0,
        is_wanted: false,
    };

    fn add(files: &mut Files, peer: u32, transfer: u32, state: State) -> u32 {
        let peer = PeerId::new(peer).unwrap();
        let transfer = TransferId::new(transfer);
        files.add(peer, transfer, "a.txt", 5, state).number
    }

    fn here() -> State {
        State::Here(b"12345".to_vec().into())
    }

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_234_567, "1.2 MB"),
            (16 * 1024 * 1024, "16.7 MB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }

    #[test]
    fn a_command_without_a_number_means_the_only_file_that_waits() {
        let mut files = Files::default();
        assert!(files.meant(None).is_err());
        let ours = add(&mut files, 7, 1, State::Sending { sent: 0 });
        assert!(files.meant(None).is_err());
        assert!(files.meant(Some(ours)).is_err());
        let first = add(&mut files, 7, 1, COMING);
        assert_eq!(files.meant(None), Ok(first));
        let second = add(&mut files, 9, 1, here());
        let error = files.meant(None).unwrap_err();
        assert!(error.contains("2 is \"a.txt\" from 7"), "{error}");
        assert_eq!(files.meant(Some(second)), Ok(second));
        files.by_number(first).unwrap().state = State::Coming {
            received: 1,
            is_wanted: true,
        };
        assert_eq!(files.meant(None), Ok(second));
        assert_eq!(files.meant(Some(first)), Ok(first));
    }

    #[test]
    fn the_oldest_goes_when_too_many_are_held() {
        let seven = PeerId::new(7).unwrap();
        let mut files = Files::default();
        let ours = add(&mut files, 7, 1, State::Sending { sent: 0 });
        let coming = add(&mut files, 7, 1, COMING);
        for transfer in 2..=9 {
            add(&mut files, 7, transfer, here());
            assert_eq!(files.remove_surplus(seven), None);
        }
        add(&mut files, 7, 10, here());
        let oldest = files.remove_surplus(seven).unwrap();
        assert_eq!(oldest.transfer, TransferId::new(2));
        assert_eq!(files.remove_surplus(seven), None);
        assert!(files.by_number(ours).is_some() && files.by_number(coming).is_some());
    }

    #[test]
    fn no_peer_pushes_out_the_files_of_another() {
        let mut files = Files::default();
        let first = add(&mut files, 7, 1, here());
        let nine = PeerId::new(9).unwrap();
        for transfer in 1..=20 {
            add(&mut files, 9, transfer, here());
            let gone = files.remove_surplus(nine).map(|gone| gone.peer);
            assert_eq!(gone, (transfer > 7).then_some(nine));
        }
        assert!(files.by_number(first).is_some());
        // One file of each, and one too many: whose came last.
        let mut files = Files::default();
        for peer in 2..=9 {
            add(&mut files, peer, 1, here());
        }
        add(&mut files, 10, 1, here());
        let ten = PeerId::new(10).unwrap();
        let gone = files.remove_surplus(ten).map(|gone| gone.peer);
        assert_eq!(gone, Some(ten));
    }

    #[test]
    fn what_is_here_outlives_its_sender() {
        let mut files = Files::default();
        let sending = add(&mut files, 7, 1, State::Sending { sent: 0 });
        let coming = add(&mut files, 7, 2, COMING);
        let held = add(&mut files, 7, 1, here());
        let others = add(&mut files, 9, 1, COMING);
        let seven = PeerId::new(7).unwrap();
        let gone: Vec<u32> = files
            .remove_of(seven)
            .iter()
            .map(|file| file.number)
            .collect();
        assert_eq!(gone, [sending, coming]);
        assert!(files.remove(held).is_some() && files.remove(others).is_some());
    }

    #[test]
    fn both_directions_have_numbers_of_their_own_on_the_wire() {
        let mut files = Files::default();
        let seven = PeerId::new(7).unwrap();
        let ours = add(&mut files, 7, 1, State::Sending { sent: 0 });
        let held = add(&mut files, 7, 1, here());
        assert!(files.coming(seven, TransferId::new(1)).is_none());
        let theirs = add(&mut files, 7, 1, COMING);
        let id = TransferId::new(1);
        assert_eq!(files.sending(seven, id).unwrap().number, ours);
        assert_eq!(files.coming(seven, id).unwrap().number, theirs);
        assert_ne!(theirs, held);
    }
}
