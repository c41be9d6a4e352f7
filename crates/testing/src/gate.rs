//! A gate that does as it is told, and notes what it was asked.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_job::{
    Answer, CallReport, Gate, JobError, NotNow, Pass, PrivateResult, Reach, Unreached,
};
use longshore_queue::Door;
use tokio::sync::Notify;

/// Where a request goes, and whether it has an effect there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To the queue's provider, with an effect.
    Send,
    /// To the queue's provider, without one.
    Read,
    /// To somebody else, with an effect.
    SendElsewhere,
    /// To somebody else, without one.
    ReadElsewhere,
    /// To a provider that the run asked for by its name, with an effect.
    Call,
    /// To a provider that the run asked for by its name, without one.
    ReadCall,
}

/// What a run asked its gate, or reported to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Noted {
    /// It awaited [`Run::clear_to_send`](longshore_job::Run::clear_to_send) or
    /// [`Run::clear_to_read`](longshore_job::Run::clear_to_read).
    Cleared(Way),
    /// It asked for one call of a provider by name.
    Acquired {
        /// The provider's name.
        provider: String,
        /// Whether the call has an effect.
        effect: bool,
    },
    /// It asked whether a call may be made again within its attempt.
    AcquiredRepeat {
        /// The provider's name.
        provider: String,
    },
    /// It reported what a call showed about its provider.
    Reported {
        /// The provider's name.
        provider: String,
        /// The permission that the call was made with.
        pass: Pass,
        /// What it reported.
        report: CallReport,
    },
    /// It reported how one call of several ended.
    Ended {
        /// The provider's name.
        provider: String,
        /// The permission that the call was made with; `None` for the attempt's first one.
        pass: Option<Pass>,
        /// How it ended.
        end: Result<Answer, JobError>,
    },
    /// It told those who wait for the job a private result.
    ToldWaiters(PrivateResult),
    /// It counted what a provider charges for.
    Billed {
        /// The provider's name.
        provider: &'static str,
        /// The unit of the price list.
        unit: &'static str,
        /// How many.
        units: u64,
    },
}

/// What is answered when a run asks for a call, by what was noted before it.
type Answering = Box<dyn Fn(&[Noted], &str, bool) -> Result<Pass, NotNow> + Send + Sync>;

/// What is answered when a run asks whether a call may be made again, by what was noted before it.
type AnsweringAgain = Box<dyn Fn(&[Noted], &str) -> Result<Pass, NotNow> + Send + Sync>;

/// A [`Gate`] that opens, or does not, as its test says, and notes whatever it is asked and told.
pub struct ScriptedGate {
    never: BTreeMap<Way, &'static str>,
    answering: Option<Answering>,
    answering_again: Option<AnsweringAgain>,
    state: Mutex<State>,
    held_back: Notify,
}

#[derive(Default)]
struct State {
    noted: Vec<Noted>,
    /// How many requests more may leave; `None` = all.
    left: Option<u64>,
    unreached: Option<(Unreached, Arc<dyn Reach>)>,
    /// What the attempt has sent.
    door: Arc<Door>,
}

impl ScriptedGate {
    /// Lets every request leave.
    #[must_use]
    pub fn open() -> Self {
        Self {
            never: BTreeMap::new(),
            answering: None,
            answering_again: None,
            state: Mutex::default(),
            held_back: Notify::new(),
        }
    }

    /// Lets none leave: as for a worker that does not know whether the job is still its own.
    #[must_use]
    pub fn shut() -> Self {
        Self::open_for(0)
    }

    /// Lets so many requests leave, then no more: there the run hangs, and its test drops it, as a worker that is killed
    /// would. See [`held_back`](Self::held_back).
    #[must_use]
    pub fn open_for(requests: u64) -> Self {
        let gate = Self::open();
        gate.state().left = Some(requests);
        gate
    }

    /// A request that goes this way fails the test. `why` is in the message.
    #[must_use]
    pub fn forbid(mut self, way: Way, why: &'static str) -> Self {
        self.never.insert(way, why);
        self
    }

    /// What is answered when a run asks for a call of a provider by its name: `answer` is given all that was noted before,
    /// the provider, and whether the call has an effect. Without it each call may be made.
    #[must_use]
    pub fn answering(
        mut self,
        answer: impl Fn(&[Noted], &str, bool) -> Result<Pass, NotNow> + Send + Sync + 'static,
    ) -> Self {
        self.answering = Some(Box::new(answer));
        self
    }

    /// What is answered when a run asks whether a call may be made again: `answer` is given all that was noted before, and
    /// the provider. Without it each call may be.
    #[must_use]
    pub fn answering_again(
        mut self,
        answer: impl Fn(&[Noted], &str) -> Result<Pass, NotNow> + Send + Sync + 'static,
    ) -> Self {
        self.answering_again = Some(Box::new(answer));
        self
    }

    /// Returns once a request was held back. One that was before counts, too, once.
    pub async fn held_back(&self) {
        self.held_back.notified().await;
    }

    /// All that was asked and told, in order.
    #[must_use]
    pub fn noted(&self) -> Vec<Noted> {
        self.state().noted.clone()
    }

    /// How many requests went this way, or were held back there.
    #[must_use]
    pub fn count(&self, way: Way) -> u64 {
        let state = self.state();
        let went = |noted: &&Noted| match noted {
            Noted::Cleared(cleared) => *cleared == way,
            Noted::Acquired { effect: true, .. } => way == Way::Call,
            Noted::Acquired { effect: false, .. } => way == Way::ReadCall,
            _ => false,
        };
        state.noted.iter().filter(went).map(|_| 1).sum()
    }

    /// How many requests with an effect there were at providers: the queue's, and those that were asked for by name.
    #[must_use]
    pub fn sends(&self) -> u64 {
        self.count(Way::Send) + self.count(Way::Call)
    }

    /// How many requests without an effect there were at providers: the queue's, and those that were asked for by name.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.count(Way::Read) + self.count(Way::ReadCall)
    }

    /// What calls told of their providers, in order.
    #[must_use]
    pub fn reports(&self) -> Vec<CallReport> {
        let noted = self.noted().into_iter();
        let reports = noted.filter_map(|noted| match noted {
            Noted::Reported { report, .. } => Some(report),
            _ => None,
        });
        reports.collect()
    }

    /// What was billed, in order: provider, unit and how many.
    #[must_use]
    pub fn billed(&self) -> Vec<(&'static str, &'static str, u64)> {
        let noted = self.noted().into_iter();
        let billed = noted.filter_map(|noted| match noted {
            Noted::Billed {
                provider,
                unit,
                units,
            } => Some((provider, unit, units)),
            _ => None,
        });
        billed.collect()
    }

    /// The host that was not reached last, and how to find out when it is.
    #[must_use]
    pub fn unreached(&self) -> Option<(Unreached, Arc<dyn Reach>)> {
        self.state().unreached.clone()
    }

    /// Forgets what was noted, so that a second run begins at nothing.
    pub fn forget(&self) {
        self.state().noted.clear();
    }

    /// An attempt begins.
    pub(crate) fn begin(&self, sent_before: bool) {
        self.state().door = Arc::new(Door::new(sent_before));
    }

    pub(crate) fn door(&self) -> Arc<Door> {
        Arc::clone(&self.state().door)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it is held is a failed test, whose other runs may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, noted: Noted) {
        self.state().noted.push(noted);
    }

    fn clear(&self, way: Way) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.note(Noted::Cleared(way));
        self.pass(way)
    }

    fn pass(&self, way: Way) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if let Some(why) = self.never.get(&way) {
            panic!("{way:?}: {why}");
        }
        match &mut self.state().left {
            None => {}
            Some(0) => {
                self.held_back.notify_one();
                return Box::pin(std::future::pending());
            }
            Some(left) => *left -= 1,
        }
        match way {
            Way::Send | Way::SendElsewhere | Way::Call => self.door().send(),
            Way::Read | Way::ReadElsewhere | Way::ReadCall => self.door().read(),
        };
        Box::pin(std::future::ready(()))
    }
}

impl Gate for ScriptedGate {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clear(Way::Send)
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clear(Way::Read)
    }

    fn clear_elsewhere(&self, effect: bool) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.clear(match effect {
            true => Way::SendElsewhere,
            false => Way::ReadElsewhere,
        })
    }

    fn acquire_call<'a>(
        &'a self,
        provider: &'a str,
        effect: bool,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        let answer = match &self.answering {
            Some(answer) => answer(&self.state().noted, provider, effect),
            None => Ok(Pass::default()),
        };
        self.note(Noted::Acquired {
            provider: provider.to_owned(),
            effect,
        });
        let way = if effect { Way::Call } else { Way::ReadCall };
        match answer {
            Ok(pass) => {
                let passes = self.pass(way);
                Box::pin(async move {
                    passes.await;
                    Ok(pass)
                })
            }
            Err(not_now) => {
                self.door().note_going_on();
                Box::pin(std::future::ready(Err(not_now)))
            }
        }
    }

    fn report_call<'a>(
        &'a self,
        provider: &'a str,
        pass: Pass,
        report: CallReport,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.note(Noted::Reported {
            provider: provider.to_owned(),
            pass,
            report,
        });
        Box::pin(std::future::ready(()))
    }

    fn acquire_repeat<'a>(
        &'a self,
        provider: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Pass, NotNow>> + Send + 'a>> {
        let answer = match &self.answering_again {
            Some(answer) => answer(&self.state().noted, provider),
            None => Ok(Pass::default()),
        };
        self.note(Noted::AcquiredRepeat {
            provider: provider.to_owned(),
        });
        let answer = answer.inspect_err(|_| self.door().note_going_on());
        Box::pin(std::future::ready(answer))
    }

    fn report_end<'a>(
        &'a self,
        provider: &'a str,
        pass: Option<Pass>,
        end: Result<&'a Answer, &'a JobError>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.note(Noted::Ended {
            provider: provider.to_owned(),
            pass,
            end: end.cloned().map_err(Clone::clone),
        });
        Box::pin(std::future::ready(()))
    }

    fn not_carried_out(&self) {
        self.door().note_not_carried_out();
    }

    fn not_reached(&self, unreached: Unreached, again: Arc<dyn Reach>) {
        self.state().unreached = Some((unreached, again));
    }

    fn tell_waiters<'a>(
        &'a self,
        result: &'a PrivateResult,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.note(Noted::ToldWaiters(result.clone()));
        Box::pin(std::future::ready(()))
    }

    fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        self.note(Noted::Billed {
            provider,
            unit,
            units,
        });
    }
}

impl fmt::Debug for ScriptedGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("ScriptedGate")
            .field("left", &state.left)
            .field("noted", &state.noted)
            .finish_non_exhaustive()
    }
}
