//! `move_back`.

use std::time::Instant;

use crate::{MoveBack, StoreName};
use longshore_job::{Answer, Handler, JobError, Outcome, Run};
use longshore_storage::{MoveResult, move_object};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cleanup::Cleanup;
use crate::keeper::StateStore;

/// How many objects are moved before it is kept how far it has come.
const AT_A_TIME: usize = 50;

/// Carries out `move_back` jobs.
///
/// The result is `{"bucket","listed","moved","bytes","superseded","changed"}`: `superseded` lie at R2 still, since S3 has
/// something newer under their keys; `changed` were replaced meanwhile, and are for the next job.
#[derive(Debug, Clone)]
pub struct MoveBackHandler {
    cleanup: Cleanup,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    /// Everything up to this key is dealt with.
    after: Option<String>,
    tally: Tally,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Tally {
    listed: u64,
    moved: u64,
    bytes: u64,
    superseded: u64,
    changed: u64,
}

impl MoveBackHandler {
    /// A handler for these buckets.
    #[must_use]
    pub fn new(cleanup: Cleanup) -> Self {
        Self { cleanup }
    }
}

impl Handler for MoveBackHandler {
    type Job = MoveBack;

    // What is deleted or copied stays so.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: MoveBack, run: Run) -> Result<Outcome, JobError> {
        let began = Instant::now();
        let from = self.cleanup.place(&job.bucket, StoreName::R2, &run)?;
        let to = self.cleanup.place(&job.bucket, StoreName::S3, &run)?;
        let mut keeper = StateStore::new(&run, &job);
        let mut state: State = keeper.load().await?.unwrap_or_default();
        loop {
            let after = state.after.as_deref();
            let page = from.session.list(from.name, "", after).await?;
            for some in page.objects.chunks(AT_A_TIME) {
                for object in some {
                    let tally = &mut state.tally;
                    let here = (&from.session, from.name);
                    let moved = move_object(here, (&to.session, to.name), object).await?;
                    tally.listed += 1;
                    match moved {
                        MoveResult::Moved => {
                            tally.moved += 1;
                            tally.bytes = tally.bytes.saturating_add(object.size);
                        }
                        MoveResult::Superseded => tally.superseded += 1,
                        MoveResult::Changed => tally.changed += 1,
                    }
                    state.after = Some(object.key.clone());
                }
                keeper.save(&state, shown(&state.tally)).await?;
                self.cleanup.end_slice(began)?;
            }
            // Also where none of it could be read, such as objects without a time.
            match page.next {
                Some(next) => state.after = Some(next),
                None => break,
            }
        }
        let mut result = shown(&state.tally);
        result["bucket"] = json!(job.bucket);
        Ok(Outcome::Done {
            result: Some(result),
            answer: Answer::of(to.session.name().as_str()),
        })
    }
}

fn shown(tally: &Tally) -> Value {
    serde_json::to_value(tally).unwrap_or_default()
}
