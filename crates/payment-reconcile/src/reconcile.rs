//! What a payment provider and the app know of payments, compared: Stripe, unless the job names another.
//!
//! [`pass`] goes through the window from the newest payments to the oldest, in slices of some 2,000: Stripe's payments
//! of a slice are read, then the app's of the same time, page by page. Most find their counterpart at once. What does
//! not is carried along: it lies in another slice, or nowhere. [`compare`] alone says when two accounts differ, and
//! [`books`] is all that is asked and told.
//!
//! # Memory
//!
//! Slices are bounded by payments, not by time, so a busy hour costs no more than a quiet day: 2,000 payments, one page
//! of the app's, and at the most 20,000 of each side that have no counterpart (some 5 MB), ordinarily a handful: 4 MB in
//! all for 100,000 payments of a day, as measured. Beyond
//! that bound those furthest away in time are decided early, and only then can a payment be called unknown whose other
//! account lies that far away. A table of all payments would be as small for a day and not for a year; a file to sort
//! in would be lost with its machine.
//!
//! # Crashes
//!
//! After each slice the state is kept, see [`state`]; what died in the middle of one reads it again. Repairs are first
//! written down, then made, so that a run that dies between making one and saying so makes it again, which the app takes
//! for the same, and reports it as made. Reading has no effect, so nothing is reported twice and nothing skipped.

mod books;
mod compare;
mod pass;
mod report;
mod side;
mod slice;
mod state;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ReconcilePayments;
use jiff::Timestamp;
use longshore_job::{Answer, Handler, JobError, Outcome, Run, Scope};
use serde_json::{Map, Value, json};

use crate::app::AppClient;
use crate::records::{AnotherRecords, PaymentRecords};
use crate::stripe::{NAME, Stripe};
use crate::{Providers, error};
use books::{Actual, Another, Books};
use pass::{Limits, ReconcilePass};
pub use report::{OnTheJob, ReportFile, ReportStore, Storing};
use side::Side;
use state::{State, StateStore};
use window::Window;

/// How long a run may take before it lets other jobs of the queue have its place, and goes on after them.
const TIME_SLICE: Duration = Duration::from_secs(10 * 60);

/// How long it stays away then.
const PAUSE: Duration = Duration::from_secs(1);

/// After how many repairs it is kept that they were made.
const REPAIRS_AT_A_TIME: usize = 50;

/// Carries out `reconcile_payments` jobs.
///
/// The result is `{"from","to","repair","finished_at","payments_at_stripe","payments_of_invoices","payments_in_app",
/// "differences","counts","repaired","truncated","rows","csv"}`: `payments_of_invoices` are those of Stripe's that are no
/// order of the app's, renewals of subscriptions among them; `counts` has each kind of difference, `rows` and `csv` are what the [`ReportStore`] says
/// of the two files, and with `truncated` there are more differences than rows. A row is `{"kind","payment_intent",
/// "order_id","stripe_status","app_status","stripe_amount","app_amount","currency","repaired"}`, `null` where a side
/// does not know.
///
/// Where a job names another provider, `provider` is in the result, and stands for `stripe` in all these words:
/// `payments_at_provider`, `paid_at_provider_pending_in_app`, `provider_status`. Where there are two providers, the result also has
/// `open_payments` (those of the window whose money may still come) and `running_subscriptions` (all that have not ended).
///
/// With `repair`, two kinds are repaired, as an event would have done it: `paid_at_stripe_pending_in_app` by
/// `order_paid`, `failed_at_stripe_pending_in_app` by `payment_failed`. An app that was told before and has forgotten it (restored from a
/// backup) is told again, under the same key. What went back is only reported. A repair that the app refuses is reported as
/// `repair_refused`, and the run goes on; with an app that is away it fails, and goes on from there.
#[derive(Clone)]
pub struct ReconcilePaymentsHandler {
    stripe: Stripe,
    app: AppClient,
    others: Option<Providers>,
    another: Option<AnotherRecords>,
    store: Arc<dyn ReportStore>,
    slice: Duration,
}

impl ReconcilePaymentsHandler {
    /// A handler that compares these two, and puts its reports onto the job.
    #[must_use]
    pub fn new(stripe: Stripe, app: AppClient) -> Self {
        Self {
            stripe,
            app,
            others: None,
            another: None,
            store: Arc::new(OnTheJob),
            slice: TIME_SLICE,
        }
    }

    /// The same, beside other payment providers: what the app has from them is not Stripe's to know.
    #[must_use]
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.others = Some(providers);
        self
    }

    /// The same, which compares this provider's payments, too, for jobs that name it.
    #[must_use]
    pub fn with_records(mut self, name: &'static str, records: Arc<dyn PaymentRecords>) -> Self {
        self.another = Some(AnotherRecords { name, records });
        self
    }

    /// The same, with reports put elsewhere.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn ReportStore>) -> Self {
        self.store = store;
        self
    }

    /// The same, giving its place in the queue to others after so long, and going on after them; 10 minutes otherwise.
    #[must_use]
    pub fn with_time_slice(mut self, slice: Duration) -> Self {
        self.slice = slice;
        self
    }
}

impl Handler for ReconcilePaymentsHandler {
    type Job = ReconcilePayments;

    // Each request has its idempotency key.
    const MAY_REPEAT: bool = true;

    async fn run(&self, job: ReconcilePayments, run: Run) -> Result<Outcome, JobError> {
        let limits = Limits::with_rows(self.store.max_rows());
        let side = self.side(&job)?;
        let (app, providers) = (&self.app, self.others.as_ref());
        let state = match side {
            Side::Stripe => {
                let books = Actual {
                    stripe: &self.stripe,
                    app,
                    others: providers,
                    run: &run,
                };
                reconcile(&books, &job, side, &run, limits, self.slice).await?
            }
            Side::Another(provider) => {
                let books = Another {
                    provider,
                    app,
                    providers,
                    run: &run,
                };
                reconcile(&books, &job, side, &run, limits, self.slice).await?
            }
        };
        let running = self.running_subscriptions(side, &run).await?;
        let result = result(&job, side, running, &state, &run, &*self.store).await?;
        let answer = match side {
            Side::Stripe => Answer::of(NAME),
            Side::Another(_) => Answer::default(),
        };
        Ok(Outcome::Done {
            result: Some(result),
            answer: Answer {
                status: Some(200),
                ..answer
            },
        })
    }
}

impl ReconcilePaymentsHandler {
    /// Whose payments a job is about.
    fn side(&self, job: &ReconcilePayments) -> Result<Side<'_>, JobError> {
        let name = job.provider.as_deref().unwrap_or(NAME);
        let another = self.another.as_ref().filter(|another| another.name == name);
        match another {
            Some(another) => Ok(Side::Another(another)),
            None if name == NAME => Ok(Side::Stripe),
            None => Err(JobError::refusal(
                "unknown provider",
                format!("{name} is no payment provider that is configured here"),
            )),
        }
    }

    /// How many subscriptions have not ended there, where that is of use: a provider is left once there are none.
    async fn running_subscriptions(
        &self,
        side: Side<'_>,
        run: &Run,
    ) -> Result<Option<u64>, JobError> {
        match side {
            Side::Another(another) => another.records.running_subscriptions(run).await.map(Some),
            Side::Stripe if self.another.is_none() => Ok(None),
            Side::Stripe => {
                let running = self.stripe.running_subscriptions(run).await;
                running.map(Some).map_err(error::of_reading)
            }
        }
    }
}

/// Compares, and repairs, from where an earlier run has come to.
async fn reconcile(
    books: &impl Books,
    job: &ReconcilePayments,
    side: Side<'_>,
    run: &Run,
    limits: Limits,
    slice: Duration,
) -> Result<State, JobError> {
    let began = Instant::now();
    let window = Window::of(job)?;
    let mut keeper = StateStore::new(run, job, side);
    let state = keeper.load().await?;
    let state = state.unwrap_or_else(|| State::new(&window));
    let mut pass = ReconcilePass {
        books,
        window,
        limits,
        repair: job.repair,
        perhaps_made: state.repairs.len(),
        state,
    };
    loop {
        while !pass.state.repairs.is_empty() {
            let some = pass.state.repairs.len().min(REPAIRS_AT_A_TIME);
            for _ in 0..some {
                pass.make_repair().await?;
            }
            keeper.save(&pass.state).await?;
            end_slice(began, slice)?;
        }
        if pass.state.all_read {
            return Ok(pass.state);
        }
        pass.advance().await?;
        keeper.save(&pass.state).await?;
        end_slice(began, slice)?;
    }
}

/// Ends a run that has had its turn. Its attempt is given back.
fn end_slice(began: Instant, slice: Duration) -> Result<(), JobError> {
    match began.elapsed() < slice {
        true => Ok(()),
        false => Err(JobError::Throttled {
            retry_after: PAUSE,
            scope: Scope::Job,
            reason: "it has had its turn, and goes on after others".to_owned(),
            answer: Answer::default(),
        }),
    }
}

async fn result(
    job: &ReconcilePayments,
    side: Side<'_>,
    running_subscriptions: Option<u64>,
    state: &State,
    run: &Run,
    store: &dyn ReportStore,
) -> Result<Value, JobError> {
    let tally = &state.tally;
    let mut result = Map::new();
    let mut put = |name: &str, value: Value| result.insert(name.to_owned(), value);
    put("from", job.from.clone().into());
    put("to", job.to.clone().into());
    put("repair", job.repair.into());
    if let Side::Another(provider) = side {
        put("provider", provider.name.into());
    }
    put("finished_at", Timestamp::now().to_string().into());
    put(&side.word("payments_at_stripe"), tally.at_stripe.into());
    put("payments_of_invoices", tally.of_invoices.into());
    put("payments_in_app", tally.in_app.into());
    put("differences", tally.differences().into());
    put("counts", tally.by_kind(side));
    put("repaired", tally.repaired.into());
    if let Some(running) = running_subscriptions {
        put("open_payments", tally.open.into());
        put("running_subscriptions", running.into());
    }
    let truncated = tally.differences() > state.rows.len() as u64;
    put("truncated", json!(truncated));
    let [json, csv] = report::files(&state.rows, side);
    put("rows", store.store(run, json).await?);
    put("csv", store.store(run, csv).await?);
    Ok(result.into())
}

impl fmt::Debug for ReconcilePaymentsHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReconcilePaymentsHandler")
            .field("stripe", &self.stripe)
            .field("turn", &self.slice)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
