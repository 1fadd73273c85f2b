//! Where ids and names of lobbies come from.

use mesh_core::PeerId;

/// What names are made of.
const LETTERS: [u8; 62] = *b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// How long a name is: 95 bits that nobody guesses.
const NAME_LENGTH: usize = 16;

/// 32 random bits, or none where the system has no randomness.
pub(crate) type Entropy = Box<dyn FnMut() -> Option<u32> + Send>;

/// The operating system's randomness: a lobby's name is an invitation, and must not be guessed.
pub(crate) fn system() -> Entropy {
    Box::new(|| getrandom::u32().ok())
}

/// A name for a lobby.
pub(crate) fn name(entropy: &mut Entropy) -> Option<String> {
    (0..NAME_LENGTH)
        .map(|_| {
            let index = entropy()? as usize % LETTERS.len();
            LETTERS.get(index).copied().map(char::from)
        })
        .collect()
}

/// An id in 2..=2147483647 that is not taken: a random one or the next free one after it.
pub(crate) fn id(entropy: &mut Entropy, taken: impl Fn(PeerId) -> bool) -> Option<PeerId> {
    let start = PeerId::generate_unique(entropy()?).get();
    let after = start..=PeerId::MAX.get();
    let before = 2..start;
    after
        .chain(before)
        .filter_map(|id| PeerId::new(id).ok())
        .find(|id| !taken(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(value: u32) -> Entropy {
        Box::new(move || Some(value))
    }

    #[test]
    fn a_taken_id_gives_the_next_one() {
        let max = PeerId::MAX.get();
        let entropy = max - 2;
        assert_eq!(PeerId::generate_unique(entropy).get(), max);
        let id = id(&mut constant(entropy), |id| [max, 2, 3].contains(&id.get()));
        assert_eq!(id.map(PeerId::get), Some(4));
    }

    #[test]
    fn names_are_letters_and_digits() {
        let name = name(&mut system()).expect("this system has randomness");
        assert_eq!(name.len(), 16);
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn no_randomness_is_no_panic() {
        let mut none: Entropy = Box::new(|| None);
        assert_eq!(name(&mut none), None);
        assert_eq!(id(&mut none, |_| false), None);
    }
}
