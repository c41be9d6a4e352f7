//! What happens at Stripe without a request of ours: by customers, banks, time, and people at the dashboard.

use longshore_sandbox::signed;

use super::State;
use super::book::Cause;
use super::dispute::Dispute;
use super::invoice::Invoice;
use super::payment_intent::{PaymentIntent, Redirects};
use super::payment_method::Decline;
use super::plan::{Change, Maker};
use super::requests::refund::refund;

/// What has changed, and the types of its events.
type Happened = (Change, Vec<&'static str>);

impl State {
    /// Lets something happen to a payment. `None` when there is no such payment, or it cannot happen to it.
    fn happens<T>(
        &self,
        payment_intent: &str,
        what: impl FnOnce(PaymentIntent, &Maker<'_>) -> Option<(T, Happened)>,
    ) -> Option<T> {
        let mut book = self.book();
        let find = |livemode| book.payment_intents.get(payment_intent, livemode);
        let intent = find(false).or_else(|| find(true))?.clone();
        let maker = self.maker(intent.livemode);
        let (made, (change, kinds)) = what(intent, &maker)?;
        let events = book.change(change, &kinds, &Cause::default(), &maker);
        self.send_events(events);
        Some(made)
    }

    fn maker(&self, livemode: bool) -> Maker<'_> {
        Maker {
            ids: &self.ids,
            now: signed::now(),
            livemode,
        }
    }

    /// The customer pays, or fails to.
    pub(super) fn customer_pays(&self, id: &str, succeeds: bool) -> bool {
        let pays = |mut intent: PaymentIntent, maker: &Maker<'_>| {
            let event = match succeeds {
                true => {
                    intent.succeed(maker.id("ch_"));
                    "payment_intent.succeeded"
                }
                false => {
                    intent.decline(Decline::GENERIC, maker.id("ch_"));
                    "payment_intent.payment_failed"
                }
            };
            Some(((), (Change::PaymentIntent(intent), vec![event])))
        };
        self.happens(id, pays).is_some()
    }

    /// Somebody gives a payment up.
    pub(super) fn cancel(&self, id: &str) -> bool {
        let cancels = |mut intent: PaymentIntent, maker: &Maker<'_>| {
            if matches!(&*intent.status, "succeeded" | "canceled") {
                return None;
            }
            "canceled".clone_into(&mut intent.status);
            intent.canceled_at = Some(maker.now);
            let event = "payment_intent.canceled";
            Some(((), (Change::PaymentIntent(intent), vec![event])))
        };
        self.happens(id, cancels).is_some()
    }

    /// Somebody refunds so much, or all that is left. Returns the refund's id.
    pub(super) fn refund(&self, id: &str, amount: Option<u64>) -> Option<String> {
        self.happens(id, |intent, maker| {
            let (refund, intent) = refund(intent, amount, maker).ok()?;
            let change = Change::Refund(refund.clone(), Box::new(intent));
            Some((refund.id, (change, vec!["charge.refunded"])))
        })
    }

    /// The payer's bank cannot take a refund: its money is ours again.
    pub(super) fn refund_fails(&self, id: &str) -> bool {
        let found = |livemode| self.book().refunds.get(id, livemode).cloned();
        let Some(mut refund) = found(false).or_else(|| found(true)) else {
            return false;
        };
        let payment = refund.payment_intent.clone();
        let fails = |mut intent: PaymentIntent, _: &Maker<'_>| {
            if refund.status == "failed" {
                return None;
            }
            refund.status = "failed";
            intent.refunded = intent.refunded.saturating_sub(refund.amount);
            let change = Change::Refund(refund, Box::new(intent));
            Some(((), (change, vec!["charge.refund.updated"])))
        };
        self.happens(&payment, fails).is_some()
    }

    /// The payer's bank claims a payment. Returns the dispute's id.
    pub(super) fn dispute(&self, id: &str) -> Option<String> {
        self.happens(id, |mut intent, maker| {
            let charge = intent.latest_charge.clone()?;
            if intent.status != "succeeded" || intent.disputed {
                return None;
            }
            intent.disputed = true;
            let dispute = Dispute {
                id: maker.id("dp_"),
                created: maker.now,
                livemode: intent.livemode,
                amount: intent.amount,
                currency: intent.currency.clone(),
                charge,
                payment_intent: intent.id.clone(),
                status: "needs_response",
            };
            let made = dispute.id.clone();
            let change = Change::Dispute(dispute, Box::new(intent));
            Some((made, (change, vec!["charge.dispute.created"])))
        })
    }

    /// A dispute is decided.
    pub(super) fn close_dispute(&self, id: &str, won: bool) -> bool {
        let found = |livemode| self.book().disputes.get(id, livemode).cloned();
        let Some(mut dispute) = found(false).or_else(|| found(true)) else {
            return false;
        };
        dispute.status = if won { "won" } else { "lost" };
        let payment = dispute.payment_intent.clone();
        let closes = |intent, _: &Maker<'_>| {
            let change = Change::Dispute(dispute, Box::new(intent));
            Some(((), (change, vec!["charge.dispute.closed"])))
        };
        self.happens(&payment, closes).is_some()
    }

    /// A subscription's next period begins, and is paid or not. Returns the invoice's id.
    pub(super) fn renew(&self, subscription: &str, amount: u64, succeeds: bool) -> Option<String> {
        let mut book = self.book();
        let find = |livemode| book.subscriptions.get(subscription, livemode);
        let subscription = find(false).or_else(|| find(true))?.clone();
        let maker = self.maker(subscription.livemode);
        let mut intent = PaymentIntent {
            id: maker.id("pi_"),
            created: maker.now,
            livemode: subscription.livemode,
            amount,
            currency: "nok".to_owned(),
            customer: Some(subscription.customer.clone()),
            payment_method: None,
            latest_charge: None,
            last_payment_error: None,
            // Stripe writes nothing of the subscription's on it.
            metadata: [].into(),
            status: "requires_payment_method".to_owned(),
            redirects: Redirects::Off,
            invoice: Some(maker.id("in_")),
            canceled_at: None,
            return_url: None,
            refunded: 0,
            disputed: false,
        };
        let charge = maker.id("ch_");
        let kinds = match succeeds {
            true => {
                intent.succeed(charge.clone());
                ["payment_intent.succeeded", "invoice.paid"]
            }
            false => {
                intent.decline(Decline::GENERIC, charge.clone());
                ["payment_intent.payment_failed", "invoice.payment_failed"]
            }
        };
        let invoice = Invoice {
            id: intent.invoice.clone().unwrap_or_default(),
            created: maker.now,
            livemode: subscription.livemode,
            amount,
            currency: "nok".to_owned(),
            customer: subscription.customer,
            subscription: subscription.id,
            payment_intent: intent.id.clone(),
            charge,
            paid: succeeds,
        };
        let id = invoice.id.clone();
        let change = Change::Invoice(invoice, Box::new(intent));
        let events = book.change(change, &kinds, &Cause::default(), &maker);
        self.send_events(events);
        Some(id)
    }
}
