//! The books of a payment provider beside Stripe, and of the app.
//!
//! Each provider's comparison looks at its own payments only. What the app has of others is left out, so nothing of theirs is
//! reported or repaired. An entry that says neither whose it is nor which payment it is (the app has not noted it yet) is
//! compared if its order is found here; if not, Stripe's comparison says so.

use jiff::Timestamp;
use longshore_job::{JobError, Run};

use super::{Books, Repaired, effect_of, owner_of, repair};
use crate::Providers;
use crate::app::{AppClient, LedgerPage, LedgerPayment};
use crate::events::of_record;
use crate::reconcile::compare::{Entry, Kind};
use crate::reconcile::window::Part;
use crate::records::{AnotherRecords, PaymentRecord};
use crate::stripe::Listed;

/// Another provider's and the app's own.
pub(crate) struct Another<'a> {
    pub(crate) provider: &'a AnotherRecords,
    pub(crate) app: &'a AppClient,
    pub(crate) providers: Option<&'a Providers>,
    pub(crate) run: &'a Run,
}

impl Another<'_> {
    /// Whether an entry may be of this provider.
    fn may_be_here(&self, payment: &LedgerPayment) -> bool {
        match owner_of(payment, self.providers) {
            Some(owner) => owner == self.provider.name,
            None => payment.payment_intent.is_none(),
        }
    }
}

impl Books for Another<'_> {
    type Found = PaymentRecord;

    fn now(&self) -> i64 {
        Timestamp::now().as_second()
    }

    async fn intents(
        &self,
        from: i64,
        to: i64,
        after: Option<&str>,
    ) -> Result<Listed<PaymentRecord>, JobError> {
        let listed = self.provider.records.payments(self.run, from, to, after);
        let page = listed.await?;
        Ok(Listed {
            data: page.payments,
            has_more: page.has_more,
        })
    }

    async fn intent(&self, id: &str) -> Result<Option<PaymentRecord>, JobError> {
        self.provider.records.payment(self.run, id).await
    }

    async fn ledger(&self, part: Part, cursor: Option<&str>) -> Result<LedgerPage, JobError> {
        let page = self.app.payments(self.run, part.from, part.to, cursor);
        let mut page = page.await?;
        page.payments.retain(|payment| self.may_be_here(payment));
        for payment in &mut page.payments {
            payment.may_be_elsewhere = owner_of(payment, self.providers).is_none();
        }
        Ok(page)
    }

    async fn repair(
        &self,
        kind: Kind,
        found: &PaymentRecord,
        entry: &Entry,
    ) -> Result<Repaired, JobError> {
        let effect = of_record(self.provider.name, effect_of(kind), "", found);
        repair(self.app, self.run, effect, entry).await
    }
}
