//! A memory that can break down at a chosen moment, and a door that is always open.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use longshore_job::{Earlier, Gate, Memory, Recalling, Unremembered};
use serde_json::Value;

#[derive(Default)]
pub(crate) struct Remembering(Mutex<State>);

#[derive(Default)]
struct State {
    kept: HashMap<String, Vec<u8>>,
    checkpoint: Option<Value>,
    /// So many checkpoints more, then it breaks down.
    saves: Option<u32>,
    saved: u32,
}

impl Remembering {
    /// Takes so many checkpoints more; then runs end, as if killed.
    pub(crate) fn take(&self, saves: u32) {
        self.0.lock().expect("not poisoned").saves = Some(saves);
    }

    pub(crate) fn mend(&self) {
        self.0.lock().expect("not poisoned").saves = None;
    }

    pub(crate) fn saved(&self) -> u32 {
        self.0.lock().expect("not poisoned").saved
    }

    pub(crate) fn progress(&self) -> Option<Value> {
        self.0.lock().expect("not poisoned").checkpoint.clone()
    }
}

impl Memory for Remembering {
    fn earlier(&self) -> Recalling<'_, Earlier> {
        panic!("deleting twice is deleting once");
    }

    fn own<'a>(&'a self, _: &'a str) -> Recalling<'a, bool> {
        panic!("a sweep owns no message");
    }

    fn recall<'a>(&'a self, key: &'a str) -> Recalling<'a, Option<Vec<u8>>> {
        let kept = self.0.lock().expect("not poisoned").kept.get(key).cloned();
        Box::pin(async { Ok(kept) })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], _: Duration) -> Recalling<'a, ()> {
        let mut state = self.0.lock().expect("not poisoned");
        state.kept.insert(key.to_owned(), value.to_vec());
        Box::pin(async { Ok(()) })
    }

    fn checkpoint(&self) -> Recalling<'_, Option<Value>> {
        let checkpoint = self.progress();
        Box::pin(async { Ok(checkpoint) })
    }

    fn save<'a>(&'a self, checkpoint: &'a Value) -> Recalling<'a, bool> {
        let mut state = self.0.lock().expect("not poisoned");
        let left = match &mut state.saves {
            Some(0) => return Box::pin(async { Err(Unremembered("killed".to_owned())) }),
            Some(saves) => {
                *saves -= 1;
                true
            }
            None => true,
        };
        state.saved += 1;
        state.checkpoint = Some(checkpoint.clone());
        Box::pin(async move { Ok(left) })
    }
}

/// Everything may leave.
pub(crate) struct Open;

impl Gate for Open {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {})
    }
}
