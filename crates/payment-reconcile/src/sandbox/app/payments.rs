//! The payments that the app knows, by time.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One payment, as the app sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppPayment {
    /// The order it is for.
    pub order_id: String,
    /// The payment intent, once there is one.
    pub payment_intent: Option<String>,
    /// The payment provider that has it, where the app says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// `pending`, `paid`, `failed` or `refunded`.
    pub status: String,
    /// In minor units.
    pub amount: u64,
    /// In lower case.
    pub currency: String,
    /// When it was created, in seconds since the Unix epoch. The API does not show it.
    #[serde(skip_serializing, default = "longshore_sandbox::signed::now")]
    pub created: u64,
}

impl AppPayment {
    /// A payment that was created now and waits for its money.
    #[must_use]
    pub fn pending(
        order_id: impl Into<String>,
        payment_intent: impl Into<String>,
        amount: u64,
        currency: impl Into<String>,
    ) -> Self {
        Self {
            order_id: order_id.into(),
            payment_intent: Some(payment_intent.into()),
            provider: None,
            status: "pending".to_owned(),
            amount,
            currency: currency.into(),
            created: longshore_sandbox::signed::now(),
        }
    }

    /// The same, said to be at this payment provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// The same, in this state.
    #[must_use]
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = status.into();
        self
    }

    /// The same, created at this time, in seconds since the Unix epoch.
    #[must_use]
    pub fn at(mut self, created: u64) -> Self {
        self.created = created;
        self
    }
}

/// When it was created, and how many were put there before it.
type Place = (u64, u64);

/// All payments: found by order, listed by time. Kept in memory for as long as the process lives.
#[derive(Debug, Default)]
pub(super) struct Payments {
    by_place: BTreeMap<Place, AppPayment>,
    places: HashMap<String, Place>,
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<'a> {
    payments: Vec<&'a AppPayment>,
    /// Where the next page begins; none after the last one.
    next: Option<String>,
}

impl Payments {
    /// Puts it there, in the place of the one of its order if there is one.
    pub(super) fn put(&mut self, payment: AppPayment) {
        let count = self.places.len() as u64;
        let place = self.places.entry(payment.order_id.clone());
        let place = *place.or_insert((payment.created, count));
        self.by_place.insert(place, payment);
    }

    pub(super) fn get(&self, order_id: &str) -> Option<&AppPayment> {
        self.by_place.get(self.places.get(order_id)?)
    }

    /// All, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &AppPayment> {
        self.by_place.values()
    }

    /// So many of those created since `from` and before `to`, oldest first.
    pub(super) fn page(
        &self,
        from: Timestamp,
        to: Timestamp,
        cursor: Place,
        size: usize,
    ) -> Page<'_> {
        let second = |time: Timestamp| u64::try_from(time.as_second()).unwrap_or_default();
        let start = cursor.max((second(from), 0));
        let is_in = |created: u64| {
            let created = i64::try_from(created).ok();
            let created = created.and_then(|created| Timestamp::from_second(created).ok());
            created.is_some_and(|created| from <= created && created < to)
        };
        let mut found = self
            .by_place
            .range(start..)
            .skip_while(|((created, _), _)| *created == start.0 && !is_in(*created))
            .take_while(|((created, _), _)| is_in(*created));
        let payments = found
            .by_ref()
            .take(size)
            .map(|(_, payment)| payment)
            .collect();
        let next = found
            .next()
            .map(|((created, count), _)| format!("{created}+{count}"));
        Page { payments, next }
    }
}

/// Reads the `next` of an earlier page. Its `+` is a space for those who do not encode it, and no cursor then.
pub(super) fn cursor(text: &str) -> Option<Place> {
    let (created, count) = text.split_once('+')?;
    Some((created.parse().ok()?, count.parse().ok()?))
}
