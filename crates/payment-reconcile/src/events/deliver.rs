//! Telling the app, once.
//!
//! An effect is one of an object: `order_paid` of `pi_…`; and of each failed try to pay it, since the payer may try again.
//! Once the app has taken it, that is remembered for 30 days, as long as Stripe has the events: another event, the same
//! one again, or a reconcile finds it done.
//!
//! Nobody claims an effect before it is told. A claim whose owner dies would have to be waited for, or would lose the
//! effect; and of a claim that runs out nobody knows whether the app was told. So two jobs can tell the app of the same
//! effect at the same moment, and it is the key that makes one of it: whoever is first names the effect, after its own
//! event, and everybody after that uses the same name. A reconcile that races with an event, or two events about one
//! payment, come to the app under one `Idempotency-Key`, with one body.
//!
//! What is overtaken is not told ([`overtaken`]): `payment_failed` after `order_paid`, neither of them once the money has
//! gone back, and no smaller sum of refunds after a larger one. Things may change in the moment between the look at Stripe
//! and the request, so the app has to keep to the same: what has been paid does not fail any more, and what has gone back
//! is not paid.
//!
//! An app whose data was restored from a backup has forgotten what it took. The reconcile sees that, and tells it again
//! ([`deliver_again`]), under the same name: an app that does know it takes it for the same.

use std::time::Duration;

use jiff::Timestamp;
use longshore_job::{JobError, Run};
use serde::{Deserialize, Serialize};

use super::mail;
use super::overtaken::{is_overtaken, note};
use crate::app::{AppClient, Effect};
use crate::stripe::NAME;

/// How long it is remembered that the app has taken an effect.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How far the clocks of two workers may be apart, with time for the app's answer.
const SLACK_SECONDS: i64 = 60;

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// The app has taken it.
    Now,
    /// It had done so before.
    Before,
    /// It had done so before, had forgotten it, and has taken it again.
    Again,
    /// The app was told what came after it.
    Overtaken,
}

impl Delivered {
    /// Why the app was not told of this effect now.
    pub(super) fn reason(self, effect: &Effect) -> String {
        let why = match self {
            Self::Now | Self::Again => "the app was told",
            Self::Before => "the app was told before",
            Self::Overtaken => "the app was told what came after it",
        };
        format!("{} of {}: {why}", effect.effect.as_str(), effect.object)
    }
}

/// What is remembered of an effect that the app has taken.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// Its name.
    event: String,
    /// When, Unix time in seconds.
    at: i64,
}

/// Tells the app of an effect, unless it has taken it before, and enqueues the mail that it asks for.
///
/// The order matters: what is remembered is that *all* of it is done. A run that ends anywhere before is repeated, and
/// neither the app, which knows the key, nor the outbox, which knows the effect, does anything twice.
///
/// # Errors
/// When the app has not said that it took it, or the fleet's memory cannot be asked.
pub(crate) async fn deliver(
    app: &AppClient,
    run: &Run,
    effect: &Effect,
) -> Result<Delivered, JobError> {
    tell(app, run, effect, None).await
}

/// The same of an effect that the app did not know at this time, Unix time in seconds: if it was told before that, it is
/// told again. Its mail was sent then, and is not sent again.
pub(crate) async fn deliver_again(
    app: &AppClient,
    run: &Run,
    effect: &Effect,
    unknown_at: i64,
) -> Result<Delivered, JobError> {
    tell(app, run, effect, Some(unknown_at)).await
}

async fn tell(
    app: &AppClient,
    run: &Run,
    effect: &Effect,
    unknown_at: Option<i64>,
) -> Result<Delivered, JobError> {
    let key = effect.place();
    let told = run.memory().recall(&key).await?;
    if let Some(told) = &told
        && unknown_at.is_none_or(|unknown_at| Told::at(told) + SLACK_SECONDS >= unknown_at)
    {
        return Ok(Delivered::Before);
    }
    if is_overtaken(run, effect).await? {
        return Ok(Delivered::Overtaken);
    }
    let again = told.is_some();
    let named = named(run, &key, effect).await?;
    let answer = app.effect(run, &named).await?;
    if effect.effect.has_contact() && !again {
        mail::enqueue(run, &key, effect, answer).await?;
    }
    note(run, effect, REMEMBERED).await?;
    let told = Told::now(effect);
    run.memory().keep(&key, &told, REMEMBERED).await?;
    if again {
        tracing::warn!(job = %run.id, effect = effect.effect.as_str(), object = effect.object, "the app had forgotten this, and was told again");
        return Ok(Delivered::Again);
    }
    if effect.effect.is_payment() {
        // The provider takes its share of each payment, whoever confirmed it; here each is seen once.
        run.billed(effect.provider.unwrap_or(NAME), "payment", 1);
    }
    Ok(Delivered::Now)
}

impl Told {
    fn now(effect: &Effect) -> Vec<u8> {
        let told = Self {
            event: effect.event_id.clone(),
            at: Timestamp::now().as_second(),
        };
        serde_json::to_vec(&told)
            .unwrap_or_else(|error| unreachable!("a text and a number become JSON: {error}"))
    }

    /// When. Whoever wrote down the name alone did so long ago.
    fn at(told: &[u8]) -> i64 {
        serde_json::from_slice(told).map_or(0, |told: Self| told.at)
    }
}

/// The effect under the name that it has: its own, or that of whoever was about to tell it first.
///
/// An event of which something else was about to be told before (the object has changed since) has given its name away: the
/// app would take two effects under one name for one.
async fn named(run: &Run, key: &str, effect: &Effect) -> Result<Effect, JobError> {
    let memory = run.memory();
    let mut own = effect.event_id.clone();
    if let Some(attempt) = &effect.attempt {
        let first = format!("event:{own}:name");
        let first = memory
            .keep_first(&first, key.as_bytes(), REMEMBERED)
            .await?;
        if first != key.as_bytes() {
            own = format!("{own}_{attempt}");
        }
    }
    let key = format!("{key}:name");
    let name = memory.keep_first(&key, own.as_bytes(), REMEMBERED).await?;
    Ok(Effect {
        event_id: String::from_utf8(name).unwrap_or(own),
        ..effect.clone()
    })
}

#[cfg(test)]
mod tests;
