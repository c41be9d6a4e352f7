//! Idempotency keys: a key is a name within its kind.
//!
//! What a key stands for is written beside it: the job that has it, when that was enqueued, and a digest of its args as
//! they were enqueued. The same args again are the same job; other args are refused. An operator's edit changes nothing
//! of it.
//!
//! A key has no time limit while its job waits, runs or is dead. Once the job has completed, the key stays for as long as
//! it was asked for since the enqueue (24 hours as a rule), or for as long as completed jobs are kept, whichever is longer.

use std::time::Duration;

use longshore_job::Prepared;

use crate::enqueue::millis;

/// A job's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The kind and the name within it, as they stand in Redis.
    suffix: String,
    name: String,
    digest: Option<String>,
    holds: Duration,
}

impl Key {
    /// How long a key holds at least, from the enqueue of its job.
    pub const HOLDS: Duration = Duration::from_secs(24 * 3600);

    /// A key of this kind that does not say what the args are: then all args count as equal.
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        // A colon ends the kind: no kind of another spelling comes to the same key.
        let kind = kind.replace('%', "%25").replace(':', "%3A");
        Self {
            suffix: format!("{kind}:{name}"),
            name: name.to_owned(),
            digest: None,
            holds: Self::HOLDS,
        }
    }

    /// The key of a job that is about to be enqueued: other args under it are refused.
    #[must_use]
    pub fn of(job: &Prepared, name: &str) -> Self {
        Self {
            digest: Some(job.digest()),
            ..Self::new(job.kind, name)
        }
    }

    /// Holds at least for so long from the enqueue.
    #[must_use]
    pub fn holds(self, holds: Duration) -> Self {
        Self { holds, ..self }
    }

    /// How long it holds at least, from the enqueue of its job.
    #[must_use]
    pub fn holds_for(&self) -> Duration {
        self.holds
    }

    /// The name that the producer chose.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digest of its job's args, where the producer said it.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The kind and the name, `<kind>:<name>`: what is the same key has the same.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.suffix
    }

    /// Whether both are the same name within the same kind, for args that are known to differ.
    #[must_use]
    pub fn clashes_with(&self, other: &Self) -> bool {
        self.suffix == other.suffix
            && matches!((&self.digest, &other.digest), (Some(a), Some(b)) if a != b)
    }

    /// As `enqueue.lua` takes it: `<holds ms> <digest, or -> <for how long completed jobs are kept, in ms>`.
    pub(crate) fn encode(&self, keep: Duration) -> String {
        let digest = self.digest.as_deref().unwrap_or("-");
        format!("{} {digest} {}", millis(self.holds), millis(keep))
    }
}

/// The name in `<kind>:<name>`.
pub(crate) fn name_in(suffix: &str) -> Option<&str> {
    suffix.split_once(':').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use longshore_job::Priority;

    use super::*;

    /// A mail to somebody.
    fn mail(to: &str) -> Prepared {
        let payload = format!(r#"{{"kind":"send_email","v":1,"args":{{"to":"{to}"}}}}"#);
        Prepared {
            kind: "send_email",
            queue: "email".into(),
            payload: payload.into_bytes(),
            expires_in: None,
            priority: Priority::Normal,
        }
    }

    #[test]
    fn a_key_is_a_name_within_its_kind_and_holds_for_a_day() {
        let key = Key::of(&mail("ada"), "order-1");
        assert_eq!(
            (key.name(), key.full_name()),
            ("order-1", "send_email:order-1")
        );
        assert_eq!(key.digest(), Some(&*mail("ada").digest()));
        assert_eq!(Key::new("send_email", "order-1").digest(), None);
        assert_eq!(key.holds_for(), Duration::from_secs(86_400));
        let minute = Duration::from_secs(60);
        assert_eq!(key.holds(minute).holds_for(), minute);
    }

    #[test]
    fn a_key_clashes_only_with_itself_where_both_say_other_args() {
        let key = Key::of(&mail("ada"), "order-1");
        for (other, clashes) in [
            (Key::of(&mail("bo"), "order-1"), true),
            (Key::of(&mail("ada"), "order-1"), false),
            (Key::of(&mail("bo"), "order-2"), false),
            (Key::new("send_email", "order-1"), false),
        ] {
            assert_eq!(key.clashes_with(&other), clashes, "{other:?}");
            assert_eq!(other.clashes_with(&key), clashes, "{other:?}");
        }
    }

    #[test]
    fn a_key_comes_to_the_script_with_its_times_and_its_digest() {
        let keep = Duration::from_secs(3600);
        let any_args = Key::new("send_email", "order-1");
        assert_eq!(any_args.encode(keep), "86400000 - 3600000");
        let key = Key::of(&mail("ada"), "order-1").holds(Duration::from_millis(1500));
        let digest = mail("ada").digest();
        assert_eq!(key.encode(keep), format!("1500 {digest} 3600000"));
    }

    #[test]
    fn no_two_kinds_come_to_one_key() {
        let suffixes = [("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c")];
        let suffixes = suffixes.map(|(kind, name)| Key::new(kind, name).suffix);
        assert_eq!(suffixes, ["a:b:c", "a%3Ab:c", "a%253Ab:c"]);
        assert_eq!(name_in(&suffixes[0]), Some("b:c"));
    }
}
