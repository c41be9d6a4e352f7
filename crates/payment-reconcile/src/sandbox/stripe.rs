//! Stripe, as far as payments are made there.

mod book;
mod by_hand;
mod control;
mod courier;
mod customer;
mod dispute;
mod event;
mod expand;
mod faults;
mod idempotency;
mod invoice;
mod list;
mod money;
mod operation;
mod params;
mod payment_intent;
mod payment_method;
mod plan;
mod plant;
mod problem;
mod provider;
mod read;
mod refund;
mod requests;
mod shelf;
mod subscription;
mod webhooks;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_sandbox::{Ids, Ledger, Refused, Server, stand_in};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use book::Book;
use event::Event;
pub use plant::PlantedPaymentIntent;
use provider::Stripe;
use shelf::{Shelf, Stored};
pub use webhooks::{EventTold, WebhookEndpoint, WebhookSettings};

/// A stand-in for Stripe's API of version 2023-10-16: customers, payment intents with their charges, refunds, disputes,
/// subscriptions with their invoices, and events.
///
/// Checks requests like the real one: any key `sk_test_…` or `sk_live_…` is good unless it was refused, and the two see
/// nothing of each other. What a payment comes to is up to the payment method: `pm_card_visa` and its like succeed,
/// `pm_card_chargeDeclined`, `…InsufficientFunds` and `…ExpiredCard` are declined, `pm_card_authenticationRequired`
/// needs the customer. Any price is there but `price_missing`.
///
/// Results are saved under `Idempotency-Key` and replayed: whatever came of a request whose shape was in order, as soon
/// as it was carried out, also when a fault kept the answer back. A fault without effect saves nothing.
///
/// The ledger has one effect for each operation that was carried out, a declined payment included: `recipient` is
/// `customer`, `payment_intent`, `confirmation`, `subscription`, `cancellation`, `update` or `refund`, `id` the object's, and `job` is
/// `longshore_job` of the metadata that came with it.
#[derive(Debug)]
pub struct StripeSandbox {
    server: Server,
    state: Arc<State>,
    /// The courier. Ends with this.
    _courier: JoinSet<()>,
}

/// What requests, controls and courier share.
#[derive(Debug)]
struct State {
    // A std Mutex: it is held for one operation, never across an await.
    book: Mutex<Book>,
    refused_keys: Refused,
    requests: Mutex<Vec<StripeRequest>>,
    webhooks: watch::Sender<WebhookSettings>,
    told: watch::Sender<Vec<EventTold>>,
    /// The ids of events, to the courier.
    happened: mpsc::UnboundedSender<Vec<String>>,
    ids: Ids,
}

/// One request that was read, whatever became of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeRequest {
    /// Its `Request-Id`.
    pub id: String,
    /// `POST`
    pub method: String,
    /// `/v1/payment_intents`
    pub path: String,
    /// Its `Stripe-Version`.
    pub version: Option<String>,
    /// Its `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The status of the right answer; a fault may have sent another one, or none.
    pub status: u16,
    /// That the right answer is the saved result of an earlier request.
    pub replayed: bool,
}

stand_in!(StripeSandbox);

impl StripeSandbox {
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
            book: Mutex::default(),
            refused_keys: Refused::default(),
            requests: Mutex::default(),
            webhooks: watch::Sender::default(),
            told: watch::Sender::default(),
            happened,
            ids: Ids::new(),
        });
        let provider = Stripe {
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

    /// Refuses this key from now on.
    pub fn refuse_key(&self, key: impl Into<String>) {
        self.state.refused_keys.refuse(key);
    }

    /// Takes this key again.
    pub fn accept_key(&self, key: &str) {
        self.state.refused_keys.accept(key);
    }

    /// Every request that was read, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<StripeRequest> {
        self.state.noted().clone()
    }

    /// The next so many operations that would succeed are answered 500, and that is what their keys have saved. `effect`
    /// says whether they happen all the same.
    pub fn save_errors(&self, count: usize, effect: bool) {
        self.state.save_errors(count, effect);
    }

    /// Forgets all saved results, as Stripe may do after a day.
    pub fn expire_idempotency_keys(&self) {
        self.state.book().saved.clear();
    }

    /// Forgets what is saved under this key, in either mode.
    pub fn expire_idempotency_key(&self, key: &str) {
        let mut book = self.state.book();
        book.saved.retain(|(_, saved), _| saved != key);
    }

    /// Puts payment intents there that nobody asked for: no effect, and no event. Returns their ids, in order. A hundred
    /// thousand take less than a second.
    pub fn plant(&self, intents: impl IntoIterator<Item = PlantedPaymentIntent>) -> Vec<String> {
        self.state.plant(intents)
    }

    /// The customer pays by themselves, with another card or by a code from the bank, or fails to. Makes the events of
    /// it, but is no effect. `false` when there is no such payment intent.
    pub fn customer_pays(&self, payment_intent: &str, succeeds: bool) -> bool {
        self.state.customer_pays(payment_intent, succeeds)
    }

    /// Somebody at the dashboard gives a payment up. `false` when that cannot be.
    pub fn cancel(&self, payment_intent: &str) -> bool {
        self.state.cancel(payment_intent)
    }

    /// Somebody at the dashboard refunds so much of a payment, or all that is left. Returns the refund's id; `None` when
    /// that cannot be.
    pub fn refund(&self, payment_intent: &str, amount: Option<u64>) -> Option<String> {
        self.state.refund(payment_intent, amount)
    }

    /// The payer's bank sends a refund back. `false` when that cannot be.
    pub fn refund_fails(&self, refund: &str) -> bool {
        self.state.refund_fails(refund)
    }

    /// The payer's bank claims a payment. Returns the dispute's id; `None` when that cannot be.
    pub fn dispute(&self, payment_intent: &str) -> Option<String> {
        self.state.dispute(payment_intent)
    }

    /// A dispute is decided. `false` when there is no such dispute.
    pub fn close_dispute(&self, dispute: &str, won: bool) -> bool {
        self.state.close_dispute(dispute, won)
    }

    /// A subscription's next period begins, and so much in øre is collected for it, or cannot be. Returns the invoice's
    /// id; `None` when there is no such subscription.
    pub fn renew(&self, subscription: &str, amount: u64, succeeds: bool) -> Option<String> {
        self.state.renew(subscription, amount, succeeds)
    }

    /// Customers as the API shows them, newest first.
    #[must_use]
    pub fn customers(&self) -> Vec<Value> {
        all(&self.state.book().customers)
    }

    /// Payment intents as the API shows them, newest first.
    #[must_use]
    pub fn payment_intents(&self) -> Vec<Value> {
        all(&self.state.book().payment_intents)
    }

    /// A payment intent as the API shows it.
    #[must_use]
    pub fn payment_intent(&self, id: &str) -> Option<Value> {
        let book = self.state.book();
        let found = book.payment_intents.get(id, false);
        let found = found.or_else(|| book.payment_intents.get(id, true));
        found.map(Stored::to_json)
    }

    /// Subscriptions as the API shows them, newest first.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<Value> {
        all(&self.state.book().subscriptions)
    }

    /// Events as the API shows them, newest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        all(&self.state.book().events)
    }

    /// Who is told of events, and how.
    #[must_use]
    pub fn webhooks(&self) -> WebhookSettings {
        self.state.webhooks.borrow().clone()
    }

    /// Changes who is told of events, and how. What was held goes out once nothing is held any more.
    pub fn change_webhooks(&self, change: impl FnOnce(&mut WebhookSettings)) {
        self.state.webhooks.send_modify(change);
    }

    /// Tells of this event once more.
    pub fn send_event_again(&self, event: impl Into<String>) {
        self.state.send_events(vec![event.into()]);
    }

    /// Every event that an endpoint was told of, oldest first.
    #[must_use]
    pub fn called_back(&self) -> Vec<EventTold> {
        self.state.told.borrow().clone()
    }

    /// Waits until at least so many were told, or the deadline has passed, and returns those there are.
    pub async fn wait_called_back(&self, deadline: Duration, count: usize) -> Vec<EventTold> {
        let mut told = self.state.told.subscribe();
        // Both ways to end are told by what is returned.
        let _ = tokio::time::timeout(deadline, told.wait_for(|all| all.len() >= count)).await;
        self.called_back()
    }
}

fn all<T: Stored>(shelf: &Shelf<T>) -> Vec<Value> {
    shelf.all().map(T::to_json).collect()
}

impl State {
    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic while holding it leaves one operation half done, which the test that sees it fails by.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self) -> MutexGuard<'_, Vec<StripeRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, request: StripeRequest) {
        self.noted().push(request);
    }

    fn refuses(&self, key: &str) -> bool {
        self.refused_keys.has(key)
    }

    fn save_errors(&self, count: usize, effect: bool) {
        let mut book = self.book();
        book.errors.extend(std::iter::repeat_n(effect, count));
    }

    fn plant(&self, intents: impl IntoIterator<Item = PlantedPaymentIntent>) -> Vec<String> {
        let mut book = self.book();
        let plant = |planted: PlantedPaymentIntent| {
            let intent = planted.grow(&self.ids);
            let id = intent.id.clone();
            book.put_intent(intent);
            id
        };
        intents.into_iter().map(plant).collect()
    }

    /// An event of either mode.
    fn event(&self, id: &str) -> Option<Event> {
        let book = self.book();
        let find = |livemode| book.events.get(id, livemode);
        find(false).or_else(|| find(true)).cloned()
    }

    fn send_events(&self, events: Vec<String>) {
        // The courier is gone only when the sandbox is.
        let _ = self.happened.send(events);
    }
}
