//! Ids as they stand in Redis.

use std::fmt;

use longshore_job::JobId;

/// An id as it stands in Redis: any bytes at all, since anybody can write there. Ours are [`JobId`]s.
///
/// Shown with everything but printable ASCII as `\xNN`, and read back the same way, so that an operator can name a
/// dead letter whose id is garbage.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawId(Vec<u8>);

impl RawId {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id as ours, if it is one.
    #[must_use]
    pub fn job_id(&self) -> Option<JobId> {
        std::str::from_utf8(&self.0).ok()?.parse().ok()
    }

    /// Reads the form that `Display` writes. Text without escapes is taken as it stands.
    #[must_use]
    pub fn unescape(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            let (byte, tail) = match (first, tail) {
                (b'\\', [b'x', high, low, tail @ ..]) => match hex(*high).zip(hex(*low)) {
                    Some((high, low)) => (high * 16 + low, tail),
                    None => (first, &rest[1..]),
                },
                (b'\\', [b'\\', tail @ ..]) => (b'\\', tail),
                _ => (first, tail),
            };
            bytes.push(byte);
            rest = tail;
        }
        Self(bytes)
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

impl From<Vec<u8>> for RawId {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<JobId> for RawId {
    fn from(id: JobId) -> Self {
        Self(id.to_string().into_bytes())
    }
}

impl fmt::Display for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ours, all of them: written in one go.
        if self.0.iter().all(u8::is_ascii_alphanumeric)
            && let Ok(text) = std::str::from_utf8(&self.0)
        {
            return f.write_str(text);
        }
        for &byte in &self.0 {
            match byte {
                b'\\' => f.write_str("\\\\")?,
                b' '..=b'~' => fmt::Write::write_char(f, char::from(byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RawId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_being_shown() {
        for bytes in [
            &b"01JD2Z5V9GQ8X0T6M3K7W4R1YB"[..],
            b"",
            b"a\\x41b",
            b"\xff\x00 \n",
            b"back\\slash\\",
        ] {
            let id = RawId::from(bytes.to_vec());
            assert_eq!(RawId::unescape(&id.to_string()), id, "{id}");
        }
    }
}
