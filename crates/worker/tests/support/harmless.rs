use longshore_job::{Handler, InvalidArgs, Job, JobError, Outcome, Run};
use serde::{Deserialize, Serialize};

use super::Probing;

/// A job that sends, and whose second request would leave things as the first one did.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Harmless {}

impl Job for Harmless {
    const KIND: &'static str = "harmless";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
    const QUEUE: &'static str = "probe";

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// Its handler: the run is told where all are.
pub struct Repeating(pub Probing);

impl Handler for Repeating {
    type Job = Harmless;

    const MAY_REPEAT: bool = true;

    async fn run(&self, _: Harmless, run: Run) -> Result<Outcome, JobError> {
        self.0.send(&run).await;
        Ok(Outcome::done())
    }
}
