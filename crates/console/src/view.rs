//! What components have to know to draw a page: where it is mounted, what time it is, and who looks.

use jiff::Timestamp;
use jiff::fmt::strtime;

/// What stands for a form's token until the page is put together: a picture that is kept belongs to nobody.
pub(crate) const TOKEN_MARK: &str = "\u{1}form-token\u{1}";

/// How a page is seen.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The path under which the console is mounted, such as `/ops`; empty at the root.
    pub(crate) prefix: String,
    /// When the page was asked for.
    pub(crate) now: Timestamp,
    /// Whether who looks may change something.
    pub(crate) can_act: bool,
    /// Whether this is production.
    pub(crate) is_production: bool,
}

impl View {
    /// The link to a page of the console, by its path.
    pub(crate) fn to(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The link to a page with a query. Values are escaped.
    pub(crate) fn to_with(&self, path: &str, query: &[(&str, &str)]) -> String {
        self.to(&address(path, query))
    }
}

/// A path within the console with a query. Values are escaped.
pub(crate) fn address(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        pairs.append_pair(name, value);
    }
    match pairs.finish().as_str() {
        "" => path.to_owned(),
        pairs => format!("{path}?{pairs}"),
    }
}

/// A part of a path that somebody else chose, such as a queue's name.
pub(crate) fn part(text: &str) -> String {
    // A query's form, but for the space: in a path `+` stands for itself.
    let escaped: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    escaped.replace('+', "%20")
}

/// `09:12:03`, in UTC.
pub(crate) fn clock(time: Timestamp) -> String {
    strtime::format("%H:%M:%S", time).unwrap_or_default()
}

/// What stands for the path under which the console is mounted, in what is drawn once for all viewers.
pub(crate) const PREFIX_MARK: &str = "\u{1}prefix\u{1}";

/// What stands for a form's own id until the page is put together.
pub(crate) const ONCE_MARK: &str = "\u{1}once\u{1}";

/// A path without what is asked of it.
pub(crate) fn path_only(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}
