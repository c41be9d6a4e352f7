//! Idempotency keys that a script touches: whole names, which it is given and does not make up.
//!
//! Which they are only the jobs' headers say, and the script reads those. So it is called without them first. Where it meets
//! a job that has a key it does nothing, and names the keys; then it is called again. A job without a key costs nothing.

use crate::QueueError;
use crate::keys::Keys;
use crate::script::{Script, ScriptCall};
use crate::value::Reply;

/// So often others may bring jobs with other keys between two calls.
const MOST_CALLS: usize = 20;

/// Those that are known so far, as `<kind>:<key>`.
#[derive(Debug, Default)]
pub(crate) struct Held {
    known: Vec<Vec<u8>>,
    calls: usize,
}

impl Held {
    /// A call with these keys of the queue, and the idempotency keys behind them.
    pub(crate) fn on(&self, keys: &Keys, script: &'static Script, of_queue: &[&str]) -> ScriptCall {
        let held: Vec<Vec<u8>> = self.known.iter().map(|key| keys.held_under(key)).collect();
        let of_queue = of_queue.iter().map(|key| key.as_bytes());
        script.on_keys(of_queue.chain(held.iter().map(Vec::as_slice)))
    }

    /// Says how many they are, and of which job's header each is (`given_keys` of `lua/part/key.lua`).
    pub(crate) fn name(&self, mut call: ScriptCall) -> ScriptCall {
        call = call.arg(self.known.len());
        for key in &self.known {
            call = call.arg(key);
        }
        call
    }

    /// Whether a script has answered that keys are missing: then it is to be called again.
    pub(crate) fn are_missing(
        &mut self,
        word: &str,
        answer: &mut Reply,
    ) -> Result<bool, QueueError> {
        if word != "keys" {
            return Ok(false);
        }
        self.calls += 1;
        if self.calls > MOST_CALLS {
            return Err(QueueError::unexpected("it wants other keys each time"));
        }
        let missing: Vec<Vec<u8>> = answer.next()?;
        self.known.extend(missing);
        Ok(true)
    }
}
