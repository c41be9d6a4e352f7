//! What a program knows of a queue.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Envelope, Kinds};
use serde_json::Value;

/// What has to be known of a queue to show its jobs.
#[derive(Debug, Clone)]
pub struct QueueInfo {
    /// The kinds of its jobs that this program knows.
    pub kinds: Kinds,
    /// Its name.
    pub name: String,
    /// The highest number of attempts of jobs whose kind is not in `max_attempts_by_kind`.
    pub max_attempts: u32,
    /// The highest number of attempts, by kind.
    pub max_attempts_by_kind: BTreeMap<&'static str, u32>,
    /// How long its completed and cancelled jobs are kept.
    pub keep: Duration,
    /// Up to how many bytes its cancelled jobs are kept.
    pub cancelled_bytes: u64,
    /// The providers whose breakers it has, its own first. None: nobody here knows the queue, it was found in Redis.
    pub providers: Vec<String>,
    /// What becomes of a request that is made again and may have been carried out before.
    pub repeats: RepeatEffect,
    /// What says of a job's args whether this program's configuration would have it refused.
    pub refusal: ConfigRefusal,
    /// Who of them takes its jobs while the breaker of its own is open.
    pub fallback: Option<String>,
}

/// What becomes of a request that is made again although an earlier one, whose answer was lost, may have been carried
/// out.
#[derive(Clone)]
pub enum RepeatEffect {
    /// Its effect may happen twice.
    Double,
    /// The provider is asked first what became of the earlier one, or a second one changes nothing.
    Verified,
    /// It carries a key under which the provider does it once; for so long, and from then on it is asked first.
    Keyed(Duration),
    /// It carries a key under which the provider does it once; for so long, and from then on its effect may happen twice. That holds
    /// for another generation of the key as well.
    KeyedOnly(Duration),
    /// The args of the job decide.
    ByArgs(Arc<RepeatByArgs>),
}

/// What becomes of a repeated request of a job with these args: anything but [`RepeatEffect::ByArgs`].
pub type RepeatByArgs = dyn Fn(&Value) -> RepeatEffect + Send + Sync;

impl RepeatEffect {
    /// What it is for a job with this payload. Where that cannot be read, its effect may happen twice.
    pub(crate) fn of(&self, payload: &[u8]) -> Self {
        let Self::ByArgs(find) = self else {
            return self.clone();
        };
        let args = Envelope::parse(payload)
            .ok()
            .and_then(|envelope| serde_json::from_str(envelope.args.get()).ok());
        args.map_or(Self::Double, |args| find(&args))
    }
}

impl fmt::Debug for RepeatEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Double => f.write_str("Double"),
            Self::Verified => f.write_str("Verified"),
            Self::Keyed(life) => f.debug_tuple("Keyed").field(life).finish(),
            Self::KeyedOnly(life) => f.debug_tuple("KeyedOnly").field(life).finish(),
            Self::ByArgs(_) => f.write_str("ByArgs"),
        }
    }
}

/// Says why the configuration would have a job refused, by its kind and args, without a person's name.
#[derive(Clone)]
pub enum ConfigRefusal {
    /// The provider of the queue is not configured here, so nothing is known.
    Unknown,
    /// It is asked.
    Known(Arc<WhyRefused>),
}

/// Why a job with this kind and these args would be refused.
pub type WhyRefused = dyn Fn(&str, &Value) -> Option<String> + Send + Sync;

impl fmt::Debug for ConfigRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Known(_) => "Known",
        })
    }
}

impl ConfigRefusal {
    /// One that refuses nothing.
    #[must_use]
    pub fn never() -> Self {
        Self::Known(Arc::new(|_, _| None))
    }

    /// Whether the configuration is known here.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// Why this job would be refused, as far as is known.
    #[must_use]
    pub fn of(&self, kind: &str, args: &Value) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Known(ask) => ask(kind, args),
        }
    }
}
