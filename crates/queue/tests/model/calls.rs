//! What calls say of the provider, and those who ask for one.

use std::time::Duration;

use longshore_job::Why;
use longshore_queue::{
    Admission, BreakerSpec, CallReport, ClaimContext, ClaimState, Limit, ProviderPolicy, Route,
};

use crate::provider::{FAILURES, OPEN_MS, PROBE_MS};
use crate::step::Word;
use crate::support::kari;
use crate::world::{Taken, World, agree};

/// So long go by where holds are over.
const LONG_MS: i64 = 7_210_000;

/// With credentials of this version. Its limit is out of reach for a test, unless its clock goes back.
pub(crate) fn policy(version: u8) -> ProviderPolicy {
    let millis = |ms: i64| Duration::from_millis(ms.unsigned_abs());
    ProviderPolicy {
        name: "sendgrid".to_owned(),
        limit: Some(Limit {
            count: 100_000,
            per: Duration::from_secs(1),
        }),
        breaker: Some(BreakerSpec {
            failures: FAILURES,
            window: None,
            open: millis(OPEN_MS),
            probe: millis(PROBE_MS),
        }),
        credentials: format!("v{version}").as_str().into(),
        ..ProviderPolicy::default()
    }
}

impl Word {
    pub(crate) fn report(self) -> CallReport {
        match self {
            Self::Silent => CallReport::Nothing,
            Self::Well => CallReport::Well,
            Self::Ill => CallReport::Ill,
            Self::Wait { long } => CallReport::Hold(Duration::from_secs(match long {
                true => 5400,
                // Over when the clock goes ahead once.
                false => 1000,
            })),
            Self::Refused => CallReport::Refused {
                reason: "401".to_owned(),
            },
        }
    }
}

impl World {
    /// A run asks for a further call, or one of another queue does.
    pub(crate) async fn ask_for_call(&mut self, worker: usize, job: usize) -> Taken {
        let asking = &self.workers[worker];
        let place = job.checked_rem(asking.jobs.len());
        let context = place.map(|place| asking.jobs[place].1.context);
        let probing = context.filter(|context| context.route == Route::Probe);
        let probing = probing.map(|context| context.epoch);
        let version = asking.version;
        let asked = asking
            .queue
            .acquire_call(asking.queue.provider(), probing, None)
            .await;
        let expected = self.model.provider.ask(probing, version);
        match (asked.map_err(|error| error.to_string())?, expected) {
            (Admission::Go { pass, .. }, Ok(expected)) if pass == expected => {
                self.workers[worker].passes.push(pass);
                Ok(())
            }
            (Admission::NotNow { why, .. }, Err(state)) => agree(why, why_of(state), "why"),
            (asked, expected) => Err(format!("{asked:?}, and should be {expected:?}")),
        }
    }

    /// The call that was asked for first says what it found.
    pub(crate) async fn tell(&mut self, worker: usize, word: Word) -> Taken {
        let telling = &mut self.workers[worker];
        if telling.passes.is_empty() {
            return Ok(());
        }
        let pass = telling.passes.remove(0);
        let report = word.report();
        let queue = &telling.queue;
        let told = queue.report_call(queue.provider(), pass, &report, "w");
        told.await.map_err(|error| error.to_string())?;
        let context = ClaimContext {
            route: match pass.probe {
                true => Route::Probe,
                false => Route::Primary,
            },
            epoch: pass.epoch,
            ..ClaimContext::default()
        };
        let version = telling.version;
        self.model.provider.report(&report, context, version);
        self.model.provider.reported();
        Ok(())
    }

    /// A worker has newer credentials than any.
    pub(crate) fn renew_credentials(&mut self, worker: usize) {
        let versions = self.workers.iter().map(|worker| worker.version);
        let version = versions.max().unwrap_or_default() + 1;
        let worker = &mut self.workers[worker];
        worker.version = version;
        worker.queue = worker.queue.clone().with_provider(policy(version));
    }

    /// So much time goes by that each hold is over.
    pub(crate) async fn holds_over(&mut self) -> Taken {
        let keys = self.queue.keys();
        let moved = [keys.gate.clone(), keys.breakers.clone()];
        self.move_times(&moved, -LONG_MS).await?;
        self.model.provider.move_holds(-LONG_MS);
        Ok(())
    }

    pub(crate) async fn lift(&mut self) -> Taken {
        let lifted = self.queue.lift_holds(&kari()).await;
        let lifted = lifted.map_err(|error| error.to_string())?;
        let shown: Vec<_> = lifted.iter().map(|hold| hold.cause.as_str()).collect();
        let expected: Vec<_> = self.model.provider.holds().into_iter().collect();
        if shown != expected {
            return Err(format!("lifted {shown:?}, and should be {expected:?}"));
        }
        self.model.provider.lift();
        Ok(())
    }
}

fn why_of(state: ClaimState) -> Why {
    match state {
        ClaimState::Held => Why::Held,
        ClaimState::Refused => Why::Refused,
        _ => Why::Open,
    }
}
