//! What a member or a stranger may try against a lobby.

use crate::peer::SEAL;
use crate::resume::{OURS, with_token};

/// Who tries it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// A member of the lobby that speaks the extension.
    Member,
    /// One that speaks Godot's protocol.
    Godot,
    /// Somebody who has not joined.
    Stranger,
    /// Somebody who joins another lobby with what it tries.
    Newcomer,
}

/// Something that is tried.
pub(crate) struct Try {
    pub(crate) name: &'static str,
    pub(crate) who: Who,
    pub(crate) texts: Vec<String>,
    /// How the words begin with which it is sent away; nothing where it may stay.
    pub(crate) end: &'static str,
    /// What the host is told of it, if anything.
    pub(crate) told: &'static str,
}

fn attempt(name: &'static str, who: Who, texts: &[&str], end: &'static str) -> Try {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    Try {
        name,
        who,
        texts,
        end,
        told: "",
    }
}

/// `HOST`, `GUEST` and `OWN` in a text are ids, `TOKEN` is the member's own token.
pub(crate) fn tries() -> Vec<Try> {
    use Who::{Godot, Member, Newcomer, Stranger};
    let say = |kind: u32, id: &str, data: &str| {
        let data = data.replace('"', "\\\"");
        format!(r#"{{"type":{kind},"id":{id},"data":"{data}"}}"#)
    };
    let only_host = "4000 Only the host can do that";
    let invalid = "4000 Invalid command";
    let deep = format!(
        r#"{{"type":0,"id":0,"data":"x","y":{}{}}}"#,
        "[".repeat(9000),
        "]".repeat(9000)
    );
    vec![
        attempt("seal", Member, &[SEAL], "4000 Only host can seal"),
        attempt(
            "seal, in Godot's protocol",
            Godot,
            &[SEAL],
            "4000 Only host can seal",
        ),
        attempt(
            "kick the host",
            Member,
            &[&say(37, "HOST", "out")],
            only_host,
        ),
        attempt("ban a guest", Member, &[&say(38, "GUEST", "")], only_host),
        attempt("lock", Member, &[&say(39, "0", "true")], only_host),
        attempt(
            "set the lobby's data",
            Member,
            &[&say(40, "0", "{}")],
            only_host,
        ),
        attempt(
            "list the lobby",
            Member,
            &[&say(42, "0", "true")],
            only_host,
        ),
        attempt(
            "be the host in Godot's protocol",
            Godot,
            &[
                &say(37, "HOST", ""),
                &say(38, "GUEST", ""),
                &say(39, "0", "true"),
                &say(40, "0", "{}"),
                &say(42, "0", "true"),
            ],
            "",
        ),
        attempt(
            "say that the host has left",
            Member,
            &[&say(3, "HOST", "")],
            invalid,
        ),
        attempt(
            "say that somebody new is there",
            Member,
            &[&say(2, "77", "")],
            invalid,
        ),
        attempt("give out ids", Member, &[&say(1, "HOST", "true")], invalid),
        attempt(
            "say who is the host",
            Member,
            &[&say(43, "OWN", "")],
            invalid,
        ),
        attempt(
            "say that the host is back",
            Member,
            &[&say(35, "HOST", "")],
            invalid,
        ),
        attempt(
            "give out tokens",
            Member,
            &[&say(34, "60", "token")],
            invalid,
        ),
        attempt("join twice", Member, &[OURS], "4000 Already in a lobby"),
        attempt("signal oneself", Member, &[&say(4, "OWN", "v=0")], ""),
        attempt(
            "signal nobody",
            Member,
            &[&say(4, "77", "v=0"), &say(5, "0", "")],
            "",
        ),
        attempt(
            "number signals at random",
            Member,
            &[
                r#"{"type":4,"id":77,"data":"","seq":4294967295,"prev":4294967295}"#,
                r#"{"type":4,"id":77,"data":"","seq":0,"prev":7}"#,
                r#"{"type":4,"id":77,"data":"","seq":1}"#,
            ],
            "",
        ),
        attempt(
            "data that are no object",
            Member,
            &[&say(41, "0", "[1]")],
            "4000 Not allowed",
        ),
        attempt(
            "data that are too long",
            Member,
            &[&say(41, "0", &format!(r#"{{"a":"{}"}}"#, "x".repeat(300)))],
            "4000 Not allowed",
        ),
        Try {
            // They are its own.
            told: r#"{"type":41,"id":OWN,"data":"{\"me\":\"host\"}"}"#,
            ..attempt(
                "data of somebody else",
                Member,
                &[&say(41, "HOST", r#"{"me":"host"}"#)],
                "",
            )
        },
        attempt(
            "speak after leaving",
            Member,
            &[
                &say(36, "0", ""),
                &say(4, "HOST", "ghost"),
                &say(41, "0", "{}"),
            ],
            "4000 Invalid message when not in a lobby",
        ),
        attempt("an unknown type", Member, &[&say(99, "0", "")], ""),
        attempt(
            "a field twice",
            Member,
            &[r#"{"type":4,"type":7,"id":1,"data":""}"#],
            "4000 Invalid message format",
        ),
        attempt(
            "an id that is none",
            Member,
            &[&say(4, "4294967296", "")],
            "4000 Invalid destination",
        ),
        attempt("no JSON", Member, &["hello"], "4000 Invalid message format"),
        attempt(
            "signal without a lobby",
            Stranger,
            &[&say(4, "HOST", "v=0")],
            "4000 Invalid message when not in a lobby",
        ),
        attempt(
            "seal without a lobby",
            Stranger,
            &[SEAL],
            "4000 Invalid message when not in a lobby",
        ),
        attempt(
            "be the host without a lobby",
            Stranger,
            &[
                &say(37, "HOST", ""),
                &say(38, "GUEST", ""),
                &say(39, "0", "true"),
                &say(40, "0", "{}"),
                &say(42, "0", "true"),
            ],
            "",
        ),
        attempt("a JSON that is deep", Newcomer, &[&deep], ""),
        attempt(
            "a forged token",
            Stranger,
            &[&with_token("AgAAAAAAAAAA")],
            "4001 No seat",
        ),
        attempt(
            "an empty token",
            Stranger,
            &[&with_token("")],
            "4001 No seat",
        ),
        attempt(
            "a token that is long",
            Stranger,
            &[&with_token(&"A".repeat(20_000))],
            "4001 No seat",
        ),
        attempt(
            "a group of everybody",
            Stranger,
            &[r#"{"type":0,"id":0,"data":"demo","v":1,"next":4294967295}"#],
            "4000 Group is too large",
        ),
        attempt(
            "a name that is long",
            Stranger,
            &[&say(0, "0", &"😀".repeat(65))],
            "4000 Lobby name is too long",
        ),
        attempt(
            "the other protocol",
            Stranger,
            &["J: demo\n"],
            "4000 Lobby is not for clients of Godot 3",
        ),
    ]
}
