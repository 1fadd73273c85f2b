//! The folder of tools that are made once a machine, for every clone of this repository.

use std::path::{Path, PathBuf};

/// Names another folder.
const VARIABLE: &str = "WEBRTC_MULTIPLAYER_CACHE";

/// The place of one tool; nobody has made it yet, perhaps.
pub(crate) fn place(tool: &str) -> PathBuf {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    folder(variable).join(tool)
}

fn folder(variable: impl Fn(&str) -> Option<String>) -> PathBuf {
    if let Some(folder) = variable(VARIABLE) {
        return PathBuf::from(folder);
    }
    let of_user = variable("XDG_CACHE_HOME")
        .or_else(|| variable("LOCALAPPDATA"))
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
    of_user
        .unwrap_or_else(std::env::temp_dir)
        .join("webrtc-multiplayer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_variable_comes_first() {
        let home = |name: &str| (name == "HOME").then(|| "/h".to_owned());
        assert_eq!(folder(home), Path::new("/h/.cache/webrtc-multiplayer"));
        let all = |name: &str| Some(format!("/{name}"));
        assert_eq!(folder(all), Path::new("/WEBRTC_MULTIPLAYER_CACHE"));
        let xdg = |name: &str| (name != VARIABLE).then(|| format!("/{name}"));
        assert_eq!(folder(xdg), Path::new("/XDG_CACHE_HOME/webrtc-multiplayer"));
    }
}
