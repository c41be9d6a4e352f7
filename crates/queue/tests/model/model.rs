//! What a queue is, without Redis: where each job is, in which order those come that wait, and who has which key.

use std::collections::{BTreeMap, BTreeSet};

use longshore_queue::JobState;

use crate::cron::Cron;
use crate::lanes::{LaneNo, Lanes};
use crate::provider::Provider;
use crate::step::Args;

/// The number of a job, in the order in which they were first enqueued.
pub(crate) type JobNo = usize;

/// By how many such steps a clock jumps, an odd number: so that a due time that was moved is that of no other job.
pub(crate) const HOUR: i64 = 721;

/// When those were due that a history scheduled first.
const FIRST_DUE: i64 = 2000;

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Pending,
    /// Until a moment, in steps of five seconds: those of a greater number come later.
    Scheduled(i64),
    Retryable(i64),
    /// With the holder of this lease, by its number.
    Running(usize),
    Completed,
    Dead,
    Cancelled,
    /// Discarded, or forgotten by a Redis that was restored.
    Gone,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) place: Place,
    /// Attempts used.
    pub(crate) used: u32,
    /// How often it was lost with its worker.
    pub(crate) lost: u32,
    pub(crate) may_have_been_sent: bool,
    /// It runs, and is asked to stop: by force, or not.
    pub(crate) asked: Option<bool>,
    pub(crate) key: Option<u8>,
    pub(crate) lane: LaneNo,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) jobs: Vec<Job>,
    /// Those that wait, by lane.
    waiting: Lanes,
    /// Who has a key, for which args.
    keys: BTreeMap<u8, (JobNo, Args)>,
    /// Jobs that were put off while they waited: each may come before its turn, since its old entry in the list stands there yet.
    early: BTreeSet<JobNo>,
    pub(crate) paused: bool,
    pub(crate) provider: Provider,
    pub(crate) cron: Cron,
    /// What waits may come in any order: Redis was restored, and ids are listed whose jobs had moved on.
    pub(crate) any_order: bool,
}

impl Model {
    /// Who has this key.
    pub(crate) fn holder(&self, key: u8) -> Option<(JobNo, Args)> {
        self.keys.get(&key).copied()
    }

    /// A new job, or one that is enqueued once more after it was discarded.
    pub(crate) fn put(
        &mut self,
        job: JobNo,
        lane: LaneNo,
        later: Option<i64>,
        key: Option<(u8, Args)>,
    ) {
        let put = Job {
            place: later.map_or(Place::Pending, Place::Scheduled),
            used: 0,
            lost: 0,
            may_have_been_sent: false,
            asked: None,
            key: key.map(|(key, _)| key),
            lane,
        };
        match self.jobs.get_mut(job) {
            Some(known) => *known = put,
            None => self.jobs.push(put),
        }
        if later.is_none() {
            self.waiting.line_up(job, lane);
        }
        if let Some((key, args)) = key {
            self.keys.entry(key).or_insert((job, args));
        }
    }

    /// All that is scheduled or waits for a retry waits to run, in the order of its time.
    pub(crate) fn make_due(&mut self) {
        let mut due: Vec<(i64, JobNo)> = Vec::new();
        for (job, known) in self.jobs.iter_mut().enumerate() {
            if let Place::Scheduled(at) | Place::Retryable(at) = known.place {
                due.push((at, job));
                known.place = Place::Pending;
            }
        }
        due.sort_unstable();
        for (_, job) in due {
            self.waiting.line_up(job, self.jobs[job].lane);
        }
    }

    fn due_times(&mut self) -> impl Iterator<Item = &mut i64> {
        self.jobs.iter_mut().filter_map(|job| match &mut job.place {
            Place::Scheduled(at) | Place::Retryable(at) => Some(at),
            _ => None,
        })
    }

    /// If the clock went ahead by an hour, nothing would be due by that.
    pub(crate) fn may_come_nearer(&mut self) -> bool {
        self.due_times().all(|at| *at - HOUR > -FIRST_DUE + 100)
    }

    /// What waits for its time waits for so much longer.
    pub(crate) fn move_due(&mut self, by: i64) {
        self.due_times().for_each(|at| *at += by);
    }

    /// Those that wait: of each lane the next one first, as far as that is known.
    pub(crate) fn waiting_in_order(&self) -> Vec<JobNo> {
        self.waiting.all().collect()
    }

    /// A job has its key again, unless another one has it.
    pub(crate) fn take_key(&mut self, job: JobNo, key: Option<(u8, Args)>) {
        if let Some((key, args)) = key {
            self.keys.entry(key).or_insert((job, args));
        }
    }

    /// How many wait.
    pub(crate) fn pending(&self) -> usize {
        self.waiting.all().count()
    }

    /// Takes what a claim was given whose answer was lost: nobody knows in which order.
    pub(crate) fn claim_unseen(&mut self, lease: usize, given: &[JobNo]) -> Result<(), String> {
        self.waiting.forget_turns();
        self.claim(lease, given)
    }

    /// Takes what a claim was given, in its order.
    pub(crate) fn claim(&mut self, lease: usize, given: &[JobNo]) -> Result<(), String> {
        for &job in given {
            let lane = self.jobs[job].lane;
            let early = self.any_order || self.early.contains(&job);
            if !self.waiting.take(job, lane, early) {
                return Err(format!("job {job} came, and {:?} wait", self.waiting));
            }
            self.jobs[job].place = Place::Running(lease);
        }
        Ok(())
    }

    /// The same, and no lane is passed over for too long.
    pub(crate) fn claim_in_turn(&mut self, lease: usize, given: &[JobNo]) -> Result<(), String> {
        for &job in given {
            self.waiting.pass_over(self.jobs[job].lane);
            self.claim(lease, &[job])?;
            if let Some(late) = self.waiting.late().filter(|_| !self.any_order) {
                return Err(format!("job {job} came before {late}: {:?}", self.waiting));
            }
        }
        Ok(())
    }

    /// To the head, in no known order among themselves.
    pub(crate) fn put_back(&mut self, jobs: &[JobNo]) {
        let mut by_lane: BTreeMap<LaneNo, BTreeSet<JobNo>> = BTreeMap::new();
        for &job in jobs {
            self.jobs[job].place = Place::Pending;
            by_lane.entry(self.jobs[job].lane).or_default().insert(job);
        }
        for (lane, jobs) in by_lane {
            self.waiting.line_up_first(jobs, lane);
        }
    }

    pub(crate) fn replay(&mut self, job: JobNo) {
        let replayed = &mut self.jobs[job];
        (replayed.used, replayed.lost) = (0, 0);
        replayed.place = Place::Pending;
        self.waiting.line_up(job, replayed.lane);
    }

    /// It is gone; its key is free if it was surely never carried out.
    pub(crate) fn discard(&mut self, job: JobNo) {
        self.jobs[job].place = Place::Gone;
        self.free_key(job);
    }

    /// A job that was surely never carried out leaves its key free.
    pub(crate) fn free_key(&mut self, job: JobNo) {
        let known = &self.jobs[job];
        if let (Some(key), false) = (known.key, known.may_have_been_sent)
            && self
                .keys
                .get(&key)
                .is_some_and(|(holder, _)| *holder == job)
        {
            self.keys.remove(&key);
        }
    }

    /// It waits nowhere any more.
    pub(crate) fn take_out(&mut self, job: JobNo) {
        self.waiting.take(job, self.jobs[job].lane, true);
    }

    /// It waits until a moment, or now.
    pub(crate) fn reschedule(&mut self, job: JobNo, at: Option<i64>) {
        let known = &mut self.jobs[job];
        match (known.place.clone(), at) {
            (Place::Pending, None) => {}
            (Place::Retryable(_), Some(at)) => known.place = Place::Retryable(at),
            (Place::Pending, Some(at)) => {
                known.place = Place::Scheduled(at);
                self.early.insert(job);
                self.take_out(job);
            }
            (_, Some(at)) => known.place = Place::Scheduled(at),
            (_, None) => {
                known.place = Place::Pending;
                self.waiting.line_up(job, known.lane);
            }
        }
    }

    /// Its worker is asked to stop it; force stays.
    pub(crate) fn ask_to_stop(&mut self, job: JobNo, force: bool) {
        let asked = &mut self.jobs[job].asked;
        *asked = Some(force || *asked == Some(true));
    }

    pub(crate) fn cancel(&mut self, job: JobNo) {
        self.take_out(job);
        self.jobs[job].place = Place::Cancelled;
        self.free_key(job);
    }

    pub(crate) fn dead(&self) -> Vec<JobNo> {
        self.of_place(|place| *place == Place::Dead)
    }

    fn of_place(&self, is_it: impl Fn(&Place) -> bool) -> Vec<JobNo> {
        let jobs = self.jobs.iter().enumerate();
        jobs.filter(|(_, job)| is_it(&job.place))
            .map(|(job, _)| job)
            .collect()
    }

    /// Redis was restored: what waits may come in any order from now on.
    pub(crate) fn forget_order(&mut self) {
        let waiting = self.of_place(|place| *place == Place::Pending);
        self.waiting = Lanes::default();
        self.put_back(&waiting);
        self.any_order = true;
    }

    pub(crate) fn count(&self, state: JobState) -> u64 {
        let jobs = self.jobs.iter().filter(|job| job.state() == Some(state));
        jobs.count() as u64
    }
}

impl Job {
    /// The word for where it is; `None` where it is nowhere.
    pub(crate) fn state(&self) -> Option<JobState> {
        Some(match self.place {
            Place::Pending => JobState::Pending,
            Place::Scheduled(_) => JobState::Scheduled,
            Place::Retryable(_) => JobState::Retryable,
            Place::Running(_) => JobState::Running,
            Place::Completed => JobState::Completed,
            Place::Dead => JobState::Dead,
            Place::Cancelled => JobState::Cancelled,
            Place::Gone => return None,
        })
    }
}
