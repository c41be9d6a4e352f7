//! The company's own app, as far as it hears of payments.

mod control;
mod effect;
mod payments;
mod provider;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_sandbox::{Ledger, Server, stand_in};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use effect::{AppEffect, AppEffectKind};
pub use payments::AppPayment;
use payments::Payments;
use provider::App;

/// A stand-in for the app behind `app.base_url`: takes payment effects, and lists its payments for reconciling.
///
/// - `POST /payments/effects` wants a `Longshore-Signature` of the last 300 s (else 401) and an `Idempotency-Key` that
///   is the event's id, and applies each event once. The same effect again is answered the same and counted; another
///   one under the same key is 422.
/// - `GET /payments?from=…&to=…&cursor=…` lists the payments created since `from` and before `to`, oldest first, by pages
///   of 500. It needs no signature, but one that is there has to be right. Cursors have to be percent-encoded.
///
/// The ledger has one effect for each that was applied: `recipient` is what was done (`order_paid`), `id` the event's.
#[derive(Debug)]
pub struct AppSandbox {
    server: Server,
    state: Arc<State>,
}

/// What requests and controls share.
#[derive(Debug)]
struct State {
    // A std Mutex: it is held for one request, never across an await.
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    secret: String,
    /// What a failed payment is answered with.
    contact: Value,
    page_size: usize,
    payments: Payments,
    applied: Vec<Applied>,
    /// Where each event is in `applied`.
    by_event: HashMap<String, usize>,
}

/// One effect that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// What it was.
    pub effect: AppEffect,
    /// What it was answered.
    pub answer: Value,
    /// How often it was told and taken: more than once is a repetition, and no second effect.
    pub times: u64,
}

/// What the app knew at a time.
#[derive(Debug, Clone)]
pub struct AppBackup {
    payments: Vec<AppPayment>,
    applied: Vec<Applied>,
}

stand_in!(AppSandbox);

impl AppSandbox {
    /// The secret that requests have to be signed with, unless another one is set.
    pub const SECRET: &'static str = "sandbox-app-secret";

    /// Listens on this address; port 0 picks a free one. Stops when it is dropped.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(addr: SocketAddr) -> io::Result<Self> {
        Self::start_with(addr, Ledger::default()).await
    }

    /// The same, writing into a ledger that there is already: one for several providers, or one that outlives
    /// this server.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_with(addr: SocketAddr, ledger: Ledger) -> io::Result<Self> {
        let state = Arc::new(State {
            book: Mutex::new(Book {
                secret: Self::SECRET.to_owned(),
                contact: provider::contact(),
                page_size: 500,
                payments: Payments::default(),
                applied: Vec::new(),
                by_event: HashMap::new(),
            }),
        });
        let provider = App {
            state: Arc::clone(&state),
        };
        let server = Server::start(addr, provider, ledger).await?;
        Ok(Self { server, state })
    }

    /// The secret that requests have to be signed with from now on.
    pub fn set_secret(&self, secret: impl Into<String>) {
        self.state.book().secret = secret.into();
    }

    /// What it answers to failed payments from now on: `{"email":{"email","name"?},"data"?}`, or something else.
    pub fn set_contact(&self, contact: Value) {
        self.state.book().contact = contact;
    }

    /// How many payments a page has from now on; at least one.
    pub fn set_page_size(&self, size: usize) {
        self.state.book().page_size = size.max(1);
    }

    /// Puts payments there, each in the place of the one of its order. A hundred thousand take less than a second.
    pub fn plant(&self, payments: impl IntoIterator<Item = AppPayment>) {
        self.state.plant(payments);
    }

    /// All that it knows now.
    #[must_use]
    pub fn back_up(&self) -> AppBackup {
        let book = self.state.book();
        let payments = book.payments.all().cloned().collect();
        AppBackup {
            payments,
            applied: book.applied.clone(),
        }
    }

    /// Knows what it knew then, and nothing of what came since.
    pub fn restore(&self, backup: AppBackup) {
        let mut book = self.state.book();
        let applied = backup.applied.iter().enumerate();
        book.by_event = applied
            .map(|(n, applied)| (applied.effect.event_id.clone(), n))
            .collect();
        book.applied = backup.applied;
        book.payments = Payments::default();
        backup
            .payments
            .into_iter()
            .for_each(|one| book.payments.put(one));
    }

    /// The payment of an order.
    #[must_use]
    pub fn payment(&self, order_id: &str) -> Option<AppPayment> {
        self.state.book().payments.get(order_id).cloned()
    }

    /// All payments, oldest first.
    #[must_use]
    pub fn payments(&self) -> Vec<AppPayment> {
        self.state.book().payments.all().cloned().collect()
    }

    /// Every effect that was applied, oldest first.
    #[must_use]
    pub fn applied(&self) -> Vec<Applied> {
        self.state.book().applied.clone()
    }

    /// How many effects were told again after they were applied.
    #[must_use]
    pub fn repetitions(&self) -> u64 {
        let book = self.state.book();
        book.applied.iter().map(|applied| applied.times - 1).sum()
    }
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while holding it leaves one request half done, which the test that sees it fails by.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plant(&self, payments: impl IntoIterator<Item = AppPayment>) {
        let mut book = self.book();
        payments.into_iter().for_each(|one| book.payments.put(one));
    }
}
