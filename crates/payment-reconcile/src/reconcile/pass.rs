//! The comparison itself: slice by slice, from the newest payments to the oldest.

use std::collections::{BTreeMap, HashSet};

use longshore_job::{Answer, Blame, JobError};
use ring::digest;

use super::books::{Books, Repaired};
use super::compare::{Account, Entry, Kind, Payment, compare};
use super::report::Row;
use super::slice::Slice;
use super::state::State;
use super::window::{Part, Window};
use crate::app;

/// How much is held in memory at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Payments of one slice: 20 pages of Stripe's.
    pub(super) slice: usize,
    /// Payments, and entries without a payment intent, whose counterpart is still looked for.
    pub(super) carried: usize,
    /// Entries that wait for the next slice, where their payment may be. Beyond that, Stripe is asked for each.
    pub(super) waiting: usize,
    /// Differences in the report.
    pub(super) rows: usize,
    /// Pages of the app's ledger for one part of a slice: it has an end, or is broken.
    pub(super) pages: usize,
}

impl Limits {
    pub(super) const fn with_rows(rows: usize) -> Self {
        Self {
            slice: 2_000,
            carried: 20_000,
            waiting: 1_000,
            rows,
            pages: 100_000,
        }
    }
}

pub(super) struct ReconcilePass<'a, B> {
    pub(super) books: &'a B,
    pub(super) window: Window,
    pub(super) limits: Limits,
    pub(super) repair: bool,
    pub(super) state: State,
    /// How many of the repairs to make an earlier run may have made.
    pub(super) perhaps_made: usize,
}

impl<B: Books> ReconcilePass<'_, B> {
    /// Reads and compares the next slice; after the last one, decides what is left over.
    pub(super) async fn advance(&mut self) -> Result<(), JobError> {
        let upper = self.state.compared_from;
        if upper <= self.window.start {
            self.conclude().await?;
            self.state.all_read = true;
            return Ok(());
        }
        let Limits { slice: size, .. } = self.limits;
        let mut slice = Slice::read(self.books, self.window.start, upper, size).await?;
        let within = |payment: &&Payment| self.window.holds(payment.created);
        for payment in slice.payments.values().filter(within) {
            self.state.tally.at_stripe += 1;
            self.state.tally.open += u64::from(payment.is_open());
        }
        for entry in std::mem::take(&mut self.state.waiting) {
            self.meet(entry, &mut slice, true).await?;
        }
        for part in self.window.parts(slice.lower, upper) {
            self.read_ledger(part, &mut slice).await?;
        }
        self.state.compared_from = slice.lower;
        for (id, payment) in slice.payments {
            if !slice.claimed.contains(&id) && !self.state.claimed_ahead.remove(&id) {
                self.state.unclaimed.insert(id, payment);
            }
        }
        self.let_go().await
    }

    /// Meets every entry of a part of the app's ledger.
    async fn read_ledger(&mut self, part: Part, slice: &mut Slice) -> Result<(), JobError> {
        let mut seen = HashSet::new();
        let mut cursors = HashSet::new();
        let mut cursor: Option<String> = None;
        for _ in 0..self.limits.pages {
            let read_at = self.books.now();
            let page = self.books.ledger(part, cursor.as_deref()).await?;
            for payment in page.payments {
                let within = part.within && !payment.may_be_elsewhere;
                let entry = Entry::of(payment, within, read_at);
                // Pages shift when something is written meanwhile: then one entry comes twice.
                if seen.insert(hash(entry.payment_intent.as_deref(), Some(&entry.order_id))) {
                    self.state.tally.in_app += u64::from(within);
                    self.meet(entry, slice, false).await?;
                }
            }
            let Some(next) = page.next else {
                return Ok(());
            };
            if !cursors.insert(hash(Some(&next), None)) {
                break;
            }
            cursor = Some(next);
        }
        Err(endless_ledger())
    }

    /// Finds the payment that an entry names, and compares the two.
    async fn meet(&mut self, entry: Entry, slice: &mut Slice, last: bool) -> Result<(), JobError> {
        let Some(id) = &entry.payment_intent else {
            // Which payment it is can be told once all are known.
            let at = self.state.compared_from;
            let order = entry.order_id.clone();
            self.state.without_intent.insert(order, (at, entry));
            return Ok(());
        };
        if let Some(payment) = slice.payments.get(id) {
            slice.claimed.insert(id.clone());
            return self.compare(payment.clone(), entry, false).await;
        }
        if let Some(payment) = self.state.unclaimed.remove(id) {
            return self.compare(payment, entry, false).await;
        }
        if last || self.state.waiting.len() >= self.limits.waiting {
            return self.look_up_payment(entry, slice.lower).await;
        }
        self.state.waiting.push(entry);
        Ok(())
    }

    /// Asks Stripe for the payment of an entry: it may lie anywhere, or nowhere. Everything from `read_from` on is
    /// read already.
    async fn look_up_payment(&mut self, entry: Entry, read_from: i64) -> Result<(), JobError> {
        let id = entry.payment_intent.clone().unwrap_or_default();
        match self.books.intent(&id).await? {
            Some(intent) => {
                let payment = intent.payment();
                if (self.window.start..read_from).contains(&payment.created) {
                    self.state.claimed_ahead.insert(id);
                }
                self.compare(payment, entry, true).await
            }
            None if entry.within => {
                self.report(Row::of(Kind::UnknownToStripe, None, Some(&entry)));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Compares the two accounts of a payment. Stripe was read before the app, so an event may have changed both in
    /// between: unless it is final, a payment is read again before it is reported.
    async fn compare(
        &mut self,
        mut payment: Payment,
        entry: Entry,
        mut fresh: bool,
    ) -> Result<(), JobError> {
        if !entry.within && !self.window.holds(payment.created) {
            return Ok(());
        }
        loop {
            let Some(kind) = compare(&payment, &entry, self.books.now()) else {
                return Ok(());
            };
            if self.repair && is_safe(kind, &payment, &entry) {
                // Not before it is written down: see `StateStore`.
                self.state.repairs.push_back(with_intent(entry, &payment));
                return Ok(());
            }
            // What has succeeded can only go back, and then the app may say so before Stripe is read again.
            if fresh || (payment.is_final() && kind != Kind::RefundedInAppNotAtStripe) {
                self.report(Row::of(kind, Some(&payment), Some(&entry)));
                return Ok(());
            }
            match self.books.intent(&payment.id).await? {
                Some(intent) => payment = intent.payment(),
                None => {
                    self.report(Row::of(Kind::UnknownToStripe, None, Some(&entry)));
                    return Ok(());
                }
            }
            fresh = true;
        }
    }

    /// Keeps what is carried along within its bounds. When more than that has no counterpart, what is furthest away
    /// in time is decided now: its counterpart would have to lie further away still.
    async fn let_go(&mut self) -> Result<(), JobError> {
        let bound = self.limits.carried;
        if self.state.without_intent.len() > bound {
            let mut entries: Vec<_> = std::mem::take(&mut self.state.without_intent)
                .into_iter()
                .collect();
            entries.sort_by_key(|(_, (at, _))| *at);
            let newest = entries.split_off(bound / 2);
            self.state.without_intent = entries.into_iter().collect();
            let newest = newest.into_iter().map(|(_, (_, entry))| entry);
            self.decide(newest.collect()).await?;
        }
        if self.state.unclaimed.len() > bound {
            let mut payments: Vec<_> = std::mem::take(&mut self.state.unclaimed)
                .into_iter()
                .collect();
            payments.sort_by_key(|(_, payment)| payment.created);
            let newest = payments.split_off(bound / 2);
            self.state.unclaimed = payments.into_iter().collect();
            self.unknown(newest.into_iter().map(|(_, payment)| payment));
        }
        Ok(())
    }

    /// Decides what is left over at the end.
    async fn conclude(&mut self) -> Result<(), JobError> {
        for entry in std::mem::take(&mut self.state.waiting) {
            self.look_up_payment(entry, self.window.start).await?;
        }
        let entries = std::mem::take(&mut self.state.without_intent);
        self.decide(entries.into_values().map(|(_, entry)| entry).collect())
            .await?;
        let left = std::mem::take(&mut self.state.unclaimed);
        self.unknown(left.into_values());
        Ok(())
    }

    /// Entries without a payment intent: each is compared with the payment of its order, of several with one that
    /// succeeded, or else with the newest. Without any, it is what it says: nobody has begun to pay, unless money came.
    async fn decide(&mut self, entries: Vec<Entry>) -> Result<(), JobError> {
        let mut best = BTreeMap::<String, (bool, i64, String)>::new();
        for payment in self.state.unclaimed.values() {
            let Some(order) = &payment.order else {
                continue;
            };
            let rank = (payment.is_paid(), payment.created, payment.id.clone());
            let best = best.entry(order.clone()).or_insert_with(|| rank.clone());
            *best = rank.max(std::mem::take(best));
        }
        for entry in entries {
            let best = best.get(&entry.order_id);
            match best.and_then(|(_, _, id)| self.state.unclaimed.remove(id)) {
                Some(payment) => self.compare(payment, entry, false).await?,
                None if entry.within && entry.was_paid() => {
                    self.report(Row::of(Kind::PaidInAppNotAtStripe, None, Some(&entry)));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Payments that no entry has named. One that nobody has paid is reported too: its status says how much it matters.
    /// Those of invoices are no orders: they are counted, and no difference.
    fn unknown(&mut self, payments: impl Iterator<Item = Payment>) {
        for payment in payments {
            if !self.window.holds(payment.created) {
                continue;
            }
            if payment.of_invoice {
                self.state.tally.of_invoices += 1;
            } else {
                self.report(Row::of(Kind::UnknownToApp, Some(&payment), None));
            }
        }
    }

    /// Makes the first of the repairs that are written down. What is true now decides.
    pub(super) async fn make_repair(&mut self) -> Result<(), JobError> {
        let Some(entry) = self.state.repairs.front().cloned() else {
            return Ok(());
        };
        let id = entry.payment_intent.as_deref().unwrap_or_default();
        let row = match self.books.intent(id).await? {
            None => Some(Row::of(Kind::UnknownToStripe, None, Some(&entry))),
            Some(intent) => {
                let payment = intent.payment();
                match compare(&payment, &entry, self.books.now()) {
                    None => None,
                    Some(kind) => {
                        let mut row = Row::of(kind, Some(&payment), Some(&entry));
                        if is_safe(kind, &payment, &entry) && !self.has_paid_sibling(kind, &entry) {
                            match self.books.repair(kind, &intent, &entry).await? {
                                Repaired::Now => row.repaired = true,
                                // By this very repair, before it could be written down that it was made.
                                Repaired::Before => row.repaired = self.perhaps_made > 0,
                                Repaired::Overtaken => {}
                                Repaired::Refused => row.kind = Kind::RepairRefused,
                            }
                        }
                        Some(row)
                    }
                }
            }
        };
        if let Some(row) = row {
            self.report(row);
        }
        self.state.repairs.pop_front();
        self.perhaps_made = self.perhaps_made.saturating_sub(1);
        Ok(())
    }

    /// Whether the order of a failed payment has another one that succeeded, which the app does not know of: to tell
    /// its payer that it failed would be wrong.
    fn has_paid_sibling(&self, kind: Kind, entry: &Entry) -> bool {
        let is_sibling = |payment: &Payment| {
            payment.is_paid() && payment.order.as_ref() == Some(&entry.order_id)
        };
        kind == Kind::FailedAtStripePendingInApp && self.state.unclaimed.values().any(is_sibling)
    }

    /// Reports a difference, once.
    fn report(&mut self, row: Row) {
        let id = row.payment_intent.as_deref();
        if !self
            .state
            .reported
            .insert(hash(id, row.order_id.as_deref()))
        {
            return;
        }
        let tally = &mut self.state.tally;
        *tally.counts.entry(row.kind).or_default() += 1;
        tally.repaired += u64::from(row.repaired);
        if self.state.rows.len() < self.limits.rows {
            self.state.rows.push(row);
        }
    }
}

/// Whether this difference may be repaired: exactly two may, and only where both speak of the same order. Of an order
/// whose payment the app has not named, a failed one may not have been the only try.
fn is_safe(kind: Kind, payment: &Payment, entry: &Entry) -> bool {
    let same_order = payment.order.as_ref().is_none_or(|o| *o == entry.order_id);
    match kind {
        Kind::PaidAtStripePendingInApp => same_order,
        Kind::FailedAtStripePendingInApp => same_order && entry.payment_intent.is_some(),
        _ => false,
    }
}

/// The entry, with the payment that is known to be its by now.
fn with_intent(mut entry: Entry, payment: &Payment) -> Entry {
    entry.payment_intent = Some(payment.id.clone());
    entry
}

/// 64 bits of SHA-256: the same in every process. Among 100,000 payments two are alike once in three billion times.
fn hash(one: Option<&str>, other: Option<&str>) -> u64 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(one.unwrap_or_default().as_bytes());
    context.update(&[0]);
    context.update(other.unwrap_or_default().as_bytes());
    let digest = context.finish();
    let bytes = digest.as_ref().iter().take(8);
    bytes.fold(0, |hash, &byte| (hash << 8) | u64::from(byte))
}

fn endless_ledger() -> JobError {
    JobError::Permanent {
        reason: "the app's ledger does not come to an end: a cursor came twice, or there are too many pages".to_owned(),
        answer: Answer {
            code: Some("endless ledger".to_owned()),
            ..Answer::of(app::NAME)
        },
        blame: Blame::Ours,
    }
}
