//! The comparison as one would write it with everything at hand.

use std::collections::{BTreeMap, BTreeSet};

use super::book::MadeUp;
use super::{FROM, Short, TO};
use crate::reconcile::books::Books;
use crate::reconcile::compare::{Account, Entry, Kind, compare};

const OVERLAP: i64 = 600;

/// Every difference, sorted.
pub(super) fn differences(books: &MadeUp, repair: bool) -> Vec<Short> {
    let within = |created: i64| (FROM..TO).contains(&created);
    let intents = books.intents.lock().expect("no panic");
    let all: BTreeMap<_, _> = intents
        .iter()
        .map(|intent| (intent.id.clone(), intent.payment()))
        .collect();
    let read = |created: i64| (FROM - OVERLAP..TO + OVERLAP).contains(&created);
    let mut entries = Vec::new();
    for (created, payment) in books.ledger.lock().expect("no panic").iter() {
        if read(*created) {
            entries.push(Entry::of(payment.clone(), within(*created), 0));
        }
    }
    let mut left: BTreeSet<_> = all
        .values()
        .filter(|p| read(p.created))
        .map(|p| &p.id)
        .collect();
    for entry in &entries {
        if let Some(id) = &entry.payment_intent {
            left.remove(id);
        }
    }
    let mut rows = Vec::new();
    for entry in &entries {
        let order = Some(entry.order_id.clone());
        let payment = match &entry.payment_intent {
            Some(id) => all.get(id),
            None => {
                let of_order = left.iter().map(|id| &all[*id]);
                let of_order = of_order.filter(|p| p.order == order);
                let best = of_order.max_by_key(|p| (p.is_paid(), p.created, &p.id));
                best.inspect(|p| {
                    left.remove(&p.id);
                })
            }
        };
        match payment {
            Some(payment) if entry.within || within(payment.created) => {
                let Some(kind) = compare(payment, entry, books.now()) else {
                    continue;
                };
                let safe = match kind {
                    Kind::PaidAtStripePendingInApp => true,
                    Kind::FailedAtStripePendingInApp => entry.payment_intent.is_some(),
                    _ => false,
                };
                let safe = safe
                    && payment
                        .order
                        .as_ref()
                        .is_none_or(|o| Some(o) == order.as_ref());
                let tried = repair && safe;
                let refused = books.refused.contains(&entry.order_id);
                let kind = if tried && refused {
                    Kind::RepairRefused
                } else {
                    kind
                };
                rows.push((kind, Some(payment.id.clone()), order, tried && !refused));
            }
            Some(_) => {}
            None if !entry.within => {}
            None => match &entry.payment_intent {
                Some(id) => rows.push((Kind::UnknownToStripe, Some(id.clone()), order, false)),
                None if entry.was_paid() => {
                    rows.push((Kind::PaidInAppNotAtStripe, None, order, false));
                }
                None => {}
            },
        }
    }
    for id in left {
        let payment = &all[id];
        if within(payment.created) && !payment.of_invoice {
            rows.push((
                Kind::UnknownToApp,
                Some(id.clone()),
                payment.order.clone(),
                false,
            ));
        }
    }
    rows.sort();
    rows
}
