//! A name under which the file of a peer can be stored.

use crate::escape::is_format;

/// The longest name, in bytes. With a number behind it (`name (2).png`) it is still short enough for every file system.
pub(crate) const LONGEST: usize = 120;

/// The longest ending, with its dot, that a name keeps when it is cut, in bytes.
const LONGEST_EXTENSION: usize = 16;

/// What a file is called when nothing is left of its name.
const UNNAMED: &str = "file";

/// Makes a file name of whatever a peer calls its file. It has no path, begins with no dot and no hyphen, shows all its
/// characters, and is one that Windows takes, too. There may be a file of that name already.
pub(crate) fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last
        .chars()
        .map(|char| if is_allowed(char) { char } else { '_' })
        .collect();
    // A dot hides a file, and a hyphen makes an option of its name in a shell.
    let begins_well =
        shown.trim_start_matches(|char: char| char == '.' || char == '-' || char.is_whitespace());
    let name = trim_end(&cut(begins_well)).to_owned();
    if name.is_empty() {
        UNNAMED.to_owned()
    } else if is_reserved(&name) {
        format!("_{name}")
    } else {
        name
    }
}

/// The name without its ending, and the ending with its dot. A dot at the beginning begins no ending.
pub(crate) fn split_extension(name: &str) -> (&str, &str) {
    let dot = name.rfind('.').filter(|&dot| dot > 0);
    name.split_at(dot.unwrap_or(name.len()))
}

/// Not so what cannot be seen, what turns the direction of text, and what Windows has another meaning for.
fn is_allowed(char: char) -> bool {
    !(char.is_control() || is_format(char) || r#"<>:"|?*"#.contains(char))
}

/// Windows drops these at the end, and would then find another file.
fn trim_end(name: &str) -> &str {
    name.trim_end_matches(|char: char| char == '.' || char.is_whitespace())
}

/// Cuts between characters, and keeps a short ending: it says what kind of file it is.
fn cut(name: &str) -> String {
    // One byte is for the mark of a reserved name.
    let longest = LONGEST - 1;
    if name.len() <= longest {
        return name.to_owned();
    }
    let (stem, extension) = match split_extension(name) {
        (stem, extension) if extension.len() <= LONGEST_EXTENSION => (stem, extension),
        _ => (name, ""),
    };
    let (stem, _) = stem.split_at(stem.floor_char_boundary(longest - extension.len()));
    format!("{}{extension}", trim_end(stem))
}

/// Whether Windows takes it for a device, whatever its ending.
fn is_reserved(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or_default().trim_end();
    let base = base.to_ascii_uppercase();
    let port = base
        .strip_prefix("COM")
        .or_else(|| base.strip_prefix("LPT"));
    let mut number = port.unwrap_or_default().chars();
    let is_port = matches!(
        (number.next(), number.next()),
        (Some('0'..='9' | '¹' | '²' | '³'), None)
    );
    is_port
        || matches!(
            base.as_str(),
            "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
        )
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;
    use crate::escape::escape;

    #[test]
    fn ordinary_names_stay() {
        for name in [
            "map.png",
            "Grüße, 世界 🎮.txt",
            "a.tar.gz",
            "comet.png",
            "no ending",
        ] {
            assert_eq!(safe_name(name), name);
        }
    }

    #[test]
    fn harmful_names_become_harmless() {
        for (name, safe) in [
            ("../../etc/passwd", "passwd"),
            (r"C:\Windows\win.ini", "win.ini"),
            ("..", "file"),
            ("", "file"),
            ("a/", "file"),
            (".bashrc", "bashrc"),
            ("-rf", "rf"),
            ("a\0b\nc\u{1b}[2J.png", "a_b_c_[2J.png"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("a:b?.txt", "a_b_.txt"),
            ("name. . .", "name"),
            ("NUL", "_NUL"),
            ("com1.txt", "_com1.txt"),
            ("Con .tar.gz", "_Con .tar.gz"),
            ("lpt².x", "_lpt².x"),
            ("com10.txt", "com10.txt"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_between_characters_and_keep_their_ending() {
        let name = safe_name(&format!("{}.png", "ü".repeat(500)));
        assert!(name.ends_with("ü.png"), "{name}");
        assert!((LONGEST - 2..=LONGEST).contains(&name.len()), "{name}");
        let name = safe_name(&format!("a.{}", "x".repeat(500)));
        assert_eq!(name.len(), LONGEST - 1);
        // What is cut may leave a device behind.
        let name = safe_name(&format!("CON{}x.png", " ".repeat(200)));
        assert_eq!(name, "_CON.png");
    }

    /// Names with what does harm in most of them.
    fn names() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            any::<String>(),
            "[./\\\\ :*-]{0,4}",
            "(?i)(con|prn|aux|nul|com[0-9]|lpt¹)[ .]{0,3}",
            "[a-zü]{0,200}",
            any::<char>().prop_map(|char| char.to_string()),
        ];
        prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn every_name_is_safe(name in names()) {
            let safe = safe_name(&name);
            prop_assert!((1..=LONGEST).contains(&safe.len()), "{safe:?}");
            let components: Vec<_> = Path::new(&safe).components().collect();
            prop_assert_eq!(components, [Component::Normal(safe.as_ref())]);
            prop_assert!(!safe.contains(['/', '\\', '<', '>', ':', '"', '|', '?', '*']), "{safe:?}");
            prop_assert!(!safe.starts_with(['.', '-']), "{safe:?}");
            prop_assert_eq!(safe.trim(), &safe);
            prop_assert!(!safe.ends_with('.'), "{safe:?}");
            prop_assert!(!is_reserved(&safe), "{safe:?}");
            prop_assert_eq!(escape(safe.as_bytes()), safe);
        }
    }
}
