//! Where a visitor is led afterwards: never out of the console.

/// The path within the console, if it is one; else the overview.
pub(crate) fn local_path(text: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_local = text.starts_with('/') && !text.starts_with("//");
    match is_local && text.len() <= 2_000 && text.bytes().all(is_plain) {
        true => text,
        false => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out() {
        for (text, path) in [
            ("/dead?queue=email", "/dead?queue=email"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(local_path(text), path, "{text:?}");
        }
    }
}
