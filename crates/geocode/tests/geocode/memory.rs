//! A memory with a clock of its own.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use longshore_job::{Earlier, Memory, Recalling, Unremembered};

/// Remembers for as long as it was told, by a clock that tests turn.
#[derive(Default)]
pub(crate) struct Remembering {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    now: Duration,
    broken: bool,
    kept: HashMap<String, Kept>,
}

struct Kept {
    value: Vec<u8>,
    until: Duration,
}

impl Remembering {
    /// Lets time pass; what is over is gone.
    pub(crate) fn pass(&self, time: Duration) {
        let mut state = self.state.lock().expect("not poisoned");
        state.now += time;
        let now = state.now;
        state.kept.retain(|_, kept| kept.until > now);
    }

    /// Can neither be asked nor written from now on.
    pub(crate) fn break_down(&self) {
        self.state.lock().expect("not poisoned").broken = true;
    }

    /// Keys, values and how long each is still kept, in seconds; sorted by key.
    pub(crate) fn kept(&self) -> Vec<(String, String, u64)> {
        let state = self.state.lock().expect("not poisoned");
        let shown = |(key, kept): (&String, &Kept)| {
            let value = String::from_utf8(kept.value.clone()).expect("a text");
            (key.clone(), value, (kept.until - state.now).as_secs())
        };
        let mut all: Vec<_> = state.kept.iter().map(shown).collect();
        all.sort();
        all
    }

    /// Replaces every value.
    pub(crate) fn overwrite(&self, value: &[u8]) {
        let mut state = self.state.lock().expect("not poisoned");
        for kept in state.kept.values_mut() {
            kept.value = value.to_vec();
        }
    }

    fn asked<T>(&self, answer: impl FnOnce(&mut State) -> T) -> Result<T, Unremembered> {
        let mut state = self.state.lock().expect("not poisoned");
        match state.broken {
            true => Err(Unremembered("connection refused".to_owned())),
            false => Ok(answer(&mut state)),
        }
    }
}

impl Memory for Remembering {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        panic!("a look-up does not need to know what came before");
    }

    fn own<'a>(&'a self, _message: &'a str) -> Recalling<'a, bool> {
        panic!("a look-up owns no message");
    }

    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        let value = self.asked(|state| state.kept.get(key).map(|kept| kept.value.clone()));
        Box::pin(std::future::ready(value))
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> Recalling<'a, ()> {
        let done = self.asked(|state| {
            let (value, until) = (value.to_vec(), state.now + time);
            state.kept.insert(key.to_owned(), Kept { value, until });
        });
        Box::pin(std::future::ready(done))
    }
}
