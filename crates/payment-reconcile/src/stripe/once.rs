//! Each write is made once, however often its job is run.
//!
//! Stripe saves the result of a request under its idempotency key, and answers every later request with that key with
//! the same result. So the key is the job's, and stays the same on every attempt: an attempt that follows a lost
//! answer gets that answer, or makes what was never made. **A new key after a mere timeout would be a second payment.**
//!
//! Two things limit that.
//!
//! *Keys are forgotten* after a day or more, and a forgotten key is a new one. So when the first request of the job may
//! have gone out longer ago, what it made is looked for first. If nothing is there, the same key is used all the same:
//! forgotten or not, it makes one thing.
//!
//! *Failures are saved, too.* A 500 that Stripe wrote down is the key's answer from then on, and the job could never
//! end well. Then what was made is looked for (a request may fail after its effect), and if nothing is there, the job
//! goes on with a new generation of the key. That is a second request for the same thing, so three things have to be
//! certain: that the key is spent, that nothing of the first request is still on its way, and that no attempt goes back
//! to the old key.
//!
//! - It is spent when Stripe marks the answer as one it had saved. The mark is not something to depend on: without it,
//!   two attempts that failed so, or one that Stripe says will not do better, are taken for it.
//! - With the mark, the first request is over. Without it, the list is asked on the next attempt, and no sooner than a
//!   minute after the last request.
//! - The new generation is kept in the fleet's memory *before* the call, for every later attempt to begin with.
//!
//! An outage looks the same as a spent key in its beginning, which does no harm: what has been looked for and is not
//! there, a minute after the last request, was not made.

use std::time::Duration;

use longshore_job::{Answer, EarlierRequests, JobError, Run, Scope, Unremembered};
use serde::{Deserialize, Serialize};

use super::look::Window;
use super::write::Write;
use super::{CallError, NAME, Stripe, understood};
use crate::Receipt;
use crate::error::{Failure, answer, coded, failure, may_hide_an_earlier_one, of_writing};

/// Keys live for 24 h at the least. An hour less, for what passes between looking at the clock and Stripe's.
pub(super) const KEY_LIFE: Duration = Duration::from_secs(23 * 60 * 60);

/// How long after the last request its effect may still appear.
const SETTLING: Duration = Duration::from_secs(60);

/// How long the state of a key is remembered. Should it be forgotten with the job still there, the job's requests are
/// so old that it begins with looking, and so is the key.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// After so many failures a key is taken to be spent.
const SPENT: u32 = 2;

/// What is known of the job's key beyond the key itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// How often it was replaced.
    generation: u32,
    /// How often this generation was answered with a failure.
    failures: u32,
}

/// Makes a write once.
pub(super) async fn once<W: Write>(
    stripe: &Stripe,
    run: &Run,
    write: &W,
) -> Result<Receipt, JobError> {
    let mut note = Note::default();
    if run.may_have_been_sent {
        note = Note::recall(run).await?;
    }
    // Within one attempt the same key is used again at once, as often as the attempt says: only a minute after the last
    // request does it mean something that nothing is found.
    if run.may_have_been_sent && !run.again {
        let earlier = run.memory().earlier_requests().await?;
        if note.failures >= SPENT {
            settled(&earlier)?;
        }
        if note.failures >= SPENT || is_old(&earlier) {
            if let Some(receipt) = look(stripe, run, write, &earlier).await? {
                return Ok(receipt);
            }
            if note.failures >= SPENT {
                note = note.renewed(run).await?;
            }
        }
    }
    let mut error = match send(stripe, run, write, note).await {
        Ok(receipt) => return Ok(receipt),
        Err(error) => error,
    };
    let is_saved = failure(&error) == Some(Failure::Saved);
    // A refusal begins a new generation, so it has to be one of the earlier requests, too: after one that was carried out
    // and not heard of, the next replay would be a second payment.
    if is_saved || (run.may_have_been_sent && may_hide_an_earlier_one(&error)) {
        match look_again(stripe, run, write).await {
            Ok(Some(receipt)) => return Ok(receipt),
            Ok(None) => {}
            // What failed may have been carried out.
            Err(_) if is_saved => return Err(of_writing(error)),
            Err(error) => return Err(error),
        }
    }
    if is_saved {
        run.not_carried_out();
        note = note.renewed(run).await?;
        error = match send(stripe, run, write, note).await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
    }
    let failure = failure(&error);
    let end = of_writing(error);
    if !matches!(end, JobError::OutcomeUnknown { .. }) {
        run.not_carried_out();
    }
    if let Some(failure) = failure {
        note.failed(run, failure).await;
    }
    Err(end)
}

/// What an earlier request of the job made, without making it.
pub(super) async fn find<W: Write>(
    stripe: &Stripe,
    run: &Run,
    write: &W,
) -> Result<Option<Receipt>, JobError> {
    let earlier = run.memory().earlier_requests().await?;
    match look(stripe, run, write, &earlier).await? {
        Some(receipt) => Ok(Some(receipt)),
        None => settled(&earlier).map(|()| None),
    }
}

async fn send<W: Write>(
    stripe: &Stripe,
    run: &Run,
    write: &W,
    note: Note,
) -> Result<Receipt, CallError> {
    let key = note.key(run, W::OPERATION);
    let response = stripe.post(run, write.path()?, &key, write.form(run));
    let response = response.await?;
    Ok(W::receipt(understood(&response)?, answer(&response)))
}

async fn look_again<W: Write>(
    stripe: &Stripe,
    run: &Run,
    write: &W,
) -> Result<Option<Receipt>, JobError> {
    let earlier = run.memory().earlier_requests().await?;
    look(stripe, run, write, &earlier).await
}

async fn look<W: Write>(
    stripe: &Stripe,
    run: &Run,
    write: &W,
    earlier: &EarlierRequests,
) -> Result<Option<Receipt>, JobError> {
    let found = write
        .look(stripe, run, Window::of_requests(earlier))
        .await?;
    Ok(found.map(|made| W::receipt(made, Answer::of(NAME))))
}

/// Whether the key of the first request may have been forgotten.
fn is_old(earlier: &EarlierRequests) -> bool {
    let age = earlier.now.duration_since(earlier.after);
    age.unwrap_or_default() > KEY_LIFE
}

/// That nothing is found means something only once what was sent would be there.
fn settled(earlier: &EarlierRequests) -> Result<(), JobError> {
    let since = earlier.now.duration_since(earlier.before);
    let rest = SETTLING.saturating_sub(since.unwrap_or_default());
    if rest.is_zero() {
        return Ok(());
    }
    Err(JobError::Throttled {
        retry_after: rest,
        scope: Scope::Job,
        reason: "an earlier request of this job may still be on its way at Stripe".to_owned(),
        answer: coded("not settled yet"),
    })
}

impl Note {
    fn place(run: &Run) -> String {
        format!("stripe:{}", run.idempotency_key)
    }

    async fn recall(run: &Run) -> Result<Self, JobError> {
        let note = run.memory().recall(&Self::place(run)).await?;
        // One that does not read is as good as none: then the key of the first generation is asked.
        let note = note.and_then(|note| serde_json::from_slice(&note).ok());
        Ok(note.unwrap_or_default())
    }

    async fn keep(self, run: &Run) -> Result<(), Unremembered> {
        let json = serde_json::to_vec(&self)
            .unwrap_or_else(|error| unreachable!("two numbers become JSON: {error}"));
        let place = Self::place(run);
        run.memory().keep(&place, &json, REMEMBERED).await
    }

    /// The next generation, kept. Nothing is sent under it before it is.
    async fn renewed(self, run: &Run) -> Result<Self, JobError> {
        let note = Self {
            generation: self.generation + 1,
            failures: 0,
        };
        note.keep(run).await?;
        tracing::info!(job = %run.id, generation = note.generation, "the idempotency key is spent: the next one");
        Ok(note)
    }

    /// One more failure, kept. If it cannot be, the next attempt knows less and goes the longer way.
    async fn failed(self, run: &Run, failure: Failure) {
        let failures = match failure {
            Failure::Passing => self.failures + 1,
            Failure::Final | Failure::Saved => SPENT,
        };
        let note = Self { failures, ..self };
        if let Err(error) = note.keep(run).await {
            tracing::warn!(job = %run.id, %error, "a failure is not noted");
        }
    }

    /// `<job id>[-<generation of the job's>]:<operation>[:<generation>]`
    fn key(self, run: &Run, operation: &str) -> String {
        let key = &run.idempotency_key;
        match self.generation {
            0 => format!("{key}:{operation}"),
            generation => format!("{key}:{operation}:{generation}"),
        }
    }
}
