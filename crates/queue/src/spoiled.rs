//! Keys of another type than ours: another program wrote there.

use std::fmt;

use redis::Cmd;

use crate::keys::Keys;
use crate::{Link, Queue, QueueError};

/// A key that holds another type than ours. What we had there is gone: it was written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoiled {
    /// The key.
    pub key: String,
    /// The type that it has.
    pub found: String,
    /// The type that ours has.
    pub wanted: &'static str,
}

impl Spoiled {
    /// What to do about it.
    pub const CURE: &'static str = "find the program that wrote there, then move the key away with `redis-cli RENAME`, or delete it with `redis-cli DEL`, as a user of Redis who may (`--user admin` of the shipped ones)";
}

impl fmt::Display for Spoiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, found, wanted } = self;
        write!(
            f,
            "{key} is of another type: a {found} instead of a {wanted}"
        )
    }
}

impl Queue {
    /// The keys of the queue that are of another type than ours. Those whose names begin like ours and go on are not looked at:
    /// each is about one job, or one group.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn spoiled(&self) -> Result<Vec<Spoiled>, QueueError> {
        spoiled(&self.link, &self.keys, |_| true).await
    }
}

/// Those of the keys that a script was given.
async fn spoiled(
    link: &Link,
    keys: &Keys,
    given: impl Fn(&str) -> bool,
) -> Result<Vec<Spoiled>, QueueError> {
    let keys = keys.all().into_iter();
    let typed = keys.filter_map(|key| Some((key.name, key.of_type?)));
    let typed: Vec<_> = typed.filter(|(key, _)| given(key)).collect();
    let mut ask = redis::pipe();
    for (key, _) in &typed {
        ask.cmd("TYPE").arg(*key);
    }
    let found: Vec<String> = link.pipeline(&ask).await?;
    let found = typed.into_iter().zip(found);
    Ok(found
        .filter(|((_, wanted), found)| found != wanted && found != "none")
        .map(|((key, wanted), found)| Spoiled {
            key: key.to_owned(),
            found,
            wanted,
        })
        .collect())
}

/// Says which key it was, where a script met one of another type: Redis does not say so itself. `call` is the script's.
pub(crate) async fn named(error: QueueError, link: &Link, call: &Cmd) -> QueueError {
    let QueueError::Refused { server, reason } = error else {
        return error;
    };
    let refused = |reason| QueueError::Refused { server, reason };
    let args: Vec<&[u8]> = call
        .args_iter()
        .map(|arg| match arg {
            redis::Arg::Simple(bytes) => bytes,
            _ => &[],
        })
        .collect();
    // EVALSHA, the script, how many keys, the keys.
    let first = args.get(3).and_then(|key| std::str::from_utf8(key).ok());
    let Some(keys) = first.and_then(Keys::of) else {
        return refused(reason);
    };
    let given = |key: &str| args.contains(&key.as_bytes());
    match spoiled(link, &keys, given).await {
        Ok(found) if !found.is_empty() => {
            let found: Vec<_> = found.iter().map(Spoiled::to_string).collect();
            refused(format!("WRONGTYPE {}; {}", found.join("; "), Spoiled::CURE))
        }
        _ => refused(reason),
    }
}
