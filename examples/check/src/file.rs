//! A file that a terminal sends to a tab, which stores it when its user says so.

use std::{env, fs, process};

use crate::chat::Chat;
use crate::chat_check::Player;
use crate::print::say;
use crate::tab::Tab;

const NAME: &str = "map.png";

const BYTES: u32 = 3_000_000;

/// Has the page keep what it stores: its policy lets nobody fetch that.
const KEEP: &str = r"
const make = URL.createObjectURL.bind(URL);
URL.createObjectURL = (blob) => make(window.stored = blob);
arguments[0]();
";

/// A sum of the bytes that the page has stored (FNV-1a, 32 bits), and how many there are.
const SUM: &str = r#"
const done = arguments[0];
window.stored.arrayBuffer().then((buffer) => {
  const add = (sum, byte) => Math.imul(sum ^ byte, 16777619);
  done(`${new Uint8Array(buffer).reduce(add, 2166136261) >>> 0} ${buffer.byteLength}`);
});
"#;

/// Nothing is stored before the user of the tab agrees. Then it is there, under its name and whole.
pub(super) fn goes_to_a_tab(terminal: &mut Chat, tab: &Tab<'_>) -> Result<(), String> {
    let folder = env::temp_dir().join(format!("chat-check-{}", process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let played = play(terminal, tab, &folder.join(NAME));
    let _ = fs::remove_dir_all(&folder);
    played
}

fn play(terminal: &mut Chat, tab: &Tab<'_>, path: &std::path::Path) -> Result<(), String> {
    let bytes: Vec<u8> = (0..BYTES)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    fs::write(path, &bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    terminal.say(&format!("/send-to {} {}", tab.id, path.display()))?;
    tab.wait_in("#files li span", "")?;
    tab.wait_in("#files li progress", "")?;
    terminal.wait_for(&format!("sent \"{NAME}\" to {}", tab.id))?;
    let stored = tab.ask("arguments[0](document.querySelectorAll('a[download]').length)")?;
    if stored != 0 {
        return Err(String::from("a tab stored a file that nobody wanted"));
    }
    tab.ask(KEEP)?;
    tab.ask("document.querySelector(\"[data-line='/save 1']\").click(); arguments[0](0)")?;
    tab.wait_in("a[download='map.png']", NAME)?;
    let add = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(16_777_619);
    let sum = bytes.iter().fold(2_166_136_261, add);
    let expected = format!("{sum} {BYTES}");
    let found = tab.ask(SUM)?;
    if found != *expected {
        return Err(format!("a tab has stored {found} instead of {expected}"));
    }
    say!("[ci] a file of 3 MB went from a terminal to a tab, which stored it when it was told to");
    Ok(())
}
