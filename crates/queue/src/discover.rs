//! Which queues there are, whoever is configured here: a process that lost a provider's key in a deploy, or an operator
//! with another configuration, must still see the jobs that wait.
//!
//! Whoever enqueues into a queue or works it adds its name to one SET of the namespace ([`registry`]). Plain producers,
//! which write keys of their own accord, do not: those queues are found by looking through the keys ([`KeyScan`]), in
//! steps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use crate::enqueue::millis;
use crate::error::LAYOUT;
use crate::keys::{Keys, ended_session, forms, registry, walked};
use crate::{Link, Node, Queue, QueueError};

/// How long the note that a queue exists may take: it must not hold up what it is noted for.
const REGISTER_WITHIN: Duration = Duration::from_millis(250);

/// The most names that are read. More would be a producer that makes up a queue for each job.
const MOST_QUEUES: usize = 1000;

/// How many keys one step of a scan looks at.
const STEP: usize = 1000;

/// The most strange names that a scan remembers.
const MOST_STRAYS: usize = 100;

impl Queue {
    /// Looks, once per process, whether another edition has laid out the queue's keys. A queue that nobody has worked yet
    /// has no layout.
    ///
    /// # Errors
    /// [`QueueError::Layout`] if so. Or when Redis cannot be reached or refuses.
    pub async fn check_layout(&self) -> Result<(), QueueError> {
        let looked = || {
            let looked = self.link.registered().lock();
            looked.unwrap_or_else(PoisonError::into_inner)
        };
        if looked().contains(&self.keys.timeline) {
            return Ok(());
        }
        let mut command = redis::cmd("HMGET");
        command.arg(&self.keys.timeline).arg("nonce").arg("layout");
        let (worked, found): (Option<String>, Option<String>) =
            match self.link.command(&command).await {
                // What stands there is broken, and is begun anew by the next worker.
                Err(error) if error.is_wrong_type() => return Ok(()),
                answer => answer?,
            };
        if worked.is_some() && found.as_deref() != Some(LAYOUT) {
            // The first edition wrote none.
            return Err(self.laid_out(found.as_deref().unwrap_or("1")));
        }
        looked().insert(self.keys.timeline.clone());
        Ok(())
    }

    pub(crate) fn laid_out(&self, found: &str) -> QueueError {
        QueueError::Layout {
            server: self.link.server().to_owned(),
            namespace: self.keys.namespace().to_owned(),
            queue: self.keys.queue().to_owned(),
            found: format!("layout {found}"),
        }
    }

    /// Notes that this queue exists, once per process. A failure is no failure of the caller: the next call tries again
    /// where Redis was away, and does not where Redis refuses.
    pub(crate) async fn register(&self) {
        let (keys, known) = (self.keys(), self.link.registered());
        let known = || known.lock().unwrap_or_else(PoisonError::into_inner);
        if known().contains(&keys.active) {
            return;
        }
        known().insert(keys.active.clone());
        let mut command = redis::cmd("SADD");
        command.arg(registry(keys.namespace())).arg(keys.queue());
        let noted = tokio::time::timeout(REGISTER_WITHIN, self.link.command::<u8>(&command)).await;
        if !matches!(noted, Ok(Ok(_) | Err(QueueError::Refused { .. }))) {
            known().remove(&keys.active);
        }
    }
}

impl Queue {
    /// Whether anything of this queue is in Redis: a job, or what is left of one, a pause, an audit.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn has_lived(&self) -> Result<bool, QueueError> {
        let mut command = redis::cmd("EXISTS");
        let keys = self.keys().all().into_iter();
        for key in keys.filter(|key| key.of_type.is_some()) {
            command.arg(key.name);
        }
        let there: u64 = self.link.command(&command).await?;
        Ok(there > 0)
    }
}

impl Link {
    /// The queues of a namespace that somebody has enqueued into or worked, at most 1,000, in order.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn registered_queues(&self, namespace: &str) -> Result<Vec<String>, QueueError> {
        let mut command = redis::cmd("SRANDMEMBER");
        command.arg(registry(namespace)).arg(MOST_QUEUES);
        let names: Vec<Vec<u8>> = self.command(&command).await?;
        let names = names
            .into_iter()
            .filter_map(|name| String::from_utf8(name).ok());
        let names = names.filter(|name| Keys::new(namespace, name).is_ok());
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// Whether this process may walk over a namespace's keys now. One of a fleet may, once in such a time.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn first_to_walk(
        &self,
        namespace: &str,
        every: Duration,
    ) -> Result<bool, QueueError> {
        let mut command = redis::cmd("SET");
        command.arg(walked(namespace)).arg(1).arg("NX");
        command.arg("PX").arg(millis(every).max(1));
        let set: Option<String> = self.command(&command).await?;
        Ok(set.is_some())
    }

    /// Notes queues that a [`KeyScan`] has found.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn register_queues(
        &self,
        namespace: &str,
        names: &BTreeSet<String>,
    ) -> Result<(), QueueError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("SADD");
        command.arg(registry(namespace));
        for name in names.iter().take(MOST_QUEUES) {
            command.arg(name);
        }
        self.command::<u64>(&command).await.map(drop)
    }
}

/// What a [`KeyScan`] looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanFor {
    /// The names of queues that have had jobs.
    Queues,
    /// These, and every key of the namespace that no queue reads.
    Strays,
    /// Waiting jobs of all other namespaces: one of them may be ours, mistyped.
    OtherNamespaces,
}

/// A walk through the keys of a namespace, on every primary of a cluster. The caller takes the steps, so that it says how long the walk may take.
#[derive(Debug)]
pub struct KeyScan {
    namespace: String,
    what: ScanFor,
    /// The servers that are still to be walked over, the present one last; none before the first step.
    left: Option<Vec<Node>>,
    cursor: u64,
    ended: bool,
    /// How many keys of the server were walked over, roughly.
    pub looked_at: u64,
    /// The queues that were found.
    pub queues: BTreeSet<String>,
    /// Keys that no queue reads, and why; the first hundred.
    pub strays: BTreeMap<String, Stray>,
    /// Queues of other namespaces: whether jobs wait there, and whether a worker has ever been there; the first hundred.
    pub others: BTreeMap<(String, String), (bool, bool)>,
    /// The primaries of a cluster whose keys were not walked over, since they were away.
    pub away: Vec<(Node, QueueError)>,
}

/// Why no queue reads a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// It has no braces around namespace and queue.
    NoBraces,
    /// It ends after the braces: `{longshore:email}`.
    NoSuffix,
    /// What stands behind the braces is not one of ours: `{longshore:email}:actve`.
    UnknownSuffix,
    /// What stands in the braces cannot be a queue's name.
    NoName,
}

impl KeyScan {
    /// Begins a walk.
    #[must_use]
    pub fn new(namespace: &str, what: ScanFor) -> Self {
        Self {
            namespace: namespace.to_owned(),
            what,
            left: None,
            cursor: 0,
            ended: false,
            looked_at: 0,
            queues: BTreeSet::new(),
            strays: BTreeMap::new(),
            others: BTreeMap::new(),
            away: Vec::new(),
        }
    }

    /// Whether all keys have been walked over.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// One step: Redis looks at some 1,000 keys.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn step(&mut self, link: &Link) -> Result<(), QueueError> {
        let left = match &mut self.left {
            Some(left) => left,
            none => none.insert(link.nodes().await?),
        };
        let Some(node) = left.last() else {
            self.ended = true;
            return Ok(());
        };
        let namespace = &self.namespace;
        let pattern = match self.what {
            // `active`, `scheduled` and `stats`: every queue that had a job has one of them. Its many records do not match.
            ScanFor::Queues => format!("{{{namespace}:*}}:[as]*"),
            ScanFor::Strays => format!("*{namespace}:*"),
            // `active` and `timeline`. An ACL that shows the names of other namespaces' keys shows nothing more of them.
            ScanFor::OtherNamespaces => "{*:*}:[at]*".to_owned(),
        };
        let mut command = redis::cmd("SCAN");
        command.arg(self.cursor).arg("MATCH").arg(pattern);
        command.arg("COUNT").arg(STEP);
        let (cursor, found): (u64, Vec<Vec<u8>>) = match link.command_at(node, &command).await {
            // The others have keys, too.
            Err(error)
                if error.is_outage()
                    && link.is_cluster()
                    && (left.len() > 1 || self.looked_at > 0) =>
            {
                self.away.extend(left.pop().map(|node| (node, error)));
                self.cursor = 0;
                self.ended = left.is_empty();
                return Ok(());
            }
            answer => answer?,
        };
        self.cursor = cursor;
        if cursor == 0 {
            left.pop();
            self.ended = left.is_empty();
        }
        self.looked_at += STEP as u64;
        for key in found {
            self.note(&key);
        }
        Ok(())
    }

    /// Walks on until the end, or until `budget` is used up.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn walk(&mut self, link: &Link, budget: Duration) -> Result<(), QueueError> {
        let until = tokio::time::Instant::now() + budget;
        while !self.ended && tokio::time::Instant::now() < until {
            self.step(link).await?;
        }
        Ok(())
    }

    fn note(&mut self, key: &[u8]) {
        let shown = String::from_utf8_lossy(key);
        if self.what == ScanFor::OtherNamespaces {
            return self.other(&shown);
        }
        let Some(rest) = shown.strip_prefix(&format!("{{{}:", self.namespace)) else {
            if shown.starts_with(&format!("{}:", self.namespace)) {
                self.stray(&shown, Stray::NoBraces);
            }
            return;
        };
        let of_all = [registry(&self.namespace), walked(&self.namespace)];
        let begins = [ended_session(&self.namespace, ""), forms(&self.namespace)];
        if of_all.iter().any(|key| *key == shown)
            || begins.iter().any(|begin| shown.starts_with(begin))
        {
            return;
        }
        let Some((queue, suffix)) = rest.split_once('}') else {
            return self.stray(&shown, Stray::NoName);
        };
        let Ok(keys) = Keys::new(&self.namespace, queue) else {
            return self.stray(&shown, Stray::NoName);
        };
        match suffix.strip_prefix(':') {
            None => self.stray(&shown, Stray::NoSuffix),
            Some(_) if !keys.has(&shown) => self.stray(&shown, Stray::UnknownSuffix),
            Some(_) => {
                self.queues.insert(queue.to_owned());
            }
        }
    }

    fn other(&mut self, key: &str) {
        let keys = Keys::of(key).filter(|keys| keys.namespace() != self.namespace);
        let Some(keys) =
            keys.filter(|keys| [&keys.active, &keys.timeline].contains(&&key.to_owned()))
        else {
            return;
        };
        let of = (keys.namespace().to_owned(), keys.queue().to_owned());
        if self.others.len() < MOST_STRAYS || self.others.contains_key(&of) {
            let (waits, worked) = self.others.entry(of).or_default();
            *waits |= key == keys.active;
            *worked |= key == keys.timeline;
        }
    }

    fn stray(&mut self, key: &str, why: Stray) {
        // A key's end may be an id or an address of somebody's: it is shown to its first line end, and not too long.
        if self.what == ScanFor::Strays && self.strays.len() < MOST_STRAYS {
            self.strays.insert(key.chars().take(200).collect(), why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_a_queue_or_is_a_stray() {
        let mut scan = KeyScan::new("longshore", ScanFor::Strays);
        let ours = [
            "{longshore:email}:active",
            "{longshore:email}:meta:01JD2Z5V9GQ8X0T6M3K7W4R1YB",
            "{longshore:emial}:map:users",
            "{longshore:}:queues",
            "{longshore:}:walked",
            "{longshore:}:console:ended:0",
            "{other:email}:active",
            "notlongshore:email",
        ];
        for key in ours {
            scan.note(key.as_bytes());
        }
        assert_eq!(scan.strays, BTreeMap::new());
        assert_eq!(
            scan.queues,
            ["email", "emial"].map(str::to_owned).into_iter().collect()
        );
        for (key, why) in [
            ("longshore:email:active", Stray::NoBraces),
            ("{longshore:email}", Stray::NoSuffix),
            ("{longshore:email}:actve", Stray::UnknownSuffix),
            ("{longshore:e mail}:active", Stray::NoName),
            ("{longshore:email:active", Stray::NoName),
        ] {
            scan.note(key.as_bytes());
            assert_eq!(scan.strays.get(key), Some(&why), "{key}");
        }
    }
}
