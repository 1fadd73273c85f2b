//! Where the game is played: `URL LOBBY` after the program's name.

/// The server and the lobby, where they are said.
pub(crate) fn words() -> [Option<String>; 2] {
    let mut words = std::env::args().skip(1);
    [words.next(), words.next()]
}
