//! Which of its queue's providers a process leaves to others, and why.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_job::Unreached;

use crate::lock::lock;

/// What one station knows of its providers' hosts.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    away: Mutex<HashMap<String, UnreachableCause>>,
    /// What was reached since that was last said: the queue's provider, its fallback.
    here: [AtomicBool; 2],
    /// Something was reached at least once.
    ever: AtomicBool,
}

/// Why a provider is left to others.
#[derive(Debug, Clone)]
pub(crate) enum UnreachableCause {
    /// Its host is not reached.
    Host(Unreached),
    /// It refused the credentials in use, and they could not be fetched again, for this reason.
    Unfetched(String),
}

impl UnreachableCause {
    pub(super) fn is_host(&self) -> bool {
        matches!(self, Self::Host(_))
    }

    /// In words, of this provider.
    fn of(&self, provider: &str) -> String {
        match self {
            Self::Host(Unreached {
                host,
                cause,
                ours: true,
            }) => {
                format!("this machine cannot make connections: {cause} ({provider}, {host})")
            }
            Self::Host(Unreached {
                host,
                cause,
                ours: false,
            }) => {
                format!("{provider} is not reached: {host}: {cause}")
            }
            Self::Unfetched(why) => {
                format!(
                    "{provider} refused the credentials, and they cannot be fetched again: {why}"
                )
            }
        }
    }
}

impl Hosts {
    /// Whether this provider is left to others.
    pub(crate) fn misses(&self, provider: &str) -> bool {
        lock(&self.away).contains_key(provider)
    }

    /// Whether this provider is left to others, for its host or else for its credentials.
    pub(super) fn misses_for(&self, provider: &str, host: bool) -> bool {
        let away = lock(&self.away);
        away.get(provider)
            .is_some_and(|away| away.is_host() == host)
    }

    /// Whether any is.
    pub(crate) fn misses_any(&self) -> bool {
        !lock(&self.away).is_empty()
    }

    /// Whether this machine is short of what any connection needs.
    pub(crate) fn is_short(&self) -> bool {
        let away = lock(&self.away);
        let mut all = away.values();
        all.any(|away| matches!(away, UnreachableCause::Host(Unreached { ours: true, .. })))
    }

    /// Whether the credentials for this provider were refused and could not be fetched again: no call of it can go well.
    pub(crate) fn lacks_credentials(&self, provider: &str) -> bool {
        self.misses_for(provider, false)
    }

    /// What is wrong, in words, by provider.
    pub(crate) fn trouble(&self) -> Vec<String> {
        let away = lock(&self.away);
        let words = away.iter().map(|(provider, away)| away.of(provider));
        let mut words: Vec<_> = words.collect();
        words.sort();
        words
    }

    /// Leaves a provider to others. Returns why it was left to them before.
    pub(super) fn leave(&self, provider: &str, away: UnreachableCause) -> Option<UnreachableCause> {
        lock(&self.away).insert(provider.to_owned(), away)
    }

    /// Notes what a test has found, if it is trouble of the kind that the provider is left for.
    pub(super) fn still_away(&self, provider: &str, found: UnreachableCause) {
        if let Some(away) = lock(&self.away).get_mut(provider)
            && away.is_host() == found.is_host()
        {
            *away = found;
        }
    }

    /// Takes a provider back from others. Says whether it was left to them, for its host or else for its credentials.
    pub(super) fn regain(&self, provider: &str, host: bool) -> bool {
        let mut away = lock(&self.away);
        let is_so = away
            .get(provider)
            .is_some_and(|away| away.is_host() == host);
        if is_so {
            away.remove(provider);
        }
        is_so
    }

    /// Notes that the queue's provider, or else its fallback, was reached. Says whether anything was for the first time.
    pub(super) fn note_reached(&self, own: bool) -> bool {
        self.here[usize::from(!own)].store(true, Ordering::Release);
        !self.ever.swap(true, Ordering::AcqRel)
    }

    /// Whether the queue's provider and its fallback were reached since this was asked last.
    pub(super) fn take_reached(&self) -> [bool; 2] {
        [0, 1].map(|one| self.here[one].swap(false, Ordering::AcqRel))
    }

    /// Every provider that is left to others.
    pub(super) fn left_to_others(&self) -> HashMap<String, UnreachableCause> {
        lock(&self.away).clone()
    }
}
