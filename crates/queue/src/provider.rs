//! What a queue knows of its provider: how often it may be called, and when it is left alone.
//!
//! A provider has one owner queue, and its limiter and breaker live in that queue's slot, so that claim and settle
//! stay one script each.

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{CallReport, Pass, Route, Why};

use crate::answers::Told;
use crate::enqueue::millis;
use crate::{Credentials, Queue, QueueError, Replayed, script};

/// How far ahead places in a limiter's schedule are given out (`FARTHEST` in `limiter.lua`). A job that is lost while it waits for its place wastes it.
const LONGEST_AHEAD: Duration = Duration::from_secs(30);

/// How often a provider may be called, by the whole fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// So many calls …
    pub count: u32,
    /// … in this time.
    pub per: Duration,
}

impl Limit {
    /// The time between two calls, in milliseconds.
    pub(crate) fn interval_ms(self) -> f64 {
        self.per.as_secs_f64() * 1000.0 / f64::from(self.count.max(1))
    }

    /// How many calls may go out at once: those of 50 ms. More would let a second see more than its rate; fewer would
    /// make every claim a call of its own.
    fn burst(self) -> u32 {
        let calls = 50.0 / self.interval_ms();
        // A float to an int saturates.
        (calls as u32).max(1)
    }
}

/// When a provider is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSpec {
    /// So many failures open it …
    pub failures: u32,
    /// … within this time; `None` = in a row.
    pub window: Option<Duration>,
    /// How long it stays open, before one probe goes out.
    pub open: Duration,
    /// How long a probe may take before another may go out, its prober being lost: a call's time limit and a lease.
    pub probe: Duration,
}

/// What holds for a queue's provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProviderPolicy {
    /// Its name, as configuration has it; empty = the queue has none.
    pub name: String,
    /// How often it may be called. A claim takes a job's first call, and its run each further one.
    pub limit: Option<Limit>,
    /// How often it may be called to read, where it counts that apart: then the limit above is for calls with an
    /// effect, and claims take none, since nobody knows beforehand what calls a job will make.
    pub reads: Option<Limit>,
    /// When it is left alone.
    pub breaker: Option<BreakerSpec>,
    /// Which credentials are in use: with others, one more probe may find out at once whether they are accepted.
    pub credentials: Credentials,
    /// Who stands in for it while its breaker is open.
    pub fallback: Option<Fallback>,
}

/// A provider that stands in for another one. Its limiter and breaker live in the same queue's slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// What holds for it.
    pub policy: Box<ProviderPolicy>,
    /// While the breaker is open, jobs are claimed for the fallback, except those that the provider may have. If not,
    /// claims wait, and runs that may turn to it choose for themselves ([`Queue::acquire_call`]).
    pub takes_jobs: bool,
}

impl ProviderPolicy {
    /// Who jobs are claimed for while its breaker is open.
    #[must_use]
    pub fn takes_over(&self) -> Option<&ProviderPolicy> {
        let fallback = self.fallback.as_ref()?;
        fallback.takes_jobs.then_some(&*fallback.policy)
    }

    /// How long a probe may take, as scripts take it: 0 = no breaker.
    pub(crate) fn probe_ms(&self) -> u64 {
        self.breaker.map_or(0, |breaker| millis(breaker.probe))
    }

    /// What opens its breaker, as scripts take it: failures, window, open.
    pub(crate) fn breaker_spec(&self) -> (u32, u64, u64) {
        self.breaker.map_or((0, 0, 0), |breaker| {
            let window = breaker.window.map_or(0, millis);
            (breaker.failures, window, millis(breaker.open))
        })
    }

    /// What a claim takes of its limit.
    pub(crate) fn limiter(&self) -> (f64, u32) {
        match (self.limit, self.reads) {
            (Some(limit), None) => (limit.interval_ms(), limit.burst()),
            _ => (0.0, 0),
        }
    }
}

/// What the claim said that a job's verdict goes back with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClaimContext {
    /// Its route.
    pub route: Route,
    /// The breaker's epoch.
    pub epoch: u64,
    /// The replay operation that its first run reports to.
    pub replayed: Option<Replayed>,
    /// The job has a [`Lane`](crate::Lane) of its own.
    pub has_lane: bool,
    /// How long it had waited, where this is its first run.
    pub waited: Option<Duration>,
}

impl ClaimContext {
    /// A report as `part/call_report.lua` takes it.
    pub(crate) fn encode(self, report: &CallReport) -> String {
        let (report, rest) = match report {
            CallReport::Nothing if !self.route.is_probe() => return String::new(),
            CallReport::Nothing => ("n", String::new()),
            CallReport::Well => ("s", String::new()),
            CallReport::Ill => ("f", String::new()),
            CallReport::NotReached => ("l", String::new()),
            CallReport::Hold(wait) => ("h", millis(*wait).to_string()),
            CallReport::Refused { reason } => ("u", reason.clone()),
        };
        let marks = match self.route {
            Route::Primary => "",
            Route::Probe => "p",
            Route::Fallback => "f",
            Route::FallbackProbe => "fp",
        };
        format!("{report}:{}:{marks}:{rest}", self.epoch)
    }
}

/// The answer to [`Queue::acquire_call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The call may go out.
    Go {
        /// After this; its place is taken.
        after: Duration,
        /// What goes back with its verdict.
        pass: Pass,
    },
    /// Its place would not be within half a minute; none was taken, so ask again.
    TooManyAhead,
    /// It may not.
    NotNow {
        /// Why.
        why: Why,
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

/// When a call may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSlot {
    /// After this; the place is taken.
    In(Duration),
    /// Not within half a minute; no place was taken, so ask again.
    TooManyAhead,
}

impl Queue {
    /// The same queue, with what holds for its provider.
    #[must_use]
    pub fn with_provider(mut self, provider: ProviderPolicy) -> Self {
        self.provider = Arc::new(provider);
        self
    }

    /// What holds for one of its providers: its own, or the one that stands in.
    #[must_use]
    pub fn policy_of(&self, provider: &str) -> Option<&ProviderPolicy> {
        let own = &*self.provider;
        let fallback = own.fallback.as_ref().map(|fallback| &*fallback.policy);
        [Some(own), fallback]
            .into_iter()
            .flatten()
            .find(|policy| policy.name == provider)
    }

    /// The fields of the gate that are a provider's have its name behind them, but for the queue's own.
    fn suffix(&self, provider: &ProviderPolicy) -> String {
        self.suffix_of(&provider.name)
    }

    fn suffix_of(&self, provider: &str) -> String {
        match provider == self.provider.name {
            true => String::new(),
            false => format!(":{provider}"),
        }
    }

    /// Asks for one call of one of its providers, for runs that make many calls, or that belong to other queues.
    /// `probing` is the epoch of the probe that the caller was claimed as; `limited` says that it takes a place in the
    /// limiter, or how many calls of its kind may go out.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn acquire_call(
        &self,
        provider: &ProviderPolicy,
        probing: Option<u64>,
        limited: Option<(&str, Limit)>,
    ) -> Result<Admission, QueueError> {
        let k = &self.keys;
        let (limiter, interval, burst) = limited.map_or(("", 0.0, 0), |(name, limit)| {
            (name, limit.interval_ms(), limit.burst())
        });
        let (state, ms, epoch, probe): (String, u64, u64, u8) = script::ACQUIRE_CALL
            .on(&[&k.limits, &k.breakers, &k.gate])
            .arg(&provider.name)
            .arg(self.suffix(provider))
            .arg(provider.probe_ms())
            .arg(provider.credentials.now())
            .arg(probing.map(|epoch| epoch.to_string()).unwrap_or_default())
            .arg(limiter)
            .arg(interval)
            .arg(burst)
            .arg(millis(LONGEST_AHEAD))
            .run(&self.link)
            .await?;
        let ms = Duration::from_millis(ms);
        let not_now = |why| Admission::NotNow {
            why,
            retry_after: ms,
        };
        Ok(match state.as_str() {
            "go" => Admission::Go {
                after: ms,
                pass: Pass {
                    epoch,
                    probe: probe == 1,
                },
            },
            "busy" => Admission::TooManyAhead,
            "held" => not_now(Why::Held),
            "refused" => not_now(Why::Refused),
            "open" => not_now(Why::Open),
            other => return Err(QueueError::unexpected(format!("answer {other}"))),
        })
    }

    /// Takes what a call that was asked for says of its provider. `by` is the process that made it.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn report_call(
        &self,
        provider: &ProviderPolicy,
        pass: Pass,
        report: &CallReport,
        by: &str,
    ) -> Result<(), QueueError> {
        let route = match pass.probe {
            true => Route::Probe,
            false => Route::Primary,
        };
        let epoch = pass.epoch;
        let text = ClaimContext {
            route,
            epoch,
            replayed: None,
            has_lane: false,
            waited: None,
        }
        .encode(report);
        if text.is_empty() {
            return Ok(());
        }
        let of_fallback = provider.name != self.provider.name;
        let told = Told::of_call(of_fallback, report).encode();
        self.send_report(provider, text, by, told).await
    }

    /// Takes that a process still does not reach a provider, by a handshake.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn still_not_reached(
        &self,
        provider: &ProviderPolicy,
        by: &str,
    ) -> Result<(), QueueError> {
        self.send_report(provider, "l:0:t:".to_owned(), by, String::new())
            .await
    }

    /// Takes that a process reaches providers of this queue.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn reached(&self, providers: &[&str], by: &str) -> Result<(), QueueError> {
        let mut call = script::REACHED.on(&[&self.keys.reach]).arg(by);
        for provider in providers {
            call = call.arg(*provider);
        }
        call.run::<u8>(&self.link).await.map(drop)
    }

    async fn send_report(
        &self,
        provider: &ProviderPolicy,
        report: String,
        by: &str,
        told: String,
    ) -> Result<(), QueueError> {
        let (failures, window, open) = provider.breaker_spec();
        let k = &self.keys;
        script::REPORT_CALL
            .on(&[
                &k.gate,
                &k.breakers,
                &k.idle,
                &k.workers,
                &k.reach,
                &k.stats,
                &k.minutes,
            ])
            .arg(&provider.name)
            .arg(self.suffix(provider))
            .arg(failures)
            .arg(window)
            .arg(open)
            .arg(provider.credentials.now())
            .arg(report)
            .arg(by)
            .arg(told)
            .run::<u8>(&self.link)
            .await
            .map(drop)
    }

    /// Takes the next place in a limiter's schedule, for jobs that make many calls. It is never given back.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn take_call(&self, limiter: &str, limit: Limit) -> Result<CallSlot, QueueError> {
        // `<provider>`, or `<provider>:<reads or writes>`.
        let provider = limiter.split(':').next().unwrap_or(limiter);
        let wait: i64 = script::TOKENS
            .on(&[&self.keys.limits, &self.keys.gate])
            .arg(limiter)
            .arg(limit.interval_ms())
            .arg(limit.burst())
            .arg(millis(LONGEST_AHEAD))
            .arg(self.suffix_of(provider))
            .run(&self.link)
            .await?;
        Ok(u64::try_from(wait).map_or(CallSlot::TooManyAhead, |wait| {
            CallSlot::In(Duration::from_millis(wait))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_what_goes_out_in_fifty_milliseconds() {
        let limit = |count, secs| Limit {
            count,
            per: Duration::from_secs(secs),
        };
        let figures: Vec<_> = [
            limit(100, 1),
            limit(40, 1),
            limit(1, 1),
            limit(3000, 60),
            limit(1, 60),
        ]
        .map(|limit| (limit.interval_ms(), limit.burst()))
        .to_vec();
        assert_eq!(
            figures,
            [(10.0, 5), (25.0, 2), (1000.0, 1), (20.0, 2), (60_000.0, 1)]
        );
    }
}
