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
//! | `GET /v1/payments?from=…&to=…&after=…` | up to 100 payments created then, newest first |
//! | `GET /v1/subscriptions?status=running&after=…` | up to 100 that have not ended, newest first |
//! | `GET /v1/events/:id` | what has happened; a notification of it is posted to the endpoint |

mod body;
mod book;
mod courier;
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
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::client::NAME;
use book::Book;
use courier::{Endpoint, Event};
use provider::TestPay;
use thing::Thing;

pub(crate) const SANDBOX: Sandbox = Sandbox {
    name: NAME,
    addr: "127.0.0.1:9485",
    posts_to: Some("http://127.0.0.1:9465/webhooks/testpay"),
    start: &|at| {
        Box::pin(async move {
            let testpay = TestPaySandbox::start(at.addr).await?;
            if let Some(url) = at.posts_to {
                testpay.tell(url, WEBHOOK_SECRET);
            }
            Ok(RunningStandIn::new(testpay.origin(), || testpay.stop()))
        })
    },
};

/// What the stand-in that `harbour sandbox` runs signs its events with.
const WEBHOOK_SECRET: &str = "local";

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
    /// The courier. Ends with this.
    _courier: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    ids: Ids,
    // A std Mutex: it is held for one request, never across an await.
    book: Mutex<Book>,
    refused_keys: Refused,
    endpoint: Mutex<Option<Endpoint>>,
    /// The ids of events, to the courier.
    happened: mpsc::UnboundedSender<String>,
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
        let (happened, to_tell) = mpsc::unbounded_channel();
        let state = Arc::new(State {
            ids: Ids::new(),
            book: Mutex::default(),
            refused_keys: Refused::default(),
            endpoint: Mutex::default(),
            happened,
        });
        let provider = TestPay {
            state: Arc::clone(&state),
        };
        let server = Server::start(addr, provider, ledger).await?;
        let mut courier = JoinSet::new();
        courier.spawn(courier::run(Arc::clone(&state), to_tell));
        Ok(Self {
            server,
            state,
            _courier: courier,
        })
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

    /// Posts its events there from now on, signed with this secret.
    pub fn tell(&self, url: impl Into<String>, secret: impl Into<String>) {
        let (url, secret) = (url.into(), secret.into());
        *self.state.endpoint() = Some(Endpoint { url, secret });
    }

    /// Posts no events from now on. They stay lost.
    pub fn tell_nobody(&self) {
        *self.state.endpoint() = None;
    }

    /// Somebody at the dashboard gives so much of a payment back. `false` when that cannot be.
    pub fn refund(&self, payment: &str, amount: u64) -> bool {
        let mut book = self.state.book();
        let Ok(mut refunded) = book.payments.get(payment).cloned() else {
            return false;
        };
        let fits = refunded.refund(amount);
        if fits {
            book.payments.put(refunded);
            self.state
                .note(&mut book, "payment.refunded", payment, None);
        }
        fits
    }

    /// Somebody's customer is brought from another provider, with their cards: no effect of a job. Returns the new id.
    pub fn import_customer(&self, user: &str) -> String {
        let book = &mut *self.state.book();
        let reference = self.state.ids.next("moved-");
        let asked = body::NewCustomer::of(user);
        let made = book.customers.make(&self.state.ids, &reference, asked);
        let (customer, _) = made.unwrap_or_else(|_| unreachable!("the reference is a new one"));
        let id = customer.id().to_owned();
        book.customers.put(customer);
        id
    }

    /// A period of a subscription is paid.
    pub fn renew(&self, subscription: &str) {
        let invoice = self.state.ids.next("tp_inv_");
        let book = &mut *self.state.book();
        self.state
            .note(book, "subscription.renewed", subscription, Some(invoice));
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
    fn endpoint(&self) -> MutexGuard<'_, Option<Endpoint>> {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what has happened, and has it told.
    fn note(&self, book: &mut Book, kind: &'static str, object: &str, invoice: Option<String>) {
        let event = Event {
            id: self.ids.next("tp_evt_"),
            kind,
            object: object.to_owned(),
            invoice,
        };
        // Nobody listens any more once the stand-in stops.
        let _ = self.happened.send(event.id.clone());
        book.events.push(event);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown<T: Serialize>(things: &[T]) -> Vec<Value> {
    things.iter().map(|thing| json!(thing)).collect()
}
