//! Records as they stand in Redis: maps of text to text in MessagePack, written by scripts (`lua/part/record.lua`).

/// The names and values of a record, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unpacked<'a> {
    pub(crate) fields: Vec<(&'a [u8], &'a [u8])>,
    /// It is a record. If not, the fields are those that could be read before.
    pub(crate) whole: bool,
}

pub(crate) fn unpack(bytes: &[u8]) -> Unpacked<'_> {
    let mut rest = bytes;
    let mut unpacked = Unpacked::default();
    let Some(count) = map_len(&mut rest) else {
        return unpacked;
    };
    for _ in 0..count {
        match (bytes_of(&mut rest), bytes_of(&mut rest)) {
            (Some(name), Some(value)) => unpacked.fields.push((name, value)),
            _ => return unpacked,
        }
    }
    unpacked.whole = rest.is_empty();
    unpacked
}

fn map_len(rest: &mut &[u8]) -> Option<usize> {
    let first = number(rest, 1)?;
    match first {
        0x80..=0x8f => Some(first & 0x0f),
        0xde => number(rest, 2),
        0xdf => number(rest, 4),
        _ => None,
    }
}

fn bytes_of<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let first = number(rest, 1)?;
    let length = match first {
        0xa0..=0xbf => first & 0x1f,
        0xc4 | 0xd9 => number(rest, 1)?,
        0xc5 | 0xda => number(rest, 2)?,
        0xc6 | 0xdb => number(rest, 4)?,
        _ => return None,
    };
    take(rest, length)
}

fn number(rest: &mut &[u8], bytes: usize) -> Option<usize> {
    let taken = take(rest, bytes)?;
    Some(
        taken
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte)),
    )
}

fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(bytes)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_text_are_read_whatever_their_length() {
        let long = "x".repeat(300);
        let mut bytes = b"\x83\xa3run\xa90 0 0 0 1\xa2h1\xda\x01\x2c".to_vec();
        bytes.extend(long.as_bytes());
        bytes.extend(b"\xa3end\xd9\x03dab");
        let unpacked = unpack(&bytes);
        let expected: [(&[u8], &[u8]); 3] = [
            (b"run", b"0 0 0 0 1"),
            (b"h1", long.as_bytes()),
            (b"end", b"dab"),
        ];
        assert_eq!(unpacked.fields, expected);
        assert!(unpacked.whole);
    }

    #[test]
    fn of_what_is_no_record_only_what_reads_is_taken() {
        for (bytes, read) in [
            (&b""[..], 0),
            (b"garbage", 0),
            (b"\x82\xa1a\xa1b", 1),
            (b"\x82\xa1a\xa1b\xa1c\x07", 1),
            (b"\x81\xa1a\xa1b!", 1),
            (b"\xdf\xff\xff\xff\xff\xa1a", 0),
        ] {
            let unpacked = unpack(bytes);
            assert_eq!((unpacked.fields.len(), unpacked.whole), (read, false));
        }
        assert!(unpack(b"\x80").whole);
    }
}
