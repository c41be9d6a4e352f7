//! A client with settings of its own.

use std::time::Duration;

use longshore_queue::{Address, Link, LinkOptions};

use crate::one_queue::Patience;
use crate::{Client, ClientError};

/// A repeated call may find its job completed. It must not be forgotten by then, and ten seconds is how long a completed job is
/// kept, whatever its queue's `completed_seconds` and `completed_bytes`.
const LONGEST: Duration = Duration::from_secs(9);

/// Less would be over before any Redis answers.
const SHORTEST: Duration = Duration::from_millis(10);

/// Makes a client: [`Client::builder`].
#[derive(Debug, Clone)]
#[must_use = "nothing is made until `build` is called"]
pub struct ClientBuilder {
    address: Address,
    namespace: String,
    name: Option<String>,
    wait_replicas: u32,
    connect_timeout: Duration,
    response_timeout: Duration,
    give_up_after: Option<Duration>,
    fail_fast: bool,
}

impl ClientBuilder {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            namespace: "longshore".to_owned(),
            name: None,
            wait_replicas: 0,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(2),
            give_up_after: None,
            fail_fast: false,
        }
    }

    /// The `redis.namespace` of the workers' configuration: `longshore`, unless it says otherwise.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The name of the program, which operators see with each job ([`Client::named`]).
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A job is accepted only once this many replicas of Redis have it ([`Client::with_wait_replicas`]). 0 unless told otherwise.
    pub fn wait_replicas(mut self, replicas: u32) -> Self {
        self.wait_replicas = replicas;
        self
    }

    /// How long opening a connection may take: 1 s unless told otherwise. At most half of `give_up_after`: a longer time is cut.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one answer of Redis may take before the connection counts as broken: 2 s unless told otherwise. At most half of
    /// `give_up_after`: a longer time is cut.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// No call takes longer, waits for a job's end excepted: 5 s unless told otherwise, with `fail_fast` 1 s. From 10 ms to 9 s. Until
    /// then a call is repeated while Redis is away.
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.give_up_after = Some(time);
        self
    }

    /// No call waits for the end of an outage: each is made once. For requests that have something better to do than to wait.
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Makes the client. The connection is opened later, when it is first needed.
    ///
    /// # Errors
    /// When the address does not fit together, a file that it names cannot be used, the name or the namespace is not valid, or
    /// a time is out of its bounds.
    pub fn build(self) -> Result<Client, ClientError> {
        let usual = match self.fail_fast {
            true => Duration::from_secs(1),
            false => Patience::default().give_up_after,
        };
        let give_up_after = self.give_up_after.unwrap_or(usual);
        if !(SHORTEST..=LONGEST).contains(&give_up_after) {
            return Err(ClientError::InvalidOption(
                "give_up_after: must be from 10 ms to 9 s: a call that is repeated for longer could make a second job",
            ));
        }
        if self.connect_timeout.is_zero() || self.response_timeout.is_zero() {
            return Err(ClientError::InvalidOption(
                "connect_timeout and response_timeout: must be more than 0",
            ));
        }
        // A silent connection is to be noticed before the call gives up: else nobody would open another one.
        let longest = give_up_after / 2;
        let options = LinkOptions {
            connect_timeout: self.connect_timeout.min(longest),
            response_timeout: self.response_timeout.min(longest),
        };
        let link = Link::open_later(self.address, options)?;
        let patience = Patience {
            give_up_after,
            fail_fast: self.fail_fast,
        };
        let client = Client::patiently(&link, &self.namespace, patience)?;
        let client = client.with_wait_replicas(self.wait_replicas);
        match self.name {
            Some(name) => client.named(name),
            None => Ok(client),
        }
    }
}
