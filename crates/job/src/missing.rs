//! What stands in a run that was given no memory, or no outbox.

use std::time::Duration;

use serde_json::Value;

use crate::{
    EarlierRequests, InvalidArgs, JobId, Memory, MemoryFuture, Outbox, OutboxFuture, Prepared,
    Unremembered,
};

/// A memory and an outbox that are not there. Each request fails and says so.
#[derive(Debug)]
pub(crate) struct Missing;

fn no_memory<T: Send + 'static>() -> MemoryFuture<'static, T> {
    let error = "this run has none (`Run::with_memory`)".to_owned();
    Box::pin(std::future::ready(Err(Unremembered(error))))
}

impl Memory for Missing {
    fn earlier_requests(&self) -> MemoryFuture<'_, EarlierRequests> {
        no_memory()
    }

    fn note_message<'a>(&'a self, _: &'a str) -> MemoryFuture<'a, bool> {
        no_memory()
    }

    fn recall<'a>(&'a self, _: &'a str) -> MemoryFuture<'a, Option<Vec<u8>>> {
        no_memory()
    }

    fn keep<'a>(&'a self, _: &'a str, _: &'a [u8], _: Duration) -> MemoryFuture<'a, ()> {
        no_memory()
    }

    fn keep_first<'a>(&'a self, _: &'a str, _: &'a [u8], _: Duration) -> MemoryFuture<'a, Vec<u8>> {
        no_memory()
    }

    fn checkpoint(&self) -> MemoryFuture<'_, Option<Value>> {
        no_memory()
    }

    fn save<'a>(&'a self, _: &'a Value) -> MemoryFuture<'a, bool> {
        no_memory()
    }

    fn find<'a>(&'a self, _: &'a str, _: &'a str) -> MemoryFuture<'a, Option<String>> {
        no_memory()
    }

    fn assign<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> MemoryFuture<'a, String> {
        no_memory()
    }
}

impl Outbox for Missing {
    fn prepare(&self, _: &str, _: &str) -> Result<Prepared, InvalidArgs> {
        Err(InvalidArgs(
            "this run has no outbox (`Run::with_outbox`)".to_owned(),
        ))
    }

    fn enqueue<'a>(&'a self, _: Prepared, _: &'a str, _: Duration) -> OutboxFuture<'a, JobId> {
        let error = "this run has no outbox (`Run::with_outbox`)".to_owned();
        Box::pin(std::future::ready(Err(Unremembered(error).into())))
    }
}
