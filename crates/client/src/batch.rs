//! Many jobs in few calls.

use std::borrow::Cow;
use std::collections::HashMap;

use longshore_job::{InvalidArgs, Job, JobId, Prepared};
use longshore_queue::{Enqueued, Key, NewJob, QueueError};

use crate::one_queue::Failed;
use crate::target::Target;
use crate::{Client, ClientError, EnqueueOptions};

/// Jobs of any kinds that are enqueued together: [`Client::batch`].
#[derive(Debug)]
#[must_use = "nothing is enqueued until `send` is called"]
pub struct Batch<'a> {
    client: &'a Client,
    jobs: Vec<(Result<Prepared, InvalidArgs>, EnqueueOptions)>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self {
            client,
            jobs: Vec::new(),
        }
    }

    /// Adds a job. Set its options on the returned value.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a job is given away, as `Client::enqueue` takes it"
    )]
    pub fn add<J: Job>(&mut self, job: J) -> &mut EnqueueOptions {
        self.push(Prepared::new(&job))
    }

    /// Adds a job that was checked before: for producers that get args as text. Set its options on the returned value.
    pub fn add_prepared(&mut self, job: Prepared) -> &mut EnqueueOptions {
        self.push(Ok(job))
    }

    fn push(&mut self, job: Result<Prepared, InvalidArgs>) -> &mut EnqueueOptions {
        let place = self.jobs.len();
        self.jobs.push((job, EnqueueOptions::default()));
        &mut self.jobs[place].1
    }

    /// How many jobs were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether none was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Enqueues them, in order within each queue, at most 500 in one call of Redis. All are checked before the first is sent.
    /// Returns what became of each, in the order in which they were added.
    ///
    /// # Errors
    /// When a job is refused ([`ClientError::InBatch`] says which): then nothing is enqueued. When Redis goes away and some jobs are
    /// enqueued, or may be, [`ClientError::Interrupted`] says which.
    pub async fn send(self) -> Result<Vec<Enqueued>, ClientError> {
        let (jobs, client) = (self.jobs, self.client);
        let checked = jobs.into_iter().enumerate().map(|(place, (job, options))| {
            let checked = job.map_err(ClientError::from);
            let checked = checked.and_then(|job| options.check().map(|()| job));
            let checked = checked.map_err(|error| ClientError::InBatch {
                place,
                source: Box::new(error),
            });
            Ok((checked?, options))
        });
        let checked = checked.collect::<Result<Vec<_>, ClientError>>()?;
        let jobs = checked.into_iter().map(|(job, options)| {
            let queue = job.queue.clone();
            (queue, client.new_job(job, &options))
        });
        send(client, jobs.collect()).await
    }
}

/// The jobs of one queue, each with its place in the call.
struct OfQueue<'a> {
    target: Target<'a>,
    places: Vec<usize>,
    jobs: Vec<NewJob>,
}

impl OfQueue<'_> {
    /// The same error, with the places of the call.
    fn in_call(&self, mut failed: Failed) -> Failed {
        if let QueueError::KeyTaken(taken) = &mut failed.source {
            for key in taken {
                key.place = self.places.get(key.place).copied().unwrap_or(key.place);
            }
        }
        failed
    }
}

/// Enqueues jobs of any queues.
async fn send(
    client: &Client,
    jobs: Vec<(Cow<'static, str>, NewJob)>,
) -> Result<Vec<Enqueued>, ClientError> {
    twice(&jobs)?;
    let count = jobs.len();
    let keyed = jobs.iter().any(|(_, job)| job.key.is_some());
    let groups = by_queue(client, jobs)?;
    let calls: usize = groups
        .iter()
        .map(|of| of.jobs.len().div_ceil(of.target.most_jobs()))
        .sum();
    if keyed && calls > 1 {
        // A key that is taken is to be found before the first of many calls.
        for of in &groups {
            let checked = of.target.check_keys(&of.jobs).await;
            checked.map_err(|failed| of.in_call(failed))?;
        }
    }
    let mut enqueued: Vec<Option<Enqueued>> = vec![None; count];
    for of in &groups {
        let most = of.target.most_jobs().min(of.jobs.len().max(1));
        for (jobs, places) in of.jobs.chunks(most).zip(of.places.chunks(most)) {
            match of.target.push(jobs).await {
                Ok(answers) => {
                    for (place, answer) in places.iter().zip(answers) {
                        enqueued[*place] = Some(answer);
                    }
                }
                Err(failed) if nothing_is_there(&enqueued, &failed) => {
                    return Err(not_pushed(jobs, of.in_call(failed)));
                }
                Err(failed) => return Err(interrupted(&enqueued, jobs, places, failed)),
            }
        }
    }
    Ok(enqueued.into_iter().flatten().collect())
}

fn by_queue<'a>(
    client: &'a Client,
    jobs: Vec<(Cow<'static, str>, NewJob)>,
) -> Result<Vec<OfQueue<'a>>, ClientError> {
    let mut groups: Vec<OfQueue<'a>> = Vec::new();
    let mut known: HashMap<Cow<'static, str>, usize> = HashMap::new();
    for (place, (queue, job)) in jobs.into_iter().enumerate() {
        let at = match known.get(&queue) {
            Some(at) => *at,
            None => {
                groups.push(OfQueue {
                    target: client.target(&queue)?,
                    places: Vec::new(),
                    jobs: Vec::new(),
                });
                known.insert(queue, groups.len() - 1);
                groups.len() - 1
            }
        };
        groups[at].places.push(place);
        groups[at].jobs.push(job);
    }
    Ok(groups)
}

/// Refuses jobs of one call that have the same key and different args.
fn twice(jobs: &[(Cow<'static, str>, NewJob)]) -> Result<(), ClientError> {
    let mut first: HashMap<&str, (usize, &Key)> = HashMap::new();
    for (place, (_, job)) in jobs.iter().enumerate() {
        let Some(key) = &job.key else { continue };
        let (earlier, held) = *first.entry(key.full_name()).or_insert((place, key));
        if held.clashes_with(key) {
            return Err(ClientError::KeyTwice {
                key: key.name().to_owned(),
                places: (earlier, place),
            });
        }
    }
    Ok(())
}

/// Whether a call that failed has enqueued nothing, for sure. Of one job the error itself says what it may have come to.
fn nothing_is_there(enqueued: &[Option<Enqueued>], failed: &Failed) -> bool {
    enqueued.iter().all(Option::is_none) && (enqueued.len() == 1 || !failed.may_be_there())
}

/// What is said of a call that stopped half way, at these jobs.
fn interrupted(
    enqueued: &[Option<Enqueued>],
    jobs: &[NewJob],
    places: &[usize],
    failed: Failed,
) -> ClientError {
    let accepted = enqueued.iter().enumerate();
    let accepted = accepted.filter_map(|(place, job)| Some((place, (*job)?)));
    // Whatever else Redis said, it said that nothing was done.
    let may_be_there = failed.may_be_there();
    let in_doubt = places.iter().zip(jobs).filter(|_| may_be_there);
    ClientError::Interrupted {
        accepted: accepted.collect(),
        in_doubt: in_doubt.map(|(place, job)| (*place, job.id)).collect(),
        source: failed.source,
    }
}

/// Why jobs were not pushed.
pub(crate) fn not_pushed(jobs: &[NewJob], failed: Failed) -> ClientError {
    match failed.source {
        source @ QueueError::NotCopied { .. } => ClientError::NotCopied {
            ids: jobs.iter().map(|job| job.id).collect(),
            source,
        },
        _ => failed.into(),
    }
}

/// The ids of enqueued jobs.
pub(crate) fn ids(enqueued: Vec<Enqueued>) -> Vec<JobId> {
    enqueued.into_iter().map(|job| job.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sent_without_an_answer_is_in_doubt() {
        let job = || NewJob {
            id: JobId::generate(),
            payload: Vec::new(),
            run_at: longshore_queue::RunAt::Now,
            key: None,
            expires_in: None,
            traceparent: None,
            tracestate: None,
            lane: longshore_queue::Lane::default(),
            tags: Vec::new(),
            by: None,
        };
        let jobs = [job(), job()];
        let first = Enqueued {
            id: JobId::generate(),
            duplicate: true,
        };
        let enqueued = [None, Some(first), None, None];
        let (server, reason) = (String::new(), String::new());
        let silent = QueueError::Unreachable { server, reason };
        let (server, reason) = (String::new(), String::new());
        let loading = QueueError::Passing { server, reason };
        for (source, doubts) in [(silent, 2), (loading, 0)] {
            let error = interrupted(&enqueued, &jobs, &[0, 3], source.into());
            let ClientError::Interrupted {
                accepted, in_doubt, ..
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!(accepted, [(1, first)]);
            let all = [(0, jobs[0].id), (3, jobs[1].id)];
            assert_eq!(in_doubt, all[..doubts]);
        }
    }
    #[test]
    fn of_many_jobs_those_are_named_that_may_be_there_also_when_none_was_accepted() {
        let silent = || QueueError::Unreachable {
            server: String::new(),
            reason: String::new(),
        };
        let few = || QueueError::NotCopied {
            server: String::new(),
            wanted: 1,
            acknowledged: 0,
        };
        let loading = || QueueError::Passing {
            server: String::new(),
            reason: String::new(),
        };
        for (source, many, one) in [
            (silent(), false, true),
            (few(), false, true),
            (loading(), true, true),
        ] {
            let failed = Failed::from(source);
            assert_eq!(nothing_is_there(&[None, None], &failed), many);
            assert_eq!(nothing_is_there(&[None], &failed), one);
        }
    }
}
