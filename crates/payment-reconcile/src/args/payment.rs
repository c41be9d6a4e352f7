//! What the args of payment jobs have in common: ids, metadata, and where a customer comes back to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use longshore_job::{InvalidArgs, KindPolicy};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A checkout is a user who waits: after a minute nobody does any more. The retry schedule begins with a minute, so there
/// is one attempt, which makes its call again after 1, 2 and 4 s, as Stripe's own SDK does. Four calls of 10 s with their
/// waits take 47 s; the rest of the attempt is for finding out what became of a lost answer.
pub(super) const CHECKOUT: KindPolicy = KindPolicy {
    timeout: Some(secs(55)),
    expires: Some(secs(60)),
    retry: Some(&[]),
    on_unknown: None,
    retry_within: &[secs(1), secs(2), secs(4)],
    call_timeout: Some(secs(10)),
    priority: None,
};

/// What nobody waits for at the screen, and is of no use any more when a day has passed.
pub(super) const WITHIN_A_DAY: KindPolicy = KindPolicy::expiring(secs(24 * 3600));

/// The longest id, in characters: what the provider's metadata and our keys hold with room to spare.
const MAX_ID_CHARS: usize = 200;

/// An id of the app's or of a provider's: 1 to 200 visible characters.
pub(super) fn id(field: &str, id: &str) -> Result<(), InvalidArgs> {
    let fits = !id.is_empty()
        && id.chars().count() <= MAX_ID_CHARS
        && !id.chars().any(|c| c.is_whitespace() || c.is_control());
    match fits {
        true => Ok(()),
        false => Err(InvalidArgs::field(
            field,
            format_args!("must be 1 to {MAX_ID_CHARS} characters without blanks"),
        )),
    }
}

/// The same for an id that stands in a URL's path, so of letters, digits, `_` and `-`.
pub(super) fn path_id(field: &str, text: &str) -> Result<(), InvalidArgs> {
    id(field, text)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match text.bytes().all(plain) {
        true => Ok(()),
        false => Err(InvalidArgs::field(
            field,
            "is not an id of the provider's: letters, digits, _ and - only",
        )),
    }
}

/// The name of a payment provider, if it is there. Which ones there are is up to the program.
pub(super) fn provider(name: Option<&str>) -> Result<(), InvalidArgs> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    let fits = |name: &str| (1..=40).contains(&name.len()) && name.bytes().all(plain);
    InvalidArgs::unless(
        name.is_none_or(fits),
        "provider",
        "is not the name of a provider: lower-case letters, digits, _ and - only",
    )
}

/// An id, if it is there.
pub(super) fn optional_id(field: &str, id: Option<&str>) -> Result<(), InvalidArgs> {
    id.map_or(Ok(()), |id| self::id(field, id))
}

/// A payment that is confirmed by the server may send its payer to their bank: then they have to come back somewhere,
/// unless they are not there at all.
pub(super) fn check_return_url(
    return_url: Option<&str>,
    off_session: Option<bool>,
) -> Result<(), InvalidArgs> {
    if let Some(url) = return_url {
        let has_host = url
            .split_once("://")
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty());
        if !has_host || url.len() > 2000 || url.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(InvalidArgs::field(
                "return_url",
                "must be a URL such as https://shop.example.com/paid, of at most 2,000 bytes",
            ));
        }
        if off_session == Some(true) {
            return Err(InvalidArgs::field(
                "return_url",
                "is of no use with off_session: keep one of them",
            ));
        }
        return Ok(());
    }
    match off_session {
        Some(true) => Ok(()),
        _ => Err(InvalidArgs::field(
            "return_url",
            "is needed to confirm, or off_session = true where the payer is not there",
        )),
    }
}

/// What this fleet writes on what it makes: nobody else may.
const RESERVED: [&str; 4] = ["orderId", "userId", "longshore_job", "longshore_key"];

/// The app's own metadata: Stripe takes 50 entries of 40 and 500 characters, and ours are among them.
pub(super) fn metadata(metadata: &BTreeMap<String, String>) -> Result<(), InvalidArgs> {
    let fits = |(key, value): (&String, &String)| {
        let plain = !key.contains(['[', ']']) && !key.chars().any(char::is_control);
        let short = (1..=40).contains(&key.chars().count()) && value.chars().count() <= 500;
        plain && short && !value.is_empty() && !value.chars().any(char::is_control)
    };
    let most = 50 - RESERVED.len();
    InvalidArgs::all([
        InvalidArgs::unless(
            metadata.len() <= most,
            "metadata",
            format_args!("must have at most {most} entries"),
        ),
        InvalidArgs::unless(
            metadata.iter().all(fits),
            "metadata",
            "must have keys of 1 to 40 characters without brackets, and values of 1 to 500, without control characters",
        ),
        InvalidArgs::unless(
            !RESERVED.iter().any(|key| metadata.contains_key(*key)),
            "metadata",
            "must not have orderId, userId, longshore_job or longshore_key: those are the fleet's",
        ),
    ])
}

/// A time in RFC 3339.
pub(super) fn time(field: &str, text: &str) -> Result<Timestamp, InvalidArgs> {
    text.parse().map_err(|_| {
        InvalidArgs::field(
            field,
            "is not a time in RFC 3339 such as 2026-11-23T00:00:00Z",
        )
    })
}
