//! What the app is not told any more, because it was told what came after it.
//!
//! | effect | overtaken by |
//! |---|---|
//! | `payment_failed` | `order_paid` of the same payment, `subscription_renewed` of the same invoice |
//! | `payment_failed`, `order_paid`, `subscription_renewed` | all of the payment was refunded, or it is disputed |
//! | `payment_refunded` | a larger sum; after a refund that came to nothing, whatever was told before |
//! | `payment_disputed` | the decision of the same dispute |

use std::time::Duration;

use longshore_job::{JobError, Run, Unremembered};
use serde::{Deserialize, Serialize};

use crate::app::{Effect, EffectKind};

/// What the app was told of a payment's refunds. The order is the one that they come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct RefundsTold {
    /// How many came to nothing.
    failed: u64,
    /// In minor units.
    refunded: u64,
    /// Whether that is all of the payment.
    all: bool,
}

/// What the app was told of a dispute.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DisputeTold {
    dispute: String,
    decided: bool,
}

impl RefundsTold {
    fn of(effect: &Effect) -> Self {
        let refunded = effect.amount_refunded.unwrap_or_default();
        Self {
            failed: effect.failed_refunds,
            refunded,
            all: refunded > 0 && refunded >= effect.amount.unwrap_or_default(),
        }
    }
}

impl DisputeTold {
    fn of(effect: &Effect) -> Self {
        let status = effect.dispute_status.as_deref();
        Self {
            dispute: effect.object.clone(),
            decided: matches!(status, Some("won" | "lost" | "warning_closed")),
        }
    }
}

/// Whether the app was told what came after this.
pub(super) async fn is_overtaken(run: &Run, effect: &Effect) -> Result<bool, JobError> {
    match effect.effect {
        EffectKind::PaymentFailed => {
            let paid = run.memory().recall(&effect.place_of_payment()).await?;
            Ok(paid.is_some() || went_back(run, effect).await?)
        }
        EffectKind::OrderPaid | EffectKind::SubscriptionRenewed => {
            Ok(went_back(run, effect).await?)
        }
        EffectKind::PaymentRefunded => {
            let told: Option<RefundsTold> = recall(run, &effect.place_of_refunds()).await?;
            Ok(told.is_some_and(|told| told > RefundsTold::of(effect)))
        }
        EffectKind::PaymentDisputed => {
            let told: Option<DisputeTold> = recall(run, &effect.place_of_disputes()).await?;
            let ours = DisputeTold::of(effect);
            let later = |told: DisputeTold| told.dispute == ours.dispute && told.decided;
            Ok(!ours.decided && told.is_some_and(later))
        }
        EffectKind::SubscriptionCancelled => Ok(false),
    }
}

/// Whether the app was told that the payment's money is gone.
async fn went_back(run: &Run, effect: &Effect) -> Result<bool, Unremembered> {
    let refunds: Option<RefundsTold> = recall(run, &effect.place_of_refunds()).await?;
    if refunds.is_some_and(|told| told.all) {
        return Ok(true);
    }
    let dispute: Option<DisputeTold> = recall(run, &effect.place_of_disputes()).await?;
    Ok(dispute.is_some())
}

/// Notes what overtakes others.
pub(super) async fn note(run: &Run, effect: &Effect, time: Duration) -> Result<(), Unremembered> {
    match effect.effect {
        EffectKind::PaymentRefunded => {
            let told = RefundsTold::of(effect);
            keep(run, &effect.place_of_refunds(), &told, time).await
        }
        EffectKind::PaymentDisputed => {
            let told = DisputeTold::of(effect);
            keep(run, &effect.place_of_disputes(), &told, time).await
        }
        EffectKind::OrderPaid
        | EffectKind::PaymentFailed
        | EffectKind::SubscriptionRenewed
        | EffectKind::SubscriptionCancelled => Ok(()),
    }
}

async fn recall<T: for<'de> Deserialize<'de>>(
    run: &Run,
    place: &str,
) -> Result<Option<T>, Unremembered> {
    let note = run.memory().recall(place).await?;
    Ok(note.and_then(|note| serde_json::from_slice(&note).ok()))
}

async fn keep(
    run: &Run,
    place: &str,
    note: &(impl Serialize + Sync),
    time: Duration,
) -> Result<(), Unremembered> {
    let note = serde_json::to_vec(note)
        .unwrap_or_else(|error| unreachable!("texts and numbers become JSON: {error}"));
    run.memory().keep(place, &note, time).await
}
