//! The args of jobs that call services.

mod call_service;

pub use call_service::{CallService, RequestBody};
#[cfg(feature = "worker")]
pub(crate) use call_service::{is_name, is_service};

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[KindSpec::of::<CallService>()];
