//! The path of an operation, with places for parameters: `/contacts/{id}/notes`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use longshore_job::InvalidArgs;

/// The longest template.
const LONGEST: usize = 500;

/// A path below a service's `base_url`, with places for parameters between braces.
///
/// No value leads out of its place: all but letters, digits, `-`, `_`, `~` and `.` is percent-encoded, and a path with an empty part, or
/// one of dots alone, is refused.
///
/// ```
/// use longshore_services::PathTemplate;
///
/// let path: PathTemplate = "/contacts/{id}".parse()?;
/// let params = [("id".to_owned(), "a/../b?c".to_owned())].into();
/// assert_eq!(path.fill(&params).as_deref(), Ok("/contacts/a%2F..%2Fb%3Fc"));
/// # Ok::<_, longshore_services::InvalidPath>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// As it stands.
    Text(String),
    /// The value of this parameter.
    Parameter(String),
}

/// A text that is no template, and what to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPath(pub(crate) &'static str);

impl PathTemplate {
    /// The names of its parameters.
    #[must_use]
    pub fn parameters(&self) -> BTreeSet<&str> {
        let names = self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Parameter(name) => Some(name.as_str()),
        });
        names.collect()
    }

    /// Whether a path may be this one with some values in it.
    #[cfg(feature = "sandbox")]
    pub(crate) fn matches(&self, path: &str) -> bool {
        let mut rest = path;
        let mut parts = self.0.iter().peekable();
        while let Some(part) = parts.next() {
            let taken = match (part, parts.peek()) {
                (Part::Text(text), _) if rest.starts_with(text.as_str()) => text.len(),
                (Part::Text(_), _) => return false,
                (Part::Parameter(_), next) => {
                    let segment = rest.split('/').next().unwrap_or_default();
                    let end = match next {
                        Some(Part::Text(text)) if !text.is_empty() && !text.starts_with('/') => {
                            segment.find(text.split('/').next().unwrap_or_default())
                        }
                        _ => Some(segment.len()),
                    };
                    match end {
                        None | Some(0) => return false,
                        Some(end) => end,
                    }
                }
            };
            rest = &rest[taken..];
        }
        rest.is_empty()
    }

    /// The path with these values in it.
    ///
    /// # Errors
    /// When a value is missing, or there is one too many, or a value would lead to another path. No value is quoted.
    pub fn fill(&self, values: &BTreeMap<String, String>) -> Result<String, InvalidArgs> {
        const OF: &str = "path_params";
        let names = self.parameters();
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !values.contains_key(**name))
            .copied()
            .collect();
        let unknown = values.keys().any(|name| !names.contains(name.as_str()));
        InvalidArgs::all([
            InvalidArgs::unless(
                missing.is_empty(),
                OF,
                format_args!("lacks {}", missing.join(" and ")),
            ),
            InvalidArgs::unless(
                !unknown,
                OF,
                match names.is_empty() {
                    true => "the operation's path takes none".to_owned(),
                    false => format!(
                        "has a name that is not in the operation's path, which takes {}",
                        names.iter().copied().collect::<Vec<_>>().join(" and ")
                    ),
                },
            ),
        ])?;
        let mut path = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Parameter(name) => encode(values.get(name).map_or("", |v| v), &mut path),
            }
        }
        InvalidArgs::unless(
            stays(&path),
            OF,
            "would lead to another path: a part of it is empty, or of dots alone",
        )?;
        Ok(path)
    }
}

/// Whether no part of a path after its first slash is empty or of dots alone: a client, a proxy or the service would take it for another
/// path. A slash at the end is a path of its own.
fn stays(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    let whole = path.strip_suffix('/').unwrap_or(path);
    path.is_empty()
        || whole
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".."))
}

/// Percent-encodes all bytes but those that mean nothing anywhere in a URL.
fn encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => {
                into.push(char::from(byte));
            }
            byte => {
                let _ = write!(into, "%{byte:02X}");
            }
        }
    }
}

impl std::str::FromStr for PathTemplate {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        if !text.starts_with('/') {
            return Err(InvalidPath("does not begin with /"));
        }
        if text.len() > LONGEST {
            return Err(InvalidPath("has more than 500 characters"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(begin);
            let (name, after) = from
                .strip_prefix('{')
                .and_then(|from| from.split_once('}'))
                .filter(|(name, _)| crate::args::is_name(name))
                .ok_or(InvalidPath(
                    "has braces without a name of a-z, A-Z, 0-9, _ and - between them",
                ))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Parameter(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        let fits = |c: char| c.is_ascii_alphanumeric() || "/-_~.!$&'()*+,;=:@".contains(c);
        let is_plain = |part: &Part| match part {
            Part::Text(text) => text.chars().all(fits),
            Part::Parameter(_) => true,
        };
        if !parts.iter().all(is_plain) {
            return Err(InvalidPath(
                "has characters that do not belong in a path, such as ?, #, % or a blank",
            ));
        }
        // Any value will do: what would be wrong with some values is found where they are filled in.
        let filled = text.replace(['{', '}'], "x");
        if !stays(&filled) {
            return Err(InvalidPath("has a part that is empty or of dots alone"));
        }
        Ok(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, values: &[(&str, &str)]) -> Result<String, String> {
        let template: PathTemplate = template.parse().expect("a template");
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        template
            .fill(&values.collect())
            .map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn no_value_leaves_its_place() {
        for (value, path) in [
            ("7", "/contacts/7/notes"),
            ("a/b", "/contacts/a%2Fb/notes"),
            ("../admin", "/contacts/..%2Fadmin/notes"),
            ("a?b#c", "/contacts/a%3Fb%23c/notes"),
            ("%2e%2e", "/contacts/%252e%252e/notes"),
            ("..\\..", "/contacts/..%5C../notes"),
            (
                "blåbær 🫐",
                "/contacts/bl%C3%A5b%C3%A6r%20%F0%9F%AB%90/notes",
            ),
            ("a\r\nHost: evil", "/contacts/a%0D%0AHost%3A%20evil/notes"),
            ("\0", "/contacts/%00/notes"),
            ("@evil.example", "/contacts/%40evil.example/notes"),
            ("...", "/contacts/.../notes"),
        ] {
            let got = filled("/contacts/{id}/notes", &[("id", value)]);
            assert_eq!(got.as_deref(), Ok(path), "{value:?}");
        }
        for value in ["", ".", ".."] {
            let got = filled("/contacts/{id}/notes", &[("id", value)]);
            let wrong = got.expect_err("refused");
            assert!(wrong.contains("another path"), "{value:?}: {wrong}");
        }
        // Two halves of what neither is.
        let got = filled("/{a}{b}/x", &[("a", "."), ("b", ".")]);
        assert!(got.is_err(), "{got:?}");
    }

    #[test]
    fn parameters_are_those_of_the_path() {
        let missing = filled("/a/{one}/{two}", &[("one", "1")]);
        assert_eq!(missing, Err("path_params: lacks two".to_owned()));
        let unknown = filled("/a/{one}", &[("one", "1"), ("Ada", "2")]);
        let said = "path_params: has a name that is not in the operation's path, which takes one";
        assert_eq!(unknown, Err(said.to_owned()));
        let none = filled("/a", &[("one", "1")]);
        assert_eq!(
            none,
            Err("path_params: the operation's path takes none".to_owned())
        );
        assert_eq!(filled("/", &[]).as_deref(), Ok("/"));
    }

    #[cfg(feature = "sandbox")]
    #[test]
    fn a_stand_in_knows_its_paths() {
        let template: PathTemplate = "/v1/{id}:cancel/{x}".parse().expect("a template");
        for (path, is) in [
            ("/v1/7:cancel/9", true),
            ("/v1/7%2F:cancel/9", true),
            ("/v1/7/9", false),
            ("/v1/:cancel/9", false),
            ("/v1/7:cancel/9/10", false),
            ("/v1/7:cancel/", false),
        ] {
            assert_eq!(template.matches(path), is, "{path}");
        }
    }

    #[test]
    fn templates_are_plain_paths() {
        for good in ["/", "/a", "/a/", "/v1/{id}:cancel", "/a.b/{x}-{y}"] {
            assert!(good.parse::<PathTemplate>().is_ok(), "{good}");
        }
        for bad in [
            "", "a", "//a", "/a//b", "/a/../b", "/./a", "/a?b", "/a#b", "/a%2e", "/a b", "/{",
            "/}", "/{}", "/{a b}", "/{a", "/å",
        ] {
            assert!(bad.parse::<PathTemplate>().is_err(), "{bad:?}");
        }
    }
}
