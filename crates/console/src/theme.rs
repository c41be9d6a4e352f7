//! Light, dark, or as the system has it.

use axum::http::HeaderMap;

use crate::cookies::{Jar, cookie};

/// The cookie that keeps it.
pub(crate) const THEME: &str = "theme";

/// How bright a page is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }

    pub(crate) fn of(headers: &HeaderMap, jar: Jar) -> Self {
        cookie(headers, &jar.name(THEME))
            .and_then(Self::parse)
            .unwrap_or_default()
    }

    /// The one that the switch leads to.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::System => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::System,
        }
    }
}
