//! The payload: `{"kind":"…","v":1,"args":{…}}` in UTF-8 JSON, with nothing in it unique to one job.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::digest::digest;
use crate::envelope::{Envelope, Undecodable, UndecodableWhy};
use crate::explain::explain;
use crate::lists::{NO_OBJECT, wrong_list};
use crate::names::{Names, names};
use crate::schema::schema;
use crate::{KindPolicy, PersonArg, Priority};

/// The largest payload that is accepted: 256 KiB, envelope included. Big things belong in a bucket.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// A kind of job. The struct is its args; its serde form is the wire form, pinned by golden files.
///
/// Args refuse unknown fields. So a new field needs a new [`VERSION`](Job::VERSION): then an older worker puts the job back instead
/// of dropping the field.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// The kind's name on the wire.
    const KIND: &'static str;
    /// The queue its jobs wait in. Of a kind with several queues ([`ONE_QUEUE`](Job::ONE_QUEUE)): what their names begin with.
    const QUEUE: &'static str;
    /// Whether all its jobs wait in [`QUEUE`](Job::QUEUE). If not, [`queue`](Job::queue) says where each waits, and an
    /// idempotency key holds within a queue.
    const ONE_QUEUE: bool = true;
    /// The version of its args, from 1.
    const VERSION: u32 = 1;
    /// Top-level args that name no person and hold no secret: operators see them without asking. `&[]` if there are none.
    /// There is no default, so every kind has to decide.
    const PUBLIC_ARGS: &'static [&'static str];
    /// Args that name a person: by them `longshore forget` finds whose jobs are meant. `&[]` if there are none. There is no
    /// default, so every kind has to decide.
    const PERSON_ARGS: &'static [PersonArg];
    /// Top-level fields of its result that name no person and hold no secret: operators see them without asking.
    const PUBLIC_RESULT: &'static [&'static str] = &[];
    /// Top-level fields of its progress that name no person and hold no secret: operators see them without asking.
    const PUBLIC_PROGRESS: &'static [&'static str] = &[];
    /// Its time limits, expiry and retries, unless configuration says otherwise.
    const POLICY: KindPolicy = KindPolicy::DEFAULT;
    /// Whether its handler can find out what became of a request whose answer was lost (`Handler::verify`). Only then may
    /// its `on_unknown` be `verify`. Whatever the rule is, a job that expires after it may have been sent is verified before it
    /// becomes a dead letter.
    const VERIFIABLE: bool = false;
    /// Whether only the fleet itself makes jobs of this kind: no door of producers accepts one.
    const MADE_BY_FLEET: bool = false;
    /// The shortest expiry that [`expires_in`](Job::expires_in) gives: all attempts have to fit into it.
    const SHORTEST_EXPIRY: Option<Duration> = Self::POLICY.expires;

    /// Checks rules that the types cannot express.
    ///
    /// # Errors
    /// Says which fields are wrong and what would be right, best all of them ([`InvalidArgs::all`]). Names no person: it may end up
    /// in a log.
    fn check(&self) -> Result<(), InvalidArgs>;

    /// The queue that this job waits in. Override it if the args decide.
    fn queue(&self) -> Cow<'static, str> {
        Cow::Borrowed(Self::QUEUE)
    }

    /// The expiry: a job that has not run for this long after it was first due is dead as `expired`. A producer may set another.
    /// The default is that of [`POLICY`](Job::POLICY). Override it if the args decide.
    fn expires_in(&self) -> Option<Duration> {
        Self::POLICY.expires
    }

    /// How urgent the job is. A producer may say otherwise. The default is that of [`POLICY`](Job::POLICY). Override it if the
    /// args decide.
    fn priority(&self) -> Priority {
        Self::POLICY.priority.unwrap_or_default()
    }
}

/// The args were refused before the job was enqueued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.replace('\n', "; "))]
pub struct InvalidArgs(pub String);

impl InvalidArgs {
    /// A refusal of one field.
    pub fn field(name: &str, what: impl fmt::Display) -> Self {
        Self(format!("{name}: {what}"))
    }

    /// All that is wrong with a job, for a [`Job::check`] with several rules.
    ///
    /// # Errors
    /// One refusal with the finding of each rule that is broken.
    pub fn all(rules: impl IntoIterator<Item = Result<(), Self>>) -> Result<(), Self> {
        let broken = rules.into_iter().filter_map(Result::err);
        let findings: Vec<_> = broken.map(|wrong| wrong.0).collect();
        match findings.is_empty() {
            true => Ok(()),
            false => Err(Self(findings.join("\n"))),
        }
    }

    /// Refuses one field, if a rule does not hold.
    ///
    /// # Errors
    /// When it does not.
    pub fn unless(holds: bool, name: &str, what: impl fmt::Display) -> Result<(), Self> {
        match holds {
            true => Ok(()),
            false => Err(Self::field(name, what)),
        }
    }

    /// Each finding by itself.
    pub fn findings(&self) -> impl Iterator<Item = &str> {
        self.0.split('\n')
    }
}

#[derive(Serialize)]
struct EnvelopeOut<'a, A: ?Sized> {
    kind: &'a str,
    v: u32,
    args: &'a A,
}

/// A checked job, ready to be enqueued.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its kind.
    pub kind: &'static str,
    /// Its queue.
    pub queue: Cow<'static, str>,
    /// Its payload, at most [`MAX_PAYLOAD_BYTES`].
    pub payload: Vec<u8>,
    /// The kind's own expiry, counted from when the job is first due.
    pub expires_in: Option<Duration>,
    /// How urgent the job is, unless its producer says otherwise.
    pub priority: Priority,
}

impl Prepared {
    /// Checks and encodes a job.
    ///
    /// # Errors
    /// When the args are wrong, the payload would be larger than [`MAX_PAYLOAD_BYTES`], or only the fleet makes jobs of this kind.
    pub fn new<J: Job>(job: &J) -> Result<Self, InvalidArgs> {
        if J::MADE_BY_FLEET {
            let why = "the fleet makes jobs of this kind itself; enqueue another kind";
            return Err(InvalidArgs::field(J::KIND, why));
        }
        Self::by_fleet(job)
    }

    /// Checks and encodes a job that the fleet makes, of any kind.
    ///
    /// # Errors
    /// When the args are wrong or the payload would be larger than [`MAX_PAYLOAD_BYTES`].
    pub fn by_fleet<J: Job>(job: &J) -> Result<Self, InvalidArgs> {
        job.check()?;
        let envelope = EnvelopeOut {
            kind: J::KIND,
            v: J::VERSION,
            args: job,
        };
        let payload = serde_json::to_vec(&envelope)
            .map_err(|error| InvalidArgs(format!("args cannot be written as JSON: {error}")))?;
        // Of an object, the last but one would be its own end.
        if payload.ends_with(b"]}") {
            return Err(InvalidArgs(NO_OBJECT.to_owned()));
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(InvalidArgs(format!(
                "the payload has {} bytes, at most {MAX_PAYLOAD_BYTES} (256 KiB) are accepted: put large content in a bucket and pass its key",
                payload.len()
            )));
        }
        Ok(Self {
            kind: J::KIND,
            queue: job.queue(),
            payload,
            expires_in: job.expires_in(),
            priority: job.priority(),
        })
    }

    /// A digest of its args: 24 hex digits, the same however the args are written. It is stored with an idempotency key, so that
    /// other args under the same key are refused.
    #[must_use]
    pub fn digest(&self) -> String {
        let envelope = Envelope::parse(&self.payload);
        digest(
            self.kind,
            envelope.map_or("", |envelope| envelope.args.get()),
        )
    }
}

/// Shows sizes, never content: a payload may hold personal data.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("kind", &self.kind)
            .field("queue", &self.queue)
            .field("payload_bytes", &self.payload.len())
            .field("expires_in", &self.expires_in)
            .field("priority", &self.priority)
            .finish()
    }
}

/// What a program's configuration says of args, given as JSON text.
pub type CheckArgs = dyn Fn(&str) -> Result<(), InvalidArgs> + Send + Sync;

/// Adds to the JSON Schema of args what only the configuration knows.
pub type DescribeArgs = dyn Fn(&mut Value) + Send + Sync;

/// A kind without its Rust type, for code that gets args as JSON text.
#[derive(Clone, Copy)]
pub struct KindSpec {
    /// The kind's name.
    pub kind: &'static str,
    /// Its queue. A kind with several queues ([`Job::ONE_QUEUE`]) has a spec for each.
    pub queue: &'static str,
    /// The newest version of its args that is known here.
    pub version: u32,
    /// Its [`Job::PUBLIC_ARGS`].
    pub public_args: &'static [&'static str],
    /// Its [`Job::PERSON_ARGS`].
    pub person_args: &'static [PersonArg],
    /// Its [`Job::PUBLIC_RESULT`].
    pub public_result: &'static [&'static str],
    /// Its [`Job::PUBLIC_PROGRESS`].
    pub public_progress: &'static [&'static str],
    /// Its [`Job::POLICY`].
    pub policy: KindPolicy,
    /// Its [`Job::SHORTEST_EXPIRY`].
    pub shortest_expiry: Option<Duration>,
    /// Its [`Job::VERIFIABLE`].
    pub verifiable: bool,
    /// Its [`Job::MADE_BY_FLEET`].
    pub made_by_fleet: bool,
    expires: Option<Duration>,
    priority: Option<Priority>,
    prepare: fn(&str) -> Result<Prepared, InvalidArgs>,
    check: Option<&'static CheckArgs>,
    names: fn(Value) -> Names,
    schema: fn() -> Value,
    describe: Option<&'static DescribeArgs>,
}

impl KindSpec {
    /// The spec of a kind.
    #[must_use]
    pub const fn of<J: Job>() -> Self {
        fn prepare<J: Job>(args: &str) -> Result<Prepared, InvalidArgs> {
            if let Some(wrong) = wrong_list::<J>(args) {
                return Err(InvalidArgs(wrong));
            }
            let job: J =
                serde_json::from_str(args).map_err(|error| InvalidArgs(explain(&error)))?;
            Prepared::new(&job)
        }
        Self {
            kind: J::KIND,
            queue: J::QUEUE,
            version: J::VERSION,
            public_args: J::PUBLIC_ARGS,
            person_args: J::PERSON_ARGS,
            public_result: J::PUBLIC_RESULT,
            public_progress: J::PUBLIC_PROGRESS,
            policy: J::POLICY,
            shortest_expiry: J::SHORTEST_EXPIRY,
            verifiable: J::VERIFIABLE,
            made_by_fleet: J::MADE_BY_FLEET,
            expires: None,
            priority: None,
            prepare: prepare::<J>,
            check: None,
            names: names::<J>,
            schema: schema::<J>,
            describe: None,
        }
    }

    /// Returns the kind as it is in this queue, for a kind with several ([`Job::ONE_QUEUE`]).
    #[must_use]
    pub const fn in_queue(mut self, queue: &'static str) -> Self {
        self.queue = queue;
        self
    }

    /// Returns the kind with this check, too. It says what else is wrong with args that are well formed: what only the configuration
    /// knows. It sees the args of all queues of the kind.
    #[must_use]
    pub const fn with_check(mut self, check: &'static CheckArgs) -> Self {
        self.check = Some(check);
        self
    }

    /// Returns the kind with this addition to its schema: what only the configuration knows of its args.
    #[must_use]
    pub const fn with_description(mut self, describe: &'static DescribeArgs) -> Self {
        self.describe = Some(describe);
        self
    }

    /// Returns the kind with the expiry of the configuration, which wins over the kind and the args. `None` = the expiry of the
    /// kind and the args.
    #[must_use]
    pub const fn with_expiry(mut self, expires: Option<Duration>) -> Self {
        self.expires = expires;
        self
    }

    /// Returns the kind with the priority of the configuration, which wins over the kind and the args. `None` = the priority of
    /// the kind and the args.
    #[must_use]
    pub const fn with_priority(mut self, priority: Option<Priority>) -> Self {
        self.priority = priority;
        self
    }

    /// The names of its args. None where its type does not say them before it has read them: an enum, a map, a struct with
    /// a flattened field.
    #[must_use]
    pub fn args(&self) -> Names {
        self.names(Value::Object(serde_json::Map::new()))
    }

    /// The JSON Schema of its args: their form. What [`Job::check`] looks at beyond that is not in it. It is made anew each time,
    /// which takes some microseconds for each field.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = (self.schema)();
        if let Some(describe) = self.describe {
            describe(&mut schema);
        }
        schema
    }

    /// Checks args given as JSON text and encodes them. They say which queue the job is for, if the kind has several.
    ///
    /// # Errors
    /// When they are not this kind's args.
    pub fn prepare(&self, args: &str) -> Result<Prepared, InvalidArgs> {
        let prepared = (self.prepare)(args)?;
        if let Some(check) = self.check {
            check(args)?;
        }
        Ok(Prepared {
            expires_in: self.expires.or(prepared.expires_in),
            priority: self.priority.unwrap_or(prepared.priority),
            ..prepared
        })
    }

    /// The field names in these args that belong to the kind's own structs. All other names may be anything, also names of people.
    #[must_use]
    pub fn names(&self, args: Value) -> Names {
        (self.names)(args)
    }
}

impl fmt::Debug for KindSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KindSpec")
            .field("kind", &self.kind)
            .field("queue", &self.queue)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl Envelope<'_> {
    /// Decodes and checks the args as this kind's.
    ///
    /// # Errors
    /// When they are not.
    pub fn decode<J: Job>(&self) -> Result<J, Undecodable> {
        let bad = |detail| Undecodable {
            why: UndecodableWhy::BadArgs,
            detail,
        };
        if let Some(wrong) = wrong_list::<J>(self.args.get()) {
            return Err(bad(wrong));
        }
        let job: J = serde_json::from_str(self.args.get()).map_err(|error| bad(explain(&error)))?;
        job.check().map_err(|error| bad(error.to_string()))?;
        Ok(job)
    }
}
