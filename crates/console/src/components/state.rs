//! A state: by its colour, its shape and its word.

use maud::{Markup, html};

/// How a state is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Under way.
    Busy,
    /// Nothing to do, nothing wrong.
    Quiet,
    /// Somebody should look.
    Warn,
    /// Somebody has to look.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Quiet => "quiet",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Self::Good => "●",
            Self::Busy => "◐",
            Self::Quiet => "○",
            Self::Warn => "▲",
            Self::Bad => "■",
        }
    }

    /// Of a word that the contract has for a job, an operation or a breaker.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "completed" | "done" | "closed" | "fit" => Self::Good,
            "running" | "watching" => Self::Busy,
            "pending" | "scheduled" | "cancelled" => Self::Quiet,
            "retryable" | "half-open" | "stopped" | "paused" => Self::Warn,
            _ => Self::Bad,
        }
    }
}

/// A state word with its shape and colour.
pub(crate) fn state(word: &str) -> Markup {
    toned(Tone::of(word), word)
}

/// Any word in a tone.
pub(crate) fn toned(tone: Tone, word: &str) -> Markup {
    html! {
        span class={ "state " (tone.class()) } {
            span class="shape" aria-hidden="true" { (tone.shape()) }
            " " (word)
        }
    }
}
