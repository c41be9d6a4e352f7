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
//! `payment_failed` is not told after `order_paid`. The payer may pay in the moment between the look at Stripe and the
//! request, so the app has to keep to the same: what has been paid does not fail any more.

use std::time::Duration;

use longshore_job::{JobError, Run};

use super::mail;
use crate::app::{AppClient, Effect, EffectKind};
use crate::stripe::NAME;

/// How long it is remembered that the app has taken an effect.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// The app has taken it.
    Now,
    /// It had done so before.
    Before,
    /// The app was told that it is paid, so it is not told that it failed.
    Overtaken,
}

impl Delivered {
    /// Why the app was not told now.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Now => "the app was told",
            Self::Before => "the app was told before",
            Self::Overtaken => "the app was told before that it is paid",
        }
    }
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
    let key = effect.place();
    let memory = run.memory();
    if memory.recall(&key).await?.is_some() {
        return Ok(Delivered::Before);
    }
    if effect.effect == EffectKind::PaymentFailed {
        let paid = effect.place_of_payment();
        if memory.recall(&paid).await?.is_some() {
            return Ok(Delivered::Overtaken);
        }
    }
    let named = named(run, &key, effect).await?;
    let answer = app.effect(run, &named).await?;
    if effect.effect == EffectKind::PaymentFailed {
        mail::enqueue(run, &key, effect, answer).await?;
    }
    memory
        .keep(&key, effect.event_id.as_bytes(), REMEMBERED)
        .await?;
    if effect.effect == EffectKind::OrderPaid {
        // Stripe takes its share of each payment, whoever confirmed it; here each is seen once.
        run.billed(NAME, "payment", 1);
    }
    Ok(Delivered::Now)
}

/// The effect under the name that it has: its own, or that of whoever was about to tell it first.
async fn named(run: &Run, key: &str, effect: &Effect) -> Result<Effect, JobError> {
    let key = format!("{key}:name");
    let own = effect.event_id.as_bytes();
    let name = run.memory().keep_first(&key, own, REMEMBERED).await?;
    Ok(Effect {
        event_id: String::from_utf8(name).unwrap_or_else(|_| effect.event_id.clone()),
        ..effect.clone()
    })
}

#[cfg(test)]
mod tests;
