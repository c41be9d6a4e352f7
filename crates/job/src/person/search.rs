//! Finding a person in any text.

use std::borrow::Cow;

use super::{Person, PersonForm, is_between};

impl Person {
    /// Whether the person stands anywhere in these bytes: in clear, in the escapes of JSON, or percent-encoded. An id is
    /// looked for only as a whole text of JSON.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        let mut text = String::from_utf8_lossy(bytes);
        // JSON that stands as a text in JSON, and that in one more.
        for _ in 0..4 {
            let found = match self.form {
                PersonForm::Email => self.is_among_addresses(&text),
                PersonForm::Phone => self.is_among_numbers(&text),
                PersonForm::Id => text.split('"').any(|part| self.is(part)),
            };
            if found {
                return true;
            }
            match unescaped(&text) {
                Some(next) => text = Cow::Owned(next),
                None => return false,
            }
        }
        false
    }

    fn is_among_addresses(&self, text: &str) -> bool {
        text.match_indices('@').any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + 1..]);
            let domain_ends = after.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.'));
            let domain = &after[..domain_ends.unwrap_or(after.len())];
            let domain = domain.trim_end_matches(['.', '-']);
            let local = before.rfind(|c: char| !is_in_local(c));
            let local = local.map_or(before, |end| {
                let next = before[end..].chars().next().map_or(1, char::len_utf8);
                &before[end + next..]
            });
            // What may stand in an address, and more often stands before one: `email=ada@…`.
            let begins = local.char_indices().filter(|(_, c)| !is_word(*c));
            let begins = begins.map(|(at, c)| at + c.len_utf8());
            let mut begins = std::iter::once(0).chain(begins);
            local.len() <= 1024
                && begins.any(|from| {
                    let local = local[from..].trim_start_matches('.');
                    !local.is_empty() && self.is(&format!("{local}@{domain}"))
                })
        })
    }

    fn is_among_numbers(&self, text: &str) -> bool {
        text.match_indices('+').any(|(at, _)| {
            let rest = &text[at + 1..];
            let mut digits = String::from("+");
            for (n, c) in rest.char_indices() {
                let more = &rest[n + c.len_utf8()..];
                match c {
                    _ if c.is_ascii_digit() => digits.push(c),
                    _ if is_between(c) => continue,
                    _ => break,
                }
                let ends = !more.starts_with(|c: char| c.is_ascii_digit());
                if digits.len() > 16 || (ends && self.is(&digits)) {
                    break;
                }
            }
            self.is(&digits)
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+')
}

fn is_in_local(c: char) -> bool {
    is_word(c) || "!#$%&'*/=?^`{|}~".contains(c)
}

/// The text with one layer of JSON's escapes, or of percent-encoding, taken off; `None` where there is none.
fn unescaped(text: &str) -> Option<String> {
    let code = |digits: Option<&str>| u32::from_str_radix(digits?, 16).ok();
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    let mut changed = false;
    while let Some(at) = rest.find(['\\', '%']) {
        out.push_str(&rest[..at]);
        let escape = &rest[at..];
        let (c, taken) = match escape.as_bytes().get(1) {
            Some(b'u') if escape.starts_with('\\') => (
                code(escape.get(2..6)).map(|code| char::from_u32(code).unwrap_or('\u{fffd}')),
                6,
            ),
            Some(b'n' | b'r' | b't' | b'b' | b'f') if escape.starts_with('\\') => (Some('\n'), 2),
            Some(quoted @ (b'"' | b'\\' | b'/')) if escape.starts_with('\\') => {
                (Some(char::from(*quoted)), 2)
            }
            _ if escape.starts_with('%') => (
                code(escape.get(1..3))
                    .filter(|code| *code < 0x80)
                    .and_then(char::from_u32),
                3,
            ),
            _ => (None, 1),
        };
        match c {
            Some(c) => {
                changed = true;
                out.push(c);
                rest = &escape[taken..];
            }
            None => {
                out.push_str(&escape[..1]);
                rest = &escape[1..];
            }
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}
