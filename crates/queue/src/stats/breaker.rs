//! How the breakers of a queue's providers stand.

use serde::{Deserialize, Serialize};

use crate::inspect::Broken;
use crate::value::Fields;
use crate::{Hold, HoldCause, Paused, Queue, QueueError};

/// How a provider's breaker stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// The provider.
    pub provider: String,
    /// How it stands.
    pub state: BreakerState,
    /// Open: when a probe may go out; half-open: when another one may. In ms since the epoch.
    pub until_ms: Option<u64>,
    /// It is a fallback that refuses our credentials. (Where the queue's own provider does, the queue is paused.)
    pub refused: Option<Paused>,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    /// Calls go out.
    Closed,
    /// None does.
    Open,
    /// One probe is under way.
    HalfOpen,
}

impl BreakerState {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl Queue {
    /// Whether the breaker of this provider of the queue is open, as far as it can be read. A producer may ask that.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn is_breaker_open(&self, provider: &str) -> Result<bool, QueueError> {
        let mut get = redis::cmd("HGET");
        get.arg(&self.keys.breakers).arg(provider);
        let written: Option<Vec<u8>> = self.link.command(&get).await?;
        let written = written.and_then(|bytes| String::from_utf8(bytes).ok());
        let breaker = written.and_then(|text| Breaker::parse(provider.to_owned(), &text));
        Ok(breaker.is_some_and(|breaker| breaker.state == BreakerState::Open))
    }
}

impl Breaker {
    /// Reads `<state> <epoch> <until> <made> <cap> <failures>`.
    fn parse(provider: String, text: &str) -> Option<Self> {
        let mut fields = text.split(' ');
        let state = match fields.next()? {
            "closed" => BreakerState::Closed,
            "open" => BreakerState::Open,
            "half" => BreakerState::HalfOpen,
            _ => return None,
        };
        let until: u64 = fields.nth(1)?.parse().ok()?;
        Some(Self {
            provider,
            state,
            until_ms: (state != BreakerState::Closed).then_some(until),
            refused: None,
        })
    }
}

/// Reads those that were written down, in order of their providers; what cannot be read counts as closed, as for claims.
pub(super) fn breakers(
    written: &Fields,
    gate: &Fields,
    holds: &[Hold],
    now_ms: u64,
    broken: &mut Broken,
) -> Vec<Breaker> {
    let mut breakers = Vec::new();
    for (provider, _) in written.iter() {
        let text = written.text(provider);
        match text.and_then(|text| Breaker::parse(provider.to_owned(), text)) {
            Some(breaker) => breakers.push(breaker),
            None => broken.add(format!(
                "the breaker of {provider} cannot be read, and counts as closed"
            )),
        }
    }
    for breaker in &mut breakers {
        // One that a clock has made void is over.
        let its_own = |hold: &Hold| {
            hold.cause == HoldCause::Breaker && hold.provider.as_deref() == Some(&*breaker.provider)
        };
        if !holds.iter().any(its_own) {
            breaker.until_ms = breaker.until_ms.filter(|until| *until <= now_ms);
        }
    }
    refusals(&mut breakers, gate);
    breakers.sort_by(|a, b| a.provider.cmp(&b.provider));
    breakers
}

/// Adds which fallbacks refuse our credentials.
fn refusals(breakers: &mut Vec<Breaker>, gate: &Fields) {
    for (field, _) in gate.iter() {
        let Some(provider) = field.strip_prefix("refused:") else {
            continue;
        };
        let refused = super::pause(gate, field);
        match breakers.iter_mut().find(|of| of.provider == provider) {
            Some(breaker) => breaker.refused = refused,
            None => breakers.push(Breaker {
                provider: provider.to_owned(),
                state: BreakerState::Closed,
                until_ms: None,
                refused,
            }),
        }
    }
}
