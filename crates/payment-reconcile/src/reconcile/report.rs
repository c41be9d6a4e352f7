//! What a reconcile found, and where it is put.

mod csv;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use longshore_job::{JobError, Run};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compare::{Entry, Kind, Payment, word};
use super::side::Side;

/// How many differences are kept on the job: some 180 KiB as JSON and CSV together.
const ROWS_ON_THE_JOB: usize = 500;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) payment_intent: Option<String>,
    pub(super) order_id: Option<String>,
    pub(super) stripe_status: Option<String>,
    pub(super) app_status: Option<String>,
    /// In minor units.
    pub(super) stripe_amount: Option<u64>,
    /// In minor units.
    pub(super) app_amount: Option<u64>,
    /// Stripe's, or the app's where Stripe has none; both, as in `nok/sek`, where they differ.
    pub(super) currency: String,
    pub(super) repaired: bool,
}

impl Row {
    /// Of a payment, as those who know it know it: at least one of them does.
    pub(super) fn of(kind: Kind, payment: Option<&Payment>, entry: Option<&Entry>) -> Self {
        let order = entry.map(|entry| entry.order_id.clone());
        let intent = payment.map(|payment| payment.id.clone());
        let currency = match (payment, entry) {
            (Some(payment), Some(entry)) if payment.currency != entry.currency => {
                format!("{}/{}", payment.currency, entry.currency)
            }
            (Some(payment), _) => payment.currency.clone(),
            (None, entry) => entry.map_or_else(String::new, |entry| entry.currency.clone()),
        };
        Self {
            kind,
            payment_intent: intent.or_else(|| entry?.payment_intent.clone()),
            order_id: order.or_else(|| payment?.order.clone()),
            stripe_status: payment.map(|payment| payment.status.clone()),
            app_status: entry.map(|entry| word(entry.status).to_owned()),
            stripe_amount: payment.map(|payment| payment.amount),
            app_amount: entry.map(|entry| entry.amount),
            currency,
            repaired: false,
        }
    }

    /// As JSON, in the words of this side.
    fn named(&self, side: Side<'_>) -> Value {
        let Ok(Value::Object(row)) = serde_json::to_value(self) else {
            unreachable!("a row is an object");
        };
        let mut row = side.named(row);
        row.insert("kind".to_owned(), side.word(self.kind.as_str()).into());
        row.into()
    }
}

/// Counts of a reconcile: what operators see while it runs, and what its result begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Payments within the window that the provider listed.
    pub(super) at_stripe: u64,
    /// Those of them whose money may still come.
    #[serde(default)]
    pub(super) open: u64,
    /// Payments within the window that Stripe made for invoices, renewals of subscriptions among them, and the app has
    /// no order for.
    #[serde(default)]
    pub(super) of_invoices: u64,
    /// Payments within the window that the app listed.
    pub(super) in_app: u64,
    /// Differences by kind.
    pub(super) counts: BTreeMap<Kind, u64>,
    /// How many of them were repaired.
    pub(super) repaired: u64,
}

impl Tally {
    pub(super) fn differences(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Every kind with its count, also those that did not come up.
    pub(super) fn by_kind(&self, side: Side<'_>) -> Value {
        let count = |kind| self.counts.get(&kind).copied().unwrap_or_default();
        let counts = Kind::ALL.map(|kind| (side.word(kind.as_str()), json!(count(kind))));
        counts.into_iter().collect::<serde_json::Map<_, _>>().into()
    }
}

/// One file of a report.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// `differences.json` or `differences.csv`.
    pub name: &'static str,
    /// `application/json`, an array with an object per difference, or `text/csv; charset=utf-8`, after RFC 4180.
    pub content_type: &'static str,
    /// Its bytes: UTF-8.
    pub body: Vec<u8>,
}

/// Does not show the rows.
impl fmt::Debug for ReportFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportFile")
            .field("name", &self.name)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What a store says of a file, on its way.
pub type Storing<'a> = Pin<Box<dyn Future<Output = Result<Value, JobError>> + Send + 'a>>;

/// Where reports are put.
pub trait ReportStore: Send + Sync + 'static {
    /// How many differences a report may hold here. They are held in memory while it is made, some 400 bytes each.
    fn max_rows(&self) -> usize;

    /// Puts a file of the run's job there, in the place of one with its name. Returns what the job's result says of it.
    fn store<'a>(&'a self, run: &'a Run, file: ReportFile) -> Storing<'a>;
}

/// Puts reports into the job's result: JSON as it is, other files as a text. 500 differences.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnTheJob;

impl ReportStore for OnTheJob {
    fn max_rows(&self) -> usize {
        ROWS_ON_THE_JOB
    }

    fn store<'a>(&'a self, _run: &'a Run, file: ReportFile) -> Storing<'a> {
        let text = || String::from_utf8_lossy(&file.body).into_owned().into();
        let value = match file.content_type {
            "application/json" => serde_json::from_slice(&file.body).unwrap_or_else(|_| text()),
            _ => text(),
        };
        Box::pin(async { Ok(value) })
    }
}

/// Both files of these differences.
pub(super) fn files(rows: &[Row], side: Side<'_>) -> [ReportFile; 2] {
    let written = match side {
        Side::Stripe => serde_json::to_vec(rows),
        Side::Another(_) => {
            let rows: Vec<_> = rows.iter().map(|row| row.named(side)).collect();
            serde_json::to_vec(&rows)
        }
    };
    let json = written.unwrap_or_else(|error| unreachable!("rows are texts and numbers: {error}"));
    [
        ReportFile {
            name: "differences.json",
            content_type: "application/json",
            body: json,
        },
        ReportFile {
            name: "differences.csv",
            content_type: "text/csv; charset=utf-8",
            body: csv::write(rows, side).into_bytes(),
        },
    ]
}
