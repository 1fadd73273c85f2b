//! The duel as one line of text.

use crate::game::{Game, PLACES};

/// The ring from 0 to its end, a letter for each player, and how often each was hit.
pub(crate) fn line(game: &Game) -> String {
    const WIDTH: i32 = 60;
    let mut line: Vec<char> = (0..WIDTH).map(|_| '.').collect();
    let mut hits = String::new();
    for (ship, letter) in game.state.ships.iter().zip('A'..) {
        let column = usize::try_from(ship.place * WIDTH / PLACES).unwrap_or_default();
        if let Some(place) = line.get_mut(column) {
            *place = letter;
        }
        hits.push_str(&format!(" {letter}:{}", ship.hits));
    }
    format!("{} hits{hits}", line.iter().collect::<String>())
}
