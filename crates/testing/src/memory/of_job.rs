//! The memory and the outbox that runs see.

use std::sync::Arc;
use std::time::Duration;

use longshore_client::Sink as _;
use longshore_job::{
    EarlierRequests, InvalidArgs, JobId, Memory, MemoryFuture, NotEnqueued, Outbox, OutboxFuture,
    Prepared, Unremembered,
};
use longshore_queue::{Key, Lane, NewJob, QueueError, RunAt};
use serde_json::Value;

use super::{MemoryRequest, Saves, ScriptedMemory, State};
use crate::ScriptedGate;

/// A [`ScriptedMemory`] as the runs of one job see it.
#[derive(Debug)]
pub struct JobMemory {
    pub(super) memory: ScriptedMemory,
    pub(super) job: JobId,
    /// The gate of the run that it is for.
    pub(super) gate: Option<Arc<ScriptedGate>>,
}

impl JobMemory {
    fn request<T: Send + 'static>(
        &self,
        request: MemoryRequest,
        answer: impl FnOnce(&mut State) -> T,
    ) -> MemoryFuture<'static, T> {
        let answer = self
            .memory
            .asked(request)
            .map(|mut state| answer(&mut state));
        self.tell(request, answer.is_ok());
        Box::pin(std::future::ready(answer))
    }
}

impl JobMemory {
    /// Tells the door of its run, as a worker's memory does.
    fn tell(&self, request: MemoryRequest, answered: bool) {
        use MemoryRequest::{Assign, Enqueue, Keep, KeepFirst, Save};

        let Some(gate) = &self.gate else { return };
        match (request, answered) {
            (_, false) => gate.door().note_unremembered(),
            (Assign | Enqueue | Keep | KeepFirst | Save, true) => gate.door().note_going_on(),
            _ => {}
        }
    }
}

impl Memory for JobMemory {
    fn earlier_requests(&self) -> MemoryFuture<'_, EarlierRequests> {
        self.request(MemoryRequest::EarlierRequests, |state| {
            let earlier = state.earlier.clone();
            let mut earlier = earlier.expect(
                "the run asks for its earlier requests: say what is known, by `ScriptedMemory::set_earlier_requests`",
            );
            let own = |(message, job): (&String, &Option<JobId>)| {
                (*job == Some(self.job)).then(|| message.clone())
            };
            earlier.message = earlier
                .message
                .or_else(|| state.messages.iter().find_map(own));
            earlier
        })
    }

    fn note_message<'a>(&'a self, message: &'a str) -> MemoryFuture<'a, bool> {
        self.request(MemoryRequest::NoteMessage, |state| {
            let of = state.messages.entry(message.to_owned());
            let ours = *of.or_insert(Some(self.job)) == Some(self.job);
            if ours {
                state.owned.push(message.to_owned());
            }
            ours
        })
    }

    fn recall<'a>(&'a self, key: &'a str) -> MemoryFuture<'a, Option<Vec<u8>>> {
        self.request(MemoryRequest::Recall, |state| {
            state.kept.get(key).map(|(value, _)| value.clone())
        })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> MemoryFuture<'a, ()> {
        self.request(MemoryRequest::Keep, |state| state.keep(key, value, time))
    }

    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        time: Duration,
    ) -> MemoryFuture<'a, Vec<u8>> {
        self.request(MemoryRequest::KeepFirst, |state| {
            if !state.kept.contains_key(key) {
                state.keep(key, value, time);
            }
            state.kept[key].0.clone()
        })
    }

    fn checkpoint(&self) -> MemoryFuture<'_, Option<Value>> {
        self.request(MemoryRequest::Checkpoint, |state| {
            state.checkpoints.get(&self.job).cloned()
        })
    }

    fn save<'a>(&'a self, checkpoint: &'a Value) -> MemoryFuture<'a, bool> {
        let saved = self.request(MemoryRequest::Save, |state| {
            match &mut state.saves {
                Saves::Taken => {}
                Saves::LostAfter(0) => return Ok(false),
                Saves::AwayAfter(0) => return Err(Unremembered("connection refused".to_owned())),
                Saves::LostAfter(left) | Saves::AwayAfter(left) => *left -= 1,
            }
            state.checkpoints.insert(self.job, checkpoint.clone());
            state.saved.push(checkpoint.clone());
            Ok(true)
        });
        Box::pin(async { saved.await? })
    }

    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> MemoryFuture<'a, Option<String>> {
        self.request(MemoryRequest::Find, |state| {
            let place = (map.to_owned(), key.to_owned());
            state.maps.get(&place).cloned()
        })
    }

    fn assign<'a>(
        &'a self,
        map: &'a str,
        key: &'a str,
        value: &'a str,
    ) -> MemoryFuture<'a, String> {
        self.request(MemoryRequest::Assign, |state| {
            let place = state.maps.entry((map.to_owned(), key.to_owned()));
            place.or_insert_with(|| value.to_owned()).clone()
        })
    }
}

impl Outbox for JobMemory {
    fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs> {
        let kinds = self.memory.state().kinds.clone();
        kinds.prepare(kind, args)
    }

    fn enqueue<'a>(
        &'a self,
        job: Prepared,
        key: &'a str,
        key_holds: Duration,
    ) -> OutboxFuture<'a, JobId> {
        let asked = self.memory.asked(MemoryRequest::Enqueue).map(|_| ());
        self.tell(MemoryRequest::Enqueue, asked.is_ok());
        let enqueued = asked.map_err(NotEnqueued::from).and_then(|()| {
            let new = NewJob {
                id: JobId::generate(),
                key: Some(Key::of(&job, key).holds(key_holds)),
                payload: job.payload,
                run_at: RunAt::Now,
                expires_in: job.expires_in,
                traceparent: None,
                tracestate: None,
                lane: Lane::of(job.priority),
                tags: Vec::new(),
                by: None,
            };
            let enqueued = self.memory.outbox.enqueue(&job.queue, &[new]);
            enqueued
                .map(|enqueued| enqueued[0].id)
                .map_err(|error| match error {
                    QueueError::KeyTaken(taken) => NotEnqueued::KeyTaken {
                        holder: taken[0].holder,
                    },
                    error => Unremembered(error.to_string()).into(),
                })
        });
        Box::pin(std::future::ready(enqueued))
    }
}
