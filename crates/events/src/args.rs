//! The args of jobs that deliver events. The fleet makes them itself.

mod deliver_event;

pub use deliver_event::{DeliverEvent, EventData};

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[KindSpec::of::<DeliverEvent>()];
