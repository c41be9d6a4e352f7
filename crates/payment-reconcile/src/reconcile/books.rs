//! Both accounts of payments, as they are read and repaired.

mod another;

use std::future::Future;

use jiff::Timestamp;
use longshore_job::{JobError, Run};

use super::compare::{Account, Entry, Kind};
use super::window::Part;
use crate::app::{AppClient, Effect, EffectKind, LedgerPage, LedgerPayment};
use crate::events::{Delivered, deliver_again, of_payment};
use crate::stripe::{CallError, ListPage, Listed, NAME, PaymentIntent, Stripe};
use crate::{Providers, error};
pub(super) use another::Another;

/// What became of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repaired {
    /// The app has taken it.
    Now,
    /// The app has taken it meanwhile: from an event, or from this repair in an earlier run.
    Before,
    /// The app was told meanwhile what came after it.
    Overtaken,
    /// The app refused it.
    Refused,
}

/// What a comparison asks for. Tests have books of their own.
pub(super) trait Books: Send + Sync {
    /// A payment, as the provider shows it.
    type Found: Account;

    /// What time it is, Unix time in seconds.
    fn now(&self) -> i64;

    /// Payments at the provider, created in `from..to`, newest first, after the one of this id.
    fn intents(
        &self,
        from: i64,
        to: i64,
        after: Option<&str>,
    ) -> impl Future<Output = Result<Listed<Self::Found>, JobError>> + Send;

    /// One payment, as it is now; `None` when the provider has none of this id.
    fn intent(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<Self::Found>, JobError>> + Send;

    /// A page of the app's ledger.
    fn ledger(
        &self,
        part: Part,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<LedgerPage, JobError>> + Send;

    /// Makes one of the two repairs that are safe: of this payment, for the order of this entry.
    fn repair(
        &self,
        kind: Kind,
        intent: &Self::Found,
        entry: &Entry,
    ) -> impl Future<Output = Result<Repaired, JobError>> + Send;
}

/// Stripe's and the app's own.
pub(super) struct Actual<'a> {
    pub(super) stripe: &'a Stripe,
    pub(super) app: &'a AppClient,
    pub(super) others: Option<&'a Providers>,
    pub(super) run: &'a Run,
}

impl Actual<'_> {
    /// Whether another payment provider has it. An id that nobody has is one that Stripe does not know.
    fn is_elsewhere(&self, payment: &LedgerPayment) -> bool {
        owner_of(payment, self.others).is_some_and(|provider| provider != NAME)
    }
}

/// The name of the provider that has a payment of the app's: what the app says, or else what the id looks like. `None` where
/// neither tells.
fn owner_of<'a>(payment: &'a LedgerPayment, providers: Option<&'a Providers>) -> Option<&'a str> {
    if let Some(provider) = &payment.provider {
        return Some(provider);
    }
    let owner = providers?.owner_of(payment.payment_intent.as_deref()?)?;
    Some(owner.name())
}

impl Books for Actual<'_> {
    type Found = PaymentIntent;

    fn now(&self) -> i64 {
        Timestamp::now().as_second()
    }

    async fn intents(
        &self,
        from: i64,
        to: i64,
        after: Option<&str>,
    ) -> Result<Listed<PaymentIntent>, JobError> {
        let page = ListPage {
            created_from: from,
            created_to: to,
            starting_after: after,
        };
        let listed = self.stripe.payment_intents(self.run, &page).await;
        listed.map_err(error::of_reading)
    }

    async fn intent(&self, id: &str) -> Result<Option<PaymentIntent>, JobError> {
        match self.stripe.payment_intent(self.run, id).await {
            Ok(intent) => Ok(Some(intent)),
            // What is no id at all is not at Stripe either.
            Err(CallError::NotAsked { .. }) => Ok(None),
            Err(error) if error::is_missing(&error) => Ok(None),
            Err(error) => Err(error::of_reading(error)),
        }
    }

    async fn ledger(&self, part: Part, cursor: Option<&str>) -> Result<LedgerPage, JobError> {
        let page = self.app.payments(self.run, part.from, part.to, cursor);
        let mut page = page.await?;
        page.payments.retain(|payment| !self.is_elsewhere(payment));
        Ok(page)
    }

    async fn repair(
        &self,
        kind: Kind,
        intent: &PaymentIntent,
        entry: &Entry,
    ) -> Result<Repaired, JobError> {
        let effect = of_payment(effect_of(kind), "", intent);
        repair(self.app, self.run, effect, entry).await
    }
}

/// What makes a repair.
fn effect_of(kind: Kind) -> EffectKind {
    match kind {
        Kind::FailedAtStripePendingInApp => EffectKind::PaymentFailed,
        _ => EffectKind::OrderPaid,
    }
}

/// Tells the app what it does not know of this entry.
async fn repair(
    app: &AppClient,
    run: &Run,
    effect: Effect,
    entry: &Entry,
) -> Result<Repaired, JobError> {
    let order_id = &entry.order_id;
    let mut effect = effect.of_repair();
    // Of a payment that was not made here the app knows which order it is for.
    effect.order_id.get_or_insert_with(|| order_id.clone());
    // The app has said that it knows nothing of it: what it was told before that, it has forgotten.
    match deliver_again(app, run, &effect, entry.read_at).await {
        Ok(Delivered::Now | Delivered::Again) => Ok(Repaired::Now),
        Ok(Delivered::Before) => Ok(Repaired::Before),
        Ok(Delivered::Overtaken) => Ok(Repaired::Overtaken),
        // The app's refusals: nobody else is asked, and what may change comes as another error.
        Err(JobError::Permanent { reason, answer, .. }) => {
            if answer.status.is_some() {
                run.not_carried_out();
            }
            tracing::warn!(
                job = %run.id, payment_intent = effect.object, order_id, reason,
                "the app refused a repair"
            );
            Ok(Repaired::Refused)
        }
        Err(error) => Err(error),
    }
}
