//! Twilio, as far as text messages are sent there.

mod callbacks;
mod control;
mod courier;
mod create;
mod list;
mod message;
mod messages;
mod problem;
mod provider;
mod segments;
mod signature;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use longshore_sandbox::{Ids, Ledger, Refused, Server, stand_in};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use callbacks::{Callbacks, CalledBack, InboundText, NotPosted, SharedKey};
pub use message::{PlantedMessage, TwilioContent, TwilioMessage};
use messages::Messages;
use provider::Twilio;

/// A stand-in for Twilio's `2010-04-01/Accounts/{AC}/Messages`.
///
/// Checks requests like the real one: any account with any token, and any API key, is good unless its secret was
/// refused; a message of the wrong shape, or to or from one of Twilio's magic test numbers, gets its error. What is
/// accepted goes on by itself: it is sent, then delivered, and its status callback told of both, see [`Callbacks`].
/// A callback may come before the answer to the request, as with the real one.
///
/// The ledger has one effect for each message: `job` is the query parameter of that name of its `StatusCallback`.
#[derive(Debug)]
pub struct TwilioSandbox {
    server: Server,
    state: Arc<State>,
    /// The courier. Ends with this.
    _courier: JoinSet<()>,
}

/// What requests, controls and courier share.
#[derive(Debug)]
struct State {
    messages: Messages,
    refused_secrets: Refused,
    callbacks: watch::Sender<Callbacks>,
    called_back: watch::Sender<Vec<CalledBack>>,
    reads: AtomicU64,
    ids: Ids,
}

stand_in!(TwilioSandbox);

impl TwilioSandbox {
    /// What callbacks are signed with when no auth token is known.
    pub const AUTH_TOKEN: &'static str = "sandbox-auth-token";

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
            messages: Messages::default(),
            refused_secrets: Refused::default(),
            callbacks: watch::Sender::default(),
            called_back: watch::Sender::default(),
            reads: AtomicU64::new(0),
            ids: Ids::new(),
        });
        let (accepted, to_see_to) = mpsc::unbounded_channel();
        let provider = Twilio {
            state: Arc::clone(&state),
            accepted,
        };
        let server = Server::start(addr, provider, ledger).await?;
        let mut courier = JoinSet::new();
        courier.spawn(courier::run(Arc::clone(&state), to_see_to));
        Ok(Self {
            server,
            state,
            _courier: courier,
        })
    }

    /// Refuses this auth token, or this secret of an API key, from now on.
    pub fn refuse_secret(&self, secret: impl Into<String>) {
        self.state.refused_secrets.refuse(secret);
    }

    /// Takes this secret again.
    pub fn accept_secret(&self, secret: &str) {
        self.state.refused_secrets.accept(secret);
    }

    /// How many requests asked for messages rather than for sending one. The ledger counts both.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.state.reads.load(Ordering::Relaxed)
    }

    /// A message, by its sid.
    #[must_use]
    pub fn message(&self, sid: &str) -> Option<TwilioMessage> {
        self.state.messages.get(sid)
    }

    /// All messages of all accounts, newest first.
    #[must_use]
    pub fn messages(&self) -> Vec<TwilioMessage> {
        self.state.messages.newest_first(|_| true)
    }

    /// Puts a message there that nobody sent now. It is no effect, stays as it is, and nothing calls back about it.
    /// Returns its sid.
    pub fn plant(&self, message: PlantedMessage) -> String {
        let sid = self.state.ids.next("SM");
        self.state.messages.keep(message.under(sid.clone()));
        sid
    }

    /// How it calls back.
    #[must_use]
    pub fn callbacks(&self) -> Callbacks {
        self.state.callbacks.borrow().clone()
    }

    /// Changes how it calls back. What was held goes on once nothing is held any more.
    pub fn change_callbacks(&self, change: impl FnOnce(&mut Callbacks)) {
        self.state.callbacks.send_modify(change);
    }

    /// Posts a text that somebody sends to one of our numbers. Returns the status that it was answered with; none when there was no
    /// answer.
    ///
    /// # Errors
    /// When it is not known where to, or whose it is.
    pub async fn text_from(&self, text: &InboundText) -> Result<Option<u16>, NotPosted> {
        courier::post_inbound(&self.state, text).await
    }

    /// Every status callback that was made, oldest first.
    #[must_use]
    pub fn called_back(&self) -> Vec<CalledBack> {
        self.state.called_back.borrow().clone()
    }

    /// Waits until at least this many status callbacks were made, or the deadline has passed, and returns those there
    /// are.
    pub async fn wait_called_back(&self, deadline: Duration, count: usize) -> Vec<CalledBack> {
        let mut made = self.state.called_back.subscribe();
        // Both ways to end are told by what is returned.
        let _ = tokio::time::timeout(deadline, made.wait_for(|all| all.len() >= count)).await;
        self.called_back()
    }
}
