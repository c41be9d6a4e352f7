//! Cookies: what a browser sends, and what it is told to keep.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// A cookie that came with a request.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// How cookies are named and kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Jar {
    /// People reach the console by https only.
    pub(crate) is_secure: bool,
}

impl Jar {
    /// A cookie's name: over https one that no other host can have set.
    pub(crate) fn name(self, name: &str) -> String {
        match self.is_secure {
            true => format!("__Host-longshore_{name}"),
            false => format!("longshore_{name}"),
        }
    }

    /// The header that has a browser keep it for so many seconds; 0 = no longer.
    pub(crate) fn keep(self, name: &str, value: &str, seconds: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}",
            self.name(name)
        )
    }
}
