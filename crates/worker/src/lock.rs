//! How every lock in this crate is taken.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A poisoned lock means that a thread panicked while it held it; what is inside is a plain value all the same.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
