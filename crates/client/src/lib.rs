//! What producers add to enqueue Longshore jobs.
