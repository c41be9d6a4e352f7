//! Which of its queue's providers a process does not reach, and how it finds out when it does again.
//!
//! Whoever does not reach a provider claims no more for it, so that its jobs go to those who do: a job that is not reached
//! goes back to the head of its queue at no attempt, and must not come back here. Meanwhile the process tests the host by a
//! handshake. Only a test, or a probe that was let through, ends it: a call that goes well over a connection made before
//! says nothing of new ones.
//!
//! A provider whose credentials were refused here, and could not be fetched again, is left to others in the same way
//! ([`unfetched`]): whether the credentials are wrong or only old is not known. The test is then one more fetch.

pub(crate) mod hosts;

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{CallReport, JobError, Reach, Unreached};
use longshore_queue::{Credentials, ProviderPolicy};
use tokio::time::{sleep, timeout};

use crate::entry::Entry;
use crate::pipeline::end::End;
use crate::station::Station;
use hosts::UnreachableCause;

/// How soon a host is tested that was not reached; each further wait is twice as long.
const FIRST_TEST: Duration = Duration::from_secs(1);

/// The longest wait between two tests.
const TEST_AT_LEAST: Duration = Duration::from_secs(30);

/// How long a test may take.
const TEST_WITHIN: Duration = Duration::from_secs(15);

/// How it is found out whether a provider may be called again.
enum Test {
    Host(Arc<dyn Reach>),
    Fetch(Credentials),
}

impl Test {
    async fn run(&self) -> Result<(), UnreachableCause> {
        match self {
            Self::Host(host) => host.reach().await.map_err(UnreachableCause::Host),
            Self::Fetch(credentials) => credentials
                .fetch()
                .await
                .map_err(UnreachableCause::Unfetched),
        }
    }

    fn is_host(&self) -> bool {
        matches!(self, Self::Host(_))
    }
}

/// Looks at how a run ended: a provider that was not reached is left to others from now on. Says whether the run failed for
/// a want of this machine's own.
pub(crate) fn note_end(station: &Arc<Station>, entry: &Entry, end: &End) -> bool {
    let End::Ran(end) = end else { return false };
    let Err(JobError::NotReached { answer, reason }) = end else {
        if let Some((provider, _)) = longshore_queue::report_of_run(end) {
            reached(station, provider, entry.route(true).is_probe());
        }
        return false;
    };
    let (unreached, again) = entry.take_unreached().unwrap_or_else(|| {
        let unreached = Unreached {
            host: answer.provider.as_deref().unwrap_or("a host").to_owned(),
            cause: reason.clone(),
            ours: false,
        };
        (unreached, Arc::new(Untested) as _)
    });
    let ours = unreached.ours;
    let provider = answer.provider.as_deref().unwrap_or_default();
    let is_known = station.queue.policy_of(provider).is_some();
    // Where the machine is short of something, it is so for all of them.
    let missed = if is_known || !ours {
        provider
    } else {
        station.queue.provider().name.as_str()
    };
    if is_known || ours {
        begin(
            station,
            missed,
            UnreachableCause::Host(unreached),
            Test::Host(again),
        );
    }
    ours
}

/// The provider refused the credentials in use, and they could not be fetched again: it is left to others until they can.
pub(crate) fn unfetched(station: &Arc<Station>, provider: &ProviderPolicy, why: String) {
    let test = Test::Fetch(provider.credentials.clone());
    begin(
        station,
        &provider.name,
        UnreachableCause::Unfetched(why),
        test,
    );
}

/// A handler that does not say which host it was: the next job finds out.
struct Untested;

impl Reach for Untested {
    fn reach(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Unreached>> + Send + '_>> {
        Box::pin(async { Ok(()) })
    }
}

fn begin(station: &Arc<Station>, provider: &str, away: UnreachableCause, test: Test) {
    let before = station.hosts.leave(provider, away.clone());
    if before.is_some_and(|before| before.is_host() == test.is_host()) {
        return;
    }
    let queue = station.queue.name();
    match away {
        UnreachableCause::Host(Unreached { host, cause, ours }) => tracing::warn!(
            queue,
            provider,
            host,
            cause,
            ours,
            "not reached from here: its jobs are left to other workers until it is"
        ),
        UnreachableCause::Unfetched(why) => tracing::warn!(
            queue,
            provider,
            why,
            "the provider refused the credentials, and they cannot be fetched again: its jobs are left to other workers until they can"
        ),
    }
    changed(station);
    let (station, provider) = (Arc::clone(station), provider.to_owned());
    tokio::spawn(async move { test_until_well(&station, &provider, test).await });
}

async fn test_until_well(station: &Arc<Station>, provider: &str, test: Test) {
    let mut wait = FIRST_TEST;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = station.stopping() => return,
        }
        if !station.hosts.misses_for(provider, test.is_host()) {
            return;
        }
        match timeout(TEST_WITHIN, test.run()).await {
            Ok(Ok(())) => return regain(station, provider, test.is_host()).await,
            Ok(Err(found)) => still_away(station, provider, found).await,
            Err(_) => {}
        }
        wait = (wait * 2).min(TEST_AT_LEAST);
    }
}

/// A test has found the provider as it was.
async fn still_away(station: &Arc<Station>, provider: &str, found: UnreachableCause) {
    let theirs = matches!(found, UnreachableCause::Host(Unreached { ours: false, .. }));
    station.hosts.still_away(provider, found);
    if theirs && let Some(policy) = station.queue.policy_of(provider) {
        let told = station
            .queue
            .still_not_reached(policy, &station.process)
            .await;
        if let Err(error) = told {
            tracing::debug!(queue = station.queue.name(), %error, "that a host is not reached is not written");
        }
    }
}

/// Its host is reached again, or its credentials could be fetched again.
async fn regain(station: &Arc<Station>, provider: &str, host: bool) {
    let queue = station.queue.name();
    if host && let Err(error) = station.queue.reached(&[provider], &station.process).await {
        // It is forgotten after a minute.
        tracing::debug!(queue, %error, "that a host is reached again is not written");
    }
    if !station.hosts.regain(provider, host) {
        return;
    }
    match host {
        true => tracing::info!(
            queue,
            provider,
            "reached again from here: its jobs are claimed again"
        ),
        false => tracing::info!(
            queue,
            provider,
            "its credentials were fetched again: its jobs are claimed again"
        ),
    }
    changed(station);
    station.claimer.wake();
}

/// A call was answered.
fn reached(station: &Arc<Station>, provider: &str, by_probe: bool) {
    if station.hosts.misses(provider) {
        if by_probe {
            let (station, provider) = (Arc::clone(station), provider.to_owned());
            tokio::spawn(async move { regain(&station, &provider, true).await });
        }
        return;
    }
    let Some(policy) = station.queue.policy_of(provider) else {
        return;
    };
    let is_own = policy.name == station.queue.provider().name;
    // Said at once the first time, and from then on with each beat.
    if station.hosts.note_reached(is_own) {
        station.keeper.want_beat();
    }
}

/// Which providers were reached since this was asked last.
pub(crate) fn take_reached(station: &Station) -> Vec<&str> {
    let own = station.queue.provider();
    let fallback = own.fallback.as_ref().map(|fallback| &*fallback.policy);
    [Some(own), fallback]
        .into_iter()
        .zip(station.hosts.take_reached())
        .filter(|(_, reached)| *reached)
        .filter_map(|(policy, _)| Some(policy?.name.as_str()))
        .filter(|provider| !station.hosts.misses(provider))
        .collect()
}

/// What follows when another provider is missed, or one less.
fn changed(station: &Station) {
    if let Some(lease) = station.keeper.lease() {
        update_lease(station, &lease);
    }
    station
        .metrics
        .left_to_others(&station.hosts.left_to_others());
    station.keeper.want_announcement();
    station.keeper.want_beat();
}

/// Tells a lease what claims under it are to leave to others.
pub(crate) fn update_lease(station: &Station, lease: &longshore_queue::Lease) {
    let own = station.queue.provider();
    let fallback = own.takes_over();
    lease.misses(
        station.hosts.misses(&own.name),
        fallback.is_some_and(|fallback| station.hosts.misses(&fallback.name)),
    );
}

/// What a call told says of who was reached.
pub(crate) fn note_call(
    station: &Arc<Station>,
    provider: &str,
    report: &CallReport,
    by_probe: bool,
) {
    if !matches!(report, CallReport::Nothing | CallReport::NotReached) {
        reached(station, provider, by_probe);
    }
}
