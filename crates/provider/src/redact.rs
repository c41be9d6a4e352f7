//! Takes people and credentials out of texts that were written elsewhere.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex_lite::Regex;

/// How much of a text is looked at for an excerpt, and how long the excerpt may be.
pub(crate) const EXCERPT_BYTES: usize = 4096;
const EXCERPT_CHARS: usize = 500;

/// What is looked for, in order, and what it becomes. Too much redacted is a nuisance, too little a leak: where a
/// pattern could be tighter, it is not.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // Credentials in URLs go before addresses, which they look like.
        (r"://[^/\s@]+@", "://[secret]@"),
        // With a digit or a sign in it, so that "bearer token" stays.
        (
            r#"(?i)\b(bearer|basic)\s+[^\s"',;]*[0-9_=/+~][^\s"',;]*"#,
            "$1 [secret]",
        ),
        // `api_key=…`, `X-Amz-Signature=…`, `client_secret=…`, and the same as JSON or a header.
        (
            r#"(?i)\b([\w-]*(?:key|token|secret|password|passwd|signature|credential|authorization)["']?\s*[=:]\s*["']?)(?:[^\s"'&,;\[][^\s"'&,;]*)"#,
            "$1[secret]",
        ),
        (r"\bSG\.[\w.-]+", "[secret]"),
        (r"\b(?:sk|rk|pk)_(?:live|test)_\w+", "[secret]"),
        (r"\bwhsec_[\w+/=]+", "[secret]"),
        (r"\w+_secret_\w+", "[secret]"),
        (r"\bhv[sbr]\.[\w.-]+", "[secret]"),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]+", "[secret]"),
        (r"\bAIza[\w-]{10,}", "[secret]"),
        // Addresses, whatever their letters, plain or percent-encoded.
        (
            r#"[^\s<>"'`(),;:\[\]{}=&/]+(?:@|%40)[^\s<>"'`(),;:\[\]{}=&/]+[^\s<>"'`(),;:\[\]{}=&/.!?]"#,
            "[email]",
        ),
        // International numbers: a plus and 7 to 15 digits, with the usual separators.
        (r"(?:\+|%2[Bb])[0-9](?:[ ().-]{0,2}[0-9]){6,14}", "[phone]"),
    ]
    .into_iter()
    .map(|(pattern, becomes)| {
        let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        (regex, becomes)
    })
    .collect()
});

/// Replaces email addresses, international phone numbers and what looks like a credential. Names and the like
/// cannot be told from other words: what a provider is known to quote is better left out to begin with.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    for (regex, becomes) in RULES.iter() {
        if let Cow::Owned(changed) = regex.replace_all(&text, *becomes) {
            text = Cow::Owned(changed);
        }
    }
    text.into_owned()
}

/// The beginning of a text that was written elsewhere, fit to become a reason: redacted, in one line, at most 500
/// characters.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut most = text.len().min(EXCERPT_BYTES);
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    let head = &text[..most];
    let mut words: Vec<&str> = head
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    if head.len() < text.len() {
        // Half of an address or a key would not be recognised as one.
        words.pop();
    }
    let line = redact(&words.join(" "));
    let Some((end, _)) = line.char_indices().nth(EXCERPT_CHARS) else {
        return line;
    };
    // Nor half of a name.
    let kept = match line[end..].starts_with(' ') {
        true => end,
        false => line[..end].rfind(' ').unwrap_or(end),
    };
    line[..kept].to_owned()
}

#[cfg(test)]
mod tests {
    use super::{EXCERPT_BYTES, EXCERPT_CHARS, excerpt, redact};

    #[test]
    fn people_and_credentials_are_taken_out() {
        for (text, redacted) in [
            // Addresses
            ("no mailbox ada@example.com.", "no mailbox [email]."),
            ("to: <ada.l+x@mail.example.co.uk>", "to: <[email]>"),
            (
                "first duplicate instance of [ada@example.com] in",
                "first duplicate instance of [[email]] in",
            ),
            ("ådne@blåbær.no bounced", "[email] bounced"),
            (r#"{"email":"ada@example.com"}"#, r#"{"email":"[email]"}"#),
            (
                "GET /users?email=ada%40example.com&x=1",
                "GET /users?email=[email]&x=1",
            ),
            ("ada@example.com,bob@example.com", "[email],[email]"),
            ("ada@localhost", "[email]"),
            // Numbers
            (
                "'To' number +4790000000 is not valid",
                "'To' number [phone] is not valid",
            ),
            ("+47 900 00 000", "[phone]"),
            ("+1 (415) 555-0100", "[phone]"),
            ("To=%2B4790000000&Body=x", "To=[phone]&Body=x"),
            ("whatsapp:+4790000000", "whatsapp:[phone]"),
            // Credentials
            (
                "key SG.abc-123_x.Def_456 is revoked",
                "key [secret] is revoked",
            ),
            (
                "Invalid API Key provided: sk_live_51Habc",
                "Invalid API Key provided: [secret]",
            ),
            ("rk_test_abc and pk_live_abc", "[secret] and [secret]"),
            ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "[secret]"),
            ("pi_3Mt_secret_YrKJUKribcBjcG8HVhfZluoGH", "[secret]"),
            (
                "Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln",
                "Authorization: [secret] [secret]",
            ),
            ("got bearer abcdefgh12345", "got bearer [secret]"),
            ("hvs.CAESIJ and hvb.AAAAA", "[secret] and [secret]"),
            ("AKIAIOSFODNN7EXAMPLE", "[secret]"),
            (
                "/geocode/json?key=AIzaSyD-abc&address=x",
                "/geocode/json?key=[secret]&address=x",
            ),
            ("AIzaSyD-abc_1234567", "[secret]"),
            (
                r#"{"api_key":"abc123","x":1}"#,
                r#"{"api_key":"[secret]","x":1}"#,
            ),
            (
                "?X-Amz-Credential=AKIA%2Fx&X-Amz-Signature=00ff",
                "?X-Amz-Credential=[secret]&X-Amz-Signature=[secret]",
            ),
            (
                "https://user:hunter2@example.com/x",
                "https://[secret]@example.com/x",
            ),
        ] {
            assert_eq!(redact(text), redacted, "from {text:?}");
        }
    }

    #[test]
    fn other_words_stay() {
        for text in [
            "",
            "The template_id must be a valid GUID.",
            "personalizations.0.to.0.email",
            "2026-11-23T12:00:00+01:00",
            "request 01JD2Z5V9GQ8X0T6M3K7W4R1YB took 1500 ms",
            "a bearer token is missing, basic information too",
            "error 21211, code 400, price 1+1",
            "The provided authorization grant is invalid, expired, or revoked",
            "signal SIGTERM, msg.id 7, keyboard",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn once_is_enough() {
        let text = "Bearer abcdefgh12345 for ada@example.com, key=abc, +4790000000";
        assert_eq!(redact(&redact(text)), redact(text));
    }

    #[test]
    fn excerpts_are_one_short_line() {
        let html = "<html>\r\n\t<h1>Bad  gateway</h1>\n";
        assert_eq!(excerpt(html), "<html> <h1>Bad gateway</h1>");
        let long = excerpt(&"ø".repeat(2_000));
        assert_eq!(long.chars().count(), EXCERPT_CHARS);
        // Nothing is cut in half.
        let long = excerpt(&"Hansen ".repeat(500));
        assert_eq!(long, ["Hansen"; 71].join(" "));
        let cut = format!("{}ada@example.com", " ".repeat(EXCERPT_BYTES - 4));
        assert_eq!(excerpt(&cut), "");
        // Nor a letter, where the last that is looked at is half of one.
        let cut = format!("{}ø", " ".repeat(EXCERPT_BYTES - 1));
        assert_eq!(excerpt(&cut), "");
    }
}
