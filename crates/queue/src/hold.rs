//! What the fleet itself holds back, and lifting it.

use std::fmt;
use std::time::Duration;

use redis::Value;
use serde::{Deserialize, Serialize};

use crate::enqueue::millis;
use crate::value::Reply;
use crate::{Limit, Queue, QueueError, Signed, script};

/// Why claims are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The provider said when to come back.
    RetryAfter,
    /// The provider refuses our credentials: one probe a minute finds out whether it still does.
    Credentials,
    /// The provider's breaker is open, or its one probe is under way.
    Breaker,
    /// The provider's limit: the next call is more than a second away.
    Limiter,
    /// An operator has limited the provider's calls, or the queue's claims: they go on, slower.
    Limit,
    /// Redis forgot: living workers come to tell what they remember.
    RedisForgot,
    /// Redis was restarted, or another one took its place: living workers see whether it forgot something.
    RedisRestarted,
}

impl HoldCause {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RetryAfter => "retry_after",
            Self::Credentials => "credentials",
            Self::Breaker => "breaker",
            Self::Limiter => "limiter",
            Self::Limit => "limit",
            Self::RedisForgot => "redis_forgot",
            Self::RedisRestarted => "redis_restarted",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [
            Self::RetryAfter,
            Self::Credentials,
            Self::Breaker,
            Self::Limiter,
            Self::Limit,
            Self::RedisForgot,
            Self::RedisRestarted,
        ]
        .into_iter()
        .find(|cause| cause.as_str() == word)
    }
}

impl fmt::Display for HoldCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that holds calls of one of the queue's providers back. One that a clock has made void is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub cause: HoldCause,
    /// Whose calls; `None` = those of the queue's own provider.
    pub provider: Option<String>,
    /// Until when, in ms since the epoch. `None` = until a probe finds it better.
    pub until_ms: Option<u64>,
}

impl Hold {
    /// Reads `cause, provider, until, …`. What is of another form is left out.
    pub(crate) fn list(mut answer: Reply) -> Result<Vec<Self>, QueueError> {
        let mut holds = Vec::new();
        while answer.len() >= 3 {
            let (cause, provider) = (answer.shown()?, answer.shown()?);
            let until_ms = answer.number()?.filter(|until| *until > 0);
            if let Some(cause) = HoldCause::parse(&cause) {
                holds.push(Self {
                    cause,
                    provider: (!provider.is_empty()).then_some(provider),
                    until_ms,
                });
            }
        }
        Ok(holds)
    }
}

/// The longest that an operator's limit lasts, and any hold.
pub const LONGEST_HOLD: Duration = Duration::from_secs(7 * 24 * 3600);

impl Queue {
    /// Lets the queue's provider be called no more often than this, in the whole fleet and for so long, a week at the most.
    /// Where its configuration says less, that holds. Where it has no limit, so many jobs are claimed. An earlier limit of an
    /// operator ends.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn limit(
        &self,
        limit: Limit,
        life: Duration,
        signed: &Signed,
    ) -> Result<(), QueueError> {
        let limit = (limit, life.min(LONGEST_HOLD));
        self.gate("limit", signed, Some(limit)).await.map(drop)
    }

    /// Ends an operator's limit. Returns whether there was one.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn lift_limit(&self, signed: &Signed) -> Result<bool, QueueError> {
        Ok(self.gate("unlimit", signed, None).await?.0)
    }

    /// Lifts all that the fleet itself holds back: a time that the provider named, refused credentials, a limiter that lies
    /// ahead, an operator's limit, and the wait of an open breaker, which then lets one probe go at once. An operator's pause stays. Returns
    /// what was lifted.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn lift_holds(&self, signed: &Signed) -> Result<Vec<Hold>, QueueError> {
        let (_, lifted) = self.gate("lift", signed, None).await?;
        Hold::list(lifted)
    }

    /// Returns whether that changed anything, and what the script says of it.
    pub(crate) async fn gate(
        &self,
        action: &str,
        signed: &Signed,
        limit: Option<(Limit, Duration)>,
    ) -> Result<(bool, Reply), QueueError> {
        let k = &self.keys;
        let call = script::PAUSE
            .on(&[
                &k.gate,
                &k.idle,
                &k.audit,
                &k.breakers,
                &k.limits,
                &k.timeline,
            ])
            .arg(action)
            .arg(&signed.by)
            .arg(&signed.reason)
            .arg(self.name());
        let call = match limit {
            Some((limit, life)) => call.arg(millis(life)).arg(limit.interval_ms()),
            None => call,
        };
        let value: Value = call.run(&self.link).await?;
        let mut answer = Reply::new(value)?;
        let changed: u8 = answer.next()?;
        Ok((changed == 1, answer))
    }
}
