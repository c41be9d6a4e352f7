//! Longshore's workers: our apalis backend and the layers around a job.
