//! Where people reach the console.

/// Whether people can reach a console at this URL: scheme, host, perhaps a port and a path.
#[must_use]
pub fn is_public_url(url: &str) -> bool {
    parse(url).is_some()
}

/// The origin and the path of a URL; the path without its last slash.
pub(crate) fn parse(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) || !path.bytes().all(is_path) {
        return None;
    }
    let path = path.trim_end_matches('/');
    let path = match path {
        "" => String::new(),
        path => format!("/{path}"),
    };
    Some((format!("{scheme}://{}", host.to_ascii_lowercase()), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_a_path() {
        for (url, parts) in [
            (
                "https://ops.example.com",
                Some(("https://ops.example.com", "")),
            ),
            (
                "https://Ops.example.com:8443/a/b/",
                Some(("https://ops.example.com:8443", "/a/b")),
            ),
            ("http://[::1]:9466", Some(("http://[::1]:9466", ""))),
            ("ftp://x", None),
            ("https://", None),
            ("https://a?b", None),
            ("https://user@a", None),
            ("ops.example.com", None),
        ] {
            let parts = parts.map(|(origin, path)| (origin.to_owned(), path.to_owned()));
            assert_eq!(parse(url), parts, "{url}");
        }
    }
}
