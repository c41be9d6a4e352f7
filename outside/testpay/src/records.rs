//! What testpay knows, for its events and its reconcile.

use longshore_job::{JobError, Run};
use longshore_payment_reconcile::{
    EventRecord, PaymentPage, PaymentRecord, PaymentRecords, RecordFuture,
};
use longshore_provider::CallError;

use crate::client::TestPay;
use crate::error;
use crate::object::{Event, Listed, Object, Payment, Subscription};

impl PaymentRecords for TestPay {
    fn event<'a>(&'a self, run: &'a Run, id: &'a str) -> RecordFuture<'a, EventRecord> {
        Box::pin(async move {
            let event: Event = known(self.read(run, "events", id).await)?;
            let about = &event.object;
            Ok(match event.kind.as_str() {
                "payment.collected" | "payment.refused" | "payment.refunded" => {
                    let payment: Payment = known(self.read(run, Payment::OBJECTS, about).await)?;
                    EventRecord::Payment(payment.record())
                }
                "subscription.renewed" | "subscription.ended" => {
                    let found = self.read(run, Subscription::OBJECTS, about).await;
                    let subscription: Subscription = known(found)?;
                    match subscription.has_ended() {
                        true => EventRecord::Ended(subscription.record(None)),
                        false => EventRecord::Renewed(subscription.record(event.invoice)),
                    }
                }
                _ => EventRecord::Nothing("events of this type have no effect here".to_owned()),
            })
        })
    }

    fn payments<'a>(
        &'a self,
        run: &'a Run,
        from: i64,
        to: i64,
        after: Option<&'a str>,
    ) -> RecordFuture<'a, PaymentPage> {
        Box::pin(async move {
            let (from, to) = (from.to_string(), to.to_string());
            let mut query = vec![("from", &*from), ("to", &*to)];
            query.extend(after.map(|id| ("after", id)));
            let page: Listed<Payment> = known(self.list(run, Payment::OBJECTS, &query).await)?;
            Ok(PaymentPage {
                payments: page.data.into_iter().map(Payment::record).collect(),
                has_more: page.more,
            })
        })
    }

    fn payment<'a>(&'a self, run: &'a Run, id: &'a str) -> RecordFuture<'a, Option<PaymentRecord>> {
        Box::pin(async move {
            match self.read::<Payment>(run, Payment::OBJECTS, id).await {
                Ok(payment) => Ok(Some(payment.record())),
                Err(error) if error::is_missing(&error) => Ok(None),
                Err(error) => Err(error::of_looking(&error)),
            }
        })
    }

    fn running_subscriptions<'a>(&'a self, run: &'a Run) -> RecordFuture<'a, u64> {
        Box::pin(async move {
            let mut running = 0;
            let mut after: Option<String> = None;
            loop {
                let mut query = vec![("status", "running")];
                query.extend(after.as_deref().map(|id| ("after", id)));
                let listed = self.list(run, Subscription::OBJECTS, &query).await;
                let page: Listed<Subscription> = known(listed)?;
                running += page.data.len() as u64;
                let last = page.data.last().map(|one| one.id().to_owned());
                if !page.more || last.is_none() || last == after {
                    return Ok(running);
                }
                after = last;
            }
        })
    }
}

fn known<T>(read: Result<T, CallError>) -> Result<T, JobError> {
    read.map_err(|error| error::of_looking(&error))
}
