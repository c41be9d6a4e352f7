//! What the program is called whose commands operators run. Texts name commands as `longshore` has them; a program of another
//! name shows them as its own.

use std::borrow::Cow;
use std::sync::OnceLock;

const OURS: &str = "longshore";

static PROGRAM: OnceLock<ThisProgram> = OnceLock::new();

/// A program: its name, and its version in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThisProgram {
    /// Its name, as it is written on a command line.
    pub name: &'static str,
    /// Its version, such as `1.4.0`.
    pub version: &'static str,
}

impl ThisProgram {
    /// What this process is: [`ThisProgram::set`], and else `longshore`.
    #[must_use]
    pub fn get() -> Self {
        const LONGSHORE: ThisProgram = ThisProgram {
            name: OURS,
            version: env!("CARGO_PKG_VERSION"),
        };
        PROGRAM.get().copied().unwrap_or(LONGSHORE)
    }

    /// Says what this process is. The first call counts.
    pub fn set(self) {
        let _ = PROGRAM.set(self);
    }

    /// The same text, with its commands as this program has them: each `longshore` that begins the text or stands behind a
    /// backtick.
    #[must_use]
    pub fn commands(self, text: &str) -> Cow<'_, str> {
        if self.name == OURS || !text.contains(OURS) {
            return Cow::Borrowed(text);
        }
        let mut own = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(OURS) {
            let (before, found) = rest.split_at(at);
            let after = &found[OURS.len()..];
            own += before;
            let begins = own.is_empty() || own.ends_with('`');
            let ends = after.is_empty() || after.starts_with([' ', '`']);
            own += if begins && ends { self.name } else { OURS };
            rest = after;
        }
        Cow::Owned(own + rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_program_and_nothing_else_is_renamed() {
        let press = ThisProgram {
            name: "press",
            version: "2.0.0",
        };
        for (text, own) in [
            ("longshore doctor", "press doctor"),
            (
                "see `longshore doctor` and `longshore`",
                "see `press doctor` and `press`",
            ),
            ("a\nlongshore b", "a\nlongshore b"),
            ("the longshore crew", "the longshore crew"),
            ("`longshore_queue`", "`longshore_queue`"),
            ("/etc/longshore/ca.pem", "/etc/longshore/ca.pem"),
            ("longshoreman", "longshoreman"),
        ] {
            assert_eq!(press.commands(text), own);
            assert_eq!(ThisProgram::get().commands(text), text);
        }
    }
}
