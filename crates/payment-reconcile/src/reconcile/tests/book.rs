//! Books that are made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use longshore_job::JobError;
use serde_json::json;
use tokio::sync::Notify;

use super::{FROM, TO};
use crate::app::{LedgerPage, LedgerPayment, LedgerStatus};
use crate::reconcile::books::{Books, Repaired};
use crate::reconcile::compare::{Entry, Kind};
use crate::reconcile::window::Part;
use crate::stripe::{Listed, PaymentIntent};

pub(super) fn intent(id: &str, order: &str, status: &str, created: i64) -> PaymentIntent {
    let json = json!({
        "id": id, "status": status, "amount": 1000, "currency": "nok", "created": created, "livemode": false,
        "amount_received": if status == "succeeded" { 1000 } else { 0 },
        "metadata": { "orderId": order },
    });
    serde_json::from_value(json).expect("an intent")
}

/// The same, of which something went back.
pub(super) fn gone_back(intent: PaymentIntent, refunded: u64, disputed: bool) -> PaymentIntent {
    let charge = json!({
        "id": "ch_1", "amount": intent.amount, "amount_captured": intent.amount, "captured": true,
        "amount_refunded": refunded, "disputed": disputed, "currency": "nok",
    });
    let charge = serde_json::from_value(charge).expect("a charge");
    PaymentIntent {
        latest_charge: Some(charge),
        ..intent
    }
}

pub(super) fn entry(order: &str, intent: Option<&str>, status: LedgerStatus) -> LedgerPayment {
    LedgerPayment {
        order_id: order.to_owned(),
        payment_intent: intent.map(str::to_owned),
        provider: None,
        status,
        amount: 1000,
        currency: "nok".to_owned(),
        may_be_elsewhere: false,
    }
}

pub(super) fn paid(order: &str, intent: Option<&str>) -> LedgerPayment {
    entry(order, intent, LedgerStatus::Paid)
}

pub(super) fn pending(order: &str, intent: Option<&str>) -> LedgerPayment {
    entry(order, intent, LedgerStatus::Pending)
}

/// Both accounts.
#[derive(Default)]
pub(super) struct MadeUp {
    pub(super) intents: Mutex<Vec<PaymentIntent>>,
    pub(super) ledger: Mutex<Vec<(i64, LedgerPayment)>>,
    /// Payments a page has, each of both sides; at least one.
    pub(super) page: usize,
    /// That each page begins with what the page before ended with.
    pub(super) repeats: bool,
    /// Orders whose repair is refused.
    pub(super) refused: BTreeSet<String>,
    /// A cursor that the app's pages end with, or ever new ones.
    pub(super) circle: Mutex<Option<Option<String>>>,
    pays: Option<String>,
    told: Mutex<BTreeMap<String, u64>>,
    away: AtomicBool,
    calls: AtomicU64,
    dies_at: AtomicU64,
    pub(super) dead: Notify,
}

impl MadeUp {
    pub(super) fn plant(&mut self, intent: PaymentIntent) {
        self.intents.lock().expect("no panic").push(intent);
    }

    pub(super) fn enter(&self, created: i64, payment: LedgerPayment) {
        self.ledger
            .lock()
            .expect("no panic")
            .push((created, payment));
    }

    /// So many payments, of all sorts.
    pub(super) fn enter_many(&self, count: i64) {
        for n in 0..count {
            let (id, order) = (format!("pi_{n}"), format!("o{n}"));
            let status = ["succeeded", "canceled", "processing"][n as usize % 3];
            let created = FROM + n * 80;
            let mut intents = self.intents.lock().expect("no panic");
            intents.push(intent(&id, &order, status, created));
            let entry = [pending, paid][n as usize / 3 % 2](&order, Some(&id));
            self.enter(created - n % 200, entry);
        }
    }

    pub(super) fn pays_after_listing(&mut self, id: &str) {
        self.pays = Some(id.to_owned());
    }

    pub(super) fn app_is_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// The call at which the run dies, from now on, from 1.
    pub(super) fn dies_at(&self, call: u64) {
        self.calls.store(0, Ordering::Relaxed);
        self.dies_at.store(call, Ordering::Relaxed);
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Effects the app was told, each once.
    pub(super) fn told(&self) -> Vec<String> {
        self.told
            .lock()
            .expect("no panic")
            .keys()
            .cloned()
            .collect()
    }

    /// Dies after its effect, if it had one: that is the worse moment.
    async fn count(&self) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let dies_at = self.dies_at.load(Ordering::Relaxed);
        if dies_at > 0 && call >= dies_at {
            self.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn first(&self, place: usize) -> usize {
        place.saturating_sub(usize::from(self.repeats))
    }
}

impl Books for MadeUp {
    type Found = PaymentIntent;

    fn now(&self) -> i64 {
        TO + 10 * 24 * 3600
    }

    async fn intents(
        &self,
        from: i64,
        to: i64,
        after: Option<&str>,
    ) -> Result<Listed<PaymentIntent>, JobError> {
        self.count().await;
        let mut intents = self.intents.lock().expect("no panic");
        let mut listed: Vec<_> = intents.clone();
        listed.retain(|intent| (from..to).contains(&intent.created));
        listed.sort_by_key(|intent| std::cmp::Reverse((intent.created, intent.id.clone())));
        let place = |id| listed.iter().position(|intent| intent.id == id);
        let begin = after.and_then(place).map_or(0, |place| place + 1);
        let end = listed.len().min(begin + self.page.max(1));
        if let Some(id) = &self.pays {
            let paid = intents.iter_mut().filter(|intent| intent.id == *id);
            for intent in paid {
                intent.status = "succeeded".to_owned().into();
                intent.amount_received = intent.amount;
            }
        }
        Ok(Listed {
            has_more: end < listed.len(),
            data: listed[self.first(begin)..end].to_vec(),
        })
    }

    async fn intent(&self, id: &str) -> Result<Option<PaymentIntent>, JobError> {
        self.count().await;
        let intents = self.intents.lock().expect("no panic");
        Ok(intents.iter().find(|intent| intent.id == id).cloned())
    }

    async fn ledger(&self, part: Part, cursor: Option<&str>) -> Result<LedgerPage, JobError> {
        self.count().await;
        if let Some(circle) = &*self.circle.lock().expect("no panic") {
            let next = circle.clone().unwrap_or_else(|| self.calls().to_string());
            return Ok(LedgerPage {
                payments: vec![paid("o1", None)],
                next: Some(next),
            });
        }
        let ledger = self.ledger.lock().expect("no panic");
        let mut found: Vec<_> = ledger.clone();
        let (from, to) = (part.from.as_second(), part.to.as_second());
        found.retain(|(created, _)| (from..to).contains(created));
        found.sort_by_key(|(created, payment)| (*created, payment.order_id.clone()));
        let begin = cursor.map_or(0, |cursor| cursor.parse().expect("a place"));
        let end = found.len().min(begin + self.page.max(1));
        let page = found[self.first(begin)..end].iter();
        Ok(LedgerPage {
            payments: page.map(|(_, payment)| payment.clone()).collect(),
            next: (end < found.len()).then(|| end.to_string()),
        })
    }

    async fn repair(
        &self,
        kind: Kind,
        intent: &PaymentIntent,
        entry: &Entry,
    ) -> Result<Repaired, JobError> {
        let order_id = &entry.order_id;
        if self.away.load(Ordering::Relaxed) {
            return Err(JobError::transient("away"));
        }
        let repaired = {
            let mut told = self.told.lock().expect("no panic");
            match self.refused.contains(order_id) {
                true => Repaired::Refused,
                false => {
                    let times = told.entry(format!("{kind:?} {}", intent.id)).or_default();
                    *times += 1;
                    if *times == 1 {
                        Repaired::Now
                    } else {
                        Repaired::Before
                    }
                }
            }
        };
        if repaired == Repaired::Now {
            let status = match kind {
                Kind::PaidAtStripePendingInApp => LedgerStatus::Paid,
                Kind::FailedAtStripePendingInApp => LedgerStatus::Failed,
                kind => panic!("{kind:?} is not safe to repair"),
            };
            let mut ledger = self.ledger.lock().expect("no panic");
            let order = ledger
                .iter_mut()
                .find(|(_, entry)| entry.order_id == *order_id);
            let (_, entry) = order.expect("an order");
            entry.status = status;
            entry.payment_intent = Some(intent.id.clone());
        }
        self.count().await;
        Ok(repaired)
    }
}
