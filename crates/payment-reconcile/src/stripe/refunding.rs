//! `POST /v1/refunds`: what it sends, and how it is found again.

use std::collections::BTreeMap;

use crate::{CreateRefund, RefundReason};
use longshore_job::{Answer, JobError, Run};
use serde::{Deserialize, Serialize};

use super::look::{Mark, Marked, Window, look};
use super::write::Write;
use super::{CallError, Stripe};
use crate::{Receipt, form};

/// `POST /v1/refunds`
pub(super) struct NewRefund<'a>(pub(super) &'a CreateRefund);

#[derive(Serialize)]
struct RefundForm<'a> {
    payment_intent: Option<&'a str>,
    charge: Option<&'a str>,
    amount: Option<u64>,
    reason: Option<RefundReason>,
    metadata: Mark<'a>,
}

/// What matters of a refund that was made.
#[derive(Debug, Deserialize)]
pub(super) struct MadeRefund {
    id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Marked for MadeRefund {
    fn id(&self) -> &str {
        &self.id
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

impl Write for NewRefund<'_> {
    const OPERATION: &'static str = "create_refund";

    type Made = MadeRefund;

    fn path(&self) -> Result<String, CallError> {
        Ok("/v1/refunds".to_owned())
    }

    fn form(&self, run: &Run) -> String {
        form::encode(&RefundForm {
            payment_intent: self.0.payment_intent.as_deref(),
            charge: self.0.charge.as_deref(),
            amount: self.0.amount,
            reason: self.0.reason,
            metadata: Mark::new(run, &self.0.metadata),
        })
    }

    fn receipt(made: MadeRefund, answer: Answer) -> Receipt {
        Receipt {
            status: made.status,
            ..Receipt::of(made.id, answer)
        }
    }

    async fn look(
        &self,
        stripe: &Stripe,
        run: &Run,
        window: Window,
    ) -> Result<Option<MadeRefund>, JobError> {
        let of = match &self.0.payment_intent {
            Some(id) => ("payment_intent", id.as_str()),
            None => ("charge", self.0.refunded()),
        };
        look(stripe, run, "/v1/refunds", window, &[of]).await
    }
}
