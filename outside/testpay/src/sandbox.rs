//! A stand-in for testpay, for development and tests.
//!
//! | request | does |
//! |---|---|
//! | `POST /v1/customers/:reference` | `{"user"}` and perhaps `email`, `name` |
//! | `POST /v1/payments/:reference` | `{"order","user","amount":{"value":1000,"currency":"NOK"}}` and perhaps `customer`, `method`, and `collect`, which collects it, too |
//! | `POST /v1/payments/:id/collections/:reference` | collects it, by another `method` perhaps |
//! | `POST /v1/subscriptions/:reference` | `{"customer","user","plan"}` and perhaps `quantity` |
//! | `POST /v1/subscriptions/:id/endings/:reference` | ends it, with `credit_unused` perhaps; one that has ended stays so |
//! | `GET /v1/<customers, payments or subscriptions>/:id` | shows it, by its id or by the reference |

mod body;
mod book;
mod problem;
mod provider;
mod thing;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_integration::{RunningStandIn, Sandbox};
use longshore_sandbox::{Ids, Ledger, Refused, Server, stand_in};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::NAME;
use book::Book;
use provider::TestPay;

pub(crate) const SANDBOX: Sandbox = Sandbox {
    name: NAME,
    addr: "127.0.0.1:9485",
    posts_to: None,
    start: &|at| {
        Box::pin(async move {
            let testpay = TestPaySandbox::start(at.addr).await?;
            Ok(RunningStandIn::new(testpay.origin(), || testpay.stop()))
        })
    },
};

/// A provider that takes payments by references of the caller's: the same reference again is the same thing, and with
/// another body a contradiction, 409. What cannot be is 422, what is not there 404, a refused key 401, and a payment by
/// the method `card_declined` 402: the payment is there then, and can be collected by another one.
///
/// A reference is a job's id, perhaps with more after a `-`. Whatever is made, collected or ended is one effect in the
/// ledger, so a payment that is made and collected at once is one; its recipient is `customer`, `payment`,
/// `collection`, `subscription` or `ending`.
#[derive(Debug)]
pub struct TestPaySandbox {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    ids: Ids,
    // A std Mutex: it is held for one request, never across an await.
    book: Mutex<Book>,
    refused_keys: Refused,
}

stand_in!(TestPaySandbox);

impl TestPaySandbox {
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
            ids: Ids::new(),
            book: Mutex::default(),
            refused_keys: Refused::default(),
        });
        let provider = TestPay {
            state: Arc::clone(&state),
        };
        let server = Server::start(addr, provider, ledger).await?;
        Ok(Self { server, state })
    }

    /// Every customer, oldest first, as the API shows them.
    #[must_use]
    pub fn customers(&self) -> Vec<Value> {
        shown(self.state.book().customers.all())
    }

    /// Every payment, oldest first, as the API shows them.
    #[must_use]
    pub fn payments(&self) -> Vec<Value> {
        shown(self.state.book().payments.all())
    }

    /// Every subscription, oldest first, as the API shows them.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Value> {
        shown(self.state.book().subscriptions.all())
    }

    /// Refuses this API key from now on.
    pub fn refuse_key(&self, key: impl Into<String>) {
        self.state.refused_keys.refuse(key);
    }

    /// Takes this API key again.
    pub fn accept_key(&self, key: &str) {
        self.state.refused_keys.accept(key);
    }
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown<T: Serialize>(things: &[T]) -> Vec<Value> {
    things.iter().map(|thing| json!(thing)).collect()
}
